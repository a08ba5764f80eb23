"""Captioned scenes without a policy: the frozen benchmarks, and what base models are trained on.

Simulators are the caller's: it hands in the rooms as surveyed and a `Renderer`.
"""

import itertools
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Literal

import numpy as np

from rls3.dataset.sample import Provenance, Sample, Split, make_sample
from rls3.errors import DataError
from rls3.language.relation import CELLS
from rls3.params import EvaluationParams, SamplingParams
from rls3.placing.stratified import stratified_specs
from rls3.placing.validity import problems
from rls3.scene.records import Renderer, RenderFailure, RoomSurvey, Scene
from rls3.seeds import generator

BenchmarkSplit = Literal["val", "test", "unseen"]
_FRUITLESS_BATCHES = 20


def benchmark_samples(
    split: BenchmarkSplit,
    surveys: Sequence[RoomSurvey],
    renderer: Renderer,
    sampling: SamplingParams,
    evaluation: EvaluationParams,
    seed: int,
) -> list[Sample]:
    """A benchmark, disjoint by room from what is trained on and by random stream from the others.

    `unseen` takes the scenes with a subject or reference of the types held out (none: no samples).

    Args:
        surveys: of the rooms of `floor_plans_of`; for `unseen`, with the types held out.
        seed: the campaign's.
    Raises: DataError if a relation is too rare in these rooms.
    """
    if split == "unseen" and not sampling.held_out_types:
        return []
    samples = valid_samples(surveys, renderer, sampling, seed, split)
    if split == "unseen":
        samples = (sample for sample in samples if _shows(sample, sampling.held_out_types))
    per_cell = {
        "val": evaluation.val_per_cell,
        "test": evaluation.test_per_cell,
        "unseen": evaluation.unseen_per_cell,
    }
    return balanced(samples, per_cell[split])


def floor_plans_of(split: BenchmarkSplit, evaluation: EvaluationParams) -> tuple[str, ...]:
    """The rooms of a benchmark."""
    return evaluation.val_floor_plans if split == "val" else evaluation.test_floor_plans


def _shows(sample: Sample, types: Collection[str]) -> bool:
    """Whether subject or reference is of one of these types."""
    return any(item.kind.type in types for item in sample.objects[:2])


def pretraining_samples(
    surveys: Sequence[RoomSurvey],
    renderer: Renderer,
    sampling: SamplingParams,
    seed: int,
    n_samples: int,
    known: Collection[str],
) -> list[Sample]:
    """Scenes for the base models.

    Args:
        surveys: of the campaigns' rooms, with the types held out.
        known: ids of the samples of benchmarks; none of them is used.
    """
    samples = valid_samples(surveys, renderer, sampling, seed, "pretrain")
    new = (sample for sample in samples if sample.sample_id not in known)
    return list(itertools.islice(new, n_samples))


def valid_samples(
    surveys: Sequence[RoomSurvey],
    renderer: Renderer,
    sampling: SamplingParams,
    seed: int,
    split: Split,
) -> Iterator[Sample]:
    """Endless valid samples of stratified scenes, drawn in batches of every relation in every room.

    Their random stream is named by the split.

    Raises: DataError if batch after batch has no valid scene.
    """
    rng = generator(seed, 0, split)
    specs = stratified_specs(surveys, sampling, rng)
    by_room = {survey.floor_plan: survey for survey in surveys}
    fruitless = 0
    for step in itertools.count():
        scenes = renderer.render(list(itertools.islice(specs, len(CELLS) * len(surveys))))
        found = [_problems(scene, by_room, sampling) for scene in scenes]
        for scene in (s for s, reasons in zip(scenes, found) if not reasons):
            yield _sample(scene, by_room[scene.spec.floor_plan], rng, seed, step, split)
        fruitless = 0 if () in found else fruitless + 1
        if fruitless == _FRUITLESS_BATCHES:
            raise _no_valid_scene(found, sorted(by_room))


def _problems(
    scene: Scene | RenderFailure, by_room: dict[str, RoomSurvey], sampling: SamplingParams
) -> tuple[str, ...]:
    if isinstance(scene, RenderFailure):
        return (f"refused ({scene.reason})",)
    return problems(scene, by_room[scene.spec.floor_plan], sampling)


def _sample(
    scene: Scene, survey: RoomSurvey, rng: np.random.Generator, seed: int, step: int, split: Split
) -> Sample:
    return make_sample(scene, list(survey.kinds), rng, Provenance(split, seed, 0, split), step)


def _no_valid_scene(found: Sequence[tuple[str, ...]], rooms: Sequence[str]) -> DataError:
    (reason, count), *_ = Counter(itertools.chain.from_iterable(found)).most_common(1)
    return DataError(
        f"{_FRUITLESS_BATCHES} batches of scenes in {', '.join(rooms)} have no valid one ({reason} "
        f"in {count} of the last {len(found)}); loosen sampling.* or choose other rooms"
    )


def balanced(samples: Iterator[Sample], per_cell: int, most: int = 200) -> list[Sample]:
    """The first `per_cell` samples of each of the 26 cells, in the order of the cells.

    So they are balanced over opposite terms.

    Raises: DataError if a cell does not fill up within `most` samples for each that is wanted.
    """
    of_cell: dict[int, list[Sample]] = {cell.index: [] for cell in CELLS}
    for sample in itertools.islice(samples, most * per_cell):
        if len(of_cell[sample.cell]) < per_cell:
            of_cell[sample.cell].append(sample)
        if all(len(found) == per_cell for found in of_cell.values()):
            return [sample for found in of_cell.values() for sample in found]
    raise _scarce(of_cell)


def _scarce(of_cell: dict[int, list[Sample]]) -> DataError:
    scarce = min(CELLS, key=lambda cell: len(of_cell[cell.index]))
    rooms = sorted({sample.floor_plan for found in of_cell.values() for sample in found})
    return DataError(
        f"the relation '{scarce}' hardly occurs in {', '.join(rooms)}; add rooms with furniture at "
        "more heights to evaluation.val_floor_plans and evaluation.test_floor_plans"
    )
