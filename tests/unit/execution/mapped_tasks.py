"""Tasks for workers of other processes, which must find them in a module."""

import os
import signal
import time
from pathlib import Path

from rls3.errors import ModelError
from rls3.execution.kept import kept


class Noted:
    """Writes its worker's process into a folder when it is closed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def close(self) -> None:
        (self._folder / f"closed-{os.getpid()}-{id(self)}").touch()


def times(common: int, task: int) -> int:
    return common * task


def keep(common: Path, task: int) -> int:
    kept("noted", lambda: Noted(common))
    return task


def fail_at(common: int, task: int) -> int:
    if task == common:
        raise ModelError(f"task {task} is spoiled; choose another")
    return task


def stumble(common: int, task: int) -> int:
    return common // task


def die_once(common: Path, task: int) -> int:
    """The first worker that comes to task 3 is killed in it."""
    time.sleep(0.02)
    if task == 3:
        try:
            (common / "died").touch(exist_ok=False)
        except FileExistsError:
            return task
        os.kill(os.getpid(), signal.SIGKILL)
    return task
