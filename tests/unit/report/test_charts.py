import re

import pytest

from rls3.loop.records import Spread
from rls3.markup import Markup, duration, join, tag
from rls3.report.charts.axes import nice_ticks, thinned
from rls3.report.charts.bars import stacked_bars
from rls3.report.charts.boxes import boxes, common_ticks
from rls3.report.charts.heat import TERMS, Shade, heat
from rls3.report.charts.lines import lines
from rls3.report.charts.radar import radar
from rls3.report.charts.scatter import Dot, scatter


def numbers(name: str, svg: str) -> list[float]:
    return [float(value) for value in re.findall(rf'{name}="([\d.-]+)"', svg)]


def test_ticks_are_round_and_cover_the_data():
    assert nice_ticks(0, 1, 5) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert nice_ticks(0.2, 0.2)[0] < 0.2 < nice_ticks(0.2, 0.2)[-1]
    for low, high in ((-0.41, 0.74), (3, 800), (1e-4, 2e-4)):
        ticks = nice_ticks(low, high)
        assert ticks[0] <= low and high <= ticks[-1] and len(ticks) <= 8
    assert thinned(range(40)) == [0, 5, 10, 15, 20, 25, 30, 35] and thinned([]) == []


def test_a_line_starts_and_ends_in_the_corners():
    assert "M58.0,230.0 L466.0,14.0" in lines({"a": [(0, 0), (10, 100)]}, "t", "x")


def test_a_line_of_one_point_shows_its_interval():
    svg = lines({"a": [(0, 50)]}, "t", "x", band=[(0, 45, 55)])
    (bar,) = re.findall(r'<line class="whisker"[^>]*>', svg)
    assert numbers("x1", bar) == numbers("cx", svg)
    assert numbers("y2", bar)[0] < numbers("cy", svg)[0] < numbers("y1", bar)[0]


def test_segments_are_as_high_as_their_values():
    heights = numbers("height", stacked_bars(["1"], {"a": [1.0], "b": [3.0]}, "t", "x"))
    assert heights[1] == pytest.approx(3 * heights[0], abs=0.2)


def test_radar_begins_at_the_top_and_goes_clockwise():
    svg = radar(["n", "e", "s", "w"], {"a": [1, 0.5, 0, 0]}, 0, 1, "t")
    assert 'points="210.0,52.0 279.0,190.0 210.0,190.0 210.0,190.0"' in svg


def test_a_box_lies_between_its_quartiles():
    spread = Spread(mean=0.1, p5=-1.0, p25=-0.5, p50=0.0, p75=0.5, p95=1.0)
    assert common_ticks([spread]) == [-1.0, -0.5, 0.0, 0.5, 1.0]
    svg = boxes({1: spread, 2: spread}, common_ticks([spread]), "t", "red")
    plot = 200 - 10 - 38
    assert numbers("height", svg) == [plot / 2] * 2
    whiskers = re.findall(r'class="whisker" x1="([\d.]+)" x2="\1" y1="10" y2="162"', svg)
    assert len(whiskers) == 2 and whiskers[0] != whiskers[1]


def test_heat_tells_more_from_less_and_what_is_not_known():
    row = [Shade(1.0, "a", "much"), Shade(-0.5, "b", "less"), None]
    svg = heat(["left"], ["1", "2", "3"], [row], "t", TERMS)
    assert re.findall(r'class="(more|less|unknown)"', svg) == ["more", "less", "unknown"]
    assert svg.count('class="value"') == 2
    many = heat(["left"], list(map(str, range(40))), [row[:1] * 40], "t", TERMS)
    assert 'class="value"' not in many  # no room for text


def test_the_line_of_a_scatter_is_the_best_fit():
    on_a_line = [Dot(x, 2 * x, 3, "") for x in (-1.0, 0.0, 1.0)]
    svg = scatter(on_a_line, "t", "x", "", ("both more", "both less"))
    ends = [tuple(map(float, p.split(","))) for p in re.findall(r"[ML]([\d.,]+)", svg)]
    centers = list(zip(numbers("cx", svg), numbers("cy", svg)))
    assert ends == [centers[0], centers[-1]]
    assert 'class="trend"' not in scatter([Dot(1, 1, 3, "")], "t", "x", "", ("", ""))


def test_plain_text_is_escaped_wherever_it_stands():
    assert tag("p", "<b>", title='"&') == '<p title="&quot;&amp;">&lt;b&gt;</p>'
    assert join(["<", Markup("<br>")]) == "&lt;<br>"
    assert tag("img", src="a") == '<img src="a">' and tag("i") == "<i></i>"
    assert tag("rect", x=1.26, class_="a") == '<rect x="1.3" class="a"/>'


def test_durations_are_read_at_a_glance():
    assert [duration(s) for s in (289, 2880, 12240)] == ["289 s", "48 min", "3.4 h"]
