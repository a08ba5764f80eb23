"""Proposals and the vocabularies that write them as indices."""

import numpy as np
import pytest

from rls3.placing.goal import (
    ANY_CELL,
    DISTANCES,
    Goal,
    GoalSpace,
    Move,
    MoveSpace,
    distance_index,
    distance_range_m,
)
from rls3.scene.records import Kind

GOALS = GoalSpace(("Bowl", "Mug", "Pot"), ("blue", "red"))
MOVES = MoveSpace(("Bowl", "Mug", "Pot"), ("blue", "red"), objects=3)


@pytest.mark.parametrize("space", [GOALS, MOVES])
def test_decoding_and_encoding_are_inverse(space):
    rng = np.random.default_rng(0)
    sizes = list(space.parts.values())
    for indices in rng.integers(sizes, size=(200, len(sizes))):
        assert space.encode(space.decode(indices)).tolist() == indices.tolist()


def test_parts_mean_what_they_are_called():
    assert GOALS.decode([0, 1, 2, 0, 26, 1, 2]) == Goal(
        Kind("Bowl", "red"), Kind("Pot", "blue"), ANY_CELL, 1, 2
    )
    assert MOVES.decode([2, 1, 0, 0, 2, 4, 3]) == Move(2, Kind("Mug", "blue"), (-0.4, 0, 0.4), 270)


def test_what_is_not_in_the_vocabulary_has_no_index():
    with pytest.raises(ValueError, match="index"):
        GOALS.encode(Goal(Kind("Sofa", "red"), Kind("Mug", "red"), 0, 0, 0))


def test_distances_are_where_their_ranges_say():
    for index in range(len(DISTANCES)):
        nearest, farthest = distance_range_m(index, 1.9)
        for metres in np.linspace(nearest + 1e-6, farthest - 1e-6, 7):
            assert distance_index(metres, 1.9) == index
    assert distance_range_m(0, 1.9)[0] == 0.75 and np.isclose(distance_range_m(2, 1.9)[1], 1.9)
    assert distance_index(0.1, 1.9) == 0 and distance_index(9.0, 1.9) == 2
