"""Radar chart: one spoke a term."""

import math
from collections.abc import Mapping, Sequence

from rls3.markup import Markup, join, percent, tag
from rls3.report.charts.axes import Box, color, nice_ticks, series_legend, svg

_BOX = Box(420, 380)
_CENTER, _RADIUS = (210.0, 190.0), 138.0
Point = tuple[float, float]


def radar(
    spokes: Sequence[str],
    series: Mapping[str, Sequence[float]],
    low: float,
    high: float,
    title: str,
) -> Markup:
    """Shares between `low` (the centre) and `high` (the rim); clockwise from the top.

    Args:
        spokes: their labels; a line break starts another line.
    """

    def at(i: int, value: float) -> Point:
        angle = 2 * math.pi * i / len(spokes)
        r = _RADIUS * (min(max(value, low), high) - low) / (high - low)
        return _CENTER[0] + r * math.sin(angle), _CENTER[1] - r * math.cos(angle)

    def ring(values: Sequence[float]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(i, v) for i, v in enumerate(values)))

    levels = [level for level in nice_ticks(low, high, 4) if low < level <= high]
    drawn = svg(
        title,
        _BOX,
        *(tag("polygon", class_="ring", points=ring([v] * len(spokes))) for v in levels),
        *(_level(at(0, v), v) for v in levels),
        *(_spoke(at(i, high), text) for i, text in enumerate(spokes)),
        *(_area(ring(values), color(k)) for k, values in enumerate(series.values())),
    )
    return join([drawn, series_legend(list(series))])


def _level(at: Point, value: float) -> Markup:
    return tag("text", percent(value, 0), class_="small", x=at[0] + 4, y=at[1] + 4)


def _spoke(rim: Point, text: str) -> Markup:
    dx, dy = rim[0] - _CENTER[0], rim[1] - _CENTER[1]
    lines = text.split("\n")
    # a label at the top stands on its point, one at the bottom hangs from it
    rise = 15 * (len(lines) - 1) * (1 - dy / _RADIUS) / 2
    x, y = _CENTER[0] + 1.1 * dx, _CENTER[1] + 1.1 * dy + 4 - rise
    anchor = "middle" if abs(dx) < 20 else "start" if dx > 0 else "end"
    label = (tag("tspan", line, x=x, dy=15 if j else 0) for j, line in enumerate(lines))
    return join(
        [
            tag("line", class_="grid", x1=_CENTER[0], y1=_CENTER[1], x2=rim[0], y2=rim[1]),
            tag("text", *label, x=x, y=y, text_anchor=anchor),
        ]
    )


def _area(points: str, hue: str) -> Markup:
    return tag("polygon", class_="area", style=f"stroke:{hue};fill:{hue}", points=points)
