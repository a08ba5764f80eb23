"""What is there under its name is whole; what cannot be read or written is one sentence."""

import contextlib
import errno
import os
import resource
import signal
import sqlite3
import subprocess

import numpy as np
import pytest
from safetensors.numpy import save_file

from rls3.errors import DataError, StorageError
from rls3.files import (
    make_folder,
    read_errors,
    read_json,
    storage_errors,
    storage_sentence,
    sweep,
    whole_file,
    whole_folder,
    write_fault,
    write_json,
)


def test_a_file_appears_only_when_complete(tmp_path):
    path = tmp_path / "new" / "x"
    with pytest.raises(RuntimeError), whole_file(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert list(path.parent.iterdir()) == []
    with whole_file(path) as temporary:
        temporary.write_text("all")
    assert path.read_text() == "all" and list(path.parent.iterdir()) == [path]


def test_a_folder_appears_only_when_complete_and_replaces_the_old_one(tmp_path):
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "x") as folder:
        (folder / "half").write_text("1")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    for name in ("all", "new"):
        with whole_folder(tmp_path / "x") as folder:
            (folder / name).write_text("1")
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["new"]


def test_a_private_folder_is_its_owners_alone(tmp_path):
    make_folder(tmp_path / "x" / "y", private=True)
    assert (tmp_path / "x" / "y").stat().st_mode & 0o777 == 0o700


def test_what_killed_processes_left_is_swept(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    for name in (f".a.json.{gone.pid}.tmp", f"b/.c.parquet.{gone.pid}.tmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("half")
    (tmp_path / ".vlm.tmp").mkdir()
    (tmp_path / ".vlm.tmp" / "model").write_text("half")
    mine = tmp_path / f".report.html.{os.getpid()}.tmp"
    for kept in (mine, tmp_path / "x.tmp", tmp_path / "b" / "whole.json"):
        kept.write_text("kept")
    sweep(tmp_path)
    left = sorted(p.name for p in tmp_path.rglob("*") if p.is_file())
    assert (
        left == sorted((mine.name, "x.tmp", "whole.json")) and not (tmp_path / ".vlm.tmp").exists()
    )


def test_json_is_atomic_and_damage_is_one_sentence(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"x": 1})
    assert read_json(path) == {"x": 1}
    with pytest.raises(TypeError):
        write_json(path, {"x": object()})
    assert read_json(path) == {"x": 1}
    path.write_text("{")
    with pytest.raises(DataError, match=r"a.json is damaged \(.*\); delete it and run again"):
        read_json(path)
    with pytest.raises(DataError, match="b.json is missing"):
        read_json(tmp_path / "b.json")


@contextlib.contextmanager
def _files_of_at_most(n_bytes):
    """What is written beyond that fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_full_disk_is_one_sentence_and_leaves_the_old_content(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, "old")
    full = pytest.raises(StorageError, match=r"no space left for .*a.json \(.*\); free some")
    with _files_of_at_most(1000), full:
        write_json(path, "x" * 5000)
    assert read_json(path) == "old" and os.listdir(tmp_path) == ["a.json"]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="the folder .*file/x cannot be made .Not a directory"):
        write_json(tmp_path / "file" / "x" / "a.json", 1)
    message = "x cannot be written .Permission denied.; make its"
    with pytest.raises(StorageError, match=message), whole_file(tmp_path / "x"):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_an_error_of_the_disk_is_found_however_deep_a_library_wrapped_it(tmp_path):
    with pytest.raises(StorageError, match="no space left for .*x"), whole_file(tmp_path / "x"):
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("a library's own words") from error


def test_whether_a_folder_can_be_written_is_found_by_trying(tmp_path):
    assert write_fault(tmp_path) is None and not os.listdir(tmp_path)
    with _files_of_at_most(1000):
        fault = write_fault(tmp_path)
    assert "no space left for here (File too large)" in storage_sentence(fault, "here")


def test_what_a_library_says_of_the_disk_in_words_alone_is_understood(tmp_path):
    weights, table = tmp_path / "weights", tmp_path / "data.db"
    full = pytest.raises(StorageError, match="no space left for .*weights .File too large")
    with _files_of_at_most(1000), full, storage_errors(weights):
        save_file({"x": np.zeros(5000)}, weights)
    full = pytest.raises(StorageError, match="no space left for .*data.db .No space left")
    with contextlib.closing(sqlite3.connect(table)) as database, full, storage_errors(table):
        database.execute("pragma max_page_count = 1")
        database.execute("create table t (x)")
    closed = pytest.raises(StorageError, match="data.db cannot be written .Read-only file system")
    address = f"file:{table}?mode=ro"
    reader = contextlib.closing(sqlite3.connect(address, uri=True))
    with reader as database, closed, storage_errors(table):
        database.execute("create table t (x)")


def test_a_librarys_own_errors_count_as_damage(tmp_path):
    class LibraryError(Exception): ...

    damage, path = r"x is damaged \(bad footer\)", tmp_path / "x"
    with pytest.raises(DataError, match=damage), read_errors(path, LibraryError):
        raise LibraryError("bad footer\nmore")
