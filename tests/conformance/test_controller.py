"""What users of ai2thor's public Controller rely on. Nothing here knows which simulator answers."""

import json

import jsonschema
import numpy as np
import pytest
from ai2thor.wsgi_server import WsgiServer

from tests.conftest import ROOT

SCHEMA = json.loads((ROOT / "tests/data/thor-metadata-schema.json").read_text())
ALL = [f"FloorPlan{first + i}" for first in (0, 200, 300, 400) for i in range(1, 31)]


def objects(event, **where):
    return [
        o for o in event.metadata["objects"] if all(o[key] == value for key, value in where.items())
    ]


def project(points, event):
    """World points (N, 3) to pixels (N, 2) and distances ahead (N,), by a pinhole of our own."""
    agent, eye = event.metadata["agent"], event.metadata["cameraPosition"]
    yaw, pitch = np.radians([agent["rotation"]["y"], agent["cameraHorizon"]])
    offset = np.asarray(points) - [eye["x"], eye["y"], eye["z"]]
    right = offset @ [np.cos(yaw), 0, -np.sin(yaw)]
    level = offset @ [np.sin(yaw), 0, np.cos(yaw)]
    ahead = level * np.cos(pitch) - offset[:, 1] * np.sin(pitch)
    up = level * np.sin(pitch) + offset[:, 1] * np.cos(pitch)
    height, width = event.frame.shape[:2]
    focal = height / 2 / np.tan(np.radians(event.metadata["fov"]) / 2)
    safe = np.maximum(ahead, 1e-3)
    return np.stack(
        [width / 2 + focal * right / safe, height / 2 - focal * up / safe], axis=1
    ), ahead


@pytest.mark.parametrize("first", [0, 200, 300, 400])
def test_every_floor_plan_is_of_ai2thors_schema_and_masks_lie_in_the_projected_boxes(
    controller, first
):
    schema = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)
    seen = 0
    for i in range(1, 31):
        event = controller.reset(f"FloorPlan{first + i}")
        assert (
            event.metadata["lastActionSuccess"]
            and event.metadata["sceneName"] == f"FloorPlan{first + i}_physics"
        )
        schema.validate(
            event.metadata | {"colors": None}
        )  # the schema is of an event without images
        for turn in (37.0 * i, 150.0):
            event = controller.step("RotateRight", degrees=turn)
            for entry in objects(event, pickupable=True):
                mask = event.instance_masks.get(entry["objectId"])
                if mask is None:
                    continue
                corners = np.array(entry["axisAlignedBoundingBox"]["cornerPoints"])
                pixels, ahead = project(corners, event)
                if ahead.min() < 0.15:
                    continue
                rows, columns = np.nonzero(mask)
                low, high = pixels.min(axis=0) - 1.5, pixels.max(axis=0) + 1.5
                assert low[0] <= columns.min() and columns.max() <= high[0], entry["objectId"]
                assert low[1] <= rows.min() and rows.max() <= high[1], entry["objectId"]
                depth = event.depth_frame[mask]
                assert ahead.min() - 0.03 <= depth.min() and depth.max() <= ahead.max() + 0.03, (
                    entry["objectId"]
                )
                seen += 1
    assert seen > 100


def test_floor_plans_differ(controller):
    layouts = set()
    for name in ALL[::10]:
        event = controller.reset(name)
        layouts.add(
            tuple(
                sorted(
                    (o["objectType"], round(o["position"]["x"], 1))
                    for o in objects(event, pickupable=False)
                )
            )
        )
        assert len(controller.step("GetReachablePositions").metadata["actionReturn"]) > 10
    assert len(layouts) == len(ALL[::10])


def test_nothing_floats_or_is_sunk(controller):
    for name in ALL[5::15]:
        event = controller.reset(name)
        for entry in objects(event, pickupable=True):
            assert entry["parentReceptacles"], f"{entry['objectId']} in {name} rests on nothing"


def test_normals_and_semantic_images_agree_with_the_room(controller):
    controller.reset("FloorPlan201")
    event = controller.step("LookDown", degrees=30)
    height, width = event.frame.shape[:2]
    assert (
        event.normals_frame.shape[:2]
        == event.semantic_segmentation_frame.shape[:2]
        == (height, width)
    )
    assert set(event.class_masks) <= {o["objectType"] for o in event.metadata["objects"]} | {
        "Floor"
    }
    for type_, mask in event.class_masks.items():
        instances = [
            event.instance_masks[o["objectId"]]
            for o in objects(event, objectType=type_)
            if o["objectId"] in event.instance_masks
        ]
        assert np.array_equal(mask, np.any(instances, axis=0))


def test_picking_up_carrying_and_putting_down(controller):
    event = controller.reset("FloorPlan1")
    mug = objects(event, objectType="Mug")[0]["objectId"]
    event = controller.step("PickupObject", objectId=mug, forceAction=True)
    assert event.metadata["inventoryObjects"] == [{"objectId": mug, "objectType": "Mug"}]
    before = event.get_object(mug)["position"]
    assert event.get_object(mug)["isPickedUp"]
    turned = controller.step("RotateRight", degrees=90).get_object(mug)["position"]
    assert np.hypot(turned["x"] - before["x"], turned["z"] - before["z"]) > 0.3
    second = objects(event, objectType="Bowl")[0]["objectId"]
    assert not controller.step("PickupObject", objectId=second, forceAction=True).metadata[
        "lastActionSuccess"
    ]
    table = objects(event, objectType="DiningTable")[0]["objectId"]
    event = controller.step("PutObject", objectId=table, forceAction=True)
    assert event.metadata["lastActionSuccess"] and not event.metadata["inventoryObjects"]
    assert event.get_object(mug)["parentReceptacles"] == [table]
    controller.step("PickupObject", objectId=mug, forceAction=True)
    event = controller.step("DropHandObject", forceAction=True)
    assert not event.get_object(mug)["isPickedUp"] and event.get_object(mug)["parentReceptacles"]


def test_states(controller):
    event = controller.reset("FloorPlan201")
    book, candle = (objects(event, objectType=t)[0]["objectId"] for t in ("Book", "Candle"))
    event = controller.step("OpenObject", objectId=book, openness=0.5, forceAction=True)
    assert event.get_object(book)["isOpen"] and event.get_object(book)["openness"] == 0.5
    assert not controller.step("CloseObject", objectId=book, forceAction=True).get_object(book)[
        "isOpen"
    ]
    lit = controller.last_event.get_object(candle)["isToggled"]
    there, back = (
        ("ToggleObjectOff", "ToggleObjectOn") if lit else ("ToggleObjectOn", "ToggleObjectOff")
    )
    assert (
        controller.step(there, objectId=candle, forceAction=True).get_object(candle)["isToggled"]
        is not lit
    )
    assert not controller.step(there, objectId=candle, forceAction=True).metadata[
        "lastActionSuccess"
    ]
    assert (
        controller.step(back, objectId=candle, forceAction=True).get_object(candle)["isToggled"]
        is lit
    )
    assert not controller.step("OpenObject", objectId=candle, forceAction=True).metadata[
        "lastActionSuccess"
    ]


@pytest.mark.parametrize(
    ("scene", "kind"),
    [("FloorPlan201", "Book"), ("FloorPlan201", "Box"), ("FloorPlan201", "Laptop")],
)
def test_what_opens_is_drawn_open_and_its_box_holds_it(controller, scene, kind):
    event = controller.reset(scene)
    item, agent = _by_type(event, kind)[0], event.metadata["agent"]["position"]
    pose = {
        "objectName": item["name"],
        "position": {"x": agent["x"], "y": agent["y"] - 0.9, "z": agent["z"]},
        "rotation": {"x": 0, "y": 0, "z": 0},
    }
    controller.step("SetObjectPoses", objectPoses=[pose], placeStationary=True)
    controller.step(
        "Teleport",
        position=agent | {"z": agent["z"] - 1.5},
        forceAction=True,
        raise_for_failure=True,
    )
    eye = {"x": agent["x"] + 0.1, "y": agent["y"] + 0.1, "z": agent["z"] + 0.6}
    controller.step(
        "AddThirdPartyCamera", position=eye, rotation={"x": 55, "y": 190, "z": 0}, fieldOfView=90
    )
    seen, boxes = [], []
    for openness in (0.0, 0.5, 1.0, item["openness"]):
        if controller.last_event.get_object(item["objectId"])["openness"] != openness:
            controller.step(
                "OpenObject", objectId=item["objectId"], openness=openness, forceAction=True
            )
        seen.append(controller.last_event.third_party_camera_frames[0].astype(int))
        assert item["objectId"] in controller.last_event.third_party_instance_masks[0]
        boxes.append(
            controller.last_event.get_object(item["objectId"])["axisAlignedBoundingBox"]["size"]
        )
    shut, half, wide, again = seen
    assert (abs(shut - half) > 20).sum() > 100 and (abs(half - wide) > 20).sum() > 100
    assert np.array_equal(again, shut if item["openness"] == 0 else wide)
    assert boxes[1]["y"] > boxes[0]["y"] + 0.03


@pytest.mark.parametrize("kind", ["Fridge", "Cabinet"])
def test_what_is_inside_is_seen_only_while_it_is_open(controller, kind):
    event = controller.reset("FloorPlan1")
    fridge, apple = (_by_type(event, kind)[0]["objectId"] for kind in (kind, "Apple"))
    assert not controller.step(
        "GetSpawnCoordinatesAboveReceptacle", objectId=fridge, anywhere=True
    ).metadata["lastActionSuccess"]
    controller.step("OpenObject", objectId=fridge, forceAction=True, raise_for_failure=True)
    controller.step("PickupObject", objectId=apple, forceAction=True, raise_for_failure=True)
    event = controller.step(
        "PutObject",
        objectId=fridge,
        forceAction=True,
        placeStationary=False,
        raise_for_failure=True,
    )
    assert event.get_object(apple)["parentReceptacles"] == [fridge]
    assert apple in event.get_object(fridge)["receptacleObjectIds"]
    box = event.get_object(fridge)["axisAlignedBoundingBox"]["center"]
    eye = {"x": box["x"], "y": event.get_object(apple)["position"]["y"] + 0.3, "z": box["z"] - 1.2}
    camera = {"position": eye, "rotation": {"x": 10, "y": 0, "z": 0}, "fieldOfView": 60}
    event = controller.step("AddThirdPartyCamera", **camera, raise_for_failure=True)
    assert apple in event.third_party_instance_masks[0]
    event = controller.step(
        "CloseObject", objectId=fridge, forceAction=True, raise_for_failure=True
    )
    assert apple not in event.third_party_instance_masks[0]
    assert event.get_object(apple)["parentReceptacles"] == [fridge]


def test_what_lies_in_a_drawer_goes_with_it_and_is_hidden_in_it(controller):
    event = controller.reset("FloorPlan301")
    drawer, thing = (_by_type(event, kind)[0]["objectId"] for kind in ("Drawer", "CD"))
    controller.step("PickupObject", objectId=thing, forceAction=True, raise_for_failure=True)
    assert not controller.step("PutObject", objectId=drawer, forceAction=True).metadata[
        "lastActionSuccess"
    ], "it is shut"
    controller.step("OpenObject", objectId=drawer, forceAction=True, raise_for_failure=True)
    event = controller.step("PutObject", objectId=drawer, forceAction=True, placeStationary=False)
    places, boxes = [], []
    for openness in (1.0, 0.5, 0.0, 1.0):
        if event.get_object(drawer)["openness"] != openness:
            name = "OpenObject" if openness else "CloseObject"
            arguments = {"openness": openness} if openness else {}
            event = controller.step(
                name, objectId=drawer, forceAction=True, raise_for_failure=True, **arguments
            )
        assert event.get_object(thing)["parentReceptacles"] == [drawer]
        assert event.get_object(drawer)["receptacleObjectIds"] == [thing]
        assert event.get_object(thing)["visible"] <= (openness > 0)
        places.append([event.get_object(thing)["position"][axis] for axis in "xyz"])
        boxes.append(
            max(event.get_object(drawer)["axisAlignedBoundingBox"]["size"][axis] for axis in "xz")
        )
    wide, half, shut, again = np.array(places)
    way = wide - shut
    assert 0.15 < np.linalg.norm(way) < 0.6 and abs(way[1]) < 1e-3, "it went with the drawer, level"
    assert np.allclose(half - shut, way / 2, atol=2e-3) and np.allclose(again, wide, atol=2e-3)


def test_doors_and_drawers_leave_the_picture_as_it_was_when_shut_again(controller):
    event = controller.reset("FloorPlan1")
    before, masks = event.frame.copy(), dict(event.instance_masks)
    parts = [
        o["objectId"] for kind in ("Cabinet", "Drawer") for o in objects(event, objectType=kind)
    ]
    for part in parts:
        event = controller.step(
            "OpenObject", objectId=part, forceAction=True, raise_for_failure=True
        )
        assert event.get_object(part)["isOpen"]
    for part in parts:
        event = controller.step(
            "CloseObject", objectId=part, forceAction=True, raise_for_failure=True
        )
    assert np.array_equal(event.frame, before)
    assert all(np.array_equal(event.instance_masks[name], mask) for name, mask in masks.items())


def test_a_lamp_that_is_off_leaves_the_room_darker(controller):
    event = controller.reset("FloorPlan201")
    lamp, lit = _by_type(event, "FloorLamp")[0], event.frame.copy()
    assert lamp["isToggled"]
    dark = controller.step("ToggleObjectOff", objectId=lamp["objectId"], forceAction=True).frame
    assert dark.mean() < 0.95 * lit.mean()
    assert np.array_equal(
        controller.step("ToggleObjectOn", objectId=lamp["objectId"], forceAction=True).frame, lit
    )


def test_a_stove_knob_turns_its_burner_on(controller):
    event = controller.reset("FloorPlan1")
    knob, burner = (_by_type(event, kind)[0] for kind in ("StoveKnob", "StoveBurner"))
    assert knob["toggleable"] and not knob["isToggled"]
    event = controller.step(
        "ToggleObjectOn", objectId=knob["objectId"], forceAction=True, raise_for_failure=True
    )
    assert event.get_object(knob["objectId"])["isToggled"]
    controlled = event.get_object(knob["objectId"])["controlledObjects"]
    assert controlled and all(event.get_object(name)["isToggled"] for name in controlled)
    assert burner["objectType"] in {name.split("|")[0] for name in controlled}
    event = controller.step(
        "ToggleObjectOff", objectId=knob["objectId"], forceAction=True, raise_for_failure=True
    )
    assert not any(event.get_object(name)["isToggled"] for name in controlled)


@pytest.mark.parametrize("vessel", ["Bowl", "Pan", "Plate"])
def test_what_lies_in_a_vessel_falls_into_it_and_goes_with_it(controller, vessel):
    event = controller.reset("FloorPlan1")
    egg, bowl, table = (
        _by_type(event, kind)[0]["objectId"] for kind in ("Egg", vessel, "CounterTop")
    )
    controller.step("PickupObject", objectId=egg, forceAction=True, raise_for_failure=True)
    event = controller.step(
        "PutObject", objectId=bowl, forceAction=True, placeStationary=False, raise_for_failure=True
    )
    assert event.get_object(egg)["parentReceptacles"] == [bowl]
    assert event.get_object(bowl)["receptacleObjectIds"] == [egg]
    assert (
        event.get_object(egg)["axisAlignedBoundingBox"]["center"]["y"]
        < event.get_object(bowl)["position"]["y"] + 0.1
    )

    def apart(event):
        a, b = (event.get_object(o)["axisAlignedBoundingBox"]["center"] for o in (egg, bowl))
        return np.linalg.norm([a[k] - b[k] for k in "xyz"])

    near = apart(event)
    event = controller.step("PickupObject", objectId=bowl, forceAction=True, raise_for_failure=True)
    assert event.get_object(bowl)["isPickedUp"] and abs(apart(event) - near) < 0.02
    event = controller.step("RotateRight")
    assert abs(apart(event) - near) < 0.02 and event.get_object(egg)["parentReceptacles"] == [bowl]
    event = controller.step(
        "PutObject", objectId=table, forceAction=True, placeStationary=False, raise_for_failure=True
    )
    assert event.get_object(egg)["parentReceptacles"] == [bowl]
    assert event.get_object(bowl)["parentReceptacles"] == [table]


def test_what_is_too_large_for_a_vessel_is_not_put_into_it(controller):
    event = controller.reset("FloorPlan1")
    pan, mug = (_by_type(event, kind)[0]["objectId"] for kind in ("Pan", "Mug"))
    controller.step("PickupObject", objectId=pan, forceAction=True, raise_for_failure=True)
    event = controller.step("PutObject", objectId=mug, forceAction=True)
    assert not event.metadata["lastActionSuccess"] and event.get_object(pan)["isPickedUp"]


def test_random_spawn_is_a_function_of_its_seed(controller):
    def poses(seed):
        controller.reset("FloorPlan1")
        event = controller.step("InitialRandomSpawn", randomSeed=seed, placeStationary=True)
        return {o["name"]: tuple(o["position"].values()) for o in objects(event, pickupable=True)}

    first, again, other = poses(3), poses(3), poses(4)
    assert first == again
    assert np.mean([first[name] != other[name] for name in first]) > 0.5
    furniture = [o["objectType"] for o in objects(controller.last_event, pickupable=False)]
    assert not controller.step("InitialRandomSpawn", excludedReceptacles=furniture).metadata[
        "lastActionSuccess"
    ]


def test_poses_can_be_saved_and_restored(controller):
    event = controller.reset("FloorPlan401")
    kept = [
        {"objectName": o["name"], "position": o["position"], "rotation": o["rotation"]}
        for o in objects(event, pickupable=True)
    ]
    frame = event.frame.copy()
    controller.step("InitialRandomSpawn", randomSeed=1)
    event = controller.step("SetObjectPoses", objectPoses=kept, placeStationary=True)
    assert (
        event.metadata["lastActionSuccess"] and np.abs(event.frame.astype(int) - frame).mean() < 1.0
    )


def test_a_name_that_is_listed_again_makes_a_copy_till_the_next_reset(controller):
    event = controller.reset("FloorPlan1")
    fridge, mug = (_by_type(event, kind)[0] for kind in ("Fridge", "Mug"))
    controller.step(
        "OpenObject", objectId=fridge["objectId"], forceAction=True, raise_for_failure=True
    )
    here = event.metadata["agent"]["position"]
    poses = [
        {
            "objectName": mug["name"],
            "position": {"x": here["x"], "y": 0.002, "z": here["z"] + z},
            "rotation": {"x": 0, "y": 90.0, "z": 0},
        }
        for z in (-0.9, -1.2, -1.5)
    ]
    event = controller.step(
        "SetObjectPoses", objectPoses=poses, placeStationary=True, raise_for_failure=True
    )
    mugs = sorted(objects(event, pickupable=True), key=lambda o: -o["position"]["z"])
    assert len({o["objectId"] for o in mugs}) == len({o["name"] for o in mugs}) == 3
    for pose, copy in zip(poses, mugs, strict=True):
        assert copy["objectType"] == "Mug" and copy["position"] == pytest.approx(
            pose["position"], abs=1e-3
        )
        assert copy["axisAlignedBoundingBox"]["size"] == pytest.approx(
            mugs[0]["axisAlignedBoundingBox"]["size"], abs=1e-4
        )
    assert event.get_object(fridge["objectId"])["isOpen"], "the rest is as it was"
    event = controller.step(
        "TeleportFull", **here, rotation={"y": 180}, horizon=45, standing=True, forceAction=True
    )
    assert all(o["objectId"] in event.instance_masks for o in mugs)
    event = controller.step(
        "SetObjectPoses", objectPoses=poses[:1], placeStationary=True, raise_for_failure=True
    )
    assert [o["objectId"] for o in objects(event, pickupable=True)] == [mug["objectId"]]
    event = controller.reset("FloorPlan1")
    assert not {o["objectId"] for o in mugs[1:]} & {
        o["objectId"] for o in event.metadata["objects"]
    }
    assert not event.get_object(fridge["objectId"])["isOpen"]


def test_two_agents(start):
    controller = start(
        scene="FloorPlan201", agentCount=2, width=80, height=60, renderInstanceSegmentation=True
    )
    first, second = controller.last_event.events
    assert first.metadata["agentId"] == 0 and second.metadata["agentId"] == 1
    assert first.metadata["agent"]["position"] != second.metadata["agent"]["position"]
    event = controller.step("RotateRight", degrees=45, agentId=1)
    assert event.events[1].metadata["agent"]["rotation"]["y"] == pytest.approx(
        (second.metadata["agent"]["rotation"]["y"] + 45) % 360
    )
    assert event.events[0].metadata["agent"] == first.metadata["agent"]
    assert not np.array_equal(event.events[0].frame, event.events[1].frame)
    before = event.events[0].frame.astype(int)
    here = first.metadata["agent"]["position"]
    yaw = np.radians(first.metadata["agent"]["rotation"]["y"])
    there = here | {"x": here["x"] + np.sin(yaw), "z": here["z"] + np.cos(yaw)}
    after = controller.step("Teleport", position=there, forceAction=True, agentId=1).events[0]
    assert (
        abs(after.frame.astype(int) - before).max(axis=2) > 30
    ).mean() > 0.03  # the other agent stands there now
    with pytest.raises(ValueError, match="agentId"):
        controller.step("Pass", agentId=2)


def test_the_wsgi_server_gives_the_same(start, controller):
    other = start(
        server_class=WsgiServer,
        scene="FloorPlan301",
        width=160,
        height=120,
        quality="Medium",
        fieldOfView=60,
        renderDepthImage=True,
        renderInstanceSegmentation=True,
    )
    camera = {
        "position": {"x": 0, "y": 2.2, "z": 0},
        "rotation": {"x": 60, "y": 0, "z": 0},
        "fieldOfView": 80,
    }
    controller.reset("FloorPlan301")
    events = []
    for one in (controller, other):
        one.step("AddThirdPartyCamera", **camera)
        events.append(one.step("RotateRight", degrees=50))
    fifo, wsgi = events
    assert np.array_equal(fifo.frame, wsgi.frame) and np.array_equal(
        fifo.depth_frame, wsgi.depth_frame
    )
    assert np.array_equal(fifo.third_party_camera_frames[0], wsgi.third_party_camera_frames[0])
    assert set(fifo.instance_masks) == set(wsgi.instance_masks)
    assert fifo.metadata["objects"] == wsgi.metadata["objects"]
    with pytest.raises(ValueError, match="Invalid action"):
        other.step("Fly")


def test_resolution_can_change(controller):
    controller.reset("FloorPlan1")
    assert controller.step("ChangeResolution", x=90, y=140).frame.shape == (140, 90, 3)
    assert controller.step("ChangeResolution", x=160, y=120).frame.shape == (120, 160, 3)


def _by_type(event, type_, **where):
    return [
        o
        for o in event.metadata["objects"]
        if o["objectType"] == type_ and all(o[k] == v for k, v in where.items())
    ]


def test_what_is_let_go_falls_and_rests(controller):
    """On the table under it, upright, at rest; and where it was put if it is to stay there."""
    event = controller.reset("FloorPlan1")
    mug, table = (_by_type(event, t)[0] for t in ("Mug", "DiningTable"))
    box = table["axisAlignedBoundingBox"]
    above = {
        "x": box["center"]["x"],
        "y": box["center"]["y"] + box["size"]["y"] / 2 + 0.3,
        "z": box["center"]["z"],
    }
    pose = {"objectName": mug["name"], "position": above, "rotation": {"x": 0, "y": 40, "z": 0}}
    event = controller.step(
        "SetObjectPoses", objectPoses=[pose], placeStationary=False, raise_for_failure=True
    )
    fallen = next(o for o in event.metadata["objects"] if o["name"] == mug["name"])
    low = min(corner[1] for corner in fallen["objectOrientedBoundingBox"]["cornerPoints"])
    assert abs(low - (box["center"]["y"] + box["size"]["y"] / 2)) < 0.01
    assert table["objectId"] in fallen["parentReceptacles"]
    assert not fallen["isMoving"] and event.metadata["isSceneAtRest"]
    event = controller.step(
        "SetObjectPoses", objectPoses=[pose], placeStationary=True, raise_for_failure=True
    )
    stays = next(o for o in event.metadata["objects"] if o["name"] == mug["name"])
    assert abs(stays["position"]["y"] - above["y"]) < 1e-4


def test_what_is_dropped_on_another_does_not_pass_through_it(controller):
    event = controller.reset("FloorPlan201")
    box, book = _by_type(event, "Box")[0], _by_type(event, "Book")[0]
    table = _by_type(event, "CoffeeTable")[0]["axisAlignedBoundingBox"]
    top = table["center"]["y"] + table["size"]["y"] / 2

    def pose(entry, height):
        position = {"x": table["center"]["x"], "y": top + height, "z": table["center"]["z"]}
        return {
            "objectName": entry["name"],
            "position": position,
            "rotation": {"x": 0, "y": 0, "z": 0},
        }

    poses = [pose(box, 0.05), pose(book, 0.5)]
    event = controller.step(
        "SetObjectPoses", objectPoses=poses, placeStationary=False, raise_for_failure=True
    )
    lower, upper = (
        np.array(
            next(o for o in event.metadata["objects"] if o["name"] == e["name"])[
                "axisAlignedBoundingBox"
            ]["cornerPoints"]
        )
        for e in (box, book)
    )
    assert upper[:, 1].min() > lower[:, 1].max() - 0.01


def test_what_lies_about_is_moved_by_what_falls_on_it_unless_it_was_put_to_stay(controller):
    def fallen(stationary):
        """How far down a book goes when a ball falls on the part that juts out over a table."""
        event = controller.reset("FloorPlan301")
        ball, book = _by_type(event, "BasketBall")[0], _by_type(event, "Book")[0]
        table = np.array(_by_type(event, "Dresser")[0]["axisAlignedBoundingBox"]["cornerPoints"])
        (x, top, _), front = (
            table.max(axis=0) - np.ptp(table, axis=0) * [0.5, 0, 0],
            table[:, 2].min(),
        )
        depth = np.ptp(
            np.array(book["objectOrientedBoundingBox"]["cornerPoints"])
            @ _ahead(book["rotation"]["y"])
        )
        pose = {
            "objectName": book["name"],
            "position": {"x": x, "y": top, "z": front + 0.1 * depth},
            "rotation": {"x": 0, "y": 0, "z": 0},
        }
        controller.step(
            "SetObjectPoses", objectPoses=[pose], placeStationary=stationary, raise_for_failure=True
        )
        before = controller.last_event.get_object(book["objectId"])["position"]["y"]
        assert abs(before - top) < 0.01
        above = {"x": x, "y": top + 0.2, "z": front - 0.3 * depth}
        controller.step(
            "PlaceObjectAtPoint", objectId=ball["objectId"], position=above, raise_for_failure=True
        )
        return before - controller.last_event.get_object(book["objectId"])["position"]["y"]

    assert fallen(stationary=False) > 0.3
    assert fallen(stationary=True) == 0


def _ahead(yaw_deg):
    return np.array([np.sin(np.radians(yaw_deg)), 0, np.cos(np.radians(yaw_deg))])


def test_the_locobot_sees_from_its_own_height_and_does_not_move_sideways(start):
    bot = start(
        scene="FloorPlan201", width=64, height=64, agentMode="locobot", applyActionNoise=False
    )
    metadata = bot.last_event.metadata
    assert (
        abs(metadata["cameraPosition"]["y"] - (metadata["agent"]["position"]["y"] - 0.0312)) < 1e-3
    )
    assert abs(metadata["fov"] - 60) < 1e-3
    assert not bot.step("MoveLeft").metadata["lastActionSuccess"]
    before = bot.last_event.metadata["agent"]["rotation"]["y"]
    assert (
        abs((bot.step("RotateRight").metadata["agent"]["rotation"]["y"] - before) % 360 - 90) < 1e-3
    )
    bot.reset("FloorPlan201", applyActionNoise=True, rotateGaussianSigma=0.5)
    turned = (bot.step("RotateRight").metadata["agent"]["rotation"]["y"] - before) % 360
    assert 85 < turned < 95 and abs(turned - 90) > 1e-6
