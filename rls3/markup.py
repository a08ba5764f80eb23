"""HTML and SVG as text, and the blocks that cards are made of.

Text is escaped unless it is `Markup` already, so nothing that a campaign names can become markup.
"""

import math
from collections.abc import Iterable, Sequence
from html import escape

_VOID = frozenset({"img", "br", "meta"})
_SHAPES = frozenset({"line", "rect", "circle", "path", "polygon"})


class Markup(str):
    """Text that is HTML or SVG already."""

    __slots__ = ()


def join(parts: Iterable[str], between: Markup = Markup("")) -> Markup:
    """One piece of markup; what is plain text is escaped."""
    return Markup(between.join(map(_safe, parts)))


def _safe(part: str) -> str:
    return part if isinstance(part, Markup) else escape(part)


def tag(name: str, *children: str, **attributes: str | float) -> Markup:
    """An element. `class_` is class, `text_anchor` is text-anchor; numbers get one decimal."""
    opening = name + "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_attribute(value))}"'
        for key, value in attributes.items()
    )
    if not children and name in _VOID:
        return Markup(f"<{opening}>")
    if not children and name in _SHAPES:
        return Markup(f"<{opening}/>")
    return Markup(f"<{opening}>{join(children)}</{name}>")


def _attribute(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")


def percent(share: float, decimals: int = 1) -> str:
    """0.512 -> "51.2 %"; a dash for what was not measured."""
    return "–" if math.isnan(share) else f"{100 * share:.{decimals}f} %"


def hundredths(share: float, sign: str = "") -> str:
    """0.512 -> "51.2"; with sign "+" it is "+51.2"."""
    return "–" if math.isnan(share) else f"{100 * share:{sign}.1f}"


def points(gain: float) -> str:
    """0.28 -> "+28.0 points"."""
    return f"{hundredths(gain, '+')} points"


def counted(n: int, thing: str) -> str:
    """(1, "round") -> "1 round"; (2000, "sample") -> "2,000 samples"."""
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def missing(sentence: str) -> Markup:
    """What is said where there is nothing to show."""
    return tag("p", sentence, class_="none")


def note(text: str) -> Markup:
    """Small print under a chart."""
    return tag("p", text, class_="soft note")


def card(title: str, *body: str, wide: bool = False) -> Markup:
    """A section of the page."""
    return tag("section", tag("h2", title), *body, class_="card wide" if wide else "card")


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], texts: Sequence[int] = (0,)
) -> Markup:
    """head: [] for none. texts: the columns that hold text; the others are aligned as numbers."""

    def row(name: str, cells: Sequence[str]) -> Markup:
        kinds = ("text" if i in texts else "n" for i in range(len(cells)))
        return tag("tr", *(tag(name, cell, class_=kind) for cell, kind in zip(cells, kinds)))

    body = tag("tbody", *(row("td", cells) for cells in rows))
    whole = tag("table", tag("thead", row("th", head)) if head else Markup(), body)
    return tag("div", whole, class_="scroll")


def legend(entries: Iterable[tuple[str, str]]) -> Markup:
    """(name, colour as CSS) side by side."""
    return tag(
        "p",
        *(tag("span", tag("i", style=f"background:{color}"), name) for name, color in entries),
        class_="legend",
    )


def duration(seconds: float) -> str:
    """289 -> "289 s"; 2880 -> "48 min"; 12240 -> "3.4 h"."""
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
