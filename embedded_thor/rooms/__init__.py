"""Floor plans by iTHOR's names: a layout of furniture for each, and the objects on it."""

from embedded_thor.rooms.floor_plan import SCENE_NAMES, room

__all__ = ["SCENE_NAMES", "room"]
