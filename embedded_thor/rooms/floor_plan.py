"""Floor plans: iTHOR's names, each a furnished room. A layout lists furniture along the walls; everything else follows.

The split of AI2-THOR's users (first 20 rooms of a type train, next 5 val, last 5 test) is by the number in the name.
"""

import zlib
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from embedded_thor.planar import connected, to_own, to_room
from embedded_thor.records import (
    Asset,
    Mesh,
    ObjectInstance,
    Placed,
    Room,
    Surface,
    Vector3,
)
from embedded_thor.rooms.plans import (
    HEIGHT_M,
    SCENE_NAMES,
    Layout,
    attempts,
)
from embedded_thor.things.assets import (
    EVERYWHERE,
    VARIANTS,
    asset,
    at_home,
    colors_of,
    lying_about,
)
from embedded_thor.things.materials import COLORS, materials_of
from embedded_thor.things.meshes import box, pieces


def _shell(low: Vector3, high: Vector3) -> tuple[Mesh, ...]:
    width, depth, t = high[0] - low[0], high[2] - low[2], 0.1
    x, z, y = (low[0] + high[0]) / 2, (low[2] + high[2]) / 2, HEIGHT_M / 2
    sides = [
        ((width, HEIGHT_M, t), (x, y, high[2] + t / 2)),
        ((width, HEIGHT_M, t), (x, y, low[2] - t / 2)),
        ((t, HEIGHT_M, depth), (high[0] + t / 2, y, z)),
        ((t, HEIGHT_M, depth), (low[0] - t / 2, y, z)),
    ]
    boards = [
        ((width, 0.09, 0.012), (x, 0.045, high[2] - 0.006)),
        ((width, 0.09, 0.012), (x, 0.045, low[2] + 0.006)),
        ((0.012, 0.09, depth), (high[0] - 0.006, 0.045, z)),
        ((0.012, 0.09, depth), (low[0] + 0.006, 0.045, z)),
    ]
    return (
        box((width, t, depth), (x, -t / 2, z), "floor"),
        box((width, t, depth), (x, HEIGHT_M + t / 2, z), "ceiling"),
        *(box(size, center, "wall") for size, center in sides),
        *(box(size, center, "skirting") for size, center in boards),
    )


_PIERCED_M = 0.003  # how far boxes may reach into each other
_BESIDE_START_M = 0.35  # kept free around the agent's start
_LEFT_ON_FLOORS = frozenset({"BasketBall", "Box"})
_Place = tuple[float, float, float, float]  # x, y, z, clearance above (metres)


@dataclass(frozen=True)
class _Wanted:
    """An object that looks for a place. color: "" if it has colours of its own. on_floor: whether it may lie there."""

    kind: str
    color: str
    shape: Asset
    yaw_deg: float
    on_floor: bool


def _one(kind: str, color: str, on_floor: bool, rng: np.random.Generator) -> _Wanted:
    return _Wanted(
        kind,
        color,
        asset(kind, int(rng.integers(VARIANTS))),
        float(rng.integers(0, 24) * 15),
        on_floor,
    )


def _radius(shape: Asset) -> float:
    """Of the circle around its footprint."""
    return float(np.hypot(shape.size[0], shape.size[2])) / 2


def _places(
    placed: tuple[Placed, ...], low: Vector3, high: Vector3, rng: np.random.Generator
) -> tuple[list[_Place], list[_Place]]:
    """Where things can stand, in the order in which they are tried: on furniture (shuffled), on the floor (along the
    walls first)."""
    on_furniture = [
        spot
        for piece in placed
        for surface in piece.furniture.surfaces
        for spot in _spots(piece, surface)
    ]
    grid = [
        (x, z)
        for x in np.arange(low[0] + 0.25, high[0] - 0.2, 0.14)
        for z in np.arange(low[2] + 0.25, high[2] - 0.2, 0.14)
    ]
    on_floor = [
        (float(x), 0.0, float(z), 10.0)
        for x, z in grid
        if not any(_covers(p, x, z, 0.2) for p in placed)
    ]
    on_floor.sort(key=lambda spot: min(high[0] - abs(spot[0]), high[2] - abs(spot[2])))
    rng.shuffle(on_furniture)
    return on_furniture, on_floor


class _Spots:
    """Places, and for each the radius of the largest circle that still has room there.

    Objects keep apart by the circles around their footprints, so they never overlap.
    """

    def __init__(self, places: list[_Place]) -> None:
        self.at = np.array(places)  # (N, 4) x, y, z, clearance
        self.room_left = np.full(len(places), np.inf)

    def take(self, position: Vector3, radius: float) -> None:
        """Something stands there now."""
        gap = np.hypot(self.at[:, 0] - position[0], self.at[:, 2] - position[2]) - radius
        beside = np.abs(self.at[:, 1] - position[1]) <= 0.3
        self.room_left[beside] = np.minimum(self.room_left[beside], gap[beside])

    def free_for(self, shape: Asset) -> np.ndarray:
        """Indices of the places that have room for it."""
        return np.flatnonzero((self.room_left > _radius(shape)) & (self.at[:, 3] > shape.size[1]))


def _scatter(
    wanted: list[_Wanted],
    on_furniture: list[_Place],
    on_floor: list[_Place],
    floor_first: bool = False,
) -> tuple[ObjectInstance, ...] | None:
    """Give each the first place that is free; what may lie on the floor tries that last, or first. What may not and finds
    none is left out. None if something that may lie there finds none."""
    spots = _Spots(on_furniture + on_floor)
    instances = []
    for item in wanted:
        free = spots.free_for(item.shape)
        if item.on_floor and floor_first:
            free = np.concatenate([free[free >= len(on_furniture)], free])
        if not len(free) or (free[0] >= len(on_furniture) and not item.on_floor):
            if item.on_floor:
                return None
            continue
        place = tuple(map(float, spots.at[free[0], :3]))
        spots.take(place, _radius(item.shape))
        name = "_".join(word for word in (item.kind, item.color, "1") if word)
        position = tuple(round(v, 4) for v in place)
        instances.append(ObjectInstance(name, item.shape, item.color, position, item.yaw_deg))
    return tuple(instances)


def _solids(placed: tuple[Placed, ...]) -> np.ndarray:
    """(N, 2, 3) lowest and highest corner of every piece that furniture is made of, in the room's frame."""
    corners = []
    for item in placed:
        for mesh in item.furniture.meshes:
            for points in pieces(mesh):
                x, z = to_room(item.position, item.yaw_deg, points[:, 0], points[:, 2])
                points = np.column_stack([x, points[:, 1] + item.position[1], z])
                corners.append((points.min(axis=0), points.max(axis=0)))
    return np.array(corners)


def _box(instance: ObjectInstance) -> np.ndarray:
    """(2, 3) lowest and highest corner of an object's box, turned as it is (room's frame)."""
    width, height, depth = instance.asset.size
    sin, cos = np.abs([np.sin(np.radians(instance.yaw_deg)), np.cos(np.radians(instance.yaw_deg))])
    half = np.array([width * cos + depth * sin, 0.0, width * sin + depth * cos]) / 2
    foot = np.array(instance.position)
    return np.stack([foot - half, foot + half + [0.0, height, 0.0]])


def _parted(
    objects: tuple[ObjectInstance, ...],
    placed: tuple[Placed, ...],
    low: Vector3,
    high: Vector3,
    start: tuple[float, float],
    places: list[_Place],
) -> tuple[ObjectInstance, ...]:
    """What pierces a wall, a backrest or a board is moved to the first free place where it does not, off the start."""
    solids = _solids(placed)

    def pierces(instance: ObjectInstance) -> bool:
        lowest, highest = _box(instance)
        if np.any(lowest < np.array(low) - 1e-9) or np.any(highest > high):
            return True
        inner = np.all(
            (solids[:, 1] > lowest + _PIERCED_M) & (solids[:, 0] < highest - _PIERCED_M), axis=1
        )
        return bool(inner.any())

    clashing = sorted(
        (item for item in objects if pierces(item)), key=lambda item: -_radius(item.asset)
    )
    names = {item.name for item in clashing}
    fine = [
        (float(x), 0.0, float(z), 10.0)
        for x in np.arange(low[0] + 0.05, high[0], 0.07)
        for z in np.arange(low[2] + 0.05, high[2], 0.07)
    ]  # the floor once more, beneath tables, too
    spots = _Spots(np.round([*places, *fine], 4).tolist())
    on_floor = spots.at[:, 1] == 0
    beside = np.hypot(spots.at[:, 0] - start[0], spots.at[:, 2] - start[1]) - _BESIDE_START_M
    spots.room_left[on_floor] = beside[on_floor]
    for item in objects:
        if item.name not in names:
            spots.take(item.position, _radius(item.asset))
    moved = {}
    for item in clashing:
        there = (
            replace(item, position=tuple(map(float, spots.at[i, :3])))
            for i in spots.free_for(item.asset)
        )
        moved[item.name] = next((instance for instance in there if not pierces(instance)), item)
        spots.take(moved[item.name].position, _radius(item.asset))
    return tuple(moved.get(item.name, item) for item in objects)


def _spots(piece: Placed, surface: Surface) -> list[_Place]:
    """Candidate points (x, y, z, clearance) of a surface in the room's frame."""
    pitch = 0.12
    nx, nz = (
        max(1, int((surface.x1 - surface.x0) / pitch)),
        max(1, int((surface.z1 - surface.z0) / pitch)),
    )
    xs = surface.x0 + (np.arange(nx) + 0.5) * (surface.x1 - surface.x0) / nx
    zs = surface.z0 + (np.arange(nz) + 0.5) * (surface.z1 - surface.z0) / nz
    spots = []
    for x in xs:
        for z in zs:
            world_x, world_z = to_room(piece.position, piece.yaw_deg, float(x), float(z))
            spots.append((world_x, piece.position[1] + surface.y, world_z, surface.clearance))
    return spots


def _covers(piece: Placed, x: float, z: float, margin: float) -> bool:
    """Whether the footprint of a standing piece, grown by a margin, covers a floor point."""
    if not piece.furniture.blocks:
        return False
    own_x, own_z = to_own(piece.position, piece.yaw_deg, x, z)
    return (
        abs(own_x) < piece.furniture.size[0] / 2 + margin
        and abs(own_z) < piece.furniture.size[2] / 2 + margin
    )


def _everyday(needed: list[_Wanted], room_kind: str) -> list[_Wanted]:
    """Of every type of `EVERYWHERE` that one would find in such a room two; few of them lie on floors."""
    kept: dict[str, list[_Wanted]] = {}
    for item in needed:
        if at_home(item.kind, room_kind):
            kept.setdefault(item.kind, []).append(
                replace(item, on_floor=item.kind in _LEFT_ON_FLOORS)
            )
    return [item for own in kept.values() for item in own[:2]]


def _filled(
    name: str,
    room_kind: str,
    placed: tuple[Placed, ...],
    low: Vector3,
    high: Vector3,
    every_color: bool,
) -> tuple[tuple[ObjectInstance, ...], tuple[float, float]] | None:
    """The objects, and where the agent starts: what lies about in such a room, as far as there is room, and every type of
    `EVERYWHERE` in every colour, or only what is at home there. Layout and start do not depend on that: either way there must
    be room for all of them. None if there is not, or too little to walk about in."""
    rng, own_rng = (
        np.random.default_rng(zlib.crc32(text.encode())) for text in (name, f"{name}/own")
    )
    kinds = [(kind, color) for kind in EVERYWHERE for color in COLORS]
    rng.shuffle(kinds)
    on_furniture, on_floor = _places(placed, low, high, rng)
    needed = [_one(kind, color, True, rng) for kind, color in kinds]
    own = list(lying_about(room_kind).items())
    own_rng.shuffle(own)
    welcome = [
        _one(
            kind,
            str(own_rng.choice(colors)) if (colors := colors_of(kind)) else "",
            bool(floor),
            own_rng,
        )
        for kind, floor in own
    ]
    first = [item for item in welcome if not item.on_floor]
    last = [item for item in welcome if item.on_floor]
    for order in (first + needed + last, first + needed, needed):
        scattered = _scatter(order, on_furniture, on_floor)
        start = _start(placed, scattered, high) if scattered is not None else None
        if start is not None:
            if not every_color:
                kept = first + _everyday(needed, room_kind) + last
                scattered = _scatter(kept, on_furniture, on_floor, floor_first=True) or ()
            return _parted(scattered, placed, low, high, start, on_furniture + on_floor), start
    return None


@lru_cache(maxsize=4)  # a compiled world keeps its own
def room(name: str, every_color: bool = False) -> Room:
    """The floor plan of that name ("FloorPlan1", with or without "_physics"); every_color: with all types of `EVERYWHERE` in
    all colours, not only what one would find there. Raises KeyError if there is none."""
    name = name.removesuffix("_physics")
    if name not in SCENE_NAMES:
        raise KeyError(name)
    for plan in attempts(name):
        high, low = plan.corner, (-plan.corner[0], 0.0, -plan.corner[2])
        placed = _named(plan.layout)
        filled = _filled(name, plan.kind, placed, low, high, every_color)
        if filled is not None:
            objects, start = filled
            break
    else:
        raise RuntimeError(f"{name} cannot be furnished")
    rug = (
        box((1.9, 0.008, 1.3), (0.1, 0.004, 0.2), "rug")
        if plan.kind in ("LivingRoom", "Bedroom")
        else None
    )
    return Room(
        name,
        plan.kind,
        low,
        high,
        _shell(low, high),
        placed,
        objects,
        materials_of(plan.look),
        plan.sun,
        0.42,
        (start[0], 0.901, start[1]),
        180.0,
        rug,
    )


def _named(layout: Layout) -> tuple[Placed, ...]:
    counts: dict[str, int] = {}
    placed = []
    for piece, position, yaw in layout:
        counts[piece.type] = counts.get(piece.type, 0) + 1
        placed.append(Placed(f"{piece.type}_{counts[piece.type]}", piece, position, yaw))
    return tuple(placed)


_START_SPOTS = ((0.5, 0.5), (0.75, 0.25), (0.25, 0.75), (0.0, 1.0), (1.0, 0.5), (1.0, -0.75))


def _start(
    placed: tuple[Placed, ...], objects: tuple[ObjectInstance, ...], high: Vector3
) -> tuple[float, float] | None:
    """Where the agent is put: a preferred spot, or else the one nearest to the middle, from which it can walk to at
    least 15 points of a 25 cm grid; None if there is none."""
    lying = [
        (o.position[0], o.position[2], max(o.asset.size) / 2 + 0.2)
        for o in objects
        if o.position[1] < 0.05
    ]

    def clear(x: float, z: float) -> bool:
        inside = abs(x) < high[0] - 0.22 and abs(z) < high[2] - 0.22
        return (
            inside
            and not any(_covers(p, x, z, 0.22) for p in placed)
            and all(np.hypot(x - a, z - c) > r for a, c, r in lying)
        )

    cells = {(i, j) for i in range(-14, 15) for j in range(-14, 15) if clear(0.25 * i, 0.25 * j)}
    roomy = set().union(*(part for part in connected(cells) if len(part) >= 15))
    spots = [(0.25 * i, 0.25 * j) for i, j in roomy]
    return min(spots, key=lambda s: (s not in _START_SPOTS, s[0] ** 2 + s[1] ** 2, s), default=None)
