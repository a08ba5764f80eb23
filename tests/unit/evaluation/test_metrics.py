import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from pydantic import TypeAdapter

from rls3.dataset.sample import Sample
from rls3.errors import DataError
from rls3.evaluation.item import Item, item_of
from rls3.evaluation.metrics import (
    TERMS,
    Evaluation,
    Slice,
    accuracy,
    macro_accuracy,
    paired_gain,
    summarize,
    verdicts,
)
from rls3.evaluation.predictions import Predictions
from rls3.files import read_json, write_text
from tests.conftest import make_params, make_sample_of, many_samples
from tests.unit.evaluation.oracles import predicted, scored

PARAMS = make_params().evaluation
SEED = 1


@pytest.fixture(autouse=True)
def _no_warnings():
    """Neither a mean of nothing nor a division by it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def _items(samples: list[Sample]) -> list[Item]:
    return [item_of(sample) for sample in samples]


def _guessing(items: list[Item], seed: int = 0, skill: float = 0.0) -> Predictions:
    """Random scores; `skill` is added to the true caption's."""
    rng = np.random.default_rng(seed)
    rows = []
    for item in items:
        scores = rng.normal(size=len(item.captions))
        scores[item.answer] += skill
        rows.append(scores.tolist())
    return scored(items, rows)


def _options(n: int, count: int, **fields) -> list[Item]:
    """Items of n options of which nothing is known; the answers take turns."""
    captions = tuple(f"caption {i}" for i in range(n))
    return [Item(f"{n}-{i}", b"", captions, i % n, **fields) for i in range(count)]


def test_an_oracle_and_its_contrary():
    sample = make_sample_of(0, (0.4, 0.3, 0.4))
    for sign, right in ((1.0, 1.0), (-1.0, 0.0)):
        predictions = predicted(_items([sample]), lambda t, s=sign: s * (t == sample.caption))
        assert accuracy(predictions) == right == verdicts(predictions).strict[0]


def test_ties_are_not_successes_and_failure_is_a_half():
    collapsed = predicted(_items(many_samples(10)), lambda text: 0.0)
    found = summarize(collapsed, PARAMS, SEED)
    assert found.accuracy.accuracy == found.accuracy.high == 0.0
    assert found.strict.accuracy == found.object_accuracy.accuracy == 0.0
    assert {s.accuracy for s in found.by_term.values() if s.count} == {0.0}
    assert np.allclose(verdicts(collapsed).failure, 0.5)


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("value", [0.0, 7.5, math.nan])
def test_a_collapsed_model_is_at_zero_wherever_the_answer_stands(n, value):
    found = summarize(predicted(_options(n, 20), lambda text: value), PARAMS, SEED)
    assert found.accuracy == Slice(0.0, 20, 0.0, 0.0)


def test_one_sample_by_hand():
    sample = make_sample_of(0, (0.4, 0.0, 0.4))  # behind, right
    score = {sample.flip("right"): 2.0, sample.caption: 1.0}
    predictions = predicted(_items([sample]), lambda text: score.get(text, 0.0))
    found = verdicts(predictions)
    row = dict(zip(TERMS, found.term_right[0]))
    assert row["right"] == 0.0 and row["behind"] == 1.0 and np.isnan(row["above"])
    assert found.strict[0] == 0.0 and found.object_right[0] == 1.0
    assert np.isclose(found.failure[0], (1 / (1 + np.exp(-1)) + 1 / (1 + np.exp(1))) / 2)
    assert accuracy(predictions) == 0.5


def test_a_score_of_nan_is_wrong_and_fails():
    sample = make_sample_of(0, (0.4, 0.0, 0.0))  # right
    nan_flip = predicted(
        _items([sample]), lambda t: math.nan if t == sample.flip("right") else t == sample.caption
    )
    found = verdicts(nan_flip)
    assert found.term_right[0, TERMS.index("right")] == 0.0 and found.strict[0] == 0.0
    assert found.object_right[0] == 1.0 and found.failure[0] == 1.0


def test_macro_average_weighs_terms_alike():
    rows = np.full((12, 6), np.nan)
    rows[:10, 0], rows[10:, 1] = 1.0, 0.0
    assert macro_accuracy(rows) == 0.5
    assert np.isnan(macro_accuracy(rows[:0]))


def test_the_order_of_captions_does_not_matter():
    items = _items(many_samples(30))
    turned = [
        replace(
            item,
            captions=item.captions[::-1],
            contrasts=item.contrasts[::-1],
            answer=len(item.captions) - 1,
        )
        for item in items
    ]
    forth = _guessing(items, skill=0.5)
    back = scored(turned, [row.scores[::-1] for row in forth.rows])
    assert summarize(forth, PARAMS, SEED) == summarize(back, PARAMS, SEED)


def test_slices_are_the_accuracy_of_their_items_alone():
    items = _items(many_samples(60))
    predictions = _guessing(items, skill=0.5)
    found = summarize(predictions, PARAMS, SEED)
    assert set(found.slices) == {"complexity", "room type"} and found.n_items == 60
    assert list(found.slices["complexity"]) == ["1", "2", "3"]
    for value, slice_ in found.slices["complexity"].items():
        rows = tuple(r for r in predictions.rows if r.slices["complexity"] == value)
        assert slice_ == summarize(Predictions(rows), PARAMS, SEED).accuracy
    assert found.slices["room type"] == {"kitchen": found.accuracy}


def test_a_set_without_relation_negatives_is_judged_by_its_answers():
    items = [
        replace(
            item,
            captions=item.captions[:1] + item.captions[-3:],
            contrasts=("", "object", "object", "object"),
        )
        for item in _items(many_samples(12))
    ]
    predictions = _guessing(items, skill=1.0)
    found = summarize(predictions, PARAMS, SEED)
    assert found.accuracy.accuracy == predictions.right.mean() == found.object_accuracy.accuracy
    assert found.by_term == {} and found.strict.count == 0 and np.isnan(found.strict.accuracy)
    assert sum(s.count for s in found.slices["complexity"].values()) == 12


def test_any_number_of_options_is_judged():
    items = _options(2, 40) + _options(5, 40, slices={"relation": "on"}) + _options(3, 40)
    predictions = _guessing(items)
    found = summarize(predictions, PARAMS, SEED)
    assert found.accuracy.count == 120 and found.accuracy.accuracy == predictions.right.mean()
    assert found.slices["relation"]["on"].accuracy == predictions.right[40:80].mean()
    assert found.accuracy.low < found.accuracy.accuracy < found.accuracy.high
    assert np.isfinite(verdicts(predictions).failure).all()


def test_flips_among_items_without_any_count_alone():
    flips = _items([make_sample_of(0, (0.4, 0.0, 0.0))])
    predictions = scored(
        flips + _options(2, 5), [[1.0] + [0.0] * (len(flips[0].captions) - 1), *[[0.0, 0.0]] * 5]
    )
    found = summarize(predictions, PARAMS, SEED)
    assert found.accuracy.accuracy == 1.0 and found.accuracy.count == 1
    gain = paired_gain(predictions, predictions, PARAMS, SEED)
    assert (gain.accuracy, gain.low, gain.high) == (0.0, 0.0, 0.0)


def test_nothing_at_all_is_nan():
    found = summarize(Predictions(()), PARAMS, SEED)
    assert found.n_items == found.accuracy.count == 0 and np.isnan(found.accuracy.accuracy)
    assert found.slices == {} and found.by_term == {}
    assert verdicts(Predictions(())).term_right.shape == (0, 6)
    assert np.isnan(accuracy(Predictions(())))
    assert paired_gain(Predictions(()), Predictions(()), PARAMS, SEED).count == 0


def test_intervals_contain_the_value_and_shrink_with_data():
    items = _items([make_sample_of(i) for i in range(400)])
    wide, narrow = (
        summarize(_guessing(items[:n], skill=1.0), PARAMS, SEED).accuracy for n in (50, 400)
    )
    assert wide.low <= wide.accuracy <= wide.high
    assert narrow.high - narrow.low < wide.high - wide.low


def test_an_interval_is_that_of_the_binomial():
    items = _options(2, 400)
    found = summarize(_guessing(items, skill=1.0), PARAMS, SEED).accuracy
    spread = 1.96 * math.sqrt(found.accuracy * (1 - found.accuracy) / 400)
    assert found.high - found.accuracy == pytest.approx(spread, rel=0.15)
    assert found.accuracy - found.low == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize("items", [_items(many_samples(200)), _options(4, 200)])
def test_a_paired_gain_is_zero_for_the_same_model_and_the_difference_for_a_better_one(items):
    before = _guessing(items)
    assert paired_gain(before, before, PARAMS, SEED) == Slice(0.0, 200, 0.0, 0.0)
    perfect = [[float(i == item.answer) for i in range(len(item.captions))] for item in items]
    after = scored(items, [*perfect[:100], *(row.scores for row in before.rows[100:])])
    gain = paired_gain(before, after, PARAMS, SEED)
    assert gain.accuracy == accuracy(after) - accuracy(before)
    assert 0 < gain.low < gain.accuracy < gain.high
    back = paired_gain(after, before, PARAMS, SEED)
    assert (back.accuracy, back.low, back.high) == pytest.approx(
        (-gain.accuracy, -gain.high, -gain.low)
    )
    unpaired = summarize(after, PARAMS, SEED).accuracy
    assert gain.high - gain.low < 2 * (unpaired.high - unpaired.low)


def test_a_gain_over_another_version_of_the_benchmark_is_refused():
    items = _options(2, 5)
    other = [replace(item, captions=("caption 0", "another")) for item in items]
    with pytest.raises(DataError, match="two versions of the benchmark"):
        paired_gain(_guessing(items), _guessing(other), PARAMS, SEED)


def test_an_evaluation_survives_json(tmp_path):
    records = TypeAdapter(Evaluation)
    found = summarize(_guessing(_options(2, 5, slices={"relation": "on"})), PARAMS, SEED)
    assert math.isnan(found.strict.low)
    text = records.dump_json(found)
    assert records.dump_json(records.validate_json(text)) == text
    write_text(tmp_path / "e.json", text.decode())
    again = records.validate_python(read_json(tmp_path / "e.json"))
    assert again.accuracy == found.accuracy and again.slices == found.slices
    assert math.isnan(again.strict.low) and again.strict.count == 0
    assert "null" not in text.decode()
