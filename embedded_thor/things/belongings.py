"""Shapes of what lies about in living rooms and bedrooms.

Metres; the material "color" is the instance's own.
"""

import numpy as np

from embedded_thor.records import Leaf, Mesh, Opening, Surface
from embedded_thor.things.meshes import ball, box, lathe, merged, mesh, tube


def _laid(turned: Mesh, height: float) -> Mesh:
    """A lathed mesh turned about x, so that it lies along z, its axis at a height."""

    def turn(a: np.ndarray) -> np.ndarray:
        return a[:, [0, 2, 1]] * np.array([1.0, 1.0, -1.0])

    return Mesh(
        turn(turned.vertices) + np.array([0, height, 0]),
        turned.faces,
        turn(turned.normals),
        turned.uv,
        turned.material,
    )


def book() -> list[Mesh]:
    cover = [box((0.18, 0.006, 0.25), (0, y, 0), "color") for y in (0.003, 0.047)]
    return [
        *cover,
        box((0.006, 0.05, 0.25), (-0.087, 0.025, 0), "color"),
        box((0.165, 0.038, 0.235), (0.002, 0.025, 0), "paper"),
    ]


def book_opening() -> Opening:
    """Its upper half turns about the spine."""
    lower = (
        box((0.18, 0.006, 0.25), (0, 0.003, 0), "color"),
        box((0.006, 0.025, 0.25), (-0.087, 0.0125, 0), "color"),
        box((0.165, 0.019, 0.235), (0.002, 0.0155, 0), "paper"),
    )
    upper = (
        box((0.18, 0.006, 0.25), (0, 0.047, 0), "color"),
        box((0.006, 0.025, 0.25), (-0.087, 0.0375, 0), "color"),
        box((0.165, 0.019, 0.235), (0.002, 0.0345, 0), "paper"),
    )
    return Opening(merged(lower), (Leaf(merged(upper), (-0.09, 0.025, 0), (0, 0, 1), 180.0),))


def candle() -> list[Mesh]:
    dish = [(0, 0), (0.055, 0), (0.065, 0.018), (0.05, 0.012), (0, 0.012)]
    wax = [(0.034, 0.010), (0.034, 0.155), (0.028, 0.160), (0, 0.157)]
    flame = [(0.002, 0.162), (0.010, 0.178), (0.006, 0.195), (0, 0.212)]
    return [lathe(dish, "metal", 18), lathe(wax, "color", 16), lathe(flame, "flame", 8)]


def alarm_clock() -> list[Mesh]:
    body = [
        (0, -0.03),
        (0.068, -0.03),
        (0.072, -0.022),
        (0.072, 0.022),
        (0.068, 0.03),
        (0.060, 0.03),
        (0.058, 0.024),
    ]
    drum = _laid(lathe(body, "color", 22), 0.088)
    face = _laid(lathe([(0.058, -0.034), (0, -0.034)][::-1], "paper", 22), 0.088)
    hands = [
        box((0.006, 0.042, 0.004), (0, 0.105, 0.037), "dark"),
        box((0.03, 0.006, 0.004), (0.013, 0.088, 0.037), "dark"),
    ]
    bells = [ball((0.026, 0.020, 0.022), (s * 0.040, 0.158, 0), "metal", 6, 10) for s in (-1, 1)]
    feet = [ball((0.012, 0.016, 0.02), (s * 0.042, 0.016, 0), "dark", 6, 8) for s in (-1, 1)]
    return [drum, face, *hands, *bells, *feet]


def teddy_bear() -> list[Mesh]:
    return [
        ball((0.085, 0.095, 0.07), (0, 0.105, 0), "color"),
        ball((0.052, 0.058, 0.012), (0, 0.105, 0.064), "fur", 6, 10),
        ball((0.068, 0.062, 0.06), (0, 0.235, 0.005), "color"),
        ball((0.028, 0.022, 0.022), (0, 0.222, 0.06), "fur", 6, 10),
        ball((0.010, 0.009, 0.010), (0, 0.230, 0.080), "dark", 4, 6),
        *[ball((0.022, 0.022, 0.012), (s * 0.055, 0.288, 0), "color", 6, 8) for s in (-1, 1)],
        *[ball((0.008, 0.008, 0.006), (s * 0.024, 0.25, 0.060), "dark", 4, 6) for s in (-1, 1)],
        *[ball((0.030, 0.058, 0.030), (s * 0.098, 0.135, 0.02), "color", 6, 10) for s in (-1, 1)],
        *[ball((0.034, 0.030, 0.070), (s * 0.055, 0.030, 0.06), "color", 6, 10) for s in (-1, 1)],
    ]


def box_carton() -> list[Mesh]:
    return [
        box((0.26, 0.20, 0.22), (0, 0.10, 0), "color"),
        box((0.05, 0.201, 0.222), (0, 0.1005, 0), "paper"),
        box((0.06, 0.008, 0.22), (-0.155, 0.200, 0), "color"),
        box((0.06, 0.008, 0.22), (0.155, 0.200, 0), "color"),
    ]


def box_opening() -> Opening:
    """Walls without a lid; its halves turn outwards."""
    walls = (
        box((0.26, 0.006, 0.22), (0, 0.003, 0), "color"),
        *(box((0.006, 0.20, 0.22), (s * 0.127, 0.10, 0), "color") for s in (-1, 1)),
        *(box((0.26, 0.20, 0.006), (0, 0.10, s * 0.107), "color") for s in (-1, 1)),
        *(box((0.05, 0.201, 0.001), (0, 0.1005, s * 0.1107), "paper") for s in (-1, 1)),
    )
    leaves = tuple(
        Leaf(
            (box((0.128, 0.005, 0.22), (s * 0.065, 0.2025, 0), "color"),),
            (s * 0.13, 0.2, 0),
            (0, 0, 1),
            -s * 205.0,
        )
        for s in (-1, 1)
    )
    return Opening(merged(walls), leaves, inside=(Surface(-0.10, -0.08, 0.10, 0.08, 0.006, 0.19),))


def basket_ball() -> list[Mesh]:
    around = np.linspace(0, 2 * np.pi, 25)
    flat = [(0.1205 * np.cos(a), 0.12, 0.1205 * np.sin(a)) for a in around]
    upright = [(0.1205 * np.cos(a), 0.12 + 0.1205 * np.sin(a), 0) for a in around]
    rings = [tube(ring, 0.003, "dark", 5) for ring in (flat, upright)]
    return [ball((0.12, 0.12, 0.12), (0, 0.12, 0), "color", 12, 18), *rings]


def pillow() -> list[Mesh]:
    """A superellipsoid: square seen from above, thin at the edges."""
    round_ball = ball((1, 1, 1), (0, 0, 0), "color", 12, 28)
    unit = round_ball.vertices

    def squared(v: np.ndarray) -> np.ndarray:
        return np.sign(v) * np.abs(v) ** 0.55

    vertices = np.stack(
        [0.24 * squared(unit[:, 0]), 0.075 * unit[:, 1], 0.17 * squared(unit[:, 2])], axis=1
    )
    normals = np.stack([0.30 * unit[:, 0], unit[:, 1], 0.42 * unit[:, 2]], axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return [
        mesh(
            vertices + np.array([0, 0.075, 0]),
            round_ball.faces,
            normals,
            vertices[:, [0, 2]],
            "color",
        )
    ]


def laptop() -> list[Mesh]:
    return [
        box((0.34, 0.016, 0.24), (0, 0.008, 0), "metal"),
        box((0.30, 0.002, 0.11), (0, 0.017, -0.03), "dark"),
        box((0.34, 0.22, 0.010), (0, 0.124, -0.125), "metal"),
        box((0.315, 0.195, 0.002), (0, 0.126, -0.119), "screen"),
    ]


def laptop_opening() -> Opening:
    """As made it stands open, as AI2-THOR's do."""
    lower = (
        box((0.34, 0.016, 0.24), (0, 0.008, 0), "metal"),
        box((0.30, 0.002, 0.11), (0, 0.017, -0.03), "dark"),
    )
    lid = (
        box((0.34, 0.010, 0.22), (0, 0.024, -0.016), "metal"),
        box((0.315, 0.002, 0.195), (0, 0.0185, -0.014), "screen"),
    )
    return Opening(
        merged(lower), (Leaf(merged(lid), (0, 0.018, -0.126), (1, 0, 0), -90.0),), at_first=1.0
    )


def cell_phone() -> list[Mesh]:
    return [
        box((0.072, 0.008, 0.148), (0, 0.004, 0), "color"),
        box((0.066, 0.001, 0.138), (0, 0.0085, 0), "screen"),
    ]


def remote_control() -> list[Mesh]:
    buttons = [
        box((0.010, 0.003, 0.010), (x, 0.0215, z), "paper")
        for x in (-0.013, 0.0, 0.013)
        for z in (-0.06, -0.03, 0.0, 0.03)
    ]
    return [
        box((0.05, 0.020, 0.18), (0, 0.010, 0), "dark"),
        box((0.014, 0.003, 0.014), (0, 0.0215, 0.065), "tomato"),
        *buttons,
    ]


def compact_disc() -> list[Mesh]:
    return [
        lathe([(0.008, 0), (0.060, 0), (0.060, 0.0015), (0.008, 0.0015)], "metal", 28),
        lathe([(0.059, 0.0017), (0.022, 0.0018)], "color", 28),
    ]


def credit_card() -> list[Mesh]:
    return [
        box((0.0856, 0.0012, 0.054), (0, 0.0006, 0), "color"),
        box((0.0856, 0.0004, 0.010), (0, 0.0014, -0.014), "dark"),
    ]


def newspaper() -> list[Mesh]:
    lines = [
        box((0.24, 0.0006, 0.006), (0, 0.0243, z), "dark") for z in np.linspace(-0.10, 0.10, 9)
    ]
    return [
        box((0.29, 0.024, 0.27), (0, 0.012, 0), "paper"),
        box((0.26, 0.0006, 0.022), (0, 0.0243, -0.122), "dark"),
        *lines,
    ]


def pen() -> list[Mesh]:
    return [
        tube([(-0.07, 0.006, 0), (0.0, 0.006, 0), (0.05, 0.006, 0)], 0.0055, "color", 7),
        tube([(0.05, 0.006, 0), (0.062, 0.006, 0), (0.07, 0.006, 0)], 0.003, "metal", 6),
    ]


def pencil() -> list[Mesh]:
    return [
        tube([(-0.085, 0.005, 0), (0.0, 0.005, 0), (0.075, 0.005, 0)], 0.0045, "color", 6),
        tube([(0.075, 0.005, 0), (0.083, 0.005, 0), (0.09, 0.005, 0)], 0.0025, "stick", 6),
    ]


def key_chain() -> list[Mesh]:
    ring = [
        (0.018 * np.cos(a) - 0.03, 0.004, 0.018 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 17)
    ]
    keys = [
        box((0.055, 0.003, 0.010), (0.012, y, z), "metal")
        for y, z in ((0.004, 0.010), (0.007, -0.008))
    ] + [
        lathe([(0, y), (0.012, y), (0.012, y + 0.003), (0, y + 0.003)], "color", 14, (0.045, 0, z))
        for y, z in ((0.0025, 0.010), (0.0055, -0.008))
    ]
    return [tube(ring, 0.002, "metal", 5, across=(0, 1, 0)), *keys]


def statue() -> list[Mesh]:
    pedestal = [(0, 0), (0.058, 0), (0.058, 0.020), (0.044, 0.028), (0.044, 0.045), (0, 0.045)]
    figure = [
        (0.034, 0.045),
        (0.040, 0.09),
        (0.026, 0.135),
        (0.038, 0.175),
        (0.034, 0.20),
        (0.013, 0.218),
        (0, 0.22),
    ]
    arms = [
        tube(
            [(s * 0.034, 0.188, 0), (s * 0.062, 0.15, 0.012), (s * 0.040, 0.115, 0.028)],
            0.011,
            "stone",
            7,
        )
        for s in (-1, 1)
    ]
    return [
        lathe(pedestal, "stone", 18),
        lathe(figure, "stone", 18),
        ball((0.026, 0.032, 0.026), (0, 0.245, 0), "stone", 8, 14),
        *arms,
    ]


def watering_can() -> list[Mesh]:
    body = [
        (0, 0),
        (0.085, 0),
        (0.092, 0.008),
        (0.080, 0.15),
        (0.070, 0.152),
        (0.076, 0.012),
        (0, 0.010),
    ]
    spout = tube([(0.078, 0.05, 0), (0.14, 0.12, 0), (0.19, 0.19, 0)], 0.012, "color", 8)
    rose = ball((0.024, 0.020, 0.024), (0.194, 0.196, 0), "color", 6, 10)
    handle = tube(
        [(-0.07, 0.148, 0), (-0.06, 0.22, 0), (0.03, 0.22, 0), (0.07, 0.15, 0)], 0.008, "color", 7
    )
    return [lathe(body, "color", 20), spout, rose, handle]


def boots() -> list[Mesh]:
    meshes = []
    for x in (-0.062, 0.062):
        shaft = [(0.040, 0.04), (0.046, 0.06), (0.050, 0.25), (0.044, 0.252), (0.040, 0.06)]
        meshes += [
            lathe(shaft, "leather", 14, (x, 0, -0.05)),
            ball((0.046, 0.045, 0.115), (x, 0.048, 0.015), "leather", 8, 14),
            box((0.090, 0.018, 0.235), (x, 0.009, 0.010), "dark"),
        ]
    return meshes


def baseball_bat() -> list[Mesh]:
    barrel = [
        (0, 0),
        (0.024, 0.002),
        (0.032, 0.02),
        (0.033, 0.25),
        (0.018, 0.50),
        (0.0135, 0.62),
        (0.0135, 0.80),
        (0.022, 0.81),
        (0.022, 0.825),
        (0, 0.826),
    ]
    grip = [(0.0142, 0.62), (0.0148, 0.622), (0.0148, 0.80), (0.0142, 0.802)]
    return [_laid(lathe(barrel, "stick", 16), 0.033), _laid(lathe(grip, "dark", 14), 0.033)]


def tennis_racket() -> list[Mesh]:
    frame = tube(
        [(0.13 * np.cos(a), 0.012, 0.17 * np.sin(a) - 0.16) for a in np.linspace(0, 2 * np.pi, 33)],
        0.011,
        "color",
        7,
        across=(0, 1, 0),
    )
    strings = [
        box((0.0015, 0.0015, 0.32), (x, 0.012, -0.16), "paper") for x in np.linspace(-0.08, 0.08, 7)
    ]
    strings += [
        box((0.24, 0.0015, 0.0015), (0, 0.0135, z), "paper") for z in np.linspace(-0.26, -0.06, 8)
    ]
    return [
        frame,
        *strings,
        tube([(0, 0.014, 0.0), (0, 0.014, 0.1), (0, 0.014, 0.34)], 0.014, "dark", 8),
    ]


def dumbbell() -> list[Mesh]:
    disc = [(0, 0), (0.055, 0), (0.060, 0.006), (0.060, 0.05), (0.055, 0.056), (0, 0.056)]
    weights = [
        _laid(lathe([(radius, y + height) for radius, height in disc], "color", 18), 0.060)
        for y in (-0.14, 0.084)
    ]
    return [
        *weights,
        _laid(lathe([(0, -0.09), (0.015, -0.09), (0.015, 0.09), (0, 0.09)], "metal", 12), 0.060),
    ]
