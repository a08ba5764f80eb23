"""`python -m benchmarks.throughput`: a round of the default campaign, stage by stage, on this
machine: seconds and units a second. Needs base/ and benchmark/ (`dvc pull`)."""

import os
import platform
import statistics
import tempfile
from pathlib import Path

from rls3.loop.conclude import judge_base
from rls3.loop.resources import Resources
from rls3.loop.run import run_stage
from rls3.loop.stages import STAGES
from rls3.loop.store import Campaign, Project
from rls3.params import load_params

REPEATS = 3


def one_round(project: Project) -> dict[str, tuple[float, int]]:
    """Seconds and units of each stage of a campaign's first round, in a project of its own."""
    params = load_params(project.root / "params.yaml")
    units: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("base", "benchmark"):
            (Path(folder) / name).symlink_to(project.root / name)
        campaign = Campaign(Project(Path(folder)), params)
        with Resources(params, project.simulators) as resources:
            judge_base(campaign, resources)
            seconds = {}
            for stage in STAGES:

                def count(title: str, done: int, total: int, unit: str, name=stage.name) -> None:
                    units[name] = total

                seconds[stage.name] = run_stage(stage, campaign.round(1), resources, count).seconds
    return {name: (seconds[name], units.get(name, 0)) for name in seconds}


def main() -> None:
    """Median, least and most of some rounds."""
    project = Project(Path("params.yaml").resolve().parent)
    processor = platform.processor() or platform.machine()
    print(f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}; of {REPEATS}")
    rounds = [one_round(project) for _ in range(REPEATS)]
    for stage in STAGES:
        seconds = [found[stage.name][0] for found in rounds]
        n = rounds[0][stage.name][1]
        middle = statistics.median(seconds)
        rate = f"{n / middle:8.1f} {stage.unit}/s" if n else ""
        print(f"{stage.title:18} {middle:6.1f} s ({min(seconds):.1f}-{max(seconds):.1f}){rate}")


if __name__ == "__main__":
    main()
