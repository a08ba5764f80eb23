"""What a run leaves on Prefect's pages: figures, the gate's decision, pictures, links."""

import base64
import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from prefect.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)

from rls3.dataset.picture import read_picture
from rls3.evaluation.gallery import GROUPS, GalleryItem, load_gallery
from rls3.loop.describe import quality_table
from rls3.loop.records import EvaluateRecord, GateRecord, Summary, ValidateRecord, read_record
from rls3.loop.store import Campaign
from tasks import tracking

MLFLOW_URL, PAGES_URL = "RLS3_MLFLOW_URL", "RLS3_PAGES_URL"
"""Environment: where `rls3 serve` serves MLflow's pages, and the files below runs/."""
_TILE_PX = 96


def publish(campaign: Campaign, summary: Summary) -> None:
    """All artifacts of a finished campaign; to be called within its flow run."""
    name = campaign.name.replace("_", "-")
    create_table_artifact(_rounds(campaign), f"metrics-{name}", f"Rounds of {campaign.name}")
    create_markdown_artifact(_gate(campaign, summary), f"gate-{name}", "Accuracy and gate")
    create_table_artifact(
        quality_table(campaign), f"quality-{name}", "What the data's quality gate found"
    )
    items = load_gallery(campaign.gallery) if campaign.gallery.exists() else []
    if items:
        create_image_artifact(_sheet(items), f"gallery-{name}", _legend(items))
    for what, address in _links(campaign, summary).items():
        create_link_artifact(address, what, key=f"{what}-{name}", description=what)


def publish_comparison(rows: Sequence[dict[str, object]]) -> None:
    """The table of a comparison of agents; to be called within its flow run."""
    create_table_artifact(list(rows), "comparison", "Agents at equal data, in the last round")


def _rounds(campaign: Campaign) -> list[dict[str, object]]:
    rows = []
    for round_ in campaign.rounds_done():
        val, validated = round_.record(EvaluateRecord).val, round_.record(ValidateRecord)
        rows.append(
            {
                "round": round_.number,
                "samples": validated.kept,
                "rejected": len(validated.rejected),
                "val accuracy, %": _percent(val.accuracy.accuracy),
                "objects, %": _percent(val.object_accuracy.accuracy),
            }
            | {term: _percent(said.accuracy) for term, said in val.by_term.items()}
        )
    return rows


def _percent(share: float) -> float | None:
    """JSON knows no nan."""
    return round(100 * share, 1) if share == share else None


def _gate(campaign: Campaign, summary: Summary) -> str:
    record, gate = read_record(campaign.gate, GateRecord), summary.gate
    low, high = (100 * v for v in summary.interval)
    verdict = "**passed**: champion" if gate.passed else "**not passed**: challenger"
    reasons = "".join(f"\n- {reason}" for reason in gate.reasons)
    return (
        f"Gate against {record.against}: {verdict}{reasons}\n\n"
        "| | |\n|---|---|\n"
        f"| accuracy on test | {100 * summary.base_accuracy:.1f} % -> "
        f"{100 * summary.final_accuracy:.1f} % ({100 * summary.gain:+.1f} points "
        f"[{low:+.1f}, {high:+.1f}]) |\n"
        f"| gain on val | {100 * gate.gain:+.1f} points "
        f"[{100 * gate.low:+.1f}, {100 * gate.high:+.1f}] |\n"
        f"| result | round {summary.result_round} of {summary.rounds} |\n"
        f"| model | {summary.model_uri}, version {summary.model_version} |\n"
        f"| data/ version | {summary.data_version} |\n"
    )


def _sheet(items: Sequence[GalleryItem]) -> str:
    """The pictures, a row for each group, as a data address: the page cannot read files."""
    rows = [[item for item in items if item.group == group] for group in GROUPS]
    rows = [row for row in rows if row]
    sheet = Image.new("RGB", (_TILE_PX * max(map(len, rows)), _TILE_PX * len(rows)), "white")
    for y, row in enumerate(rows):
        for x, item in enumerate(row):
            tile = Image.fromarray(np.asarray(read_picture(item.image)))
            sheet.paste(tile.resize((_TILE_PX, _TILE_PX)), (x * _TILE_PX, y * _TILE_PX))
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"


def _legend(items: Sequence[GalleryItem]) -> str:
    lines = []
    for group in GROUPS:
        said = [item.caption for item in items if item.group == group]
        lines += [f"**{group}** (a row, from left to right)", *(f"- {text}" for text in said), ""]
    return "\n".join(lines)


def _links(campaign: Campaign, summary: Summary) -> dict[str, str]:
    links = {"report": _page(campaign, campaign.report)}
    if (index := campaign.docs / "index.html").exists():
        links["data-docs"] = _page(campaign, index)
    if served := os.environ.get(MLFLOW_URL) or _http(campaign.params.tracking.uri):
        place = f"experiments/{tracking.experiment_of(campaign)}/runs/{summary.mlflow_run_id}"
        links["mlflow-run"] = f"{served}/#/{place}"
    return links


def _http(uri: str) -> str:
    """An address that a browser can open, without what may be a secret."""
    return uri.rstrip("/") if uri.startswith("http") and "@" not in uri else ""


def _page(campaign: Campaign, path: Path) -> str:
    served = os.environ.get(PAGES_URL)
    if not served:
        return path.resolve().as_uri()
    return f"{served}/{path.relative_to(campaign.project.runs)}"
