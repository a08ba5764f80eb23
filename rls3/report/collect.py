"""From a campaign's files to its page. Nothing is judged here: what the page shows was written
while the campaign ran."""

from pathlib import Path
from typing import TypeVar

from rls3.evaluation.gallery import load_gallery
from rls3.evaluation.metrics import Evaluation, summarize
from rls3.evaluation.predictions import Predictions
from rls3.files import read_json, write_text
from rls3.loop.integrity import checked
from rls3.loop.records import (
    CampaignEvaluation,
    EvaluateRecord,
    GateRecord,
    Manifest,
    Registration,
    Summary,
    read_record,
)
from rls3.loop.stages import STAGES
from rls3.loop.store import Campaign, Round
from rls3.params import Params, check_params
from rls3.report.page import render_page
from rls3.report.state import CampaignState, Gallery, RoundState, StageState
from rls3.seeds import integer_seed

T = TypeVar("T")


def report_campaign(campaign: Campaign) -> Path:
    """Write the page of a campaign as far as it has come, running or not; returns its path.

    Raises: DataError if the campaign was never begun, or a record of it is damaged; StorageError.
    """
    write_text(campaign.report, render_page(read_state(campaign)))
    return campaign.report


def read_state(campaign: Campaign) -> CampaignState:
    """Where a campaign stands. Raises: DataError (see `report_campaign`)."""
    begun_with = campaign.begun_with
    params = check_params(read_json(begun_with), str(begun_with))
    rounds = _rounds(campaign)
    evaluation = _if_there(campaign.final_evaluation, CampaignEvaluation)
    result = evaluation.round if evaluation else None
    gate = _if_there(campaign.gate, GateRecord)
    registration = _if_there(campaign.registered, Registration)
    summary = _if_there(campaign.summary, Summary)
    return CampaignState(
        name=campaign.name,
        params=params,
        planned=campaign.params.campaign.rounds,
        rounds=tuple(_round_state(round_) for round_ in rounds),
        base_on_val=evaluation.base["val"] if evaluation else _base_on_val(campaign, params),
        evaluation=evaluation,
        # a campaign that goes on may have a new result before it is handed over
        gate=gate if gate and gate.round == result else None,
        registration=registration if registration and registration.round == result else None,
        summary=summary if summary and summary.result_round == result else None,
        gallery=_gallery(campaign, rounds, result),
    )


def _if_there(path: Path, kind: type[T]) -> T | None:
    return read_record(path, kind) if path.exists() else None


def _rounds(campaign: Campaign) -> list[Round]:
    """The finished ones, and the next if a stage of it is finished or its folder is there."""
    done = campaign.rounds_done()
    following = campaign.round(len(done) + 1)
    return [*done, following] if following.folder.exists() else done


def _round_state(round_: Round) -> RoundState:
    return RoundState(
        number=round_.number,
        stages=tuple(
            StageState(
                stage.title,
                round_.record(stage.record) if round_.finished(stage.name) else None,
            )
            for stage in STAGES
        ),
        manifest=_if_there(round_.manifest, Manifest),
    )


def _base_on_val(campaign: Campaign, params: Params) -> Evaluation | None:
    """Figures of what the starting model said, which is kept."""
    if not campaign.base_predictions.exists():
        return None
    seed = integer_seed(params.campaign.seed, 0, "bootstrap")
    return summarize(Predictions.load(campaign.base_predictions), params.evaluation, seed)


def _gallery(campaign: Campaign, rounds: list[Round], result: int | None) -> Gallery | None:
    if result is not None and campaign.gallery.exists():
        return Gallery("test", result, load_gallery(campaign.gallery))
    evaluated = [r for r in rounds if r.finished(EvaluateRecord.stage)]
    if not evaluated or not evaluated[-1].path("gallery").exists():
        return None
    latest = evaluated[-1]
    return Gallery("val", latest.number, load_gallery(checked(latest, "gallery")))
