"""Data Docs of a campaign: a page for every round, and an index over all of them.

They are Great Expectations' results in pages of our own: its templates fetch styles and scripts
from the internet and show no pictures. A page needs nothing but itself.

    data-docs/index.html                     every round's validation, newest first
    data-docs/round-0001/index.html          what was wanted, what was set aside, with pictures
    data-docs/round-0001/validation.json     Great Expectations' own results
    data-docs/round-0001/quality.json        what the index and `quality_rows` read
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

from rls3.dataset.drift import MEASURES
from rls3.dataset.quality import Check, QualityDocs, SetAside
from rls3.errors import DataError
from rls3.files import read_json, whole_folder, write_json, write_text
from rls3.markup import Markup, counted, join, missing, note, percent, table, tag

_HOW = (
    'import pandas; pandas.read_parquet("{quarantine}")[["sample_id", "why", "caption", "image"]]'
)


def write_data_docs(docs: QualityDocs, folder: Path) -> None:
    """The round's folder, and the index beside it anew.

    Raises: StorageError.
    """
    with whole_folder(folder) as new:
        write_json(new / "validation.json", docs.outcomes)
        write_json(new / "quality.json", _noted(docs))
        write_text(new / "index.html", round_page(docs))
    site = folder.parent
    write_text(site / "index.html", index_page(docs.campaign, list(notes(site))))


def _noted(docs: QualityDocs) -> dict[str, Any]:
    return {
        "round": docs.round,
        "accepted": docs.accepted,
        "rejected": docs.rejected,
        "drift": {d.measure: d.distance for d in docs.drift},
        "checks": [asdict(check) for check in docs.checks],
    }


def notes(site: Path) -> Iterator[dict[str, Any]]:
    """`quality.json` of every round, in order; a damaged one is left out, as no page may keep a
    campaign from going on."""
    for path in sorted(site.glob("round-*/quality.json")):
        with contextlib.suppress(DataError):
            yield read_json(path)


def quality_rows(site: Path) -> list[dict[str, Any]]:
    """Of each round a row for every expectation that does not hold, or one row if all hold: round,
    expectation, accepted, rejected (by it), drift."""
    rows = []
    for noted in notes(site):
        common = {"round": noted["round"], "accepted": noted["accepted"]}
        drift = _drift_words(noted["drift"])
        failing = [check for check in noted["checks"] if not check["holds"]]
        rows += [
            {**common, "expectation": c["words"], "rejected": c["failed"], "drift": drift}
            for c in failing
        ]
        if not failing:
            words = f"all {len(noted['checks'])} expectations hold"
            rows.append({**common, "expectation": words, "rejected": 0, "drift": drift})
    return rows


def _drift_words(drift: Mapping[str, float]) -> str:
    moved = (f"{MEASURES[name]} {percent(distance, 0)}" for name, distance in drift.items())
    return ", ".join(moved) or "nothing before to compare with"


# -- pages -----------------------------------------------------------------------------------------


def round_page(docs: QualityDocs) -> str:
    """A round's page as HTML text."""
    body = (
        tag("p", tag("a", "all rounds", href="../index.html"), class_="soft"),
        tag("h1", f"Round {docs.round} of {docs.campaign}: data quality"),
        _verdict(docs),
        tag("h2", "What is expected of every sample"),
        _checks([c for c in docs.checks if not c.warns], "samples that fail"),
        tag("h2", "Drift against the campaign so far"),
        _checks([c for c in docs.checks if c.warns], "observed")
        if docs.drift
        else missing("There is no round before this one to compare with."),
        note("Drift rejects no sample; with validation.on_drift = stop it ends the run."),
        tag("h2", "Quarantine"),
        _quarantine(docs),
    )
    return _page(f"{docs.campaign}, round {docs.round}: data quality", *body)


def _verdict(docs: QualityDocs) -> Markup:
    rows, warnings = (
        [c for c in docs.checks if not c.holds and c.warns is warns] for warns in (False, True)
    )
    said = (
        f"{counted(docs.accepted, 'sample')} accepted, {docs.rejected:,} rejected. "
        f"{counted(len(rows), 'expectation')} failed by some sample, "
        f"{counted(len(warnings), 'warning')} of drift."
    )
    return tag("p", said, class_="verdict")


def _checks(checks: Sequence[Check], last: str) -> Markup:
    rows = [(_status(c), c.words, join(_found(c))) for c in checks]
    return table(("", "expectation", last), rows, texts=(0, 1, 2))


def _status(check: Check) -> Markup:
    if check.holds:
        return tag("span", "holds", class_="ok")
    return tag(
        "span", "drifted" if check.warns else "fails", class_="warn" if check.warns else "no"
    )


def _found(check: Check) -> list[str]:
    if not check.failed:
        return [check.observed or "none"]
    shown = ", ".join(check.ids)
    more = f" and {check.failed - len(check.ids)} more" if check.failed > len(check.ids) else ""
    return [tag("b", f"{check.failed:,}"), ": ", tag("code", shown), more]


def _quarantine(docs: QualityDocs) -> Markup:
    if not docs.rejected:
        return missing("Nothing was rejected.")
    how = _HOW.format(quarantine=docs.quarantine)
    return join(
        (
            tag(
                "p",
                f"{counted(docs.rejected, 'sample')} lie apart, never to be trained on, in ",
                tag("code", docs.quarantine),
                ", each with its reasons; to look at all of them:",
            ),
            tag("pre", how),
            tag("p", f"{len(docs.set_aside)} of them:", class_="soft"),
            tag("div", *map(_card, docs.set_aside), class_="pictures"),
        )
    )


def _card(sample: SetAside) -> Markup:
    picture = (
        tag("img", src=sample.picture, alt=sample.caption)
        if sample.picture
        else missing("The picture cannot be read.")
    )
    words = tag(
        "figcaption",
        tag("b", sample.why),
        tag("span", sample.caption),
        tag("code", sample.sample_id),
    )
    return tag("figure", picture, words)


def index_page(campaign: str, rounds: Sequence[Mapping[str, Any]]) -> str:
    """The page over all rounds as HTML text; rounds: see `notes`."""
    rows = [_index_row(noted) for noted in reversed(rounds)]
    head = ("round", "accepted", "rejected", "expectations that fail", "drift beyond chance")
    accepted, rejected = (sum(noted[key] for noted in rounds) for key in ("accepted", "rejected"))
    return _page(
        f"{campaign}: data quality",
        tag("h1", f"Campaign {campaign}: data quality"),
        tag(
            "p",
            f"{counted(len(rounds), 'round')}: {accepted:,} samples accepted, "
            f"{rejected:,} rejected.",
            class_="verdict",
        ),
        table(head, rows, texts=(0, 3, 4)),
    )


def _index_row(noted: Mapping[str, Any]) -> tuple[str, ...]:
    link = tag("a", f"round {noted['round']}", href=f"round-{noted['round']:04d}/index.html")
    failing = [c for c in noted["checks"] if not c["holds"]]
    words = [_index_words(c) for c in failing] or [
        tag("span", f"all {len(noted['checks'])} hold", class_="ok")
    ]
    drift = _drift_words(noted["drift"])
    return link, f"{noted['accepted']:,}", f"{noted['rejected']:,}", join(words), drift


def _index_words(check: Mapping[str, Any]) -> Markup:
    by = f" ({check['failed']:,})" if check["failed"] else ""
    return tag("div", check["words"] + by, class_="warn" if check["warns"] else "no")


def _page(title: str, *body: str) -> str:
    style = Markup(resources.files(__package__).joinpath("data_docs.css").read_text("utf-8"))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name_="viewport", content="width=device-width,initial-scale=1"),
        tag("title", title),
        tag("style", style),
    )
    return f"<!doctype html>{tag('html', head, tag('body', tag('main', *body)), lang='en')}\n"
