"""The project on which faults are tried: a tiny base model, a campaign of seconds."""

from pathlib import Path

import yaml

from rls3.loop.reproduce.scenes import freeze_benchmarks
from rls3.loop.store import Project
from rls3.params import load_params
from tests.conftest import make_params, make_tiny_vlm

SMALL = {
    "campaign": {"name": "c", "rounds": 2, "episodes_per_round": 2, "threads": 1},
    "sampling": {"steps_per_episode": 10, "min_visible_px": 12},
    "simulator": {
        "floor_plans": ["FloorPlan1", "FloorPlan201"],
        "width_px": 64,
        "height_px": 64,
        "quality": "observation",
        "workers": 1,
    },
    "finetune": {"batch_size": 16, "epochs": 1},
    "evaluation": {
        "bootstrap": 50,
        "val_per_cell": 1,
        "test_per_cell": 1,
        "unseen_per_cell": 1,
        "val_floor_plans": ["FloorPlan21", "FloorPlan221"],
        "test_floor_plans": ["FloorPlan26", "FloorPlan226"],
    },
}


def make_project(root: Path) -> None:
    """Base model, benchmarks and params.yaml, not under git."""
    make_tiny_vlm("clip", root / "base" / "clip")
    raw = make_params().model_dump(mode="json")
    for group, values in SMALL.items():
        raw[group] |= values
    (root / "params.yaml").write_text(yaml.safe_dump(raw))
    freeze_benchmarks(load_params(root / "params.yaml"), Project(root), root / "benchmark")
