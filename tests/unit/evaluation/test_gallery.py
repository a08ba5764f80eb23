from dataclasses import replace

import numpy as np
import pytest

from rls3.errors import DataError
from rls3.evaluation.gallery import GROUPS, gallery_of, load_gallery, save_gallery
from rls3.evaluation.item import Item
from rls3.evaluation.predictions import Prediction, Predictions

MENDED, WRONG, RIGHT = GROUPS
TRUE, FLIP, OBJECT = "a left of b", "a right of b", "c left of b"


def make_item(i: int) -> Item:
    return Item(
        item_id=f"item-{i}",
        image=bytes([i % 256]),
        captions=(FLIP, TRUE, OBJECT),
        answer=1,
        slices={"room type": "kitchen"},
        contrasts=("flip:left", "", "object"),
        groups={"floor plan": "FloorPlan27"},
    )


def predict(items: list[Item], scores: list[tuple[float, float, float]]) -> Predictions:
    rows = [
        Prediction(
            i.item_id, "", i.captions, i.contrasts or ("",) * 3, i.answer, s, i.slices, i.groups
        )
        for i, s in zip(items, scores)
    ]
    return Predictions(tuple(rows))


KNOWS, FAILS, TIES = (0.0, 1.0, -1.0), (1.0, 0.0, -1.0), (1.0, 1.0, -1.0)


def groups_of(before, after, n=1, **overrides):
    items = [replace(make_item(i), **overrides) for i in range(n)]
    return gallery_of(items, predict(items, [before] * n), predict(items, [after] * n))


@pytest.mark.parametrize(
    "before, after, group",
    [(FAILS, KNOWS, MENDED), (FAILS, FAILS, WRONG), (KNOWS, KNOWS, RIGHT), (TIES, KNOWS, MENDED)],
)
def test_groups(before, after, group):
    (item,) = groups_of(before, after)
    assert (item.group, item.item_id, item.caption) == (group, "item-0", TRUE)
    assert item.image == b"\x00" and item.slices == {
        "room type": "kitchen",
        "floor plan": "FloorPlan27",
    }


def test_a_tie_is_never_the_true_caption():
    (item,) = groups_of(TIES, TIES)
    assert item.group == WRONG and item.chosen_after == FLIP


def test_object_negatives_do_not_decide():
    prefers_another_object = (0.0, 1.0, 5.0)
    (item,) = groups_of(prefers_another_object, prefers_another_object)
    assert item.group == RIGHT and item.chosen_after == TRUE


def test_all_captions_decide_where_it_is_not_known_how_they_differ():
    prefers_another_object = (0.0, 1.0, 5.0)
    (item,) = groups_of(prefers_another_object, KNOWS, contrasts=())
    assert item.group == MENDED and item.chosen_before == OBJECT


def test_the_unlearned_are_in_no_group():
    assert groups_of(KNOWS, FAILS) == []


def test_a_few_of_each_group_evenly_over_the_set():
    chosen = groups_of(FAILS, KNOWS, n=1200)
    numbers = [int(item.item_id.removeprefix("item-")) for item in chosen]
    assert len(numbers) == 6 and numbers[0] == 0
    steps = np.diff(numbers)
    assert steps.min() > 190 and steps.max() < 215


def test_groups_come_in_order_and_nothing_is_made_of_nothing():
    items = [make_item(i) for i in range(4)]
    before = predict(items, [KNOWS, FAILS, FAILS, KNOWS])
    after = predict(items, [KNOWS, FAILS, KNOWS, KNOWS])
    assert [i.group for i in gallery_of(items, before, after)] == [MENDED, WRONG, RIGHT, RIGHT]
    assert gallery_of([], Predictions(()), Predictions(())) == []


def test_predictions_of_other_items_are_refused():
    items = [make_item(0), make_item(1)]
    mine, others = predict(items, [KNOWS] * 2), predict(items[::-1], [KNOWS] * 2)
    with pytest.raises(DataError, match="a gallery of 2 items was asked for"):
        gallery_of(items, mine, others)
    with pytest.raises(DataError, match="evaluate both models"):
        gallery_of(items[:1], mine, mine)


def test_it_comes_back_from_its_file(tmp_path):
    path = tmp_path / "a=b" / "gallery.parquet"
    chosen = groups_of(FAILS, KNOWS, n=5)
    save_gallery(chosen, path)
    assert load_gallery(path) == chosen
    save_gallery([], path)
    assert load_gallery(path) == []


def test_a_gallery_that_is_missing_or_damaged(tmp_path):
    with pytest.raises(DataError, match="is missing"):
        load_gallery(tmp_path / "none.parquet")
    (tmp_path / "half.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="is damaged"):
        load_gallery(tmp_path / "half.parquet")
