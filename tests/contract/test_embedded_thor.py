"""The embedded executable behind the unmodified Controller of ai2thor."""

import json
import os
import subprocess
import sys
import time

import jsonschema
import numpy as np
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.xdist_group("simulator")


def _objects(event, **where):
    return [o for o in event.metadata["objects"] if all(o[k] == v for k, v in where.items())]


@pytest.mark.parametrize("scene", ["FloorPlan1", "FloorPlan201", "FloorPlan301", "FloorPlan401"])
def test_metadata_is_of_ai2thors_own_schema(controller, scene):
    event = controller.reset(
        scene, renderInstanceSegmentation=False
    )  # the schema is of an event without images' colours
    jsonschema.validate(event.metadata, json.loads((ROOT / "tests/data/thor-metadata-schema.json").read_text()))
    assert event.metadata["sceneName"] == f"{scene}_physics"
    assert len({o["objectId"] for o in event.metadata["objects"]}) == len(event.metadata["objects"])
    assert len({o["objectType"] for o in _objects(event, pickupable=True)}) >= 12
    heights = {round(o["position"]["y"], 1) for o in _objects(event, pickupable=True)}
    assert len(heights) >= 3
    controller.reset(scene, renderInstanceSegmentation=True)


def test_moving_turning_and_looking(controller):
    start = controller.reset("FloorPlan201").metadata["agent"]
    assert controller.step("RotateLeft").metadata["agent"]["rotation"]["y"] == (start["rotation"]["y"] - 90) % 360
    assert [controller.step("LookDown").metadata["lastActionSuccess"] for _ in range(3)] == [True, True, False]
    assert controller.last_event.metadata["agent"]["cameraHorizon"] == 60
    blocked = [controller.step("MoveAhead").metadata["lastActionSuccess"] for _ in range(30)]
    assert blocked[-1] is False  # a wall, some time
    assert (
        controller.step("Crouch").metadata["cameraPosition"]["y"]
        < 1.0
        < controller.step("Stand").metadata["cameraPosition"]["y"]
    )


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"action": "Fly"}, "Invalid action"), ({"action": "MoveAhead", "speed": 3}, "invalid argument 'speed'"), ({"action": "DisableObject"}, "missing argument 'objectId'"),
        ({"action": "RotateRight", "degrees": "many"}, "not of type float"), ({"action": "Teleport", "position": {"x": float("inf")}}, "not of type"),
        ({"action": "Initialize", "gridSize": -1}, "gridSize"), ({"action": "SetObjectPoses", "objectPoses": 3}, "not of type"),
    ],
)  # fmt: skip
def test_what_unity_refuses_is_refused(controller, action, message):
    with pytest.raises(ValueError, match=message):
        controller.step(action)
    assert controller.step("Pass").metadata["lastActionSuccess"]


def test_unlisted_objects_are_deactivated_and_bad_names_reported(controller):
    event = controller.reset("FloorPlan1")
    mug = _objects(event, objectType="Mug")[0]
    pose = {
        "objectName": mug["name"],
        "position": {"x": 0.5, "y": 0.0, "z": 0.5},
        "rotation": {"x": 0, "y": 30, "z": 0},
    }
    event = controller.step("SetObjectPoses", objectPoses=[pose], placeStationary=True)
    assert [o["name"] for o in _objects(event, pickupable=True)] == [mug["name"]]
    assert _objects(event, pickupable=True)[0]["parentReceptacles"] == ["Floor|+00.00|+00.00|+00.00"]
    failed = controller.step("SetObjectPoses", objectPoses=[pose, pose | {"objectName": "Nothing_1"}])
    assert not failed.metadata["lastActionSuccess"] and "Nothing_1" in failed.metadata["errorMessage"]
    assert len(_objects(controller.reset("FloorPlan1"), pickupable=True)) > 30


def test_images_agree_with_each_other(controller):
    controller.reset("FloorPlan1")
    agent = controller.last_event.metadata["agent"]["position"]
    event = controller.step(
        "TeleportFull", position=agent, rotation={"x": 0, "y": 180, "z": 0}, horizon=20, standing=True, forceAction=True
    )
    assert event.frame.shape == (120, 160, 3) and event.depth_frame.shape == (120, 160)
    assert event.instance_masks and 0.05 < event.depth_frame.min() < event.depth_frame.max() < 8
    eye = np.array([event.metadata["cameraPosition"][a] for a in "xyz"])
    for entry in event.metadata["objects"]:
        if entry["objectId"] not in event.instance_masks or entry["objectType"] == "Floor":
            continue
        mask = event.instance_masks[entry["objectId"]]
        corners = np.array(entry["axisAlignedBoundingBox"]["cornerPoints"])
        farthest = np.linalg.norm(corners - eye, axis=1).max()
        assert event.depth_frame[mask].max() <= farthest + 0.05


def test_third_party_cameras(controller):
    controller.reset("FloorPlan301")
    controller.step(
        "AddThirdPartyCamera", position={"x": 0, "y": 2, "z": 0}, rotation={"x": 60, "y": 0, "z": 0}, fieldOfView=80
    )
    event = controller.step("UpdateThirdPartyCamera", thirdPartyCameraId=0, rotation={"x": 60, "y": 90, "z": 0})
    assert len(event.third_party_camera_frames) == 1 and event.third_party_camera_frames[0].std() > 5
    with pytest.raises(ValueError, match="no third-party camera 4"):
        controller.step("UpdateThirdPartyCamera", thirdPartyCameraId=4)


def test_without_images_and_other_resolutions(controller):
    event = controller.reset("FloorPlan1", width=96, height=64)
    assert event.frame.shape == (64, 96, 3)
    assert controller.step("Pass", renderImage=False).metadata["screenWidth"] == 96
    controller.reset("FloorPlan1", width=160, height=120)


def test_light_and_materials_follow_the_seed(controller):
    controller.reset("FloorPlan201")

    def look(seed):
        controller.step("SetRandomSeed", seed=seed)
        controller.step("RandomizeLighting")
        return controller.step("RandomizeMaterials").frame.copy()

    first, other = look(1), look(2)
    assert np.array_equal(first, look(1)) and not np.array_equal(first, other)


def test_it_ends_when_its_client_goes():
    code = (
        "import os,sys,tempfile; os.environ['HOME']=tempfile.mkdtemp()\nfrom ai2thor.controller import Controller\n"
        "c=Controller(local_executable_path=f'{sys.executable} -m rls3.embedded_thor',x_display=':0',width=64,height=64,scene='FloorPlan1')\n"
        "print(c.server.unity_proc.pid,flush=True); os.kill(os.getpid(),9)"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    pid = int(child.stdout)
    for _ in range(50):
        if not os.path.exists(f"/proc/{pid}") or "Z" in open(f"/proc/{pid}/stat").read().split()[2]:
            return
        time.sleep(0.1)
    pytest.fail("the executable outlived its client")
