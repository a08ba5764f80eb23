"""Seconds from the start of `rls3 run` to its first proposal: `python -m benchmarks.start`.

Each run is a process of its own, on the project in this folder, and is ended at its first proposal;
its campaign is new each time and is removed again. The first run also makes what is cached below
.rls3/ (surveys of the rooms, Prefect's database), if it is not there.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil

from rls3 import cli
from rls3.commands import screen
from rls3.loop.store import Campaign, Project
from rls3.params import load_params

_RUNS = 4
_CAMPAIGN = "start-up"


def main() -> None:
    """Print a line a run."""
    if sys.argv[1:2] == ["--child"]:
        _run_to_the_first_proposal()
        return
    params = load_params(Path("params.yaml"), [f"campaign.name={_CAMPAIGN}"])
    campaign = Campaign(Project(Path.cwd()), params)
    for number in range(1, _RUNS + 1):
        command = [sys.executable, "-m", "benchmarks.start", "--child"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        said = (done.stdout.strip() or done.stderr.strip()[-500:]).splitlines()[-1]
        print(f"run {number}: {said} (load {os.getloadavg()[0]:.1f})", flush=True)
        for folder in (campaign.folder, campaign.data):
            shutil.rmtree(folder, ignore_errors=True)


def _run_to_the_first_proposal() -> None:
    """`rls3 run`, whose screen says when the first proposal is there."""
    sys.argv = ["rls3", "run", "-S", f"campaign.name={_CAMPAIGN}"]

    def progress(_screen: screen.Screen, title: str, done: int, total: int, unit: str) -> None:
        if title.startswith("sample") and done:
            process = psutil.Process()
            print(f"first proposal after {time.time() - process.create_time():.1f} s", flush=True)
            for child in process.children(recursive=True):
                child.kill()
            os._exit(0)

    screen.Screen.progress = progress
    cli.main()


if __name__ == "__main__":
    main()
