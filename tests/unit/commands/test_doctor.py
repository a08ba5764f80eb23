"""What the doctor finds where something is missing, and whether it says what to do about it."""

import sys
from pathlib import Path

import pytest

from rls3.doctor import CHECKS, check
from rls3.loop.store import Campaign, Project
from tests.conftest import make_params


def found(name: str, root: Path, **params: object) -> str:
    """The detail of a problem."""
    result = check(name, Campaign(Project(root), make_params(**params)))
    assert not result.ok and result.name == name
    return result.detail


def test_this_machine_is_well(tmp_path):
    campaign = Campaign(Project(tmp_path), make_params())
    for name in (
        "Python",
        "project folder",
        "disk",
        "temporary folder",
        "secrets",
        "loopback ports",
    ):
        assert check(name, campaign).ok, check(name, campaign).detail


def test_another_python_is_named_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 12, 1))
    assert "install python3.11 and run `make setup`" in found("Python", tmp_path)


def test_no_opengl_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    assert "install it: apt-get install libegl1" in found("EGL", tmp_path)


def test_opengl_is_not_needed_by_unity(tmp_path, monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    campaign = Campaign(Project(tmp_path), make_params(simulator__backend="unity"))
    assert check("EGL", campaign).ok


def test_a_folder_that_cannot_be_written_is_named():
    said = found("project folder", Path("/sys"))  # not even by root
    assert said.startswith("/sys cannot be written") and "make its folder writable" in said


def test_secrets_that_others_may_read_are_named(tmp_path):
    (tmp_path / ".dvc").mkdir()
    path = tmp_path / ".dvc" / "config.local"
    path.write_text("")
    path.chmod(0o640)
    assert found("secrets", tmp_path).endswith(f"run `chmod 600 {path}`")
    path.chmod(0o600)
    assert check("secrets", Campaign(Project(tmp_path), make_params())).ok


def test_what_is_published_and_missing_is_named(tmp_path):
    said = found("published files", tmp_path)
    assert "benchmark/val.parquet" in said and "base/clip/config.json" in said
    assert "`rls3 run` fetches" in said and "`dvc pull`" in said
    other = found("published files", tmp_path, vlm__checkpoint="./mine")
    assert "benchmark/val.parquet" in other and "base/" not in other


@pytest.mark.parametrize(
    "params, way_out",
    [
        ({"simulator__embedded_command": "/no/thor"}, "correct the path"),
        (
            {"simulator__embedded_command": sys.executable + " -c 1/0"},
            "mend simulator.embedded_command, or leave it empty",
        ),
        ({"simulator__backend": "unity", "simulator__unity_path": "/no/unity"}, "/no/unity"),
    ],
)
def test_a_simulator_that_does_not_start_is_not_sent_to_the_doctor_again(tmp_path, params, way_out):
    said = found("simulator", tmp_path, **params)
    assert way_out in said and "rls3 doctor" not in said and "report this line" not in said


def test_a_check_that_fails_itself_does_not_end_the_doctor(tmp_path, monkeypatch):
    def broken(campaign: Campaign) -> str:
        raise KeyError("x")

    monkeypatch.setitem(CHECKS, "disk", broken)
    assert "the check itself failed (KeyError: 'x')" in found("disk", tmp_path)
