"""The page: one HTML file, everything inline, which reads as well offline and on a phone."""

from collections.abc import Callable
from importlib import resources

from rls3.markup import Markup, tag
from rls3.report.cards import results, sampling, standing, teaching, work
from rls3.report.state import CampaignState

CARDS: tuple[Callable[[CampaignState], Markup], ...] = (
    results.accuracy_curve,
    results.terms_over_rounds,
    results.terms,
    sampling.relations,
    teaching.chain,
    teaching.distribution,
    teaching.following,
    results.slices,
    results.complexities_over_rounds,
    work.loss,
    sampling.funnel,
    work.seconds,
    results.gallery,
    work.origin,
)
"""In the order of the page."""


def render_page(state: CampaignState) -> str:
    """The whole page as HTML text."""
    main = tag(
        "main",
        tag("p", "RLS3 campaign", class_="soft"),
        tag("h1", state.name),
        standing.standing(state),
        standing.headline(state),
        tag("div", *(card(state) for card in CARDS), class_="cards"),
    )
    page = tag("html", _head(state.name), tag("body", main), lang="en")
    return f"<!doctype html>{page}\n"


def _head(name: str) -> Markup:
    style = Markup(resources.files(__package__).joinpath("style.css").read_text("utf-8"))
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name_="viewport", content="width=device-width,initial-scale=1"),
        tag("title", f"RLS3: {name}"),
        tag("style", style),
    )
