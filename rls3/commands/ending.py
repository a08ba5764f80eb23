"""Ctrl-C, SIGTERM and SIGHUP: an end at once, without a traceback and without orphans.

Every file of a campaign is whole at any moment, so nothing has to be put in order; and an orderly
end would wait for Prefect's server, which the signal may have reached too.
"""

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from types import FrameType
from typing import TypeVar

import psutil

T = TypeVar("T")
_WAKES_S = 0.1
_SWEEPS = 5
_enders: dict[str, object] = {}  # setdefault is one step, for threads and for signals
_SHOW_CURSOR = "\x1b[?25h"  # a progress bar hides it


def take_signals() -> None:
    """From now on these signals end the process, with exit code 128 + signal. `nohup` is heeded."""
    for taken in (signal.SIGINT, signal.SIGTERM):
        signal.signal(taken, _end)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _end)


def beside_signals(work: Callable[[], T]) -> T:
    """Do the work in a thread, so that this, the main one, is always free to take a signal.

    Python runs handlers in the main thread between two of its instructions, so a long one in native
    code would delay them; and a Prefect flow in the main thread would replace the one of SIGTERM.
    """
    with ThreadPoolExecutor(1, "command") as thread:
        future = thread.submit(work)
        # The kernel may hand a signal to any thread; Python's handler then waits until this one
        # wakes, so it does not sleep for long.
        while not wait([future], _WAKES_S).done:
            pass
        return future.result()


def _end(number: int, frame: FrameType | None) -> None:
    how = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
    end_at_once(how, 128 + number)


def end_at_once(how: str, code: int) -> None:
    """Say in one sentence how the process ends, kill what it has started, and exit.

    Another thread that comes second waits for the end: what dies of the first one is no other
    reason. A second signal, which interrupts the end in its own thread, changes nothing.
    """
    if _enders.setdefault("thread", me := threading.get_ident()) != me:
        while True:
            time.sleep(1)
    if _enders.setdefault("once", token := object()) is not token:
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    logging.disable()  # that a simulator has died, say, which is killed below
    with contextlib.suppress(OSError, ValueError):  # the terminal may be gone
        cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""
        sentence = f"{cursor}\nrls3: {how}; what was finished is kept, run again to continue\n"
        os.write(2, sentence.encode())
    try:
        # Again and again: the other thread may be starting one just now, which would complain of
        # its lost parent.
        for _ in range(_SWEEPS):
            for child in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
            time.sleep(0.02)
    finally:
        os._exit(code)
