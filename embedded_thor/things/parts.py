"""What moves on a piece of furniture: doors, drawers, knobs; and the hollow body behind them.

Each part is an object of its own, as in iTHOR (Cabinet, Drawer, StoveKnob). Everything is given in
the piece's frame.
"""

from collections.abc import Sequence

import numpy as np

from embedded_thor.records import Furniture, Leaf, Mesh, Opening, Part, Surface, Switch, Vector3
from embedded_thor.things.meshes import box, lathe, merged, scaled

_BOARD_M = 0.018
_DOOR_DEG = 110.0
BESIDE_M = 0.03  # kept free along the walls of a compartment


def hollow(
    low: Vector3,
    high: Vector3,
    material: str,
    uprights: Sequence[float] = (),
    boards: Sequence[float] = (),
) -> list[Mesh]:
    """A box of boards that is open to the front (+z).

    Args:
        low, high: its corners. uprights: x of those inside. boards: y of their upper faces.
    """
    (x0, y0, z0), (x1, y1, z1), t = low, high, _BOARD_M
    h = t / 2  # boards end inside one another: with no corner in common, each is one to physics

    def panel(first: Vector3, last: Vector3) -> Mesh:
        first, last = np.array(first), np.array(last)
        return box(tuple(last - first), tuple((first + last) / 2), material)

    return [
        panel((x0, y0, z0), (x0 + t, y1, z1)),
        panel((x1 - t, y0, z0), (x1, y1, z1)),
        panel((x0 + h, y0, z0), (x1 - h, y1, z0 + t)),
        panel((x0 + h, y0, z0 + h), (x1 - h, y0 + t, z1)),
        panel((x0 + h, y1 - t, z0 + h), (x1 - h, y1, z1)),
        *(panel((x - h, y0 + h, z0 + h), (x + h, y1 - h, z1)) for x in uprights),
        *(panel((x0 + h, y - t, z0 + h), (x1 - h, y, z1)) for y in boards),
    ]


def door(
    meshes: Sequence[Mesh], low: Vector3, high: Vector3, left: bool, boards: Sequence[float]
) -> Part:
    """A Cabinet: a compartment, and the door before it.

    Args:
        low, high: corners of the compartment. boards: in it, heights of their upper faces.
        left: whether the door turns about its left edge as one looks from behind (-x).
    """
    origin, size = _origin(low, high), np.array(high) - low
    x, z = size[0] / 2 - BESIDE_M, size[2] / 2 - BESIDE_M
    levels = [y - low[1] for y in boards]
    inside = tuple(
        Surface(-x, -z, x, z, y, above - y - _BOARD_M)
        for y, above in zip(levels, [*levels[1:], float(size[1])])
    )
    hinge = (-size[0] / 2 if left else size[0] / 2, 0.0, size[2] / 2)
    leaf = Leaf(_moved(meshes, origin), hinge, (0.0, 1.0, 0.0), -_DOOR_DEG if left else _DOOR_DEG)
    return Part(_part("Cabinet", size, opening=Opening((), (leaf,), inside)), origin)


def drawer(front: Sequence[Mesh], low: Vector3, high: Vector3, material: str) -> Part:
    """A Drawer: its front, and a tray that slides out by two thirds.

    Args:
        low, high: corners of the compartment that the tray fills.
    """
    origin, size = _origin(low, high), np.array(high) - low
    width, depth, height, t = size[0] - 0.01, size[2], 0.6 * size[1], 0.01
    x, _, z = origin
    floor = low[1] + 0.005
    tray = [
        box((width - t, t, depth - t), (x, floor + t / 2, z), material),
        box((width - t, height, t), (x, floor + height / 2, z - depth / 2 + t / 2), material),
        *(
            box((t, height, depth), (x + s * (width - t) / 2, floor + height / 2, z), material)
            for s in (-1, 1)
        ),
    ]
    leaf = Leaf(
        _moved([*front, *tray], origin), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0), slide_m=size[2] * 2 / 3
    )
    x, z = width / 2 - BESIDE_M, depth / 2 - BESIDE_M
    inside = (Surface(-x, -z, x, z, floor + t - low[1], float(size[1]) - 0.03),)
    return Part(_part("Drawer", size, opening=Opening((), (leaf,), inside)), origin)


def stove_knob(knob: Mesh, ring: tuple[float, float], height: float) -> Part:
    """A StoveKnob, and the glow on the burner at (x, z) that it turns on."""
    low, high = knob.vertices.min(axis=0), knob.vertices.max(axis=0)
    origin = _origin(tuple(low), tuple(high))
    glow = lathe(
        [(0.056, height), (0.089, height), (0.089, height + 0.001), (0.056, height + 0.001)],
        "ring_hot",
        18,
        (ring[0], 0, ring[1]),
    )
    lights = Switch("ring_hot", on="ring_hot", off="", at_first=False)
    piece = Furniture(
        "StoveKnob", _moved([knob], origin), tuple(high - low), blocks=False, switch=lights
    )
    return Part(piece, origin, (glow,))


def _part(type_: str, size: np.ndarray, opening: Opening) -> Furniture:
    return Furniture(type_, (), tuple(map(float, size)), blocks=False, opening=opening)


def _origin(low: Vector3, high: Vector3) -> Vector3:
    """Of a part: the middle of its box's lower face."""
    return (float(low[0] + high[0]) / 2, float(low[1]), float(low[2] + high[2]) / 2)


def _moved(meshes: Sequence[Mesh], origin: Vector3) -> tuple[Mesh, ...]:
    return merged(scaled(meshes, np.ones(3), -np.array(origin)))
