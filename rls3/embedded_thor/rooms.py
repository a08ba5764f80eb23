"""Floor plans: iTHOR's names, each a furnished room. A layout lists furniture along the walls; everything else follows.

The split of AI2-THOR's users (first 20 rooms of a type train, next 5 val, last 5 test) is by the number in the name.
"""

import zlib
from collections.abc import Callable
from functools import cache

import numpy as np

from rls3.embedded_thor import furniture as f
from rls3.embedded_thor.assets import ASSET_TYPES, COLORS, FIXED_MATERIALS, asset, color_material
from rls3.embedded_thor.content import Furniture, Material, Mesh, ObjectInstance, Placed, Room, Surface, Vector3
from rls3.embedded_thor.shapes import box

_HEIGHT_M = 2.6
_CLEAR_M = 0.03  # gap between neighbours and towards walls
_SHARED = {
    "white": Material("white", (0.93, 0.93, 0.91), specular=0.3, shininess=0.4),
    "metal": FIXED_MATERIALS["metal"],
    "dark": FIXED_MATERIALS["dark"],
    "dark_gloss": Material("dark_gloss", (0.05, 0.05, 0.06), specular=0.9, shininess=0.9),
    "enamel": Material("enamel", (0.93, 0.94, 0.94), specular=0.6, shininess=0.7),
    "enamel_door": Material("enamel_door", (0.88, 0.90, 0.91), specular=0.6, shininess=0.7),
    "leaf": Material("leaf", (0.16, 0.36, 0.12), specular=0.3, shininess=0.3),
    "terracotta": Material("terracotta", (0.66, 0.36, 0.24), "plaster", 0.4),
    "lampshade": Material("lampshade", (0.98, 0.92, 0.76), emission=0.5),
    "pane": Material("pane", (0.72, 0.86, 1.0), "sky", 1.2, emission=0.75),
    "linen": Material("linen", (0.92, 0.90, 0.86), "fabric", 0.25),
    "ceiling": Material("ceiling", (0.95, 0.95, 0.93), "plaster", 2.0, emission=0.12),
    "skirting": Material("skirting", (0.90, 0.89, 0.86)),
}


def _look(
    floor: tuple[str, Vector3, float],
    wall: tuple[str, Vector3],
    wood: Vector3,
    fabric: Vector3,
    cabinet: Vector3,
    picture: Vector3,
    rug: Vector3,
) -> dict[str, Material]:
    """The materials of a room from a handful of colours."""
    dark_wood = tuple(0.62 * c for c in wood)
    own = {
        "floor": Material("floor", floor[1], floor[0], floor[2], specular=0.3, shininess=0.4),
        "wall": Material("wall", wall[1], wall[0], 1.6),
        "wood": Material("wood", wood, "wood", 0.7, specular=0.3, shininess=0.4),
        "wood_dark": Material("wood_dark", dark_wood, "wood", 0.7),
        "wood_back": Material("wood_back", tuple(0.85 * c for c in wood), "wood", 0.9),
        "fabric": Material("fabric", fabric, "fabric", 0.22, specular=0.0),
        "fabric_light": Material(
            "fabric_light", tuple(min(1.0, 1.18 * c) for c in fabric), "fabric", 0.22, specular=0.0
        ),
        "cabinet": Material("cabinet", cabinet, specular=0.3, shininess=0.4),
        "cabinet_door": Material(
            "cabinet_door", tuple(min(1.0, 1.08 * c) for c in cabinet), specular=0.3, shininess=0.4
        ),
        "marble": Material("marble", (0.82, 0.81, 0.78), "marble", 0.9, specular=0.5, shininess=0.6),
        "picture": Material("picture", picture, "picture", 0.6),
        "rug": Material("rug", rug, "woven", 0.8, specular=0.0),
    }
    return own


def _against(
    side: str, along: float, piece: Furniture, minimum: Vector3, maximum: Vector3, y: float = 0.0
) -> tuple[Furniture, Vector3, float]:
    """A piece with its back to a wall ("north" is +z). `along`: coordinate of its centre along the wall."""
    gap = piece.size[2] / 2 + (_CLEAR_M if piece.blocks else 0.0)
    if piece.type in ("Window", "Painting"):
        gap = 0.0
    if side == "north":
        return piece, (along, y, maximum[2] - gap), 180.0
    if side == "south":
        return piece, (along, y, minimum[2] + gap), 0.0
    if side == "east":
        return piece, (maximum[0] - gap, y, along), 270.0
    return piece, (minimum[0] + gap, y, along), 90.0


def _free(x: float, z: float, piece: Furniture, yaw_deg: float = 0.0) -> tuple[Furniture, Vector3, float]:
    return piece, (x, 0.0, z), yaw_deg


Layout = list[tuple[Furniture, Vector3, float]]


def _kitchen() -> tuple[Vector3, Layout, dict[str, Material], Vector3]:
    low, high = (-2.3, 0.0, -2.0), (2.3, _HEIGHT_M, 2.0)
    layout = [
        _against("north", -0.15, f.counter(2.0), low, high),
        _against("north", 1.2, f.stove(), low, high),
        _against("north", -1.75, f.fridge(), low, high),
        _against("north", -0.15, f.wall_shelf(1.9, 0.30, (1.28, 1.62)), low, high),
        _against("east", -0.3, f.shelving_unit(1.0, 0.34, (0.12, 0.50, 0.90, 1.28), 1.5), low, high),
        _free(-0.55, -0.45, f.table("DiningTable", 1.3, 0.85, 0.74)),
        _free(-0.55, -1.12, f.chair(), 0.0),
        _free(0.45, -1.45, f.stool()),
        _against("west", -1.45, f.bin_(), low, high),
        _against("west", 0.2, f.window(1.3, 1.0, 1.0), low, high),
        _against("south", 0.6, f.painting(0.7, 0.5, 1.35), low, high),
    ]
    look = _look(
        ("tiles", (0.80, 0.76, 0.68), 0.8),
        ("plaster", (0.86, 0.84, 0.74)),
        (0.72, 0.53, 0.34),
        (0.5, 0.5, 0.55),
        (0.62, 0.68, 0.66),
        (0.55, 0.68, 0.80),
        (0.45, 0.5, 0.52),
    )
    return high, layout, look, (0.75, -1.0, -0.45)


def _living_room() -> tuple[Vector3, Layout, dict[str, Material], Vector3]:
    low, high = (-2.6, 0.0, -2.2), (2.6, _HEIGHT_M, 2.2)
    layout = [
        _against("south", -0.5, f.sofa(2.0, seats=2), low, high),
        _free(-0.5, -0.35, f.table("CoffeeTable", 1.15, 0.65, 0.42, shelf=True)),
        _against("north", -0.4, f.dresser("TVStand", 1.7, 0.42, 0.52, 2), low, high),
        _against("west", 0.1, f.shelving_unit(1.3, 0.34, (0.10, 0.48, 0.86, 1.24), 1.55), low, high),
        _against("east", 0.9, f.table("SideTable", 0.6, 0.5, 0.62), low, high),
        _against("east", -0.6, f.table("Desk", 1.2, 0.6, 0.75), low, high),
        _against("east", -0.6, f.wall_shelf(1.1, 0.26, (1.25,)), low, high),
        _free(1.25, 1.85, f.floor_lamp()),
        _free(1.05, -1.8, f.plant()),
        _against("north", 1.0, f.window(1.1, 1.1, 0.95), low, high),
        _against("north", -0.5, f.painting(1.0, 0.6, 1.3), low, high),
        _against("south", -0.5, f.painting(0.8, 0.55, 1.35), low, high),
    ]
    look = _look(
        ("planks", (0.60, 0.42, 0.26), 1.3),
        ("stripes", (0.78, 0.80, 0.78)),
        (0.62, 0.43, 0.27),
        (0.34, 0.40, 0.47),
        (0.8, 0.8, 0.78),
        (0.75, 0.55, 0.42),
        (0.62, 0.55, 0.48),
    )
    return high, layout, look, (-0.55, -1.0, -0.7)


def _bedroom() -> tuple[Vector3, Layout, dict[str, Material], Vector3]:
    low, high = (-2.3, 0.0, -2.1), (2.3, _HEIGHT_M, 2.1)
    layout = [
        _against("south", 0.35, f.bed(1.5), low, high),
        _against("south", -0.75, f.table("SideTable", 0.48, 0.42, 0.55), low, high),
        _against("south", 1.55, f.table("SideTable", 0.48, 0.42, 0.55), low, high),
        _against("west", 0.95, f.table("Desk", 1.3, 0.62, 0.76), low, high),
        _against("west", 0.95, f.wall_shelf(1.2, 0.26, (1.22, 1.55)), low, high),
        _against("north", 0.9, f.dresser("Dresser", 1.2, 0.48, 0.86, 4), low, high),
        _against("north", -0.55, f.shelving_unit(0.9, 0.34, (0.10, 0.46, 0.82, 1.18), 1.4), low, high),
        _against("west", -0.6, f.window(1.2, 1.1, 0.9), low, high),
        _against("north", 0.9, f.painting(0.8, 0.5, 1.45), low, high),
        _against("east", 0.2, f.painting(0.6, 0.8, 1.1), low, high),
        _against("west", -1.3, f.bin_(), low, high),
    ]
    look = _look(
        ("carpet", (0.66, 0.62, 0.56), 1.0),
        ("plaster", (0.72, 0.78, 0.80)),
        (0.80, 0.66, 0.48),
        (0.45, 0.48, 0.58),
        (0.8, 0.8, 0.78),
        (0.80, 0.66, 0.55),
        (0.50, 0.45, 0.50),
    )
    return high, layout, look, (0.7, -1.0, 0.5)


def _bathroom() -> tuple[Vector3, Layout, dict[str, Material], Vector3]:
    low, high = (-2.0, 0.0, -1.8), (2.0, _HEIGHT_M, 1.8)
    layout = [
        _against("north", -0.9, f.bathtub(), low, high),
        _against("east", 0.9, f.toilet(), low, high),
        _against("east", -0.45, f.sink_cabinet(1.3), low, high),
        _against("east", -0.45, f.wall_shelf(1.1, 0.24, (1.30,)), low, high),
        _against("west", -0.75, f.shelving_unit(0.95, 0.36, (0.12, 0.50, 0.88, 1.26), 1.5), low, high),
        _against("south", 0.25, f.dresser("Dresser", 1.1, 0.45, 0.80, 3), low, high),
        _free(-0.2, 0.15, f.table("SideTable", 0.75, 0.55, 0.48)),
        _against("south", -0.95, f.stool(), low, high),
        _against("north", 0.9, f.window(0.8, 0.8, 1.25), low, high),
        _against("south", 0.25, f.painting(0.7, 0.5, 1.3), low, high),
    ]
    look = _look(
        ("tiles", (0.55, 0.62, 0.66), 0.6),
        ("tiles", (0.82, 0.88, 0.89)),
        (0.74, 0.58, 0.42),
        (0.5, 0.5, 0.55),
        (0.78, 0.80, 0.80),
        (0.50, 0.70, 0.78),
        (0.40, 0.55, 0.60),
    )
    return high, layout, look, (-0.5, -1.0, -0.6)


_PLANS: dict[str, tuple[str, Callable[[], tuple[Vector3, Layout, dict[str, Material], Vector3]]]] = {
    "FloorPlan1": ("Kitchen", _kitchen),
    "FloorPlan201": ("LivingRoom", _living_room),
    "FloorPlan301": ("Bedroom", _bedroom),
    "FloorPlan401": ("Bathroom", _bathroom),
}
SCENE_NAMES = tuple(_PLANS)


def _shell(low: Vector3, high: Vector3) -> tuple[Mesh, ...]:
    width, depth, t = high[0] - low[0], high[2] - low[2], 0.1
    x, z, y = (low[0] + high[0]) / 2, (low[2] + high[2]) / 2, _HEIGHT_M / 2
    sides = [
        ((width, _HEIGHT_M, t), (x, y, high[2] + t / 2)), ((width, _HEIGHT_M, t), (x, y, low[2] - t / 2)),
        ((t, _HEIGHT_M, depth), (high[0] + t / 2, y, z)), ((t, _HEIGHT_M, depth), (low[0] - t / 2, y, z)),
    ]  # fmt: skip
    boards = [
        ((width, 0.09, 0.012), (x, 0.045, high[2] - 0.006)), ((width, 0.09, 0.012), (x, 0.045, low[2] + 0.006)),
        ((0.012, 0.09, depth), (high[0] - 0.006, 0.045, z)), ((0.012, 0.09, depth), (low[0] + 0.006, 0.045, z)),
    ]  # fmt: skip
    return (
        box((width, t, depth), (x, -t / 2, z), "floor"),
        box((width, t, depth), (x, _HEIGHT_M + t / 2, z), "ceiling"),
        *(box(size, center, "wall") for size, center in sides),
        *(box(size, center, "skirting") for size, center in boards),
    )


def to_world(piece: Placed, x: float, z: float) -> tuple[float, float]:
    """Furniture frame to room frame (x, z)."""
    yaw = np.radians(piece.yaw_deg)
    sin, cos = np.sin(yaw), np.cos(yaw)
    return piece.position[0] + x * cos + z * sin, piece.position[2] - x * sin + z * cos


def _scatter(
    placed: tuple[Placed, ...], low: Vector3, high: Vector3, rng: np.random.Generator
) -> tuple[ObjectInstance, ...]:
    """Put every type in every colour somewhere: on surfaces while there is room, then on the free floor.

    Objects keep apart by the circles around their footprints, so they never overlap.
    """
    kinds = [(kind, color) for kind in ASSET_TYPES for color in COLORS]
    rng.shuffle(kinds)
    on_furniture = [spot for piece in placed for surface in piece.furniture.surfaces for spot in _spots(piece, surface)]
    grid = [
        (x, z)
        for x in np.arange(low[0] + 0.25, high[0] - 0.2, 0.14)
        for z in np.arange(low[2] + 0.25, high[2] - 0.2, 0.14)
    ]
    on_floor = [(float(x), 0.0, float(z), 10.0) for x, z in grid if not any(_covers(p, x, z, 0.2) for p in placed)]
    on_floor.sort(key=lambda spot: min(high[0] - abs(spot[0]), high[2] - abs(spot[2])))  # along the walls first
    rng.shuffle(on_furniture)
    taken: list[tuple[float, float, float, float]] = []  # x, y, z, radius
    instances = []
    for kind, color in kinds:
        width, height, depth = asset(kind).size
        radius = float(np.hypot(width, depth)) / 2
        for x, y, z, clearance in (*on_furniture, *on_floor):
            if clearance > height and all(
                abs(y - b) > 0.3 or np.hypot(x - a, z - c) > radius + r for a, b, c, r in taken
            ):
                break
        else:
            raise ValueError(f"no place is left for a {color} {kind}; give the room another surface")
        taken.append((x, y, z, radius))
        yaw_deg = float(rng.integers(0, 24) * 15)
        instances.append(
            ObjectInstance(f"{kind}_{color}_1", kind, color, (round(x, 4), round(y, 4), round(z, 4)), yaw_deg)
        )
    return tuple(instances)


def _spots(piece: Placed, surface: Surface) -> list[tuple[float, float, float, float]]:
    """Candidate points (x, y, z, clearance) of a surface in the room's frame."""
    pitch = 0.12
    nx, nz = max(1, int((surface.x1 - surface.x0) / pitch)), max(1, int((surface.z1 - surface.z0) / pitch))
    xs = surface.x0 + (np.arange(nx) + 0.5) * (surface.x1 - surface.x0) / nx
    zs = surface.z0 + (np.arange(nz) + 0.5) * (surface.z1 - surface.z0) / nz
    spots = []
    for x in xs:
        for z in zs:
            world_x, world_z = to_world(piece, float(x), float(z))
            spots.append((world_x, piece.position[1] + surface.y, world_z, surface.clearance))
    return spots


def _covers(piece: Placed, x: float, z: float, margin: float) -> bool:
    """Whether the footprint of a standing piece, grown by a margin, covers a floor point."""
    if not piece.furniture.blocks:
        return False
    yaw = np.radians(piece.yaw_deg)
    dx, dz = x - piece.position[0], z - piece.position[2]
    own_x, own_z = dx * np.cos(yaw) - dz * np.sin(yaw), dx * np.sin(yaw) + dz * np.cos(yaw)
    return abs(own_x) < piece.furniture.size[0] / 2 + margin and abs(own_z) < piece.furniture.size[2] / 2 + margin


@cache
def room(name: str) -> Room:
    """The floor plan of that name ("FloorPlan1", with or without "_physics"). Raises KeyError if there is none."""
    name = name.removesuffix("_physics")
    kind, plan = _PLANS[name]
    high, layout, look, sun = plan()
    low = (-high[0], 0.0, -high[2])
    counts: dict[str, int] = {}
    placed = []
    for piece, position, yaw in layout:
        counts[piece.type] = counts.get(piece.type, 0) + 1
        placed.append(Placed(f"{piece.type}_{counts[piece.type]}", piece, position, yaw))
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    materials = {**_SHARED, **FIXED_MATERIALS, **look, **{f"color-{c}": color_material(c) for c in COLORS}}
    rug = box((1.9, 0.008, 1.3), (0.1, 0.004, 0.2), "rug") if kind in ("LivingRoom", "Bedroom") else None
    start = next(
        (x, z)
        for x, z in ((0.5, 0.5), (0.75, 0.25), (0.25, 0.75), (0.0, 1.0), (1.0, 0.5), (1.0, -0.75))
        if not any(_covers(p, x, z, 0.25) for p in placed)
    )
    return Room(
        name, kind, low, high, _shell(low, high), tuple(placed), _scatter(tuple(placed), low, high, rng),
        materials, sun, 0.42, (start[0], 0.901, start[1]), 180.0, rug,
    )  # fmt: skip
