"""The same tests on either simulator.

`pytest tests/conformance --backend unity` on a machine that has the build.
"""

import pytest
from ai2thor.controller import Controller

from rls3.thor.backend import embedded_command, make_backend
from tests.conftest import make_params


def pytest_addoption(parser):
    parser.addoption("--backend", default="embedded", choices=["embedded", "unity"])
    parser.addoption(
        "--unity-path",
        default="",
        help="A local Unity executable; empty lets ai2thor fetch its own.",
    )


@pytest.fixture(scope="session")
def start(request, tmp_path_factory):
    """`start(scene=..., ...)`: a plain ai2thor Controller; all are stopped at the end."""
    patch = pytest.MonkeyPatch()
    patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))  # ai2thor writes there
    params = make_params(
        simulator__backend=request.config.getoption("--backend"),
        simulator__embedded_command=embedded_command(),
        simulator__unity_path=request.config.getoption("--unity-path"),
    ).simulator
    started = []

    def starter(**arguments):
        backend = make_backend(params)
        started.append(Controller(server_timeout=60, **backend.controller_arguments, **arguments))
        return started[-1]

    yield starter
    for controller in started:
        controller.stop()
    patch.undo()


@pytest.fixture(scope="session")
def controller(start):
    """One that draws everything, 160 x 120, non-square on purpose."""
    return start(
        scene="FloorPlan1",
        width=160,
        height=120,
        quality="Medium",
        fieldOfView=60,
        renderDepthImage=True,
        renderInstanceSegmentation=True,
        renderSemanticSegmentation=True,
        renderNormalsImage=True,
    )
