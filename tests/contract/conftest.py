"""The embedded executable behind a plain Controller of ai2thor."""

import os
import sys

import pytest
from ai2thor.controller import Controller


@pytest.fixture(scope="module")
def controller(tmp_path_factory):
    home, before = tmp_path_factory.mktemp("home"), os.environ.get("HOME")
    os.environ["HOME"] = str(home)
    made = Controller(
        local_executable_path=f"{sys.executable} -m embedded_thor",
        x_display=":0",
        server_timeout=60,
        width=160,
        height=120,
        quality="Medium",
        scene="FloorPlan1",
        renderInstanceSegmentation=True,
        renderDepthImage=True,
        fieldOfView=60,
    )
    yield made
    made.stop()
    os.environ["HOME"] = before or "/root"
