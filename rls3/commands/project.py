"""The project that a command works on: the folder of params.yaml, wherever it is called."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rls3.files import make_folder
from rls3.params import Params, load_params
from rls3.telemetry import keep_prefect_in

if TYPE_CHECKING:
    from tasks.server import PrefectApi

_NAME = "params.yaml"


def open_project(params_file: Path, overrides: Sequence[str]) -> tuple[Path, Params]:
    """The project's root, and its parameters with `group.key=value` overrides on top.

    Args:
        params_file: a file, or a folder that holds a params.yaml.
    Raises: ParamsError.
    """
    file = params_file / _NAME if os.path.isdir(params_file) else params_file
    params = load_params(file, overrides)
    # The folder is resolved, the file is not: a link to a shared params.yaml is a project here.
    return file.parent.resolve(), params


def make_prefect_home(root: Path, quiet: bool = True) -> Path:
    """Where Prefect keeps its files: PREFECT_HOME, or a folder of the project.

    Raises: StorageError.
    """
    # Here, not above: only commands with Prefect ask, and the others start in less time without it.
    from rls3.loop.store import Project

    keep_prefect_in(Project(root).prefect, quiet)
    home = Path(os.environ["PREFECT_HOME"])
    make_folder(home, private=True)  # blocks may hold secrets
    return home


def open_prefect_of(root: Path, through_prefect: bool) -> "PrefectApi | None":
    """The Prefect server that the command speaks to, started unless one runs; None if none is
    wanted.

    Raises: StorageError or ServerError.
    """
    from rls3.loop.store import Project
    from tasks.server import open_prefect, served_api

    home = make_prefect_home(root)
    return open_prefect(home, served_api(Project(root))) if through_prefect else None
