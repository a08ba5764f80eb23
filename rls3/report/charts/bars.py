"""Stacked bars."""

from collections.abc import Mapping, Sequence

from rls3.markup import Markup, join, missing, tag
from rls3.report.charts.axes import CHART, Frame, color, series_legend, svg, thinned

Parts = Mapping[str, Sequence[float]]
"""By name, a value for each bar."""


def stacked_bars(
    bars: Sequence[str], parts: Parts, title: str, x_label: str, unit: str = ""
) -> Markup:
    """One bar for each name in `bars`; each part a segment."""
    if not bars:
        return missing("Nothing to show yet.")
    totals = [sum(values[i] for values in parts.values()) for i in range(len(bars))]
    frame = Frame.around([0.0, float(len(bars))], [0.0, max(*totals, 1e-6)])
    drawn = svg(
        title,
        CHART,
        frame.axes([], x_label, unit),
        *(_bar(frame, i, name, parts, unit) for i, name in enumerate(bars)),
        *(frame.x_number(frame.x(i + 0.5), bars[i]) for i in thinned(range(len(bars)))),
    )
    return join([drawn, series_legend(list(parts))])


def _bar(frame: Frame, i: int, bar: str, parts: Parts, unit: str) -> Markup:
    left, right = frame.x(i + 0.15), frame.x(i + 0.85)
    segments, base = [], 0.0
    for k, (name, values) in enumerate(parts.items()):
        top = base + values[i]
        segments.append(
            tag(
                "rect",
                tag("title", f"{name}, {bar}: {values[i]:.3g}{unit}"),
                style=f"fill:{color(k)}",
                x=left,
                width=right - left,
                y=frame.y(top),
                height=max(0.0, frame.y(base) - frame.y(top)),
            )
        )
        base = top
    return join(segments)
