"""Builders with overrides, and what is expensive to make once: a tiny random VLM, a simulator."""

import os
import signal

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two workers share two cores

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rls3.params import Params, check_params, load_params
from rls3.telemetry import switch_off

switch_off()
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup's "ignored" would be inherited by all we start
ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("PYTHONPATH", str(ROOT))


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    import torch

    torch.set_num_threads(1)


def make_params(**overrides) -> Params:
    """The repository's params.yaml with `group__key=value` (`agent__ppo__epochs=2`) on top."""
    raw = load_params(ROOT / "params.yaml").model_dump()
    for name, value in overrides.items():
        *groups, key = name.split("__")
        group = raw
        for inner in groups:
            group = group[inner]
        group[key] = value
    return check_params(raw)


def make_scene(step: int = 0, offset=(0.4, 0.0, 0.0), company: bool = True):
    """A synthetic scene seen along +z: the subject stands at `offset` from the reference (camera
    axes = world axes)."""
    from rls3.scene.records import (
        Box,
        Camera,
        Kind,
        Placement,
        Scene,
        SceneObject,
        SceneSpec,
        Viewpoint,
    )

    kinds = [Kind("Mug", "red"), Kind("Bowl", "blue"), Kind("Vase", "green")][: 3 if company else 2]
    centers = [
        np.array([0.0, 0.8, 2.0]) + offset,
        np.array([0.0, 0.8, 2.0]),
        np.array([-0.9, 0.8, 2.4]),
    ]
    objects = tuple(
        SceneObject(
            f"{k.type}|{i}",
            f"{k.type}_{k.color}_1",
            k,
            Box(tuple(map(float, c)), (0.1, 0.1, 0.1)),
            60,
            _seen(c),
            "DiningTable",
        )
        for i, (k, c) in enumerate(zip(kinds, centers))
    )
    placements = tuple(
        Placement(o.kind, (o.box.center[0], o.box.center[1] - 0.05, o.box.center[2]))
        for o in objects
    )
    spec = SceneSpec("FloorPlan1", placements, Viewpoint(0.001 * step, 0.0, 0.0))
    image = np.full((96, 96, 3), (step * 7) % 255, np.uint8)
    for i, o in enumerate(objects):
        x0, y0, x1, y1 = o.box_px
        image[y0:y1, x0:x1] = ((220, 30, 30), (30, 30, 220), (30, 200, 30))[i]
    return Scene(spec, Camera((0.0, 1.5, 0.0), 0.0, 30.0, 60.0), objects, image, "synthetic")


def _seen(center) -> tuple[int, int, int, int]:
    """Where a 96-pixel camera at (0, 0.8, 0) with 53 degrees of view sees a ball of 0.2 m, kept
    inside the image."""
    x, y, half = (
        48 + 96 * center[0] / center[2],
        48 - 96 * (center[1] - 0.8) / center[2],
        10 / center[2],
    )
    x0, y0 = (int(np.clip(v - half, 0, 88)) for v in (x, y))
    return x0, y0, min(96, x0 + int(2 * half) + 1), min(96, y0 + int(2 * half) + 1)


def make_sample_of(step: int = 0, offset=(0.4, 0.0, 0.0), **overrides):
    from rls3.dataset.sample import Provenance, make_sample
    from rls3.scene.records import Kind

    vocabulary = [
        Kind(t, c) for t in ("Mug", "Bowl", "Vase", "Pot") for c in ("red", "green", "blue")
    ]
    sample = make_sample(
        make_scene(step, offset),
        vocabulary,
        np.random.default_rng(step),
        Provenance("unit", seed=1, round=1, split="train"),
        step,
    )
    return replace(sample, **overrides)


def many_samples(n: int):
    """Samples over all directions."""
    rng = np.random.default_rng(5)
    directions = rng.normal(size=(n, 3))
    return [make_sample_of(i, 0.5 * d / np.linalg.norm(d)) for i, d in enumerate(directions)]


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory):
    return _tiny("clip", tmp_path_factory)


@pytest.fixture(scope="session")
def tiny_vilt(tmp_path_factory):
    return _tiny("vilt", tmp_path_factory)


def _tiny(family, tmp_path_factory) -> Path:
    return make_tiny_vlm(family, tmp_path_factory.mktemp("base") / family)


def make_tiny_vlm(family: str, folder: Path) -> Path:
    """A folder in the hub's format with a small random model over the embedded simulator's
    vocabulary."""
    import torch

    from rls3.scene.records import Kind
    from rls3.vlm.interface import save_vlm
    from rls3.vlm.loading import family_named

    types = [
        "AlarmClock",
        "BasketBall",
        "Book",
        "Bottle",
        "Bowl",
        "Box",
        "Candle",
        "Cup",
        "Kettle",
        "Mug",
        "Pan",
        "Plate",
        "Pot",
        "TeddyBear",
        "Vase",
    ]
    kinds = [Kind(t, c) for t in types for c in ("red", "green", "blue", "yellow", "purple")]
    params = make_params(
        base__width=32,
        base__vision_width=32,
        base__vision_layers=1,
        base__text_layers=1,
        base__image_px=32,
        base__patch_px=8,
    ).base
    torch.manual_seed(0)
    save_vlm(family_named(family).make_tiny(kinds, params), folder)
    return folder
