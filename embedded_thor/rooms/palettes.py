"""The colours that a room furnished by rule is painted in."""

from collections.abc import Sequence

import numpy as np

from embedded_thor.records import Vector3
from embedded_thor.things.materials import Look

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


def draw_look(kind: str, floors: Sequence[str], rng: np.random.Generator) -> Look:
    """A colour for everything, and one of `floors` (textures) for a room of that kind."""
    floor = floors[rng.integers(len(floors))]
    wall = "tiles" if kind == "Bathroom" else ("plaster", "plaster", "stripes")[rng.integers(3)]
    tiles_m = round(float(rng.uniform(0.5, 0.9)), 2)  # drawn even where there are none
    metres = {"tiles": tiles_m, "planks": 1.3, "carpet": 1.0}[floor]
    return Look(
        floor=(floor, _shade_of(_FLOORS[floor], rng), metres),
        wall=(wall, _shade_of(_WALLS, rng)),
        wood=_shade_of(_WOODS, rng),
        fabric=_shade_of(_FABRICS, rng),
        cabinet=_shade_of(_CABINETS, rng),
        picture=_shade_of(_PICTURES, rng),
        rug=_shade_of(_FABRICS, rng),
    )


def _shade_of(colors: Sequence[Vector3], rng: np.random.Generator) -> Vector3:
    """One of the colours, a little off."""
    shade = 1 + rng.uniform(-0.06, 0.06, 3)
    color = np.clip(np.array(colors[rng.integers(len(colors))]) * shade, 0, 0.95)
    return tuple(round(float(value), 3) for value in color)
