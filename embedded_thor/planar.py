"""Geometry of the floor plane: (x, z) of THOR's frame, metres, yaw clockwise seen from above."""

import numpy as np

from embedded_thor.records import Vector3

Cell = tuple[int, int]


def to_room(position: Vector3, yaw_deg: float, x: float, z: float) -> tuple[float, float]:
    """(x, z) in the frame of a piece that stands at `position`, turned by `yaw_deg`, to the room's.

    x, z: numbers, or arrays of them.
    """
    yaw = np.radians(yaw_deg)
    sin, cos = np.sin(yaw), np.cos(yaw)
    return position[0] + x * cos + z * sin, position[2] - x * sin + z * cos


def to_own(position: Vector3, yaw_deg: float, x: float, z: float) -> tuple[float, float]:
    """The inverse of `to_room`: the room's (x, z) in the frame of the piece."""
    yaw = np.radians(yaw_deg)
    sin, cos, dx, dz = np.sin(yaw), np.cos(yaw), x - position[0], z - position[2]
    return dx * cos - dz * sin, dx * sin + dz * cos


def inside(point: np.ndarray, outline: np.ndarray) -> bool:
    """Whether (x, z) lies in a polygon (N, 2), by the even-odd rule."""
    a, b = outline, np.roll(outline, -1, axis=0)
    crosses = (a[:, 1] > point[1]) != (b[:, 1] > point[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        x = a[:, 0] + (point[1] - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
    return bool(np.count_nonzero(crosses & (point[0] < x)) % 2)


def connected(cells: set[Cell]) -> list[set[Cell]]:
    """The parts of a grid between which one cannot walk."""
    left, parts = set(cells), []
    while left:
        part, stack = set(), [left.pop()]
        while stack:
            i, j = stack.pop()
            part.add((i, j))
            for near in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
                if near in left:
                    left.remove(near)
                    stack.append(near)
        parts.append(part)
    return parts
