"""A room while it is being furnished: where a piece still finds a place. Room's frame, metres."""

from collections.abc import Iterable

import numpy as np

from embedded_thor.planar import connected, to_room
from embedded_thor.records import Furniture, Vector3
from embedded_thor.rooms.layout import Layout, Standing, against
from embedded_thor.things import furniture as f

_WAY_M = 0.55  # kept free before pieces along the walls, and around those in the middle
_REACH_M = 0.25  # the robot's radius and a little
_TRIES = 60
_GRID_M = 0.1
_SIDES = ("north", "south", "east", "west")
_Rectangle = tuple[float, float, float, float]  # x0, z0, x1, z1


class Floor:
    """What stands where so far, in `layout`."""

    def __init__(self, corner: Vector3) -> None:
        self.corner = corner
        self.layout: Layout = []
        self._solid: list[_Rectangle] = []
        self._ways: list[_Rectangle] = []
        self._walls: list[tuple[str, float, float, float, float]] = []  # side, from, to, low, high

    def put_at_wall(self, piece: Furniture, rng: np.random.Generator) -> bool:
        """A random place with its back to a wall; False if none was found."""
        for _ in range(_TRIES):
            side = _SIDES[rng.integers(4)]
            half = self.corner[0] if side in ("north", "south") else self.corner[2]
            room = half - piece.size[0] / 2 - 0.03
            if room <= 0:
                continue
            along = round(float(rng.choice([-room, room, *rng.uniform(-room, room, 3)])), 2)
            standing = against(side, along, piece, self.corner)
            start, end = along - piece.size[0] / 2, along + piece.size[0] / 2
            low, high = piece.bottom, piece.bottom + piece.size[1]
            if not self._wall_free(side, start, end, low - 0.02, high + 0.02):
                continue
            if not self._floor_free(standing):
                continue
            if piece.blocks:
                self._solid.append(_footprint(*standing))
                self._ways.append(_footprint(*standing, _WAY_M))
            self._walls.append((side, start, end, low, high))
            self.layout.append(standing)
            return True
        return False

    def put_in_the_middle(self, table: Furniture, seats: int, rng: np.random.Generator) -> None:
        """A table, turned by 90 degrees or not, with chairs at its long sides, if there is room."""
        for _ in range(_TRIES):
            yaw = float(rng.choice([0.0, 90.0]))
            reach_x, reach_z = self.corner[0] * 0.5, self.corner[2] * 0.5
            x = round(float(rng.uniform(-reach_x, reach_x)), 2)
            z = round(float(rng.uniform(-reach_z, reach_z)), 2)
            standing = (table, (x, 0.0, z), yaw)
            solid = _footprint(*standing)
            if _meets_any(solid, self._solid, _WAY_M):
                continue
            self._solid.append(solid)
            self.layout.append(standing)
            self._seat(standing, seats)
            return

    def reachable_share(self) -> float:
        """Largest connected share of the room's floor on which the robot's centre can be."""
        xs = np.arange(-self.corner[0] + _REACH_M, self.corner[0] - _REACH_M, _GRID_M)
        zs = np.arange(-self.corner[2] + _REACH_M, self.corner[2] - _REACH_M, _GRID_M)
        clear = np.ones((len(xs), len(zs)), bool)
        for x0, z0, x1, z1 in self._solid:
            in_x = (xs > x0 - _REACH_M) & (xs < x1 + _REACH_M)
            in_z = (zs > z0 - _REACH_M) & (zs < z1 + _REACH_M)
            clear &= ~(in_x[:, None] & in_z[None])
        parts = connected({(int(i), int(j)) for i, j in np.argwhere(clear)})
        cells = max(map(len, parts), default=0)
        return cells * _GRID_M * _GRID_M / (4 * self.corner[0] * self.corner[2])

    def _wall_free(self, side: str, start: float, end: float, low: float, high: float) -> bool:
        return not any(
            s == side and start < b + 0.05 and a < end + 0.05 and low < top and bottom < high
            for s, a, b, bottom, top in self._walls
        )

    def _floor_free(self, standing: Standing) -> bool:
        """Whether a piece at a wall meets nothing and leaves every way free."""
        piece = standing[0]
        solid = _footprint(*standing)
        if piece.blocks:
            way = _footprint(*standing, _WAY_M)
            beside = _meets_any(solid, (*self._solid, *self._ways), 0.04)
            return not beside and not _meets_any(way, self._solid)
        if piece.type == "Shelf":  # nothing that stands may pierce it
            return not any(
                _meet(solid, _footprint(*other))
                and other[0].bottom + other[0].size[1] > piece.bottom
                for other in self.layout
            )
        return True

    def _seat(self, table: Standing, seats: int) -> None:
        """Chairs on both long sides in turn; one that finds no room is left out."""
        piece, position, yaw = table
        around = [other for other in self._solid if other != _footprint(*table)]
        for seat in range(seats):
            side, place = (-1, 1)[seat % 2], (-0.24, 0.24)[seat // 2]
            along = place * piece.size[0] if seats > 2 else 0.0
            x, z = to_room(position, yaw, along, side * (piece.size[2] / 2 + 0.12))
            turned = (yaw + (180.0 if side > 0 else 0.0)) % 360
            chair = (f.chair(), (round(x, 3), 0.0, round(z, 3)), turned)
            solid = _footprint(*chair)
            if _meets_any(solid, around, 0.02):
                continue
            around.append(solid)
            self._solid.append(solid)
            self.layout.append(chair)


def _footprint(
    piece: Furniture, position: Vector3, yaw_deg: float, front_m: float = 0.0
) -> _Rectangle:
    """Grown by `front_m` before the piece (towards its own +z)."""
    x0, z0 = to_room(position, yaw_deg, -piece.size[0] / 2, -piece.size[2] / 2)
    x1, z1 = to_room(position, yaw_deg, piece.size[0] / 2, piece.size[2] / 2 + front_m)
    return min(x0, x1), min(z0, z1), max(x0, x1), max(z0, z1)


def _meet(a: _Rectangle, b: _Rectangle, gap: float = 0.0) -> bool:
    return a[0] < b[2] + gap and b[0] < a[2] + gap and a[1] < b[3] + gap and b[1] < a[3] + gap


def _meets_any(one: _Rectangle, others: Iterable[_Rectangle], gap: float = 0.0) -> bool:
    return any(_meet(one, other, gap) for other in others)
