"""`rls3 stop`: end what `rls3 serve` started."""

import contextlib
import os
import signal
import time
from pathlib import Path

from rls3.commands import Answer
from rls3.errors import ServerError
from rls3.loop.store import Project
from rls3.params import Params
from tasks.server import is_serving

_LOOKS_EVERY_S = 0.1
_KILLED_AFTER_S = 20.0


def main(root: Path, params: Params) -> Answer:
    """A run that is under way is kept as far as it is; the next `rls3 serve` tries it again.

    Raises: ServerError if it does not end.
    """
    project = Project(root)
    if not is_serving(project):
        return Answer((f"{root} is not served",))
    process = int(project.serving_lock.read_text() or 0)
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)
        ends = time.monotonic() + _KILLED_AFTER_S
        while is_serving(project):
            if time.monotonic() > ends:
                break
            time.sleep(_LOOKS_EVERY_S)
        else:
            return Answer(("stopped",))
    raise ServerError(f"process {process}, which serves {root}, does not end; kill it")
