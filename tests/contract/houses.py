"""A ProcTHOR house of two rooms, written by hand after AI2-THOR's house schema 1.0.0."""

from embedded_thor.procthor.schema import House, ObjectEntry, Point, WallEntry


def _point(x: float, y: float, z: float) -> Point:
    return {"x": x, "y": y, "z": z}


def _thing(
    id_: str,
    asset: str,
    position: tuple[float, float, float],
    *children: ObjectEntry,
    yaw: float = 0.0,
) -> ObjectEntry:
    return {
        "id": id_,
        "assetId": asset,
        "position": _point(*position),
        "rotation": _point(0, yaw, 0),
        "kinematic": True,
        "children": list(children),
    }


def _wall(room: str, a: tuple[float, float], b: tuple[float, float]) -> WallEntry:
    feet = [_point(a[0], 0, a[1]), _point(b[0], 0, b[1])]
    heads = [_point(b[0], 2.5, b[1]), _point(a[0], 2.5, a[1])]
    return {
        "id": f"wall|{room}|{a[0]}|{a[1]}|{b[0]}|{b[1]}",
        "roomId": f"room|{room}",
        "polygon": feet + heads,
        "material": {"name": "PureWhite"},
    }


def small_house(door: bool = True) -> House:
    """Two rooms of 4 x 4 m side by side: 2 (x 0..4) and 3 (x 4..8).

    door: whether there is a doorway between them, at z 1.5..2.5.
    """
    walls, rooms = [], []
    for room, x in (("2", 0.0), ("3", 4.0)):
        corners = [(x, 0.0), (x, 4.0), (x + 4.0, 4.0), (x + 4.0, 0.0)]
        ends = [sorted((a, b)) for a, b in zip(corners, corners[1:] + corners[:1])]
        walls += [_wall(room, a, b) for a, b in ends]
        rooms.append(
            {
                "id": f"room|{room}",
                "roomType": "Kitchen",
                "floorMaterial": {"name": "WoodFloor"},
                "floorPolygon": [_point(cx, 0, cz) for cx, cz in corners],
            }
        )
    doorway = {
        "id": "door|2|3",
        "assetId": "Doorframe_1",
        "room0": "room|2",
        "room1": "room|3",
        "wall0": "wall|2|4.0|0.0|4.0|4.0",
        "wall1": "wall|3|4.0|0.0|4.0|4.0",
        "holePolygon": [_point(1.5, 0, 0), _point(2.5, 2.1, 0)],
    }
    window = doorway | {
        "id": "window|2|0",
        "assetId": "Window_1",
        "wall0": "wall|2|0.0|0.0|0.0|4.0",
        "wall1": "",
        "holePolygon": [_point(1, 0.9, 0), _point(3, 2.1, 0)],
    }
    table = _thing(
        "DiningTable|2|0",
        "Dining_Table_1",
        (1.0, 0.38, 3.2),
        _thing("Mug|surface|2|1", "Mug_1", (1.0, 0.8, 3.2)),
        _thing("Apple|surface|2|2", "Apple_4", (1.02, 0.8, 3.22)),
    )
    objects = [
        table,
        _thing("Sofa|3|0", "Sofa_2", (6.0, 0.4, 3.4), yaw=180.0),
        _thing("Piano|3|1", "Grand_Piano_3", (7.0, 0.5, 1.0)),
    ]
    return {
        "rooms": rooms,
        "walls": walls,
        "doors": [doorway] if door else [],
        "windows": [window],
        "objects": objects,
        "proceduralParameters": {"ceilingMaterial": {"name": "White"}, "lights": []},
        "metadata": {
            "schema": "1.0.0",
            "agent": {
                "position": _point(2, 0.95, 2),
                "rotation": _point(0, 90, 0),
                "horizon": 0,
                "standing": True,
            },
        },
    }
