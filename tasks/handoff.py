"""Handing a campaign's model over: the gate against the present champion, then the registry."""

from rls3.evaluation.benchmarks import read_benchmark
from rls3.evaluation.predictions import Predictions
from rls3.loop.conclude import judge_base, judged
from rls3.loop.integrity import checked
from rls3.loop.records import GateRecord, Registration, read_record, write_record
from rls3.loop.resources import Resources
from rls3.loop.store import Campaign, Round
from rls3.loop.verdict import decide
from rls3.vlm.loading import family_of, load_vlm
from tasks import tracking

_AGAINST_BASE = "base"


def gate(result: Round, resources: Resources) -> GateRecord:
    """May the result become champion? Decided on val, against the present champion, or the base
    model where the registry has none. Once for each result, unless another became champion before
    the result was registered.

    It fails shut. Raises: TrackingError, ModelError or DataError if the champion cannot be had or
    cannot be compared; nothing is registered then, and the next run asks again.
    """
    campaign = result.campaign
    known, registered = _known(result), tracking.registration_of(result)
    if known is not None and registered is not None:
        return known
    if registered is None:
        champion = tracking.champion(campaign.params, campaign.project)
    else:  # the decision is lost: by now the result may itself be the champion
        champion = tracking.rival(registered, campaign.params, campaign.project)
    against = _AGAINST_BASE if champion is None else f"version {champion.version}"
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


def _judged(champion: tracking.Champion, campaign: Campaign, resources: Resources) -> Predictions:
    """The champion on the same benchmark as the candidate, whatever its family."""
    params, project = campaign.params, campaign.project
    vlm = load_vlm(
        family_of(champion.folder), str(champion.folder), project.base, params.vlm.device
    )
    val = read_benchmark(project.benchmark, "val")
    return judged(vlm, val, campaign, resources)


def register(result: Round, gate_record: GateRecord, data_version: str) -> Registration:
    """Put the result into the registry, as champion if it passed the gate, else as challenger."""
    decision = gate_record.decision
    tags = {
        "campaign": result.campaign.name,
        "round": str(result.number),
        "data_version": data_version,
        "gate": "; ".join(decision.reasons) or "passed",
        "against": gate_record.against,
    }
    checked(result, "vlm")
    alias = tracking.CHAMPION if decision.passed else tracking.CHALLENGER
    return tracking.register(result, alias, tags)
