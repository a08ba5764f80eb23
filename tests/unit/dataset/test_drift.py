"""Drift is told where there is some, and not where chance explains it."""

import io
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from rls3.dataset.drift import distance, drifts, shown
from rls3.dataset.sample import balance, decode
from tests.conftest import many_samples


def _counts(samples):
    return balance(samples) | shown(samples)


def _dark(sample):
    buffer = io.BytesIO()
    Image.fromarray(decode(sample) // 4).save(buffer, "PNG")
    return replace(sample, image=buffer.getvalue())


def test_the_same_again_has_not_drifted():
    counts = _counts(many_samples(40))
    assert [d.distance for d in drifts(counts, [counts, counts])] == [0, 0, 0]


def test_darker_pictures_drift_in_brightness_alone():
    samples = many_samples(60)
    found = drifts(_counts([_dark(s) for s in samples]), [_counts(samples)])
    assert {d.measure: d.distance > 0.2 for d in found} == {
        "term": False,
        "kind": False,
        "brightness": True,
    }
    assert "before" in found[-1].change


def test_a_term_that_vanishes_is_the_one_that_moved_most():
    samples = many_samples(300)
    (term, *_) = drifts(_counts([s for s in samples if "left" not in s.terms]), [_counts(samples)])
    assert term.most[0] == "left" and term.most[2] == 0 and term.distance > 0.1


def test_what_an_older_round_did_not_count_is_left_out():
    now = _counts(many_samples(10))
    assert drifts(now, []) == []
    assert [d.measure for d in drifts(now, [{"term": {"left": 3}, "cell": {}}])] == ["term"]


@pytest.mark.parametrize("n", [20, 500])
def test_chance_alone_is_no_drift(n):
    rng = np.random.default_rng(3)
    names, before = [f"kind {i}" for i in range(60)], Counter()
    before.update(rng.choice(names, 2000))
    told = [distance(Counter(rng.choice(names, n)), before) for _ in range(50)]
    assert max(told) < 0.1 and np.mean(told) < 0.05
    assert distance(Counter({"kind 0": n}), before) > 0.25


def test_a_damaged_picture_is_not_counted():
    samples = many_samples(4)
    samples[0] = replace(samples[0], image=b"no picture")
    assert sum(shown(samples)["brightness"].values()) == 3
