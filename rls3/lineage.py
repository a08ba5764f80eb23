"""Where a round came from: seed, parameters, code, file hashes, checkpoints, library versions."""

import hashlib
import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rls3.round import Round

_LIBRARIES = (
    "rls3",
    "torch",
    "transformers",
    "ai2thor",
    "mujoco",
    "stable-baselines3",
    "prefect",
    "mlflow",
    "dvc",
    "great-expectations",
    "numpy",
)


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def code_commit(root: Path) -> str:
    """The git commit of the code, with "+changes" if the tree differs from it; "" outside git."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True
        ).stdout.strip()

    commit = git("rev-parse", "HEAD")
    return commit + (
        "+changes"
        if commit
        and git("status", "--porcelain", "--untracked-files=no", "--", "*.py", "params.yaml")
        else ""
    )


def lineage(round_: Round) -> dict[str, Any]:
    """The manifest of a finished round, but for what MLflow and DVC add."""
    campaign = round_.campaign
    files = [
        round_.train,
        round_.rejected,
        round_.vlm / "model.safetensors",
        *round_.policy.glob("*.safetensors"),
    ]
    return {
        "campaign": campaign.name,
        "round": round_.number,
        "seed": campaign.params.campaign.seed,
        "code_commit": code_commit(Path(__file__).resolve().parents[1]),
        "params": campaign.params.model_dump(mode="json"),
        "sha256": {str(path.relative_to(campaign.root)): file_digest(path) for path in files},
        "vlm_before": str(round_.previous.vlm.relative_to(campaign.root))
        if round_.previous
        else campaign.params.vlm.checkpoint,
        "vlm": str(round_.vlm.relative_to(campaign.root)),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "python": platform.python_version(),
        "machine": f"{platform.machine()} {platform.system()}",
    }
