"""Where Great Expectations is loaded: its import takes seconds, so it begins in the background
while other processes draw scenes, and who validates waits for what is left of it."""

from importlib import import_module
from threading import Thread
from types import ModuleType

_MODULE = "rls3.dataset.expectations"


def load_ahead() -> None:
    """Begin to import it; what goes wrong is said when it is asked for.

    The process does not end before it is done: to cut off a thread in the midst of it may abort.
    """
    Thread(target=_load_quietly, name="import of the quality gate").start()


def _load_quietly() -> None:
    try:
        import_module(_MODULE)
    except Exception:  # `expectations` imports it again, and raises where somebody listens
        return


def expectations() -> ModuleType:
    """The module `rls3.dataset.expectations`."""
    return import_module(_MODULE)
