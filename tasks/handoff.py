"""Handing a campaign's model over: the gate against the present champion, then the registry."""

import contextlib
from pathlib import Path

from rls3.errors import CampaignError
from rls3.evaluation.benchmarks import read_benchmark
from rls3.evaluation.predictions import Predictions
from rls3.files import file_digest
from rls3.loop.conclude import judge_base, judged
from rls3.loop.integrity import checked
from rls3.loop.lineage import code_commit
from rls3.loop.records import (
    CampaignEvaluation,
    GateRecord,
    Registration,
    read_record,
    write_record,
)
from rls3.loop.resources import Resources
from rls3.loop.store import Campaign, Round
from rls3.loop.verdict import decide
from rls3.vlm.loading import family_of, load_vlm
from tasks import registry
from tasks.package import package_of

_AGAINST_BASE = "base"
_TRIES = 5


def gate(result: Round, resources: Resources) -> GateRecord:
    """May the result become champion? Decided on val, against the present champion, or the base
    model where the registry has none. Once for each result, unless another became champion before
    the result was registered.

    It fails shut. Raises: TrackingError, ModelError or DataError if the champion cannot be had or
    cannot be compared; nothing is registered then, and the next run asks again.
    """
    campaign = result.campaign
    known = _known(result)
    if known is not None and registry.registration_of(result) is not None:
        return known
    champion = registry.opponent(result)
    against = _AGAINST_BASE if champion is None else champion.named
    if known is not None and known.against == against:
        return known
    if champion is None:
        before = judge_base(campaign, resources)
    else:
        before = _judged(champion, campaign, resources)
    params = campaign.params
    decision = decide(
        before,
        Predictions.load(checked(result, "predictions")),
        params.evaluation,
        params.gate,
        campaign.bootstrap_seed,
    )
    record = GateRecord(result.number, against, decision)
    write_record(record, campaign.gate)
    return record


def _known(result: Round) -> GateRecord | None:
    """The decision on this result, if there is one already."""
    path = result.campaign.gate
    if not path.exists():
        return None
    known = read_record(path, GateRecord)
    return known if known.round == result.number else None


def _judged(champion: registry.Champion, campaign: Campaign, resources: Resources) -> Predictions:
    """The champion on the same benchmark as the candidate, whatever its family."""
    params, project = campaign.params, campaign.project
    vlm = load_vlm(
        family_of(champion.folder), str(champion.folder), project.base, params.vlm.device
    )
    val = read_benchmark(project.benchmark, "val")
    return judged(vlm, val, campaign, resources)


def hand_over(
    result: Round, resources: Resources, evaluation: CampaignEvaluation, data_version: str
) -> tuple[GateRecord, Registration]:
    """Gate and registry in one: of campaigns that finish at the same time, the later one meets the
    earlier one's champion. Campaigns of a project wait for each other; whoever in another project
    shares the registry is met when its champion is there before this one's alias is set.

    Raises: CampaignError if another campaign does not come to an end with it, or if the champion is
        always another one; what `gate` raises.
    """
    with result.campaign.project.locked("registry"):
        for _ in range(_TRIES):
            decided = gate(result, resources)
            with contextlib.suppress(registry.ChampionChanged):
                return decided, register(result, decided, evaluation, data_version)
    name = result.campaign.params.tracking.registered_model
    raise CampaignError(
        f"the champion of {name} changed {_TRIES} times "
        "while this result met it; run again when fewer projects hand over to that registry"
    )


def register(
    result: Round, gate_record: GateRecord, evaluation: CampaignEvaluation, data_version: str
) -> Registration:
    """Put the result into the registry, as champion if it passed the gate, else as challenger.
    Raises: ChampionChanged."""
    known = registry.registration_of(result)
    if known is not None:
        return known
    checked(result, "vlm")
    tags = _tags(result, gate_record, evaluation, data_version)
    alias = registry.CHAMPION if gate_record.decision.passed else registry.CHALLENGER
    return registry.register(result, alias, tags, package_of(result, evaluation, tags))


def _tags(
    result: Round, gate_record: GateRecord, evaluation: CampaignEvaluation, data_version: str
) -> dict[str, str]:
    """A version's, from which it can be told where it came from, and made again."""
    vlm = result.campaign.params.vlm
    return {
        "campaign": result.campaign.name,
        "round": str(result.number),
        "data_version": data_version,
        "code_commit": code_commit(Path(__file__).resolve().parents[1]),
        "family": vlm.family,
        "base_checkpoint": vlm.checkpoint,
        "model_sha256": file_digest(result.path("vlm") / "model.safetensors"),
        "val_accuracy": f"{evaluation.final['val'].accuracy.accuracy:.6f}",
        "test_accuracy": f"{evaluation.final['test'].accuracy.accuracy:.6f}",
        "gate": "; ".join(gate_record.decision.reasons) or "passed",
        registry.AGAINST: gate_record.against,
    }
