"""From a campaign's files to `ReportData`."""

from pathlib import Path
from typing import Any

import numpy as np

from rls3.dataset.sample import Sample
from rls3.report.page import GalleryItem, ReportData, RoundData, write_report
from rls3.round import Campaign, Round
from rls3.stages import STAGES, Workshop

_PER_GROUP = 6


def report_campaign(
    campaign: Campaign, summary: dict[str, Any], evaluation: dict[str, Any]
) -> Path:
    """Write the report page of a campaign; returns its path."""
    done = campaign.rounds_done()
    total, rounds, terms = 0, [], {}
    for round_ in done:
        data = _round_data(round_, total)
        total = data.samples
        rounds.append(data)
        for term, count in round_.record("validate")["balance"]["term"].items():
            terms[term] = terms.get(term, 0) + count
    params = campaign.params
    settings = {
        "vision-language model": f"{params.vlm.family}, from {params.vlm.checkpoint}",
        "agent": f"{params.agent.name} ({params.agent.action} actions)",
        "simulator": f"{params.simulator.backend}, {params.simulator.width_px}x{params.simulator.height_px} px, {_rooms(params.simulator.floor_plans)}",
        "seed": str(params.campaign.seed),
    }
    lineage = {
        "model": f"{summary['model_uri']}, version {summary['model_version']} (round {summary['result_round']})",
        "gate": "passed" if summary["gate"]["passed"] else "; ".join(summary["gate"]["reasons"]),
        "MLflow run": summary["mlflow_run_id"],
        "data version": summary["data_version"],
        "code": _manifest(done[-1]).get("code_commit", ""),
        "machine": _manifest(done[-1]).get("machine", ""),
    }
    page = ReportData(
        campaign.name,
        settings,
        rounds,
        evaluation["base"],
        evaluation["final"],
        evaluation["gain"],
        lineage,
        summary["seconds_total"],
        summary["orchestration_share"],
        terms,
        _gallery(campaign, campaign.round(evaluation["round"])),
    )
    return write_report(page, campaign.report)


def _rooms(floor_plans: tuple[str, ...]) -> str:
    return ", ".join(floor_plans) if len(floor_plans) <= 8 else f"{len(floor_plans)} rooms"


def _manifest(round_: Round) -> dict[str, Any]:
    return round_.record("manifest")


def _round_data(round_: Round, before: int) -> RoundData:
    sampled, rendered, validated = (
        round_.record(stage) for stage in ("sample", "render", "validate")
    )
    return RoundData(
        round_.number,
        before + validated["kept"],
        sampled["proposed"],
        sampled["feasible"],
        rendered["valid"],
        validated["kept"],
        rendered["discarded_by_reason"],
        round_.record("evaluate")["val"],
        round_.record("reward")["mean"],
        round_.record("finetune")["losses"],
        {stage.__name__: round_.record(stage.__name__)["seconds"] for stage in STAGES},
        list(validated["balance"]["cell"].values()),
    )


def _gallery(campaign: Campaign, result: Round) -> list[GalleryItem]:
    """A few test images of each group, evenly over the benchmark."""
    with Workshop(campaign) as workshop:
        samples = workshop.benchmark("test")
        chosen = np.linspace(0, len(samples) - 1, min(len(samples), 120)).astype(int)
        some = [samples[i] for i in chosen]
        before, after = (_preferred(workshop.vlm(r), some) for r in (None, result))
    groups: dict[str, list[GalleryItem]] = {
        "wrong before, right now": [],
        "still wrong": [],
        "right all along": [],
    }
    for sample, b, a in zip(some, before, after):
        right_before, right_after = b == sample.caption, a == sample.caption
        if right_before and not right_after:
            continue
        group = (
            "still wrong"
            if not right_after
            else "right all along"
            if right_before
            else "wrong before, right now"
        )
        groups[group].append(
            GalleryItem(group, sample.image, sample.caption, b, a, sample.floor_plan)
        )
    return [
        item
        for items in groups.values()
        for item in items[:: max(1, len(items) // _PER_GROUP)][:_PER_GROUP]
    ]


def _preferred(vlm: Any, samples: list[Sample]) -> list[str]:
    """The caption that scores highest among the true one and its relation negatives."""
    import torch

    from rls3.dataset.sample import decode

    captions = [[s.caption, *s.negatives_of("flip", "flip_all", "swap")] for s in samples]
    with torch.no_grad():
        scores = vlm.scores(vlm.features([decode(s) for s in samples], True), captions)
    return [row[int(i)] for row, i in zip(captions, scores.argmax(dim=1))]
