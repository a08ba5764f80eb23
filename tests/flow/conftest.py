"""What the flow tests share: a small project, `rls3` as a process of its own, and one campaign that
nobody disturbed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.small import make_small_project


@pytest.fixture(scope="module")
def project(tmp_path_factory, tiny_clip):
    """A project folder with tiny base models and small benchmarks, not under git."""
    root = tmp_path_factory.mktemp("a project") / "with spaces"
    root.mkdir()
    (root / "base").mkdir()
    (root / "base" / "clip").symlink_to(tiny_clip)
    make_small_project(root)
    return root


def start(root: Path, *arguments: str) -> subprocess.Popen:
    """`rls3 ...` in a session of its own, so that nothing it starts can outlive the test; it writes
    to files, not pipes."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "rls3.cli", *arguments],
        cwd=root,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        stdout=(root / "stdout.txt").open("w"),
        stderr=(root / "stderr.txt").open("w"),
        env=os.environ | {"HOME": str(root / "home"), "OMP_NUM_THREADS": "1"},
    )


def session_of(leader: int) -> list[psutil.Process]:
    """The processes alive in a session, its leader aside."""
    alive = []
    for process in psutil.process_iter():
        try:
            if (
                os.getsid(process.pid) == leader != process.pid
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                alive.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return alive


def rls3(root: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run it to its end, which leaves no process behind."""
    child = start(root, *arguments)
    try:
        code = child.wait(300)
    except subprocess.TimeoutExpired:
        code = None
    gone_by = time.monotonic() + 5
    while (left := session_of(child.pid)) and time.monotonic() < gone_by:
        time.sleep(0.1)
    said = [" ".join(p.cmdline()) for p in left]
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    done = subprocess.CompletedProcess(
        child.args, code, (root / "stdout.txt").read_text(), (root / "stderr.txt").read_text()
    )
    assert code is not None, f"{arguments} did not end: {done.stdout[-1000:]} {done.stderr[-1000:]}"
    assert not said, f"{arguments} left behind: {said}"
    return done


def wait_for(path: Path, child: subprocess.Popen) -> None:
    ends = time.monotonic() + 300
    while not path.exists():
        assert child.poll() is None and time.monotonic() < ends, f"{path.name} was not written"
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=1).status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def undisturbed(project):
    done = rls3(project, "run", "--no-prefect", "-S", "campaign.name=plain")
    assert done.returncode == 0, done.stderr[-2000:]
    return done
