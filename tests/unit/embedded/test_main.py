"""The executable on the command line, where no Controller has started it."""

import subprocess
import sys

from embedded_thor import __version__


def _run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_it_says_its_version(tmp_path):
    assert _run("-m", "embedded_thor", "--version").stdout == f"embedded-thor {__version__}\n"
    beside = _run("-m", "embedded_thor", "-every-color", "--version")
    assert (beside.returncode, beside.stdout) == (0, f"embedded-thor {__version__}\n")


def test_its_version_needs_nothing_that_is_slow_to_import():
    code = (
        "import sys; sys.argv = ['rls3-thor', '--version']\n"
        "from embedded_thor.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: print({'numpy', 'mujoco', 'msgpack', 'http.client'} & {*sys.modules})"
    )
    assert _run("-c", code).stdout.splitlines()[-1] == "set()"


def test_without_a_controller_it_says_how_it_is_started():
    alone = _run("-m", "embedded_thor")
    assert alone.returncode == 1
    assert "started by ai2thor: Controller(local_executable_path='rls3-thor'" in alone.stderr
