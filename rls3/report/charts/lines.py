"""Lines over samples, steps or rounds."""

from collections.abc import Mapping, Sequence

from rls3.markup import Markup, join, missing, tag
from rls3.report.charts.axes import CHART, Frame, color, nice_ticks, series_legend, svg, thinned

Points = Sequence[tuple[float, float]]
Band = Sequence[tuple[float, float, float]]
"""(x, low, high)."""

_MOST_DOTS = 60


def lines(
    series: Mapping[str, Points],
    title: str,
    x_label: str,
    unit: str = "",
    *,
    band: Band = (),
    rule: float | None = None,
    each_x: bool = False,
) -> Markup:
    """Line chart.

    Args:
        band: around the first series. rule: a horizontal reference.
        each_x: x are rounds, labelled as they occur; else round numbers are.
    """
    xs = sorted({x for points in series.values() for x, _ in points})
    if not xs:
        return missing("Nothing to show yet.")
    ys = [y for points in series.values() for _, y in points]
    ys += [v for _, low, high in band for v in (low, high)]
    frame = Frame.around(xs, ys if rule is None else [*ys, rule])
    x_ticks = thinned(xs) if each_x or len(xs) == 1 else _within(xs[0], xs[-1])
    drawn = svg(
        title,
        CHART,
        frame.axes(x_ticks, x_label, unit),
        _band(frame, band) if band else Markup(),
        Markup() if rule is None else frame.across(rule, "rule"),
        *(_line(frame, i, name, points, unit) for i, (name, points) in enumerate(series.items())),
    )
    return join([drawn, series_legend(list(series)) if len(series) > 1 else Markup()])


def _within(low: float, high: float) -> list[float]:
    return [tick for tick in nice_ticks(low, high) if low <= tick <= high]


def _band(frame: Frame, band: Band) -> Markup:
    if len(band) == 1:
        x, low, high = band[0]
        bar = {"x1": frame.x(x), "x2": frame.x(x), "y1": frame.y(low), "y2": frame.y(high)}
        return tag("line", class_="whisker", style=f"--hue:{color(0)}", **bar)
    outline = [(x, high) for x, _, high in band] + [(x, low) for x, low, _ in reversed(band)]
    return tag("path", class_="band", d=frame.path(outline) + "Z")


def _line(frame: Frame, index: int, name: str, points: Points, unit: str) -> Markup:
    path = tag("path", class_="line", style=f"stroke:{color(index)}", d=frame.path(points))
    dots = (
        tag(
            "circle",
            tag("title", f"{name}: {y:.4g}{unit} at {x:g}"),
            r=3,
            style=f"fill:{color(index)}",
            cx=frame.x(x),
            cy=frame.y(y),
        )
        for x, y in points
    )
    return join([path, *(dots if len(points) <= _MOST_DOTS else ())])
