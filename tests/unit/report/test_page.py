import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from rls3.evaluation.metrics import Slice
from rls3.loop.records import EvaluateRecord
from rls3.report.page import render_page
from rls3.report.state import Gallery
from tests.unit.report.campaigns import (
    PIXEL,
    TITLES,
    make_conclusion,
    make_evaluation,
    make_items,
    make_state,
)

EVERY_STAGE = len(TITLES)


def text_of(page: str) -> str:
    """What is read on a page."""
    body = re.sub(r"<(style|title)>.*?</\1>", "", page, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_everything_is_escaped_and_nothing_comes_from_outside():
    state = make_state(tested=True, name="night <1>")
    gallery = Gallery("test", 2, make_items("The <red> mug & bowl."))
    page = render_page(replace(state, gallery=gallery))
    assert "night &lt;1&gt;" in page and "The &lt;red&gt; mug &amp; bowl." in page
    assert "<red>" not in page and "<1>" not in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "http" not in page and "url(" not in page and "@import" not in page


def test_a_finished_campaign():
    page = render_page(make_state(8, tested=True))
    text = text_of(page)
    assert "Finished after 8 rounds; the result is the model after round 7." in text
    assert "50.0 → 70.0" in text and "+20.0 points" in text and "+10.0 to +30.0" in text
    assert "models:/rls3-vlm@champion, version 4 (round 7), champion" in text
    assert "passed: +30.0 points on val over base" in text
    assert "10 % of the time went to orchestration" in text
    assert "yet" not in text and 'class="none"' not in page
    assert 'class="stages"' not in page


def test_a_campaign_that_stopped_early_says_so():
    text = text_of(render_page(make_state(5, tested=True)))
    assert "Finished after 5 rounds of 8 (stopped early)" in text


def test_nothing_begun():
    page = render_page(make_state(0, base_on_val=None))
    text = text_of(page)
    assert "No round is finished yet." in text
    assert "The starting model has not been judged yet." in text
    assert "<svg" not in page and "→" not in text


def test_no_round_finished():
    text = text_of(render_page(make_state(0, stages=2)))
    assert "No round is finished yet; round 1 is at: validate samples." in text
    assert "45.0 % on val: the starting model" in text
    assert "✓ render scenes" in text and "✓ validate samples" not in text
    assert "There are no two models to compare yet." in text


def test_some_rounds_and_no_final_evaluation():
    page = render_page(make_state(3, stages=4))
    text = text_of(page)
    assert "3 of 8 rounds finished; round 4 is at: fine-tune VLM." in text
    assert "Not tested yet" in text and "gain on test" not in text
    assert "45.0 → 60.0 % on val so far" in text
    assert "By term, before and after (val, round 3)" in text
    assert "What it got wrong (val, the base model against round 3)" in text
    assert "2,080 samples" in text  # the samples of the fourth round are there already
    assert "not decided yet" in text and "not registered yet" in text


def test_a_round_with_all_stages_but_no_manifest_is_handing_over():
    state = make_state(2)
    unfinished = replace(state.rounds[-1], manifest=None)
    text = text_of(render_page(replace(state, rounds=(state.rounds[0], unfinished))))
    assert "1 of 8 rounds finished; round 2 is at: handing over" in text


def test_a_tested_campaign_that_goes_on_says_what_the_test_is_of():
    conclusion = make_conclusion(result=2, rounds=3)
    text = text_of(render_page(make_state(4, stages=1, **conclusion)))
    assert "4 of 8 rounds finished; round 5 is at: render scenes." in text
    assert "The test below is of the first 3 rounds; 1 round came after it." in text
    handed_over = make_state(4, **conclusion | {"summary": None})
    assert "Tested: the model after round 2; not handed over yet." in text_of(
        render_page(handed_over)
    )


def test_figures_of_later_rounds_do_not_count_for_an_earlier_result():
    """Samples beside the result's accuracy are those that it was trained on."""
    state = make_state(4, tested=True)  # the result is round 3
    row = re.search(r"left 50.0 % 70.0 % \S+ – \S+ % 72 ([\d,]+)", text_of(render_page(state)))
    trained = sum(r.stages[2].record.balance["term"]["left"] for r in state.rounds[:3])
    assert row and row[1] == f"{trained:,}"


def test_what_is_not_a_number_is_a_dash():
    nothing = Slice(float("nan"), 0, float("nan"), float("nan"))
    bare = replace(make_evaluation(0.5), accuracy=nothing, strict=nothing, by_term={})
    unknown = replace(make_evaluation(0.5), by_term={"left": nothing, "right": nothing})
    state = make_state(2)
    for val in (bare, unknown):
        records = [replace(s, record=_with_val(s.record, val)) for s in state.rounds[1].stages]
        second = replace(state.rounds[1], stages=tuple(records))
        page = render_page(replace(state, rounds=(state.rounds[0], second)))
        assert "nan" not in page.lower() and "–" in text_of(page)


def _with_val(record, val):
    return replace(record, val=val) if isinstance(record, EvaluateRecord) else record


def test_a_gate_that_did_not_pass_gives_its_reasons():
    gate = make_conclusion(2, 3)["gate"]
    failed = replace(gate, decision=replace(gate.decision, passed=False, reasons=("'left' falls",)))
    text = text_of(render_page(make_state(3, tested=True, gate=failed)))
    assert "not passed: 'left' falls" in text.replace("&#x27;", "'")


@pytest.mark.parametrize("rounds", [1, 40])
def test_one_round_and_many(rounds):
    page = render_page(make_state(rounds, stages=3))
    assert page.count("<svg") >= 12 - (rounds == 1)
    assert len(page) < 2_000_000


CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-file-access-from-files",
    "--virtual-time-budget=3000",
    "--window-size=1400,900",
    "--dump-dom",
]
PAGES = {
    "finished": make_state(8, tested=True),
    "running": make_state(3, stages=4),
    "begun": make_state(0, stages=1),
    "long": make_state(40),
}
# Of the page: its width, and which labels of charts are cut off.
PROBE = """<script>
const cut = [...document.querySelectorAll('svg text')].filter(text => {
  const t = text.getBoundingClientRect(), s = text.closest('svg').getBoundingClientRect();
  const inside = s.left - 1 < t.left && t.right < s.right + 1;
  return !inside || t.top < s.top - 1 || s.bottom + 1 < t.bottom;
}).map(text => text.textContent);
const width = document.documentElement.scrollWidth;
document.title = width + '/' + innerWidth + '/cut:' + cut.join('|');
</script></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not there: apt-get install chromium")
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_it_fits_phone_and_desk(tmp_path, name, width):
    page = render_page(PAGES[name])
    (tmp_path / "r.html").write_text(page.replace("</body>", PROBE), encoding="utf-8")
    # Headless Chromium's window is never narrower than 500 px: a frame stands in for a phone.
    (tmp_path / "frame.html").write_text(
        f'<iframe id=f style="border:0;width:{width}px;height:900px" src="r.html"></iframe>'
        "<script>f.onload=()=>document.title=f.contentDocument.title</script>"
    )
    where = [f"--user-data-dir={tmp_path / 'profile'}", (tmp_path / "frame.html").as_uri()]
    done = subprocess.run([CHROMIUM, *FLAGS, *where], capture_output=True, text=True, timeout=90)
    found = re.search(r"<title>(\d+)/(\d+)/cut:(.*?)</title>", done.stdout)
    assert found, done.stdout[:500] + done.stderr[-500:]
    assert int(found[1]) <= int(found[2]) == width
    assert found[3] == ""


def test_pictures_are_in_the_page():
    page = render_page(make_state(2))
    assert page.count("data:image/png;base64,") == 9
    assert 'title="room type: kitchen; still wrong 0"' in page
    jpeg = [replace(item, image=b"\xff\xd8" + PIXEL) for item in make_items()]
    assert "data:image/jpeg" in render_page(make_state(2, gallery=Gallery("val", 2, jpeg)))
