import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from rls3.errors import DataError
from rls3.placing.synthesis import (
    balanced,
    benchmark_samples,
    floor_plans_of,
    pretraining_samples,
    valid_samples,
)
from rls3.scene.records import RenderFailure
from tests.conftest import make_params, make_sample_of, many_samples
from tests.unit.geometric_simulator import KINDS, GeometricSimulator, make_survey

PARAMS = make_params(
    sampling__types=[],
    sampling__held_out_types=["Pot"],
    sampling__max_distance_m=3.0,
    evaluation__val_per_cell=1,
    evaluation__test_per_cell=1,
    evaluation__unseen_per_cell=1,
)
ROOMS = [make_survey("Room1"), make_survey("Room2")]
SEED = 3


class Draws:
    """A renderer over the geometric simulator: grey pictures in which everything is seen."""

    def __init__(self, refuse=lambda spec: False):
        self.batches, self._refuse = [], refuse

    def render(self, specs, on_done=None):
        self.batches.append(list(specs))
        return [RenderFailure(spec, "no") if self._refuse(spec) else _drawn(spec) for spec in specs]


def _drawn(spec):
    scene = GeometricSimulator().measure(spec)
    objects = tuple(replace(o, visible_px=500, box_px=(0, 0, 9, 9)) for o in scene.objects)
    return replace(scene, objects=objects, image=np.full((16, 16, 3), 127, np.uint8))


def _some(n, **renderer):
    return list(
        itertools.islice(
            valid_samples(ROOMS, Draws(**renderer), PARAMS.sampling, SEED, "pretrain"), n
        )
    )


def test_valid_samples_come_in_batches_of_every_relation_in_every_room():
    renderer = Draws()
    samples = list(
        itertools.islice(valid_samples(ROOMS, renderer, PARAMS.sampling, SEED, "val"), 30)
    )
    assert {len(batch) for batch in renderer.batches} == {26 * 2}
    assert {s.split for s in samples} == {s.campaign for s in samples} == {"val"}
    assert {s.seed for s in samples} == {SEED} and {s.floor_plan for s in samples} > {"Room1"}
    assert [s.step for s in samples] == sorted(s.step for s in samples)


def test_the_same_seed_gives_the_same_samples_and_each_split_its_own():
    assert _some(20) == _some(20)
    other = valid_samples(ROOMS, Draws(), PARAMS.sampling, SEED, "test")
    ids = {s.sample_id for s in _some(20)}
    assert not ids & {s.sample_id for s in itertools.islice(other, 20)}


def test_what_is_refused_is_left_out():
    samples = _some(20, refuse=lambda spec: spec.floor_plan == "Room1")
    assert {s.floor_plan for s in samples} == {"Room2"}


def test_no_valid_scene_at_all_is_an_error_and_not_a_loop():
    with pytest.raises(DataError, match=r"in Room1, Room2 have no valid one \(refused \(no\)"):
        _some(1, refuse=lambda spec: True)


def test_balanced_takes_the_first_of_each_cell():
    samples = many_samples(700)
    chosen = balanced(iter(samples), 2)
    assert Counter(s.cell for s in chosen) == dict.fromkeys(range(26), 2)
    assert [s.cell for s in chosen] == sorted(s.cell for s in chosen)
    for cell in range(26):
        first = [s for s in samples if s.cell == cell][:2]
        assert [s for s in chosen if s.cell == cell] == first


def test_a_relation_that_does_not_occur_is_named():
    always_right = (make_sample_of(i) for i in itertools.count())
    with pytest.raises(DataError, match=r"the relation '.*' hardly occurs in FloorPlan1;"):
        balanced(always_right, 1, most=50)


def _benchmark(split, params=PARAMS):
    return benchmark_samples(split, ROOMS, Draws(), params.sampling, params.evaluation, SEED)


def test_benchmarks_are_balanced_and_apart():
    val, test = _benchmark("val"), _benchmark("test")
    assert Counter(s.cell for s in val) == dict.fromkeys(range(26), 1)
    assert {s.split for s in val} == {"val"} and {s.split for s in test} == {"test"}
    assert not {s.sample_id for s in val} & {s.sample_id for s in test}


def test_unseen_shows_the_types_held_out():
    assert all({"Pot"} & {o.kind.type for o in s.objects[:2]} for s in _benchmark("unseen"))
    none = make_params(sampling__types=[], sampling__held_out_types=[])
    assert _benchmark("unseen", none) == []


def test_rooms_of_the_benchmarks():
    evaluation = PARAMS.evaluation
    assert floor_plans_of("val", evaluation) == evaluation.val_floor_plans
    assert floor_plans_of("unseen", evaluation) == evaluation.test_floor_plans
    assert floor_plans_of("test", evaluation) == evaluation.test_floor_plans


def test_pretraining_uses_no_sample_of_a_benchmark():
    sampling, known = PARAMS.sampling, {s.sample_id for s in _some(10)[::2]}
    samples = pretraining_samples(ROOMS, Draws(), sampling, SEED, 12, known)
    assert len(samples) == 12 and not known & {s.sample_id for s in samples}
    assert samples == [s for s in _some(17) if s.sample_id not in known]
    assert {o.kind for s in samples for o in s.objects} <= set(KINDS)
