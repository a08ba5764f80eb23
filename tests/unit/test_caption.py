import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rls3.errors import DataError
from rls3.language.caption import Caption, hard_negatives, kind_of, object_name, parse
from rls3.language.relation import CELLS, cell_of, margins_deg
from rls3.scene.records import Kind

KINDS = [Kind(t, c) for t in ("Mug", "AlarmClock", "Pot", "TeddyBear") for c in ("red", "blue", "")]
pairs = st.lists(st.sampled_from(KINDS), min_size=2, max_size=2, unique=True)


def test_the_papers_form():
    cell = cell_of((-1, 1, 1))
    text = Caption(Kind("Mug", "red"), cell, Kind("Bowl", "yellow")).text
    assert text == "The red mug is above, behind and to the left of the yellow bowl."
    assert (
        Caption(Kind("Mug"), cell_of((0, 0, 1)), Kind("Bowl")).text == "The mug is behind the bowl."
    )
    assert (
        Caption(Kind("Mug"), cell_of((0, 0, -1)), Kind("Bowl")).text
        == "The mug is in front of the bowl."
    )


@given(pairs, st.sampled_from(CELLS))
def test_text_and_record_are_inverse(pair, cell):
    caption = Caption(pair[0], cell, pair[1])
    assert parse(caption.text) == caption
    assert all(kind_of(object_name(k)) == k for k in pair)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A mug.",
        "The mug is near the bowl.",
        "the mug is above the bowl.",
        "The mug is above the bowl",
    ],
)
def test_other_text_is_refused(text):
    with pytest.raises(DataError, match="is not a caption of the form"):
        parse(text)


@given(
    pairs,
    st.tuples(*[st.floats(-1, 1)] * 3)
    .map(np.array)
    .filter(lambda v: np.linalg.norm(v) > 0.1 and margins_deg(v[None])[0] > 0.1),
    st.integers(0, 99),
)
def test_no_negative_is_true_of_the_geometry(pair, offset, seed):
    caption = Caption(pair[0], cell_of(offset), pair[1])
    absent = [k for k in KINDS if k not in pair]
    for negative in hard_negatives(caption, absent, np.random.default_rng(seed)):
        said = negative.caption
        if (said.subject, said.reference) == (caption.subject, caption.reference):
            assert said.cell != cell_of(offset)
        elif (said.subject, said.reference) == (caption.reference, caption.subject):
            assert said.cell != cell_of(-offset)
        else:
            assert {said.subject, said.reference} & set(absent)


def test_which_negatives_there_are():
    caption = Caption(KINDS[0], cell_of((1, 1, 1)), KINDS[1])
    kinds = [n.kind for n in hard_negatives(caption, KINDS[2:], np.random.default_rng(0))]
    assert kinds == ["flip", "flip", "flip", "flip_all", "swap", "object", "object", "object"]
    level = [
        n.kind
        for n in hard_negatives(
            Caption(KINDS[0], cell_of((1, 0, 0)), KINDS[1]), KINDS[2:3], np.random.default_rng(0)
        )
    ]
    assert level == ["flip", "swap", "object"]
