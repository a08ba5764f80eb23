"""All ordered pairs of what a picture shows."""

from dataclasses import replace

import numpy as np

from rls3.dataset.pairs import pair_captions
from rls3.language.caption import parse
from rls3.language.relation import relation
from rls3.scene.records import Box, Kind
from tests.conftest import make_params, make_sample_of, many_samples

SAMPLING = make_params(sampling__min_visible_px=12).sampling
BAR = 40  # pixels


def pairs(sample, **changed):
    sampling = SAMPLING.model_copy(update=changed)
    return pair_captions(sample, sampling)


def seen(sample, *pixels):
    objects = zip(sample.objects, pixels, strict=True)
    return replace(sample, objects=tuple(replace(item, visible_px=px) for item, px in objects))


def clear_sample():
    """A mug to the right of a bowl, and a vase to the left of both and behind."""
    sample = seen(make_sample_of(0, (0.4, 0.0, 0.0)), 99, 99, 99)
    return _moved(sample, 2, (-0.5, 0.8, 2.5))


def _moved(sample, number, center):
    item = sample.objects[number]
    there = replace(item, box=Box(center, item.box.size))
    objects = [there if i == number else o for i, o in enumerate(sample.objects)]
    return replace(sample, objects=tuple(objects))


def test_three_things_have_six_captions_the_own_one_first():
    texts = [caption.text for caption in pairs(clear_sample())]
    assert texts[0] == "The red mug is to the right of the blue bowl."
    assert set(texts[1:]) == {
        "The blue bowl is to the left of the red mug.",
        "The red mug is in front and to the right of the green vase.",
        "The green vase is behind and to the left of the red mug.",
        "The blue bowl is in front and to the right of the green vase.",
        "The green vase is behind and to the left of the blue bowl.",
    }


def test_a_caption_and_that_of_the_exchanged_pair_are_each_others_opposite():
    for sample in many_samples(30):
        found = {(c.subject, c.reference): c.cell for c in pairs(seen(sample, 99, 99, 99))[1:]}
        for (subject, reference), cell in found.items():
            opposite = found.get((reference, subject), parse(sample.caption).cell)
            assert opposite == cell.opposite


def test_they_are_true_of_the_measured_geometry():
    sample = clear_sample()
    at = {item.kind: item.box.center for item in sample.objects}
    for c in pairs(sample):
        assert c.cell == relation(at[c.subject], at[c.reference], sample.camera.yaw_deg)


def test_what_is_hardly_seen_is_not_spoken_of():
    texts = [c.text for c in pairs(seen(clear_sample(), 99, 99, BAR - 1), min_visible_px=BAR)]
    assert len(texts) == 2 and not any("vase" in text for text in texts)
    assert len(pairs(seen(clear_sample(), 99, 99, BAR), min_visible_px=BAR)) == 6


def test_a_relation_near_its_border_is_not_told():
    sample = _moved(clear_sample(), 2, (-0.5, 0.8, 2.0 + 0.5 * np.tan(np.radians(20))))
    assert len(pairs(sample, min_margin_deg=0.0)) == 6
    vase_and_bowl = [c for c in pairs(sample) if {"Vase", "Bowl"} == _types(c)]
    assert not vase_and_bowl, "2.5 degrees from 'behind and to the left'"


def _types(caption):
    return {caption.subject.type, caption.reference.type}


def test_two_things_of_one_name_are_not_spoken_of():
    sample = clear_sample()
    twin = replace(sample.objects[2], kind=Kind("Mug", "red"))
    texts = [c.text for c in pairs(replace(sample, objects=(*sample.objects[:2], twin)))]
    assert texts == [sample.caption], "its own was made before"


def test_its_own_caption_is_there_whatever_the_bars_are():
    sample = clear_sample()
    assert [c.text for c in pairs(seen(sample, 0, 0, 0))] == [sample.caption]
