"""Charts as SVG strings: pure functions of numbers. Colours come from the page's CSS variables (light and dark)."""

import math
from collections.abc import Mapping, Sequence
from html import escape

Points = Sequence[tuple[float, float]]
WIDTH, HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 14, 40
PALETTE = ("--c1", "--c2", "--c3", "--c4", "--c5", "--c6", "--c7", "--c8")


def nice_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers that cover [low, high]."""
    span = max(high - low, 1e-9)
    step = 10 ** math.floor(math.log10(span / wanted))
    step *= next(m for m in (1, 2, 2.5, 5, 10) if span / (step * m) <= wanted)
    first = math.floor(low / step)
    count = max(2, math.ceil(high / step - 1e-9) - first + 1)
    return [round((first + i) * step, 10) for i in range(count)]


class _Frame:
    """Axes: maps data to pixels."""

    def __init__(
        self, xs: Sequence[float], ys: Sequence[float], y_range: tuple[float, float] | None = None
    ) -> None:
        self.x0, self.x1 = (min(xs), max(xs)) if len(set(xs)) > 1 else (xs[0] - 0.5, xs[0] + 0.5)
        self.ticks = nice_ticks(*(y_range or (min(ys), max(ys))))
        self.y0, self.y1 = self.ticks[0], self.ticks[-1]

    def x(self, value: float) -> float:
        return _LEFT + (value - self.x0) / (self.x1 - self.x0) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return (
            HEIGHT - _BOTTOM - (value - self.y0) / (self.y1 - self.y0) * (HEIGHT - _TOP - _BOTTOM)
        )

    def path(self, points: Points) -> str:
        return " ".join(
            f"{'M' if i == 0 else 'L'}{self.x(a):.1f},{self.y(b):.1f}"
            for i, (a, b) in enumerate(points)
        )

    def axes(self, x_ticks: Sequence[float], x_label: str, unit: str) -> str:
        lines = [
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{self.y(t):.1f}" y2="{self.y(t):.1f}"/><text x="{_LEFT - 6}" y="{self.y(t) + 4:.1f}" text-anchor="end">{t:g}{unit}</text>'
            for t in self.ticks
        ]
        lines += [
            f'<text x="{self.x(t):.1f}" y="{HEIGHT - _BOTTOM + 17}" text-anchor="middle">{t:g}</text>'
            for t in x_ticks
        ]
        lines.append(
            f'<text class="axis" x="{(WIDTH + _LEFT) / 2:.0f}" y="{HEIGHT - 5}" text-anchor="middle">{escape(x_label)}</text>'
        )
        return "".join(lines)


def _svg(body: str, title: str, width: int = WIDTH, height: int = HEIGHT) -> str:
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title, quote=True)}"><title>{escape(title)}</title>{body}</svg>'


def _legend(names: Sequence[str]) -> str:
    return (
        '<p class="legend">'
        + "".join(
            f'<span><i style="background:var({PALETTE[i % 8]})"></i>{escape(n)}</span>'
            for i, n in enumerate(names)
        )
        + "</p>"
    )


def _thinned(xs: Sequence[float], most: int = 9) -> list[float]:
    step = math.ceil(len(xs) / most)
    return list(xs[::step])


def lines(
    series: Mapping[str, Points],
    title: str,
    x_label: str,
    unit: str = "",
    band: Sequence[tuple[float, float, float]] = (),
    rule: float | None = None,
) -> str:
    """Line chart; `band` is (x, low, high) around the first series; `rule` a horizontal reference."""
    xs = sorted({x for points in series.values() for x, _ in points})
    ys = (
        [y for points in series.values() for _, y in points]
        + [v for _, low, high in band for v in (low, high)]
        + ([rule] if rule is not None else [])
    )
    if not xs:
        return '<p class="none">nothing to show yet</p>'
    frame = _Frame(xs, ys)
    body = frame.axes(_thinned(xs), x_label, unit)
    if band:
        outline = [(x, high) for x, _, high in band] + [(x, low) for x, low, _ in reversed(band)]
        body += f'<path class="band" d="{frame.path(outline)}Z"/>'
    if rule is not None:
        body += f'<line class="rule" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{frame.y(rule):.1f}" y2="{frame.y(rule):.1f}"/>'
    for i, (name, points) in enumerate(series.items()):
        color = f"var({PALETTE[i % 8]})"
        body += f'<path class="line" style="stroke:{color}" d="{frame.path(points)}"/>'
        body += "".join(
            f'<circle r="3" style="fill:{color}" cx="{frame.x(a):.1f}" cy="{frame.y(b):.1f}"><title>{escape(name)}: {b:.4g}{unit} at {a:g}</title></circle>'
            for a, b in points
        )
    return _svg(body, title) + (_legend(list(series)) if len(series) > 1 else "")


def stacked_bars(
    groups: Sequence[str],
    parts: Mapping[str, Sequence[float]],
    title: str,
    x_label: str,
    unit: str = "",
) -> str:
    """One bar a group; each part a segment."""
    totals = [sum(values[i] for values in parts.values()) for i in range(len(groups))]
    if not groups:
        return '<p class="none">nothing to show yet</p>'
    frame = _Frame([0.0, float(len(groups))], [0.0, max([*totals, 1e-6])])
    slot = (WIDTH - _LEFT - _RIGHT) / len(groups)
    body = frame.axes([], x_label, unit)
    base = [0.0] * len(groups)
    for k, (name, values) in enumerate(parts.items()):
        for i, value in enumerate(values):
            top, bottom = frame.y(base[i] + value), frame.y(base[i])
            body += f'<rect style="fill:var({PALETTE[k % 8]})" x="{_LEFT + slot * (i + 0.15):.1f}" width="{slot * 0.7:.1f}" y="{top:.1f}" height="{max(0.0, bottom - top):.1f}"><title>{escape(name)}, {escape(groups[i])}: {value:.3g}{unit}</title></rect>'
            base[i] += value
    body += "".join(
        f'<text x="{_LEFT + slot * (i + 0.5):.1f}" y="{HEIGHT - _BOTTOM + 17}" text-anchor="middle">{escape(g)}</text>'
        for i, g in enumerate(groups)
    )
    return _svg(body, title) + _legend(list(parts))


def radar(
    axes: Sequence[str], series: Mapping[str, Sequence[float]], low: float, high: float, title: str
) -> str:
    """Radar chart of shares in [low, high]; axes clockwise from the top."""
    size, radius = 420, 138
    cx = cy = size / 2

    def at(i: int, value: float) -> tuple[float, float]:
        angle = 2 * math.pi * i / len(axes)
        r = radius * (min(max(value, low), high) - low) / (high - low)
        return cx + r * math.sin(angle), cy - r * math.cos(angle)

    def ring(values: Sequence[float]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(i, v) for i, v in enumerate(values)))

    body = ""
    for level in nice_ticks(low, high, 4):
        if low < level <= high:
            x, y = at(0, level)
            body += f'<polygon class="ring" points="{ring([level] * len(axes))}"/><text class="small" x="{x + 4:.1f}" y="{y + 4:.1f}">{100 * level:.0f} %</text>'
    for i, name in enumerate(axes):
        x, y = at(i, high)
        tx, ty = cx + (x - cx) * 1.2, cy + (y - cy) * 1.16
        anchor = "middle" if abs(tx - cx) < 20 else ("start" if tx > cx else "end")
        label = "".join(
            f'<tspan x="{tx:.1f}" dy="{0 if j == 0 else 15}">{escape(line)}</tspan>'
            for j, line in enumerate(name.split("\n"))
        )
        body += f'<line class="grid" x1="{cx}" y1="{cy}" x2="{x:.1f}" y2="{y:.1f}"/><text x="{tx:.1f}" y="{ty:.1f}" text-anchor="{anchor}">{label}</text>'
    for k, values in enumerate(series.values()):
        color = f"var({PALETTE[k % 8]})"
        body += (
            f'<polygon class="area" style="stroke:{color};fill:{color}" points="{ring(values)}"/>'
        )
    return _svg(body, title, size, size) + _legend(list(series))


def heat(
    rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]], title: str
) -> str:
    """Heat map of shares (each row sums to 1 or less); darker is more."""
    left, top, cell_h = 34, 96, 20
    width = WIDTH
    cell_w = (width - left - 4) / max(1, len(columns))
    most = max((v for row in values for v in row), default=1.0) or 1.0
    body = "".join(
        f'<text class="small" transform="translate({left + cell_w * (j + 0.62):.1f},{top - 6}) rotate(-60)">{escape(c)}</text>'
        for j, c in enumerate(columns)
    )
    for i, row in enumerate(values):
        y = top + i * cell_h
        body += f'<text class="small" x="{left - 5}" y="{y + 14}" text-anchor="end">{escape(rows[i])}</text>'
        for j, v in enumerate(row):
            body += f'<rect class="cell" style="fill-opacity:{0.06 + 0.94 * v / most:.3f}" x="{left + j * cell_w:.1f}" y="{y}" width="{cell_w - 1:.1f}" height="{cell_h - 1}"><title>{escape(columns[j])}, round {escape(rows[i])}: {100 * v:.1f} %</title></rect>'
    return _svg(body, title, width, top + cell_h * len(rows) + 6)
