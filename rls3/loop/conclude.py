"""When a campaign's rounds are done: base and result on every benchmark, the recipe of a replay,
the summary."""

from collections.abc import Mapping, Sequence

from rls3.evaluation.benchmarks import BENCHMARKS, read_benchmark
from rls3.evaluation.gallery import gallery_of, save_gallery
from rls3.evaluation.item import TERMS, Item
from rls3.evaluation.mapped import judge_with
from rls3.evaluation.metrics import Evaluation, paired_gain, summarize
from rls3.evaluation.predictions import Predictions
from rls3.files import write_json
from rls3.loop.records import (
    CampaignEvaluation,
    EvaluateRecord,
    Recipe,
    SampleRecord,
    Summary,
    ValidateRecord,
    read_record,
    write_record,
)
from rls3.loop.resources import Resources
from rls3.loop.run import vlm_after
from rls3.loop.stages import STAGES
from rls3.loop.store import Campaign, Round
from rls3.loop.threads import torch_threads
from rls3.loop.verdict import best_round
from rls3.vlm.interface import VLM

_EVALUATIONS = ("base_evaluation", "final_evaluation")  # parts of a call that are the method's own
DECIDES, *REPORTS = BENCHMARKS
"""`val` decides; the others are for the report, and only `evaluate_campaign` reads them."""


def accuracies(rounds: Sequence[Round]) -> list[float]:
    """On val, after each round."""
    return [r.record(EvaluateRecord).val.accuracy.accuracy for r in rounds]


def result_of(campaign: Campaign) -> Round:
    """The round whose VLM is the campaign's result."""
    return campaign.round(best_round(accuracies(campaign.rounds_done())))


def judge_base(campaign: Campaign, resources: Resources) -> Predictions:
    """The starting VLM on val; once per campaign, before its first round."""
    path = campaign.base_predictions
    if not path.exists():
        val = read_benchmark(campaign.project.benchmark, DECIDES)
        judged(vlm_after(campaign, None), val, campaign, resources).save(path)
    return Predictions.load(path)


def judged(
    vlm: VLM, items: Sequence[Item], campaign: Campaign, resources: Resources
) -> Predictions:
    """A model on a benchmark, outside of the stages: as the campaign's own models are judged."""
    params, scorers = campaign.params, resources.scorers
    with torch_threads(params.campaign.threads):
        size = params.evaluation.batch_size
        return judge_with(scorers, vlm, items, size, None, resources.features)


def evaluate_campaign(
    campaign: Campaign, resources: Resources, result: Round
) -> CampaignEvaluation:
    """Base and result on every benchmark, with the paired gain on those that decide nothing;
    predictions and pictures are kept. Done once for each result."""
    path = campaign.final_evaluation
    if path.exists() and (known := read_record(path, CampaignEvaluation)).round == result.number:
        return known
    params, seed = campaign.params.evaluation, campaign.bootstrap_seed
    base = {DECIDES: summarize(judge_base(campaign, resources), params, seed)}
    final = {DECIDES: result.record(EvaluateRecord).val}
    gain = {}
    for split in REPORTS:
        items = read_benchmark(campaign.project.benchmark, split)
        if not items:  # no type is held out
            continue
        before, after = (
            judged(vlm_after(campaign, r), items, campaign, resources) for r in (None, result)
        )
        before.save(campaign.predictions(split, "base"))
        after.save(campaign.predictions(split, "final"))
        base[split], final[split] = (summarize(p, params, seed) for p in (before, after))
        gain[split] = paired_gain(before, after, params, seed)
        if split == "test":
            save_gallery(gallery_of(items, before, after), campaign.gallery)
    evaluation = CampaignEvaluation(result.number, base, final, gain)
    write_record(evaluation, path)
    return evaluation


def write_recipe(campaign: Campaign) -> None:
    """Versioned with the data, so that anybody who has the data can replay the campaign."""
    # Where the data is published is no part of what they are.
    params = campaign.params.model_dump(mode="json", exclude={"campaign": {"publish"}})
    groups = ("campaign", "sampling", "vlm", "finetune", "evaluation")
    recipe = Recipe(
        campaign.name,
        {group: params[group] for group in groups},
        tuple(accuracies(campaign.rounds_done())),
    )
    write_record(recipe, campaign.recipe)


def stage_seconds(rounds: Sequence[Round]) -> dict[str, float]:
    """Seconds by stage over rounds."""
    return {
        stage.name: round(sum(r.record(stage.record).seconds for r in rounds), 2)
        for stage in STAGES
    }


def summarize_campaign(
    campaign: Campaign,
    evaluation: CampaignEvaluation,
    seconds: Mapping[str, float],
    handed_over: Mapping[str, object],
) -> Summary:
    """`summary.json`.

    Args:
        seconds: by part of this call that is no stage, and "total": all of it, with the stages of
            earlier calls.
        handed_over: the summary's fields that MLflow, DVC and the gate know.
    """
    done = campaign.rounds_done()
    by_stage = stage_seconds(done)
    method = sum(by_stage[stage.name] for stage in STAGES if stage.library)
    method += sum(seconds.get(part, 0.0) for part in _EVALUATIONS)
    total, gain = seconds["total"], evaluation.gain["test"]

    def both(split: str, number: str) -> tuple[float, float]:
        return _accuracy(evaluation.base[split], number), _accuracy(evaluation.final[split], number)

    base, final = both("test", "accuracy")
    summary = Summary(
        campaign=campaign.name,
        base_accuracy=base,
        final_accuracy=final,
        gain=gain.accuracy,
        interval=(gain.low, gain.high),
        by_term={term: both("test", term) for term in TERMS},
        unseen_types=both("unseen", "accuracy") if "unseen" in evaluation.base else None,
        object_accuracy=both("test", "object_accuracy"),
        samples_valid=sum(r.record(ValidateRecord).kept for r in done),
        samples_invalid=sum(
            r.record(SampleRecord).proposed - r.record(ValidateRecord).accepted for r in done
        ),
        rounds=len(done),
        result_round=evaluation.round,
        seconds_total=round(total, 1),
        seconds_by_stage=by_stage | {k: round(v, 2) for k, v in seconds.items() if k != "total"},
        orchestration_share=round(1 - method / total, 3) if total > method else None,
        **handed_over,
    )
    write_record(summary, campaign.summary)
    return summary


def write_metrics(campaign: Campaign, summary: Summary) -> None:
    """What `dvc metrics` (numbers only) and `dvc plots` (a list of points) read of a campaign; to
    be committed with data.dvc."""
    curve = accuracies(campaign.rounds_done())
    figures = {
        "val_accuracy": curve[summary.result_round - 1],
        "test_accuracy": summary.final_accuracy,
        "test_accuracy_base": summary.base_accuracy,
        "test_gain": summary.gain,
        "rounds": summary.rounds,
        "result_round": summary.result_round,
        "samples": summary.samples_valid,
        "samples_invalid": summary.samples_invalid,
    }
    write_json(campaign.metrics, figures)
    points = [{"round": n, "val_accuracy": value} for n, value in enumerate(curve, 1)]
    write_json(campaign.curve, points)


def _accuracy(evaluation: Evaluation, number: str) -> float:
    """The macro accuracy, that of naming objects, or that of a term."""
    if number in TERMS:
        return evaluation.by_term[number].accuracy
    return getattr(evaluation, number).accuracy
