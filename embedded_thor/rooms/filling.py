"""Which objects a floor plan holds, where they stand, and where the agent starts.

Room's frame, metres. Objects keep apart by the circles around their footprints, so they never
overlap; what then pierces a wall, a backrest or a board is moved (`piercing.py`).
"""

import zlib
from dataclasses import dataclass, replace

import numpy as np

from embedded_thor.planar import connected
from embedded_thor.records import Asset, ObjectInstance, Placed, Vector3
from embedded_thor.rooms.layout import Plan
from embedded_thor.rooms.piercing import parted
from embedded_thor.rooms.places import Place, Spots, covers, places_of, radius_of
from embedded_thor.things import assets
from embedded_thor.things.materials import COLORS

_LEFT_ON_FLOORS = frozenset({"BasketBall", "Box"})
_START_SPOTS = ((0.5, 0.5), (0.75, 0.25), (0.25, 0.75), (0.0, 1.0), (1.0, 0.5), (1.0, -0.75))
_STEP_M = 0.25  # of the grid on which the agent walks
_FEWEST_STEPS = 15
_AGENT_M = 0.22  # its radius and a little


@dataclass(frozen=True)
class Filling:
    """The objects of a floor plan, and where its agent starts (x, z)."""

    objects: tuple[ObjectInstance, ...]
    start: tuple[float, float]


@dataclass(frozen=True)
class _Wanted:
    """An object that looks for a place.

    Attributes:
        color: "" if it has colours of its own. on_floor: whether it may lie there.
    """

    kind: str
    color: str
    shape: Asset
    yaw_deg: float
    on_floor: bool


def filled(name: str, plan: Plan, placed: tuple[Placed, ...], every_color: bool) -> Filling | None:
    """What lies about in such a room, as far as there is room, and objects of `EVERYWHERE`.

    Layout and start do not depend on `every_color`: either way there must be room for every type
    of `EVERYWHERE` in every colour.

    Args:
        every_color: whether they are all there, or only those that are at home in such a room.
    Returns: None if there is not room for all of them, or too little to walk about in.
    """
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    own_rng = np.random.default_rng(zlib.crc32(f"{name}/own".encode()))
    high, low = plan.corner, (-plan.corner[0], 0.0, -plan.corner[2])
    kinds = [(kind, color) for kind in assets.EVERYWHERE for color in COLORS]
    rng.shuffle(kinds)
    on_furniture, on_floor = places_of(placed, low, high, rng)
    needed = [_one(kind, color, True, rng) for kind, color in kinds]
    welcome = _lying_about(plan.kind, own_rng)
    first = [item for item in welcome if not item.on_floor]
    last = [item for item in welcome if item.on_floor]
    for order in (first + needed + last, first + needed, needed):
        objects = _scattered(order, on_furniture, on_floor)
        start = _start(placed, objects, high) if objects is not None else None
        if start is None:
            continue
        if not every_color:
            kept = first + _everyday(needed, plan.kind) + last
            objects = _scattered(kept, on_furniture, on_floor, floor_first=True) or ()
        places = on_furniture + on_floor
        return Filling(parted(objects, placed, low, high, start, places), start)
    return None


def _one(kind: str, color: str, on_floor: bool, rng: np.random.Generator) -> _Wanted:
    shape = assets.asset(kind, int(rng.integers(assets.VARIANTS)))
    return _Wanted(kind, color, shape, float(rng.integers(0, 24) * 15), on_floor)


def _lying_about(room_kind: str, rng: np.random.Generator) -> list[_Wanted]:
    """One of each type that lies about in such a room, in one of its colours."""
    own = list(assets.lying_about(room_kind).items())
    rng.shuffle(own)
    wanted = []
    for kind, floor in own:
        colors = assets.colors_of(kind)
        color = str(rng.choice(colors)) if colors else ""
        wanted.append(_one(kind, color, bool(floor), rng))
    return wanted


def _everyday(needed: list[_Wanted], room_kind: str) -> list[_Wanted]:
    """Of every type of `EVERYWHERE` that one would find in such a room two; few lie on floors."""
    kept: dict[str, list[_Wanted]] = {}
    for item in needed:
        if assets.at_home(item.kind, room_kind):
            there = replace(item, on_floor=item.kind in _LEFT_ON_FLOORS)
            kept.setdefault(item.kind, []).append(there)
    return [item for own in kept.values() for item in own[:2]]


def _scattered(
    wanted: list[_Wanted],
    on_furniture: list[Place],
    on_floor: list[Place],
    floor_first: bool = False,
) -> tuple[ObjectInstance, ...] | None:
    """Give each the first place that is free.

    What may lie on the floor tries that last, or first. What may not and finds none is left out.
    Returns: None if something that may lie there finds none.
    """
    spots = Spots(on_furniture + on_floor)
    instances = []
    for item in wanted:
        free = spots.free_for(item.shape)
        if item.on_floor and floor_first:
            free = np.concatenate([free[free >= len(on_furniture)], free])
        if not len(free) or (free[0] >= len(on_furniture) and not item.on_floor):
            if item.on_floor:
                return None
            continue
        place = spots.position(free[0])
        spots.take(place, radius_of(item.shape))
        name = "_".join(word for word in (item.kind, item.color, "1") if word)
        position = tuple(round(v, 4) for v in place)
        instances.append(ObjectInstance(name, item.shape, item.color, position, item.yaw_deg))
    return tuple(instances)


def _start(
    placed: tuple[Placed, ...], objects: tuple[ObjectInstance, ...], high: Vector3
) -> tuple[float, float] | None:
    """Where the agent is put: a preferred spot, or else the one nearest to the middle.

    Returns: None if from nowhere it can walk to at least 15 points of a 25 cm grid.
    """
    lying = [
        (o.position[0], o.position[2], max(o.asset.size) / 2 + 0.2)
        for o in objects
        if o.position[1] < 0.05
    ]

    def clear(x: float, z: float) -> bool:
        inside = abs(x) < high[0] - _AGENT_M and abs(z) < high[2] - _AGENT_M
        return (
            inside
            and not any(covers(piece, x, z, _AGENT_M) for piece in placed)
            and all(np.hypot(x - a, z - c) > radius for a, c, radius in lying)
        )

    around = range(-14, 15)
    cells = {(i, j) for i in around for j in around if clear(_STEP_M * i, _STEP_M * j)}
    roomy = set().union(*(part for part in connected(cells) if len(part) >= _FEWEST_STEPS))
    spots = [(_STEP_M * i, _STEP_M * j) for i, j in roomy]
    return min(spots, key=lambda s: (s not in _START_SPOTS, s[0] ** 2 + s[1] ** 2, s), default=None)
