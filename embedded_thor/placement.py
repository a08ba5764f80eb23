"""Where things can stand, and putting them there. World frame, metres."""

import itertools

import numpy as np

from embedded_thor.item import Item
from embedded_thor.outcome import ActionFailed
from embedded_thor.physics import settle
from embedded_thor.receptacles import surfaces
from embedded_thor.records import Surface, Vector3
from embedded_thor.session import Session
from embedded_thor.things.parts import BESIDE_M

_PITCH_M, _FLOOR_PITCH_M = 0.05, 0.15
_TOUCH_M = 0.003  # how far boxes may reach into each other
_WALL_M = 0.01  # and into a wall
_FREE_FLOOR_M = 0.05  # around a point on the floor


def let_go(session: Session, items: list[Item]) -> None:
    """Let things fall until they rest."""
    if items:
        settle(session.world, items)


def place(
    session: Session,
    item: Item,
    position: np.ndarray,
    rotation: Vector3 | None = None,
    vessel: Item | None = None,
) -> None:
    """Put an object's pivot at a point, with what lies in it, if its box meets nothing there.

    Args:
        rotation: Unity's angles in degrees; None: as it is turned.
        vessel: what it is put into, which it may meet, and which must be as wide.
    Raises: ActionFailed; then it is where it was.
    """
    before, contents = (item.position, item.rotation), session.contents(item)
    session.move_with_contents(item, position, item.rotation if rotation is None else rotation)
    if _in_the_way(session, item, contents, vessel):
        session.move_with_contents(item, *before)
        session.world.sync()
        there = dict(zip("xyz", map(float, position)))
        raise ActionFailed(f"{item.object_id} cannot be placed at {there}: something is in the way")
    session.world.set_active(item, True)
    session.world.sync()


def _in_the_way(session: Session, item: Item, contents: list[Item], vessel: Item | None) -> bool:
    """Whether the box of an item, where it is, meets a wall or another thing's box.

    Furniture on which things can stand does not count: its box is more air than wood.
    """
    low, high = item.corners.min(axis=0) + _TOUCH_M, item.corners.max(axis=0) - _TOUCH_M
    room = session.world.room
    if np.any(low < np.array(room.minimum) - _WALL_M) or np.any(high > room.maximum):
        return True
    if vessel is not None:
        least, most = vessel.corners.min(axis=0), vessel.corners.max(axis=0)
        if np.any((low < least)[[0, 2]]) or np.any((high > most)[[0, 2]]):
            return True
    beside = (item, vessel, *contents)
    for other in session.world.items.values():
        if not other.active or other in beside or (not other.pickupable and surfaces(other)):
            continue
        least, most = other.corners.min(axis=0), other.corners.max(axis=0)
        if np.all(low < most) and np.all(high > least):
            return True
    return False


def standing_points(
    session: Session, receptacle: Item, radius_m: float = 0.0
) -> list[tuple[np.ndarray, float]]:
    """Where something of that radius can stand on a receptacle, or between its walls.

    Returns: points, 5 cm apart on furniture and 15 cm on the floor, and how high it may be there.
    """
    walled = receptacle.opening is not None and receptacle.placed is not None
    beside = max(0.0, radius_m - BESIDE_M) if walled else 0.0
    points = []
    for surface in surfaces(receptacle):
        for x, z in _grid(surface, receptacle, beside):
            own = np.array([x, surface.y, z])
            points.append((receptacle.position + receptacle.matrix @ own, surface.clearance))
    if receptacle.type == "Floor":
        return [
            (p, clearance)
            for p, clearance in points
            if session.footprint_free(p[0], p[2], _FREE_FLOOR_M)
        ]
    return points


def _grid(surface: Surface, receptacle: Item, beside_m: float) -> list[tuple[float, float]]:
    """Points (x, z) of a surface in its own frame, so far from its edges; none if it is small."""
    x0, x1 = surface.x0 + beside_m, surface.x1 - beside_m
    z0, z1 = surface.z0 + beside_m, surface.z1 - beside_m
    if x0 > x1 or z0 > z1:
        return []
    if receptacle.asset:  # small: its middle will do
        return [((x0 + x1) / 2, (z0 + z1) / 2)]
    pitch = _FLOOR_PITCH_M if receptacle.type == "Floor" else _PITCH_M
    xs = np.linspace(x0, x1, max(2, int((x1 - x0) / pitch) + 1))
    zs = np.linspace(z0, z1, max(2, int((z1 - z0) / pitch) + 1))
    return list(itertools.product(xs, zs))
