"""The page: sections of charts, tables and pictures. Everything is inline; all text is escaped."""

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from rls3.language.relation import CELLS
from rls3.report import charts


@dataclass(frozen=True)
class GalleryItem:
    """A test image with what the model preferred before and after.

    Attributes:
        group: "wrong before, right now", "still wrong" or "right all along".
        chosen_before, chosen_after: the caption that scored highest among the true one and its relation negatives.
    """

    group: str
    image: bytes
    caption: str
    chosen_before: str
    chosen_after: str
    floor_plan: str


@dataclass(frozen=True)
class RoundData:
    """One round's figures. val: as `Evaluation` in JSON form. cells: (26,) counts."""

    number: int
    samples: int
    proposed: int
    feasible: int
    valid: int
    kept: int
    discarded: Mapping[str, int]
    val: Mapping[str, Any]
    reward: Mapping[str, float]
    losses: Sequence[float]
    seconds: Mapping[str, float]
    cells: Sequence[int]


@dataclass(frozen=True)
class ReportData:
    """All that the page shows. base, final: {"val": ..., "test": ...} of `Evaluation`s in JSON form, or None."""

    campaign: str
    settings: Mapping[str, str]
    rounds: Sequence[RoundData]
    base: Mapping[str, Any] | None
    final: Mapping[str, Any] | None
    gain: Mapping[str, float] | None
    lineage: Mapping[str, str]
    seconds_total: float = 0.0
    orchestration_share: float | None = None
    term_counts: Mapping[str, int] = field(default_factory=dict)
    gallery: Sequence[GalleryItem] = ()


_CSS = """
:root{--bg:#fbfaf7;--card:#fff;--ink:#22252b;--soft:#666c78;--grid:#e4e2dc;--c1:#0f62a8;--c2:#d9780f;--c3:#2a9476;--c4:#b4478f;--c5:#8a7a14;--c6:#5b5fc7;--c7:#7d8590;--c8:#a33b2a}
@media(prefers-color-scheme:dark){:root{--bg:#15171b;--card:#1d2026;--ink:#e8e6e1;--soft:#a2a7b3;--grid:#33373f;--c1:#62aef0;--c2:#f3a14e;--c3:#5cc9a7;--c4:#e28cc4;--c5:#d0bd4a;--c6:#a0a3f2;--c7:#a3aab5;--c8:#ee8572}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 18px 60px}h1{font-size:1.7rem;margin:.2em 0}h2{font-size:1.12rem;margin:0 0 .5em}p{margin:.4em 0}.soft{color:var(--soft)}
.hero{display:flex;flex-wrap:wrap;gap:12px 40px;align-items:baseline;margin:18px 0 26px}.big{font-size:2.9rem;font-weight:650;letter-spacing:-.02em;line-height:1.1}.big small{font-size:1.3rem;font-weight:500;color:var(--soft)}
.facts{display:flex;flex-wrap:wrap;gap:10px 28px}.facts div{min-width:96px}.facts b{display:block;font-size:1.2rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));gap:18px}.card{background:var(--card);border:1px solid var(--grid);border-radius:12px;padding:18px;min-width:0}.wide{grid-column:1/-1}
svg{width:100%;height:auto;display:block}svg text{font-size:12px;fill:var(--soft)}svg .axis{font-size:12.5px}svg .small{font-size:10.5px}svg .grid{stroke:var(--grid)}svg .ring{fill:none;stroke:var(--grid)}svg .rule{stroke:var(--soft);stroke-dasharray:4 4}
svg .line{fill:none;stroke-width:2.4;stroke-linejoin:round}svg .band{fill:var(--c1);opacity:.14}svg .area{fill-opacity:.14;stroke-width:2.2}svg .cell{fill:var(--c1)}.radar svg{max-width:440px;margin:auto}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:.86rem;color:var(--soft)}.legend i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:5px 9px;border-bottom:1px solid var(--grid)}td.n,th.n{text-align:right}td.wrap{overflow-wrap:break-word;min-width:4.5em}td.n{white-space:nowrap}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,210px),1fr));gap:14px}.gallery figure{margin:0}.gallery img{width:100%;border-radius:8px;display:block;background:var(--grid)}.gallery figcaption{font-size:.84rem;line-height:1.4;margin-top:6px}
.tick{color:var(--c3)}.cross{color:var(--c8)}.none{color:var(--soft);font-style:italic}h3{font-size:.98rem;margin:1.1em 0 .5em}
"""


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share == share else "–"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numeric_from: int = 1) -> str:
    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f'<{tag} class="{"n" if i >= numeric_from else "wrap"}">{escape(str(c))}</{tag}>'
            for i, c in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{cells("th", head)}</tr></thead><tbody>{body}</tbody></table></div>'


def _card(title: str, body: str, kind: str = "", note: str = "") -> str:
    return (
        f'<section class="card {kind}"><h2>{escape(title)}</h2>{body}'
        + (f'<p class="soft">{escape(note)}</p>' if note else "")
        + "</section>"
    )


def _headline(data: ReportData) -> str:
    if data.base is None or data.final is None or data.gain is None:
        return '<p class="none">The campaign has not been tested yet.</p>'
    before, after, gain = data.base["test"]["accuracy"], data.final["test"]["accuracy"], data.gain
    facts = {
        "gain on test": f"{100 * gain['accuracy']:+.1f} points",
        "95 % interval": f"{100 * gain['low']:+.1f} to {100 * gain['high']:+.1f}",
        "samples": f"{data.rounds[-1].samples:,}" if data.rounds else "0",
        "rounds": str(len(data.rounds)),
        "object accuracy": f"{_percent(data.base['test']['object_accuracy']['accuracy'])} → {_percent(data.final['test']['object_accuracy']['accuracy'])}",
        "time": f"{data.seconds_total:.0f} s",
    }
    items = "".join(
        f"<div><b>{escape(v)}</b><span class='soft'>{escape(k)}</span></div>"
        for k, v in facts.items()
    )
    return f'<div class="hero"><div class="big">{100 * before["accuracy"]:.1f} → {100 * after["accuracy"]:.1f} <small>% two-way accuracy</small></div><div class="facts">{items}</div></div>'


def _terms(data: ReportData) -> str:
    if data.base is None or data.final is None:
        return '<p class="none">not tested yet</p>'
    before, after = data.base["test"]["by_term"], data.final["test"]["by_term"]
    axes = [f"{t}\n{100 * after[t]['accuracy']:.0f} %" for t in before]
    low = min(0.4, *(s["accuracy"] for s in [*before.values(), *after.values()]))
    chart = charts.radar(
        axes,
        {
            "base": [s["accuracy"] for s in before.values()],
            "result": [s["accuracy"] for s in after.values()],
        },
        low,
        1.0,
        "accuracy by term, before and after",
    )
    rows = [
        (
            t,
            _percent(before[t]["accuracy"]),
            _percent(after[t]["accuracy"]),
            f"{100 * after[t]['low']:.0f}–{100 * after[t]['high']:.0f}",
            str(after[t]["count"]),
            str(data.term_counts.get(t, 0)),
        )
        for t in before
    ]
    return f'<div class="radar">{chart}</div>' + _table(
        ["term", "base", "result", "95 %", "in test", "trained on"], rows
    )


def _slices(data: ReportData) -> str:
    if data.base is None or data.final is None:
        return '<p class="none">not tested yet</p>'
    before, after = data.base["test"], data.final["test"]
    named = [
        (f"{c} term{'s' * (c != '1')}", before["by_complexity"][c], after["by_complexity"][c])
        for c in before["by_complexity"]
    ]
    named += [
        (room, before["by_room_type"][room], after["by_room_type"][room])
        for room in before["by_room_type"]
        if room in after["by_room_type"]
    ]
    named += [
        ("strict (above all relation negatives)", before["strict"], after["strict"]),
        ("object (four-way)", before["object_accuracy"], after["object_accuracy"]),
    ]
    if "unseen" in data.base and "unseen" in data.final:
        named.append(
            (
                "types held out of training (unseen)",
                *(e["unseen"]["accuracy"] for e in (data.base, data.final)),
            )
        )
    return _table(
        ["slice of test", "base", "result", "n"],
        [
            (n, _percent(a["accuracy"]), _percent(b["accuracy"]), str(b["count"]))
            for n, a, b in named
        ],
    )


def _gallery(items: Sequence[GalleryItem]) -> str:
    if not items:
        return '<p class="none">no pictures yet</p>'
    parts = []
    for group in dict.fromkeys(item.group for item in items):
        figures = []
        for item in (i for i in items if i.group == group):
            uri = "data:image/png;base64," + base64.b64encode(item.image).decode()
            verdicts = "".join(
                f'<br><span class="{"tick" if text == item.caption else "cross"}">{"✓" if text == item.caption else "✗"}</span> <span class="soft">{when}: {escape(text)}</span>'
                for when, text in (("before", item.chosen_before), ("after", item.chosen_after))
            )
            figures.append(
                f'<figure><img loading="lazy" src="{uri}" alt="{escape(item.caption, quote=True)}"><figcaption><b>{escape(item.caption)}</b>{verdicts}</figcaption></figure>'
            )
        parts.append(f"<h3>{escape(group)}</h3><div class='gallery'>{''.join(figures)}</div>")
    return "".join(parts)


def render_page(data: ReportData) -> str:
    """The whole page as HTML text."""
    rounds = data.rounds
    curve = [(r.samples, 100 * r.val["accuracy"]["accuracy"]) for r in rounds]
    band = [
        (r.samples, 100 * r.val["accuracy"]["low"], 100 * r.val["accuracy"]["high"]) for r in rounds
    ]
    if data.base is not None:
        start = data.base["val"]["accuracy"]
        curve, band = (
            [(0, 100 * start["accuracy"]), *curve],
            [(0, 100 * start["low"], 100 * start["high"]), *band],
        )
    terms = list(rounds[0].val["by_term"]) if rounds else []
    complexities = [c for c in (rounds[0].val["by_complexity"] if rounds else [])]
    losses = [(i + 1, float(v)) for i, v in enumerate(v for r in rounds for v in r.losses)]
    step = max(1, len(losses) // 160)
    stages = list(rounds[0].seconds) if rounds else []
    numbers = [str(r.number) for r in rounds]
    shares = [[c / max(1, sum(r.cells)) for c in r.cells] for r in rounds]
    funnel = [
        (
            str(r.number),
            str(r.proposed),
            str(r.feasible),
            str(r.valid),
            str(r.kept),
            ", ".join(f"{k} {v}" for k, v in r.discarded.items()),
        )
        for r in rounds
    ]
    cards = [
        _card(
            "Accuracy against samples (val)",
            charts.lines(
                {"accuracy": curve},
                "accuracy against cumulative samples",
                "fine-tuning samples, cumulative",
                " %",
                band,
                50.0,
            ),
            note="Two-way accuracy, macro over six terms; band: 95 % bootstrap interval; dashed: chance.",
        ),
        _card("By term, before and after (test)", _terms(data)),
        _card(
            "By term over rounds (val)",
            charts.lines(
                {
                    t: [(r.number, 100 * r.val["by_term"][t]["accuracy"]) for r in rounds]
                    for t in terms
                },
                "accuracy by term",
                "round",
                " %",
                rule=50.0,
            ),
        ),
        _card(
            "By complexity over rounds (val)",
            charts.lines(
                {
                    f"{c} term{'s' * (c != '1')}": [
                        (r.number, 100 * r.val["by_complexity"][c]["accuracy"]) for r in rounds
                    ]
                    for c in complexities
                },
                "accuracy by complexity",
                "round",
                " %",
                rule=50.0,
            ),
        ),
        _card("Slices (test)", _slices(data)),
        _card(
            "What the agent sampled",
            charts.heat(
                numbers,
                [str(c).replace(" + ", ", ") for c in CELLS],
                shares,
                "share of each relation by round",
            ),
            note="Share of the 26 relations among each round's samples.",
        ),
        _card(
            "Reward per step",
            charts.lines(
                {
                    n: [(r.number, r.reward[n]) for r in rounds]
                    for n in (rounds[0].reward if rounds else [])
                },
                "mean reward by part",
                "round",
            ),
        ),
        _card(
            "Fine-tuning loss",
            charts.lines({"loss": losses[::step]}, "loss", "optimiser step over all rounds"),
        ),
        _card(
            "Seconds by stage",
            charts.stacked_bars(
                numbers,
                {s: [r.seconds[s] for r in rounds] for s in stages},
                "seconds by stage",
                "round",
                " s",
            ),
            note=""
            if data.orchestration_share is None
            else f"{100 * data.orchestration_share:.0f} % of the campaign's time went to orchestration, tracking, validation and start-up.",
        ),
        _card(
            "From proposals to samples",
            _table(
                [
                    "round",
                    "proposed",
                    "feasible",
                    "visible",
                    "trained on",
                    "discarded after rendering",
                ],
                funnel,
            ),
        ),
        _card("What it got wrong (test)", _gallery(data.gallery), "wide"),
        _card(
            "Where it came from",
            _table(["", ""], [*data.settings.items(), *data.lineage.items()], 9),
            "wide",
        ),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>RLS3: {escape(data.campaign)}</title><style>{_CSS}</style></head>'
        f'<body><main><p class="soft">RLS3 campaign</p><h1>{escape(data.campaign)}</h1>{_headline(data)}<div class="cards">{"".join(cards)}</div></main></body></html>\n'
    )


def write_report(data: ReportData, path: Path) -> Path:
    """Write the page; it appears only when complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(render_page(data))
    temporary.replace(path)
    return path
