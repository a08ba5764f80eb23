"""`python -m rls3.loop.reproduce.replay`: fine-tune a campaign again from the base model and its
versioned data alone, keep the model, and compare. Anybody with the data can so check a champion."""

import argparse
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rls3.dataset.sample import Sample, read_samples
from rls3.errors import DataError
from rls3.evaluation.benchmarks import read_benchmark
from rls3.evaluation.judge import judge
from rls3.evaluation.metrics import accuracy
from rls3.files import whole_folder, write_json
from rls3.loop.records import Recipe, read_record, write_record
from rls3.loop.reproduce.entry import ended_well
from rls3.loop.store import Campaign, Project, flat
from rls3.loop.threads import torch_threads
from rls3.loop.verdict import best_round
from rls3.params import Params, check_params, load_params, with_overrides
from rls3.seeds import integer_seed
from rls3.vlm.features import ImageFeatures
from rls3.vlm.finetune import finetune
from rls3.vlm.interface import VLM, save_vlm
from rls3.vlm.loading import load_vlm

logger = logging.getLogger(__name__)
AfterRound = Callable[[VLM, Sequence[float]], None]
"""Is given the VLM and the accuracies on val up to the round just done."""
TOLERANCE = 0.02
"""Another processor rounds differently, and training grows the differences: 0.0023 was seen with
kernels without vector instructions, 0 between an Intel and an AMD processor (docs/decisions.md). On
the processor that recorded them the figures are equal to the last digit."""


@dataclass(frozen=True)
class Point:
    """A round: accuracy on val now, and as the campaign recorded it."""

    round: int
    val_accuracy: float
    recorded: float


@dataclass(frozen=True)
class Replay:
    """A campaign fine-tuned again; the figures of the result's round, and the largest difference of
    any round.

    Attributes:
        identical: all figures are equal to the last digit.
        experiment: parameters that are not those of the campaign; nothing was to be compared then.
    """

    campaign: str
    result_round: int
    val_accuracy: float
    recorded: float
    largest_difference: float
    identical: bool
    experiment: dict[str, object]


def replay(
    project: Project,
    params: Params,
    name: str,
    folder: Path | None = None,
    experiment: Mapping[str, object] | None = None,
) -> tuple[Replay, list[Point]]:
    """Replay `data/<name>` with the parameters that it was made with.

    Args:
        folder: where the model of the best round is kept; None keeps none.
        experiment: other values of some parameters ("finetune.epochs": 1); figures may differ.
    Raises: DataError if the data is missing, or an accuracy differs by more than TOLERANCE.
    """
    campaign, recipe = recorded_campaign(project, params, name)
    changed = dict(experiment or {})
    campaign = Campaign(project, with_overrides(campaign.params, changed))

    def keep_best(vlm: VLM, curve: Sequence[float]) -> None:
        if folder is not None and best_round(curve) == len(curve):
            save_model(vlm, folder)

    curve = replayed(campaign, project, len(recipe.val_accuracy), keep_best)
    best = best_round(curve)
    largest = max(abs(now - then) for now, then in zip(curve, recipe.val_accuracy))
    if largest > TOLERANCE and not changed:
        raise DataError(
            f"the replay of {name!r} gives {curve[-1]:.4f} on val where "
            f"{recipe.val_accuracy[-1]:.4f} was recorded; "
            "data or code are not those of the campaign"
        )
    points = [Point(n, *both) for n, both in enumerate(zip(curve, recipe.val_accuracy), 1)]
    told = points[best - 1]
    same = largest == 0.0 and not changed
    return Replay(name, best, told.val_accuracy, told.recorded, largest, same, changed), points


def recorded_campaign(project: Project, params: Params, name: str) -> tuple[Campaign, Recipe]:
    """The campaign behind `data/<name>`, with the parameters that made it, and its recipe.

    Raises: DataError if there is no such data.
    """
    named = {"campaign.name": name}
    recipe = read_record(Campaign(project, with_overrides(params, named)).recipe, Recipe)
    # Of a group, a recipe of an earlier version may lack what was added since.
    groups = params.model_dump()
    _check_known(recipe, groups)
    as_then = {group: groups[group] | recipe.params.get(group, {}) for group in groups}
    # The data may lie under another name than that of the campaign that made it.
    return Campaign(project, with_overrides(check_params(as_then), named)), recipe


def _check_known(recipe: Recipe, groups: Mapping[str, Mapping[str, object]]) -> None:
    gone = sorted(recipe.params.get("finetune", {}).keys() - groups["finetune"].keys())
    if gone:
        raise DataError(
            f"campaign {recipe.campaign!r} was fine-tuned by an earlier version of RLS3 (it has "
            f"finetune.{gone[0]}), in another way than this one; replay it with the code that made "
            "it"
        )


def replayed(
    campaign: Campaign, published: Project, n_rounds: int, after_round: AfterRound
) -> list[float]:
    """Accuracy on val after each round, fine-tuned as the campaign did it.

    Args:
        published: where base model and benchmarks lie; the campaign's data may lie elsewhere.
    """
    with torch_threads(campaign.params.campaign.threads):
        return _replayed(campaign, published, n_rounds, after_round)


def _replayed(
    campaign: Campaign, published: Project, n_rounds: int, after_round: AfterRound
) -> list[float]:
    params, features = campaign.params, ImageFeatures()
    start, val = params.vlm, read_benchmark(published.benchmark, "val")
    vlm = load_vlm(start.family, start.checkpoint, published.base, start.device, start.revision)
    curve: list[float] = []
    earlier: list[Sequence[Sample]] = []
    for number in range(1, n_rounds + 1):
        new = read_samples(campaign.round(number).path("train"))
        seed = integer_seed(params.campaign.seed, number, "finetune")
        finetune(vlm, new, earlier, params.finetune, params.sampling, seed, None, features)
        earlier.append(new)
        predictions = judge(vlm, val, params.evaluation.batch_size, None, features)
        curve.append(accuracy(predictions))
        after_round(vlm, curve)
    return curve


def save_model(vlm: VLM, folder: Path) -> None:
    """The checkpoint, whole or not at all. Raises: StorageError."""
    with whole_folder(folder) as temporary:
        save_vlm(vlm, temporary)


def experiment_of(project: Project, params: Params, name: str) -> dict[str, object]:
    """What params.yaml says of fine-tuning that is not what the campaign was made with."""
    campaign, _ = recorded_campaign(project, params, name)
    then, now = (flat({"finetune": p.finetune.model_dump()}) for p in (campaign.params, params))
    return {key: now[key] for key in now if then[key] != now[key]}


def main() -> None:
    """The DVC stage `replay`, of the campaign that `replay.campaign` names: with the values of
    `finetune` in params.yaml. If they are the campaign's, the figures must be too; if not, it is an
    experiment."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the figures, JSON")
    parser.add_argument("--curve", type=Path, required=True, help="by round, JSON")
    parser.add_argument("--model", type=Path, required=True, help="the folder of the model")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("-S", dest="overrides", action="append", default=[])
    arguments = parser.parse_args()
    with ended_well("replay"):
        params = load_params(arguments.params, arguments.overrides)
        project, name = Project(arguments.params.resolve().parent), params.replay.campaign
        changed = experiment_of(project, params, name)
        if changed:
            said = ", ".join(f"{key} = {value}" for key, value in changed.items())
            logger.info("an experiment: %s is not what %s was made with", said, name)
        found, points = replay(project, params, name, arguments.model, changed)
        write_record(found, arguments.out)
        write_json(arguments.curve, [vars(point) for point in points])


if __name__ == "__main__":
    main()
