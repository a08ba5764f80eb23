"""What a worker keeps from task to task (a simulator, a model): one of each for every thread."""

import threading
from collections.abc import Callable, Collection, Hashable
from typing import Protocol, TypeVar


class Closable(Protocol):
    """Anything that holds a process or memory until it is closed."""

    def close(self) -> None: ...


C = TypeVar("C", bound=Closable)
_lock = threading.Lock()
_kept: dict[int, dict[Hashable, Closable]] = {}


def kept(key: Hashable, make: Callable[[], C]) -> C:
    """What this thread keeps under a key, made when it is first asked for."""
    with _lock:
        mine = _kept.setdefault(threading.get_ident(), {})
    if key not in mine:
        mine[key] = make()
    return mine[key]


def release(threads: Collection[int] | None = None) -> None:
    """Close what threads of this process keep; all of them if none is named."""
    with _lock:
        idents = list(_kept) if threads is None else threads
        ended = [_kept.pop(ident, {}) for ident in idents]
    for things in ended:
        for thing in things.values():
            thing.close()
