"""A small project, on which a whole campaign takes seconds: what flows, faults and back ends are
tested on."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

import yaml

from rls3.loop.reproduce.scenes import freeze_benchmarks
from rls3.loop.store import Project
from rls3.params import check_params
from tests.conftest import make_params

SMALL = {
    "campaign": {"rounds": 2, "episodes_per_round": 2, "threads": 1},
    "sampling": {"steps_per_episode": 10, "min_visible_px": 12},
    "simulator": {
        "floor_plans": ["FloorPlan1", "FloorPlan201"],
        "width_px": 64,
        "height_px": 64,
        "quality": "observation",
        "workers": 1,
    },
    "finetune": {"batch_size": 16, "steps": 2},
    "evaluation": {
        "bootstrap": 50,
        "val_per_cell": 1,
        "test_per_cell": 1,
        "unseen_per_cell": 1,
        "val_floor_plans": ["FloorPlan21", "FloorPlan221"],
        "test_floor_plans": ["FloorPlan26", "FloorPlan226"],
    },
}


def make_small_project(root: Path, **groups: dict[str, object]) -> None:
    """params.yaml and benchmarks below a folder, not under git; the base model is the caller's.

    Args:
        groups: parameters that are other than in `SMALL`.
    """
    raw = _small_params()
    for group, values in groups.items():
        raw[group] |= values
    (root / "params.yaml").write_text(yaml.safe_dump(raw))
    shutil.copytree(Path(_frozen().name) / "benchmark", root / "benchmark")


def _small_params() -> dict[str, dict[str, object]]:
    raw = make_params().model_dump(mode="json")
    for group, values in SMALL.items():
        raw[group] |= values
    return raw


@cache
def _frozen() -> tempfile.TemporaryDirectory:
    """The benchmarks, made once in a process; gone when it ends."""
    made = tempfile.TemporaryDirectory(prefix="rls3-small-")
    project = Project(Path(made.name))
    freeze_benchmarks(check_params(_small_params()), project, project.benchmark)
    return made
