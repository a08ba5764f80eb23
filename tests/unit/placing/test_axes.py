"""The axes of a goal and those of the sample that comes of it: two routes that agree."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from rls3.language.relation import CELLS, relation
from rls3.params import Axis
from rls3.placing.axes import axes_of, axes_of_goal
from rls3.placing.goal import ANY_CELL, Goal
from rls3.placing.solver import solve
from rls3.placing.spots import spots_of
from rls3.scene.floor_plan import room_type
from rls3.scene.records import Kind
from tests.conftest import make_params, make_sample_of
from tests.unit.geometric_simulator import GeometricSimulator, make_survey

SAMPLING = make_params().sampling


def sample_of(spec):
    """The sample of a solved spec, without its picture."""
    scene = GeometricSimulator().measure(spec)
    subject, reference = scene.objects[:2]
    cell = relation(subject.box.center, reference.box.center, scene.camera.yaw_deg)
    return replace(
        make_sample_of(),
        spec=spec.to_json(),
        floor_plan=spec.floor_plan,
        cell=cell.index,
        camera=scene.camera,
        objects=scene.objects,
    )


def test_a_sample_has_the_values_that_its_goal_asked_for():
    survey, rng, seen = make_survey("FloorPlan401"), np.random.default_rng(0), 0
    kinds = sorted(survey.kinds)
    for cell in range(len(CELLS)):
        subject, reference = (kinds[i] for i in rng.choice(len(kinds), 2, replace=False))
        goal = Goal(subject, reference, cell, cell % 2, cell % 3)
        spec = solve(goal, survey, spots_of(survey), rng, SAMPLING)
        if spec is not None:
            seen += 1
            assert axes_of(sample_of(spec), SAMPLING) == axes_of_goal(goal, "FloorPlan401")
    assert seen > 15


def test_values_are_words():
    goal = Goal(Kind("Mug", "red"), Kind("Bowl", "red"), 12, 1, 2)
    assert axes_of_goal(goal, "FloorPlan7") == {
        "cell": "above + left",
        "subject": "Mug",
        "reference": "Bowl",
        "pair": "Mug, Bowl",
        "colors": "same",
        "view": "crouched",
        "distance": "far",
        "room": "kitchen",
    }
    other = axes_of_goal(Goal(Kind("Mug", "red"), Kind("Bowl", "blue"), ANY_CELL, 0, 0), "House")
    assert other["cell"] == "any" and other["colors"] == "different" and other["room"] == "House"


def test_params_know_every_axis():
    goal = Goal(Kind("Mug"), Kind("Bowl"), 0, 0, 0)
    assert tuple(axes_of_goal(goal, "Room1")) == get_args(Axis)


@pytest.mark.parametrize(
    ("floor_plan", "expected"),
    [
        ("FloorPlan1", "kitchen"),
        ("FloorPlan230", "living room"),
        ("FloorPlan301", "bedroom"),
        ("FloorPlan430", "bathroom"),
        ("FloorPlan_Train1_1", "FloorPlan_Train1_1"),
    ],
)
def test_the_type_of_a_room_is_in_its_number(floor_plan, expected):
    assert room_type(floor_plan) == expected
