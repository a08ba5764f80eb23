"""What each command of `rls3` does: a module each, imported only when its command is called.

A command's module has `main(root, params, ...)`, which returns an `Answer`. Its heavy imports stand
at its top: `load` is the one place that defers them. params.yaml is checked before anything heavy.
"""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from tasks.server import PrefectApi

# Commands whose modules import Prefect, which looks for its home and server when it is imported.
_WITH_PREFECT = ("run", "round", "compare")
Ready = Callable[[], None]
"""Returns when Prefect's server is up. Raises: ServerError."""


@dataclass(frozen=True)
class Answer:
    """What a command says when it is done.

    Attributes:
        lines: for a person. document: for a program (`--json`); None if the command has none.
        exit_code: 1 if the command could be carried out, but what it found is not well.
    """

    lines: tuple[str, ...] = ()
    document: object = None
    exit_code: int = 0


def call(
    command: str, params_file: Path, overrides: Sequence[str], as_json: bool, **arguments: object
) -> int:
    """Carry a command out and print its answer.

    It works in the project's folder: whatever a parameter names, and whatever a library leaves
    behind, is relative to that. Paths among the arguments are relative to where it is called.

    Returns: the exit code.
    Raises: RLS3Error.
    """
    output = _kept_for_the_answer() if as_json else sys.stdout
    project = load("project")
    root, params = project.open_project(params_file, overrides)
    arguments = {name: _absolute(value) for name, value in arguments.items()}
    os.chdir(root)
    if command in _WITH_PREFECT:
        prefect = project.open_prefect_of(root, arguments.get("through_prefect", True))
        arguments["ready"] = lambda: _wait_and_guard(prefect)
    elif command == "serving":
        project.make_prefect_home(root, quiet=False)
    load("screen").show_warnings()
    module = load(command)  # meanwhile Prefect's server starts
    answer = module.main(root, params, **arguments)
    lines = [load("document").json_text(answer.document)] if as_json else answer.lines
    for line in lines:
        print(line, file=output)
    output.flush()
    return answer.exit_code


def _wait_and_guard(prefect: "PrefectApi | None") -> None:
    if prefect is not None:
        prefect.wait()
        prefect.guard(lambda sentence: load("ending").end_at_once(sentence, 1))


def _absolute(value: object) -> object:
    return value.absolute() if isinstance(value, Path) else value


def load(name: str) -> ModuleType:
    """A module of this package."""
    return importlib.import_module(f"{__name__}.{name}")


def _kept_for_the_answer() -> TextIO:
    """Standard output; whatever is printed from now on, by libraries and child processes too, goes
    to standard error."""
    sys.stdout.flush()
    kept = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return kept
