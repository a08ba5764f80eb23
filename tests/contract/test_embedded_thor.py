"""The embedded executable behind the unmodified Controller of ai2thor."""

import json
import os
import re
import subprocess
import sys
import time

import jsonschema
import numpy as np
import pytest

from tests.conftest import ROOT


def _objects(event, **where):
    return [o for o in event.metadata["objects"] if all(o[k] == v for k, v in where.items())]


@pytest.mark.parametrize("scene", ["FloorPlan1", "FloorPlan201", "FloorPlan301", "FloorPlan401"])
def test_metadata_is_of_ai2thors_own_schema(controller, scene):
    event = controller.reset(
        scene, renderInstanceSegmentation=False
    )  # the schema is of an event without images' colours
    jsonschema.validate(
        event.metadata, json.loads((ROOT / "tests/data/thor-metadata-schema.json").read_text())
    )
    assert event.metadata["sceneName"] == f"{scene}_physics"
    assert len({o["objectId"] for o in event.metadata["objects"]}) == len(event.metadata["objects"])
    assert len({o["objectType"] for o in _objects(event, pickupable=True)}) >= 12
    heights = {round(o["position"]["y"], 1) for o in _objects(event, pickupable=True)}
    assert len(heights) >= 3
    controller.reset(scene, renderInstanceSegmentation=True)


def test_moving_turning_and_looking(controller):
    start = controller.reset("FloorPlan201").metadata["agent"]
    assert (
        controller.step("RotateLeft").metadata["agent"]["rotation"]["y"]
        == (start["rotation"]["y"] - 90) % 360
    )
    assert [controller.step("LookDown").metadata["lastActionSuccess"] for _ in range(3)] == [
        True,
        True,
        False,
    ]
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
        ({"action": "Fly"}, "Invalid action"),
        ({"action": "MoveAhead", "speed": 3}, "invalid argument 'speed'"),
        ({"action": "DisableObject"}, "missing argument 'objectId'"),
        ({"action": "RotateRight", "degrees": "many"}, "not of type float"),
        ({"action": "Teleport", "position": {"x": float("inf")}}, "not of type"),
        ({"action": "Initialize", "gridSize": -1}, "gridSize"),
        ({"action": "SetObjectPoses", "objectPoses": 3}, "not of type"),
    ],
)
def test_what_unity_refuses_is_refused(controller, action, message):
    with pytest.raises(ValueError, match=message):
        controller.step(action)
    assert controller.step("Pass").metadata["lastActionSuccess"]


def test_failures_are_told_in_the_words_that_programs_for_ai2thor_read(controller):
    event = controller.reset("FloorPlan1")
    ids = {
        kind: _objects(event, objectType=kind)[0]["objectId"]
        for kind in ("Mug", "Apple", "Fridge", "CounterTop", "StoveKnob")
    }

    def says(action, **arguments):
        event = controller.step(action, **arguments)  # no ValueError: the arguments are well formed
        assert not event.metadata["lastActionSuccess"], action
        return event.metadata["errorMessage"]

    near = {"forceAction": True}
    assert (
        says("PickupObject", objectId="Mug|9")
        == "ArgumentException: objectId: Mug|9 is not the objectId on any object in the scene!"
    )
    controller.step(
        "TeleportFull",
        **event.metadata["agent"]["position"],
        rotation={"y": 0},
        horizon=-30,
        standing=True,
        forceAction=True,
    )
    assert "not found within the specified visibility" in says("PickupObject", objectId=ids["Mug"])
    assert "must have the property CanPickup" in says(
        "PickupObject", objectId=ids["Fridge"], **near
    )
    assert says("DropHandObject") == "nothing in hand to drop!"
    assert (
        says("PutObject", objectId=ids["CounterTop"], **near)
        == "Can't place an object if Agent isn't holding anything"
    )
    assert (
        says("OpenObject", objectId=ids["Mug"], **near) == f"{ids['Mug']} is not an Openable object"
    )
    assert says("ToggleObjectOn", objectId=ids["Mug"], **near) == f"{ids['Mug']} is not toggleable"
    controller.step("ToggleObjectOn", objectId=ids["StoveKnob"], **near)
    assert (
        says("ToggleObjectOn", objectId=ids["StoveKnob"], **near)
        == "can't toggle object on if it's already on!"
    )
    assert controller.step("PickupObject", objectId=ids["Mug"], **near)
    assert says("PickupObject", objectId=ids["Apple"], **near).startswith(
        "Agent hand has something in it already!"
    )
    assert (
        says("PutObject", objectId=ids["Apple"], **near)
        == "This target object is NOT a receptacle!"
    )
    assert "Target openable Receptacle is CLOSED" in says(
        "PutObject", objectId=ids["Fridge"], **near
    )
    assert says("LookUp") == "can't look up beyond 30 degrees above the forward horizon"
    assert controller.last_event.metadata["errorCode"] == "LookDownCantExceedMin"
    blocked = next(
        e
        for e in (controller.step("MoveAhead") for _ in range(30))
        if not e.metadata["lastActionSuccess"]
    )
    pattern = r"\w+ is blocking Agent 0 from moving by \(0\.0000, 0\.0000, 0\.2500\)\."
    assert re.fullmatch(pattern, blocked.metadata["errorMessage"])


def test_a_query_is_answered_by_a_patch_unless_fast_emit_is_off(controller):
    controller.reset("FloorPlan1")
    before = controller.step("Pass")
    sent = controller.server.raw_files
    event = controller.step("GetReachablePositions")
    assert (
        event.metadata["lastAction"] == "GetReachablePositions"
        and len(event.metadata["actionReturn"]) > 10
    )
    assert controller.server.raw_files is sent, "no picture was drawn and sent again"
    assert (
        np.array_equal(event.frame, before.frame)
        and event.metadata["objects"] == before.metadata["objects"]
    )
    event = controller.step(
        "GetSpawnCoordinatesAboveReceptacle", objectId="Nothing|1", anywhere=True
    )
    assert not event.metadata["lastActionSuccess"] and "Nothing|1" in event.metadata["errorMessage"]
    assert (
        controller.step("RotateRight").metadata["lastActionSuccess"]
        and controller.server.raw_files is not sent
    )
    controller.step("Initialize", fastActionEmit=False)
    sent = controller.server.raw_files
    assert (
        controller.step("GetReachablePositions").metadata["actionReturn"]
        and controller.server.raw_files is not sent
    )


def test_instance_segmentation_can_be_asked_for_in_one_step(controller):
    controller.reset("FloorPlan1")
    controller.step("Initialize", renderInstanceSegmentation=False)
    assert controller.step("Pass").instance_masks == {}
    assert len(controller.step("Pass", renderInstanceSegmentation=True).instance_masks) > 3
    assert controller.step("Pass").instance_masks == {}


def test_what_programs_for_ai2thor_set_at_the_start_is_taken(controller):
    event = controller.step(
        "Initialize",
        autoSimulation=False,
        useMassThreshold=True,
        massThreshold=10,
        cameraNearPlane=0.01,
        visibilityScheme="Distance",
        makeAgentsVisible=True,
    )
    assert event.metadata["lastActionSuccess"]
    with pytest.raises(ValueError, match="autoSimulatoin"):
        controller.step("Initialize", autoSimulatoin=False)


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
    assert _objects(event, pickupable=True)[0]["parentReceptacles"] == [
        "Floor|+00.00|+00.00|+00.00"
    ]
    failed = controller.step(
        "SetObjectPoses", objectPoses=[pose, pose | {"objectName": "Nothing_1"}]
    )
    assert (
        not failed.metadata["lastActionSuccess"] and "Nothing_1" in failed.metadata["errorMessage"]
    )
    assert len(_objects(controller.reset("FloorPlan1"), pickupable=True)) > 30


def test_images_agree_with_each_other(controller):
    controller.reset("FloorPlan1")
    agent = controller.last_event.metadata["agent"]["position"]
    event = controller.step(
        "TeleportFull",
        position=agent,
        rotation={"x": 0, "y": 180, "z": 0},
        horizon=20,
        standing=True,
        forceAction=True,
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
        "AddThirdPartyCamera",
        position={"x": 0, "y": 2, "z": 0},
        rotation={"x": 60, "y": 0, "z": 0},
        fieldOfView=80,
    )
    event = controller.step(
        "UpdateThirdPartyCamera", thirdPartyCameraId=0, rotation={"x": 60, "y": 90, "z": 0}
    )
    assert (
        len(event.third_party_camera_frames) == 1 and event.third_party_camera_frames[0].std() > 5
    )
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
        "import os, sys, tempfile; os.environ['HOME'] = tempfile.mkdtemp()\n"
        "from ai2thor.controller import Controller\n"
        "command = f'{sys.executable} -m embedded_thor'\n"
        "c = Controller(local_executable_path=command, x_display=':0', width=64, height=64)\n"
        "print(c.server.unity_proc.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    pid = int(child.stdout)
    for _ in range(50):
        if not os.path.exists(f"/proc/{pid}") or "Z" in open(f"/proc/{pid}/stat").read().split()[2]:
            return
        time.sleep(0.1)
    pytest.fail("the executable outlived its client")
