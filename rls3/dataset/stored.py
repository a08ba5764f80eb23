"""Bytes that wait on the disk: ten thousand samples can be a list, and their images need no
memory."""

import os
import tempfile
from pathlib import Path

from rls3.files import storage_errors


class Store:
    """An unnamed temporary file to which bytes are added.

    It lies in the system's temporary folder (TMPDIR names another), has no name that anything could
    collide with, and its space is free again when the last of its `Stored` is gone, or the process.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)
        self._end = 0

    def add(self, content: bytes) -> "Stored":
        """Raises: StorageError if the disk is full."""
        rest, offset = memoryview(content), self._end
        with storage_errors(Path(tempfile.gettempdir())):
            while rest:
                written = os.pwrite(self._file.fileno(), rest, self._end)
                rest, self._end = rest[written:], self._end + written
        return Stored(self, offset, len(content))

    def read(self, offset: int, length: int) -> bytes:
        """May be called from several threads at once, and after a fork."""
        return os.pread(self._file.fileno(), length, offset)


class Stored:
    """A piece of a `Store`. A pickle of it holds the bytes themselves."""

    __slots__ = ("_length", "_offset", "_store")

    def __init__(self, store: Store, offset: int, length: int) -> None:
        self._store, self._offset, self._length = store, offset, length

    def __len__(self) -> int:
        return self._length

    def read(self) -> bytes:
        return self._store.read(self._offset, self._length)

    def __reduce__(self) -> tuple[type[bytes], tuple[bytes]]:
        return bytes, (self.read(),)
