"""Mapped tasks in threads of this process. For what waits for other processes or for torch."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from rls3.execution.kept import release

C = TypeVar("C")
T = TypeVar("T")
R = TypeVar("R")


class Threads:
    """Implements `rls3.execution.workers.Workers`."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._pool: ThreadPoolExecutor | None = None
        self._threads: set[int] = set()

    def __enter__(self) -> "Threads":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def map(
        self, function: Callable[[C, T], R], common: C, tasks: Sequence[T]
    ) -> Iterator[tuple[int, R]]:
        """See `Workers.map`."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._number, "worker", self._note)
        numbers = {self._pool.submit(function, common, task): i for i, task in enumerate(tasks)}
        try:
            for future in as_completed(list(numbers)):
                yield numbers.pop(future), future.result()
        finally:
            for future in numbers:
                future.cancel()

    def close(self) -> None:
        """See `Workers.close`."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            release(self._threads)
        self._pool, self._threads = None, set()

    def _note(self) -> None:
        self._threads.add(threading.get_ident())
