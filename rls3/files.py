"""The one writer and the one reader of files: what is there under its name is whole.

A file or folder is written beside its final name, flushed to the disk, and renamed when complete;
so a crash, Ctrl-C or a full disk leaves either the old content or none, never half. What cannot be
written or read is one sentence.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from rls3.errors import DataError, StorageError, first_line

MAX_JSON_BYTES = 256 * 2**20
"""Of a JSON file that is read; the largest of a campaign, a rollout's steps, has some MB."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
_SQLITE = {
    "database or disk is full": errno.ENOSPC,
    "attempt to write a readonly database": errno.EROFS,
}
_TRIAL_BYTES = 1 << 16
_UMASK = os.umask(0o022)  # it can only be read by setting it, which other threads would notice
os.umask(_UMASK)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path to write to; it becomes `path` when the block ends well, and vanishes when
    it does not.

    Raises: StorageError if the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with storage_errors(path):
            make_folder(path.parent)
            yield temporary
            _settle(temporary)
            temporary.replace(path)
            _flush(path.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """The same for a folder: an empty one to write into, which takes the place of `path` when the
    block ends well."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with storage_errors(path):
            shutil.rmtree(temporary, ignore_errors=True)
            make_folder(temporary)
            yield temporary
            for file in (entry for entry in temporary.rglob("*") if entry.is_file()):
                _settle(file)
            shutil.rmtree(path, ignore_errors=True)
            temporary.replace(path)
            _flush(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path` in which libraries put their temporary files meanwhile, instead of
    TMPDIR, where nobody could tell what a process that is killed leaves: here `sweep` finds it.

    Raises: StorageError.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    make_folder(temporary)
    before, tempfile.tempdir = tempfile.tempdir, str(temporary)
    try:
        yield temporary
    finally:
        tempfile.tempdir = before
        shutil.rmtree(temporary, ignore_errors=True)


def copy_file(source: Path, path: Path) -> None:
    """A copy, with the mode that new files have. Raises: StorageError."""
    with whole_file(path) as temporary:
        shutil.copyfile(source, temporary)


def remove_folder(path: Path) -> None:
    """With all that is in it; what cannot be removed stays."""
    shutil.rmtree(path, ignore_errors=True)


def sweep(folder: Path, below: bool = True) -> None:
    """Remove what processes that were killed left half-written in a folder, and below it.

    Files of processes that are alive stay; of folders there is one writer, who calls this.
    """
    with storage_errors(folder):
        for left in list((folder.rglob if below else folder.glob)(".*.tmp*")):
            process = left.suffixes[-2].removeprefix(".") if len(left.suffixes) > 1 else ""
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            elif not process.isdigit() or not Path("/proc", process).exists():
                left.unlink(missing_ok=True)


def make_folder(path: Path, private: bool = False) -> None:
    """With its parents, if it is not there. Raises: StorageError.

    Args:
        private: nobody but its owner may look into it, for a library may keep secrets there.
    """
    with storage_errors(path):
        try:
            path.mkdir(parents=True, exist_ok=True)
            if private:
                path.chmod(0o700)
        except (FileExistsError, FileNotFoundError, NotADirectoryError) as error:
            raise StorageError(
                f"the folder {path} cannot be made ({error.strerror}); "
                "something else is in its place, or its parent takes no folders"
            ) from error


@contextlib.contextmanager
def waiting_lock(path: Path, patience_s: float) -> Iterator[bool]:
    """Hold a lock among processes; the operating system lets go of it when the process ends.

    Args:
        patience_s: to wait for whoever holds it.
    Yields: whether it is held.
    Raises: StorageError if its file cannot be made.
    """
    make_folder(path.parent)
    with storage_errors(path):
        file = path.open("a+")
    with file:
        until = time.monotonic() + patience_s
        while not (held := _taken(file.fileno())) and time.monotonic() < until:
            time.sleep(0.05)
        yield held


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _settle(path: Path) -> None:
    """On the disk, and readable by whom the umask allows: safetensors writes for its owner
    alone."""
    path.chmod(0o666 & ~_UMASK)
    _flush(path)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """An error of the disk, however deep a library wrapped it, becomes the one sentence about
    `path`."""
    try:
        yield
    except Exception as error:
        if sentence := storage_sentence(error, str(path)):
            raise StorageError(sentence) from error
        raise


def storage_sentence(error: BaseException, place: str) -> str:
    """What to say of an error that a full disk or a folder without permission is behind; "" if
    neither is.

    Args:
        place: the file or folder of which nothing was written.
    """
    cause: BaseException | None = error
    while cause is not None:
        number = _errno_of(cause)
        if number in _FULL:
            return (
                f"no space left for {place} ({os.strerror(number)}); free some and run again: "
                "nothing that was finished is lost"
            )
        if number in _FORBIDDEN:
            return (
                f"{place} cannot be written ({os.strerror(number)}); "
                "make its folder writable, or work on a copy of the project"
            )
        cause = cause.__cause__ or cause.__context__
    return ""


def write_fault(folder: Path) -> OSError | None:
    """Why nothing can be written here, found by trying; None if it can be. For libraries that say
    only that writing failed, as SQLite does ("disk I/O error")."""
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(bytes(_TRIAL_BYTES))
            trial.flush()
            os.fsync(trial.fileno())
    except OSError as fault:
        return fault
    return None


def _errno_of(error: BaseException) -> int | None:
    """The operating system's number for an error, also where a library says it in words alone."""
    if isinstance(error, OSError):
        return error.errno
    said = str(error)
    if rust := re.search(r"\(os error (\d+)\)", said):  # as safetensors and tokenizers say it
        return int(rust[1])
    return next((number for words, number in _SQLITE.items() if words in said), None)


def write_text(path: Path, text: str) -> None:
    """Raises: StorageError."""
    with whole_file(path) as temporary:
        temporary.write_text(text)


def write_json(path: Path, value: Any) -> None:
    """Raises: StorageError."""
    text = json.dumps(value, indent=1)
    write_text(path, text)


def read_json(path: Path, way_out: str | None = None) -> Any:
    """Raises: DataError if it is missing or damaged. way_out: see `read_errors`."""
    with read_errors(path, way_out=way_out):
        if (n_bytes := path.stat().st_size) > MAX_JSON_BYTES:
            raise ValueError(f"{n_bytes / 2**20:.0f} MiB, more than a JSON file may have")
        return json.loads(path.read_text())


@contextlib.contextmanager
def read_errors(
    path: Path, *damaged: type[Exception], way_out: str | None = None
) -> Iterator[None]:
    """What goes wrong while a file is read becomes a DataError.

    Args:
        damaged: further kinds of error by which a library says that the content is not what it
            should be.
        way_out: what to do about it, if not to run again.
    """
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{path} is missing; {way_out or 'run `rls3 run` to make it'}") from None
    except (OSError, ValueError, KeyError, TypeError, *damaged) as error:
        reason = first_line(error)[:120]
        raise DataError(
            f"{path} is damaged ({reason}); {way_out or 'delete it and run again'}"
        ) from error


def file_digest(path: Path) -> str:
    """SHA-256 of a file. A file that has not changed since is not read again in this process.

    Raises: OSError.
    """
    state = path.stat()
    return _digest(path.resolve(), state.st_ino, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4096)
def _digest(path: Path, _inode: int, _n_bytes: int, _changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_of(path: Path) -> list[Path]:
    """A file itself; all files in a folder, in the order of their names."""
    if not path.is_dir():
        return [path]
    return sorted(entry for entry in path.rglob("*") if not entry.is_dir())
