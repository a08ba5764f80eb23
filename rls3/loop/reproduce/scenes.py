"""`python -m rls3.loop.reproduce.scenes --out benchmark`: render and freeze the benchmarks; with
`--pretrain FILE`, the scenes on which base models are pre-trained instead (a file that is there is
kept)."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from rls3.dataset.sample import write_samples
from rls3.evaluation.benchmarks import BENCHMARKS, benchmark_path, read_benchmark
from rls3.loop.reproduce.entry import ended_well
from rls3.loop.store import Project
from rls3.params import Params, load_params
from rls3.placing.container import surveys_of
from rls3.placing.synthesis import make_benchmarks, pretraining_samples
from rls3.scene.records import RoomSurvey
from rls3.thor.client import ThorClient
from rls3.thor.pool import RenderPool


def _surveys(params: Params, project: Project) -> Callable[[Sequence[str], bool], list[RoomSurvey]]:
    """(floor plans, with types held out) to their surveys."""

    def survey(floor_plans: Sequence[str], with_held_out: bool) -> list[RoomSurvey]:
        with ThorClient(params.simulator, project.simulators) as client:
            found = surveys_of(client, floor_plans, params.sampling, with_held_out)
        return list(found.values())

    return survey


def freeze_benchmarks(params: Params, project: Project, folder: Path) -> None:
    """Write the shards of `BENCHMARKS` into a folder."""
    with RenderPool(params.simulator, project.simulators) as pool:
        frozen = make_benchmarks(params, pool, _surveys(params, project))
    for split in BENCHMARKS:
        write_samples(frozen[split], benchmark_path(folder, split))


def render_pretraining(params: Params, project: Project, path: Path, benchmark: Path) -> None:
    """Write the scenes for base models; none of them is in a benchmark."""
    seen = {item.item_id for split in BENCHMARKS for item in read_benchmark(benchmark, split)}
    surveys = _surveys(params, project)(params.simulator.floor_plans, True)
    with RenderPool(params.simulator, project.simulators) as pool:
        write_samples(pretraining_samples(params, pool, surveys, seen), path)


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
