"""What makes a scene invalid, one spoiled scene for each reason."""

from dataclasses import replace

import numpy as np
import pytest

from rls3.placing.goal import Goal
from rls3.placing.solver import solve
from rls3.placing.spots import spots_of
from rls3.placing.validity import problems
from rls3.scene.records import Kind
from tests.conftest import make_params
from tests.unit.geometric_simulator import GeometricSimulator, make_survey

SAMPLING = make_params().sampling
SURVEY = make_survey()


@pytest.fixture(scope="module")
def spec():
    goal = Goal(Kind("Mug", "red"), Kind("Vase", "blue"), 0, 0, 1)
    return solve(goal, SURVEY, spots_of(SURVEY), np.random.default_rng(0), SAMPLING)


def moved(spec, *offset):
    """The subject somewhere else."""
    first, second = spec.placements
    position = tuple(np.add(first.position, offset))
    return replace(spec, placements=(replace(first, position=position), second))


def looking(spec, **changes):
    return replace(spec, viewpoint=replace(spec.viewpoint, **changes))


def on_top_of_the_other(spec):
    first, second = spec.placements
    return replace(spec, placements=(replace(first, position=second.position), second))


def named_alike(spec):
    first, second = spec.placements
    return replace(spec, placements=(replace(first, kind=second.kind), second))


SPOILED = {
    "indistinct": named_alike,
    "collision": on_top_of_the_other,
    "outside": lambda spec: moved(spec, 5, 0, 0),
    "unsupported": lambda spec: moved(spec, 0, 0.3, 0),
    "out of view": lambda spec: looking(spec, yaw_deg=spec.viewpoint.yaw_deg + 180),
    "too far": lambda spec: looking(spec, x=9.0),
}


@pytest.mark.parametrize("reason", SPOILED)
def test_a_spoiled_scene_has_its_problem(spec, reason):
    simulator = GeometricSimulator()
    assert problems(simulator.measure(spec), SURVEY, SAMPLING) == ()
    assert reason in problems(simulator.measure(SPOILED[reason](spec)), SURVEY, SAMPLING)


def test_a_relation_near_the_border_of_its_region_is_ambiguous(spec):
    scene = GeometricSimulator().measure(spec)
    strict = make_params(sampling__min_margin_deg=22.4).sampling
    assert problems(scene, SURVEY, strict) == ("ambiguous",)


def test_hidden_is_decided_from_the_masks(spec):
    scene = GeometricSimulator().measure(spec)
    seen = tuple(replace(item, visible_px=80) for item in scene.objects)
    drawn = replace(scene, objects=seen, image=np.zeros((128, 128, 3), np.uint8))
    assert problems(drawn, SURVEY, SAMPLING) == ()
    barely = replace(drawn, objects=(replace(seen[0], visible_px=79), *seen[1:]))
    assert problems(barely, SURVEY, SAMPLING) == ("hidden",)
