import numpy as np
import torch

from rls3.evaluation.metrics import (
    TERMS,
    Verdicts,
    judge,
    macro_accuracy,
    paired_gain,
    room_type,
    summarize,
)
from rls3.reward import rewards
from tests.conftest import make_params, make_sample_of, many_samples

PARAMS = make_params().evaluation


class Oracle:
    """Scores by a function of the text."""

    family = "clip"

    def __init__(self, score):
        self._score = score

    def image_side(self):
        return None

    def features(self, images, lock_vision):
        return torch.zeros(len(images), 1)

    def scores(self, features, captions):
        width = max(map(len, captions))
        return torch.tensor(
            [[self._score(t) for t in row] + [-torch.inf] * (width - len(row)) for row in captions]
        )


def test_an_oracle_and_its_contrary():
    sample = make_sample_of(0, (0.4, 0.3, 0.4))
    for sign, accuracy in ((1.0, 1.0), (-1.0, 0.0)):
        verdicts = judge(Oracle(lambda t, s=sign: s * (t == sample.caption)), [sample], 1)
        assert macro_accuracy(verdicts.term_right) == accuracy == verdicts.strict[0]


def test_ties_are_not_successes_and_failure_is_a_half():
    verdicts = judge(Oracle(lambda t: 0.0), many_samples(10), 4)
    assert macro_accuracy(verdicts.term_right) == 0.0 and np.allclose(verdicts.failure, 0.5)


def test_one_sample_by_hand():
    sample = make_sample_of(0, (0.4, 0.0, 0.4))  # behind, right
    wrong = sample.flip("right")
    verdicts = judge(
        Oracle(lambda t: 2.0 if t == wrong else 1.0 if t == sample.caption else 0.0), [sample], 1
    )
    row = dict(zip(TERMS, verdicts.term_right[0]))
    assert row["right"] == 0.0 and row["behind"] == 1.0 and np.isnan(row["above"])
    assert verdicts.strict[0] == 0.0 and verdicts.object_right[0] == 1.0
    assert np.isclose(verdicts.failure[0], (1 / (1 + np.exp(-1)) + 1 / (1 + np.exp(1))) / 2)
    assert macro_accuracy(verdicts.term_right) == 0.5


def test_room_types_are_by_ithors_numbers():
    names = (
        "FloorPlan7",
        "FloorPlan30",
        "FloorPlan201",
        "FloorPlan330",
        "FloorPlan401",
        "Procedural",
    )
    assert [room_type(n) for n in names] == [
        "kitchen",
        "kitchen",
        "living room",
        "bedroom",
        "bathroom",
        "Procedural",
    ]


def test_macro_average_weighs_terms_alike():
    rows = np.full((12, 6), np.nan)
    rows[:10, 0], rows[10:, 1] = 1.0, 0.0
    assert macro_accuracy(rows) == 0.5


def _verdicts(p, n=400, seed=0):
    rng = np.random.default_rng(seed)
    right = (rng.random((n, 6)) < p).astype(float)
    return Verdicts(right, right[:, 0], right[:, 1], 1 - right.mean(axis=1))


def test_intervals_contain_the_value_and_shrink_with_data():
    samples = [make_sample_of(i) for i in range(400)]
    wide, narrow = (
        summarize(_verdicts(0.7, n), samples[:n], PARAMS, 1).accuracy for n in (50, 400)
    )
    assert (
        wide.low <= wide.accuracy <= wide.high and narrow.high - narrow.low < wide.high - wide.low
    )


def test_paired_gain_is_tighter_than_unpaired_and_zero_for_the_same_model():
    before = _verdicts(0.6)
    assert paired_gain(before, before, PARAMS, 0) == type(paired_gain(before, before, PARAMS, 0))(
        0.0, 400, 0.0, 0.0
    )
    better = before.term_right.copy()
    better[:200] = 1.0
    after = Verdicts(better, before.strict, before.object_right, before.failure)
    gain = paired_gain(before, after, PARAMS, 0)
    assert 0 < gain.low < gain.accuracy < gain.high


def test_rewards_by_hand():
    params = make_params(
        reward__intrinsic_weight=0.5, reward__extrinsic_weight=1.0, reward__progress_weight=2.0
    ).reward
    parts = rewards(np.array([1, 0, 1]), {0: 0.9, 2: 0.1}, {0: 0.4, 2: 0.1}, {0: 3, 2: 4}, params)
    assert np.allclose(parts["intrinsic"], [0.5, 0, 0.5])
    assert np.allclose(parts["extrinsic"], [0.4, 0, -0.4])
    assert np.allclose(parts["progress"], [0.5, 0, -0.5])  # 2 * (0.5 - 0.25), 2 * (0 - 0.25)
    assert np.allclose(parts["total"], [1.4, 0, -0.4])
