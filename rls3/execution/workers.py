"""The one interface behind which mapped tasks run, and who chooses what stands behind it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from rls3.errors import ExecutionError
from rls3.execution.processes import Processes
from rls3.execution.threads import Threads
from rls3.params import ExecutionParams

C = TypeVar("C")
T = TypeVar("T")
R = TypeVar("R")


class Workers(Protocol):
    """They are started when first needed and kept. A context manager.

    What a task is depends on parameters alone, never on how many workers there are; so results
    do not either.
    """

    def map(
        self, function: Callable[[C, T], R], common: C, tasks: Sequence[T]
    ) -> Iterator[tuple[int, R]]:
        """`function(common, task)` of each task, with its number, in the order of finishing.

        Args:
            function: of a module, not a closure; what it raises is raised here.
        Raises: ExecutionError if a worker is lost and its tasks cannot be done by another.
        """
        ...

    def close(self) -> None:
        """End them and what they keep. They start again if they are asked again."""
        ...

    def __enter__(self) -> "Workers": ...

    def __exit__(self, *_: object) -> None: ...


def make_workers(params: ExecutionParams, number: int, folder: Path) -> Workers:
    """As `execution.runner` says.

    Args:
        number: of workers; a Dask cluster that has an address has its own.
        folder: of a cluster's files on this machine.
    Raises: ExecutionError if Dask is wanted and not installed.
    """
    if params.runner == "thread":
        return Threads(number)
    if params.runner == "process":
        return Processes(number)
    try:
        from rls3.execution.cluster import Cluster  # an extra: not everybody has Dask
    except ImportError:
        raise ExecutionError(
            "execution.runner = 'dask', but Dask is not installed; run `pip install 'rls3[dask]'`, "
            "or set execution.runner to process"
        ) from None
    return Cluster(params.dask_address, number, folder)
