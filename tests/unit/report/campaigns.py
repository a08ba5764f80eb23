"""Builders of campaigns as they stand after so many rounds: in memory and on disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from rls3.evaluation.gallery import GROUPS, GalleryItem, save_gallery
from rls3.evaluation.metrics import Evaluation, Slice
from rls3.evaluation.predictions import Prediction, Predictions
from rls3.files import write_json
from rls3.language.relation import CELLS, Term
from rls3.loop.records import (
    CampaignEvaluation,
    Decision,
    EvaluateRecord,
    FinetuneRecord,
    GateRecord,
    Manifest,
    Record,
    Registration,
    RenderRecord,
    SampleRecord,
    ScoreRecord,
    Summary,
    UpdateRecord,
    ValidateRecord,
    write_record,
)
from rls3.loop.reward import reward_record, rewards_of
from rls3.loop.store import Campaign, Project
from rls3.report.state import CampaignState, Gallery, RoundState, StageState
from tests.conftest import make_params

TERMS = tuple(map(str, Term))
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154"
    "08d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
TITLES = (
    "sample scenes",
    "render scenes",
    "validate samples",
    "score VLM",
    "fine-tune VLM",
    "evaluate VLM",
    "compute rewards",
    "update policy",
)


def make_slice(accuracy: float, count: int = 72) -> Slice:
    return Slice(accuracy, count, accuracy - 0.05, accuracy + 0.05)


def make_evaluation(accuracy: float) -> Evaluation:
    return Evaluation(
        accuracy=make_slice(accuracy, 432),
        by_term={term: make_slice(accuracy + 0.01 * i) for i, term in enumerate(TERMS)},
        slices={
            "complexity": {c: make_slice(accuracy) for c in "123"},
            "room type": {"kitchen": make_slice(accuracy), "bathroom": make_slice(accuracy)},
        },
        strict=make_slice(accuracy / 2),
        object_accuracy=make_slice(0.9),
        n_items=208,
    )


def round_records(number: int, n: int = 520) -> list[Record]:
    """What the stages of a round note, in their order. The VLM fails most where terms are many, and
    less in every round; relations are sampled at random."""
    rng = np.random.default_rng(number)
    cell = dict(enumerate(rng.integers(0, len(CELLS), n)))
    weak = {step: 0.2 + 0.15 * CELLS[c].complexity for step, c in cell.items()}
    failure = {
        step: float(np.clip(rng.normal(w, 0.2) * 0.9**number, 0, 1)) for step, w in weak.items()
    }
    after = {step: 0.6 * value for step, value in failure.items()}
    counts = np.bincount(list(cell.values()), minlength=len(CELLS))
    balance = {
        "cell": {str(c): int(counts[c.index]) for c in CELLS},
        "term": {t: int(sum(counts[c.index] for c in CELLS if t in c.terms)) for t in TERMS},
        "complexity": {"1": 100, "2": 200, "3": n - 300},
    }
    params = make_params().reward
    intrinsic = np.r_[np.ones(n + 100), np.zeros(180)]
    rewards = reward_record(rewards_of(intrinsic, failure, after, cell, params), failure, cell)
    return [
        SampleRecord(
            proposed=800,
            feasible=n + 100,
            infeasible_by_reason={"no placement": 180 - 3 * number, "collision": 3 * number},
            seconds=7.0,
        ),
        RenderRecord(
            rendered=n + 100, valid=n + 2, discarded_by_reason={"hidden": 98}, seconds=5.5
        ),
        ValidateRecord(
            accepted=n, kept=n, rejected={"a": "blank", "b": "blank"}, balance=balance, seconds=1.1
        ),
        ScoreRecord(
            failure=failure,
            failure_mean=float(np.mean(list(failure.values()))),
            failure_by_cell=(0.5,) * len(CELLS),
            seconds=2.5,
        ),
        FinetuneRecord(
            losses=tuple(float(v) for v in 2 + np.exp(-np.arange(65) / 20)),
            presentations=780,
            seconds=11.0,
        ),
        EvaluateRecord(
            val=make_evaluation(min(0.9, 0.45 + 0.05 * number)), failure_after=after, seconds=1.5
        ),
        replace(rewards, seconds=0.2),
        UpdateRecord(logged={"approx_kl": 0.02}, seconds=0.4),
    ]


def make_manifest(number: int) -> Manifest:
    return Manifest(
        campaign="unit",
        round=number,
        seed=7,
        code_commit="c0ffee",
        params={},
        sha256={},
        vlm_before="",
        vlm="",
        libraries={},
        python="3.11.9",
        machine="a machine",
        data_version="d47a",
        mlflow_run_id="run-1",
        seconds={},
    )


def make_items(caption: str = "The red mug is to the left of the blue bowl.") -> list[GalleryItem]:
    false = caption.replace("left", "right")
    said = {GROUPS[0]: (false, caption), GROUPS[1]: (false, false), GROUPS[2]: (caption, caption)}
    return [
        GalleryItem(group, f"{group} {i}", PIXEL, caption, *said[group], {"room type": "kitchen"})
        for group in GROUPS
        for i in range(3)
    ]


def make_conclusion(result: int, rounds: int) -> dict[str, object]:
    """What a campaign's end writes, by the field of `CampaignState`."""
    decision = Decision(True, 0.3, 0.2, 0.4, ())
    return {
        "evaluation": CampaignEvaluation(
            round=result,
            base={"val": make_evaluation(0.45), "test": make_evaluation(0.5)},
            final={"val": make_evaluation(0.75), "test": make_evaluation(0.7)},
            gain={"test": Slice(0.2, 208, 0.1, 0.3)},
        ),
        "gate": GateRecord(result, "base", decision),
        "registration": Registration(result, "models:/rls3-vlm@champion", "4", "champion"),
        "summary": Summary(
            campaign="unit",
            base_accuracy=0.5,
            final_accuracy=0.7,
            gain=0.2,
            interval=(0.1, 0.3),
            by_term={},
            unseen_types=None,
            object_accuracy=(0.9, 0.9),
            samples_valid=520 * rounds,
            samples_invalid=100,
            rounds=rounds,
            result_round=result,
            seconds_total=289.0,
            seconds_by_stage={},
            orchestration_share=0.104,
            mlflow_run_id="run-1",
            model_uri="models:/rls3-vlm@champion",
            model_version="4",
            data_version="d47a",
            gate=decision,
            report="report.html",
        ),
    }


def make_round(number: int, stages: int = len(TITLES)) -> RoundState:
    """With so many finished stages; finished with all of them."""
    records = round_records(number)
    return RoundState(
        number,
        tuple(StageState(t, records[i] if i < stages else None) for i, t in enumerate(TITLES)),
        make_manifest(number) if stages == len(TITLES) else None,
    )


def make_state(
    rounds: int = 3, stages: int = 0, tested: bool = False, **overrides: object
) -> CampaignState:
    """A campaign with so many finished rounds, and a further one with so many finished stages."""
    begun = [make_round(n) for n in range(1, rounds + 1)]
    begun += [make_round(rounds + 1, stages)] if stages else []
    conclusion = make_conclusion(max(1, rounds - 1), rounds) if tested else {}
    gallery = Gallery("test" if tested else "val", rounds, make_items()) if rounds else None
    fields = {
        "name": "unit",
        "params": make_params(),
        "planned": 8,
        "rounds": tuple(begun),
        "base_on_val": make_evaluation(0.45),
        "gallery": gallery,
    }
    return CampaignState(**fields | conclusion | overrides)


# -- on disk --------------------------------------------------------------------------------------


def make_predictions(n: int = 26) -> Predictions:
    """Of a model that knows nothing: of each pair of items it gets the first one right."""
    rows = [
        Prediction(
            item_id=f"item-{i}",
            image_hash="0" * 16,
            captions=("the true one", "its flip"),
            contrasts=("", f"flip:{TERMS[i // 2 % len(TERMS)]}"),
            answer=0,
            scores=(1.0, 2.0 * (i % 2)),
            slices={"complexity": "1", "room type": "kitchen"},
            groups={},
        )
        for i in range(n)
    ]
    return Predictions(tuple(rows))


def begin(root: Path) -> Campaign:
    """A campaign in a folder of its own, with nothing done."""
    campaign = Campaign(Project(root), make_params(campaign__name="unit", campaign__rounds=8))
    write_json(campaign.begun_with, campaign.params.model_dump(mode="json"))
    return campaign


def add_round(campaign: Campaign, number: int, stages: int = len(TITLES)) -> None:
    """The records of its first stages; the manifest if they are all."""
    round_ = campaign.round(number)
    for record in round_records(number)[:stages]:
        round_.finish(record)
    if round_.finished(EvaluateRecord.stage):
        save_gallery(make_items(), round_.path("gallery"))
    if stages == len(TITLES):
        write_record(make_manifest(number), round_.manifest)


def conclude(campaign: Campaign, result: int, rounds: int) -> None:
    """Everything that the end of a campaign writes."""
    made = make_conclusion(result, rounds)
    write_record(made["evaluation"], campaign.final_evaluation)
    write_record(made["gate"], campaign.gate)
    write_record(made["registration"], campaign.registered)
    write_record(made["summary"], campaign.summary)
    save_gallery(make_items("The test mug is above the bowl."), campaign.gallery)
