"""ProcTHOR houses through the real Controller: reset(house) and CreateHouse."""

import numpy as np
import pytest

from embedded_thor.procthor import house_room
from tests.contract.houses import small_house


def reachable(controller) -> np.ndarray:
    return np.array(
        [
            [p["x"], p["z"]]
            for p in controller.step("GetReachablePositions").metadata["actionReturn"]
        ]
    )


def test_a_house_has_its_objects_and_says_what_it_leaves_out(controller):
    metadata = controller.reset(small_house()).metadata
    assert metadata["lastActionSuccess"] and metadata["actionReturn"] == {
        "unknownAssetIds": ["Grand_Piano_3"]
    }
    objects = {o["objectId"]: o for o in metadata["objects"]}
    table = objects["DiningTable|2|0"]
    for child in ("Mug|surface|2|1", "Apple|surface|2|2"):
        assert (
            objects[child]["parentReceptacles"] == ["DiningTable|2|0"]
            and child in table["receptacleObjectIds"]
        )
    mug, apple = (objects[n]["position"] for n in ("Mug|surface|2|1", "Apple|surface|2|2"))
    assert (
        np.hypot(mug["x"] - apple["x"], mug["z"] - apple["z"]) > 0.08
    )  # asked for 3 cm apart: moved aside
    assert objects["Sofa|3|0"]["rotation"]["y"] == pytest.approx(180)
    assert metadata["sceneBounds"]["size"] == pytest.approx({"x": 8.0, "y": 2.5, "z": 4.0})
    assert metadata["agent"]["position"]["x"] == pytest.approx(2) and metadata["agent"]["rotation"][
        "y"
    ] == pytest.approx(90)


def test_one_walks_and_sees_through_the_doorway_only(controller):
    far = {}
    for door in (False, True):
        controller.reset(small_house(door))
        far[door] = reachable(controller)[:, 0].max()
        event = controller.step(
            "TeleportFull",
            x=2.0,
            y=0.901,
            z=2.0,
            rotation={"x": 0, "y": 90, "z": 0},
            horizon=0.0,
            standing=True,
        )
        depth = event.depth_frame[event.depth_frame.shape[0] // 2, event.depth_frame.shape[1] // 2]
        assert depth == pytest.approx(6.0 - 0.04 if door else 2.0 - 0.04, abs=0.02)
    assert far[False] < 4 < far[True]
    wall = controller.step(
        "TeleportFull",
        x=2.0,
        y=0.901,
        z=3.7,
        rotation={"x": 0, "y": 90, "z": 0},
        horizon=0.0,
        standing=True,
    )
    assert "Sofa|3|0" not in wall.instance_masks


def test_a_door_opens_and_shuts(controller):
    house = small_house()
    house["doors"][0] |= {"assetId": "Doorway_1", "openable": True, "openness": 0}
    controller.reset(house)
    pose = dict(
        x=2.0, y=0.901, z=2.0, rotation={"x": 0, "y": 90, "z": 0}, horizon=0.0, standing=True
    )

    def ahead():
        frame = controller.step("TeleportFull", **pose).depth_frame
        return frame[frame.shape[0] // 2, frame.shape[1] // 2]

    door = controller.last_event.get_object("door|2|3")
    assert door["openable"] and not door["isOpen"] and ahead() < 2.0
    assert reachable(controller)[:, 0].max() < 4
    event = controller.step(
        "OpenObject", objectId="door|2|3", forceAction=True, raise_for_failure=True
    )
    assert event.get_object("door|2|3")["isOpen"] and ahead() > 3.9
    assert reachable(controller)[:, 0].max() > 4
    controller.step("CloseObject", objectId="door|2|3", forceAction=True, raise_for_failure=True)
    assert ahead() < 2.0


def test_furniture_is_as_high_as_the_house_says():
    house = small_house()
    table = house["objects"][0]
    tops = {}
    for middle in (0.30, 0.38, 0.50):
        table["position"]["y"] = middle
        room, _ = house_room(house)
        placed = next(p for p in room.furniture if p.name == "DiningTable|2|0")
        tops[middle] = placed.furniture.surfaces[0].y
        assert placed.furniture.size[1] == pytest.approx(2 * middle)
        assert next(o for o in room.objects if o.asset.type == "Mug").position[1] == pytest.approx(
            tops[middle]
        )
    assert tops[0.50] / tops[0.30] == pytest.approx(5 / 3)


def test_mirrored_walls_have_their_hole_at_the_same_place():
    """wall1 may be written from its other end: the hole is where wall0 has it."""
    house = small_house()
    other = next(w for w in house["walls"] if w["id"] == house["doors"][0]["wall1"])
    room, _ = house_room(house)
    other["polygon"] = [other["polygon"][i] for i in (1, 0, 3, 2)]
    mirrored, _ = house_room(house)

    def boxes(r):
        return sorted(
            (round(p.position[0], 4), round(p.position[2], 4), *p.furniture.size)
            for p in r.furniture
        )

    assert boxes(room) == boxes(mirrored)


def test_what_stands_on_something_left_out_is_left_out_too():
    house = small_house()
    piano = next(o for o in house["objects"] if o["id"].startswith("Piano"))
    piano["children"] = [piano | {"id": "Vase|surface|3|2", "assetId": "Vase_1", "children": []}]
    room, unknown = house_room(house)
    assert unknown == ["Grand_Piano_3", "Vase_1"] and not any(
        "Vase" in o.name for o in room.objects
    )


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda h: h.pop("rooms"), "rooms"),
        (lambda h: h["walls"][0].pop("polygon"), "polygon"),
        (lambda h: h["doors"][0].update(wall0="wall|9"), "wall|9"),
        (lambda h: h["objects"][1].update(id="DiningTable|2|0"), "occurs twice"),
        (lambda h: h["rooms"][0]["floorPolygon"][0].update(x=1e9), "farther than"),
    ],
)
def test_a_bad_house_is_one_sentence_and_the_scene_stays(controller, damage, says):
    controller.reset(small_house())
    before = len(controller.last_event.metadata["objects"])
    house = small_house()
    damage(house)
    with pytest.raises(ValueError, match=says.replace("|", r"\|")):
        controller.step("CreateHouse", house=house, raise_for_failure=True)
    assert len(controller.step("Pass").metadata["objects"]) == before


def test_houses_are_built_only_in_their_scene(controller):
    controller.reset("FloorPlan1")
    assert not controller.step("CreateHouse", house=small_house()).metadata["lastActionSuccess"]
