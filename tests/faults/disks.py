"""Full disks, read-only folders, damaged files, a clock that is wrong."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.faults.cases import MORE, RUN, Case, completed, nothing
from tests.faults.rig import Ended, Rig


@contextlib.contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """A mount over a folder (needs root); what is in it then, stays in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield
    finally:
        kept = folder.with_name(f"{folder.name}.kept")
        if "tmpfs" in options:
            shutil.copytree(folder, kept, symlinks=True)
        subprocess.run(["umount", "-l", str(folder)], check=True)
        if kept.exists():
            folder.rmdir()
            kept.rename(folder)


def _full(place: str, kib: int) -> Case:
    def act(rig: Rig) -> list[Ended]:
        folder = rig.tmp if place == "TMPDIR" else rig.project / place

        def mend() -> None:
            subprocess.run(["mount", "-o", "remount,size=1g", str(folder)], check=True)

        with mounted(folder, "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs"):
            return completed(rig, "pristine", RUN, mend)

    return Case("disk full", f"{place} of {kib} KiB", "pristine", act)


def _read_only(place: str) -> Case:
    def act(rig: Rig) -> list[Ended]:
        folder = rig.project / place
        folder.mkdir(exist_ok=True)
        with mounted(folder, "--bind", str(folder)):
            subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)

            def mend() -> None:
                subprocess.run(["mount", "-o", "remount,rw,bind", str(folder)], check=True)

            return completed(rig, "pristine", RUN, mend)

    return Case("read-only", place or "the whole project", "pristine", act)


DISKS = [
    _full("runs", 200),
    _full("runs", 1500),
    _full("data", 24),
    _full("TMPDIR", 64),
    _read_only("runs"),
    _read_only("data"),
    _read_only(".rls3"),
]


def small_files(n_bytes: int) -> Case:
    """As on a full disk, without root: no file may become larger."""

    def act(rig: Rig) -> list[Ended]:
        return [rig.run(*RUN, fault={"fsize": n_bytes}), *completed(rig, "pristine", RUN, nothing)]

    return Case("disk full", f"no file above {n_bytes} bytes", "pristine", act)


def zeroed(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(bytes(64))


def halved(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def garbled(path: Path) -> None:
    path.write_bytes(b"\xff\x00garbage" * (1 + path.stat().st_size // 9))


def removed(path: Path) -> None:
    path.unlink()


def added(path: Path) -> None:
    path.write_bytes(b"not of a stage")


def _damaged(how: Callable[[Path], None], name: str, arguments: Sequence[str] = MORE) -> Case:
    def act(rig: Rig) -> list[Ended]:
        for path in sorted(rig.project.glob(name)) or [rig.project / name]:
            path.write_bytes(path.read_bytes()) if path.is_symlink() else None
            how(path)
        return completed(rig, "finished", arguments, nothing)

    rounds = 3 if arguments is MORE else 2
    words = f"{name} {how.__name__}, {'continued' if rounds == 3 else 'run again'}"
    return Case("corruption", words, "finished", act, rounds=rounds)


CORRUPTIONS = [
    _damaged(zeroed, "runs/c/rounds/0002/vlm/model.safetensors"),
    _damaged(removed, "runs/c/rounds/0002/vlm/config.json"),
    _damaged(added, "runs/c/rounds/0002/vlm/pytorch_model.bin"),
    _damaged(zeroed, "runs/c/rounds/0002/policy/policy.safetensors"),
    _damaged(halved, "runs/c/rounds/0002/manifest.json"),
    _damaged(emptied, "runs/c/rounds/0001/manifest.json"),
    _damaged(halved, "runs/c/rounds/0002/evaluate.json"),
    _damaged(removed, "runs/c/rounds/0002/score.json"),
    _damaged(halved, "data/c/round-0001/train.parquet"),
    _damaged(zeroed, "data/c/round-0002/train.parquet"),
    _damaged(zeroed, "runs/c/rounds/0002/gallery.parquet"),
    _damaged(halved, "runs/c/gate.json"),
    _damaged(garbled, "runs/c/evaluation.json"),
    _damaged(halved, "runs/c/registered.json"),
    _damaged(halved, "runs/c/mlflow.json"),
    _damaged(garbled, "runs/c/summary.json"),
    _damaged(zeroed, "runs/c/base-val.parquet"),
    _damaged(emptied, "runs/c/params.json"),
    _damaged(halved, "runs/c/inputs.json"),
    _damaged(garbled, "runs/mlflow.db"),
    _damaged(zeroed, "base/clip/model.safetensors"),
    _damaged(halved, "benchmark/val.parquet"),
    _damaged(garbled, ".rls3/thor/surveys/*/*.json"),
    _damaged(garbled, "data.dvc"),
    _damaged(halved, "runs/c/gate.json", RUN),
    _damaged(removed, "runs/c/registered.json", RUN),
    _damaged(halved, "runs/c/evaluation.json", RUN),
]


def _clock(rig: Rig) -> list[Ended]:
    """A day back, while all files are of an hour from now."""
    plan = {"point": "finetune", "call": 2, "after_s": 0.0, "signal": "SIGKILL"}
    seen = [rig.run(*RUN, fault={"kill": plan})]
    for path in rig.project.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (time.time() + 3600,) * 2)
    return [*seen, rig.run(*RUN, fault={"clock_s": -86400})]


CLOCK = Case("clock", "a day back after a kill, files from the future", "pristine", _clock)
