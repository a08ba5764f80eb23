"""The only home of DVC: datasets are versioned after each round, published files are fetched."""

import logging
from pathlib import Path
from typing import Any

from rls3.errors import DataError
from rls3.telemetry import switch_off

logger = logging.getLogger(__name__)
PUBLISHED = ("base", "benchmark", "data")


def _repo(root: Path) -> Any:
    """The DVC repository at a project's root; made (without git) where there is none."""
    switch_off()
    from dvc.repo import Repo

    logging.getLogger("dvc").setLevel(logging.ERROR)
    if not (root / ".dvc").is_dir():
        repo = Repo.init(str(root), no_scm=True)
        with repo.config.edit() as config:
            config["core"] |= {"analytics": False, "check_update": False}
        repo.close()
    return Repo(str(root))


def fetch_published(root: Path) -> list[str]:
    """Bring what the repository publishes (base models, benchmarks, a small dataset) and is not here yet.

    Raises: DataError if the remote does not have it.
    """
    missing = [name for name in PUBLISHED if not (root / name).exists()]
    if not missing or not (root / "dvc.lock").exists():
        return []
    targets = {"base": ["base/clip", "base/vilt"], "benchmark": ["benchmark"], "data": ["data.dvc"]}
    try:
        with _repo(root) as repo:
            repo.pull(targets=[t for name in missing for t in targets[name]])
    except Exception as error:
        raise DataError(
            f"{', '.join(missing)} cannot be fetched from the DVC remote ({str(error).splitlines()[0][:160]}); check `dvc remote list`, or make them with `dvc repro`"
        ) from error
    return missing


def version_data(root: Path) -> str:
    """Add `data/` as it is now; returns the digest in `data.dvc` (the version). Raises: DataError."""
    try:
        with _repo(root) as repo:
            (stage,) = repo.add(str(root / "data"))
            return str(stage.outs[0].hash_info.value)
    except Exception as error:
        raise DataError(
            f"data/ cannot be versioned ({str(error).splitlines()[0][:160]}); if another DVC command runs, wait for it and run again"
        ) from error


def data_version(root: Path) -> str:
    """The digest in `data.dvc`, "" if there is none."""
    import yaml

    path = root / "data.dvc"
    return str(yaml.safe_load(path.read_text())["outs"][0]["md5"]) if path.exists() else ""
