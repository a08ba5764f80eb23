"""Where a round came from: seed, parameters, code, file hashes, checkpoints, library versions."""

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rls3.files import file_digest
from rls3.loop.records import Manifest
from rls3.loop.store import Round

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


@cache
def code_commit(root: Path) -> str:
    """The git commit of the code, with "+changes" if the tree differs from it; "" where there is no
    git or no repository (a downloaded archive)."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        code = ("--untracked-files=no", "--", "*.py", "params.yaml")
        return commit + ("+changes" if commit and git("status", "--porcelain", *code) else "")
    except FileNotFoundError:
        return ""


def library_versions() -> dict[str, str]:
    """Of what a figure depends on; what is not installed is left out."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def manifest(
    round_: Round, data_version: str, mlflow_run_id: str, seconds: dict[str, float]
) -> Manifest:
    """Of a finished round.

    Args:
        seconds: that DVC and MLflow took.
    """
    campaign, project = round_.campaign, round_.campaign.project
    files = [
        round_.path("train"),
        round_.path("rejected"),
        round_.path("vlm") / "model.safetensors",
        *round_.path("policy").glob("*.safetensors"),
    ]
    before = round_.previous
    return Manifest(
        campaign=campaign.name,
        round=round_.number,
        seed=campaign.params.campaign.seed,
        code_commit=code_commit(Path(__file__).resolve().parents[2]),
        params=campaign.params.model_dump(mode="json"),
        sha256={project.relative(path): file_digest(path) for path in files},
        vlm_before=project.relative(before.path("vlm"))
        if before
        else campaign.params.vlm.checkpoint,
        vlm=project.relative(round_.path("vlm")),
        libraries=library_versions(),
        python=platform.python_version(),
        machine=f"{platform.machine()} {platform.system()}",
        data_version=data_version,
        mlflow_run_id=mlflow_run_id,
        seconds=seconds,
    )
