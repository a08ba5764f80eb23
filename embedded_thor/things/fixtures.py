"""Kitchen and bathroom fixtures: fridge, stove, basin, toilet, bathtub.

Own frame, materials and units as in `furniture.py`.
"""

from embedded_thor.records import Furniture, Leaf, Mesh, Opening, Part, Surface
from embedded_thor.things.meshes import ball, box, lathe, merged
from embedded_thor.things.parts import door, hollow, stove_knob

_BOWL = (0, 0, 0.08)  # centre of a toilet's bowl


def fridge() -> Furniture:
    meshes = [
        box((0.70, 1.70, 0.66), (0, 0.85, 0), "enamel"),
        box((0.69, 1.05, 0.02), (0, 0.55, 0.335), "enamel_door"),
        box((0.69, 0.57, 0.02), (0, 1.39, 0.335), "enamel_door"),
        *[box((0.025, 0.30, 0.035), (-0.28, y, 0.36), "metal") for y in (0.85, 1.30)],
    ]
    return Furniture("Fridge", merged(meshes), (0.70, 1.70, 0.70), opening=_fridge_opening())


def _fridge_opening() -> Opening:
    """Two doors that turn about its right edge; shelves behind them."""
    levels = (0.06, 0.38, 0.70, 1.13)
    body = [
        *[box((0.03, 1.70, 0.65), (s * 0.335, 0.85, -0.005), "enamel") for s in (-1, 1)],
        box((0.66, 1.70, 0.03), (0, 0.85, -0.315), "enamel"),
        *[box((0.66, 0.04, 0.64), (0, y, 0), "enamel") for y in (0.04, 1.11, 1.68)],
        *[box((0.64, 0.012, 0.54), (0, y - 0.006, -0.03), "enamel_door") for y in levels[1:3]],
    ]
    leaves = []
    for height, y, handle in ((1.05, 0.55, 0.85), (0.57, 1.39, 1.30)):
        board = box((0.69, height, 0.03), (0, y, 0.335), "enamel_door")
        grip = box((0.025, 0.30, 0.035), (-0.28, handle, 0.36), "metal")
        leaves.append(Leaf(merged([board, grip]), (0.345, y, 0.335), (0, 1, 0), 110.0))
    clearances = (0.30, 0.30, 0.36, 0.50)
    inside = tuple(Surface(-0.26, -0.24, 0.26, 0.20, *at) for at in zip(levels, clearances))
    return Opening(merged(body), tuple(leaves), inside)


def stove() -> Furniture:
    """StoveBurner, with four rings, and a StoveKnob for each."""
    places = [(x, z) for x in (-0.15, 0.15) for z in (-0.13, 0.13)]
    rings = [
        lathe([(0.085, 0.906), (0.09, 0.910), (0.06, 0.910), (0.055, 0.906)], "dark", 18, (x, 0, z))
        for x, z in places
    ]
    body = [
        box((0.60, 0.88, 0.60), (0, 0.44, 0), "enamel"),
        box((0.60, 0.025, 0.60), (0, 0.8925, 0), "dark_gloss"),
        box((0.50, 0.42, 0.015), (0, 0.42, 0.305), "dark_gloss"),
        box((0.46, 0.018, 0.03), (0, 0.68, 0.32), "metal"),
    ]
    knobs = [
        ball((0.02, 0.02, 0.015), (x, 0.80, 0.31), "dark", 5, 8) for x in (-0.2, -0.07, 0.07, 0.2)
    ]
    return Furniture(
        "StoveBurner",
        merged([*body, *knobs, *rings]),
        (0.60, 0.905, 0.62),
        (Surface(-0.2, -0.2, 0.2, 0.2, 0.911),),
        parts=tuple(stove_knob(knob, place, 0.910) for knob, place in zip(knobs, places)),
        carcass=merged([*body, *rings]),
    )


def sink_cabinet(width: float = 0.9) -> Furniture:
    """A wash basin in a cabinet, free top on both sides."""
    basin = [(0.20, 0.872), (0.205, 0.885), (0.19, 0.888), (0.16, 0.80), (0, 0.79)]
    solid = box((width, 0.76, 0.48), (0, 0.42, 0), "cabinet")
    upper = [
        box((width + 0.02, 0.04, 0.52), (0, 0.84, 0), "marble"),
        lathe(basin, "enamel", 22),
        lathe([(0.20, 0.86), (0.20, 0.872)], "enamel", 22),
        box((0.035, 0.18, 0.035), (0, 0.95, -0.22), "metal"),
        box((0.03, 0.03, 0.14), (0, 1.03, -0.16), "metal"),
    ]
    leaves = [
        box((width / 2 - 0.03, 0.62, 0.014), (s * width / 4, 0.42, 0.245), "cabinet_door")
        for s in (-1, 1)
    ]
    inner, outer = 0.26, width / 2 - 0.06
    beside = (
        Surface(-outer, -0.2, -inner, 0.2, 0.86),
        Surface(inner, -0.2, outer, 0.2, 0.86),
    )
    return Furniture(
        "SinkBasin",
        merged([solid, *upper, *leaves]),
        (width + 0.02, 1.05, 0.52),
        beside if width > 0.8 else (),
        parts=_sink_doors(leaves, width / 2 - 0.02),
        carcass=merged([*_sink_body(width), *upper]),
    )


def _sink_doors(leaves: list[Mesh], half: float) -> tuple[Part, Part]:
    """The left and the right one, each before half of the cabinet."""
    left, right = leaves
    return (
        door([left], (-half, 0.06, -0.22), (0, 0.74, 0.24), left=True, boards=(0.06,)),
        door([right], (0, 0.06, -0.22), (half, 0.74, 0.24), left=False, boards=(0.06,)),
    )


def _sink_body(width: float) -> list[Mesh]:
    """The cabinet without its doors."""
    return [
        *hollow((-width / 2, 0.04, -0.24), (width / 2, 0.80, 0.24), "cabinet", boards=(0.06,)),
        box((width, 0.07, 0.02), (0, 0.765, 0.23), "cabinet"),
        box((width, 0.07, 0.02), (0, 0.075, 0.23), "cabinet"),
        box((0.032, 0.76, 0.02), (0, 0.42, 0.23), "cabinet"),
    ]


def toilet() -> Furniture:
    bowl = [(0, 0), (0.15, 0), (0.12, 0.12), (0.16, 0.32), (0.20, 0.38), (0.20, 0.40), (0, 0.40)]
    lid = [(0, 0.405), (0.205, 0.405), (0.205, 0.43), (0, 0.43)]
    meshes = [
        lathe(bowl, "enamel", 22, _BOWL),
        lathe(lid, "enamel_door", 22, _BOWL),
        box((0.40, 0.36, 0.18), (0, 0.58, -0.24), "enamel"),
        box((0.42, 0.03, 0.20), (0, 0.775, -0.24), "enamel_door"),
        box((0.05, 0.012, 0.03), (0, 0.796, -0.24), "metal"),
    ]
    tank = Surface(-0.13, -0.29, 0.13, -0.19, 0.79)
    opening = _toilet_opening([meshes[0], *meshes[2:]])
    return Furniture("Toilet", merged(meshes), (0.42, 0.80, 0.66), (tank,), opening=opening)


def _toilet_opening(below: list[Mesh]) -> Opening:
    """Its lid turns up; below is the seat, with water in it."""
    seat = [(0.12, 0.402), (0.20, 0.402), (0.20, 0.418), (0.12, 0.418), (0.12, 0.402)]
    lid = [(0, 0.418), (0.205, 0.418), (0.205, 0.43), (0, 0.43)]
    body = [
        *below,
        lathe(seat, "enamel_door", 22, _BOWL),
        lathe([(0.12, 0.404), (0, 0.404)], "metal", 22, _BOWL),
    ]
    leaf = Leaf((lathe(lid, "enamel_door", 22, _BOWL),), (0, 0.42, -0.125), (1, 0, 0), -92.0)
    return Opening(merged(body), (leaf,))


def bathtub(length: float = 1.6, width: float = 0.72) -> Furniture:
    meshes = [
        box((length, 0.46, 0.05), (0, 0.23, width / 2 - 0.025), "enamel"),
        box((length, 0.46, 0.05), (0, 0.23, -width / 2 + 0.025), "enamel"),
        box((0.12, 0.46, width), (-length / 2 + 0.06, 0.23, 0), "enamel"),
        box((0.12, 0.46, width), (length / 2 - 0.06, 0.23, 0), "enamel"),
        box((length, 0.12, width), (0, 0.06, 0), "enamel"),
        box((length + 0.03, 0.025, 0.09), (0, 0.47, width / 2 - 0.03), "enamel_door"),
        box((0.035, 0.2, 0.035), (-length / 2 + 0.06, 0.56, 0), "metal"),
        box((0.12, 0.03, 0.03), (-length / 2 + 0.1, 0.65, 0), "metal"),
    ]
    floor = Surface(-length / 2 + 0.2, -width / 2 + 0.12, length / 2 - 0.2, width / 2 - 0.12, 0.12)
    return Furniture("Bathtub", merged(meshes), (length + 0.03, 0.48, width + 0.02), (floor,))
