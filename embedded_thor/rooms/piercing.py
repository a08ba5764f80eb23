"""Objects whose boxes reach into a wall, a backrest or a board, moved to where they do not.

Room's frame, metres.
"""

from dataclasses import replace

import numpy as np

from embedded_thor.planar import to_room
from embedded_thor.records import ObjectInstance, Placed, Vector3
from embedded_thor.rooms.places import Place, Spots, floor_places, radius_of
from embedded_thor.things.meshes import pieces

_PIERCED_M = 0.003  # how far boxes may reach into each other
_BESIDE_START_M = 0.35  # kept free around the agent's start


def parted(
    objects: tuple[ObjectInstance, ...],
    placed: tuple[Placed, ...],
    low: Vector3,
    high: Vector3,
    start: tuple[float, float],
    places: list[Place],
) -> tuple[ObjectInstance, ...]:
    """What pierces something is moved to the first free place where it does not, off the start.

    Args:
        low, high: corners of the room. start: where the agent starts (x, z).
        places: in the order in which they are tried; the floor comes after them once more.
    """
    solids = _solids(placed)
    clashing = [item for item in objects if _pierces(item, solids, low, high)]
    clashing.sort(key=lambda item: -radius_of(item.asset))  # the large ones first
    names = {item.name for item in clashing}
    spots = _spots(places, low, high, start)
    for item in objects:
        if item.name not in names:
            spots.take(item.position, radius_of(item.asset))
    moved = {}
    for item in clashing:
        there = (replace(item, position=spots.position(i)) for i in spots.free_for(item.asset))
        fits = (instance for instance in there if not _pierces(instance, solids, low, high))
        moved[item.name] = next(fits, item)
        spots.take(moved[item.name].position, radius_of(item.asset))
    return tuple(moved.get(item.name, item) for item in objects)


def _spots(places: list[Place], low: Vector3, high: Vector3, start: tuple[float, float]) -> Spots:
    """The places, and a finer grid on the floor, beneath tables, too; none near the start."""
    fine = floor_places(low, high, 0.05, 0.0, 0.07)
    spots = Spots(np.round([*places, *fine], 4).tolist())
    on_floor = spots.at[:, 1] == 0
    beside = np.hypot(spots.at[:, 0] - start[0], spots.at[:, 2] - start[1]) - _BESIDE_START_M
    spots.room_left[on_floor] = beside[on_floor]
    return spots


def _pierces(instance: ObjectInstance, solids: np.ndarray, low: Vector3, high: Vector3) -> bool:
    lowest, highest = _box(instance)
    if np.any(lowest < np.array(low) - 1e-9) or np.any(highest > high):
        return True
    above, below = solids[:, 1] > lowest + _PIERCED_M, solids[:, 0] < highest - _PIERCED_M
    return bool(np.all(above & below, axis=1).any())


def _solids(placed: tuple[Placed, ...]) -> np.ndarray:
    """(N, 2, 3) lowest and highest corner of every piece that furniture is made of."""
    corners = []
    for item in placed:
        for mesh in item.furniture.meshes:
            for points in pieces(mesh):
                x, z = to_room(item.position, item.yaw_deg, points[:, 0], points[:, 2])
                points = np.column_stack([x, points[:, 1] + item.position[1], z])
                corners.append((points.min(axis=0), points.max(axis=0)))
    return np.array(corners)


def _box(instance: ObjectInstance) -> np.ndarray:
    """(2, 3) lowest and highest corner of an object's box, turned as it is."""
    width, height, depth = instance.asset.size
    yaw = np.radians(instance.yaw_deg)
    sin, cos = np.abs([np.sin(yaw), np.cos(yaw)])
    half = np.array([width * cos + depth * sin, 0.0, width * sin + depth * cos]) / 2
    foot = np.array(instance.position)
    return np.stack([foot - half, foot + half + [0.0, height, 0.0]])
