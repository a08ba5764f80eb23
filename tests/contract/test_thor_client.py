"""The client over the real Controller and the embedded executable.

Exact placement, recovery, order, no traces.
"""

import os
import signal
import tempfile
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from rls3.errors import RefusedAction, SimulatorError
from rls3.placing.goal import ANY_CELL, Goal
from rls3.placing.solver import solve
from rls3.placing.spots import spots_of
from rls3.placing.validity import problems
from rls3.scene.geometry import box_corners, project
from rls3.scene.records import Box, Kind, Placement, RenderFailure, SceneSpec, Viewpoint
from rls3.thor.client import ThorClient
from rls3.thor.pipes import sweep_pipes
from rls3.thor.pool import RenderPool
from rls3.thor.surveying import outermost
from tests.conftest import make_params

PARAMS = make_params(simulator__action_timeout_s=4.0)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with ThorClient(PARAMS.simulator, tmp_path_factory.mktemp("thor")) as made:
        yield made


def specs_of(client, n, room="FloorPlan201"):
    survey, rng = client.survey(room), np.random.default_rng(3)
    spots, kinds, found = spots_of(survey), sorted(survey.kinds), []
    while len(found) < n:
        a, b, c = (kinds[i] for i in rng.choice(len(kinds), 3, replace=False))
        spec = solve(Goal(a, b, ANY_CELL, 0, 1), survey, spots, rng, PARAMS.sampling, [c])
        if spec is not None:
            found.append(spec)
    return found


def test_what_is_placed_is_what_is_measured(client):
    for spec in specs_of(client, 8):
        scene = client.measure(spec)
        for wanted, got in zip(spec.placements, scene.objects):
            foot = np.array(got.box.center) - [0, got.box.size[1] / 2, 0]
            assert np.allclose(foot, wanted.position, atol=1e-3) and got.kind == wanted.kind
            assert abs((got.box.yaw_deg - wanted.yaw_deg + 180) % 360 - 180) < 1e-3
        assert np.allclose(
            (scene.camera.position[0], scene.camera.position[2], scene.camera.yaw_deg),
            (spec.viewpoint.x, spec.viewpoint.z, spec.viewpoint.yaw_deg),
        )


def test_its_pipes_say_whose_they_are_and_are_gone_once_it_is_up(tmp_path, monkeypatch):
    """So that what a killed process leaves of a simulator that starts is swept by the next one."""
    pipes = tmp_path / "tmp"
    (pipes / "rls3-thor-999999999-left").mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(pipes))
    sweep_pipes()
    assert list(pipes.iterdir()) == []
    with ThorClient(PARAMS.simulator, tmp_path / "thor") as client:
        client.start_ahead("FloorPlan1", 60.0)
        seen = set()
        while client.process_id is None or not seen:
            seen |= {folder.name for folder in pipes.glob(f"rls3-thor-{os.getpid()}-*")}
            time.sleep(0.01)
        assert client.survey("FloorPlan1").floor_plan == "FloorPlan1"
        assert list(pipes.iterdir()) == [] and len(seen) == 1


def test_masks_lie_within_the_projected_boxes(client):
    seen = 0
    for spec in specs_of(client, 12):
        scene = client.render(spec)
        height, width = scene.image.shape[:2]
        for item in scene.objects:
            if item.box_px is None:
                continue
            pixels, depth = project(box_corners(item.box), scene.camera, width, height)
            low, high = pixels.min(axis=0) - 1.5, pixels.max(axis=0) + 1.5
            assert (
                depth.min() > 0
                and low[0] <= item.box_px[0]
                and low[1] <= item.box_px[1]
                and item.box_px[2] <= high[0]
                and item.box_px[3] <= high[1]
            )
            seen += 1
    assert seen > 20


def test_the_survey_is_read_from_its_file_the_second_time(client):
    first = client.survey("FloorPlan401")
    again = client.survey("FloorPlan401")
    assert (
        again.kinds == first.kinds
        and again.furniture == first.furniture
        and np.array_equal(again.standpoints, first.standpoints)
    )
    assert {s.receptacle_type for s in first.surfaces} >= {"Floor", "ShelvingUnit"} and len(
        first.kinds
    ) >= 60


def test_a_killed_simulator_is_replaced(client):
    (spec,) = specs_of(client, 1)
    before = client.render(spec)
    os.kill(client.process_id, signal.SIGKILL)
    after = client.render(spec)
    assert np.array_equal(before.image, after.image) and before.objects == after.objects


def test_a_simulator_that_is_killed_before_a_survey_is_replaced(tmp_path):
    with ThorClient(PARAMS.simulator, tmp_path) as client:
        client.survey("FloorPlan1")
        os.kill(client.process_id, signal.SIGKILL)
        assert client.survey("FloorPlan2").floor_plan == "FloorPlan2"


def test_a_hanging_simulator_is_replaced(client):
    (spec,) = specs_of(client, 1)
    before, old = client.render(spec), client.process_id
    os.kill(old, signal.SIGSTOP)
    started = time.perf_counter()
    after = client.render(spec)
    assert np.array_equal(before.image, after.image) and client.process_id != old
    assert time.perf_counter() - started < 15
    assert not os.path.exists(f"/proc/{old}") or "Z" in open(f"/proc/{old}/stat").read()


def test_a_refused_wish_names_scene_and_reason(client):
    with pytest.raises(RefusedAction, match="FloorPlan201 has no pink Piano"):
        client.measure(
            SceneSpec(
                "FloorPlan201", (Placement(Kind("Piano", "pink"), (0, 0, 0)),), Viewpoint(0, 0, 0)
            )
        )
    with pytest.raises(RefusedAction, match="'FloorPlan999' is not in this simulator"):
        client.measure(SceneSpec("FloorPlan999", (), Viewpoint(0, 0, 0)))
    assert client.measure(specs_of(client, 1)[0]).objects


def test_light_is_part_of_the_spec_and_leaves_no_trace(client):
    (spec,) = specs_of(client, 1)
    plain, lit = client.render(spec), client.render(replace(spec, light_seed=5, material_seed=6))
    assert not np.array_equal(plain.image, lit.image)
    assert np.array_equal(client.render(spec).image, plain.image)


def test_a_missing_executable_is_one_sentence(tmp_path):
    params = make_params(simulator__embedded_command="/no/such/thor").simulator
    with pytest.raises(
        SimulatorError, match="'/no/such/thor' .simulator.embedded_command. does not exist"
    ):
        ThorClient(params, tmp_path)
    dies = make_params(
        simulator__embedded_command="/bin/false", simulator__action_timeout_s=1.0
    ).simulator
    started = time.perf_counter()
    with (
        pytest.raises(SimulatorError, match="did not start.*rls3 doctor"),
        ThorClient(dies, tmp_path) as client,
    ):
        client.survey("FloorPlan1")
    assert time.perf_counter() - started < 20


def test_the_pool_keeps_order_repeats_itself_and_leaves_no_process(client, tmp_path):
    specs = [*specs_of(client, 6), *specs_of(client, 4, "FloorPlan1")]
    specs.insert(
        3, SceneSpec("FloorPlan1", (Placement(Kind("Piano"), (0, 0, 0)),), Viewpoint(0, 0, 0))
    )
    counted = []
    with RenderPool(PARAMS.simulator, tmp_path, scenes_per_task=1) as pool:
        scenes = pool.render(specs, counted.append)
        workers = pool._workers.process_ids
    assert isinstance(scenes[3], RenderFailure) and "no  Piano" in scenes[3].reason
    assert [s.spec for s in scenes] == specs and counted == list(range(1, 12))
    for spec, scene in zip(specs, scenes):
        if not isinstance(scene, RenderFailure):
            assert np.array_equal(client.render(spec).image, scene.image)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)
    assert threading.active_count() < 20


def test_nothing_is_written_to_the_users_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    with ThorClient(PARAMS.simulator, tmp_path / "run") as client:
        scene = client.render(specs_of(client, 1)[0])
        assert problems(scene, client.survey("FloorPlan201"), PARAMS.sampling) in ((), ("hidden",))
    assert list((tmp_path / "home").iterdir()) == []


def test_doors_and_drawers_add_nothing_to_a_survey(client):
    survey = client.survey("FloorPlan301")
    assert not outermost([])
    boxes = [
        Box((0, 0.5, 0), (1, 1, 0.5)),
        Box((0, 0.3, 0.25), (0.9, 0.2, 0.02)),
        Box((0, 1.4, 0), (0.5, 0.1, 0.2)),
    ]
    assert outermost(boxes) == (boxes[0], boxes[2])
    assert len(survey.furniture) == len(set(survey.furniture)) == 11, (
        "its pieces of furniture, whatever can be opened on them"
    )
