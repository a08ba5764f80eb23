"""Processes that serve on loopback and never outlive who started them; Prefect's server is one.

Nothing heavy is imported here: a command starts Prefect's server first and imports meanwhile.
"""

import contextlib
import fcntl
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rls3.errors import RLS3Error, ServerError
from rls3.files import make_folder, read_json, storage_errors
from rls3.loop.store import Project

LOOPBACK = "127.0.0.1"
_API = "PREFECT_API_URL"
_PATIENCE = "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"
_ASKS_EVERY_S = 0.05
_GUARDS_EVERY_S = 1.0
_MISSED_AT_MOST = 30
_LOG_LIMIT_BYTES = 5_000_000
# As Prefect starts its temporary server: only the services that runs need, no pages.
_TEMPORARY = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
}
# A run that waits for another of its deployment looks this often whether that has ended.
_LASTING = {"PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5"}


@dataclass(frozen=True)
class Child:
    """A process that ends with this one. name: for messages. log: what it says goes there."""

    name: str
    process: subprocess.Popen
    log: Path

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def wait_healthy(self, url: str, patience_s: float) -> None:
        """Until the address answers with 200.

        Raises: ServerError if the process ends before, or after `patience_s` seconds.
        """
        ends = time.monotonic() + patience_s
        while not healthy(url):
            if not self.alive:
                code = self.process.returncode
                raise ServerError(f"{self.name} ended (code {code}){self._said()}")
            if time.monotonic() > ends:
                raise ServerError(
                    f"{self.name} did not answer at {url} within {patience_s:.0f} s{self._said()}; "
                    f"run again when the machine is less busy, or set {_PATIENCE} higher"
                )
            time.sleep(_ASKS_EVERY_S)

    def _said(self) -> str:
        with contextlib.suppress(OSError):
            lines = self.log.read_text(errors="replace").strip().splitlines()
            if lines:
                return f"; the last line of {self.log} is {lines[-1][:160]!r}"
        return f"; {self.log} says nothing"


def start_child(
    name: str,
    arguments: Sequence[str],
    log: Path,
    environment: Mapping[str, str] | None = None,
    descriptors: Sequence[int] = (),
) -> Child:
    """Start `python -m ARGUMENTS` so that it ends with this process.

    Args:
        environment: on top of this process's. descriptors: open files to hand over.
    Raises: StorageError if the log cannot be written.
    """
    make_folder(log.parent)
    with storage_errors(log):
        if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".old"))
        out = log.open("ab")
    with out:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tasks.child", *arguments],
            stdin=subprocess.PIPE,  # held open by this process alone: see tasks/child.py
            stdout=out,
            stderr=out,
            env=os.environ | {"PYTHONPATH": _import_path()} | dict(environment or {}),
            pass_fds=tuple(descriptors),
            process_group=0,  # a Ctrl-C is for who started it
        )
    return Child(name, process, log)


def _import_path() -> str:
    """So that a child finds this package wherever it works."""
    here = str(Path(__file__).resolve().parents[1])
    known = os.environ.get("PYTHONPATH", "")
    return here if here in known.split(os.pathsep) else os.pathsep.join(filter(None, (here, known)))


def healthy(url: str) -> bool:
    """Whether the address answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (OSError, ValueError):
        return False


def listening_socket(port: int = 0) -> socket.socket:
    """On loopback; 0 is any free port. Bound here, it can't be taken before the child has it.

    Raises: ServerError if the port is taken.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Its connections inherit this. Uvicorn takes a socket that it is handed for a Unix one, so
    # asyncio does not see to it, and every answer with a body would wait 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise ServerError(
            f"port {port} of {LOOPBACK} cannot be had ({error.strerror}); "
            "end what uses it, or choose another port in params.yaml (group serve)"
        ) from None
    listener.listen(128)
    return listener


def start_prefect(log: Path, port: int = 0, temporary: bool = True) -> tuple[Child, str]:
    """Prefect's server as a child; returns it with its API's address, before that answers.

    Args:
        temporary: for the runs of one process: no pages, no scheduler.
    """
    with listening_socket(port) as listener:
        arguments = ["uvicorn", "--factory", "prefect.server.api.server:create_app"]
        arguments += ["--fd", str(listener.fileno()), "--log-level", "error", "--lifespan", "on"]
        address = f"http://{LOOPBACK}:{listener.getsockname()[1]}/api"
        environment = {_API: address} | (_TEMPORARY if temporary else _LASTING)
        child = start_child("Prefect's server", arguments, log, environment, [listener.fileno()])
    return child, address


@dataclass(frozen=True)
class PrefectApi:
    """The Prefect API that this process speaks to. child: its server, if that is our own."""

    address: str
    child: Child | None

    def wait(self) -> None:
        """Until it answers. Raises: ServerError."""
        if self.child is not None:
            self.child.wait_healthy(f"{self.address}/health", start_patience_s())

    def warm(self) -> None:
        """Ask it something as soon as it answers, in the background: a server builds what it needs
        when it is asked first, which takes half a second."""
        threading.Thread(target=self._warm, daemon=True).start()

    def _warm(self) -> None:
        with contextlib.suppress(ServerError):
            self.wait()
            healthy(f"{self.address}/admin/version")

    def guard(self, lost: Callable[[str], None]) -> None:
        """From now on, call `lost` with a sentence when the server is gone: Prefect itself would
        try for minutes to reach it, and say nothing."""
        threading.Thread(target=self._watch, args=(lost,), daemon=True).start()

    def _watch(self, lost: Callable[[str], None]) -> None:
        missed = 0
        while missed < _MISSED_AT_MOST:
            time.sleep(_GUARDS_EVERY_S)
            if self.child is not None and not self.child.alive:
                break
            well = self.child is not None or healthy(f"{self.address}/health")
            missed = 0 if well else missed + 1
        lost(f"Prefect's server at {without_secret(self.address)} is gone")


def start_patience_s() -> float:
    """How long a server may take to start: two minutes, unless the environment says otherwise."""
    try:
        return float(os.environ.get(_PATIENCE, ""))
    except ValueError:
        return 120.0


def open_prefect(home: Path, served: str = "") -> PrefectApi:
    """The server that PREFECT_API_URL names, else the project's served one, else a temporary one.

    To be called before Prefect is imported: the address goes into the environment.

    Args:
        home: the folder for the temporary server's log.
        served: the address of `rls3 serve`, if that runs.
    Raises: ServerError if PREFECT_API_URL names a server that does not answer.
    """
    if named := os.environ.get(_API) or served:
        _check_answers(named)
        os.environ[_API] = named
        return PrefectApi(named, None)
    child, address = start_prefect(home / "server.log")
    os.environ[_API] = address
    api = PrefectApi(address, child)
    api.warm()
    return api


@dataclass(frozen=True)
class Addresses:
    """Where things are served, and the process that serves them."""

    process: int
    prefect_api: str
    prefect: str
    mlflow: str
    pages: str

    def lines(self) -> list[str]:
        """For a person."""
        return [
            f"Prefect: {self.prefect}",
            f"MLflow:  {self.mlflow}",
            f"reports: {self.pages}",
        ]


def without_secret(address: str) -> str:
    """Without the user and the password that it may hold."""
    return re.sub(r"//[^/@\s]*@", "//***@", address)


def served_api(project: Project) -> str:
    """The address of the Prefect API that `rls3 serve` serves for the project; "" if none runs."""
    if not is_serving(project):
        return ""
    try:
        return str(read_json(project.serving_record)["prefect_api"])
    except (RLS3Error, KeyError):
        return ""  # it is about to start


def is_serving(project: Project) -> bool:
    """Whether a process holds the lock of `rls3 serve`."""
    try:
        lock = project.serving_lock.open()
    except OSError:
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _check_answers(api: str) -> None:
    try:
        with urllib.request.urlopen(f"{api.rstrip('/')}/health", timeout=10):
            return
    except urllib.error.HTTPError:
        return  # it answers; whether it lets us in, Prefect will find out
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        shown = without_secret(api)
        raise ServerError(
            f"Prefect's server at {shown} ({_API}) does not answer ({reason}); "
            f"start it, unset {_API}, or run with --no-prefect"
        ) from None
