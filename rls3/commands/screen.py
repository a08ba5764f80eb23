"""What a person sees while a command works: progress bars on a terminal, plain lines elsewhere."""

import logging
import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Screen:
    """A context manager. `progress` is a `rls3.loop.run.Progress`."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False)
        self._bars = Progress(
            TextColumn("{task.description:16}"),
            BarColumn(),
            TextColumn("{task.fields[counted]}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._bar: TaskID | None = None
        self._title = ""

    def progress(self, title: str, done: int, total: int, unit: str) -> None:
        """Show how far the work of that title is; the bar of what came before goes.

        Args:
            total: 0 if nobody knows; the bar then only says that something is done.
        """
        counted = f"{done}/{total} {unit}" if total else ""
        if title != self._title or self._bar is None:
            if self._bar is not None:
                self._bars.remove_task(self._bar)
            self._title, self._bar = title, self._bars.add_task(title, counted="")
        self._bars.update(self._bar, completed=done, total=total or None, counted=counted)

    def say(self, line: str) -> None:
        """A line that stays."""
        self._console.print(line, soft_wrap=True)

    def __enter__(self) -> "Screen":
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars.stop()


class _Sentences(logging.Handler):
    """Warnings in the form of error messages, on standard error as it is at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"rls3: {record.getMessage()}", file=sys.stderr, flush=True)


def show_warnings() -> None:
    """What the library warns of is for the person at the command line."""
    logger = logging.getLogger("rls3")
    logger.propagate = False
    logger.handlers = [_Sentences(logging.WARNING)]
