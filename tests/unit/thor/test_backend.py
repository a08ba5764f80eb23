"""How a simulator is named in every sample: as it names itself."""

import stat
import sys
import time

import pytest

from rls3.errors import SimulatorError
from rls3.thor import backend
from rls3.thor.backend import make_backend
from tests.conftest import make_params


@pytest.fixture
def executable(tmp_path):
    """Makes an executable of a line of shell; the path of it."""

    def make(script: str, name: str = "other-thor"):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


def _label(command: str = "") -> str:
    return make_backend(make_params(simulator__embedded_command=command).simulator).label


def test_our_executable_says_its_name_and_version():
    assert _label() == "embedded-thor 0.1.0"


def test_it_is_asked_once():
    _label()
    started = time.perf_counter()
    assert _label() == "embedded-thor 0.1.0"
    assert time.perf_counter() - started < 0.02


def test_another_executable_is_called_what_it_says(executable):
    command = executable('test "$2" = --version && echo second-thor 2.5')
    assert _label(f"{command} -every-color") == "second-thor 2.5"


@pytest.mark.parametrize("script", ["exit 1", "true", "echo a; echo b", "kill -9 $$"])
def test_one_that_does_not_say_it_is_called_what_it_was_started_as(executable, script):
    command = executable(script, name="mute-thor")
    assert _label(f"{command} -quick") == "mute-thor -quick (version unknown)"


def test_one_that_does_not_end_is_killed(executable, monkeypatch):
    monkeypatch.setattr(backend, "_VERSION_TIMEOUT_S", 0.3)
    started = time.perf_counter()
    assert _label(executable("sleep 60 & sleep 60")) == "other-thor (version unknown)"
    assert time.perf_counter() - started < 5


def test_our_own_must_say_it(executable, monkeypatch):
    broken = executable("echo No module named embedded_thor >&2; exit 1")
    monkeypatch.setattr(backend, "embedded_command", lambda: broken)
    with pytest.raises(
        SimulatorError, match="does not say its version .No module named embedded_thor.; run `rls3"
    ):
        _label()


def test_an_interpreter_is_not_taken_for_the_simulator(executable):
    assert _label(f"{sys.executable} /no/thor.py") == "python thor.py (version unknown)"
