"""A floor plan before its objects: which pieces of furniture stand where. Room's frame, metres."""

from dataclasses import dataclass

from embedded_thor.records import Furniture, Vector3
from embedded_thor.things.materials import Look

HEIGHT_M = 2.6
_CLEAR_M = 0.03  # gap between neighbours and towards walls
Standing = tuple[Furniture, Vector3, float]  # a piece, its position, its yaw in degrees
Layout = list[Standing]


@dataclass(frozen=True)
class Plan:
    """What a floor plan's name stands for.

    Attributes:
        kind: Kitchen, LivingRoom, Bedroom or Bathroom.
        corner: half width, height, half depth of the room (metres).
        sun: direction in which the key light travels.
    """

    kind: str
    corner: Vector3
    layout: Layout
    look: Look
    sun: Vector3


def against(side: str, along: float, piece: Furniture, corner: Vector3, y: float = 0.0) -> Standing:
    """A piece with its back to a wall ("north" is +z).

    Args:
        along: coordinate of its centre along the wall. corner: of the room, as a Plan has it.
    """
    gap = piece.size[2] / 2 + (_CLEAR_M if piece.blocks else 0.0)
    if piece.type in ("Window", "Painting"):
        gap = 0.0
    if side == "north":
        return piece, (along, y, corner[2] - gap), 180.0
    if side == "south":
        return piece, (along, y, gap - corner[2]), 0.0
    if side == "east":
        return piece, (corner[0] - gap, y, along), 270.0
    return piece, (gap - corner[0], y, along), 90.0


def free(x: float, z: float, piece: Furniture, yaw_deg: float = 0.0) -> Standing:
    """A piece anywhere on the floor."""
    return piece, (x, 0.0, z), yaw_deg
