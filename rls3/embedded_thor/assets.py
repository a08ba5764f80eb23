"""The pickupable objects: iTHOR's types, as smooth meshes in metres, each in every colour of `COLORS`."""

from functools import cache

import numpy as np

from rls3.embedded_thor.content import Asset, Material, Mesh, Vector3
from rls3.embedded_thor.shapes import ball, box, lathe, merged, tube

COLORS: dict[str, Vector3] = {
    "Red": (0.80, 0.07, 0.06),
    "Green": (0.08, 0.52, 0.13),
    "Blue": (0.06, 0.20, 0.78),
    "Yellow": (0.95, 0.74, 0.05),
    "Purple": (0.48, 0.10, 0.62),
}
FIXED_MATERIALS = {
    "dark": Material("dark", (0.10, 0.10, 0.11), specular=0.5, shininess=0.6),
    "metal": Material("metal", (0.72, 0.73, 0.75), specular=0.9, shininess=0.8),
    "paper": Material("paper", (0.93, 0.91, 0.85)),
    "cork": Material("cork", (0.66, 0.50, 0.32)),
    "flame": Material("flame", (1.0, 0.85, 0.45), emission=0.9),
    "fur": Material("fur", (0.93, 0.84, 0.70)),
}


def color_material(color: str) -> Material:
    return Material(f"color-{color}", COLORS[color], specular=0.45, shininess=0.55)


def _arc(
    center: Vector3, radius: float, start_deg: float, end_deg: float, n: int = 9, flat: float = 1.0
) -> list[Vector3]:
    angles = np.radians(np.linspace(start_deg, end_deg, n))
    return [(center[0] + radius * flat * np.cos(a), center[1] + radius * np.sin(a), center[2]) for a in angles]


def _mug() -> list[Mesh]:
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
    return [lathe(body, "color"), tube(_arc((0.044, 0.058, 0), 0.032, -75, 75, flat=1.1), 0.008, "color")]


def _cup() -> list[Mesh]:
    profile = [(0, 0), (0.030, 0), (0.034, 0.02), (0.046, 0.14), (0.043, 0.14), (0.030, 0.02), (0, 0.018)]
    return [lathe(profile, "color"), lathe([(0.0405, 0.08), (0.0425, 0.081), (0.0442, 0.109), (0.0421, 0.11)], "paper")]


def _bowl() -> list[Mesh]:
    outer = [(0.115 * np.sin(a), 0.005 + 0.085 * (1 - np.cos(a))) for a in np.linspace(0.35, np.pi / 2, 8)]
    inner = [(0.107 * np.sin(a), 0.014 + 0.076 * (1 - np.cos(a))) for a in np.linspace(np.pi / 2, 0.0, 8)]
    return [lathe([(0, 0), (0.042, 0), *outer, *inner], "color")]


def _plate() -> list[Mesh]:
    profile = [(0, 0), (0.08, 0), (0.135, 0.022), (0.135, 0.027), (0.085, 0.010), (0, 0.008)]
    return [lathe(profile, "color", 28)]


def _pot() -> list[Mesh]:
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
            [(s * 0.112, 0.10, -0.035), (s * 0.148, 0.102, -0.03), (s * 0.148, 0.102, 0.03), (s * 0.112, 0.10, 0.035)],
            0.008,
            "dark",
        )
        for s in (-1, 1)
    ]
    return [lathe(body, "color", 24), lathe(lid, "color", 24), lathe(knob, "dark", 12), *handles]


def _pan() -> list[Mesh]:
    body = [(0, 0), (0.10, 0), (0.128, 0.045), (0.124, 0.047), (0.096, 0.008), (0, 0.008)]
    return [lathe(body, "color", 24), tube([(0.12, 0.038, 0), (0.18, 0.052, 0), (0.29, 0.062, 0)], 0.012, "dark")]


def _kettle() -> list[Mesh]:
    body = [(0, 0), (0.098, 0), (0.105, 0.02), (0.098, 0.09), (0.068, 0.142), (0.03, 0.152), (0, 0.153)]
    knob = [(0.012, 0.150), (0.018, 0.166), (0, 0.174)]
    spout = tube([(0.082, 0.065, 0), (0.125, 0.10, 0), (0.15, 0.145, 0)], 0.015, "color")
    handle = tube(_arc((0.0, 0.13, 0), 0.095, 10, 170, 13), 0.009, "dark")
    return [lathe(body, "color", 22), lathe(knob, "dark", 12), spout, handle]


def _vase() -> list[Mesh]:
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


def _bottle() -> list[Mesh]:
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


def _book() -> list[Mesh]:
    cover = [box((0.18, 0.006, 0.25), (0, y, 0), "color") for y in (0.003, 0.047)]
    return [
        *cover,
        box((0.006, 0.05, 0.25), (-0.087, 0.025, 0), "color"),
        box((0.165, 0.038, 0.235), (0.002, 0.025, 0), "paper"),
    ]


def _candle() -> list[Mesh]:
    dish = [(0, 0), (0.055, 0), (0.065, 0.018), (0.05, 0.012), (0, 0.012)]
    wax = [(0.034, 0.010), (0.034, 0.155), (0.028, 0.160), (0, 0.157)]
    flame = [(0.002, 0.162), (0.010, 0.178), (0.006, 0.195), (0, 0.212)]
    return [lathe(dish, "metal", 18), lathe(wax, "color", 16), lathe(flame, "flame", 8)]


def _alarm_clock() -> list[Mesh]:
    # A drum lying on its side: the lathe turns about y, so swap y and z afterwards.
    def upright(m: Mesh) -> Mesh:
        def swap(a: np.ndarray) -> np.ndarray:
            return a[:, [0, 2, 1]] * np.array([1.0, 1.0, -1.0])

        return Mesh(swap(m.vertices) + np.array([0, 0.088, 0]), m.faces, swap(m.normals), m.uv, m.material)

    drum = upright(
        lathe(
            [(0, -0.03), (0.068, -0.03), (0.072, -0.022), (0.072, 0.022), (0.068, 0.03), (0.060, 0.03), (0.058, 0.024)],
            "color",
            22,
        )
    )
    face = upright(lathe([(0.058, -0.034), (0, -0.034)][::-1], "paper", 22))
    hands = [
        box((0.006, 0.042, 0.004), (0, 0.105, 0.037), "dark"),
        box((0.03, 0.006, 0.004), (0.013, 0.088, 0.037), "dark"),
    ]
    bells = [ball((0.026, 0.020, 0.022), (s * 0.040, 0.158, 0), "metal", 6, 10) for s in (-1, 1)]
    feet = [ball((0.012, 0.016, 0.02), (s * 0.042, 0.016, 0), "dark", 6, 8) for s in (-1, 1)]
    return [drum, face, *hands, *bells, *feet]


def _teddy_bear() -> list[Mesh]:
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


def _box_carton() -> list[Mesh]:
    return [
        box((0.26, 0.20, 0.22), (0, 0.10, 0), "color"),
        box((0.05, 0.201, 0.222), (0, 0.1005, 0), "paper"),
        box((0.06, 0.008, 0.22), (-0.155, 0.200, 0), "color"),
        box((0.06, 0.008, 0.22), (0.155, 0.200, 0), "color"),
    ]


def _basket_ball() -> list[Mesh]:
    rings = [
        tube([(0.1205 * np.cos(a), 0.12, 0.1205 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 25)], 0.003, "dark", 5)
    ]
    rings.append(
        tube(
            [(0.1205 * np.cos(a), 0.12 + 0.1205 * np.sin(a), 0) for a in np.linspace(0, 2 * np.pi, 25)],
            0.003,
            "dark",
            5,
        )
    )
    return [ball((0.12, 0.12, 0.12), (0, 0.12, 0), "color", 12, 18), *rings]


_BUILDERS = {  # type: (builder, mass in kg, salient materials, AI2-THOR flags)
    "Mug": (_mug, 0.4, ("Ceramic",), {"breakable", "canFillWithLiquid", "receptacle"}),
    "Cup": (_cup, 0.2, ("Plastic",), {"canFillWithLiquid", "receptacle"}),
    "Bowl": (_bowl, 0.5, ("Ceramic",), {"breakable", "canFillWithLiquid", "receptacle"}),
    "Plate": (_plate, 0.6, ("Ceramic",), {"breakable", "receptacle"}),
    "Pot": (_pot, 1.5, ("Metal",), {"canFillWithLiquid", "receptacle"}),
    "Pan": (_pan, 1.2, ("Metal",), {"receptacle"}),
    "Kettle": (_kettle, 1.3, ("Metal",), {"canFillWithLiquid", "openable"}),
    "Vase": (_vase, 1.0, ("Ceramic",), {"breakable"}),
    "Bottle": (_bottle, 0.7, ("Glass",), {"breakable", "canFillWithLiquid"}),
    "Book": (_book, 0.6, ("Paper",), {"openable"}),
    "Candle": (_candle, 0.3, ("Wax",), {"toggleable"}),
    "AlarmClock": (_alarm_clock, 0.5, ("Metal", "Plastic"), set()),
    "TeddyBear": (_teddy_bear, 0.4, ("Fabric",), set()),
    "Box": (_box_carton, 0.5, ("Paper",), {"openable", "receptacle"}),
    "BasketBall": (_basket_ball, 0.6, ("Rubber",), set()),
}
ASSET_TYPES = tuple(_BUILDERS)


@cache
def asset(object_type: str) -> Asset:
    """The mesh of one type, shifted so that its box stands on y = 0 with its centre above the pivot."""
    builder, mass_kg, salient, flags = _BUILDERS[object_type]
    meshes = merged(builder())
    corners = np.concatenate([m.vertices for m in meshes])
    low, high = corners.min(axis=0), corners.max(axis=0)
    shift = -np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    moved = tuple(Mesh(m.vertices + shift, m.faces, m.normals, m.uv, m.material) for m in meshes)
    size = tuple(round(float(v), 4) for v in high - low)
    return Asset(object_type, moved, size, mass_kg, salient, frozenset(flags))
