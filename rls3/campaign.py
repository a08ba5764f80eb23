"""What happens when a campaign's rounds are done: final test, gate, recipe for a replay, summary."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rls3.evaluation.metrics import TERMS, Verdicts, judge, paired_gain, summarize
from rls3.params import Params
from rls3.round import Campaign, Round, read_json, write_json
from rls3.stages import STAGES, Workshop, load_verdicts, save_verdicts

LIBRARY_STAGES = tuple(stage.__name__ for stage in STAGES if stage.__name__ != "validate")
"""Stages whose time is the method's own; validation is Great Expectations' and counts as orchestration."""


@dataclass(frozen=True)
class Decision:
    """Whether a model may become champion: `gain` on val against the present one, with its interval; why not."""

    passed: bool
    gain: float
    low: float
    high: float
    reasons: tuple[str, ...]


def decide(before: Verdicts, after: Verdicts, params: Params, seed: int) -> Decision:
    """The gate: paired bootstrap interval of the gain above zero, and no term lower by more than gate.term_tolerance."""
    gain = paired_gain(before, after, params.evaluation, seed)
    reasons = (
        []
        if gain.low > 0
        else [
            f"gain {gain.accuracy:+.3f} is not above zero (95 % interval {gain.low:+.3f} to {gain.high:+.3f})"
        ]
    )
    drops = np.nanmean(before.term_right, axis=0) - np.nanmean(after.term_right, axis=0)
    reasons += [
        f"'{term}' falls by {drop:.3f}"
        for term, drop in zip(TERMS, drops)
        if drop > params.gate.term_tolerance
    ]
    return Decision(not reasons, gain.accuracy, gain.low, gain.high, tuple(reasons))


def should_stop(campaign: Campaign, done: list[Round]) -> bool:
    """Early stopping on val: `campaign.patience_rounds` rounds without a better accuracy (0: never)."""
    patience = campaign.params.campaign.patience_rounds
    curve = [r.record("evaluate")["val"]["accuracy"]["accuracy"] for r in done]
    return (
        bool(patience)
        and len(curve) > patience
        and max(curve[-patience:]) <= max(curve[:-patience])
    )


def best_round(done: list[Round]) -> Round:
    """The round with the best accuracy on val (the latest of equals): its VLM is the campaign's result."""
    return max(done, key=lambda r: (r.record("evaluate")["val"]["accuracy"]["accuracy"], r.number))


def base_val_verdicts(workshop: Workshop) -> Verdicts:
    """The starting VLM on val; judged once per campaign."""
    path = workshop.campaign.folder / "base-val-verdicts.safetensors"
    if not path.exists():
        save_verdicts(
            judge(
                workshop.vlm(None),
                workshop.benchmark("val"),
                workshop.params.evaluation.batch_size,
                None,
                workshop.image_features,
            ),
            path,
        )
    return load_verdicts(path)


def evaluate_campaign(workshop: Workshop, result: Round) -> dict[str, Any]:
    """Base and result on val, test and unseen, with the paired gain on test. The only place that reads test and unseen;
    nothing here decides."""
    path = workshop.campaign.folder / "evaluation.json"
    if path.exists() and read_json(path)["round"] == result.number:
        return read_json(path)
    params, seed = workshop.params.evaluation, workshop.seed(0, "bootstrap")
    val = workshop.benchmark("val")
    evaluation = {
        "round": result.number,
        "base": {"val": asdict(summarize(base_val_verdicts(workshop), val, params, seed))},
        "final": {"val": result.record("evaluate")["val"]},
    }
    for split in ("test", "unseen"):
        samples = workshop.benchmark(split)
        if not samples:  # no type is held out
            continue
        before, after = (
            judge(workshop.vlm(r), samples, params.batch_size, None, workshop.image_features)
            for r in (None, result)
        )
        for name, verdicts in (("base", before), ("final", after)):
            evaluation[name][split] = asdict(summarize(verdicts, samples, params, seed))
            save_verdicts(
                verdicts, workshop.campaign.folder / f"{split}-verdicts-{name}.safetensors"
            )
        evaluation["gain" if split == "test" else f"gain_{split}"] = asdict(
            paired_gain(before, after, params, seed)
        )
    write_json(path, evaluation)
    return evaluation


def write_recipe(campaign: Campaign, done: list[Round]) -> None:
    """What a replay needs beside the data: parameters, seed and the metrics that it must give. Versioned with the data."""
    params = campaign.params.model_dump(mode="json")
    write_json(
        campaign.recipe,
        {
            "campaign": campaign.name,
            "params": {
                group: params[group] for group in ("campaign", "vlm", "finetune", "evaluation")
            },
            "val_accuracy": [r.record("evaluate")["val"]["accuracy"]["accuracy"] for r in done],
        },
    )


def library_seconds(done: list[Round]) -> dict[str, float]:
    """Seconds by stage over all rounds."""
    return {
        stage.__name__: round(sum(r.record(stage.__name__)["seconds"] for r in done), 2)
        for stage in STAGES
    }


def summarize_campaign(
    campaign: Campaign,
    done: list[Round],
    evaluation: dict[str, Any],
    seconds: dict[str, float],
    extra: dict[str, Any],
) -> dict[str, Any]:
    """`summary.json`.

    Args:
        seconds: of this call, by part that is not a stage ("total" included, and "resumed" rounds left out of it).
    """
    by_stage = library_seconds(done)
    library = sum(by_stage[name] for name in LIBRARY_STAGES) + seconds.get("final_evaluation", 0.0)
    total = seconds["total"]
    summary = {
        "campaign": campaign.name,
        "base_accuracy": evaluation["base"]["test"]["accuracy"]["accuracy"],
        "final_accuracy": evaluation["final"]["test"]["accuracy"]["accuracy"],
        "gain": evaluation["gain"]["accuracy"],
        "interval": [evaluation["gain"]["low"], evaluation["gain"]["high"]],
        "by_term": {
            t: [evaluation[w]["test"]["by_term"][t]["accuracy"] for w in ("base", "final")]
            for t in TERMS
        },
        "unseen_types": [evaluation[w]["unseen"]["accuracy"]["accuracy"] for w in ("base", "final")]
        if "unseen" in evaluation["base"]
        else None,
        "object_accuracy": [
            evaluation[w]["test"]["object_accuracy"]["accuracy"] for w in ("base", "final")
        ],
        "samples_valid": sum(r.record("validate")["kept"] for r in done),
        "samples_invalid": sum(
            r.record("sample")["proposed"] - r.record("validate")["accepted"] for r in done
        ),
        "rounds": len(done),
        "result_round": evaluation["round"],
        "seconds_total": round(total, 1),
        "seconds_by_stage": by_stage | {k: round(v, 2) for k, v in seconds.items() if k != "total"},
        "orchestration_share": round(max(0.0, 1 - library / total), 3) if total > library else None,
        **extra,
    }
    write_json(campaign.summary, summary)
    return summary
