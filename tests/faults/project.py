"""The project on which faults are tried: a tiny base model, a campaign of seconds."""

from pathlib import Path

from tests.conftest import make_tiny_vlm
from tests.small import make_small_project


def make_project(root: Path) -> None:
    """Base model, benchmarks and params.yaml, not under git."""
    make_tiny_vlm("clip", root / "base" / "clip")
    make_small_project(root, campaign={"name": "c"})
