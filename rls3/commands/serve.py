"""`rls3 serve`: Prefect, a worker and MLflow's pages in the background, until `rls3 stop`."""

import subprocess
import sys
import time
from pathlib import Path

from rls3.commands import Answer
from rls3.errors import ServerError
from rls3.files import make_folder, read_json, storage_errors
from rls3.loop.store import Project
from rls3.params import Params
from tasks.server import Addresses, is_serving

_LOOKS_EVERY_S = 0.2
_STARTS_WITHIN_S = 300.0


def main(root: Path, params: Params, again: list[str]) -> Answer:
    """Serve the project, in a process of its own that outlives this one.

    Args:
        again: the arguments that say the same project and parameters to another `rls3`.
    Raises: ServerError if something does not start.
    """
    project = Project(root)
    if not is_serving(project):
        _start(project, again)
    return Answer(tuple(_addresses(project).lines()))


def _start(project: Project, again: list[str]) -> None:
    """Returns when all is well."""
    make_folder(project.serving)
    log = project.serving / "serve.log"
    with storage_errors(log):
        out = log.open("wb")
    with out:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "rls3.cli", "serve", "--foreground", *again],
            cwd=project.root,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # it stays when the terminal closes
        )
    ends = time.monotonic() + _STARTS_WITHIN_S
    while not (project.serving_record.exists() and is_serving(project)):
        if process.poll() is not None:
            said = (log.read_text(errors="replace").strip() or "it said nothing").splitlines()[-1]
            raise ServerError(said.removeprefix("rls3: "))
        if time.monotonic() > ends:
            process.terminate()
            raise ServerError(f"it is not ready after {_STARTS_WITHIN_S:.0f} s; see {log}")
        time.sleep(_LOOKS_EVERY_S)


def _addresses(project: Project) -> Addresses:
    return Addresses(**read_json(project.serving_record))
