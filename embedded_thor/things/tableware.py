"""Shapes of what stands in a kitchen: crockery, pots, cutlery, food.

Metres; the material "color" is the instance's own.
"""

import numpy as np

from embedded_thor.records import Leaf, Mesh, Opening, Vector3
from embedded_thor.things.meshes import ball, box, lathe, merged, tube


def arc(
    center: Vector3, radius: float, start_deg: float, end_deg: float, n: int = 9, flat: float = 1.0
) -> list[Vector3]:
    angles = np.radians(np.linspace(start_deg, end_deg, n))
    return [
        (center[0] + radius * flat * np.cos(a), center[1] + radius * np.sin(a), center[2])
        for a in angles
    ]


def mug() -> list[Mesh]:
    body = [
        (0, 0),
        (0.040, 0),
        (0.046, 0.006),
        (0.046, 0.108),
        (0.043, 0.112),
        (0.040, 0.108),
        (0.040, 0.012),
        (0, 0.010),
    ]
    return [
        lathe(body, "color"),
        tube(arc((0.044, 0.058, 0), 0.032, -75, 75, flat=1.1), 0.008, "color"),
    ]


def cup() -> list[Mesh]:
    profile = [
        (0, 0),
        (0.030, 0),
        (0.034, 0.02),
        (0.046, 0.14),
        (0.043, 0.14),
        (0.030, 0.02),
        (0, 0.018),
    ]
    return [
        lathe(profile, "color"),
        lathe([(0.0405, 0.08), (0.0425, 0.081), (0.0442, 0.109), (0.0421, 0.11)], "paper"),
    ]


def bowl() -> list[Mesh]:
    outer = [
        (0.115 * np.sin(a), 0.005 + 0.085 * (1 - np.cos(a)))
        for a in np.linspace(0.35, np.pi / 2, 8)
    ]
    inner = [
        (0.107 * np.sin(a), 0.014 + 0.076 * (1 - np.cos(a))) for a in np.linspace(np.pi / 2, 0.0, 8)
    ]
    return [lathe([(0, 0), (0.042, 0), *outer, *inner], "color")]


def plate() -> list[Mesh]:
    profile = [(0, 0), (0.08, 0), (0.135, 0.022), (0.135, 0.027), (0.085, 0.010), (0, 0.008)]
    return [lathe(profile, "color", 28)]


def pot() -> list[Mesh]:
    body = [
        (0, 0),
        (0.108, 0),
        (0.115, 0.008),
        (0.115, 0.125),
        (0.119, 0.13),
        (0.112, 0.132),
        (0.108, 0.12),
        (0.108, 0.012),
        (0, 0.01),
    ]
    lid = [(0.116, 0.133), (0.08, 0.152), (0.0, 0.160)]
    knob = [(0.010, 0.157), (0.012, 0.170), (0.020, 0.178), (0.014, 0.188), (0, 0.190)]
    handles = [
        tube(
            [
                (s * 0.112, 0.10, -0.035),
                (s * 0.148, 0.102, -0.03),
                (s * 0.148, 0.102, 0.03),
                (s * 0.112, 0.10, 0.035),
            ],
            0.008,
            "dark",
        )
        for s in (-1, 1)
    ]
    return [lathe(body, "color", 24), lathe(lid, "color", 24), lathe(knob, "dark", 12), *handles]


def pan() -> list[Mesh]:
    body = [(0, 0), (0.10, 0), (0.128, 0.045), (0.124, 0.047), (0.096, 0.008), (0, 0.008)]
    return [
        lathe(body, "color", 24),
        tube([(0.12, 0.038, 0), (0.18, 0.052, 0), (0.29, 0.062, 0)], 0.012, "dark"),
    ]


def kettle() -> list[Mesh]:
    body = [
        (0, 0),
        (0.098, 0),
        (0.105, 0.02),
        (0.098, 0.09),
        (0.068, 0.142),
        (0.03, 0.152),
        (0, 0.153),
    ]
    knob = [(0.012, 0.150), (0.018, 0.166), (0, 0.174)]
    spout = tube([(0.082, 0.065, 0), (0.125, 0.10, 0), (0.15, 0.145, 0)], 0.015, "color")
    handle = tube(arc((0.0, 0.13, 0), 0.095, 10, 170, 13), 0.009, "dark")
    return [lathe(body, "color", 22), lathe(knob, "dark", 12), spout, handle]


def kettle_opening() -> Opening:
    """Its lid turns up below the handle."""
    lid = (
        lathe([(0, 0.150), (0.046, 0.150), (0.044, 0.154), (0, 0.155)], "color", 18),
        lathe([(0.012, 0.150), (0.018, 0.166), (0, 0.174)], "dark", 12),
    )
    body = (*kettle()[:1], *kettle()[2:], lathe([(0.042, 0.1535), (0, 0.1535)], "dark", 18))
    return Opening(merged(body), (Leaf(merged(lid), (-0.046, 0.152, 0), (0, 0, 1), 50.0),))


def vase() -> list[Mesh]:
    profile = [
        (0, 0),
        (0.050, 0),
        (0.062, 0.015),
        (0.088, 0.085),
        (0.085, 0.13),
        (0.055, 0.19),
        (0.036, 0.225),
        (0.040, 0.265),
        (0.058, 0.29),
        (0.050, 0.288),
        (0.030, 0.25),
        (0.025, 0.225),
        (0, 0.2),
    ]
    return [lathe(profile, "color", 22)]


def bottle() -> list[Mesh]:
    profile = [
        (0, 0),
        (0.038, 0),
        (0.042, 0.008),
        (0.042, 0.175),
        (0.036, 0.205),
        (0.017, 0.238),
        (0.015, 0.29),
        (0, 0.29),
    ]
    label = [(0.0425, 0.06), (0.0432, 0.061), (0.0432, 0.139), (0.0425, 0.14)]
    cork = [(0.016, 0.288), (0.017, 0.291), (0.017, 0.31), (0, 0.31)]
    return [lathe(profile, "color"), lathe(label, "paper"), lathe(cork, "cork", 10)]


def wine_bottle() -> list[Mesh]:
    profile = [
        (0, 0.006),
        (0.036, 0),
        (0.038, 0.01),
        (0.038, 0.19),
        (0.030, 0.225),
        (0.014, 0.25),
        (0.015, 0.315),
        (0, 0.315),
    ]
    label = [(0.0384, 0.06), (0.0388, 0.061), (0.0388, 0.149), (0.0384, 0.15)]
    foil = [(0.0152, 0.27), (0.016, 0.272), (0.016, 0.317), (0, 0.318)]
    return [lathe(profile, "bottle_glass"), lathe(label, "paper"), lathe(foil, "wine", 12)]


def _shaker(filling: str) -> list[Mesh]:
    body = [(0, 0), (0.022, 0), (0.024, 0.004), (0.019, 0.06), (0, 0.06)]
    cap = [(0.0195, 0.058), (0.021, 0.064), (0.018, 0.078), (0.010, 0.084), (0, 0.085)]
    return [lathe(body, filling, 14), lathe(cap, "metal", 14)]


def salt_shaker() -> list[Mesh]:
    return _shaker("salt")


def pepper_shaker() -> list[Mesh]:
    return _shaker("pepper")


def _handle(length: float, start: float = 0.0, thickness: float = 0.0045) -> Mesh:
    return tube(
        [(start, 0.008, 0), (start + 0.4 * length, 0.010, 0), (start + length, 0.007, 0)],
        thickness,
        "metal",
        6,
    )


def spoon() -> list[Mesh]:
    return [_handle(0.13, 0.02), ball((0.030, 0.006, 0.019), (0, 0.006, 0), "metal", 6, 14)]


def fork() -> list[Mesh]:
    tines = [box((0.045, 0.003, 0.0035), (-0.022, 0.008, z), "metal") for z in (-0.010, 0.0, 0.010)]
    return [_handle(0.12, 0.02), box((0.024, 0.003, 0.024), (0.012, 0.008, 0), "metal"), *tines]


def knife() -> list[Mesh]:
    return [
        box((0.18, 0.003, 0.032), (-0.05, 0.008, 0), "metal"),
        box((0.11, 0.016, 0.024), (0.095, 0.008, 0), "dark"),
    ]


def butter_knife() -> list[Mesh]:
    return [box((0.10, 0.003, 0.018), (-0.05, 0.007, 0), "metal"), _handle(0.10, 0.0, 0.006)]


def ladle() -> list[Mesh]:
    cup = [
        (0, 0),
        (0.024, 0.002),
        (0.040, 0.016),
        (0.044, 0.034),
        (0.041, 0.034),
        (0.036, 0.018),
        (0.020, 0.006),
        (0, 0.005),
    ]
    return [
        lathe(cup, "metal"),
        tube([(0.042, 0.033, 0), (0.09, 0.05, 0), (0.27, 0.006, 0)], 0.006, "dark", 6),
    ]


def spatula() -> list[Mesh]:
    return [
        box((0.10, 0.004, 0.075), (-0.10, 0.004, 0), "dark"),
        tube([(-0.055, 0.006, 0), (0.0, 0.022, 0), (0.20, 0.009, 0)], 0.007, "color", 8),
    ]


def dish_sponge() -> list[Mesh]:
    return [
        box((0.11, 0.024, 0.07), (0, 0.012, 0), "sponge"),
        box((0.11, 0.008, 0.07), (0, 0.028, 0), "scourer"),
    ]


def paper_towel_roll() -> list[Mesh]:
    roll = [(0.020, 0), (0.060, 0), (0.062, 0.003), (0.062, 0.275), (0.060, 0.278), (0.020, 0.278)]
    return [
        lathe(roll, "paper", 24),
        lathe([(0.0205, 0.279), (0.0185, 0.279), (0.0185, 0.001)][::-1], "cork", 16),
    ]


def apple() -> list[Mesh]:
    skin = [
        (0, 0.008),
        (0.016, 0.0),
        (0.033, 0.014),
        (0.040, 0.040),
        (0.036, 0.064),
        (0.021, 0.077),
        (0.008, 0.073),
        (0, 0.066),
    ]
    return [
        lathe(skin, "color", 18),
        tube([(0, 0.066, 0), (0.002, 0.08, 0), (0.008, 0.092, 0)], 0.0025, "bark", 5),
    ]


def tomato() -> list[Mesh]:
    leaves = [
        tube(
            [
                (0, 0.060, 0),
                (0.016 * np.cos(a), 0.063, 0.016 * np.sin(a)),
                (0.028 * np.cos(a), 0.057, 0.028 * np.sin(a)),
            ],
            0.003,
            "leaf_green",
            5,
        )
        for a in np.linspace(0, 2 * np.pi, 6)[:-1]
    ]
    return [ball((0.042, 0.031, 0.042), (0, 0.031, 0), "tomato", 10, 18), *leaves]


def potato() -> list[Mesh]:
    return [
        ball((0.058, 0.034, 0.040), (0, 0.034, 0), "potato"),
        ball((0.030, 0.028, 0.036), (0.030, 0.032, 0.006), "potato"),
    ]


def egg() -> list[Mesh]:
    angles = np.linspace(-np.pi / 2, np.pi / 2, 11)
    shell = [
        (0.0225 * np.cos(a) * (1 - 0.12 * np.sin(a)), 0.029 + 0.029 * np.sin(a)) for a in angles
    ]
    return [lathe([(max(0.0, r), y) for r, y in shell], "egg", 16)]


def bread() -> list[Mesh]:
    return [
        box((0.10, 0.07, 0.21), (0, 0.035, 0), "crust"),
        ball((0.058, 0.042, 0.112), (0, 0.070, 0), "crust", 8, 18),
        *[box((0.06, 0.004, 0.010), (0, 0.1095, z), "crumb") for z in (-0.05, 0.0, 0.05)],
    ]


def lettuce() -> list[Mesh]:
    leaves = [
        ball(
            (0.062, 0.055, 0.030),
            (0.030 * np.cos(a), 0.062, 0.030 * np.sin(a)),
            "leaf_green",
            7,
            12,
        )
        for a in np.linspace(0, 2 * np.pi, 7)[:-1]
    ]
    return [ball((0.066, 0.066, 0.066), (0, 0.066, 0), "lettuce", 9, 14), *leaves]
