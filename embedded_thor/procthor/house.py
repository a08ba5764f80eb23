"""ProcTHOR houses: the JSON that CreateHouse takes (AI2-THOR's house schema 1.0.0), as a Room.

Frames and meanings are those of AI2-THOR's `ProceduralTools.cs`: world coordinates in metres; an object's `position` is the
centre of its box; the two lowest points of a wall's polygon are its foot, in order; a `holePolygon` is measured from the
first of them, x along the foot of `wall0` and y upwards. What we do not have is drawn as the nearest that we have, and what
has no near one is left out and reported.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from embedded_thor.planar import inside, to_own, to_room
from embedded_thor.records import (
    Furniture,
    Leaf,
    Material,
    Mesh,
    ObjectInstance,
    Opening,
    Placed,
    Room,
    Vector3,
)
from embedded_thor.things import fixtures
from embedded_thor.things import furniture as f
from embedded_thor.things.assets import (
    ASSET_TYPES,
    VARIANTS,
    asset,
    colors_of,
)
from embedded_thor.things.materials import COLORS, Look, materials_of
from embedded_thor.things.meshes import (
    box,
    merged,
    polygon,
    scaled,
    scaled_opening,
    scaled_part,
    scaled_surface,
)

PROCEDURAL = "Procedural"  # AI2-THOR's name of the scene that houses are built in
_WALL_M = 0.04  # thickness of each room's own side of a wall
_STRETCHED = (0.6, 1.7)  # how much lower or higher furniture may be made
_LARGEST_M, _MOST = 100.0, 2000  # farthest coordinate, most walls or objects
_LOOK = Look(
    floor=("planks", (0.62, 0.46, 0.30), 1.0),
    wall=("plaster", (0.86, 0.84, 0.79)),
    wood=(0.56, 0.38, 0.22),
    fabric=(0.42, 0.48, 0.56),
    cabinet=(0.86, 0.85, 0.80),
    picture=(0.5, 0.5, 0.4),
    rug=(0.5, 0.3, 0.3),
)
# Each is made at least as wide and deep (metres) as what stands on it needs; some have one size.
_FURNITURE: dict[str, Callable[[float, float], Furniture]] = {
    "ArmChair": lambda w, d: f.sofa(0.9, seats=1),
    "Bathtub": lambda w, d: fixtures.bathtub(),
    "Bed": lambda w, d: f.bed(max(1.4, w)),
    "Cabinet": lambda w, d: f.dresser("Cabinet", max(0.8, w), max(0.45, d), 0.9),
    "Chair": lambda w, d: f.chair(),
    "ClothesDryer": lambda w, d: f.dresser("ClothesDryer", 0.65, 0.65, 0.9),
    "CoffeeTable": lambda w, d: f.table("CoffeeTable", max(0.9, w), max(0.55, d), 0.42),
    "CounterTop": lambda w, d: f.counter(max(1.2, w), max(0.62, d)),
    "Desk": lambda w, d: f.table("Desk", max(1.1, w), max(0.6, d), 0.74),
    "DiningTable": lambda w, d: f.table("DiningTable", max(1.2, w), max(0.8, d), 0.75),
    "Dresser": lambda w, d: f.dresser("Dresser", max(1.0, w), max(0.45, d), 0.85),
    "FloorLamp": lambda w, d: f.floor_lamp(),
    "Fridge": lambda w, d: fixtures.fridge(),
    "GarbageCan": lambda w, d: f.bin_(),
    "HousePlant": lambda w, d: f.plant(),
    "LaundryHamper": lambda w, d: f.bin_(),
    "Ottoman": lambda w, d: f.stool(),
    "Safe": lambda w, d: f.dresser("Safe", 0.45, 0.45, 0.5),
    "Shelf": lambda w, d: f.shelving_unit(max(0.9, w), max(0.32, d), (0.4, 0.8, 1.2), 1.5),
    "ShelvingUnit": lambda w, d: f.shelving_unit(max(0.9, w), max(0.32, d), (0.4, 0.8, 1.2), 1.5),
    "SideTable": lambda w, d: f.table("SideTable", max(0.45, w), max(0.4, d), 0.55),
    "Sink": lambda w, d: fixtures.sink_cabinet(),
    "SinkBasin": lambda w, d: fixtures.sink_cabinet(),
    "Sofa": lambda w, d: f.sofa(max(1.7, w)),
    "Stool": lambda w, d: f.stool(),
    "Stove": lambda w, d: fixtures.stove(),
    "StoveBurner": lambda w, d: fixtures.stove(),
    "TVStand": lambda w, d: f.dresser("TVStand", max(1.2, w), max(0.4, d), 0.5),
    "Television": lambda w, d: f.television(),
    "Toilet": lambda w, d: fixtures.toilet(),
    "WashingMachine": lambda w, d: f.dresser("WashingMachine", 0.65, 0.65, 0.9),
}
_NEAREST_OBJECT = {
    "BasketBall": "BasketBall",
    "HandTowel": "Cloth",
    "Towel": "Cloth",
    "Watch": "KeyChain",
    "TableTopDecor": "Statue",
    "DeskLamp": "Candle",
    "GarbageBag": "Box",
    "Bag": "Box",
    "RoomDecor": "Statue",
    "VacuumCleaner": "Box",
    "Footstool": "Box",
    "Tray": "Plate",
    "Glass": "Cup",
}
_ASSET_WORDS = {
    "bin": "GarbageCan",
    "walldecor": "Painting",
    "cart": "SideTable",
}  # asset ids that do not name their type
_FLOORS = {
    "carpet": "carpet",
    "rug": "carpet",
    "fabric": "carpet",
    "tile": "tiles",
    "ceramic": "tiles",
    "marble": "marble",
    "wood": "planks",
    "plank": "planks",
}
_TINTS = (
    (0.62, 0.46, 0.30),
    (0.48, 0.33, 0.21),
    (0.72, 0.58, 0.42),
    (0.66, 0.64, 0.60),
    (0.55, 0.52, 0.50),
)
_PAINTS = (
    (0.86, 0.84, 0.79),
    (0.78, 0.82, 0.84),
    (0.80, 0.84, 0.76),
    (0.88, 0.80, 0.74),
    (0.76, 0.76, 0.80),
)
_EMPTY_HOUSE = {
    "rooms": [
        {
            "id": "room|0",
            "floorPolygon": [
                {"x": x, "y": 0, "z": z} for x, z in ((-2, -2), (-2, 2), (2, 2), (2, -2))
            ],
        }
    ],
    "walls": [],
    "doors": [],
    "windows": [],
    "objects": [],
    "proceduralParameters": {},
}


class BadHouse(Exception):
    """One sentence that says where the JSON is wrong."""


@dataclass(frozen=True)
class _Wall:
    """One room's side of a wall: foot from `start` to `end` (x, z), `inward` unit normal towards its room (metres)."""

    id: str
    start: np.ndarray
    end: np.ndarray
    floor_y: float
    height: float
    inward: np.ndarray
    material: str
    empty: bool

    @property
    def along(self) -> np.ndarray:
        return (self.end - self.start) / self.length

    @property
    def length(self) -> float:
        return float(np.linalg.norm(self.end - self.start))


@dataclass(frozen=True)
class _Hole:
    """A rectangle cut out of walls: its ends on the foot (x, z), its bottom and top (metres above the floor)."""

    start: np.ndarray
    end: np.ndarray
    bottom: float
    top: float

    def on(self, wall: _Wall) -> tuple[float, float] | None:
        """Where it lies along a wall (first, last metre), if it lies in its plane."""
        ends = [point - wall.start for point in (self.start, self.end)]
        if max(abs(float(e[0] * wall.along[1] - e[1] * wall.along[0])) for e in ends) > 0.1:
            return None
        first, last = sorted(float(e @ wall.along) for e in ends)
        first, last = max(0.0, first), min(wall.length, last)
        return (first, last) if last - first > 0.05 else None


def empty_room() -> Room:
    """AI2-THOR's scene "Procedural" before its house is there."""
    return house_room(_EMPTY_HOUSE)[0]


def house_room(house: dict[str, Any]) -> tuple[Room, list[str]]:
    """The room (all rooms of the house are one), and the asset ids that are left out (we have nothing near,
    or no place for it on its parent), in the order of the house.

    Raises: BadHouse.
    """
    try:
        return _house_room(house)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise BadHouse(
            f"the house does not follow the schema 1.0.0: {type(error).__name__} {error}"
        ) from None


def _house_room(house: dict[str, Any]) -> tuple[Room, list[str]]:
    floors = {
        room["id"]: np.array([_xyz(p)[[0, 2]] for p in room["floorPolygon"]])
        for room in house["rooms"]
    }
    if not floors:
        raise BadHouse("the house has no rooms")
    if any(len(floor) < 3 for floor in floors.values()):
        raise BadHouse("a floorPolygon needs three points or more")
    entries = list(_walk(house.get("objects") or []))
    if max(len(house.get("walls") or ()), len(entries)) > _MOST:
        raise BadHouse(f"the house has more than {_MOST} walls or objects")
    materials = _Materials()
    walls = [_wall(wall, floors, materials) for wall in house.get("walls") or []]
    doors = [(door, _hole(door, walls)) for door in house.get("doors") or []]
    windows = [(window, _hole(window, walls)) for window in house.get("windows") or []]
    holes = [hole for _, hole in doors + windows]
    height = max((wall.height for wall in walls), default=2.6)
    points = np.concatenate(list(floors.values()))
    low, high = points.min(axis=0), points.max(axis=0)

    shell: list[Mesh] = []
    for room in house["rooms"]:
        floor = floors[room["id"]]
        shell.append(polygon(floor, 0.0, materials.of(room.get("floorMaterial"), "floor"), up=True))
        shell.append(polygon(floor, height, "ceiling", up=False))
    placed: list[Placed] = []
    for wall in walls:
        if not wall.empty:
            placed += _panels(wall, holes)
    placed += [piece for door, hole in doors for piece in _door(door, hole, walls)]
    placed += [piece for window, hole in windows for piece in _window(window, hole, walls)]
    instances: list[ObjectInstance] = []
    unknown: list[str] = []
    pieces: dict[str, Placed] = {}
    taken: dict[str, list[tuple[np.ndarray, float]]] = {}
    for entry, parent in entries:
        lost = (
            parent and parent not in pieces
        )  # what it stood on is left out, or bears nothing here
        thing = None if lost else _thing(entry, pieces.get(parent), taken.setdefault(parent, []))
        if isinstance(thing, Placed):
            placed.append(thing)
            pieces[entry["id"]] = thing
        elif isinstance(thing, ObjectInstance):
            instances.append(thing)
        else:
            unknown.append(str(entry.get("assetId", entry["id"])))
    names = [item.name for item in (*placed, *instances)]
    if len(set(names)) < len(names):
        raise BadHouse(f"the id {max(names, key=names.count)!r} occurs twice")
    center = (low + high) / 2
    room = Room(
        PROCEDURAL,
        "House",
        (float(low[0]), 0.0, float(low[1])),
        (float(high[0]), height, float(high[1])),
        tuple(shell),
        tuple(placed),
        tuple(instances),
        materials.all(),
        (0.35, -1.0, 0.45),
        0.46,
        _start(house, center),
        _start_yaw(house),
        extent_m=max(4.0, float(np.linalg.norm(high - low)) / 2),
        floors=tuple(tuple(map(tuple, floor)) for floor in floors.values()),
    )
    return room, unknown


def _xyz(point: Any) -> np.ndarray:
    values = np.array([float(point["x"]), float(point.get("y", 0.0)), float(point["z"])])
    if not np.all(np.abs(values) <= _LARGEST_M):
        raise BadHouse(f"the point {point} is farther than {_LARGEST_M:g} m from the origin")
    return values


def _walk(objects: list[Any], parent: str = "") -> Iterator[tuple[dict[str, Any], str]]:
    """Every object with the id of the one that it is a child of; parents first."""
    for entry in objects:
        yield entry, parent
        yield from _walk(entry.get("children") or [], entry["id"])


class _Materials:
    """The materials of a house, by what they look like."""

    def __init__(self) -> None:
        self._made: dict[str, Material] = {}

    def of(self, asked: Any, kind: str) -> str:
        """The name of a material for {"name": ..., "color": {"r", "g", "b"}} or a name; kind: "floor" or "wall"."""
        asked = asked if isinstance(asked, dict) else {"name": asked or ""}
        name, color = str(asked.get("name") or ""), asked.get("color")
        code = zlib.crc32(name.encode())
        palette = _TINTS if kind == "floor" else _PAINTS
        rgb = (
            tuple(float(np.clip(color[c], 0, 1)) for c in "rgb")
            if isinstance(color, dict)
            else palette[code % 5]
        )
        textures = [look for word, look in _FLOORS.items() if word in name.lower()]
        texture = textures[0] if textures else ("planks" if kind == "floor" else "plaster")
        key = f"house-{texture}-" + "-".join(f"{round(255 * c)}" for c in rgb)
        self._made.setdefault(key, Material(key, rgb, texture, 1.0, specular=0.2, shininess=0.3))
        return key

    def all(self) -> dict[str, Material]:
        return materials_of(_LOOK) | self._made


def _wall(wall: dict[str, Any], floors: dict[str, np.ndarray], materials: _Materials) -> _Wall:
    corners = np.array([_xyz(p) for p in wall["polygon"]])
    foot = corners[np.argsort(corners[:, 1], kind="stable")[:2]]
    start, end = foot[0][[0, 2]], foot[1][[0, 2]]
    if np.linalg.norm(end - start) < 0.01:
        raise BadHouse(f"wall {wall['id']!r} has no length")
    along = (end - start) / np.linalg.norm(end - start)
    side = np.array([-along[1], along[0]])
    middle, own = (start + end) / 2, floors.get(wall.get("roomId"))
    rooms = [own] if own is not None else list(floors.values())
    room_there = any(inside(middle + 0.05 * side, floor) for floor in rooms)
    inward = (
        side if room_there == (own is not None) else -side
    )  # an outer wall looks away from every room
    return _Wall(
        str(wall["id"]),
        start,
        end,
        float(foot[0][1]),
        float(np.ptp(corners[:, 1])),
        inward,
        materials.of(wall.get("material"), "wall"),
        bool(wall.get("empty", False)),
    )


def _hole(opening: dict[str, Any], walls: list[_Wall]) -> _Hole:
    wall = next((w for w in walls if w.id == opening["wall0"]), None)
    if wall is None:
        raise BadHouse(
            f"{opening['id']!r} is in wall {opening['wall0']!r}, which is not in the house"
        )
    if "holePolygon" not in opening and "boundingBox" in opening:  # houses before schema 1.0.0
        points = [opening["boundingBox"]["min"], opening["boundingBox"]["max"]]
    else:
        points = opening["holePolygon"][:2]
    first, second = (_xyz({"z": 0.0, **p}) for p in points)
    x, y = sorted((first[0], second[0])), sorted((first[1], second[1]))
    return _Hole(
        wall.start + wall.along * x[0], wall.start + wall.along * x[1], float(y[0]), float(y[1])
    )


def _panel(wall: _Wall, name: str, first: float, last: float, bottom: float, top: float) -> Placed:
    """A rectangle of wall. It stands in the way if it begins below the agent's head."""
    size = (last - first, top - bottom, _WALL_M)
    mesh = box(size, (0, (bottom + top) / 2, 0), wall.material)
    piece = Furniture("Wall", (mesh,), size, blocks=bottom < 1.8, bottom=bottom)
    x, z = wall.start + wall.along * (first + last) / 2 + wall.inward * _WALL_M / 2
    return Placed(name, piece, (float(x), wall.floor_y, float(z)), _yaw_of(wall.inward), name)


def _yaw_of(direction: np.ndarray) -> float:
    """The yaw that turns +z to a direction (x, z)."""
    return float(np.degrees(np.arctan2(direction[0], direction[1]))) % 360


def _panels(wall: _Wall, holes: list[_Hole]) -> list[Placed]:
    """A wall with its holes: what is left beside, below and above each."""
    cut = sorted(
        (*span, hole.bottom, hole.top) for hole in holes if (span := hole.on(wall)) is not None
    )
    panels, at = [], 0.0
    for first, last, bottom, top in cut:
        first = max(first, at)
        panels.append((at, first, 0.0, wall.height))
        panels.append((first, last, 0.0, bottom))
        panels.append((first, last, top, wall.height))
        at = max(at, last)
    panels.append((at, wall.length, 0.0, wall.height))
    whole = [p for p in panels if p[1] - p[0] > 0.005 and p[3] - p[2] > 0.005]
    return [_panel(wall, wall.id if i == 0 else f"{wall.id}|{i}", *p) for i, p in enumerate(whole)]


def _opening(name: str, hole: _Hole, wall: _Wall, piece: Furniture) -> Placed:
    x, z = (hole.start + hole.end) / 2
    return Placed(name, piece, (float(x), wall.floor_y, float(z)), _yaw_of(wall.inward), name)


def _door(door: dict[str, Any], hole: _Hole, walls: list[_Wall]) -> list[Placed]:
    """A frame, and in it a leaf that opens if the house says so; outwards, or where it says `openness` 0, it is shut."""
    wall = next(w for w in walls if w.id == door["wall0"])
    width, height = float(np.linalg.norm(hole.end - hole.start)), hole.top
    meshes = [
        box((0.05, height, 0.11), (s * (width / 2 - 0.025), height / 2, 0), "white")
        for s in (-1, 1)
    ]
    meshes.append(box((width, 0.05, 0.11), (0, height - 0.025, 0), "white"))
    frame = merged(meshes)
    outwards = door.get("room0") == door.get("room1")
    openness = 0.0 if outwards else float(np.clip(float(door.get("openness", 1.0)), 0.0, 1.0))
    size, opening = (width, height, 0.11), None
    if outwards or openness == 0 or door.get("openable"):
        board = box((width - 0.1, height - 0.05, 0.04), (0, (height - 0.05) / 2, 0), "wood")
        handle = box((0.10, 0.02, 0.10), (width / 2 - 0.16, 1.0, 0), "metal")
        leaf = Leaf((board, handle), (0.05 - width / 2, 0.0, 0.0), (0.0, 1.0, 0.0), -90.0)
        opening = Opening(frame, (leaf,), at_first=openness, way=True)
    meshes = opening.meshes(openness) if opening else frame
    fixed = outwards or not door.get("openable")
    piece = Furniture(
        "Doorway",
        merged(meshes),
        size,
        blocks=opening is not None,
        opening=None if fixed else opening,
    )
    return [_opening(str(door["id"]), hole, wall, piece)]


def _window(window: dict[str, Any], hole: _Hole, walls: list[_Wall]) -> list[Placed]:
    wall = next(w for w in walls if w.id == window["wall0"])
    width, height = float(np.linalg.norm(hole.end - hole.start)), hole.top - hole.bottom
    pane = f.window(max(0.02, width - 0.12), max(0.02, height - 0.12), hole.bottom + 0.06)
    return [_opening(str(window["id"]), hole, wall, pane)]


def _type_of(entry: dict[str, Any]) -> str:
    """The object type: ProcTHOR's ids begin with it ("Bed|2|0|1"); else the longest of ours in the asset's id."""
    first = str(entry["id"]).split("|")[0]
    known = {*_FURNITURE, *ASSET_TYPES, *_NEAREST_OBJECT, "Painting", "Window"}
    if first in known:
        return first
    words = str(entry.get("assetId", "")).replace("_", "").lower()
    named = {name.lower(): name for name in known} | _ASSET_WORDS
    return named.get(max((word for word in named if word in words), key=len, default=""), "")


def _yaw(entry: dict[str, Any]) -> float:
    """Unity Euler angles, or the axis and angle of older houses."""
    rotation = entry.get("rotation") or {}
    return float(rotation["degrees"] if "degrees" in rotation else rotation.get("y", 0.0)) % 360


def _footprint(entry: dict[str, Any], center: np.ndarray, yaw_deg: float) -> tuple[float, float]:
    """Width and depth that the children of an object need on it."""
    points = [_xyz(child["position"]) for child in entry.get("children") or []]
    own = np.abs([to_own(center, yaw_deg, p[0], p[2]) for p in points] or [(0.0, 0.0)]).max(axis=0)
    width, depth = np.minimum(2 * own + 0.3, 3.0)
    return float(width), float(depth)


_Taken = list[tuple[np.ndarray, float]]  # foot points and radii of what stands on a piece


def _thing(
    entry: dict[str, Any], parent: Placed | None, taken: _Taken
) -> Placed | ObjectInstance | None:
    """The furniture or object nearest to what is asked for; None if there is none, or no place is left on its parent."""
    name, kind, center, yaw = (
        str(entry["id"]),
        _type_of(entry),
        _xyz(entry["position"]),
        _yaw(entry),
    )
    if kind == "Painting":
        piece = f.painting(0.6, 0.42, float(center[1]) - 0.21)
        return Placed(name, piece, (float(center[0]), 0.0, float(center[2])), yaw, name)
    if kind in _FURNITURE:
        piece = replace(_FURNITURE[kind](*_footprint(entry, center, yaw)), type=kind)
        y = 0.0
        if kind == "Television":  # on something, or on the wall
            y = (
                parent.position[1] + parent.furniture.size[1]
                if parent
                else center[1] - piece.size[1] / 2
            )
        elif parent is None:
            piece = _as_high(piece, 2 * float(center[1]))
        return Placed(name, piece, (float(center[0]), float(y), float(center[2])), yaw, name)
    kind = _NEAREST_OBJECT.get(kind, kind)
    if kind not in ASSET_TYPES:
        return None
    code = zlib.crc32(name.encode())
    colors = colors_of(kind)
    color = _nearest_color(entry.get("color"), colors) or (
        colors[code % len(colors)] if colors else ""
    )
    number = re.search(r"_(\d+)$", str(entry.get("assetId", "")))  # "Mug_2" is our second shape
    shape = asset(kind, (int(number[1]) - 1 if number else code // 8) % VARIANTS)
    if parent is not None:
        position = _place_on(parent, center, shape.size, taken)
        if position is None:
            return None
    else:
        position = np.array(
            [center[0], 0.0 if center[1] < 0.5 else center[1] - shape.size[1] / 2, center[2]]
        )
    return ObjectInstance(name, shape, color, tuple(map(float, position)), yaw, name)


def _as_high(piece: Furniture, height: float) -> Furniture:
    """Stretched or lowered to a height (metres): the house tells the middle of each box, so what stands on the floor is
    twice as high. Left as it is where that would not be the same thing any more."""
    factor = height / (piece.bottom + piece.size[1])
    if not _STRETCHED[0] <= factor <= _STRETCHED[1]:
        return piece
    scale, none = np.array([1.0, factor, 1.0]), np.zeros(3)
    surfaces = tuple(scaled_surface(s, scale, none) for s in piece.surfaces)
    return replace(
        piece,
        meshes=scaled(piece.meshes, scale, none),
        size=(piece.size[0], piece.size[1] * factor, piece.size[2]),
        surfaces=surfaces,
        bottom=piece.bottom * factor,
        opening=scaled_opening(piece.opening, scale, none),
        parts=tuple(scaled_part(part, scale) for part in piece.parts),
        carcass=scaled(piece.carcass, scale, none),
    )


def _nearest_color(rgb: Any, colors: tuple[str, ...]) -> str:
    if not isinstance(rgb, dict) or not colors:
        return ""
    wanted = np.array([float(rgb[c]) for c in "rgb"])
    return min(colors, key=lambda name: float(np.linalg.norm(wanted - np.array(COLORS[name]))))


def _place_on(
    parent: Placed, center: np.ndarray, size: Vector3, taken: _Taken
) -> np.ndarray | None:
    """Where a child stands: on the surface of its parent that is nearest to its foot, at the free point nearest to where
    it is asked for."""
    own = np.array(to_own(parent.position, parent.yaw_deg, center[0], center[2]))
    foot, radius = center[1] - size[1] / 2, max(size[0], size[2]) / 2
    for surface in sorted(
        parent.furniture.surfaces, key=lambda s: abs(parent.position[1] + s.y - foot)
    ):
        if surface.clearance <= size[1]:
            continue
        wanted = np.clip(own, (surface.x0, surface.z0), (surface.x1, surface.z1))
        grid = np.stack(
            np.meshgrid(_line(surface.x0, surface.x1), _line(surface.z0, surface.z1)), axis=-1
        ).reshape(-1, 2)
        for x, z in [
            wanted,
            *sorted(grid, key=lambda point: float(np.linalg.norm(point - wanted))),
        ]:
            world_x, world_z = to_room(parent.position, parent.yaw_deg, float(x), float(z))
            point = np.array([world_x, parent.position[1] + surface.y, world_z])
            if all(
                abs(point[1] - p[1]) > 0.3 or np.hypot(*(point - p)[[0, 2]]) > radius + r
                for p, r in taken
            ):
                taken.append((point, radius))
                return point
    return None


def _line(first: float, last: float) -> np.ndarray:
    return np.linspace(first, last, max(2, int((last - first) / 0.08) + 1))


def _agent(house: dict[str, Any]) -> dict[str, Any]:
    return ((house.get("metadata") or {}).get("agent")) or {}


def _start(house: dict[str, Any], center: np.ndarray) -> Vector3:
    position = _agent(house).get("position")
    x, _, z = _xyz(position) if position else (center[0], 0.0, center[1])
    return (float(x), 0.901, float(z))


def _start_yaw(house: dict[str, Any]) -> float:
    return _yaw(_agent(house))
