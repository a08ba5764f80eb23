"""Good samples pass; each deliberately spoiled row fails, for its reason."""

from dataclasses import replace

import pytest

from rls3.dataset.expectations import validate
from rls3.dataset.sample import NegativeText
from tests.conftest import many_samples


def _hidden(sample):
    return replace(sample, objects=(replace(sample.objects[0], visible_px=3), *sample.objects[1:]))


SPOILED = {
    "caption is not of the grammar": lambda s: replace(s, caption="A red mug near a bowl."),
    "not: caption matches geometry": lambda s: replace(s, caption=s.flip(s.terms[0])),
    "not: caption matches fields": lambda s: replace(s, subject="green pot"),
    "too few visible pixels": _hidden,
    "not: boxes inside image": lambda s: replace(
        s, objects=(replace(s.objects[0], box_px=(90, 20, 120, 40)), *s.objects[1:])
    ),
    "not: negatives are false": lambda s: replace(
        s, negatives=(NegativeText("flip", s.terms[0], s.caption),)
    ),
}


@pytest.fixture(scope="module")
def report():
    samples = many_samples(len(SPOILED) + 6)
    for i, spoil in enumerate(SPOILED.values()):
        samples[i] = spoil(samples[i])
    samples[len(SPOILED)] = samples[-1]
    leaked = samples[-2].sample_id
    return validate(samples, 24, {leaked}), len(samples)


def test_good_samples_pass():
    samples = many_samples(20)
    result = validate(samples, 24, {"something else"})
    assert result.rejected == () and result.accepted == tuple(range(20))
    assert all(check.holds for check in result.checks)


@pytest.mark.parametrize(("row", "reason"), list(enumerate(SPOILED)))
def test_a_spoiled_row_is_rejected_with_its_reason(report, row, reason):
    reasons = dict(report[0].rejected)
    assert reason in reasons[row]


def test_duplicates_and_leaks_are_rejected_and_the_rest_kept(report):
    result, n = report
    reasons = dict(result.rejected)
    assert (
        reasons[n - 1] == "duplicate of an earlier sample" and len(SPOILED) not in reasons
    )  # the first one stays
    assert reasons[n - 2] == "spec is in a benchmark"
    assert set(result.accepted) == set(range(n)) - set(reasons)
