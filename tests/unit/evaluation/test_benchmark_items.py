from dataclasses import replace

import pytest

from rls3.errors import DataError
from rls3.evaluation.item import Item, item_of
from rls3.scene.floor_plan import room_type
from tests.conftest import make_sample_of, many_samples


def test_a_sample_as_an_item_has_its_captions_in_order_and_says_how_they_differ():
    sample = make_sample_of(0, (0.4, 0.0, 0.4))  # behind, right
    item = item_of(sample)
    assert item.captions == (sample.caption, *(n.text for n in sample.negatives))
    assert item.captions[item.answer] == sample.caption and item.image == sample.image
    objects = ("object",) * len(sample.negatives_of("object"))
    assert item.contrasts == ("", "flip:behind", "flip:right", "flip_all", "swap", *objects)
    assert item.captions[item.contrasts.index("flip:right")] == sample.flip("right")
    assert item.slices == {"complexity": "2", "room type": "kitchen"}
    assert item.groups["cell"] == "behind + right" and item.groups["floor plan"] == "FloorPlan1"
    assert item.item_id == item.picture_id == sample.sample_id


def test_an_image_is_bytes_wherever_it_comes_from(tmp_path):
    sample = make_sample_of(0)
    (tmp_path / "a.png").write_bytes(sample.image)
    items = [
        Item("x", source, ("one", "two"), 0)
        for source in (sample.image, tmp_path / "a.png", sample)
    ]
    assert {item.image for item in items} == {sample.image}
    assert items[0] == items[1] == replace(items[2], answer=0) != replace(items[0], image=b"")


def test_every_sample_is_an_item():
    assert len({item_of(sample).item_id for sample in many_samples(50)}) == 50


@pytest.mark.parametrize(
    ("captions", "answer", "contrasts", "told"),
    [
        (("one",), 0, (), "two or more"),
        (("one", "two"), 2, (), "the answer 2 is none of its 2 captions"),
        (("one", "two"), -1, (), "the answer -1"),
        (("one", "one", "two"), 0, (), "'one' is there more than once"),
        (("one", "two"), 0, ("",), "1 contrasts for 2 captions"),
        (("one", "two"), 0, ("", "flip:near"), "unknown contrast 'flip:near'"),
        (("one", "two"), 0, ("swap", ""), "the answer has the contrast 'swap'"),
    ],
)
def test_an_item_that_cannot_be_judged_is_refused(captions, answer, contrasts, told):
    with pytest.raises(DataError, match=f"item 'x': .*{told}"):
        Item("x", b"", captions, answer, {}, contrasts)


def test_room_types_are_by_ithors_numbers():
    names = ("FloorPlan7", "FloorPlan30", "FloorPlan201", "FloorPlan330", "FloorPlan401", "House")
    kinds = ["kitchen", "kitchen", "living room", "bedroom", "bathroom", "House"]
    assert [room_type(name) for name in names] == kinds
