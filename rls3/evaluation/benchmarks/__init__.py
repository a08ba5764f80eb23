"""Benchmarks as lists of `Item`: our own, frozen ones, and files of other formats.

A format is a module of this package with `read(path, images) -> list[Item]`; a further one is a
further module.

Ours are rendered in rooms in which nothing is trained: `val`, which decides (early stop, gate);
`test`, which nothing reads that decides; `unseen`, in test's rooms, with a subject or reference of
the types that campaigns hold out.
"""

import importlib
import pkgutil
from pathlib import Path
from typing import Protocol, cast

from rls3.errors import DataError
from rls3.evaluation.item import Item

BENCHMARKS = ("val", "test", "unseen")


class Format(Protocol):
    """What a module of this package offers."""

    def read(self, path: Path, images: Path | None) -> list[Item]:
        """The items of a benchmark's file.

        Args:
            images: folder of the pictures, where the file only names them.
        Raises: DataError that names the file, and the line where there is one.
        """
        ...


def formats() -> tuple[str, ...]:
    """Names of the known formats."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def read_items(name: str, path: Path, images: Path | None = None) -> list[Item]:
    """The items of a file in the format of that name.

    Raises: DataError, also for an unknown format.
    """
    if name not in formats():
        raise DataError(f"unknown benchmark format {name!r}; known are {', '.join(formats())}")
    return cast(Format, importlib.import_module(f"{__name__}.{name}")).read(path, images)


def open_benchmark(reference: str, folder: Path, images: Path | None = None) -> list[Item]:
    """The items of "val", "test" or "unseen" (files in `folder`), or of "FORMAT:PATH".

    Raises: DataError.
    """
    name, colon, path = reference.partition(":")
    if not colon:
        return read_benchmark(folder, reference)
    if not path:
        raise DataError(f"the benchmark {reference!r} names no file; write {name}:PATH")
    return read_items(name, Path(path), images)


def benchmark_path(folder: Path, split: str) -> Path:
    return folder / f"{split}.parquet"


def read_benchmark(folder: Path, split: str) -> list[Item]:
    """One of ours. Raises: DataError with the way out."""
    if split not in BENCHMARKS:
        raise DataError(
            f"unknown benchmark {split!r}; choose from {', '.join(BENCHMARKS)}, "
            f"or FORMAT:PATH with a format of {', '.join(formats())}"
        )
    path = benchmark_path(folder, split)
    if not path.exists():
        raise DataError(
            f"the benchmark {path} is missing; fetch it with `dvc pull`, "
            "or make it with `dvc repro scenes`"
        )
    return read_items("ours", path)
