"""A registered model in a clean environment: made from its own requirements.txt alone (from the
package index), then loaded and served there, over HTTP with base64 images.

`python -m benchmarks.handover [MODEL] [--params PATH]`; MODEL is models:/NAME@ALIAS, the champion
by default. Takes minutes: it installs torch.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rls3.commands.project import open_project
from rls3.loop.store import Project
from tasks.registry import download_model

_LOAD = """
import sys, mlflow
model = mlflow.pyfunc.load_model(sys.argv[1])
import rls3
assert rls3.__file__.startswith(sys.argv[1]), rls3.__file__
print(model.predict(model.input_example).to_dict("records"))
"""
_UP_WITHIN_S = 120


def main() -> None:
    """Prints a row a step: seconds, and what came of it."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("model", nargs="?", default="")
    asked.add_argument("--params", type=Path, default=Path("params.yaml"))
    given = asked.parse_args()
    root, params = open_project(given.params, [])
    address = given.model or f"models:/{params.tracking.registered_model}@champion"
    found = download_model(address, params, Project(root))
    with tempfile.TemporaryDirectory() as folder:
        model, clean = Path(folder) / "model", Path(folder) / "venv"
        shutil.copytree(found.folder.parents[1], model)
        python = clean / "bin" / "python"
        n_lines = len((model / "requirements.txt").read_text().split())
        with _step(f"pip install -r requirements.txt ({n_lines} lines)"):
            venv.create(clean, with_pip=True)
            _run(python, "-m", "pip", "install", "-q", "-r", str(model / "requirements.txt"))
        with _step("pip check"):
            _run(python, "-m", "pip", "check")
        with _step("load and predict"):
            print("   ", _run(python, "-I", "-W", "ignore", "-c", _LOAD, str(model)).strip())
        with _step("serve and answer over HTTP"):
            print("   ", _served(python, model, Path(folder)))


@contextmanager
def _step(title: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    print(f"{title:50} {time.perf_counter() - started:7.1f} s", flush=True)


def _environment(python: Path) -> dict[str, str]:
    """As of a shell in which the clean environment is activated, without anything of this one's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MLFLOW"))}
    return kept | {"PATH": f"{python.parent}:/usr/bin:/bin", "MLFLOW_DISABLE_TELEMETRY": "true"}


def _run(python: Path, *arguments: str) -> str:
    done = subprocess.run(
        [python, *arguments],
        cwd=python.parents[2],
        env=_environment(python),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{arguments[:3]} failed:\n{done.stderr[-3000:]}")
    return done.stdout


def _served(python: Path, model: Path, folder: Path) -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = "-m mlflow models serve --env-manager local --host 127.0.0.1"
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [python, *command.split(), "-p", str(port), "-m", str(model)],
            cwd=folder,
            env=_environment(python),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + _UP_WITHIN_S
        while not _answers(f"http://127.0.0.1:{port}/ping"):
            if server.poll() is not None or time.monotonic() > until:
                sys.exit(f"it does not serve:\n{(folder / 'log').read_text()[-3000:]}")
            time.sleep(0.2)
        body = (model / "serving_input_example.json").read_bytes()
        address = f"http://127.0.0.1:{port}/invocations"
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        return json.dumps(json.load(urllib.request.urlopen(request, timeout=60)))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=1).status == 200
    except OSError:
        return False


if __name__ == "__main__":
    main()
