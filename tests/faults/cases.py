"""The faults. Each is tried on a project as it was before, and the campaign is then brought to its
end as a person would: run again, and do what a sentence says.

A case is a function of the `Rig`; it returns the runs that it saw, the last one complete.
"""

import contextlib
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from rls3.loop.stages import STAGES
from tests.faults.child import POINTS
from tests.faults.rig import Ended, Rig, session_of

RUN = ("run", "--no-prefect")
MORE = (*RUN, "-S", "campaign.rounds=3")
_TRIES = 4


@dataclass(frozen=True)
class Case:
    """A fault.

    Attributes:
        state: from which it starts: "pristine" (no campaign yet) or "finished" (two rounds).
        rounds: that it ends with.
        act: does it, and ends with a complete run.
        campaigns: whose tables must be those of the undisturbed run.
    """

    kind: str
    name: str
    state: str
    act: Callable[[Rig], list[Ended]]
    campaigns: tuple[str, ...] = ("c",)
    rounds: int = 2


def completed(rig: Rig, state: str, arguments: Sequence[str], mend: Callable[[], None]) -> list:
    """Run to the end; what a sentence says is followed, `mend` stands for what only a person can do
    (free space, start a server)."""
    seen: list[Ended] = []
    for _ in range(_TRIES):
        seen.append(rig.run(*arguments))
        if seen[-1].code == 0:
            break
        mend()
        rig.follow(seen[-1].said, state)
    return seen


def _nothing() -> None: ...


# -- kills -----------------------------------------------------------------------------------------

SECONDS = {
    "sample": 0.3,
    "render": 1.0,
    "validate": 1.5,
    "version data": 0.8,
    "log round": 0.8,
    "final evaluation": 0.8,
    "register": 1.0,
}
"""About how long a part of the tiny campaign takes; others take less than a fifth of a second."""
SIGNALS = ("SIGKILL", "SIGTERM", "SIGHUP")


def kills(seed: int, each: int, chain: int) -> list[Case]:
    """`each` kills in every stage and every part around the stages, at random moments, of random
    rounds; a campaign meets `chain` of them, one after the other, and goes on after each."""
    rng = random.Random(seed)
    points = [stage.name for stage in STAGES] * each + list(POINTS)[: len(POINTS)]
    rng.shuffle(points)
    plans = [
        {
            "point": point,
            "call": 1,
            "after_s": round(rng.uniform(0, SECONDS.get(point, 0.15)), 3),
            "signal": SIGNALS[i % len(SIGNALS)],
        }
        for i, point in enumerate(points)
    ]
    return [_kill(plans[i : i + chain]) for i in range(0, len(plans), chain)]


def _kill(plans: Sequence[dict[str, object]], arguments: Sequence[str] = RUN) -> Case:
    def act(rig: Rig) -> list[Ended]:
        seen = [rig.run(*arguments, fault={"kill": plan}) for plan in plans]
        return seen + completed(rig, "pristine", arguments, _nothing)

    names = [f"{p['signal']} {p['after_s'] * 1000:.0f} ms into {p['point']}" for p in plans]
    return Case("kill", "; ".join(names), "pristine", act)


def prefect_kills() -> list[Case]:
    """The same, through Prefect."""
    plans = [
        {"point": "render", "call": 2, "after_s": 0.3, "signal": name}
        for name in ("SIGKILL", "SIGTERM")
    ]
    return [_kill([plan], ("run",)) for plan in plans]


# -- who works for it ------------------------------------------------------------------------------


def wait_for(path: Path, child: subprocess.Popen) -> None:
    """Until a file is there, or the process has ended."""
    until = time.monotonic() + 300
    while not path.exists() and child.poll() is None and time.monotonic() < until:
        time.sleep(0.01)


def _kill_simulators(rig: Rig, arguments: Sequence[str], marker: str) -> list[Ended]:
    child = rig.start(*arguments)
    wait_for(rig.project / f"runs/c/rounds/{marker}", child)
    for process in session_of(child.pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            if any("embedded_thor" in word for word in process.cmdline()):
                process.kill()
    return [rig.end(child), *completed(rig, "pristine", arguments, _nothing)]


def free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def server(rig: Rig, name: str, command: list[str], health: str) -> Iterator[list]:
    """[its process]; the list's other end starts it again."""
    from tests.faults.web import answers

    def start() -> subprocess.Popen:
        with (rig.work / f"{name}.log").open("a") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | {"HOME": str(rig.work / "home")} | rig.environment,
            )
        until = time.monotonic() + 120
        while not answers(health):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{name} does not start: see {rig.work / name}.log")
            time.sleep(0.3)
        return process

    running = [start(), start]
    try:
        yield running
    finally:
        stop(running[0])


def stop(process: subprocess.Popen) -> None:
    """At once, with all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()


def _server_killed(rig: Rig, running: list, arguments: Sequence[str]) -> list[Ended]:
    child = rig.start(*arguments)
    wait_for(rig.project / "runs/c/rounds/0001/manifest.json", child)
    stop(running[0])
    first = rig.end(child)

    def again() -> None:
        running[0] = running[1]()

    if first.code != 0:
        again()
    return [first, *completed(rig, "pristine", arguments, again if first.code == 0 else _nothing)]


def _mlflow(rig: Rig) -> list[Ended]:
    from tests.faults.web import mlflow_command

    port = free_port()
    address = f"http://127.0.0.1:{port}"
    shutil_rm(rig.work / "mlflow")
    with server(rig, "mlflow", mlflow_command(rig.work / "mlflow", port), f"{address}/health") as s:
        return _server_killed(rig, s, (*RUN, "-S", f"tracking.uri={address}"))


def _prefect(rig: Rig) -> list[Ended]:
    from tests.faults.web import prefect_command

    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    shutil_rm(rig.work / "prefect")
    before = dict(rig.environment)
    rig.environment |= {"PREFECT_API_URL": api, "PREFECT_HOME": str(rig.work / "prefect")}
    try:
        with server(rig, "prefect", prefect_command(port), f"{api}/health") as running:
            return _server_killed(rig, running, ("run",))
    finally:
        rig.environment = before


def shutil_rm(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


WORKERS = [
    Case(
        "simulator",
        "killed while it measures",
        "pristine",
        lambda rig: _kill_simulators(rig, RUN, "0001"),
    ),
    Case(
        "simulator",
        "killed while it draws",
        "pristine",
        lambda rig: _kill_simulators(rig, RUN, "0001/sample.json"),
    ),
    Case(
        "simulator",
        "killed while it measures, with Prefect",
        "pristine",
        lambda rig: _kill_simulators(rig, ("run",), "0001"),
    ),
    Case("server", "MLflow killed in round 2", "pristine", _mlflow),
    Case("server", "Prefect killed in round 2", "pristine", _prefect),
]


# -- disks -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """A mount over a folder (needs root)."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


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
        return [rig.run(*RUN, fault={"fsize": n_bytes}), *completed(rig, "pristine", RUN, _nothing)]

    return Case("disk full", f"no file above {n_bytes} bytes", "pristine", act)


# -- corruption ------------------------------------------------------------------------------------


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
        return completed(rig, "finished", arguments, _nothing)

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


# -- the rest --------------------------------------------------------------------------------------


def _clock(rig: Rig) -> list[Ended]:
    """A day back, while all files are of an hour from now."""
    plan = {"point": "finetune", "call": 2, "after_s": 0.0, "signal": "SIGKILL"}
    seen = [rig.run(*RUN, fault={"kill": plan})]
    for path in rig.project.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (time.time() + 3600,) * 2)
    return [*seen, rig.run(*RUN, fault={"clock_s": -86400})]


def _two_at_once(rig: Rig) -> list[Ended]:
    """In a project that has no campaign, no registry and no data yet."""
    named = {name: (*RUN, "-S", f"campaign.name={name}") for name in ("c", "d")}
    children = {name: rig.start(*arguments, log=name) for name, arguments in named.items()}
    seen = [rig.end(child, log=name) for name, child in children.items()]
    for name, ended in zip(named, list(seen)):
        if ended.code != 0:
            seen += completed(rig, "pristine", named[name], _nothing)
    return seen


OTHERS = [
    Case("clock", "a day back after a kill, files from the future", "pristine", _clock),
    Case("two at once", "two campaigns in a fresh project", "pristine", _two_at_once, ("c", "d")),
]


def all_cases(seed: int) -> list[Case]:
    """30 kills and everything else."""
    return [
        *kills(seed, 3, 4),
        *prefect_kills(),
        *WORKERS,
        *DISKS,
        small_files(20_000),
        *CORRUPTIONS,
        *OTHERS,
    ]
