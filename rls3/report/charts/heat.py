"""Tables of coloured cells, a column a round."""

from collections.abc import Sequence
from dataclasses import dataclass

from rls3.markup import Markup, join, tag
from rls3.report.charts.axes import Box, svg, thinned

_TEXT_FITS = 30.0


@dataclass(frozen=True)
class Shade:
    """strength: -1..1; negative is another colour than positive. title: what a pointer is told."""

    strength: float
    text: str
    title: str


@dataclass(frozen=True)
class Grid:
    """How large a table is, in the drawing's units."""

    width: float
    names: float
    """Width of the rows' names."""
    row: float
    kind: str
    """As of `rls3.report.charts.axes.svg`; "plain" has one colour of its own."""


RELATIONS = Grid(480, 172, 20, "full plain")
TERMS = Grid(380, 62, 34, "panel")
_HEAD = 22.0


def heat(
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[Shade | None]],
    title: str,
    grid: Grid,
) -> Markup:
    """One row of cells a name; None is a cell of which nothing is known.

    Args:
        cells: (rows, columns). columns: numbers of rounds; at least one.
    """
    step = (grid.width - grid.names) / len(columns)
    height = _HEAD + grid.row * len(rows) + 2
    return svg(
        title,
        Box(grid.width, height),
        tag("text", "round", x=grid.names - 8, y=_HEAD - 7, text_anchor="end"),
        *(_head(grid.names + step * (j + 0.5), columns[j]) for j in thinned(range(len(columns)))),
        *(_name(grid, i, name) for i, name in enumerate(rows)),
        *(
            _drawn(cell, grid.names + step * j, _HEAD + grid.row * i, step, grid.row)
            for i, row in enumerate(cells)
            for j, cell in enumerate(row)
        ),
        kind=grid.kind,
    )


def _head(x: float, text: str) -> Markup:
    return tag("text", text, x=x, y=_HEAD - 7, text_anchor="middle")


def _name(grid: Grid, i: int, text: str) -> Markup:
    y = _HEAD + grid.row * (i + 0.5) + 4
    return tag("text", text, x=grid.names - 8, y=y, text_anchor="end")


def _drawn(cell: Shade | None, x: float, y: float, width: float, height: float) -> Markup:
    gap = 1.0 if width > 4 else 0.0
    place = {"x": x, "y": y, "width": width - gap, "height": height - 1}
    if cell is None:
        return tag("rect", class_="unknown", **place)
    kind = "more" if cell.strength >= 0 else "less"
    opacity = f"fill-opacity:{0.05 + 0.75 * min(1.0, abs(cell.strength)):.3f}"
    rect = tag("rect", tag("title", cell.title), class_=kind, style=opacity, **place)
    if not cell.text or width < _TEXT_FITS:
        return rect
    at = {"x": x + width / 2, "y": y + height / 2 + 4}
    return join([rect, tag("text", cell.text, class_="value", text_anchor="middle", **at)])
