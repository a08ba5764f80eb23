"""`rls3 evaluate`: a model on a benchmark."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rls3.commands import Answer
from rls3.commands.models import open_vlm
from rls3.commands.screen import Screen
from rls3.errors import ParamsError
from rls3.evaluation.benchmarks import BENCHMARKS, formats, read_benchmark, read_items
from rls3.evaluation.item import Item
from rls3.evaluation.judge import judge
from rls3.evaluation.metrics import Evaluation, Slice, summarize
from rls3.evaluation.predictions import Predictions
from rls3.loop.store import Campaign, Project
from rls3.loop.threads import torch_threads
from rls3.params import Params
from rls3.vlm.interface import VLM
from tasks.versioning import fetch_published

_DEFAULT_SPLIT = "val"


@dataclass(frozen=True)
class Document:
    """What `--json` prints: `rls3.evaluation.metrics.Evaluation`, and of what it is.

    Every slice is {"accuracy": 0..1, "count": decisions, "low", "high": 95 % interval}.
    """

    model: str
    benchmark: str
    items: int
    accuracy: Slice
    by_term: dict[str, Slice]
    slices: dict[str, dict[str, Slice]]
    strict: Slice
    object_accuracy: Slice


def main(
    root: Path,
    params: Params,
    here: Path,
    model: str,
    split: str | None,
    benchmark: str | None,
    images: Path | None,
) -> Answer:
    """A model on one of the project's benchmarks, or on one of the user's own.

    Args:
        here: where the command was typed.
        model: see `open_vlm`; "" is vlm.checkpoint.
        split: of the project's benchmarks; "val" if there is no other `benchmark`.
        benchmark: "FORMAT:PATH".
        images: folder of the pictures that the benchmark's file names.
    Raises: ParamsError, DataError, ModelError.
    """
    campaign = Campaign(Project(root), params)
    items = _items(campaign.project, here, split, benchmark, images)
    title = benchmark or split or _DEFAULT_SPLIT
    name = model or params.vlm.checkpoint
    predictions = _predictions(open_vlm(name, campaign, here), items, params)
    evaluation = summarize(predictions, params.evaluation, params.campaign.seed)
    lines = (
        f"{name} on {title}, {len(items)} items",
        *(_line(row, found) for row, found in _rows(evaluation)),
    )
    return Answer(lines, _document(name, title, evaluation))


def _items(
    project: Project, here: Path, split: str | None, benchmark: str | None, images: Path | None
) -> list[Item]:
    if benchmark is None:
        return _own_items(project, split or _DEFAULT_SPLIT, images)
    if split is not None:
        raise ParamsError(
            f"--split {split} is of the project's benchmarks, not of --benchmark {benchmark}; "
            "leave one of them out"
        )
    return _their_items(benchmark, here, images)


def _own_items(project: Project, split: str, images: Path | None) -> list[Item]:
    if images is not None:
        raise ParamsError(
            f"--images {images} is for --benchmark FORMAT:PATH; the project's benchmarks hold "
            "their pictures, so leave it out"
        )
    if split not in BENCHMARKS:
        raise ParamsError(f"--split {split!r} is unknown; choose from {', '.join(BENCHMARKS)}")
    if not project.benchmark.is_dir():
        fetch_published(project)
    return read_benchmark(project.benchmark, split)


def _their_items(benchmark: str, here: Path, images: Path | None) -> list[Item]:
    name, _, path = benchmark.partition(":")
    if name not in formats() or not path:
        raise ParamsError(
            f"--benchmark {benchmark!r} is not FORMAT:PATH with a format of {', '.join(formats())}"
        )
    return read_items(name, here / os.path.expanduser(path), images)


def _predictions(vlm: VLM, items: Sequence[Item], params: Params) -> Predictions:
    with Screen() as screen, torch_threads(params.campaign.threads):
        return judge(
            vlm,
            items,
            params.evaluation.batch_size,
            lambda done: screen.progress("evaluate", done, len(items), "items"),
        )


def _rows(evaluation: Evaluation) -> Iterator[tuple[str, Slice]]:
    """What is printed, from the whole to its parts; what was never asked for is left out."""
    of_terms = " (macro over terms)" if evaluation.by_term else ""
    yield f"accuracy{of_terms}", evaluation.accuracy
    yield from evaluation.by_term.items()
    for axis, values in evaluation.slices.items():
        for value, found in values.items():
            yield f"{axis} {value}", found
    for name, found in (
        ("strict", evaluation.strict),
        ("object (four-way)", evaluation.object_accuracy),
    ):
        if found.count:
            yield name, found


def _line(name: str, found: Slice) -> str:
    accuracy, low, high = (100 * value for value in (found.accuracy, found.low, found.high))
    return f"  {name:28} {accuracy:5.1f} %  [{low:.1f}, {high:.1f}]  n={found.count}"


def _document(model: str, benchmark: str, evaluation: Evaluation) -> Document:
    return Document(
        model,
        benchmark,
        evaluation.n_items,
        evaluation.accuracy,
        evaluation.by_term,
        evaluation.slices,
        evaluation.strict,
        evaluation.object_accuracy,
    )
