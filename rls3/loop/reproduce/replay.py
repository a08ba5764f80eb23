"""`python -m rls3.loop.reproduce.replay --out replay.json`: fine-tune a campaign again from the
base model and its versioned data alone, and compare. Anybody with the data can so check a
champion."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rls3.dataset.sample import Sample, read_samples
from rls3.errors import DataError
from rls3.evaluation.benchmarks import read_benchmark
from rls3.evaluation.judge import judge
from rls3.evaluation.metrics import accuracy
from rls3.loop.records import Recipe, read_record, write_record
from rls3.loop.reproduce.entry import ended_well
from rls3.loop.store import Campaign, Project
from rls3.loop.threads import torch_threads
from rls3.params import Params, check_params, load_params, with_overrides
from rls3.seeds import integer_seed
from rls3.vlm.features import ImageFeatures
from rls3.vlm.finetune import finetune
from rls3.vlm.loading import load_vlm

TOLERANCE = 0.02
"""Another processor rounds differently, and training grows the differences: 0.0023 was seen with
kernels without vector instructions, 0 between an Intel and an AMD processor (docs/decisions.md). On
the processor that recorded them the figures are equal to the last digit."""


@dataclass(frozen=True)
class Replay:
    """Accuracies on val by round, now and as recorded."""

    campaign: str
    val_accuracy: tuple[float, ...]
    recorded: tuple[float, ...]
    largest_difference: float
    identical: bool


def replay(project: Project, params: Params, name: str) -> Replay:
    """Replay `data/<name>` with the parameters that it was made with.

    Raises: DataError if the data is missing, or an accuracy differs by more than TOLERANCE.
    """
    named = {"campaign.name": name}
    recipe = read_record(Campaign(project, with_overrides(params, named)).recipe, Recipe)
    as_then = check_params(params.model_dump() | recipe.params)
    # The data may lie under another name than that of the campaign that made it.
    campaign = Campaign(project, with_overrides(as_then, named))
    with torch_threads(campaign.params.campaign.threads):
        curve = _curve(campaign, len(recipe.val_accuracy))
    largest = max(abs(now - then) for now, then in zip(curve, recipe.val_accuracy))
    if largest > TOLERANCE:
        raise DataError(
            f"the replay of {name!r} gives {curve[-1]:.4f} on val where "
            f"{recipe.val_accuracy[-1]:.4f} was recorded; "
            "data or code are not those of the campaign"
        )
    return Replay(name, tuple(curve), recipe.val_accuracy, largest, largest == 0.0)


def _curve(campaign: Campaign, n_rounds: int) -> list[float]:
    """Accuracy on val after each round, fine-tuned as the campaign did it."""
    params, features = campaign.params, ImageFeatures()
    start, base = params.vlm, campaign.project.base
    vlm = load_vlm(start.family, start.checkpoint, base, start.device, start.revision)
    val = read_benchmark(campaign.project.benchmark, "val")
    curve: list[float] = []
    earlier: list[Sequence[Sample]] = []
    for number in range(1, n_rounds + 1):
        new = read_samples(campaign.round(number).path("train"))
        seed = integer_seed(params.campaign.seed, number, "finetune")
        finetune(vlm, new, earlier, params.finetune, seed, None, features)
        earlier.append(new)
        predictions = judge(vlm, val, params.evaluation.batch_size, None, features)
        curve.append(accuracy(predictions))
    return curve


def main() -> None:
    """The DVC stage `replay`, of the campaign that `replay.campaign` names."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("-S", dest="overrides", action="append", default=[])
    arguments = parser.parse_args()
    with ended_well("replay"):
        params = load_params(arguments.params, arguments.overrides)
        project = Project(arguments.params.resolve().parent)
        write_record(replay(project, params, params.replay.campaign), arguments.out)


if __name__ == "__main__":
    main()
