"""Frozen benchmarks, in rooms in which nothing is trained: `val`, which decides (early stop, gate); `test`, which nothing
reads that decides; `unseen`, in test's rooms, with a subject or reference of the types that campaigns hold out."""

import argparse
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from rls3.dataset.sample import Sample, Split, make_sample, read_samples, write_samples
from rls3.errors import DataError
from rls3.language.relation import CELLS
from rls3.params import Params, load_params
from rls3.placing.container import surveys_of
from rls3.placing.stratified import stratified_specs
from rls3.placing.validity import problems
from rls3.scene.records import RenderFailure, RoomSurvey
from rls3.seeds import generator
from rls3.thor.client import ThorClient
from rls3.thor.pool import RenderPool

BENCHMARKS = ("val", "test", "unseen")


def benchmark_path(folder: Path, split: str) -> Path:
    return folder / f"{split}.parquet"


def read_benchmark(folder: Path, split: str) -> list[Sample]:
    """Raises: DataError with the way out."""
    path = benchmark_path(folder, split)
    if not path.exists():
        raise DataError(
            f"the benchmark {path} is missing; fetch it with `dvc pull`, or make it with `dvc repro`"
        )
    return read_samples(path)


def valid_samples(
    params: Params, name: str, split: Split, pool: RenderPool, surveys: Sequence[RoomSurvey]
) -> Iterator[Sample]:
    """Endless valid samples of stratified scenes, rendered in batches of every relation in every room."""
    rng = generator(params.campaign.seed, 0, name)
    specs = stratified_specs(surveys, params.sampling, rng)
    by_room = {survey.floor_plan: survey for survey in surveys}
    for step in itertools.count():
        for scene in pool.render(list(itertools.islice(specs, len(CELLS) * len(surveys)))):
            if isinstance(scene, RenderFailure) or problems(
                scene, by_room[scene.spec.floor_plan], params.sampling
            ):
                continue
            kinds = list(by_room[scene.spec.floor_plan].kinds)
            yield make_sample(
                scene,
                kinds,
                rng,
                campaign=name,
                seed=params.campaign.seed,
                round_number=0,
                step=step,
                split=split,
            )


def balanced(samples: Iterator[Sample], per_cell: int, most: int = 200) -> list[Sample]:
    """The first `per_cell` samples of each of the 26 cells, in the order of the cells: balanced over opposite terms.

    Raises: DataError if a cell does not fill up within `most` samples for each that is wanted.
    """
    of_cell: dict[int, list[Sample]] = {cell.index: [] for cell in CELLS}
    for sample in itertools.islice(samples, most * per_cell):
        if len(of_cell[sample.cell]) < per_cell:
            of_cell[sample.cell].append(sample)
        if all(len(found) == per_cell for found in of_cell.values()):
            return [sample for found in of_cell.values() for sample in found]
    scarce = min(CELLS, key=lambda cell: len(of_cell[cell.index]))
    raise DataError(
        f"the relation '{scarce}' hardly occurs in {', '.join(sorted({s.floor_plan for f in of_cell.values() for s in f}))}; "
        "add rooms with furniture at more heights to evaluation.val_floor_plans and evaluation.test_floor_plans"
    )


def _surveys(
    params: Params, floor_plans: Sequence[str], with_held_out: bool, runtime_dir: Path
) -> list[RoomSurvey]:
    with ThorClient(params.simulator, runtime_dir) as client:
        return list(surveys_of(client, floor_plans, params.sampling, with_held_out).values())


def build(params: Params, folder: Path, runtime_dir: Path) -> None:
    """Render and freeze the benchmarks: disjoint by room from what is trained on, and from each other by spec."""
    wanted = params.evaluation
    held_out = set(params.sampling.held_out_types)
    with RenderPool(params.simulator, runtime_dir) as pool:

        def samples(
            split: Split, floor_plans: Sequence[str], with_held_out: bool = False
        ) -> Iterator[Sample]:
            surveys = _surveys(params, floor_plans, with_held_out, runtime_dir)
            return valid_samples(params, split, split, pool, surveys)

        val = balanced(samples("val", wanted.val_floor_plans), wanted.val_per_cell)
        test = balanced(samples("test", wanted.test_floor_plans), wanted.test_per_cell)
        new = (
            sample
            for sample in samples("unseen", wanted.test_floor_plans, with_held_out=True)
            if held_out & {item.kind.type for item in sample.objects[:2]}
        )
        unseen = balanced(new, wanted.unseen_per_cell) if held_out else []
    for split, chosen in zip(BENCHMARKS, (val, test, unseen)):
        write_samples(chosen, benchmark_path(folder, split))


def build_pretraining(params: Params, path: Path, folder: Path, runtime_dir: Path) -> None:
    """Render the scenes on which base models are pre-trained; none is in a benchmark. A file that is there is kept."""
    if path.exists():
        return
    surveys = _surveys(params, params.simulator.floor_plans, True, runtime_dir)
    seen = {s.sample_id for split in BENCHMARKS for s in read_benchmark(folder, split)}
    with RenderPool(params.simulator, runtime_dir) as pool:
        samples = valid_samples(params, "pretrain", "pretrain", pool, surveys)
        write_samples(
            list(
                itertools.islice(
                    (s for s in samples if s.sample_id not in seen), params.base.samples
                )
            ),
            path,
        )


def main() -> None:
    """`python -m rls3.evaluation.benchmark --out benchmark`: the DVC stage `scenes`; with `--pretrain FILE`, the scenes
    for the base models instead."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pretrain", type=Path)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--runtime", type=Path, default=Path(".rls3/thor"))
    arguments = parser.parse_args()
    params = load_params(arguments.params)
    if arguments.pretrain:
        build_pretraining(params, arguments.pretrain, arguments.out, arguments.runtime)
    else:
        build(params, arguments.out, arguments.runtime)


if __name__ == "__main__":
    main()
