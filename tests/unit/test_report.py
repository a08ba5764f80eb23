import re
import shutil
import subprocess

import pytest

from rls3.report.charts import lines, nice_ticks, radar, stacked_bars
from rls3.report.page import GalleryItem, ReportData, RoundData, render_page, write_report

TERMS = ("left", "right", "in front", "behind", "above", "below")
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def _slice(a):
    return {"accuracy": a, "count": 40, "low": a - 0.05, "high": a + 0.05}


def _evaluation(a):
    return {
        "accuracy": _slice(a),
        "by_term": {t: _slice(a + 0.01 * i) for i, t in enumerate(TERMS)},
        "by_complexity": {c: _slice(a) for c in "123"},
        "by_room_type": {"kitchen": _slice(a)},
        "strict": _slice(a / 2),
        "object_accuracy": _slice(0.9),
        "n_samples": 40,
    }


def make_report(n_rounds=3, tested=True):
    rounds = [
        RoundData(
            n,
            500 * n,
            800,
            700,
            620,
            500,
            {"hidden": 80},
            _evaluation(0.5 + 0.05 * n),
            {"total": 0.1 * n, "intrinsic": 0.1},
            [3.0, 2.0],
            {"sample": 5.0, "render": 8.0},
            [n] * 26,
        )
        for n in range(1, n_rounds + 1)
    ]
    both = {"val": _evaluation(0.5), "test": _evaluation(0.5)}
    gallery = [GalleryItem("still wrong", PIXEL, "The <red> mug & bowl.", "x", "y", "FloorPlan1")]
    return ReportData(
        "night <1>",
        {"seed": "7"},
        rounds,
        both if tested else None,
        {"val": _evaluation(0.7), "test": _evaluation(0.7)} if tested else None,
        {"accuracy": 0.2, "low": 0.1, "high": 0.3} if tested else None,
        {"model": "m"},
        100.0,
        0.1,
        {"left": 9},
        gallery,
    )


def test_everything_is_escaped_and_nothing_comes_from_outside():
    page = render_page(make_report())
    assert (
        "night &lt;1&gt;" in page
        and "The &lt;red&gt; mug &amp; bowl." in page
        and "<red>" not in page
    )
    assert not re.search(r'(src|href)="(?!data:)', page) and "http" not in page.replace(
        "http-equiv", ""
    )
    assert "50.0 → 70.0" in page and "+20.0 points" in page


@pytest.mark.parametrize(
    "data", [make_report(0, False), make_report(1, False), make_report(0), make_report(12)]
)
def test_missing_pieces_are_said_not_faked(data):
    page = render_page(data)
    assert page.count("<svg") >= (2 if data.rounds else 0)
    assert ("has not been tested yet" in page) == (data.base is None)
    assert "nan" not in page.lower().replace("finance", "")


def test_points_land_where_they_should():
    svg = lines({"a": [(0, 0), (10, 100)]}, "t", "x")
    assert "M46.0,260.0 L626.0,14.0" in svg
    assert nice_ticks(0, 1, 5) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    bars = stacked_bars(["1"], {"a": [1.0], "b": [3.0]}, "t", "x")
    heights = [float(h) for h in re.findall(r'height="([\d.]+)"', bars)]
    assert abs(heights[1] - 3 * heights[0]) < 0.2
    assert 'points="210.0,72.0 ' in radar(["n", "e", "s"], {"a": [1, 0, 0]}, 0, 1, "t")


def test_the_page_appears_whole(tmp_path):
    assert write_report(make_report(), tmp_path / "r.html").read_text().endswith("</html>\n")
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


@pytest.mark.skipif(
    shutil.which("chromium") is None, reason="Chromium is not installed: apt-get install chromium"
)
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_phone_and_desk(tmp_path, width):
    page = render_page(make_report(8))
    probe = "<script>document.title=document.documentElement.scrollWidth+'/'+innerWidth+'/'+document.querySelectorAll('svg').length</script></body>"
    (tmp_path / "r.html").write_text(page.replace("</body>", probe))
    # Headless Chromium's window is never narrower than 500 px: a frame of the wanted width stands in for a phone.
    (tmp_path / "frame.html").write_text(
        f'<iframe id=f style="border:0;width:{width}px;height:900px" src="r.html"></iframe><script>f.onload=()=>document.title=f.contentDocument.title</script>'
    )
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        "--disable-component-update",
        "--disable-sync",
        "--allow-file-access-from-files",
        "--virtual-time-budget=3000",
    ]
    done = subprocess.run(
        [
            "chromium",
            *flags,
            f"--user-data-dir={tmp_path / 'profile'}",
            "--window-size=1400,900",
            "--dump-dom",
            (tmp_path / "frame.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=90,
    )
    found = re.search(r"<title>(\d+)/(\d+)/(\d+)</title>", done.stdout)
    assert found, done.stdout[:500] + done.stderr[-500:]
    scroll, inner, charts = map(int, found.groups())
    assert inner == width and scroll <= inner and charts >= 7
