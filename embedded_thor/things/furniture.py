"""Parametric furniture: iTHOR's types at any size.

Own frame: origin on the floor under the centre, front to +z, metres. Meshes name materials by role
("wood", "wood_dark", "white", "metal", "fabric", "marble", ...); the room says what a role looks
like. Tops are open so that a standing robot sees what lies on them.
"""

from dataclasses import replace

from embedded_thor.records import Furniture, Mesh, Surface, Switch
from embedded_thor.things.meshes import ball, box, lathe, merged
from embedded_thor.things.parts import door, drawer, hollow

_EDGE = 0.06  # metres kept free along the edge of a surface


def _top(width: float, depth: float, y: float, clearance: float = 10.0) -> Surface:
    return Surface(
        -width / 2 + _EDGE, -depth / 2 + _EDGE, width / 2 - _EDGE, depth / 2 - _EDGE, y, clearance
    )


def _legs(width: float, depth: float, height: float, thickness: float, material: str) -> list[Mesh]:
    x, z = width / 2 - thickness, depth / 2 - thickness
    return [
        box((thickness, height, thickness), (sx * x, height / 2, sz * z), material)
        for sx in (-1, 1)
        for sz in (-1, 1)
    ]


def table(
    type_: str,
    width: float,
    depth: float,
    height: float,
    top: str = "wood",
    legs: str = "wood_dark",
    shelf: bool = False,
) -> Furniture:
    """DiningTable, CoffeeTable, SideTable or Desk: a board on four legs, and a shelf if wanted."""
    meshes = [
        box((width, 0.035, depth), (0, height - 0.0175, 0), top),
        *_legs(width, depth, height - 0.035, 0.05, legs),
    ]
    surfaces = [_top(width, depth, height)]
    if shelf:
        meshes.append(box((width - 0.06, 0.02, depth - 0.06), (0, height * 0.35, 0), top))
        surfaces.append(_top(width - 0.1, depth - 0.1, height * 0.35 + 0.01, height * 0.65 - 0.06))
    return Furniture(type_, merged(meshes), (width, height, depth), tuple(surfaces))


def counter(width: float, depth: float = 0.62, height: float = 0.90, doors: int = 3) -> Furniture:
    """CounterTop: cupboards (Cabinet) with doors and handles under a stone top."""
    stone = [
        box((width + 0.01, 0.04, depth), (0, height - 0.02, 0), "marble"),
        box((width, 0.10, 0.015), (0, height + 0.05, -depth / 2 + 0.0075), "marble"),
    ]
    plinth = box((width, 0.10, depth - 0.06), (0, 0.05, -0.03), "dark")
    solid = box(
        (width, height - 0.14, depth - 0.02), (0, 0.10 + (height - 0.14) / 2, -0.01), "cabinet"
    )
    pitch, front, top = width / doors, depth / 2 - 0.02, height - 0.04
    board = 0.10 + 0.5 * (top - 0.10)
    leaves = [
        _counter_door(-width / 2 + pitch * (i + 0.5), pitch, depth, height) for i in range(doors)
    ]
    parts = []
    for i, leaf in enumerate(leaves):
        x = -width / 2 + pitch * (i + 0.5)
        low = (x - pitch / 2 + 0.0075, 0.12, -depth / 2 + 0.02)
        high = (x + pitch / 2 - 0.0075, top - 0.02, front)
        parts.append(door(leaf, low, high, left=i % 2 == 0, boards=(0.12, board)))
    uprights = [-width / 2 + pitch * i for i in range(1, doors)]
    low, high = (-width / 2, 0.10, -depth / 2), (width / 2, top, front)
    body = hollow(low, high, "cabinet", uprights, (board,))
    return Furniture(
        "CounterTop",
        merged([plinth, solid, *stone, *(mesh for leaf in leaves for mesh in leaf)]),
        (width, height, depth),
        (_top(width, depth, height),),
        parts=tuple(parts),
        carcass=merged([plinth, *body, *stone]),
    )


def _counter_door(x: float, pitch: float, depth: float, height: float) -> list[Mesh]:
    """A board with a handle."""
    size = (pitch - 0.015, height - 0.18, 0.012)
    return [
        box(size, (x, 0.10 + (height - 0.14) / 2, depth / 2 - 0.016), "cabinet_door"),
        box((pitch * 0.4, 0.014, 0.02), (x, height - 0.11, depth / 2 - 0.004), "metal"),
    ]


def shelving_unit(
    width: float, depth: float, levels: tuple[float, ...], height: float, back: bool = True
) -> Furniture:
    """ShelvingUnit: open shelves at the given heights between two sides."""
    meshes = [
        box((0.025, height, depth), (s * (width / 2 - 0.0125), height / 2, 0), "wood_dark")
        for s in (-1, 1)
    ]
    if back:
        meshes.append(
            box((width - 0.05, height, 0.012), (0, height / 2, -depth / 2 + 0.006), "wood_back")
        )
    surfaces = []
    x, rear, front = width / 2 - _EDGE, -depth / 2 + 0.04, depth / 2 - 0.03
    for level, above in zip(levels, (*levels[1:], 10.0)):
        meshes.append(box((width - 0.05, 0.022, depth), (0, level - 0.011, 0), "wood"))
        surfaces.append(Surface(-x, rear, x, front, level, above - level - 0.03))
    return Furniture("ShelvingUnit", merged(meshes), (width, height, depth), tuple(surfaces))


def wall_shelf(width: float, depth: float, heights: tuple[float, ...]) -> Furniture:
    """Shelf: boards on brackets, hung on a wall; the agent's feet do not meet it."""
    meshes, surfaces = [], []
    x, back, front = width / 2 - 0.05, -depth / 2 + 0.03, depth / 2 - 0.02
    for height, above in zip(heights, (*heights[1:], 10.0)):
        meshes.append(box((width, 0.025, depth), (0, height - 0.0125, 0), "wood"))
        meshes += [
            box((0.02, 0.09, depth * 0.7), (s * width * 0.38, height - 0.07, -depth * 0.15), "dark")
            for s in (-1, 1)
        ]
        surfaces.append(Surface(-x, back, x, front, height, above - height - 0.05))
    low = heights[0] - 0.12
    size = (width, heights[-1] - low, depth)
    return Furniture("Shelf", merged(meshes), size, tuple(surfaces), blocks=False, bottom=low)


def dresser(type_: str, width: float, depth: float, height: float, rows: int = 3) -> Furniture:
    """Dresser, TVStand or SideTable with drawers (Drawer).

    Other types are made so, too, but do not open.
    """
    solid = box(
        (width, height - 0.06, depth - 0.02), (0, 0.04 + (height - 0.06) / 2, -0.01), "wood_dark"
    )
    top = box((width, 0.03, depth), (0, height - 0.015, 0), "wood")
    step, front = (height - 0.10) / rows, depth / 2 - 0.02
    middles = [0.06 + step * (i + 0.5) for i in range(rows)]
    faces = [_drawer_front(y, step, width, depth) for y in middles]
    meshes = [solid, top, *(mesh for face in faces for mesh in face)]
    piece = Furniture(type_, merged(meshes), (width, height, depth), (_top(width, depth, height),))
    if type_ not in ("Dresser", "TVStand", "SideTable"):
        return piece
    parts = []
    for y, face in zip(middles, faces):
        low = (0.025 - width / 2, y - step / 2 + 0.01, -depth / 2 + 0.02)
        high = (width / 2 - 0.025, y + step / 2 - 0.01, front)
        parts.append(drawer(face, low, high, "wood_back"))
    gaps = [0.06 + step * i for i in range(rows + 1)]  # between the drawers, and at both ends
    rails = [
        box((width - 0.02, high - low, 0.02), (0, (low + high) / 2, front - 0.01), "wood_dark")
        for low, high in ((max(0.04, y - 0.012), min(height - 0.02, y + 0.012)) for y in gaps)
    ]
    low, high = (-width / 2, 0.04, -depth / 2), (width / 2, height - 0.02, front)
    body = hollow(low, high, "wood_dark", boards=[y + 0.009 for y in gaps[1:-1]])
    return replace(piece, parts=tuple(parts), carcass=merged([*body, *rails, top]))


def _drawer_front(y: float, step: float, width: float, depth: float) -> list[Mesh]:
    """A board with two handles."""
    handles = [
        box((0.10, 0.014, 0.02), (s * width * 0.22, y, depth / 2 - 0.004), "metal") for s in (-1, 1)
    ]
    return [box((width - 0.04, step - 0.02, 0.014), (0, y, depth / 2 - 0.016), "wood"), *handles]


def sofa(width: float, depth: float = 0.85, seats: int = 2) -> Furniture:
    arm, seat_height = 0.18, 0.42
    meshes = [
        box((width, 0.16, depth), (0, 0.14, 0), "fabric"),
        box((width, 0.44, 0.2), (0, 0.60, -depth / 2 + 0.10), "fabric"),
        *[box((arm, 0.40, depth), (s * (width - arm) / 2, 0.40, 0), "fabric") for s in (-1, 1)],
        *_legs(width, depth, 0.07, 0.06, "wood_dark"),
    ]
    cushion = (width - 2 * arm) / seats
    for i in range(seats):
        x = -width / 2 + arm + cushion * (i + 0.5)
        meshes.append(box((cushion - 0.02, 0.20, depth - 0.24), (x, 0.32, 0.10), "fabric_light"))
        meshes.append(
            ball((cushion * 0.44, 0.20, 0.09), (x, 0.60, -depth / 2 + 0.25), "fabric_light", 8, 12)
        )
    surface = Surface(
        -width / 2 + arm + 0.06, -0.12, width / 2 - arm - 0.06, depth / 2 - 0.10, seat_height
    )
    return Furniture("Sofa", merged(meshes), (width, 0.82, depth), (surface,))


def bed(width: float, length: float = 2.0) -> Furniture:
    """Head to -z."""
    pillow, beside = (width * 0.21, 0.07, 0.19), width * 0.24
    meshes = [
        box((width, 0.22, length), (0, 0.20, 0), "wood_dark"),
        box((width - 0.04, 0.20, length - 0.06), (0, 0.41, 0.02), "linen"),
        box((width, 0.06, length * 0.62), (0, 0.515, length * 0.17), "fabric"),
        box((width, 0.75, 0.06), (0, 0.5, -length / 2 + 0.03), "wood"),
        *[ball(pillow, (x, 0.55, -length / 2 + 0.32), "linen", 8, 14) for x in (-beside, beside)],
    ]
    surface = Surface(-width / 2 + 0.12, -length * 0.12, width / 2 - 0.12, length / 2 - 0.12, 0.545)
    return Furniture("Bed", merged(meshes), (width, 0.875, length), (surface,))


def stool(height: float = 0.46) -> Furniture:
    """Stool: a round seat that also carries things."""
    low, high = height - 0.035, height
    seat = [(0, low), (0.17, low), (0.18, height - 0.02), (0.17, high), (0, high)]
    meshes = [lathe(seat, "wood", 20), *_legs(0.24, 0.24, height - 0.03, 0.03, "wood_dark")]
    top = Surface(-0.07, -0.07, 0.07, 0.07, height)
    return Furniture("Stool", merged(meshes), (0.36, height, 0.36), (top,))


def chair() -> Furniture:
    meshes = [
        box((0.42, 0.035, 0.42), (0, 0.45, 0), "wood"),
        *_legs(0.42, 0.42, 0.44, 0.035, "wood_dark"),
        box((0.42, 0.24, 0.025), (0, 0.78, -0.195), "wood"),
        *[box((0.03, 0.42, 0.03), (s * 0.19, 0.66, -0.195), "wood_dark") for s in (-1, 1)],
    ]
    return Furniture(
        "Chair", merged(meshes), (0.42, 0.90, 0.42), (Surface(-0.1, -0.08, 0.1, 0.1, 0.4675),)
    )


def floor_lamp() -> Furniture:
    foot = [(0, 0), (0.14, 0), (0.14, 0.02), (0.02, 0.03), (0.012, 0.05), (0.012, 1.40), (0, 1.40)]
    meshes = [
        lathe(foot, "metal", 16),
        lathe([(0.20, 1.32), (0.13, 1.60), (0.125, 1.60), (0.195, 1.32)], "lampshade", 18),
    ]
    shade = Switch("lampshade", on="lampshade", off="lampshade_off", at_first=True, light=0.25)
    return Furniture("FloorLamp", merged(meshes), (0.40, 1.60, 0.40), switch=shade)


def plant() -> Furniture:
    around = [(1, 0), (-1, 0.2), (0.2, 1), (0, -1), (0.7, 0.7), (-0.7, -0.6), (0, 0)]
    leaves = [
        ball((0.05, 0.22, 0.10), (0.13 * x, 0.62 + 0.1 * (i % 3), 0.13 * z), "leaf", 6, 8)
        for i, (x, z) in enumerate(around)
    ]
    outline = [(0, 0), (0.12, 0), (0.16, 0.30), (0.145, 0.30), (0.14, 0.27), (0, 0.27)]
    pot = lathe(outline, "terracotta", 18)
    return Furniture("HousePlant", merged([pot, *leaves]), (0.40, 0.95, 0.40))


def bin_() -> Furniture:
    outline = [(0, 0), (0.12, 0), (0.15, 0.36), (0.14, 0.36), (0.11, 0.02), (0, 0.02)]
    return Furniture("GarbageCan", (lathe(outline, "metal", 20),), (0.30, 0.36, 0.30))


def television(width: float = 0.95) -> Furniture:
    """Stands on a TVStand: placed at the stand's height."""
    meshes = [
        box((width, width * 0.56, 0.04), (0, 0.08 + width * 0.28, 0), "dark"),
        box(
            (width - 0.04, width * 0.56 - 0.04, 0.01), (0, 0.08 + width * 0.28, 0.022), "dark_gloss"
        ),
        box((0.3, 0.02, 0.18), (0, 0.01, 0), "dark"),
        box((0.05, 0.08, 0.03), (0, 0.05, 0), "dark"),
    ]
    screen = Switch("dark_gloss", on="screen_on", off="dark_gloss", at_first=False)
    return Furniture(
        "Television",
        merged(meshes),
        (width, 0.08 + width * 0.56, 0.18),
        blocks=False,
        switch=screen,
    )


def window(width: float, height: float, sill: float) -> Furniture:
    """Hung on a wall at -z: a bright pane in a white frame."""
    y = sill + height / 2
    bars = [
        box((width + 0.12, 0.06, 0.05), (0, sill - 0.03, 0.02), "white"),
        box((width + 0.12, 0.06, 0.05), (0, sill + height + 0.03, 0.02), "white"),
    ]
    bars += [box((0.06, height, 0.05), (s * (width / 2 + 0.03), y, 0.02), "white") for s in (-1, 1)]
    bars += [
        box((0.03, height, 0.03), (0, y, 0.015), "white"),
        box((width, 0.03, 0.03), (0, y, 0.015), "white"),
    ]
    return Furniture(
        "Window",
        merged([box((width, height, 0.012), (0, y, 0.006), "pane"), *bars]),
        (width + 0.12, height + 0.12, 0.05),
        blocks=False,
        bottom=sill - 0.06,
    )


def painting(width: float, height: float, bottom: float, material: str = "picture") -> Furniture:
    frame = box((width + 0.06, height + 0.06, 0.02), (0, bottom + height / 2, 0.01), "wood_dark")
    return Furniture(
        "Painting",
        merged([frame, box((width, height, 0.01), (0, bottom + height / 2, 0.019), material)]),
        (width + 0.06, height + 0.06, 0.03),
        blocks=False,
        bottom=bottom - 0.03,
    )
