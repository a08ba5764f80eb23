"""Shapes of what lies about in bathrooms. Metres; the material "color" is the instance's own."""

from embedded_thor.records import Mesh
from embedded_thor.things.meshes import ball, box, lathe, tube


def soap_bottle() -> list[Mesh]:
    body = [
        (0, 0),
        (0.036, 0),
        (0.039, 0.006),
        (0.039, 0.12),
        (0.030, 0.138),
        (0.012, 0.145),
        (0.012, 0.158),
        (0, 0.158),
    ]
    pump = [
        tube([(0, 0.155, 0), (0, 0.185, 0), (0.02, 0.188, 0), (0.045, 0.182, 0)], 0.006, "dark", 6)
    ]
    return [lathe(body, "color", 18), *pump]


def spray_bottle() -> list[Mesh]:
    body = [
        (0, 0),
        (0.038, 0),
        (0.042, 0.006),
        (0.042, 0.13),
        (0.022, 0.17),
        (0.014, 0.20),
        (0, 0.20),
    ]
    return [
        lathe(body, "color", 18),
        box((0.085, 0.028, 0.026), (0.012, 0.214, 0), "dark"),
        box((0.012, 0.045, 0.014), (0.032, 0.182, 0), "dark"),
    ]


def soap_bar() -> list[Mesh]:
    return [ball((0.045, 0.016, 0.030), (0, 0.016, 0), "soap", 8, 16)]


def toilet_paper() -> list[Mesh]:
    roll = [(0.022, 0), (0.054, 0), (0.056, 0.003), (0.056, 0.097), (0.054, 0.10), (0.022, 0.10)]
    return [
        lathe(roll, "paper", 22),
        lathe([(0.0225, 0.101), (0.020, 0.101), (0.020, 0.001)][::-1], "cork", 16),
    ]


def plunger() -> list[Mesh]:
    cup = [(0.05, 0), (0.072, 0), (0.070, 0.02), (0.045, 0.07), (0.018, 0.095), (0, 0.097)]
    return [
        lathe(cup, "rubber", 20),
        tube([(0, 0.09, 0), (0, 0.3, 0), (0, 0.52, 0)], 0.011, "stick", 8),
    ]


def scrub_brush() -> list[Mesh]:
    bristles = [(0, 0), (0.034, 0), (0.042, 0.03), (0.040, 0.075), (0, 0.085)]
    return [
        lathe(bristles, "paper", 14),
        tube([(0, 0.08, 0), (0, 0.2, 0), (0, 0.38, 0)], 0.010, "color", 8),
    ]


def tissue_box() -> list[Mesh]:
    tissue = [
        ball((0.035, 0.030, 0.010), (x, 0.105, z), "paper", 5, 8)
        for x, z in ((-0.012, 0.004), (0.014, -0.004))
    ]
    return [
        box((0.22, 0.09, 0.115), (0, 0.045, 0), "color"),
        box((0.12, 0.002, 0.045), (0, 0.091, 0), "dark"),
        *tissue,
    ]


def cloth() -> list[Mesh]:
    return [
        box((0.20, 0.010, 0.16), (0, 0.005, 0), "color"),
        box((0.18, 0.010, 0.14), (0.004, 0.015, 0.004), "color"),
    ]
