"""`dvc repro` on a campaign: fine-tune again from the base model and the versioned data alone, and compare.

Anybody with the data can check a champion: the accuracies on val after each round must be those that were recorded.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import torch

from rls3.dataset.sample import read_samples
from rls3.errors import DataError, RLS3Error
from rls3.evaluation.benchmark import read_benchmark
from rls3.evaluation.metrics import judge, macro_accuracy
from rls3.params import EvaluationParams, FinetuneParams, load_params
from rls3.round import read_json, write_json
from rls3.seeds import integer_seed
from rls3.vlm.finetune import finetune
from rls3.vlm.loading import load_vlm

TOLERANCE = 0.02
"""Another processor may round differently; on the machine that recorded them the figures are equal to the last digit."""


def replay(root: Path, name: str) -> dict[str, Any]:
    """Replay `data/<name>`. Raises: DataError if it is missing or the metrics differ by more than TOLERANCE."""
    recipe = read_json(root / "data" / name / "campaign.json")
    settings = recipe["params"]
    tuning, judging = (
        FinetuneParams(**settings["finetune"]),
        EvaluationParams(**settings["evaluation"]),
    )
    torch.set_num_threads(settings["campaign"]["threads"])
    vlm = load_vlm(settings["vlm"]["family"], settings["vlm"]["checkpoint"], root / "base")
    val, earlier, curve = read_benchmark(root / "benchmark", "val"), [], []
    for number in range(1, len(recipe["val_accuracy"]) + 1):
        new = read_samples(root / "data" / name / f"round-{number:04d}" / "train.parquet")
        finetune(
            vlm,
            new,
            earlier,
            tuning,
            integer_seed(settings["campaign"]["seed"], number, "finetune"),
        )
        earlier.append(new)
        curve.append(macro_accuracy(judge(vlm, val, judging.batch_size).term_right))
    differences = [abs(a - b) for a, b in zip(curve, recipe["val_accuracy"])]
    if max(differences) > TOLERANCE:
        raise DataError(
            f"the replay of {name!r} gives {curve[-1]:.4f} on val where {recipe['val_accuracy'][-1]:.4f} was recorded; data or code are not those of the campaign"
        )
    return {
        "campaign": name,
        "val_accuracy": curve,
        "recorded": recipe["val_accuracy"],
        "largest_difference": max(differences),
        "identical": max(differences) == 0.0,
    }


def main() -> None:
    """`python -m rls3.replay --out metrics.json`: the DVC stage `replay` of the campaign that `replay.campaign` names."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--campaign")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    arguments = parser.parse_args()
    try:
        name = arguments.campaign or load_params(arguments.params).replay.campaign
        write_json(arguments.out, replay(Path.cwd(), name))
    except RLS3Error as error:
        sys.exit(f"replay: {error}")


if __name__ == "__main__":
    main()
