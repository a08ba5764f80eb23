"""Where a number lies in a drawing: ticks, and axes that map data to the units of an SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from rls3.markup import Markup, join, legend, tag

_COLORS = 8
N = TypeVar("N", int, float)


def color(index: int) -> str:
    """The page's colours, light and dark, in turn."""
    return f"var(--c{index % _COLORS + 1})"


def series_legend(names: Sequence[str]) -> Markup:
    """Of series in the order of the page's colours."""
    return legend((name, color(i)) for i, name in enumerate(names))


def nice_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers that cover [low, high]."""
    if high - low < 1e-9:  # all the same: some room about it
        low, high = low - 0.5, high + 0.5
    span = high - low
    step = 10 ** math.floor(math.log10(span / wanted))
    step *= next(m for m in (1, 2, 2.5, 5, 10) if span / (step * m) <= wanted)
    first = math.floor(low / step)
    count = max(2, math.ceil(high / step - 1e-9) - first + 1)
    return [round((first + i) * step, 10) for i in range(count)]


def thinned(values: Sequence[N], most: int = 9) -> list[N]:
    """Every so many of them, so that labels do not touch."""
    return list(values[:: math.ceil(len(values) / most) or 1])


@dataclass(frozen=True)
class Box:
    """A drawing's size and the margins that labels stand in."""

    width: float
    height: float
    left: float = 58
    right: float = 14
    top: float = 14
    bottom: float = 40


CHART = Box(480, 270)


def svg(title: str, box: Box, *body: str, kind: str = "full") -> Markup:
    """A drawing as wide as its place. kind: "full", whose text grows on a phone, or "panel"."""
    return tag(
        "svg",
        tag("title", title),
        *body,
        viewBox=f"0 0 {box.width:g} {box.height:g}",
        role="img",
        aria_label=title,
        class_=kind,
    )


@dataclass(frozen=True)
class Frame:
    """Axes over a box: x from x0 to x1, y over its ticks."""

    box: Box
    x0: float
    x1: float
    ticks: tuple[float, ...]

    @staticmethod
    def around(xs: Sequence[float], ys: Sequence[float], box: Box = CHART) -> "Frame":
        """Axes that show all of the data; at least one x and one y."""
        x0, x1 = (min(xs), max(xs)) if len(set(xs)) > 1 else (xs[0] - 0.5, xs[0] + 0.5)
        return Frame(box, x0, x1, tuple(nice_ticks(min(ys), max(ys))))

    def x(self, value: float) -> float:
        width = self.box.width - self.box.left - self.box.right
        return self.box.left + (value - self.x0) / (self.x1 - self.x0) * width

    def y(self, value: float) -> float:
        height = self.box.height - self.box.top - self.box.bottom
        low, high = self.ticks[0], self.ticks[-1]
        return self.box.height - self.box.bottom - (value - low) / (high - low) * height

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        """As the attribute `d` of an SVG path."""
        return " ".join(
            f"{'L' if i else 'M'}{self.x(a):.1f},{self.y(b):.1f}" for i, (a, b) in enumerate(points)
        )

    def across(self, value: float, kind: str) -> Markup:
        """A horizontal line; kind: "grid" or "rule"."""
        y = self.y(value)
        return tag(
            "line", class_=kind, x1=self.box.left, x2=self.box.width - self.box.right, y1=y, y2=y
        )

    def axes(self, x_ticks: Sequence[float], x_label: str, unit: str) -> Markup:
        """Grid lines with their numbers, and what x is."""
        return join(
            [
                *(self.across(t, "grid") for t in self.ticks),
                *(self._y_number(t, unit) for t in self.ticks),
                *(self.x_number(self.x(t), f"{t:g}") for t in x_ticks),
                self._x_label(x_label),
            ]
        )

    def _y_number(self, value: float, unit: str) -> Markup:
        y = self.y(value) + 4
        return tag("text", f"{value:g}{unit}", x=self.box.left - 6, y=y, text_anchor="end")

    def x_number(self, x: float, text: str) -> Markup:
        """Under the axis, at an x in the drawing's units."""
        y = self.box.height - self.box.bottom + 17
        return tag("text", text, x=x, y=y, text_anchor="middle")

    def _x_label(self, text: str) -> Markup:
        x = (self.box.width + self.box.left - self.box.right) / 2
        return tag("text", text, class_="axis", x=x, y=self.box.height - 5, text_anchor="middle")
