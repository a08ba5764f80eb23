"""Frozen benchmarks: `val`, which decides (early stop, gate), and `test`, which nothing reads that decides."""

import argparse
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rls3.agents.validity import problems
from rls3.dataset.sample import Sample, Split, make_sample, read_samples, write_samples
from rls3.dataset.stratified import stratified_specs
from rls3.errors import DataError
from rls3.language.relation import CELLS
from rls3.params import Params, load_params
from rls3.scene.records import RoomSurvey, SceneSpec
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


def valid_samples(params: Params, n: int, name: str, split: Split, pool: RenderPool, surveys: Sequence[RoomSurvey], runtime: Iterator[SceneSpec] | None = None) -> list[Sample]:
    """Render stratified scenes until `n` are valid."""
    rng = generator(params.campaign.seed, 0, name)
    specs = runtime or stratified_specs(surveys, params.sampling, rng)
    by_room = {survey.floor_plan: survey for survey in surveys}
    samples: list[Sample] = []
    while len(samples) < n:
        for scene in pool.render(list(itertools.islice(specs, 520))):
            if isinstance(scene, RenderFailure) or problems(scene, by_room[scene.spec.floor_plan], params.sampling):
                continue
            kinds = list(by_room[scene.spec.floor_plan].kinds)
            samples.append(
                make_sample(scene, kinds, rng, campaign=name, seed=params.campaign.seed, round_number=0, step=len(samples), split=split)
            )
    return samples[:n]


def balanced(pool: Sequence[Sample], per_cell: int) -> list[Sample]:
    """The first `per_cell` samples of each of the 26 cells: balanced over opposite terms and over complexities' cells.

    Raises: DataError if a cell has too few.
    """
    chosen: list[Sample] = []
    for index, cell in enumerate(CELLS):
        of_cell = [sample for sample in pool if sample.cell == index][:per_cell]
        if len(of_cell) < per_cell:
            raise DataError(f"only {len(of_cell)} samples of the relation '{cell}' for a benchmark that needs {per_cell}; render more")
        chosen += of_cell
    return chosen


def build(params: Params, folder: Path, runtime_dir: Path, base_data: Path | None = None) -> None:
    """Render and freeze both benchmarks (and, if named, the base models' pre-training data): disjoint by spec."""
    with ThorClient(params.simulator, runtime_dir) as client:
        surveys = [client.survey(room) for room in params.simulator.floor_plans]
    wanted = {"val": params.evaluation.val_per_cell, "test": params.evaluation.test_per_cell}
    seen: set[str] = set()
    with RenderPool(params.simulator, runtime_dir) as pool:
        for split, per_cell in wanted.items():
            rendered = valid_samples(params, int(per_cell * 26 * 1.8) + 52, split, split, pool, surveys)
            fresh = [s for s in rendered if s.sample_id not in seen]
            chosen = balanced(fresh, per_cell)
            seen |= {s.sample_id for s in chosen}
            write_samples(chosen, benchmark_path(folder, split))
        if base_data is not None:
            rendered = valid_samples(params, params.base.samples, "pretrain", "pretrain", pool, surveys)
            write_samples([replace(s, step=i) for i, s in enumerate(s for s in rendered if s.sample_id not in seen)], base_data)


def main() -> None:
    """`python -m rls3.evaluation.benchmark --out benchmark [--pretrain FILE]`: the DVC stage `benchmark`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pretrain", type=Path)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--runtime", type=Path, default=Path(".rls3/thor"))
    arguments = parser.parse_args()
    build(load_params(arguments.params), arguments.out, arguments.runtime, arguments.pretrain)


if __name__ == "__main__":
    main()
