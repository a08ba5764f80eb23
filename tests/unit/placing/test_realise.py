"""Rooms, and how proposals become scenes in them."""

from dataclasses import replace

import numpy as np
import pytest

from rls3.placing.goal import ANY_CELL, Goal, GoalSpace, Move, MoveSpace
from rls3.placing.rooms import drop, realise, rooms_of, space_of
from rls3.scene.records import Kind
from tests.conftest import make_params
from tests.unit.geometric_simulator import GeometricSimulator

SAMPLING = make_params(sampling__types=[], sampling__held_out_types=[]).sampling
ROOMS = rooms_of(GeometricSimulator(), ["Room2", "Room1"], SAMPLING)
ROOM = ROOMS["Room1"]
MUG, VASE = Kind("Mug", "red"), Kind("Vase", "blue")


@pytest.fixture(scope="module")
def layout():
    return drop(ROOM, np.random.default_rng(3), SAMPLING)


def moved(layout, *args):
    return realise(Move(*args), ROOM, layout, np.random.default_rng(0), SAMPLING)


def test_rooms_keep_their_order_and_their_kinds_sorted():
    assert list(ROOMS) == ["Room2", "Room1"] and ROOM.floor_plan == "Room1"
    assert list(ROOM.kinds) == sorted(ROOM.survey.kinds)


def test_the_space_is_made_of_what_the_rooms_have():
    types, colors = ("Bowl", "Mug", "Pot", "Vase"), ("blue", "green", "red")
    assert space_of(ROOMS, "goal", 3) == GoalSpace(types, colors)
    assert space_of(ROOMS, "raw", 3) == MoveSpace(types, colors, 3)


def test_a_goal_comes_with_company():
    goal = Goal(MUG, VASE, ANY_CELL, 0, 1)
    spec = realise(goal, ROOM, None, np.random.default_rng(0), SAMPLING)
    kinds = [placement.kind for placement in spec.placements]
    assert kinds[:2] == [MUG, VASE] and len(set(kinds)) == SAMPLING.objects


def test_a_move_there_and_back_changes_nothing(layout):
    kind = layout.placements[1].kind
    there = moved(layout, 1, kind, (0.4, -0.15, 0.15), 90.0)
    assert there.placements[1] != layout.placements[1]
    assert there.placements[0] == layout.placements[0] and there.viewpoint == layout.viewpoint
    assert moved(there, 1, kind, (-0.4, 0.15, -0.15), 270.0) == layout


def test_a_swap_takes_the_place_of_the_old_object(layout):
    present = {placement.kind for placement in layout.placements}
    other = next(kind for kind in ROOM.kinds if kind not in present)
    swapped = moved(layout, 0, other, (0.0, 0.0, 0.0), 0.0)
    assert swapped.placements[0] == replace(layout.placements[0], kind=other)


def test_a_move_that_cannot_be_has_no_scene(layout):
    still = (0.0, 0.0, 0.0), 0.0
    assert moved(layout, 0, layout.placements[1].kind, *still) is None
    assert moved(layout, 0, Kind("Sofa"), *still) is None
    assert moved(None, 0, MUG, *still) is None


def test_a_missing_object_of_company_is_counted_round(layout):
    pair = replace(layout, placements=layout.placements[:2])
    kind = pair.placements[0].kind
    assert moved(pair, 2, kind, (0.4, 0.0, 0.0), 0.0) == moved(pair, 0, kind, (0.4, 0.0, 0.0), 0.0)
