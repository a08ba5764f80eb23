"""Mapped tasks on a Dask cluster: one that has an address, or one of processes of this machine.

What Dask sends between processes are pickles, so everybody who reaches a scheduler can run code on
its workers: keep it on loopback or in a network of your own, or secure it with TLS.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, wait
from distributed.comm.core import CommClosedError

from rls3.errors import ExecutionError, first_line
from rls3.execution.kept import release
from rls3.files import make_folder

# What goes wrong is said in one sentence, here.
logging.getLogger("distributed").setLevel(logging.CRITICAL)
C = TypeVar("C")
T = TypeVar("T")
R = TypeVar("R")
_CONNECT_S = 10
_NO_WORKER_S = 30.0
_PATIENCE_S = 2.0
_AHEAD = 3  # tasks that wait at each worker, so that it need not wait
_LOST = (KilledWorker, CommClosedError, OSError, TimeoutError)


class Cluster:
    """Implements `rls3.execution.workers.Workers`. Tasks of a lost worker are done by another."""

    def __init__(self, address: str, number: int, folder: Path) -> None:
        """Args:
        address: of a scheduler ("tcp://127.0.0.1:8786"); empty starts a cluster here.
        number: of workers of a cluster that is started here.
        folder: in which such a cluster's workers keep their files.
        """
        self._address, self._number, self._folder = address, number, folder
        self._client: Client | None = None
        self._local: LocalCluster | None = None

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def map(
        self, function: Callable[[C, T], R], common: C, tasks: Sequence[T]
    ) -> Iterator[tuple[int, R]]:
        """See `Workers.map`."""
        client = self._connected()
        numbers: dict[Future, int] = {}
        ahead = iter(enumerate(tasks))
        try:
            shared = client.scatter(common, broadcast=True, hash=False)
            while True:
                for _ in range(_AHEAD * self._threads(client) - len(numbers)):
                    if (job := next(ahead, None)) is None:
                        break
                    numbers[client.submit(function, shared, job[1], pure=False)] = job[0]
                if not numbers:
                    return
                for future in self._finished(client, list(numbers)):
                    yield numbers.pop(future), future.result()
        except _LOST as error:
            raise self._lost(first_line(error)) from error
        finally:
            if numbers:
                with contextlib.suppress(*_LOST):
                    client.cancel(list(numbers))

    def close(self) -> None:
        """See `Workers.close`. A cluster that has an address goes on, but ends what it kept."""
        client, local, self._client, self._local = self._client, self._local, None, None
        if client is not None:
            with contextlib.suppress(*_LOST):
                client.run(release, on_error="ignore")
            with contextlib.suppress(*_LOST):
                client.close(_CONNECT_S)
        if local is not None:
            local.close()

    def _connected(self) -> Client:
        if self._client is not None:
            return self._client
        try:
            self._client = Client(self._address or self._started(), timeout=_CONNECT_S)
            self._client.wait_for_workers(1, _NO_WORKER_S)
        except (OSError, TimeoutError, ValueError) as error:
            self.close()
            raise self._lost(first_line(error)) from None
        return self._client

    def _started(self) -> LocalCluster:
        make_folder(self._folder)
        with dask.config.set({"temporary-directory": str(self._folder)}):
            self._local = LocalCluster(
                host="127.0.0.1",
                n_workers=self._number,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",  # None would be port 8787
                local_directory=str(self._folder),
            )
        return self._local

    def _threads(self, client: Client) -> int:
        return max(1, sum(client.nthreads().values()))

    def _finished(self, client: Client, futures: list[Future]) -> set[Future]:
        """Some of them, as soon as there are any. Raises: ExecutionError if no worker is left."""
        last_seen = time.monotonic()
        while time.monotonic() < last_seen + _NO_WORKER_S:
            with contextlib.suppress(TimeoutError):
                return wait(futures, _PATIENCE_S, "FIRST_COMPLETED").done
            if client.nthreads():
                last_seen = time.monotonic()
        raise self._lost(f"no worker for {_NO_WORKER_S:g} s")

    def _lost(self, reason: str) -> ExecutionError:
        at = f"at {self._address}" if self._address else "on this machine"
        return ExecutionError(
            f"the Dask cluster {at} cannot be used ({reason}); see that its scheduler and a worker "
            "run (`dask scheduler`, `dask worker ADDRESS`), and run again to continue, or set "
            "execution.runner to process"
        )
