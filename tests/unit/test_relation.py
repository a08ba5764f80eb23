import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rls3.language.relation import CELLS, Cell, Term, cell_of, cells_of, margins_deg, relation

coordinate = st.floats(-3, 3, allow_nan=False).map(lambda v: round(v, 3))
vectors = (
    st.tuples(coordinate, coordinate, coordinate)
    .map(np.array)
    .filter(lambda v: np.linalg.norm(v) > 0.05)
)
clear = vectors.filter(lambda v: margins_deg(v[None])[0] > 0.01)  # not on a border


def test_there_are_26_distinct_cells():
    assert len(set(CELLS)) == 26
    assert sorted(c.complexity for c in CELLS) == [1] * 6 + [2] * 12 + [3] * 8


@pytest.mark.parametrize(
    ("offset", "terms"),
    [
        ((1, 0, 0), ["right"]),
        ((-1, 0, 0), ["left"]),
        ((0, 0, 1), ["behind"]),
        ((0, 0, -1), ["in front"]),
        ((0, 1, 0), ["above"]),
        ((0, -1, 0), ["below"]),
        ((1, 0, 1), ["behind", "right"]),
        ((-1, 0, -1), ["in front", "left"]),
        ((1, 1, 0), ["above", "right"]),
        ((-1, -1.4, 1), ["below", "behind", "left"]),
    ],
)
def test_known_directions(offset, terms):
    assert [str(t) for t in cell_of(offset).terms] == terms


@given(clear)
def test_exchanging_the_objects_flips_every_term(v):
    assert cell_of(-v) == cell_of(v).opposite


@given(clear)
def test_a_mirror_flips_left_and_right_only(v):
    mirrored, cell = cell_of(v * [-1, 1, 1]), cell_of(v)
    assert mirrored == Cell(cell.vertical, cell.depth, cell.lateral and cell.lateral.opposite)


@given(clear, st.floats(0, 360))
def test_turning_room_and_camera_together_changes_nothing(v, yaw):
    t = np.radians(yaw)
    turned = np.array(
        [v[0] * np.cos(t) + v[2] * np.sin(t), v[1], -v[0] * np.sin(t) + v[2] * np.cos(t)]
    )
    assert relation(tuple(turned), (0, 0, 0), yaw) == relation(tuple(v), (0, 0, 0), 0.0)


@given(st.lists(vectors, min_size=1, max_size=20))
def test_many_at_once_equal_one_by_one(vs):
    assert [CELLS[i] for i in cells_of(np.array(vs))] == [cell_of(v) for v in vs]


@given(vectors, vectors)
def test_a_smaller_turn_than_the_margin_keeps_the_cell(v, w):
    margin = margins_deg(v[None])[0]
    w = w / np.linalg.norm(w) * np.linalg.norm(v)
    between = np.degrees(np.arccos(np.clip(v @ w / (v @ v), -1, 1)))
    if between < margin * np.cos(np.arctan2(abs(v[1]), np.hypot(v[0], v[2]))) * 0.9:
        assert cell_of(w) == cell_of(v)


def test_flipping_twice_is_nothing():
    for cell in CELLS:
        for term in cell.terms:
            assert cell.flipped(term).flipped(term.opposite) == cell
    assert all(Term(t).opposite.opposite is t for t in Term)
