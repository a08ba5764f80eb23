"""Where an object can stand in a furnished room, and how much room is left there.

Room's frame, metres.
"""

import numpy as np

from embedded_thor.planar import to_own, to_room
from embedded_thor.records import Asset, Placed, Surface, Vector3

Place = tuple[float, float, float, float]  # x, y, z, clearance above
_ON_FURNITURE_M, _ON_FLOOR_M = 0.12, 0.14  # pitch of the places
_OPEN_M = 10.0  # clearance where nothing is above


class Spots:
    """Places, and for each the radius of the largest circle that still has room there."""

    def __init__(self, places: list[Place]) -> None:
        self.at = np.array(places)  # (N, 4) x, y, z, clearance
        self.room_left = np.full(len(places), np.inf)

    def take(self, position: Vector3, radius: float) -> None:
        """Something stands there now."""
        gap = np.hypot(self.at[:, 0] - position[0], self.at[:, 2] - position[2]) - radius
        beside = np.abs(self.at[:, 1] - position[1]) <= 0.3
        self.room_left[beside] = np.minimum(self.room_left[beside], gap[beside])

    def free_for(self, shape: Asset) -> np.ndarray:
        """Indices of the places that have room for it."""
        return np.flatnonzero((self.room_left > radius_of(shape)) & (self.at[:, 3] > shape.size[1]))

    def position(self, index: int) -> Vector3:
        return tuple(map(float, self.at[index, :3]))


def radius_of(shape: Asset) -> float:
    """Of the circle around its footprint."""
    return float(np.hypot(shape.size[0], shape.size[2])) / 2


def places_of(
    placed: tuple[Placed, ...], low: Vector3, high: Vector3, rng: np.random.Generator
) -> tuple[list[Place], list[Place]]:
    """Places in the order in which they are tried.

    Returns: those on furniture (shuffled), those on the floor (along the walls first).
    """
    on_furniture = [
        place
        for piece in placed
        for surface in piece.furniture.surfaces
        for place in _places_on(piece, surface)
    ]
    on_floor = [
        place
        for place in floor_places(low, high, 0.25, 0.2, _ON_FLOOR_M)
        if not any(covers(piece, place[0], place[2], 0.2) for piece in placed)
    ]
    on_floor.sort(key=lambda place: min(high[0] - abs(place[0]), high[2] - abs(place[2])))
    rng.shuffle(on_furniture)
    return on_furniture, on_floor


def floor_places(
    low: Vector3, high: Vector3, from_low_m: float, from_high_m: float, pitch_m: float
) -> list[Place]:
    """A grid over the whole floor, so far from the walls."""
    return [
        (float(x), 0.0, float(z), _OPEN_M)
        for x in np.arange(low[0] + from_low_m, high[0] - from_high_m, pitch_m)
        for z in np.arange(low[2] + from_low_m, high[2] - from_high_m, pitch_m)
    ]


def covers(piece: Placed, x: float, z: float, margin: float) -> bool:
    """Whether the footprint of a standing piece, grown by a margin, covers a floor point."""
    if not piece.furniture.blocks:
        return False
    own_x, own_z = to_own(piece.position, piece.yaw_deg, x, z)
    width, _, depth = piece.furniture.size
    return abs(own_x) < width / 2 + margin and abs(own_z) < depth / 2 + margin


def _places_on(piece: Placed, surface: Surface) -> list[Place]:
    """A grid over a surface."""
    width, depth = surface.x1 - surface.x0, surface.z1 - surface.z0
    nx, nz = max(1, int(width / _ON_FURNITURE_M)), max(1, int(depth / _ON_FURNITURE_M))
    places = []
    for x in surface.x0 + (np.arange(nx) + 0.5) * width / nx:
        for z in surface.z0 + (np.arange(nz) + 0.5) * depth / nz:
            room_x, room_z = to_room(piece.position, piece.yaw_deg, float(x), float(z))
            places.append((room_x, piece.position[1] + surface.y, room_z, surface.clearance))
    return places
