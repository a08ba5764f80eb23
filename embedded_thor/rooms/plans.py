"""Layouts of the 120 floor plans. Four are drawn by hand; the others are furnished from their name by rules.

The rules: a room type has a size range, a list of pieces (some in several forms), palettes. Pieces with a back go against
a wall, in random order, where they overlap nothing, leave the way to the others free and cover no window; then tables
and chairs stand in the middle. A layout in which the robot could reach less than three tenths of the floor is drawn again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from embedded_thor.planar import connected, to_room
from embedded_thor.records import Furniture, Vector3
from embedded_thor.things import furniture as f
from embedded_thor.things.materials import Look

HEIGHT_M = 2.6
_CLEAR_M = 0.03  # gap between neighbours and towards walls
_WAY_M = 0.55  # kept free before pieces along the walls, and around those in the middle
_REACH_M = 0.25  # the robot's radius and a little
Layout = list[tuple[Furniture, Vector3, float]]


@dataclass(frozen=True)
class Plan:
    """A floor plan before its objects.

    Attributes:
        kind: Kitchen, LivingRoom, Bedroom or Bathroom. corner: half width, height, half depth of the room (metres).
        sun: direction in which the key light travels.
    """

    kind: str
    corner: Vector3
    layout: Layout
    look: Look
    sun: Vector3


def against(
    side: str, along: float, piece: Furniture, corner: Vector3, y: float = 0.0
) -> tuple[Furniture, Vector3, float]:
    """A piece with its back to a wall ("north" is +z). `along`: coordinate of its centre along the wall."""
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


def free(
    x: float, z: float, piece: Furniture, yaw_deg: float = 0.0
) -> tuple[Furniture, Vector3, float]:
    return piece, (x, 0.0, z), yaw_deg


# -- by hand -----------------------------------------------------------------------------------------------------------


def _kitchen() -> Plan:
    corner = (2.3, HEIGHT_M, 2.0)
    layout = [
        against("north", -0.15, f.counter(2.0), corner),
        against("north", 1.2, f.stove(), corner),
        against("north", -1.75, f.fridge(), corner),
        against("north", -0.15, f.wall_shelf(1.9, 0.30, (1.28, 1.62)), corner),
        against("east", -0.3, f.shelving_unit(1.0, 0.34, (0.12, 0.50, 0.90, 1.28), 1.5), corner),
        free(-0.55, -0.45, f.table("DiningTable", 1.3, 0.85, 0.74)),
        free(-0.55, -1.12, f.chair(), 0.0),
        free(0.45, -1.45, f.stool()),
        against("west", -1.45, f.bin_(), corner),
        against("west", 0.2, f.window(1.3, 1.0, 1.0), corner),
        against("south", 0.6, f.painting(0.7, 0.5, 1.35), corner),
    ]
    look = Look(
        ("tiles", (0.80, 0.76, 0.68), 0.8),
        ("plaster", (0.86, 0.84, 0.74)),
        (0.72, 0.53, 0.34),
        (0.5, 0.5, 0.55),
        (0.62, 0.68, 0.66),
        (0.55, 0.68, 0.80),
        (0.45, 0.5, 0.52),
    )
    return Plan("Kitchen", corner, layout, look, (0.75, -1.0, -0.45))


def _living_room() -> Plan:
    corner = (2.6, HEIGHT_M, 2.2)
    layout = [
        against("south", -0.5, f.sofa(2.0, seats=2), corner),
        free(-0.5, -0.35, f.table("CoffeeTable", 1.15, 0.65, 0.42, shelf=True)),
        against("north", -0.4, f.dresser("TVStand", 1.7, 0.42, 0.52, 2), corner),
        against("west", 0.1, f.shelving_unit(1.3, 0.34, (0.10, 0.48, 0.86, 1.24), 1.55), corner),
        against("east", 0.9, f.table("SideTable", 0.6, 0.5, 0.62), corner),
        against("east", -0.6, f.table("Desk", 1.2, 0.6, 0.75), corner),
        against("east", -0.6, f.wall_shelf(1.1, 0.26, (1.25,)), corner),
        free(1.25, 1.85, f.floor_lamp()),
        free(1.05, -1.8, f.plant()),
        against("north", 1.0, f.window(1.1, 1.1, 0.95), corner),
        against("north", -0.5, f.painting(1.0, 0.6, 1.3), corner),
        against("south", -0.5, f.painting(0.8, 0.55, 1.35), corner),
    ]
    look = Look(
        ("planks", (0.60, 0.42, 0.26), 1.3),
        ("stripes", (0.78, 0.80, 0.78)),
        (0.62, 0.43, 0.27),
        (0.34, 0.40, 0.47),
        (0.8, 0.8, 0.78),
        (0.75, 0.55, 0.42),
        (0.62, 0.55, 0.48),
    )
    return Plan("LivingRoom", corner, layout, look, (-0.55, -1.0, -0.7))


def _bedroom() -> Plan:
    corner = (2.3, HEIGHT_M, 2.1)
    layout = [
        against("south", 0.35, f.bed(1.5), corner),
        against("south", -0.75, f.table("SideTable", 0.48, 0.42, 0.55), corner),
        against("south", 1.55, f.table("SideTable", 0.48, 0.42, 0.55), corner),
        against("west", 0.95, f.table("Desk", 1.3, 0.62, 0.76), corner),
        against("west", 0.95, f.wall_shelf(1.2, 0.26, (1.22, 1.55)), corner),
        against("north", 0.9, f.dresser("Dresser", 1.2, 0.48, 0.86, 4), corner),
        against("north", -0.55, f.shelving_unit(0.9, 0.34, (0.10, 0.46, 0.82, 1.18), 1.4), corner),
        against("west", -0.6, f.window(1.2, 1.1, 0.9), corner),
        against("north", 0.9, f.painting(0.8, 0.5, 1.45), corner),
        against("east", 0.2, f.painting(0.6, 0.8, 1.1), corner),
        against("west", -1.3, f.bin_(), corner),
    ]
    look = Look(
        ("carpet", (0.66, 0.62, 0.56), 1.0),
        ("plaster", (0.72, 0.78, 0.80)),
        (0.80, 0.66, 0.48),
        (0.45, 0.48, 0.58),
        (0.8, 0.8, 0.78),
        (0.80, 0.66, 0.55),
        (0.50, 0.45, 0.50),
    )
    return Plan("Bedroom", corner, layout, look, (0.7, -1.0, 0.5))


def _bathroom() -> Plan:
    corner = (2.0, HEIGHT_M, 1.8)
    layout = [
        against("north", -0.9, f.bathtub(), corner),
        against("east", 0.9, f.toilet(), corner),
        against("east", -0.45, f.sink_cabinet(1.3), corner),
        against("east", -0.45, f.wall_shelf(1.1, 0.24, (1.30,)), corner),
        against("west", -0.75, f.shelving_unit(0.95, 0.36, (0.12, 0.50, 0.88, 1.26), 1.5), corner),
        against("south", 0.25, f.dresser("Dresser", 1.1, 0.45, 0.80, 3), corner),
        free(-0.2, 0.15, f.table("SideTable", 0.75, 0.55, 0.48)),
        against("south", -0.95, f.stool(), corner),
        against("north", 0.9, f.window(0.8, 0.8, 1.25), corner),
        against("south", 0.25, f.painting(0.7, 0.5, 1.3), corner),
    ]
    look = Look(
        ("tiles", (0.55, 0.62, 0.66), 0.6),
        ("tiles", (0.82, 0.88, 0.89)),
        (0.74, 0.58, 0.42),
        (0.5, 0.5, 0.55),
        (0.78, 0.80, 0.80),
        (0.50, 0.70, 0.78),
        (0.40, 0.55, 0.60),
    )
    return Plan("Bathroom", corner, layout, look, (-0.5, -1.0, -0.6))


_BY_HAND: dict[str, Callable[[], Plan]] = {
    "FloorPlan1": _kitchen,
    "FloorPlan201": _living_room,
    "FloorPlan301": _bedroom,
    "FloorPlan401": _bathroom,
}


# -- by rule -----------------------------------------------------------------------------------------------------------

Draw = np.random.Generator


def _between(rng: Draw, low: float, high: float) -> float:
    """A length in whole centimetres."""
    return round(float(rng.uniform(low, high)), 2)


def _levels(rng: Draw, count: int) -> tuple[float, ...]:
    pitch = _between(rng, 0.36, 0.42)
    return tuple(round(0.10 + pitch * i, 2) for i in range(count))


def _shelving(rng: Draw, low: float = 0.8, high: float = 1.3) -> Furniture:
    levels = _levels(rng, int(rng.integers(3, 5)))
    return f.shelving_unit(
        _between(rng, low, high),
        _between(rng, 0.32, 0.38),
        levels,
        levels[-1] + 0.3,
        back=bool(rng.integers(2)),
    )


def _shelf(rng: Draw, low: float, high: float, boards: int) -> Furniture:
    first = _between(rng, 1.22, 1.32)
    return f.wall_shelf(
        _between(rng, low, high),
        _between(rng, 0.24, 0.30),
        tuple(first + 0.34 * i for i in range(boards)),
    )


def _window(rng: Draw) -> Furniture:
    return f.window(_between(rng, 0.8, 1.6), _between(rng, 0.8, 1.2), _between(rng, 0.95, 1.1))


def _painting(rng: Draw) -> Furniture:
    return f.painting(_between(rng, 0.4, 1.0), _between(rng, 0.4, 0.7), _between(rng, 1.3, 1.5))


def _side_table(rng: Draw, height: float = 0.55) -> Furniture:
    return f.table(
        "SideTable",
        _between(rng, 0.42, 0.6),
        _between(rng, 0.4, 0.5),
        round(height + float(rng.uniform(-0.06, 0.08)), 2),
    )


def _desk(rng: Draw) -> Furniture:
    return f.table(
        "Desk", _between(rng, 1.0, 1.4), _between(rng, 0.55, 0.65), _between(rng, 0.73, 0.77)
    )


def _dresser(rng: Draw, type_: str = "Dresser") -> Furniture:
    low, high = (0.45, 0.58) if type_ == "TVStand" else (0.75, 0.95)
    height = _between(rng, low, high)
    return f.dresser(
        type_, _between(rng, 1.0, 1.6), _between(rng, 0.40, 0.48), height, 2 if height < 0.6 else 3
    )


Maker = Callable[[Draw], Furniture]


@dataclass(frozen=True)
class _Rule:
    """half_size: ranges of the half width and half depth. standing: pieces with a back, the ones that must be first;
    hung: what hangs; centre: makers of what may stand in the middle, or None; pieces of `standing` after `must` may be
    left out when there is no wall for them."""

    half_size: tuple[tuple[float, float], tuple[float, float]]
    standing: tuple[Maker, ...]
    must: int
    hung: tuple[Maker, ...]
    centre: Maker | None
    seats: tuple[int, int]
    floors: tuple[str, ...]


_RULES: dict[str, _Rule] = {
    "Kitchen": _Rule(
        ((1.9, 2.8), (1.7, 2.4)),
        (
            lambda r: f.counter(_between(r, 1.5, 2.4), drawers=int(r.integers(2, 5))),
            lambda r: f.fridge(),
            lambda r: f.stove(),
            lambda r: (
                f.counter(_between(r, 0.9, 1.4), drawers=2)
                if r.random() < 0.6
                else f.sink_cabinet(1.2)
            ),
            _shelving,
            lambda r: f.bin_(),
            _side_table,
            lambda r: f.stool(),
        ),
        4,
        (_window, lambda r: _shelf(r, 0.9, 1.6, 2), lambda r: _shelf(r, 0.7, 1.1, 1), _painting),
        lambda r: f.table(
            "DiningTable", _between(r, 1.0, 1.5), _between(r, 0.75, 0.9), _between(r, 0.72, 0.77)
        ),
        (1, 4),
        ("tiles", "planks", "tiles"),
    ),
    "LivingRoom": _Rule(
        ((2.2, 3.1), (2.0, 2.8)),
        (
            lambda r: f.sofa(_between(r, 1.6, 2.2), seats=int(r.integers(2, 4))),
            lambda r: _dresser(r, "TVStand"),
            _shelving,
            _desk,
            _side_table,
            lambda r: f.floor_lamp(),
            lambda r: f.plant(),
            lambda r: f.sofa(_between(r, 0.85, 0.95), seats=1),
            _dresser,
            _shelving,
        ),
        5,
        (_window, _window, _painting, _painting, lambda r: _shelf(r, 0.8, 1.3, 1)),
        lambda r: f.table(
            "CoffeeTable",
            _between(r, 0.9, 1.2),
            _between(r, 0.55, 0.7),
            _between(r, 0.40, 0.46),
            shelf=r.random() < 0.5,
        ),
        (0, 0),
        ("planks", "planks", "carpet"),
    ),
    "Bedroom": _Rule(
        ((2.0, 2.7), (1.9, 2.5)),
        (
            lambda r: f.bed(_between(r, 1.0, 1.7), _between(r, 1.95, 2.05)),
            _dresser,
            _side_table,
            _desk,
            _shelving,
            _side_table,
            lambda r: f.chair(),
            lambda r: f.bin_(),
            lambda r: f.floor_lamp(),
            lambda r: f.plant(),
        ),
        4,
        (_window, _painting, lambda r: _shelf(r, 0.8, 1.3, 2), _painting),
        None,
        (0, 0),
        ("carpet", "planks", "carpet"),
    ),
    "Bathroom": _Rule(
        ((1.7, 2.3), (1.6, 2.1)),
        (
            lambda r: f.bathtub(_between(r, 1.45, 1.7), _between(r, 0.68, 0.75)),
            lambda r: f.toilet(),
            lambda r: f.sink_cabinet(_between(r, 1.0, 1.4)),
            lambda r: _shelving(r, 0.7, 1.0),
            lambda r: _dresser(r),
            _side_table,
            lambda r: f.stool(),
            lambda r: f.bin_(),
        ),
        4,
        (lambda r: _shelf(r, 0.7, 1.1, 2), _window, _painting),
        lambda r: _side_table(r, 0.48),
        (0, 0),
        ("tiles",),
    ),
}
_WOODS = (
    (0.72, 0.53, 0.34),
    (0.60, 0.42, 0.26),
    (0.80, 0.66, 0.48),
    (0.48, 0.33, 0.22),
    (0.74, 0.60, 0.46),
    (0.66, 0.44, 0.30),
)
_WALLS = (
    (0.86, 0.84, 0.74),
    (0.78, 0.80, 0.78),
    (0.72, 0.78, 0.80),
    (0.84, 0.78, 0.72),
    (0.88, 0.87, 0.84),
    (0.74, 0.79, 0.70),
    (0.80, 0.76, 0.80),
    (0.85, 0.80, 0.66),
)
_FABRICS = (
    (0.34, 0.40, 0.47),
    (0.45, 0.48, 0.58),
    (0.52, 0.44, 0.38),
    (0.40, 0.46, 0.40),
    (0.56, 0.52, 0.47),
    (0.46, 0.36, 0.38),
)
_CABINETS = (
    (0.62, 0.68, 0.66),
    (0.80, 0.79, 0.75),
    (0.55, 0.60, 0.68),
    (0.68, 0.62, 0.54),
    (0.74, 0.74, 0.76),
)
_FLOORS = {
    "tiles": (
        (0.80, 0.76, 0.68),
        (0.55, 0.62, 0.66),
        (0.72, 0.72, 0.70),
        (0.62, 0.54, 0.46),
        (0.82, 0.82, 0.80),
    ),
    "planks": ((0.60, 0.42, 0.26), (0.70, 0.54, 0.36), (0.48, 0.34, 0.22), (0.66, 0.50, 0.38)),
    "carpet": ((0.66, 0.62, 0.56), (0.52, 0.54, 0.58), (0.60, 0.52, 0.48), (0.50, 0.55, 0.50)),
}
_PICTURES = (
    (0.55, 0.68, 0.80),
    (0.75, 0.55, 0.42),
    (0.80, 0.66, 0.55),
    (0.50, 0.70, 0.78),
    (0.62, 0.60, 0.72),
)


def _look(rule: _Rule, kind: str, rng: Draw) -> Look:
    def pick(colors: tuple[Vector3, ...]) -> Vector3:
        shade = 1 + rng.uniform(-0.06, 0.06, 3)
        return tuple(
            round(float(v), 3)
            for v in np.clip(np.array(colors[rng.integers(len(colors))]) * shade, 0, 0.95)
        )

    floor = rule.floors[rng.integers(len(rule.floors))]
    wall = "tiles" if kind == "Bathroom" else ("plaster", "plaster", "stripes")[rng.integers(3)]
    metres = {"tiles": _between(rng, 0.5, 0.9), "planks": 1.3, "carpet": 1.0}[floor]
    return Look(
        (floor, pick(_FLOORS[floor]), metres),
        (wall, pick(_WALLS)),
        pick(_WOODS),
        pick(_FABRICS),
        pick(_CABINETS),
        pick(_PICTURES),
        pick(_FABRICS),
    )


class _Floor:
    """What stands where while a room is being furnished. Rectangles are (x0, z0, x1, z1) in metres."""

    def __init__(self, corner: Vector3) -> None:
        self.corner = corner
        self.layout: Layout = []
        self._solid: list[tuple[float, float, float, float]] = []
        self._ways: list[tuple[float, float, float, float]] = []
        self._walls: list[tuple[str, float, float, float, float]] = []  # side, from, to, low, high

    @staticmethod
    def _rectangle(
        piece: Furniture, position: Vector3, yaw_deg: float, front_m: float
    ) -> tuple[float, float, float, float]:
        """Footprint, grown by `front_m` before the piece (towards its own +z)."""
        x0, z0 = to_room(position, yaw_deg, -piece.size[0] / 2, -piece.size[2] / 2)
        x1, z1 = to_room(position, yaw_deg, piece.size[0] / 2, piece.size[2] / 2 + front_m)
        return min(x0, x1), min(z0, z1), max(x0, x1), max(z0, z1)

    @staticmethod
    def _meet(a: tuple[float, ...], b: tuple[float, ...], gap: float = 0.0) -> bool:
        return a[0] < b[2] + gap and b[0] < a[2] + gap and a[1] < b[3] + gap and b[1] < a[3] + gap

    def _wall_free(self, side: str, start: float, end: float, low: float, high: float) -> bool:
        return not any(
            s == side and start < b + 0.05 and a < end + 0.05 and low < top and bottom < high
            for s, a, b, bottom, top in self._walls
        )

    def put_at_wall(self, piece: Furniture, rng: Draw, tries: int = 60) -> bool:
        """A random place with its back to a wall; False if none was found."""
        sides = ("north", "south", "east", "west")
        for _ in range(tries):
            side = sides[rng.integers(4)]
            half = self.corner[0] if side in ("north", "south") else self.corner[2]
            room = half - piece.size[0] / 2 - 0.03
            if room <= 0:
                continue
            along = round(float(rng.choice([-room, room, *rng.uniform(-room, room, 3)])), 2)
            placed = against(side, along, piece, self.corner)
            start, end = along - piece.size[0] / 2, along + piece.size[0] / 2
            low, high = piece.bottom, piece.bottom + piece.size[1]
            if not self._wall_free(side, start, end, low - 0.02, high + 0.02):
                continue
            if piece.blocks:
                solid = self._rectangle(*placed, 0.0)
                way = self._rectangle(*placed, _WAY_M)
                if any(self._meet(solid, other, 0.04) for other in (*self._solid, *self._ways)):
                    continue
                if any(self._meet(way, other) for other in self._solid):
                    continue
                self._solid.append(solid)
                self._ways.append(way)
            elif piece.type == "Shelf":  # nothing that stands may pierce it
                body = self._rectangle(*placed, 0.0)
                if any(
                    self._meet(body, self._rectangle(*other, 0.0))
                    and other[0].bottom + other[0].size[1] > low
                    for other in self.layout
                ):
                    continue
            self._walls.append((side, start, end, low, high))
            self.layout.append(placed)
            return True
        return False

    def put_in_the_middle(self, piece: Furniture, seats: int, rng: Draw) -> bool:
        """A table (turned by 90 degrees or not) with chairs at its long sides; False if there is no room."""
        for _ in range(60):
            yaw = float(rng.choice([0.0, 90.0]))
            position = (
                round(float(rng.uniform(-self.corner[0] * 0.5, self.corner[0] * 0.5)), 2),
                0.0,
                round(float(rng.uniform(-self.corner[2] * 0.5, self.corner[2] * 0.5)), 2),
            )
            solid = self._rectangle(piece, position, yaw, 0.0)
            if any(self._meet(solid, other, _WAY_M) for other in self._solid):
                continue
            self._solid.append(solid)
            self.layout.append((piece, position, yaw))
            for seat in range(seats):
                side, place = (-1, 1)[seat % 2], (-0.24, 0.24)[seat // 2]
                chair = f.chair()
                along = place * piece.size[0] if seats > 2 else 0.0
                x, z = to_room(position, yaw, along, side * (piece.size[2] / 2 + 0.12))
                at = (round(x, 3), 0.0, round(z, 3))
                turned = (yaw + (180.0 if side > 0 else 0.0)) % 360
                inside = self._rectangle(chair, at, turned, 0.0)
                if any(self._meet(inside, other, 0.02) for other in self._solid if other != solid):
                    continue
                self._solid.append(inside)
                self.layout.append((chair, at, turned))
            return True
        return False

    def reachable_share(self) -> float:
        """Largest connected share of the room's floor on which the robot's centre can be."""
        step = 0.1
        xs = np.arange(-self.corner[0] + _REACH_M, self.corner[0] - _REACH_M, step)
        zs = np.arange(-self.corner[2] + _REACH_M, self.corner[2] - _REACH_M, step)
        clear = np.ones((len(xs), len(zs)), bool)
        for x0, z0, x1, z1 in self._solid:
            inside = (xs > x0 - _REACH_M) & (xs < x1 + _REACH_M)
            clear &= ~(inside[:, None] & ((zs > z0 - _REACH_M) & (zs < z1 + _REACH_M))[None])
        parts = connected({(int(i), int(j)) for i, j in np.argwhere(clear)})
        return max(map(len, parts), default=0) * step * step / (4 * self.corner[0] * self.corner[2])


def _by_rule(kind: str, number: int, attempt: int) -> Plan | None:
    """One try at furnishing; None if a piece that must be there found no place, or the robot could hardly move."""
    rule = _RULES[kind]
    rng = np.random.default_rng([number, attempt])
    corner = (_between(rng, *rule.half_size[0]), HEIGHT_M, _between(rng, *rule.half_size[1]))
    floor = _Floor(corner)
    floor.put_at_wall(rule.hung[0](rng), rng)  # a shelf or a window first: walls fill up
    for i, make in enumerate(rule.standing):
        if not floor.put_at_wall(make(rng), rng) and i < rule.must:
            return None
    if rule.centre is not None:
        floor.put_in_the_middle(
            rule.centre(rng), int(rng.integers(rule.seats[0], rule.seats[1] + 1)), rng
        )
    for make in rule.hung[1:]:
        floor.put_at_wall(make(rng), rng)
    if floor.reachable_share() < 0.3:
        return None
    angle = rng.uniform(0, 2 * np.pi)
    sun = (round(float(0.9 * np.cos(angle)), 2), -1.0, round(float(0.9 * np.sin(angle)), 2))
    return Plan(kind, corner, floor.layout, _look(rule, kind, rng), sun)


_FIRST = {"Kitchen": 0, "LivingRoom": 200, "Bedroom": 300, "Bathroom": 400}
SCENE_NAMES = tuple(f"FloorPlan{first + i}" for first in _FIRST.values() for i in range(1, 31))


def attempts(name: str) -> Iterator[Plan]:
    """Plans for a floor plan's name; the caller takes the first in which the objects find places."""
    if name in _BY_HAND:
        yield _BY_HAND[name]()
        return
    number = int(name.removeprefix("FloorPlan"))
    kind = next(k for k, first in _FIRST.items() if first < number <= first + 30)
    for attempt in range(200):
        plan = _by_rule(kind, number, attempt)
        if plan is not None:
            yield plan
