"""A Controller that cannot hang, does not touch the user's files, and never fails in silence.

It is ai2thor's own Controller with three things put right:
- its base directory is ours, so that `prune_releases` cannot delete the user's Unity builds, and
  its log lies with the run;
- a watchdog kills the simulator when an action takes too long (the client's own time-out spins on a
  dead process);
- a refused action is a SimulatorError that names scene, action and reason.
"""

import contextlib
import logging
import os
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from ai2thor.controller import Controller
from ai2thor.server import Event

from rls3.errors import RefusedAction, SimulatorError, first_line
from rls3.execution.processes import deaf_to_interrupts
from rls3.thor.backend import Backend
from rls3.thor.pipes import hide_pipes, own_pipes

logger = logging.getLogger(__name__)


def make_controller(
    backend: Backend, runtime_dir: Path, timeout_s: float, **arguments: object
) -> "SafeController":
    """Start a simulator. Raises: SimulatorError if it does not come up."""
    controller = SafeController.__new__(SafeController)
    controller.isolated_dir, controller.timeout_s = runtime_dir, timeout_s
    controller.timed_out, controller.server = False, None
    controller.dog = _Watchdog(controller)
    log = runtime_dir / "log" / "unity.log"
    said_before = log.stat().st_size if log.is_file() else 0
    try:
        with controller.watchdog(backend.start_timeout_s), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            controller.__init__(
                server_timeout=None,
                server_start_timeout=backend.start_timeout_s,
                **backend.controller_arguments,
                **arguments,
            )
    except Exception as error:
        controller.kill()
        reason = _last_words(log, said_before) or first_line(error)
        raise SimulatorError(
            f"the simulator ({backend.label}) did not start ({reason}); run `rls3 doctor`"
        ) from error
    hide_pipes(controller.server)
    return controller


class SafeController(Controller):
    """Made by `make_controller`, which sets what the base constructor already needs."""

    isolated_dir: Path
    timeout_s: float
    timed_out: bool
    dog: "_Watchdog"

    @property
    def base_dir(self) -> str:
        return str(self.isolated_dir)

    def start(self, *arguments: object, **named: object) -> object:
        # a read with a time-out spins on a dead process; the watchdog has the time
        self.server_start_timeout = None
        return super().start(*arguments, **named)

    def _build_server(self, *arguments: object, **named: object) -> None:
        made = self.server is None
        super()._build_server(*arguments, **named)
        if made:
            own_pipes(self.server)

    def _start_unity_thread(self, *arguments: object, **named: object) -> object:
        with deaf_to_interrupts():
            return super()._start_unity_thread(*arguments, **named)

    def act(self, action: str, **arguments: object) -> Event:
        """Step, with everything that is not success raised.

        Raises: RefusedAction if the simulator says no, SimulatorError if it died or was killed.
        """
        try:
            with self.watchdog(self.timeout_s):
                event = self.step(action=action, **arguments)
        except Exception as error:
            if isinstance(error, ValueError):  # refused by its signature; the simulator lives on
                raise RefusedAction(
                    f"{self.scene}: {action} was refused: {first_line(error)}"
                ) from error
            why = (
                f"gave no answer within {self.timeout_s:g} s and was killed"
                if self.timed_out
                else "died"
            )
            raise SimulatorError(
                f"{self.scene}: the simulator {why} during {action} ({first_line(error)})"
            ) from error
        if not event.metadata["lastActionSuccess"]:
            raise RefusedAction(f"{self.scene}: {action} failed: {event.metadata['errorMessage']}")
        return event

    @contextlib.contextmanager
    def watchdog(self, seconds: float) -> Iterator[None]:
        """The simulator is killed if the block lasts longer."""
        self.dog.deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            self.dog.deadline = None

    def stop(self) -> None:
        self.dog.ended.set()
        super().stop()

    def kill(self) -> None:
        """End the simulator at once, whatever state the client is in."""
        self.dog.ended.set()
        process = getattr(self.server, "unity_proc", None) if self.server is not None else None
        if process is not None and process.poll() is None:
            process.kill()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                logger.warning("simulator process %s did not end", process.pid)
        for pipe in ("client_pipe", "server_pipe"):
            try:
                if getattr(self.server, pipe, None) is not None:
                    getattr(self.server, pipe).close()
            except OSError:  # a pipe without a reader cannot be flushed
                pass


class _Watchdog:
    """Kills the simulator's process when the deadline has passed.

    It also unblocks the client whenever the process is dead while there is a deadline: a read ends
    by itself when the process dies, but not the opening of a pipe that it never came to open. One
    thread for the life of a controller: one for each action cost a third of a step without image.
    """

    def __init__(self, controller: SafeController) -> None:
        self._controller = controller
        self.deadline: float | None = None
        self.ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True, name="watchdog").start()

    def _watch(self) -> None:
        while not self.ended.wait(0.2):
            process, deadline = getattr(self._controller.server, "unity_proc", None), self.deadline
            if process is None or deadline is None:
                continue
            if time.monotonic() > deadline:
                self._controller.timed_out = True
                process.kill()
            if process.poll() is not None:
                self._open_other_ends()

    def _open_other_ends(self) -> None:
        for name, mode in (("server_pipe_path", os.O_WRONLY), ("client_pipe_path", os.O_RDONLY)):
            path = getattr(self._controller.server, name, None)  # WSGI has no pipes
            with contextlib.suppress(OSError, TypeError):  # nobody may be waiting
                os.close(os.open(path, mode | os.O_NONBLOCK))


def _last_words(log: Path, start: int) -> str:
    """The log's last line after `start` bytes.

    ai2thor's own message only points to where Unity would have said it.
    """
    text = log.read_bytes()[start:].decode(errors="replace") if log.is_file() else ""
    lines = text.strip().splitlines()
    return lines[-1][:160] if lines else ""
