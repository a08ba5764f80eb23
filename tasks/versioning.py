"""The only home of DVC: datasets are versioned after each round, published files are fetched."""

import logging
from pathlib import Path

from dvc.repo import Repo
from dvc.scm import SCMError

from rls3.errors import DataError, StorageError, first_line
from rls3.files import storage_errors
from rls3.loop.store import Project

logging.getLogger("dvc").setLevel(logging.ERROR)
_WITHOUT_GIT = {"core": {"no_scm": True, "analytics": False, "check_update": False}}


def _repo(project: Project) -> Repo:
    """The DVC repository at a project's root; made where there is none. Git is not needed: a
    downloaded archive of the project has none."""
    root = str(project.root)
    if not project.dvc_folder.is_dir():
        Repo.init(root, no_scm=True).close()
        return Repo(root, config=_WITHOUT_GIT)
    try:
        return Repo(root)
    except SCMError:
        return Repo(root, config=_WITHOUT_GIT)


def fetch_published(project: Project) -> list[str]:
    """Bring what the project publishes (base models, benchmarks, a small dataset) and is not here
    yet.

    Returns: names of what was brought.
    Raises: DataError if the remote does not have it.
    """
    if not project.dvc_lock.exists():
        return []
    missing: list[str] = []
    try:
        with _repo(project) as repo:
            outs = [out for out in repo.index.outs if out.use_cache]
            missing = [project.relative(Path(out.fs_path)) for out in outs if not out.exists]
            if missing:
                repo.pull(targets=[str(project.root / name) for name in missing])
    except Exception as error:  # DVC's storages raise what they like
        raise DataError(
            f"{', '.join(missing) or 'what is published'} cannot be fetched from the DVC remote "
            f"({first_line(error)[:160]}); check `dvc remote list`, or make it with `dvc repro`"
        ) from error
    return missing


def version_data(project: Project) -> str:
    """Add `data/` as it is now; returns the digest in `data.dvc` (the version). Raises:
    DataError."""
    try:
        with storage_errors(project.data), _repo(project) as repo:
            (stage,) = repo.add(str(project.data))
            return str(stage.outs[0].hash_info.value)
    except StorageError:
        raise
    except Exception as error:  # DVC's storages raise what they like
        raise DataError(
            f"data/ cannot be versioned ({first_line(error)[:160]}); "
            "if another DVC command runs, wait for it and run again"
        ) from error
