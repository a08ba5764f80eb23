"""The placement solver shows what was asked for, and says so when it cannot."""

import numpy as np
import pytest

from rls3.language.relation import CELLS, relation
from rls3.placing.goal import ANY_CELL, DISTANCES, Goal, distance_index
from rls3.placing.solver import solve
from rls3.placing.spots import spots_of
from rls3.placing.stratified import stratified_specs
from rls3.placing.validity import problems
from rls3.scene.records import Kind
from tests.conftest import make_params
from tests.unit.geometric_simulator import GeometricSimulator, make_survey

SAMPLING = make_params().sampling
MUG, VASE, POT = Kind("Mug", "red"), Kind("Vase", "blue"), Kind("Pot", "green")
SURVEY = make_survey()
SPOTS = spots_of(SURVEY)


def shown(goal, rng, company=()):
    """The goal's spec, and the scene that comes of it."""
    spec = solve(goal, SURVEY, SPOTS, rng, SAMPLING, company)
    return spec, spec and GeometricSimulator().measure(spec)


def relation_of(scene):
    subject, reference = scene.objects[:2]
    return relation(subject.box.center, reference.box.center, scene.camera.yaw_deg)


def test_nearly_every_relation_is_shown_and_valid():
    rng, found = np.random.default_rng(0), 0
    for cell in range(len(CELLS)):
        for attempt in range(3):
            goal = Goal(MUG, VASE, cell, attempt % 2, attempt)
            _, scene = shown(goal, rng, [POT])
            if scene is not None:
                assert relation_of(scene) == CELLS[cell]
                assert problems(scene, SURVEY, SAMPLING) == ()
                found += 1
    assert found > 0.8 * 3 * len(CELLS)


@pytest.mark.parametrize("distance", range(len(DISTANCES)))
def test_the_reference_is_as_far_and_the_eye_as_high_as_wanted(distance):
    rng = np.random.default_rng(distance)
    for view in (0, 1):
        spec, scene = shown(Goal(MUG, VASE, ANY_CELL, view, distance), rng)
        to_reference = np.subtract(scene.objects[1].box.center, scene.camera.position)
        metres = np.linalg.norm(to_reference)
        assert distance_index(metres, SAMPLING.max_distance_m) == distance
        assert spec.viewpoint.standing == (view == 0)


def test_same_generator_same_scene():
    goal = Goal(MUG, VASE, 3, 0, 1)
    first, second = (shown(goal, np.random.default_rng(4), [POT])[0] for _ in range(2))
    assert first == second is not None
    assert shown(goal, np.random.default_rng(5), [POT])[0] != first


def test_what_cannot_be_is_refused():
    rng = np.random.default_rng(0)
    for goal in (Goal(MUG, MUG, 0, 0, 0), Goal(Kind("Sofa"), MUG, 0, 0, 0)):
        assert solve(goal, SURVEY, SPOTS, rng, SAMPLING) is None


def test_company_that_finds_no_place_is_left_out():
    tall = make_survey()
    tall.kinds[Kind("Pot", "green")] = (0.2, 9.0, 0.2)
    rng = np.random.default_rng(0)
    spec = solve(Goal(MUG, VASE, ANY_CELL, 0, 1), tall, SPOTS, rng, SAMPLING, [POT, MUG])
    assert [placement.kind for placement in spec.placements] == [MUG, VASE]


def test_left_and_right_are_equally_common_by_nature():
    rng = np.random.default_rng(1)
    terms = [
        str(term)
        for _ in range(300)
        for term in relation_of(shown(Goal(MUG, VASE, ANY_CELL, 0, 1), rng)[1]).terms
    ]
    left, right = terms.count("left"), terms.count("right")
    assert left + right > 100 and abs(left - right) < 4 * np.sqrt(left + right)


def test_free_height_ends_at_the_next_shelf():
    lowest = SPOTS.points[:, 1] == 0.1  # the lowest shelf; the next is at 0.5
    assert np.allclose(SPOTS.clearance[lowest], 0.35)
    highest = SPOTS.points[:, 1] == 1.3
    assert np.allclose(SPOTS.clearance[highest], SURVEY.maximum[1])


def test_stratified_scenes_go_through_rooms_and_cells():
    rooms = [make_survey("Room1"), make_survey("Room2")]
    endless = stratified_specs(rooms, SAMPLING, np.random.default_rng(0))
    specs = [next(endless) for _ in range(2 * len(CELLS))]
    cells = [relation_of(GeometricSimulator().measure(spec)).index for spec in specs]
    assert {spec.floor_plan for spec in specs} == {"Room1", "Room2"}
    assert len(set(cells)) > 20 and max(np.bincount(cells)) <= 4
