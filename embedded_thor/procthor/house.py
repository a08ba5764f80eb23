"""ProcTHOR houses: the JSON that CreateHouse takes (AI2-THOR's house schema 1.0.0), as a Room.

Frames and meanings are those of AI2-THOR's `ProceduralTools.cs` (see `schema.py`). What we do not
have is drawn as the nearest that we have, and what has no near one is left out and reported.
"""

from collections.abc import Sequence
from itertools import islice

import numpy as np

from embedded_thor.procthor.materials import HouseMaterials
from embedded_thor.procthor.objects import furnished, walk
from embedded_thor.procthor.schema import AgentEntry, BadHouse, House, OpeningEntry, xyz, yaw_deg
from embedded_thor.procthor.walls import Hole, Wall, door, hole_of, panels, wall_of, window
from embedded_thor.records import AGENT_HEIGHT_M, Mesh, Placed, Room, Vector3
from embedded_thor.things.meshes import polygon

PROCEDURAL = "Procedural"  # AI2-THOR's name of the scene that houses are built in
_MOST = 2000  # of each kind of part, and corners of a floor
_HEIGHT_M = 2.6  # of rooms without walls
_SUN, _AMBIENT = (0.35, -1.0, 0.45), 0.46
_LEAST_EXTENT_M = 4.0
_EMPTY_ROOM = ((-2, -2), (-2, 2), (2, 2), (2, -2))
_MISREAD = (
    *(KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError),
    RecursionError,  # children of children of children
)


def empty_room() -> Room:
    """AI2-THOR's scene "Procedural" before its house is there."""
    outline = [{"x": x, "y": 0, "z": z} for x, z in _EMPTY_ROOM]
    return house_room({"rooms": [{"id": "room|0", "floorPolygon": outline}]})[0]


def house_room(house: House) -> tuple[Room, list[str]]:
    """The room (all rooms of the house are one), and the asset ids that are left out.

    Left out is what we have nothing near of, or no place for on its parent, in the order of the
    house.
    Raises: BadHouse.
    """
    try:
        return _house_room(house)
    except _MISREAD as error:
        raise BadHouse(
            f"the house does not follow the schema 1.0.0: {type(error).__name__} {error}"
        ) from None


def _house_room(house: House) -> tuple[Room, list[str]]:
    entries = list(islice(walk(house.get("objects") or []), _MOST + 1))
    _check_size(house, entries)
    floors = _floors(house)
    materials = HouseMaterials()
    walls = [wall_of(entry, floors, materials) for entry in house.get("walls") or []]
    doors = [(entry, hole_of(entry, walls)) for entry in house.get("doors") or []]
    windows = [(entry, hole_of(entry, walls)) for entry in house.get("windows") or []]
    height = max((wall.height for wall in walls), default=_HEIGHT_M)
    points = np.concatenate(list(floors.values()))
    low, high = points.min(axis=0), points.max(axis=0)
    shell = _shell(house, floors, height, materials)
    built = _built(walls, doors, windows)
    furniture, objects, unknown = furnished(entries)
    _check_names([item.name for item in (*built, *furniture, *objects)])
    agent = (house.get("metadata") or {}).get("agent") or {}
    room = Room(
        name=PROCEDURAL,
        kind="House",
        minimum=(float(low[0]), 0.0, float(low[1])),
        maximum=(float(high[0]), height, float(high[1])),
        shell=shell,
        furniture=(*built, *furniture),
        objects=tuple(objects),
        materials=materials.all(),
        sun=_SUN,
        ambient=_AMBIENT,
        agent_position=_start(agent, (low + high) / 2),
        agent_yaw_deg=yaw_deg(agent),
        extent_m=max(_LEAST_EXTENT_M, float(np.linalg.norm(high - low)) / 2),
        floors=tuple(tuple(map(tuple, floor)) for floor in floors.values()),
    )
    return room, unknown


def _check_size(house: House, entries: Sequence[object]) -> None:
    parts = {name: len(house.get(name) or ()) for name in ("rooms", "walls", "doors", "windows")}
    corners = max((len(room["floorPolygon"]) for room in house["rooms"]), default=0)
    for name, count in (parts | {"objects": len(entries), "corners of a floor": corners}).items():
        if count > _MOST:
            raise BadHouse(f"the house has more than {_MOST} {name}")


def _floors(house: House) -> dict[str, np.ndarray]:
    """The outline (N, 2) of each room, x and z in metres."""
    floors = {
        room["id"]: np.array([xyz(p)[[0, 2]] for p in room["floorPolygon"]])
        for room in house["rooms"]
    }
    if not floors:
        raise BadHouse("the house has no rooms")
    if any(len(floor) < 3 for floor in floors.values()):
        raise BadHouse("a floorPolygon needs three points or more")
    return floors


def _shell(
    house: House, floors: dict[str, np.ndarray], height: float, materials: HouseMaterials
) -> tuple[Mesh, ...]:
    """A floor and a ceiling for each room."""
    shell = []
    for room in house["rooms"]:
        outline, material = floors[room["id"]], materials.of(room.get("floorMaterial"), "floor")
        shell.append(polygon(outline, 0.0, material, up=True))
        shell.append(polygon(outline, height, "ceiling", up=False))
    return tuple(shell)


def _built(
    walls: list[Wall],
    doors: list[tuple[OpeningEntry, Hole]],
    windows: list[tuple[OpeningEntry, Hole]],
) -> list[Placed]:
    """What is drawn of walls, and what stands in their holes."""
    holes = [hole for _, hole in doors + windows]
    built = [panel for wall in walls if not wall.empty for panel in panels(wall, holes)]
    built += [door(entry, hole) for entry, hole in doors]
    built += [window(entry, hole) for entry, hole in windows]
    return built


def _check_names(names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise BadHouse(f"the id {max(names, key=names.count)!r} occurs twice")


def _start(agent: AgentEntry, center: np.ndarray) -> Vector3:
    """Where the house puts its agent, or the middle of the house (x, z)."""
    position = agent.get("position")
    x, _, z = xyz(position) if position else (center[0], 0.0, center[1])
    return (float(x), AGENT_HEIGHT_M, float(z))
