"""Processes that end when they should not: the run itself, its simulators, the servers that it
speaks to; and two runs at once."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import psutil

from rls3.loop.stages import STAGES
from tests.faults.cases import RUN, Case, completed, nothing
from tests.faults.child import POINTS
from tests.faults.rig import Ended, Rig, session_of
from tests.faults.web import answers, mlflow_command, prefect_command

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


_ORDER = ("judge base", *(s.name for s in STAGES), *(p for p in POINTS if p != "judge base"))


def kills(seed: int, each: int, chain: int) -> list[Case]:
    """`each` kills in every stage and one in every part around the stages, at random moments.

    A campaign meets `chain` of them in the order of the loop, every other one from round 2 on, and
    goes on after each.
    """
    rng = random.Random(seed)
    points = [stage.name for stage in STAGES] * each + list(POINTS)
    rng.shuffle(points)
    chains = [sorted(points[i : i + chain], key=_ORDER.index) for i in range(0, len(points), chain)]
    return [_kill([_plan(rng, p) for p in names], 1 + i % 2) for i, names in enumerate(chains)]


def _plan(rng: random.Random, point: str) -> dict[str, object]:
    after_s = round(rng.uniform(0, SECONDS.get(point, 0.15)), 3)
    return {"point": point, "call": 1, "after_s": after_s, "signal": rng.choice(SIGNALS)}


def _kill(plans: list[dict[str, object]], call: int, arguments: Sequence[str] = RUN) -> Case:
    """call: of the first plan's point, if that is a stage: the round."""
    if plans[0]["point"] not in POINTS:
        plans[0]["call"] = call

    def act(rig: Rig) -> list[Ended]:
        seen = [_killed(rig, arguments, plan) for plan in plans]
        return seen + completed(rig, "pristine", arguments, nothing)

    names = [f"{p['signal']} {p['after_s'] * 1000:.0f} ms into {p['point']}" for p in plans]
    return Case("kill", "; ".join(names), "pristine", act)


def _killed(rig: Rig, arguments: Sequence[str], plan: Mapping[str, object]) -> Ended:
    ended, number = rig.run(*arguments, fault={"kill": plan}), signal.Signals[plan["signal"]]
    if ended.code in (-number, 128 + number):
        return ended
    return replace(ended, problems=(*ended.problems, f"not killed in {plan['point']}"))


def prefect_kills() -> list[Case]:
    """The same, through Prefect."""
    plans = [
        {"point": "render", "call": 1, "after_s": 0.3, "signal": name}
        for name in ("SIGKILL", "SIGTERM")
    ]
    return [_kill([plan], 2, ("run",)) for plan in plans]


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
    return [rig.end(child), *completed(rig, "pristine", arguments, nothing)]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def server(rig: Rig, name: str, command: list[str], health: str) -> Iterator[list]:
    """[its process]; the list's other end starts it again."""

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
    return [first, *completed(rig, "pristine", arguments, again if first.code == 0 else nothing)]


def _mlflow(rig: Rig) -> list[Ended]:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    shutil.rmtree(rig.work / "mlflow", ignore_errors=True)
    with server(rig, "mlflow", mlflow_command(rig.work / "mlflow", port), f"{address}/health") as s:
        return _server_killed(rig, s, (*RUN, "-S", f"tracking.uri={address}"))


def _prefect(rig: Rig) -> list[Ended]:
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    shutil.rmtree(rig.work / "prefect", ignore_errors=True)
    before = dict(rig.environment)
    rig.environment |= {"PREFECT_API_URL": api, "PREFECT_HOME": str(rig.work / "prefect")}
    try:
        with server(rig, "prefect", prefect_command(port), f"{api}/health") as running:
            return _server_killed(rig, running, ("run",))
    finally:
        rig.environment = before


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


def _two_at_once(rig: Rig) -> list[Ended]:
    """In a project that has no campaign, no registry and no data yet."""
    named = {name: (*RUN, "-S", f"campaign.name={name}") for name in ("c", "d")}
    children = {name: rig.start(*arguments, log=name) for name, arguments in named.items()}
    seen = [rig.end(child, log=name) for name, child in children.items()]
    for name, ended in zip(named, list(seen)):
        if ended.code != 0:
            seen += completed(rig, "pristine", named[name], nothing)
    return seen


BOTH = Case("two at once", "two campaigns in a fresh project", "pristine", _two_at_once, ("c", "d"))
