"""How numbers spread, round by round."""

from collections.abc import Mapping, Sequence

from rls3.loop.records import Spread
from rls3.markup import Markup, join, tag
from rls3.report.charts.axes import Box, Frame, nice_ticks, svg, thinned

_PANEL = Box(320, 200, left=40, right=8, top=10, bottom=38)


def common_ticks(spreads: Sequence[Spread]) -> list[float]:
    """Of y, for panels side by side; at least one spread."""
    lows, highs = [s.p5 for s in spreads], [s.p95 for s in spreads]
    return nice_ticks(min(0.0, *lows), max(0.0, *highs))


def boxes(spreads: Mapping[int, Spread], ticks: Sequence[float], title: str, hue: str) -> Markup:
    """A box a round: a thin line from 5 % to 95 %, a box from 25 % to 75 %, the median across it.

    Args:
        spreads: by round; at least one. ticks: of y. hue: its colour as CSS.
    """
    frame = Frame(_PANEL, 0.0, float(len(spreads)), tuple(ticks))
    rounds = list(spreads)
    return svg(
        title,
        _PANEL,
        frame.axes([], "round", ""),
        frame.across(0.0, "rule"),
        *(_box(frame, i, n, spread, hue) for i, (n, spread) in enumerate(spreads.items())),
        *(frame.x_number(frame.x(i + 0.5), str(rounds[i])) for i in thinned(range(len(rounds)))),
        kind="panel",
    )


def _box(frame: Frame, i: int, number: int, spread: Spread, hue: str) -> Markup:
    left, middle, right = (frame.x(i + part) for part in (0.2, 0.5, 0.8))
    y5, y25, y50, y75, y95 = (
        frame.y(v) for v in (spread.p5, spread.p25, spread.p50, spread.p75, spread.p95)
    )
    parts = [
        tag("title", _in_words(number, spread)),
        tag("line", class_="whisker", x1=middle, x2=middle, y1=y95, y2=y5),
        tag("rect", class_="box", x=left, width=right - left, y=y75, height=y25 - y75),
        tag("line", class_="median", x1=left, x2=right, y1=y50, y2=y50),
    ]
    return tag("g", join(parts), style=f"--hue:{hue}")


def _in_words(number: int, spread: Spread) -> str:
    return (
        f"round {number}: median {spread.p50:+.2f}, middle half {spread.p25:+.2f} to "
        f"{spread.p75:+.2f}, nine in ten {spread.p5:+.2f} to {spread.p95:+.2f}, "
        f"mean {spread.mean:+.3f}"
    )
