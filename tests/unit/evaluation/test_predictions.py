import math
from dataclasses import replace

import pandas as pd
import pytest

from rls3.errors import DataError
from rls3.evaluation.item import RELATION_KINDS, Item, item_of
from rls3.evaluation.predictions import Predictions, check_same_items
from tests.conftest import many_samples
from tests.unit.evaluation.oracles import predicted, scored

NAN = math.nan


def _item(n: int, answer: int = 0) -> Item:
    return Item(f"{n} options, {answer}", b"", tuple(f"caption {i}" for i in range(n)), answer)


@pytest.mark.parametrize(
    ("answer", "scores", "chosen"),
    [
        (0, (2.0, 1.0), 0),
        (1, (1.0, 2.0), 1),
        (1, (2.0, 1.0), 0),
        (0, (1.0, 1.0), 1),  # a tie with a later caption
        (1, (1.0, 1.0), 0),  # and with an earlier one
        (1, (0.0, 1.0, 0.5, 1.0, 0.2), 3),
        (0, (0.0, 0.0, 0.0), 1),
        (0, (1.0, 2.0, 2.0), 1),
        (0, (NAN, 1.0), 1),
        (0, (1.0, NAN), 1),
        (1, (NAN, NAN, NAN), 0),
        (2, (-math.inf, 0.0, math.inf), 2),
        (0, (math.inf, math.inf), 1),
    ],
)
def test_a_caption_is_chosen_by_its_score_and_a_tie_or_nan_is_wrong(answer, scores, chosen):
    predictions = scored([_item(len(scores), answer)], [scores])
    assert predictions.chosen.tolist() == [chosen]
    assert predictions.right.tolist() == [chosen == answer]


def test_a_collapsed_model_is_never_right():
    items = [item_of(sample) for sample in many_samples(20)] + [_item(5, 4), _item(2)]
    for value in (0.0, -3.5, NAN, math.inf, -math.inf):
        predictions = predicted(items, lambda text, value=value: value)
        assert not predictions.right.any()
        assert all(row.chosen != row.answer for row in predictions.rows)


def test_among_keeps_the_answer_and_the_wanted_kinds():
    item = item_of(many_samples(1)[0])
    rivals = {text: float(i) for i, text in enumerate(item.captions)}  # the last, an object, wins
    row = predicted([item], rivals.__getitem__).rows[0]
    few = row.among(RELATION_KINDS)
    assert row.contrasts[row.chosen] == "object" and few.contrasts[few.chosen] == "swap"
    assert few.captions == item.captions[:-3] and few.scores == row.scores[:-3]
    later = replace(row, answer=len(rivals) - 1, contrasts=("swap", *row.contrasts[1:-1], ""))
    assert later.among(["swap"]).captions[-1] == item.captions[-1]
    assert later.among(["swap"]).right


def _mixed() -> Predictions:
    items = [item_of(sample) for sample in many_samples(10)]
    items.append(replace(_item(5, 3), slices={"relation": "on"}, groups={"pair": "7"}))
    items.append(_item(2))
    return scored(
        items, [[0.1 * i - n for i in range(len(x.captions))] for n, x in enumerate(items)]
    )


def test_the_file_gives_back_the_same_predictions(tmp_path):
    path = tmp_path / "with=sign" / "val.parquet"
    predictions = _mixed()
    predictions.save(path)
    assert Predictions.load(path) == predictions
    Predictions(()).save(path)
    assert Predictions.load(path) == Predictions(())
    assert [p.name for p in path.parent.iterdir()] == ["val.parquet"]


def test_scores_survive_to_the_last_bit(tmp_path):
    values = (1 / 3, 1e-300, -0.0, math.inf, -math.inf, NAN)
    scored([_item(6)], [values]).save(tmp_path / "p.parquet")
    read = Predictions.load(tmp_path / "p.parquet").rows[0].scores
    assert [float.hex(v) for v in read] == [float.hex(v) for v in values]


def test_the_file_reads_without_this_code(tmp_path):
    predictions = _mixed()
    predictions.save(tmp_path / "p.parquet")
    table = pd.read_parquet(tmp_path / "p.parquet")
    assert table["right"].tolist() == predictions.right.tolist()
    assert table["chosen"].tolist() == predictions.chosen.tolist()
    by_value = table.groupby("slice.complexity")["right"].count().to_dict()
    assert sum(by_value.values()) == 10 and set(by_value) <= {"1", "2", "3"}
    assert table["group.pair"].dropna().tolist() == ["7"]


def test_a_damaged_or_missing_file_is_one_sentence(tmp_path):
    path = tmp_path / "p.parquet"
    with pytest.raises(DataError, match=r"p\.parquet is missing"):
        Predictions.load(path)
    _mixed().save(path)
    whole = path.read_bytes()
    for damaged in (b"", b"not Parquet", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"p\.parquet is damaged"):
            Predictions.load(path)
    pd.DataFrame({"item_id": ["a"], "answer": [0]}).to_parquet(path)
    with pytest.raises(DataError, match=r"p\.parquet is damaged"):
        Predictions.load(path)


def test_rows_whose_lengths_differ_are_damage(tmp_path):
    path = tmp_path / "p.parquet"
    _mixed().save(path)
    table = pd.read_parquet(path)
    for column, value in (("scores", [1.0]), ("answer", 99), ("scores", None)):
        spoiled = table.copy()
        spoiled.at[0, column] = value
        spoiled.to_parquet(path)
        with pytest.raises(DataError, match="is damaged"):
            Predictions.load(path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"item_id": "other"}, "is '.*' in one and 'other' in the other"),
        ({"image_hash": "other"}, "has another picture"),
        ({"captions": ("a", "b")}, "has another picture, other captions"),
        ({"answer": 1}, "another answer"),
    ],
)
def test_predictions_on_other_items_are_not_comparable(change, told):
    before = scored([_item(2), _item(2, 1)], [(0.0, 1.0)] * 2)
    after = Predictions((replace(before.rows[0], **change), before.rows[1]))
    check_same_items(before, before)
    with pytest.raises(DataError, match=f"two versions of the benchmark .*{told}"):
        check_same_items(before, after)
    with pytest.raises(DataError, match="2 items and 1"):
        check_same_items(before, Predictions(before.rows[:1]))
