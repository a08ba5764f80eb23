"""Frozen benchmarks: `val`, which decides (early stop, gate), and `test`, which nothing reads that decides."""

import argparse
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from rls3.agents.validity import problems
from rls3.dataset.sample import Sample, Split, make_sample, read_samples, write_samples
from rls3.dataset.stratified import stratified_specs
from rls3.errors import DataError
from rls3.language.relation import CELLS
from rls3.params import Params, load_params
from rls3.scene.records import RoomSurvey
from rls3.seeds import generator
from rls3.thor.client import ThorClient
from rls3.thor.pool import RenderFailure, RenderPool

BENCHMARKS = ("val", "test")


def benchmark_path(folder: Path, split: str) -> Path:
    return folder / f"{split}.parquet"


def read_benchmark(folder: Path, split: str) -> list[Sample]:
    """Raises: DataError with the way out."""
    path = benchmark_path(folder, split)
    if not path.exists():
        raise DataError(f"the benchmark {path} is missing; fetch it with `dvc pull`, or make it with `dvc repro`")
    return read_samples(path)


def valid_samples(
    params: Params, name: str, split: Split, pool: RenderPool, surveys: Sequence[RoomSurvey]
) -> Iterator[Sample]:
    """Endless valid samples of stratified scenes, rendered in batches."""
    rng = generator(params.campaign.seed, 0, name)
    specs = stratified_specs(surveys, params.sampling, rng)
    by_room = {survey.floor_plan: survey for survey in surveys}
    for step in itertools.count():
        for scene in pool.render(list(itertools.islice(specs, 260))):
            if isinstance(scene, RenderFailure) or problems(scene, by_room[scene.spec.floor_plan], params.sampling):
                continue
            kinds = list(by_room[scene.spec.floor_plan].kinds)
            yield make_sample(
                scene, kinds, rng, campaign=name, seed=params.campaign.seed, round_number=0, step=step, split=split
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
        f"the relation '{scarce}' hardly occurs in {', '.join({s.floor_plan for f in of_cell.values() for s in f})}; add rooms with furniture at more heights to simulator.floor_plans"
    )


def _surveys(params: Params, runtime_dir: Path) -> list[RoomSurvey]:
    with ThorClient(params.simulator, runtime_dir) as client:
        return [client.survey(room) for room in params.simulator.floor_plans]


def build(params: Params, folder: Path, runtime_dir: Path) -> None:
    """Render and freeze both benchmarks: disjoint by spec."""
    surveys = _surveys(params, runtime_dir)
    wanted = {"val": params.evaluation.val_per_cell, "test": params.evaluation.test_per_cell}
    seen: set[str] = set()
    with RenderPool(params.simulator, runtime_dir) as pool:
        for split, per_cell in wanted.items():
            fresh = (s for s in valid_samples(params, split, split, pool, surveys) if s.sample_id not in seen)
            chosen = balanced(fresh, per_cell)
            seen |= {s.sample_id for s in chosen}
            write_samples(chosen, benchmark_path(folder, split))


def build_pretraining(params: Params, path: Path, folder: Path, runtime_dir: Path) -> None:
    """Render the scenes on which base models are pre-trained; none is in a benchmark. A file that is there is kept."""
    if path.exists():
        return
    surveys = _surveys(params, runtime_dir)
    seen = {s.sample_id for split in BENCHMARKS for s in read_benchmark(folder, split)}
    with RenderPool(params.simulator, runtime_dir) as pool:
        samples = valid_samples(params, "pretrain", "pretrain", pool, surveys)
        write_samples(
            list(itertools.islice((s for s in samples if s.sample_id not in seen), params.base.samples)), path
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
