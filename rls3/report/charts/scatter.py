"""Two numbers of each of many things, with the line that fits them best."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import StatisticsError, linear_regression

from rls3.markup import Markup, join, tag
from rls3.report.charts.axes import Box, Frame, svg

_BOX = Box(480, 320, bottom=42)


@dataclass(frozen=True)
class Dot:
    """radius: in the drawing's units. title: what a pointer is told."""

    x: float
    y: float
    radius: float
    title: str


def scatter(
    dots: Sequence[Dot], title: str, x_label: str, unit: str, corners: tuple[str, str]
) -> Markup:
    """Dots about (0, 0); the quadrants in which x and y have one sign are shaded.

    Args:
        dots: at least one. unit: of y.
        corners: what the shaded quadrants mean: both above zero, both below.
    """
    reach = max(abs(dot.x) for dot in dots) * 1.05 or 1.0
    height = max(abs(dot.y) for dot in dots) * 1.05 or 1.0
    frame = Frame.around([-reach, reach], [-height, height], _BOX)
    ticks = [t for t in Frame.around([0.0], [-reach, reach]).ticks if abs(t) <= reach]
    return svg(
        title,
        _BOX,
        _quadrants(frame, corners),
        frame.axes(ticks, x_label, unit),
        frame.across(0.0, "rule"),
        *(_dot(frame, dot) for dot in dots),
        _trend(frame, dots),
    )


def _quadrants(frame: Frame, corners: tuple[str, str]) -> Markup:
    low, high = frame.ticks[0], frame.ticks[-1]
    x0, x_mid, x1 = frame.x(frame.x0), frame.x(0.0), frame.x(frame.x1)
    top, y_mid, bottom = frame.y(high), frame.y(0.0), frame.y(low)
    shaded = [
        tag("rect", class_="follows", x=x_mid, width=x1 - x_mid, y=top, height=y_mid - top),
        tag("rect", class_="follows", x=x0, width=x_mid - x0, y=y_mid, height=bottom - y_mid),
        tag("line", class_="rule", x1=x_mid, x2=x_mid, y1=top, y2=bottom),
        tag("text", corners[0], class_="corner", x=x1 - 8, y=top + 18, text_anchor="end"),
        tag("text", corners[1], class_="corner", x=x0 + 8, y=bottom - 10),
    ]
    return join(shaded)


def _dot(frame: Frame, dot: Dot) -> Markup:
    at = {"cx": frame.x(dot.x), "cy": frame.y(dot.y), "r": dot.radius}
    return tag("circle", tag("title", dot.title), class_="dot", **at)


def _trend(frame: Frame, dots: Sequence[Dot]) -> Markup:
    """The least-squares line over the range of the dots; none if they have one x."""
    xs, ys = [dot.x for dot in dots], [dot.y for dot in dots]
    try:
        slope, intercept = linear_regression(xs, ys)
    except StatisticsError:
        return Markup()
    ends = [(x, intercept + slope * x) for x in (min(xs), max(xs))]
    return tag("path", class_="trend", d=frame.path(ends))
