"""The folder of a simulator's two pipes: gone from the disk as soon as both are open, so that a
killed process leaves none behind; what one leaves that is killed before is swept by the next."""

import os
import re
import tempfile
from pathlib import Path

from ai2thor.server import Server

from rls3.files import remove_folder

_PREFIX = "rls3-thor-"


def own_pipes(server: Server) -> None:
    """Before the simulator starts: the pipes' folder says whose it is. WSGI has none."""
    if not hasattr(server, "tmp_dir"):
        return
    server.tmp_dir.cleanup()
    server.tmp_dir = tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-")
    for pipe in ("server", "client"):
        setattr(server, f"{pipe}_pipe_path", os.path.join(server.tmp_dir.name, f"{pipe}.pipe"))


def hide_pipes(server: Server) -> None:
    """Once both sides have opened both: nobody needs their names any more."""
    if hasattr(server, "tmp_dir"):
        server.tmp_dir.cleanup()


def sweep_pipes() -> None:
    """Remove what killed processes left of simulators that were starting."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = re.match(rf"{_PREFIX}(\d+)-", left.name)
        if owner and not Path("/proc", owner[1]).exists():
            remove_folder(left)
