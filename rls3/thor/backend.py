"""What differs between the two ends of the wire: a record of settings, nothing more."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ai2thor
from ai2thor.platform import BasePlatform, CloudRendering

from rls3.errors import SimulatorError
from rls3.params import SimulatorParams

# Our three looks as AI2-THOR's quality names.
_QUALITIES = {"observation": "Very Low", "dataset": "Medium", "beauty": "Ultra"}
_VERSION_TIMEOUT_S = 15.0
_LONGEST_LABEL = 80


@dataclass(frozen=True)
class Backend:
    """How to start one simulator.

    Attributes:
        label: names the simulator and its version; written into every sample.
        controller_arguments: what the Controller is given beside size, quality and scene.
        start_timeout_s: longest time to the first frame.
    """

    label: str
    controller_arguments: dict[str, str | type[BasePlatform]]
    start_timeout_s: float


def make_backend(params: SimulatorParams) -> Backend:
    """Raises: SimulatorError if the named executable is not there, or ours does not answer."""
    if params.backend == "embedded":
        return _embedded(params.embedded_command)
    return _unity(params.unity_path)


def embedded_command() -> str:
    """What starts the embedded executable, its rooms furnished as one would find them."""
    return f"{shlex.quote(sys.executable)} -m embedded_thor"


def quality_name(quality: str) -> str:
    return _QUALITIES[quality]


def _embedded(given: str) -> Backend:
    """Our executable, or the command `given` in its place."""
    command = given or f"{embedded_command()} -every-color"
    _check_executable(command, "simulator.embedded_command")
    # AI2-THOR's Linux platform asks for an X display; the embedded executable never opens it.
    arguments = {"local_executable_path": command, "x_display": ":0"}
    return Backend(_label_of(command, ours=not given), arguments, 60.0)


def _unity(path: str) -> Backend:
    """AI2-THOR's build at a path, or the one that ai2thor downloads."""
    if path:
        _check_executable(shlex.quote(path), "simulator.unity_path")
        return Backend("ai2thor-unity local", {"local_executable_path": shlex.quote(path)}, 300.0)
    return Backend(f"ai2thor-unity {ai2thor.__version__}", {"platform": CloudRendering}, 300.0)


@cache  # a start of the executable, some 30 ms: once a process
def _label_of(command: str, ours: bool) -> str:
    """What the executable says of itself; a foreign one may know no `--version`: its command then.

    Raises: SimulatorError if our own does not answer, for samples must not be labelled by chance.
    """
    try:
        return _asked_version(command)
    except SimulatorError:
        if ours:
            raise
        words = " ".join(Path(word).name for word in shlex.split(command))
        return f"{words[:_LONGEST_LABEL]} (version unknown)"


def _asked_version(command: str) -> str:
    """The one line that it prints when it is given `--version`.

    Raises: SimulatorError if it fails, prints anything else, or does not end in time.
    """
    try:
        asked = subprocess.Popen(
            [*shlex.split(command), "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        with asked:
            answer, complaint = _heard(asked)
    except OSError as error:
        raise _no_version(command, str(error)) from error
    lines = answer.strip().splitlines()
    if asked.returncode or len(lines) != 1 or len(lines[0]) > _LONGEST_LABEL:
        last = (complaint.strip().splitlines() or [f"exit status {asked.returncode}"])[-1]
        raise _no_version(command, last[:160])
    return lines[0]


def _heard(asked: "subprocess.Popen[str]") -> tuple[str, str]:
    """What it wrote to its two channels until it ended; one that does not end is killed."""
    try:
        return asked.communicate(timeout=_VERSION_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return "", f"no answer within {_VERSION_TIMEOUT_S:g} s"
    finally:
        if asked.poll() is None:
            os.killpg(asked.pid, signal.SIGKILL)  # with whatever it started


def _no_version(command: str, reason: str) -> SimulatorError:
    return SimulatorError(
        f"the simulator {command!r} does not say its version ({reason}); run `rls3 doctor`"
    )


def _check_executable(command: str, key: str) -> None:
    program = (shlex.split(command) or [""])[0]
    if not program:
        raise SimulatorError(f"{key} is empty")
    if shutil.which(program) is None:
        raise SimulatorError(
            f"the simulator {program!r} ({key}) does not exist or cannot be run; "
            "correct the path, or set simulator.backend=embedded"
        )
