"""What is taught of a sample: true captions and false ones."""

from dataclasses import replace

import numpy as np

from rls3.language.caption import Caption, parse
from rls3.scene.records import Kind
from rls3.vlm.lessons import captions_of, lessons_of, with_mirrored
from tests.conftest import make_params, make_sample_of, many_samples
from tests.unit.vlm.scoring import furnished_samples

PARAMS = make_params(sampling__min_visible_px=12)


def lessons(samples, captions="pairs"):
    params = PARAMS.finetune.model_copy(update={"captions": captions})
    shards = [samples[:2], samples[2:]]
    return lessons_of(shards, params, PARAMS.sampling)


def test_one_caption_of_a_sample_is_its_own():
    samples = many_samples(5)
    taught = [lesson for shard in lessons(samples, "one") for lesson in shard]
    assert [lesson.caption.text for lesson in taught] == [s.caption for s in samples]
    assert [lesson.image for lesson in taught] == [0, 1, 2, 3, 4]


def test_of_pairs_there_are_more_and_pictures_are_numbered_through_shards():
    samples = many_samples(5)
    first, second = lessons(samples)
    assert {lesson.image for lesson in first} == {0, 1}
    assert {lesson.image for lesson in second} == {2, 3, 4}
    assert len(first) + len(second) > 10
    own = {lesson.image: lesson.caption.text for lesson in reversed(first + second)}
    assert [own[i] for i in range(5)] == [s.caption for s in samples], "its own comes first"


def test_absent_is_what_other_pictures_show_and_this_one_does_not():
    strange = make_sample_of(1)
    pot = replace(strange.objects[2], kind=Kind("Pot", "red"))
    strange = replace(strange, objects=(*strange.objects[:2], pot))
    first, second = lessons([make_sample_of(0), make_sample_of(2), strange])
    assert first[0].absent == [Kind("Pot", "red")]
    assert second[0].absent == [Kind("Vase", "green")]


def test_false_captions_respect_the_limit_and_keep_a_false_name():
    first, second = lessons(furnished_samples(6))
    lesson = next(n for n in (*first, *second) if not _pair(n.caption) & set(n.absent))
    for limit in (1, 2, 3, 4, 6):
        for seed in range(10):
            true, *false = captions_of(lesson, limit, np.random.default_rng(seed))
            assert true == lesson.caption.text
            assert len(false) == len(set(false)) <= limit and true not in false
            named = [c for c in map(parse, false) if _pair(c) != _pair(lesson.caption)]
            assert bool(named) == (limit > 1)
            for caption in named:
                assert {caption.subject, caption.reference} & set(lesson.absent)


def _pair(caption: Caption):
    return {caption.subject, caption.reference}


def test_where_nothing_is_known_to_be_absent_all_false_captions_are_of_relations():
    (lesson, *_), _ = lessons(many_samples(4))
    captions = captions_of(lesson, 4, np.random.default_rng(0))
    assert all(_pair(parse(text)) == _pair(lesson.caption) for text in captions)


def test_a_mirrored_lesson_exchanges_left_and_right_alone():
    for sample in many_samples(30):
        (lesson,) = lessons_of(
            [[sample]],
            PARAMS.finetune.model_copy(update={"captions": "one"}),
            PARAMS.sampling,
        )[0]
        plain, other = with_mirrored(lesson, 100)
        left, right = "to the left", "to the right"
        turned = lesson.caption.text.replace(left, "?").replace(right, left).replace("?", right)
        assert other.caption.text == turned and other.image == 100 + lesson.image
        assert plain.caption == lesson.caption and plain.image == lesson.image
        beside = with_mirrored(other, -100)
        assert beside[1] == plain
        for limit in (1, 4):
            for one, rival in ((plain, other), (other, plain)):
                _, *false = captions_of(one, limit, np.random.default_rng(0))
                assert (rival.caption.text in false) == (turned != lesson.caption.text)
