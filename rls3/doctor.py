"""Is everything here that a campaign needs? Each check says what is wrong and how to mend it."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rls3.errors import RLS3Error, SimulatorError
from rls3.evaluation.benchmarks import BENCHMARKS, benchmark_path
from rls3.files import storage_errors
from rls3.loop.store import Campaign
from rls3.params import SimulatorParams
from rls3.placing.rooms import drop, rooms_of
from rls3.scene.records import SceneSpec, Simulator
from rls3.thor.client import ThorClient
from rls3.vlm.loading import BASE_CHECKPOINT

_DISK_GIB, _TEMPORARY_GIB = 3, 1
_EGL_TIMEOUT_S = 60
_EGL_CODE = "import mujoco; c = mujoco.GLContext(16, 16); c.make_current(); c.free(); print('ok')"
_ADVICE = "run `rls3 doctor`"


@dataclass(frozen=True)
class Check:
    """What a check found. detail: what is there, or what is wrong and the way out."""

    name: str
    ok: bool
    detail: str


def check(name: str, campaign: Campaign) -> Check:
    """One of `CHECKS`; whatever happens in it is its finding."""
    try:
        return Check(name, True, CHECKS[name](campaign))
    except RLS3Error as error:
        return Check(name, False, str(error))
    except Exception as error:  # a check must not end the doctor
        reason = f"{type(error).__name__}: {error}"
        return Check(name, False, f"the check itself failed ({reason}); please report this line")


def _python(campaign: Campaign) -> str:
    version = sys.version.split()[0]
    if sys.version_info[:2] != (3, 11):
        raise RLS3Error(
            f"this is Python {version}, the lock file is for 3.11; install python3.11 and run "
            "`make setup`"
        )
    return version


def _egl(campaign: Campaign) -> str:
    """In a process of its own: a broken driver can end it."""
    if campaign.params.simulator.backend != "embedded":
        return "not needed by this backend"
    environment = os.environ | {"MUJOCO_GL": os.environ.get("MUJOCO_GL", "egl")}
    reason = _failure_of([sys.executable, "-c", _EGL_CODE], environment)
    if reason:
        raise RLS3Error(
            f"no headless OpenGL ({reason[:100]}); install it: "
            "apt-get install libegl1 libgl1-mesa-dri"
        )
    return "a headless OpenGL context works"


def _failure_of(command: list[str], environment: dict[str, str]) -> str:
    """The last words of a command that does not print "ok"; "" if it does."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_EGL_TIMEOUT_S, env=environment
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {_EGL_TIMEOUT_S} s"
    if done.stdout.strip() == "ok":
        return ""
    return (done.stderr.strip().splitlines() or ["no message"])[-1]


def _folder(campaign: Campaign) -> str:
    root = campaign.project.root
    with storage_errors(root), tempfile.TemporaryFile(dir=root):
        return f"{root} can be written"


def _temporary(campaign: Campaign) -> str:
    folder = Path(tempfile.gettempdir())
    with storage_errors(folder), tempfile.TemporaryFile():
        return _free(folder, _TEMPORARY_GIB, "name another folder with TMPDIR")


def _secrets(campaign: Campaign) -> str:
    known = [path for path in campaign.project.secrets if path.exists()]
    for path in known:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise RLS3Error(
                f"other users may read {path}, which can hold secrets; run `chmod 600 {path}`"
            )
    return f"{len(known)} files that may hold secrets, none open to others"


def _disk(campaign: Campaign) -> str:
    return _free(campaign.project.root, _DISK_GIB, "move the project to a larger disk")


def _free(folder: Path, wanted_gib: float, other: str) -> str:
    free = shutil.disk_usage(folder).free / 2**30
    if free < wanted_gib:
        raise RLS3Error(
            f"only {free:.1f} GiB free below {folder}, and a campaign needs about {wanted_gib} "
            f"GiB; free some, or {other}"
        )
    return f"{free:.0f} GiB free"


def _port(campaign: Campaign) -> str:
    try:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            return f"port {listener.getsockname()[1]} could be opened on 127.0.0.1"
    except OSError as error:
        raise RLS3Error(
            f"no port can be opened on 127.0.0.1 ({error.strerror}), and Prefect's server needs "
            "one; check the firewall or sandbox, or run with --no-prefect"
        ) from None


def _published(campaign: Campaign) -> str:
    project, vlm = campaign.project, campaign.params.vlm
    wanted = [benchmark_path(project.benchmark, split) for split in BENCHMARKS]
    if vlm.checkpoint == BASE_CHECKPOINT:
        wanted.append(project.base / vlm.family / "config.json")
    missing = [project.relative(path) for path in wanted if not path.exists()]
    if missing:
        raise RLS3Error(
            f"{', '.join(missing)} not here yet; `rls3 run` fetches what is published, "
            "and so does `dvc pull`"
        )
    return "base model and benchmarks are here"


def _simulator(campaign: Campaign) -> str:
    """Surveys a room, drops objects there and draws them."""
    params, started = campaign.params.simulator, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, ThorClient(params, Path(folder)) as client:
        try:
            spec = _some_scene(client, campaign)
            height, width = client.render(spec).image.shape[:2]
        except SimulatorError as error:
            raise RLS3Error(str(error).replace(_ADVICE, _way_out(params))) from error
        seconds = time.perf_counter() - started
        return f"{client.label} drew {spec.floor_plan} at {width}x{height} in {seconds:.1f} s"


def _some_scene(simulator: Simulator, campaign: Campaign) -> SceneSpec:
    sampling = campaign.params.sampling
    floor_plan = campaign.params.simulator.floor_plans[0]
    room = rooms_of(simulator, [floor_plan], sampling)[floor_plan]
    spec = drop(room, np.random.default_rng(0), sampling)
    if spec is None:
        raise RLS3Error(f"no object finds a place in {floor_plan}; loosen sampling.*")
    return spec


def _way_out(params: SimulatorParams) -> str:
    """What to try with a simulator that does not start, from within the doctor."""
    if params.backend == "unity":
        return "mend simulator.unity_path, or leave it empty for ai2thor's own download"
    if params.embedded_command:
        return "mend simulator.embedded_command, or leave it empty for the embedded simulator"
    return "mend what is a problem above, or run `make setup` again"


CHECKS: dict[str, Callable[[Campaign], str]] = {
    "Python": _python,
    "EGL": _egl,
    "project folder": _folder,
    "disk": _disk,
    "temporary folder": _temporary,
    "secrets": _secrets,
    "loopback ports": _port,
    "published files": _published,
    "simulator": _simulator,
}
"""By name, in the order in which they are made."""
