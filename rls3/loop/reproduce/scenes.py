"""`python -m rls3.loop.reproduce.scenes --out benchmark`: render and freeze the benchmarks; with
`--pretrain FILE`, the scenes on which base models are pre-trained instead."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rls3.dataset.sample import write_samples
from rls3.evaluation.benchmarks import BENCHMARKS, benchmark_path, read_benchmark
from rls3.loop.reproduce.entry import ended_well
from rls3.loop.store import Project
from rls3.params import Params, load_params
from rls3.placing.container import surveys_of
from rls3.placing.synthesis import benchmark_samples, floor_plans_of, pretraining_samples
from rls3.scene.records import RoomSurvey
from rls3.thor.client import ThorClient
from rls3.thor.pool import RenderPool


def _surveys(
    params: Params, project: Project, floor_plans: Sequence[str], with_held_out: bool
) -> list[RoomSurvey]:
    with ThorClient(params.simulator, project.simulators) as client:
        return list(surveys_of(client, floor_plans, params.sampling, with_held_out).values())


def freeze_benchmarks(params: Params, project: Project, folder: Path) -> None:
    """Write the shards of `BENCHMARKS` into a folder."""
    with RenderPool(params.simulator, project.simulators) as pool:
        for split in BENCHMARKS:
            floor_plans = floor_plans_of(split, params.evaluation)
            samples = benchmark_samples(
                split,
                _surveys(params, project, floor_plans, split == "unseen"),
                pool,
                params.sampling,
                params.evaluation,
                params.campaign.seed,
            )
            write_samples(samples, benchmark_path(folder, split))


def render_pretraining(params: Params, project: Project, path: Path, benchmark: Path) -> None:
    """Write the scenes for base models; none of them is in a benchmark."""
    known = {item.item_id for split in BENCHMARKS for item in read_benchmark(benchmark, split)}
    surveys = _surveys(params, project, params.simulator.floor_plans, True)
    with RenderPool(params.simulator, project.simulators) as pool:
        samples = pretraining_samples(
            surveys, pool, params.sampling, params.campaign.seed, params.base.samples, known
        )
        write_samples(samples, path)


def main() -> None:
    """The DVC stage `scenes`, and the first step of the base models' stages."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pretrain", type=Path)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    arguments = parser.parse_args()
    with ended_well("scenes"):
        params = load_params(arguments.params)
        project = Project(arguments.params.resolve().parent)
        if arguments.pretrain:
            render_pretraining(params, project, arguments.pretrain, arguments.out)
        else:
            freeze_benchmarks(params, project, arguments.out)


if __name__ == "__main__":
    main()
