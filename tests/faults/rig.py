"""Runs a campaign with a fault, and says what is wrong afterwards."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pyarrow.parquet as pq
from safetensors import safe_open

from rls3.dataset.sample import read_samples

ROOT = Path(__file__).resolve().parents[2]
_CHILD = (sys.executable, "-W", "ignore", "-m", "tests.faults.child")
_LONGEST_S = 400
_GONE_BY_S = 15  # simulators and workers notice a killed parent by themselves
_PATH = r"(/[^\s;,]*[^\s;,.])"


@dataclass(frozen=True)
class Ended:
    """A run that ended. code: None if it had to be killed. said: last line of standard error."""

    code: int | None
    said: str
    problems: tuple[str, ...] = ()


@dataclass
class Rig:
    """A folder with `project` (where all runs work), `pristine` and `finished` (states to go back
    to), `tmp` (TMPDIR)."""

    work: Path
    environment: dict[str, str] = field(default_factory=dict)

    project = property(lambda self: self.work / "project")
    tmp = property(lambda self: self.work / "tmp")

    def keep(self, state: str) -> None:
        """Remember the project as it is."""
        shutil.copytree(self.project, self.work / state, symlinks=True)

    def go_back(self, state: str) -> None:
        """The project as it was, in its old place; an empty TMPDIR."""
        for folder in (self.project, self.tmp):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.work / state, self.project, symlinks=True)
        self.tmp.mkdir()

    def start(
        self, *arguments: str, fault: Mapping[str, object] | None = None, log: str = "run"
    ) -> subprocess.Popen:
        """`rls3 ...` in a session of its own."""
        with (self.work / f"{log}.out").open("w") as out, (self.work / f"{log}.err").open("w") as e:
            return subprocess.Popen(
                [*_CHILD, json.dumps(fault or {}), *arguments],
                cwd=self.project,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                stdout=out,
                stderr=e,
                env=os.environ
                | {
                    "HOME": str(self.work / "home"),
                    "TMPDIR": str(self.tmp),
                    "PYTHONPATH": str(ROOT),
                    "OMP_NUM_THREADS": "1",
                }
                | self.environment,
            )

    def end(self, child: subprocess.Popen, log: str = "run") -> Ended:
        """Wait for it, and for all that it started."""
        problems = []
        ends = time.monotonic() + _LONGEST_S
        while (code := child.poll()) is None and time.monotonic() < ends:
            problems += open_to_others(child.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(1)
        if code is None:
            problems.append(f"no end after {_LONGEST_S} s")
        until = time.monotonic() + _GONE_BY_S
        while (left := session_of(child.pid)) and time.monotonic() < until:
            time.sleep(0.1)
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                problems.append("orphan: " + " ".join(process.cmdline())[:80])
                process.kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        stderr = (self.work / f"{log}.err").read_text().strip()
        if "Traceback" in stderr:
            problems.append(f"traceback of {len(stderr.splitlines())} lines")
        said = (stderr.splitlines() or [""])[-1]
        if code and code > 0 and not said.startswith("rls3: "):
            problems.append(f"no sentence: {said[:80]}")
        return Ended(code, said.removeprefix("rls3: "), (*problems, *self.halves()))

    def run(self, *arguments: str, fault: Mapping[str, object] | None = None) -> Ended:
        """Start and end."""
        return self.end(self.start(*arguments, fault=fault))

    def halves(self) -> list[str]:
        """What lies under a final name and is not whole."""
        found = []
        for path in [*self.project.glob("runs/**/*"), *self.project.glob("data/**/*")]:
            if path.name.startswith(".") or any(p.name.startswith(".") for p in path.parents):
                continue
            try:
                _READERS.get(path.suffix, lambda _: None)(path)
            except Exception as error:
                found.append(f"half: {path.relative_to(self.project)} ({error})"[:100])
        return found

    def left_behind(self) -> list[str]:
        """After a run that completed: half-written files, what lies in TMPDIR, held locks."""
        found = [str(p) for p in self.project.rglob("*.tmp") if ".dvc/" not in str(p)]
        found += [str(p) for p in self.tmp.iterdir()]
        for lock in self.project.glob("runs/*/lock"):
            with lock.open("a") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    found.append(f"held: {lock}")
        return [f"left behind: {name}" for name in found]

    def table(self, name: str = "c") -> object:
        """What must be equal between runs: samples, figures of each round, the result, the gate."""
        rows = []
        for folder in sorted((self.project / "runs" / name / "rounds").iterdir()):
            shard = self.project / "data" / name / f"round-{folder.name}" / "train.parquet"
            record = json.loads((folder / "evaluate.json").read_text())
            samples = [(s.sample_id, s.caption, s.image) for s in read_samples(shard)]
            rows.append((samples, record["val"], record["failure_after"]))
        summary = json.loads((self.project / "runs" / name / "summary.json").read_text())
        keys = ("final_accuracy", "base_accuracy", "by_term", "rounds", "result_round", "gate")
        return [rows, [summary[key] for key in keys]]

    def follow(self, said: str, state: str) -> str:
        """Do what a sentence says is the way out; what was done, or "" if it gives none."""
        if named := re.search(rf"delete {_PATH}( and {_PATH})?", said):
            gone = [Path(path) for path in (named[1], named[3]) if path]
        elif "delete it" in said and (first := re.search(_PATH, said)):
            gone = [Path(first[1])]
        elif re.search(r"restore|mend", said) and (first := re.search(_PATH, said)):
            path = Path("/" + first[1].lstrip("/"))
            shutil.copy(self.work / state / path.relative_to(self.project), path)
            return f"restored {path.name}"
        else:
            return ""
        for path in gone:
            if not path.is_relative_to(self.project):
                return ""
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        return f"deleted {' and '.join(path.name for path in gone)}"


def _json(path: Path) -> None:
    json.loads(path.read_text())


def _safetensors(path: Path) -> None:
    with safe_open(path, "numpy") as file:
        for key in file.keys():  # noqa: SIM118 (not a mapping)
            file.get_slice(key)


_READERS: dict[str, Callable[[Path], object]] = {
    ".json": _json,
    ".parquet": lambda path: pq.read_table(path, partitioning=None),
    ".safetensors": _safetensors,
}


def open_to_others(leader: int) -> list[str]:
    """Ports on which a process of a session listens to more than this machine."""
    found = []
    for process in [*session_of(leader), *_processes(leader)]:
        with contextlib.suppress(psutil.Error):
            found += [
                f"listens at {c.laddr.ip}:{c.laddr.port}"
                for c in process.net_connections("inet")
                if c.status == psutil.CONN_LISTEN and c.laddr.ip not in ("127.0.0.1", "::1")
            ]
    return found


def _processes(number: int) -> list[psutil.Process]:
    try:
        return [psutil.Process(number)]
    except psutil.NoSuchProcess:
        return []


def session_of(leader: int) -> list[psutil.Process]:
    """The processes alive in a session, its leader aside."""
    alive = []
    for process in psutil.process_iter():
        try:
            if (
                os.getsid(process.pid) == leader != process.pid
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                alive.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return alive
