"""The pages need nothing but themselves, say in words what was wanted, and show what failed."""

import re
from dataclasses import replace

import pytest

from rls3.dataset.data_docs import index_page, notes, quality_rows, write_data_docs
from rls3.dataset.expectations import validate
from rls3.dataset.quality import MOST_PICTURES, QualityDocs, set_aside
from rls3.files import read_json
from tests.conftest import many_samples

N_SPOILED = MOST_PICTURES + 6
NETWORK = re.compile(r"https?:|<script|<link|@import|url\(|src=\"(?!data:)|//[a-z]", re.IGNORECASE)


def _docs(number, samples, earlier=()):
    report = validate(samples, 24, {"leaked"}, earlier, {"term": 0.02})
    rejected = [(samples[i], why) for i, why in report.rejected]
    docs = QualityDocs(
        campaign="nights",
        round=number,
        accepted=len(report.accepted),
        rejected=len(rejected),
        checks=report.checks,
        drift=report.drift,
        set_aside=set_aside(rejected),
        outcomes=report.outcomes,
        quarantine=f"data/nights/round-{number:04d}/rejected.parquet",
    )
    return docs, report.statistics


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Three rounds: all well; some spoiled; without a term that was there before."""
    site = tmp_path_factory.mktemp("site")
    samples = many_samples(60)
    first, counts = _docs(1, samples)
    spoiled = [replace(s, caption=s.flip(s.terms[0])) for s in samples[:N_SPOILED]]
    spoiled[1] = replace(spoiled[1], caption="<script>alert(1)</script>")
    spoiled[2] = replace(spoiled[2], image=b"no picture", caption="Nothing.")
    second, _ = _docs(2, spoiled + samples[N_SPOILED:])
    third, _ = _docs(3, [s for s in samples if "left" not in s.terms], [counts])
    for docs in (first, second, third):
        write_data_docs(docs, site / f"round-{docs.round:04d}")
    return site


def page(site, number):
    return (site / f"round-{number:04d}" / "index.html").read_text()


def test_no_page_reaches_for_the_network_or_runs_anything(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) == 4
    for path in pages:
        assert not NETWORK.findall(path.read_text().replace("<!doctype html>", "")), path
        assert "<style>:root" in path.read_text()


def test_the_index_lists_every_round_newest_first(site):
    index = (site / "index.html").read_text()
    links = re.findall(r'href="(round-\d{4}/index\.html)"', index)
    assert links == [f"round-{n:04d}/index.html" for n in (3, 2, 1)]
    assert all((site / link).exists() for link in links)
    assert "3 rounds" in index and f"{N_SPOILED} rejected" in index


def test_a_page_says_in_words_what_it_wants(site):
    words = page(site, 1)
    assert "At least 24 pixels of the subject can be seen." in words
    assert "The caption states the relation that the measured places" in words
    assert "expect_" not in words and "**{" not in words
    outcomes = read_json(site / "round-0003" / "validation.json")
    for suite in ("samples", "drift"):
        for result in outcomes[suite]["results"]:
            assert result["expectation_config"]["description"].endswith(".")


def test_a_page_shows_what_failed_by_id_and_picture(site):
    spoiled = page(site, 2)
    assert spoiled.count('<img src="data:image/png;base64,') == MOST_PICTURES - 1
    assert "The picture cannot be read." in spoiled
    ids = [s.sample_id for s in many_samples(60)[:N_SPOILED]]
    assert all(identity in spoiled for identity in ids[:20])
    assert "not: caption matches geometry" in spoiled
    assert "data/nights/round-0002/rejected.parquet" in spoiled
    assert "<script" not in spoiled and "&lt;script&gt;" in spoiled


def test_drift_is_a_warning_of_its_own(site):
    drifted = page(site, 3)
    assert '<span class="warn">drifted</span>' in drifted and "most: left: " in drifted
    assert "Nothing was rejected." in drifted
    assert "no round before this one" in page(site, 1)


def test_rows_for_a_table(site):
    rows = quality_rows(site)
    assert rows[0]["round"] == 1 and rows[0]["expectation"].startswith("all 16 ")
    by_round = {row["round"]: row for row in rows}
    assert by_round[3]["rejected"] == 0 and "relations by term" in by_round[3]["drift"]
    assert {"round", "accepted", "expectation", "rejected", "drift"} == set(rows[0])


def test_a_round_made_again_takes_the_place_of_its_page(site, tmp_path):
    for n_samples in (4, 6):
        write_data_docs(_docs(1, many_samples(n_samples))[0], tmp_path / "round-0001")
    assert [note["accepted"] for note in notes(tmp_path)] == [6]
    assert "6 samples accepted" in index_page("x", list(notes(tmp_path)))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["index.html", "round-0001"]


def test_a_damaged_note_of_one_round_does_not_stop_the_next(tmp_path):
    docs, _ = _docs(1, many_samples(4))
    write_data_docs(docs, tmp_path / "round-0001")
    (tmp_path / "round-0001" / "quality.json").write_text("{")
    write_data_docs(replace(docs, round=2), tmp_path / "round-0002")
    assert [row["round"] for row in quality_rows(tmp_path)] == [2]
