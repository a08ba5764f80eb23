"""Mapped tasks in processes of this machine, which end with this one however it ends."""

import contextlib
import multiprocessing as mp
import os
import queue
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rls3.errors import ExecutionError, RLS3Error, first_line
from rls3.execution.kept import release

C = TypeVar("C")
T = TypeVar("T")
R = TypeVar("R")
_PATIENCE_S = 2.0  # between looks at whether the other side is still alive


@contextlib.contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Processes started in the block do not hear Ctrl-C: their parent decides."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass(frozen=True)
class _Failed:
    error: RLS3Error


class Processes:
    """Implements `rls3.execution.workers.Workers`. Each worker does one task at a time."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._context = mp.get_context("spawn")
        self._workers: list[mp.process.BaseProcess] = []

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def process_ids(self) -> list[int]:
        """Of the workers; empty before they are needed."""
        return [worker.pid for worker in self._workers]

    def map(
        self, function: Callable[[C, T], R], common: C, tasks: Sequence[T]
    ) -> Iterator[tuple[int, R]]:
        """See `Workers.map`."""
        self._start()
        for number, task in enumerate(tasks):
            self._jobs.put((number, function, common, task))
        left = len(tasks)
        try:
            while left:
                number, result = self._next()
                if isinstance(result, _Failed):
                    raise result.error
                left -= 1
                yield number, result
        finally:
            if left:  # whoever comes next must not meet what is left of these tasks
                self.close()

    def _next(self) -> tuple[int, object]:
        while True:
            try:
                return self._results.get(timeout=_PATIENCE_S)
            except queue.Empty:
                if not all(worker.is_alive() for worker in self._workers):
                    raise ExecutionError(
                        "a worker process died; run again to continue, or lower the number of "
                        "workers (simulator.workers, execution.processes)"
                    ) from None

    def _start(self) -> None:
        if self._workers and all(worker.is_alive() for worker in self._workers):
            return
        self.close()
        self._jobs, self._results = self._context.Queue(), self._context.Queue()
        for i in range(self._number):
            worker = self._context.Process(
                target=_work,
                args=(self._jobs, self._results, os.getpid()),
                daemon=True,
                name=f"worker-{i}",
            )
            with deaf_to_interrupts():
                worker.start()
            self._workers.append(worker)

    def close(self) -> None:
        """See `Workers.close`."""
        for worker in self._workers:
            if worker.is_alive():
                self._jobs.put(None)
        for worker in self._workers:
            worker.join(5)
            if worker.is_alive():
                worker.kill()
                worker.join()
        if self._workers:
            for channel in (self._jobs, self._results):
                channel.close()
                channel.cancel_join_thread()
            del self._jobs, self._results  # their semaphores go with them
        self._workers = []


def _work(jobs: mp.Queue, results: mp.Queue, parent: int) -> None:
    """A worker's loop. Ends with its parent, or after a failure."""
    try:
        while os.getppid() == parent:
            try:
                job = jobs.get(timeout=_PATIENCE_S)
            except queue.Empty:
                continue
            if job is None:
                return
            number, function, common, task = job
            result = _result(function, common, task)
            results.put((number, result))
            if isinstance(result, _Failed):
                return
    finally:
        release()


def _result(function: Callable[[C, T], R], common: C, task: T) -> R | _Failed:
    try:
        return function(common, task)
    except RLS3Error as error:
        return _Failed(error)
    except Exception as error:  # its traceback stays here; who waits for the task hears of it
        reason = f"{type(error).__name__}: {first_line(error)}"
        return _Failed(ExecutionError(f"a task failed in a worker process ({reason})"))
