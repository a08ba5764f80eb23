"""`rls3 doctor`: is everything here that a campaign needs? Each check says what is wrong and how to mend it."""

import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rls3.errors import RLS3Error
from rls3.round import Campaign

_DISK_GIB = 3


@dataclass(frozen=True)
class Check:
    name: str
    ok: bool
    detail: str


def run_checks(campaign: Campaign) -> list[Check]:
    """All checks, in order; the later ones run even if an earlier one fails."""
    return [
        _check("Python", lambda: _python()),
        _check("EGL", lambda: _egl())
        if campaign.params.simulator.backend == "embedded"
        else Check("EGL", True, "not needed by this backend"),
        _check("disk", lambda: _disk(campaign.root)),
        _check("loopback ports", lambda: _port()),
        _check("published files", lambda: _published(campaign)),
        _check("simulator", lambda: _simulator(campaign)),
    ]


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except RLS3Error as error:
        return Check(name, False, str(error))
    except Exception as error:  # a check must not end the doctor
        return Check(name, False, f"{type(error).__name__}: {error}")


def _python() -> str:
    if sys.version_info[:2] != (3, 11):
        raise RLS3Error(
            f"this is Python {sys.version.split()[0]}, the lock file is for 3.11; install python3.11 and run `make setup`"
        )
    return sys.version.split()[0]


def _egl() -> str:
    """In a process of its own: a broken driver can end it."""
    import os
    import subprocess

    code = "import mujoco; c = mujoco.GLContext(16, 16); c.make_current(); c.free(); print('ok')"
    environment = os.environ | {"MUJOCO_GL": os.environ.get("MUJOCO_GL", "egl")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment
    )
    if done.stdout.strip() != "ok":
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RLS3Error(
            f"no headless OpenGL ({last[:100]}); install it: apt-get install libegl1 libgl1-mesa-dri"
        )
    return "a headless OpenGL context works"


def _disk(root: Path) -> str:
    free = shutil.disk_usage(root).free / 2**30
    if free < _DISK_GIB:
        raise RLS3Error(
            f"only {free:.1f} GiB free below {root}; a campaign needs about {_DISK_GIB} GiB"
        )
    return f"{free:.0f} GiB free"


def _port() -> str:
    try:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            return f"port {listener.getsockname()[1]} could be opened on 127.0.0.1"
    except OSError as error:
        raise RLS3Error(
            f"no port can be opened on 127.0.0.1 ({error.strerror}); Prefect's server needs one: check the firewall or sandbox"
        ) from None


def _published(campaign: Campaign) -> str:
    missing = [str(p.name) for p in (campaign.base, campaign.benchmark) if not p.exists()]
    if missing:
        raise RLS3Error(
            f"{' and '.join(missing)} not here yet; `rls3 run` fetches them, or `dvc pull`"
        )
    return "base models and benchmarks are here"


def _simulator(campaign: Campaign) -> str:
    import time

    import numpy as np

    from rls3.placing.solver import ANY_CELL, Goal, solve, spots_of
    from rls3.thor.client import ThorClient

    started = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        ThorClient(campaign.params.simulator, Path(folder)) as client,
    ):
        survey = client.survey(campaign.params.simulator.floor_plans[0])
        first, second = sorted(survey.kinds)[:2]
        spec = solve(
            Goal(first, second, ANY_CELL, 0, 1),
            survey,
            spots_of(survey),
            np.random.default_rng(0),
            campaign.params.sampling,
        )
        scene = client.render(spec)
        height, width = scene.image.shape[:2]
        return f"{client.label} drew {spec.floor_plan} at {width}x{height} in {time.perf_counter() - started:.1f} s"
