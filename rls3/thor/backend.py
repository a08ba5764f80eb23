"""What differs between the two ends of the wire: a record of settings, nothing more."""

import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rls3.errors import SimulatorError
from rls3.params import SimulatorParams

# Our three looks as AI2-THOR's quality names.
_QUALITIES = {"observation": "Very Low", "dataset": "Medium", "beauty": "Ultra"}


@dataclass(frozen=True)
class Backend:
    """How to start one simulator.

    Attributes:
        label: written into every sample.
        controller_arguments: what the Controller is given beside size, quality and scene.
        start_timeout_s: longest time to the first frame.
    """

    label: str
    controller_arguments: dict[str, Any]
    start_timeout_s: float


def embedded_command() -> str:
    """What starts the embedded executable, its rooms furnished as one would find them."""
    return f"{shlex.quote(sys.executable)} -m embedded_thor"


def make_backend(params: SimulatorParams) -> Backend:
    """Raises: SimulatorError if the named executable is not there."""
    if params.backend == "embedded":
        from importlib.metadata import version

        command = params.embedded_command or f"{embedded_command()} -every-color"
        _check_executable(command, "simulator.embedded_command")
        # AI2-THOR's Linux platform asks for an X display; the embedded executable never opens it.
        return Backend(
            f"embedded-thor {version('rls3')}",
            {"local_executable_path": command, "x_display": ":0"},
            60.0,
        )
    if params.unity_path:
        _check_executable(shlex.quote(params.unity_path), "simulator.unity_path")
        return Backend(
            "ai2thor-unity local", {"local_executable_path": shlex.quote(params.unity_path)}, 300.0
        )
    import ai2thor
    from ai2thor.platform import CloudRendering

    return Backend(f"ai2thor-unity {ai2thor.__version__}", {"platform": CloudRendering}, 300.0)


def quality_name(quality: str) -> str:
    return _QUALITIES[quality]


def _check_executable(command: str, key: str) -> None:
    program = shlex.split(command)[0]
    if shutil.which(program) is None:
        raise SimulatorError(
            f"the simulator {program!r} ({key}) does not exist or cannot be run; correct the path, or set simulator.backend=embedded"
            if Path(program).name
            else f"{key} is empty"
        )
