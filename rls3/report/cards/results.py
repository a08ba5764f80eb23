"""What the model knows: accuracy over the campaign, by term, by slice, and in pictures."""

import base64
import math
from collections.abc import Sequence

from rls3.evaluation.gallery import GalleryItem
from rls3.evaluation.metrics import Evaluation, Slice
from rls3.loop.records import EvaluateRecord, ValidateRecord
from rls3.markup import Markup, card, join, missing, note, percent, table, tag
from rls3.report.charts.lines import Points, lines
from rls3.report.charts.radar import radar
from rls3.report.state import CampaignState, Comparison

_CHANCE = 50.0


def _whose(state: CampaignState) -> str:
    """Which models a comparison is of, for the title of a card."""
    comparison = state.comparison
    if comparison is None:
        return "not judged yet"
    return "test" if comparison.split == "test" else f"val, round {comparison.round}"


# -- over the campaign ----------------------------------------------------------------------------


def accuracy_curve(state: CampaignState) -> Markup:
    """Accuracy on val against the samples trained on so far."""
    title = "Accuracy against samples (val)"
    found = _by_samples(state)
    if not found:
        return card(title, missing("No model has been judged yet."))
    chart = lines(
        {"accuracy": [(x, 100 * s.accuracy) for x, s in found]},
        "accuracy against cumulative samples",
        "fine-tuning samples, cumulative",
        " %",
        band=[(x, 100 * s.low, 100 * s.high) for x, s in found],
        rule=_CHANCE,
    )
    small = "Two-way accuracy, macro over six terms; band: 95 % bootstrap interval; dashed: chance."
    return card(title, chart, note(small))


def _by_samples(state: CampaignState) -> list[tuple[float, Slice]]:
    """(samples trained on so far, accuracy on val), from the starting model on."""
    found = [(0.0, state.base_on_val.accuracy)] if state.base_on_val else []
    evaluated, samples = state.noted(EvaluateRecord), 0
    for number, validated in state.noted(ValidateRecord).items():
        samples += validated.kept
        if number in evaluated:
            found.append((float(samples), evaluated[number].val.accuracy))
    return [(x, s) for x, s in found if not math.isnan(s.accuracy)]


def _judged(state: CampaignState) -> dict[int, Evaluation]:
    """On val by round; 0 is the starting model."""
    base = {0: state.base_on_val} if state.base_on_val else {}
    return base | {n: record.val for n, record in state.noted(EvaluateRecord).items()}


def _over_rounds(found: dict[int, Slice]) -> Points:
    return [(float(n), 100 * s.accuracy) for n, s in found.items() if not math.isnan(s.accuracy)]


def terms_over_rounds(state: CampaignState) -> Markup:
    """Accuracy on val by term."""
    judged = _judged(state)
    terms = dict.fromkeys(term for evaluation in judged.values() for term in evaluation.by_term)
    series = {
        term: _over_rounds({n: e.by_term[term] for n, e in judged.items() if term in e.by_term})
        for term in terms
    }
    return _rounds_card("By term over rounds (val)", "accuracy by term", series)


def complexities_over_rounds(state: CampaignState) -> Markup:
    """Accuracy on val by the number of terms in the caption."""
    by_round = {n: e.slices.get("complexity", {}) for n, e in _judged(state).items()}
    values = sorted({value for slices in by_round.values() for value in slices})
    series = {
        _slice_name("complexity", value): _over_rounds(
            {n: slices[value] for n, slices in by_round.items() if value in slices}
        )
        for value in values
    }
    return _rounds_card("By complexity over rounds (val)", "accuracy by complexity", series)


def _rounds_card(title: str, label: str, series: dict[str, Points]) -> Markup:
    if not any(series.values()):
        return card(title, missing("No model has been judged yet."))
    x_label = "round (0: the starting model)"
    return card(title, lines(series, label, x_label, " %", rule=_CHANCE, each_x=True))


# -- before and after -----------------------------------------------------------------------------


def terms(state: CampaignState) -> Markup:
    """Base against result, by term."""
    title = f"By term, before and after ({_whose(state)})"
    comparison = state.comparison
    if comparison is None:
        return card(title, missing("There are no two models to compare yet."))
    if not comparison.after.by_term:
        return card(title, missing("No false caption of this benchmark flips a term."))
    return card(title, _terms_radar(comparison), _terms_table(state, comparison))


def _terms_radar(comparison: Comparison) -> Markup:
    both = {
        name: [found.accuracy for found in evaluation.by_term.values()]
        for name, evaluation in (("base", comparison.before), (comparison.later, comparison.after))
    }
    values = [value for series in both.values() for value in series]
    if any(map(math.isnan, values)):  # the table says which
        return Markup()
    after = comparison.after.by_term
    spokes = [f"{term}\n{percent(found.accuracy, 0)}" for term, found in after.items()]
    chart = radar(spokes, both, min(0.4, *values), 1.0, "accuracy by term, before and after")
    return tag("div", chart, class_="radar")


def _terms_table(state: CampaignState, comparison: Comparison) -> Markup:
    validated = state.noted(ValidateRecord).items()
    seen = [r.balance.get("term", {}) for n, r in validated if n <= comparison.round]
    rows = [
        (
            term,
            percent(comparison.before.by_term[term].accuracy),
            percent(found.accuracy),
            f"{percent(found.low, 0)} – {percent(found.high, 0)}".replace(" % –", " –"),
            str(found.count),
            f"{sum(counts.get(term, 0) for counts in seen):,}",
        )
        for term, found in comparison.after.by_term.items()
    ]
    return table(["term", "base", comparison.later, "95 %", "n", "samples"], rows)


def slices(state: CampaignState) -> Markup:
    """Base against result, by every other slice."""
    title = f"Slices ({_whose(state)})"
    comparison = state.comparison
    if comparison is None:
        return card(title, missing("There are no two models to compare yet."))
    named = _named_slices(comparison.before, comparison.after) + _unseen(state)
    rows = [
        (name, percent(a.accuracy), percent(b.accuracy), f"{b.count:,}") for name, a, b in named
    ]
    return card(title, table(["slice", "base", comparison.later, "n"], rows))


def _named_slices(before: Evaluation, after: Evaluation) -> list[tuple[str, Slice, Slice]]:
    named = [
        (_slice_name(axis, value), before.slices[axis][value], found)
        for axis, values in after.slices.items()
        for value, found in values.items()
        if value in before.slices.get(axis, {})
    ]
    return [
        *named,
        ("strict (above all relation negatives)", before.strict, after.strict),
        ("object (four-way)", before.object_accuracy, after.object_accuracy),
    ]


def _slice_name(axis: str, value: str) -> str:
    if axis == "complexity":
        return f"{value} term" if value == "1" else f"{value} terms"
    return value if axis == "room type" else f"{axis}: {value}"


def _unseen(state: CampaignState) -> list[tuple[str, Slice, Slice]]:
    test = state.evaluation
    if test is None or "unseen" not in test.base:
        return []
    name = "types held out of training (unseen)"
    return [(name, test.base["unseen"].accuracy, test.final["unseen"].accuracy)]


# -- in pictures ----------------------------------------------------------------------------------


def gallery(state: CampaignState) -> Markup:
    """A few pictures of each group, with what was said before and after."""
    shown = state.gallery
    if shown is None:
        return card("What it got wrong", missing("No pictures have been saved yet."), wide=True)
    title = f"What it got wrong ({shown.split}, the base model against round {shown.round})"
    groups = dict.fromkeys(item.group for item in shown.items)
    parts = [_group(g, [i for i in shown.items if i.group == g]) for g in groups]
    return card(title, *(parts or [missing("No picture falls into a group.")]), wide=True)


def _group(name: str, items: Sequence[GalleryItem]) -> Markup:
    figures = tag("div", *map(_figure, items), class_="gallery")
    return join([tag("h3", name), figures])


def _figure(item: GalleryItem) -> Markup:
    picture = tag("img", loading="lazy", src=_data_uri(item.image), alt=item.caption)
    said = [
        _said("before", item.chosen_before, item.caption),
        _said("after", item.chosen_after, item.caption),
    ]
    known = [f"{axis}: {value}" for axis, value in item.slices.items()]
    told = "; ".join([*known, item.item_id])
    return tag("figure", picture, tag("figcaption", tag("b", item.caption), *said), title=told)


def _said(when: str, chosen: str, truth: str) -> Markup:
    right = chosen == truth
    mark = tag("span", "✓" if right else "✗", class_="tick" if right else "cross")
    return tag(
        "div", mark, tag("span", f" {when}" if right else f" {when}: {chosen}", class_="soft")
    )


def _data_uri(image: bytes) -> str:
    kind = "jpeg" if image.startswith(b"\xff\xd8") else "png"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"
