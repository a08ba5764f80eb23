"""Floor plans that are furnished from their name by rules.

A room type has a size range, a list of pieces (some in several forms), palettes. Pieces with a back
go against a wall, at random places where they overlap nothing, leave the way to the others free and
cover no window; then tables and chairs stand in the middle. A layout in which the robot could reach
less than three tenths of the floor is drawn again.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embedded_thor.records import Furniture, Vector3
from embedded_thor.rooms.furnishing import Floor
from embedded_thor.rooms.layout import HEIGHT_M, Plan
from embedded_thor.rooms.palettes import draw_look
from embedded_thor.things import fixtures
from embedded_thor.things import furniture as f

_LEAST_REACHABLE = 0.3
Draw = np.random.Generator
Maker = Callable[[Draw], Furniture]


@dataclass(frozen=True)
class _Rule:
    """How rooms of one type are furnished.

    Attributes:
        half_size: ranges of the half width and half depth (metres).
        standing: pieces with a back. must: how many of the first of them there must be; the others
            are left out where there is no wall for them.
        hung: what hangs on walls.
        centre: what may stand in the middle, if anything. seats: least and most chairs at it.
        floors: textures of the floor.
    """

    half_size: tuple[tuple[float, float], tuple[float, float]]
    standing: tuple[Maker, ...]
    must: int
    hung: tuple[Maker, ...]
    centre: Maker | None
    seats: tuple[int, int]
    floors: tuple[str, ...]


def by_rule(kind: str, number: int, attempt: int) -> Plan | None:
    """One try at furnishing the floor plan of that number.

    Returns: None if a piece that must be there found no place, or the robot could hardly move.
    """
    rule = _RULES[kind]
    rng = np.random.default_rng([number, attempt])
    corner = (_between(rng, *rule.half_size[0]), HEIGHT_M, _between(rng, *rule.half_size[1]))
    floor = Floor(corner)
    floor.put_at_wall(rule.hung[0](rng), rng)  # a shelf or a window first: walls fill up
    for i, make in enumerate(rule.standing):
        if not floor.put_at_wall(make(rng), rng) and i < rule.must:
            return None
    if rule.centre is not None:
        table, seats = rule.centre(rng), int(rng.integers(rule.seats[0], rule.seats[1] + 1))
        floor.put_in_the_middle(table, seats, rng)
    for make in rule.hung[1:]:
        floor.put_at_wall(make(rng), rng)
    if floor.reachable_share() < _LEAST_REACHABLE:
        return None
    sun = _sun(rng)
    return Plan(kind, corner, floor.layout, draw_look(kind, rule.floors, rng), sun)


def _sun(rng: Draw) -> Vector3:
    angle = rng.uniform(0, 2 * np.pi)
    return round(float(0.9 * np.cos(angle)), 2), -1.0, round(float(0.9 * np.sin(angle)), 2)


# -- pieces of random size ------------------------------------------------------------------------


def _between(rng: Draw, low: float, high: float) -> float:
    """A length in whole centimetres."""
    return round(float(rng.uniform(low, high)), 2)


def _shelving(rng: Draw, low: float = 0.8, high: float = 1.3) -> Furniture:
    boards, pitch = int(rng.integers(3, 5)), _between(rng, 0.36, 0.42)
    levels = tuple(round(0.10 + pitch * i, 2) for i in range(boards))
    width, depth = _between(rng, low, high), _between(rng, 0.32, 0.38)
    back = bool(rng.integers(2))
    return f.shelving_unit(width, depth, levels, levels[-1] + 0.3, back)


def _shelf(rng: Draw, low: float, high: float, boards: int) -> Furniture:
    first = _between(rng, 1.22, 1.32)
    width, depth = _between(rng, low, high), _between(rng, 0.24, 0.30)
    return f.wall_shelf(width, depth, tuple(first + 0.34 * i for i in range(boards)))


def _window(rng: Draw) -> Furniture:
    return f.window(_between(rng, 0.8, 1.6), _between(rng, 0.8, 1.2), _between(rng, 0.95, 1.1))


def _painting(rng: Draw) -> Furniture:
    return f.painting(_between(rng, 0.4, 1.0), _between(rng, 0.4, 0.7), _between(rng, 1.3, 1.5))


def _table(
    rng: Draw,
    type_: str,
    width: tuple[float, float],
    depth: tuple[float, float],
    height: tuple[float, float],
) -> Furniture:
    return f.table(type_, _between(rng, *width), _between(rng, *depth), _between(rng, *height))


def _side_table(rng: Draw, height: float = 0.55) -> Furniture:
    width, depth = _between(rng, 0.42, 0.6), _between(rng, 0.4, 0.5)
    return f.table("SideTable", width, depth, round(height + float(rng.uniform(-0.06, 0.08)), 2))


def _desk(rng: Draw) -> Furniture:
    return _table(rng, "Desk", (1.0, 1.4), (0.55, 0.65), (0.73, 0.77))


def _coffee_table(rng: Draw) -> Furniture:
    width, depth, height = (
        _between(rng, 0.9, 1.2),
        _between(rng, 0.55, 0.7),
        _between(rng, 0.40, 0.46),
    )
    return f.table("CoffeeTable", width, depth, height, shelf=rng.random() < 0.5)


def _dresser(rng: Draw, type_: str = "Dresser") -> Furniture:
    height = _between(rng, *((0.45, 0.58) if type_ == "TVStand" else (0.75, 0.95)))
    width, depth = _between(rng, 1.0, 1.6), _between(rng, 0.40, 0.48)
    return f.dresser(type_, width, depth, height, rows=2 if height < 0.6 else 3)


def _worktop(rng: Draw) -> Furniture:
    """A second stretch of counter, or the sink."""
    if rng.random() < 0.6:
        return f.counter(_between(rng, 0.9, 1.4), doors=2)
    return fixtures.sink_cabinet(1.2)


# -- the rules ------------------------------------------------------------------------------------

_RULES: dict[str, _Rule] = {
    "Kitchen": _Rule(
        half_size=((1.9, 2.8), (1.7, 2.4)),
        standing=(
            lambda r: f.counter(_between(r, 1.5, 2.4), doors=int(r.integers(2, 5))),
            lambda r: fixtures.fridge(),
            lambda r: fixtures.stove(),
            _worktop,
            _shelving,
            lambda r: f.bin_(),
            _side_table,
            lambda r: f.stool(),
        ),
        must=4,
        hung=(
            _window,
            lambda r: _shelf(r, 0.9, 1.6, 2),
            lambda r: _shelf(r, 0.7, 1.1, 1),
            _painting,
        ),
        centre=lambda r: _table(r, "DiningTable", (1.0, 1.5), (0.75, 0.9), (0.72, 0.77)),
        seats=(1, 4),
        floors=("tiles", "planks", "tiles"),
    ),
    "LivingRoom": _Rule(
        half_size=((2.2, 3.1), (2.0, 2.8)),
        standing=(
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
        must=5,
        hung=(_window, _window, _painting, _painting, lambda r: _shelf(r, 0.8, 1.3, 1)),
        centre=_coffee_table,
        seats=(0, 0),
        floors=("planks", "planks", "carpet"),
    ),
    "Bedroom": _Rule(
        half_size=((2.0, 2.7), (1.9, 2.5)),
        standing=(
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
        must=4,
        hung=(_window, _painting, lambda r: _shelf(r, 0.8, 1.3, 2), _painting),
        centre=None,
        seats=(0, 0),
        floors=("carpet", "planks", "carpet"),
    ),
    "Bathroom": _Rule(
        half_size=((1.7, 2.3), (1.6, 2.1)),
        standing=(
            lambda r: fixtures.bathtub(_between(r, 1.45, 1.7), _between(r, 0.68, 0.75)),
            lambda r: fixtures.toilet(),
            lambda r: fixtures.sink_cabinet(_between(r, 1.0, 1.4)),
            lambda r: _shelving(r, 0.7, 1.0),
            _dresser,
            _side_table,
            lambda r: f.stool(),
            lambda r: f.bin_(),
        ),
        must=4,
        hung=(lambda r: _shelf(r, 0.7, 1.1, 2), _window, _painting),
        centre=lambda r: _side_table(r, 0.48),
        seats=(0, 0),
        floors=("tiles",),
    ),
}
