"""Walls of a house with the holes of doors and windows in them, and what stands in the holes."""

from dataclasses import dataclass

import numpy as np

from embedded_thor.planar import inside
from embedded_thor.procthor.materials import HouseMaterials
from embedded_thor.procthor.schema import BadHouse, OpeningEntry, WallEntry, xyz
from embedded_thor.records import Furniture, Leaf, Mesh, Opening, Placed
from embedded_thor.things import furniture as f
from embedded_thor.things.meshes import box, merged

_WALL_M = 0.04  # thickness of each room's own side of a wall
_HEAD_M = 1.8  # what begins above it stands in nobody's way
_THINNEST_M = 0.005
_FRAME_M = 0.05  # of a door


@dataclass(frozen=True)
class Wall:
    """One room's side of a wall (metres).

    Attributes:
        start, end: of its foot (x, z). inward: unit normal towards its room.
        material: name of it. empty: whether it is not drawn.
    """

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
        """Unit vector from start to end."""
        return (self.end - self.start) / self.length

    @property
    def length(self) -> float:
        return float(np.linalg.norm(self.end - self.start))

    @property
    def yaw_deg(self) -> float:
        """The yaw that turns +z inwards."""
        return float(np.degrees(np.arctan2(self.inward[0], self.inward[1]))) % 360


@dataclass(frozen=True)
class Hole:
    """A rectangle cut out of walls.

    Attributes:
        start, end: on the foot of `wall`, the one that it is measured on (x, z).
        bottom, top: metres above the floor.
    """

    wall: Wall
    start: np.ndarray
    end: np.ndarray
    bottom: float
    top: float

    @property
    def width(self) -> float:
        return float(np.linalg.norm(self.end - self.start))

    def on(self, wall: Wall) -> tuple[float, float] | None:
        """Where it lies along a wall (first, last metre), if it lies in its plane."""
        ends = [point - wall.start for point in (self.start, self.end)]
        if max(abs(float(e[0] * wall.along[1] - e[1] * wall.along[0])) for e in ends) > 0.1:
            return None
        first, last = sorted(float(e @ wall.along) for e in ends)
        first, last = max(0.0, first), min(wall.length, last)
        return (first, last) if last - first > 0.05 else None


def wall_of(entry: WallEntry, floors: dict[str, np.ndarray], materials: HouseMaterials) -> Wall:
    """floors: outline (N, 2) of each room, by its id. Raises: BadHouse."""
    corners = np.array([xyz(p) for p in entry["polygon"]])
    foot = corners[np.argsort(corners[:, 1], kind="stable")[:2]]
    start, end = foot[0][[0, 2]], foot[1][[0, 2]]
    if np.linalg.norm(end - start) < 0.01:
        raise BadHouse(f"wall {entry['id']!r} has no length")
    return Wall(
        str(entry["id"]),
        start,
        end,
        float(foot[0][1]),
        float(np.ptp(corners[:, 1])),
        _inward(start, end, floors.get(entry.get("roomId")), floors),
        materials.of(entry.get("material"), "wall"),
        bool(entry.get("empty", False)),
    )


def _inward(
    start: np.ndarray, end: np.ndarray, own: np.ndarray | None, floors: dict[str, np.ndarray]
) -> np.ndarray:
    """The side of a wall on which its own room is; an outer wall looks away from every room."""
    along = (end - start) / np.linalg.norm(end - start)
    side = np.array([-along[1], along[0]])
    beside = (start + end) / 2 + 0.05 * side
    room_there = any(
        inside(beside, floor) for floor in ([own] if own is not None else floors.values())
    )
    return side if room_there == (own is not None) else -side


def hole_of(entry: OpeningEntry, walls: list[Wall]) -> Hole:
    """Raises: BadHouse if its wall is not there."""
    wall = next((w for w in walls if w.id == entry["wall0"]), None)
    if wall is None:
        raise BadHouse(f"{entry['id']!r} is in wall {entry['wall0']!r}, which is not in the house")
    if "holePolygon" not in entry and "boundingBox" in entry:  # houses before schema 1.0.0
        points = [entry["boundingBox"]["min"], entry["boundingBox"]["max"]]
    else:
        points = entry["holePolygon"][:2]
    first, second = (xyz({"z": 0.0, **p}) for p in points)
    x, y = sorted((first[0], second[0])), sorted((first[1], second[1]))
    start, end = wall.start + wall.along * x[0], wall.start + wall.along * x[1]
    return Hole(wall, start, end, float(y[0]), float(y[1]))


def panels(wall: Wall, holes: list[Hole]) -> list[Placed]:
    """A wall with its holes: what is left beside, below and above each."""
    cut = sorted(
        (*span, hole.bottom, hole.top) for hole in holes if (span := hole.on(wall)) is not None
    )
    left, at = [], 0.0
    for first, last, bottom, top in cut:
        first = max(first, at)
        left.append((at, first, 0.0, wall.height))
        left.append((first, last, 0.0, bottom))
        left.append((first, last, top, wall.height))
        at = max(at, last)
    left.append((at, wall.length, 0.0, wall.height))
    whole = [p for p in left if p[1] - p[0] > _THINNEST_M and p[3] - p[2] > _THINNEST_M]
    return [_panel(wall, wall.id if i == 0 else f"{wall.id}|{i}", *p) for i, p in enumerate(whole)]


def _panel(wall: Wall, name: str, first: float, last: float, bottom: float, top: float) -> Placed:
    """A rectangle of wall, from the first to the last metre along it."""
    size = (last - first, top - bottom, _WALL_M)
    mesh = box(size, (0, (bottom + top) / 2, 0), wall.material)
    piece = Furniture("Wall", (mesh,), size, blocks=bottom < _HEAD_M, bottom=bottom)
    x, z = wall.start + wall.along * (first + last) / 2 + wall.inward * _WALL_M / 2
    return Placed(name, piece, (float(x), wall.floor_y, float(z)), wall.yaw_deg, name)


def door(entry: OpeningEntry, hole: Hole) -> Placed:
    """A frame, and in it a leaf that opens if the house says so.

    It is shut where the house says `openness` 0, and where it leads outwards.
    """
    frame = _door_frame(hole.width, hole.top)
    outwards = entry.get("room0") == entry.get("room1")
    openness = 0.0 if outwards else float(np.clip(float(entry.get("openness", 1.0)), 0.0, 1.0))
    openable = bool(entry.get("openable")) and not outwards
    meshes, opening = frame, None
    if outwards or openness == 0 or openable:
        leaf = _door_leaf(hole.width, hole.top)
        opening = Opening(frame, (leaf,), at_first=openness, way=True)
        meshes = opening.meshes(openness)
    piece = Furniture(
        "Doorway",
        merged(meshes),
        (hole.width, hole.top, 0.11),
        blocks=opening is not None,
        opening=opening if openable else None,
    )
    return _in_hole(str(entry["id"]), hole, piece)


def _door_frame(width: float, height: float) -> tuple[Mesh, ...]:
    meshes = [
        box((_FRAME_M, height, 0.11), (s * (width / 2 - 0.025), height / 2, 0), "white")
        for s in (-1, 1)
    ]
    return merged([*meshes, box((width, _FRAME_M, 0.11), (0, height - 0.025, 0), "white")])


def _door_leaf(width: float, height: float) -> Leaf:
    board = box((width - 0.1, height - 0.05, 0.04), (0, (height - 0.05) / 2, 0), "wood")
    handle = box((0.10, 0.02, 0.10), (width / 2 - 0.16, 1.0, 0), "metal")
    return Leaf((board, handle), (_FRAME_M - width / 2, 0.0, 0.0), (0.0, 1.0, 0.0), -90.0)


def window(entry: OpeningEntry, hole: Hole) -> Placed:
    width, height = hole.width - 0.12, hole.top - hole.bottom - 0.12
    pane = f.window(max(0.02, width), max(0.02, height), hole.bottom + 0.06)
    return _in_hole(str(entry["id"]), hole, pane)


def _in_hole(name: str, hole: Hole, piece: Furniture) -> Placed:
    x, z = (hole.start + hole.end) / 2
    return Placed(name, piece, (float(x), hole.wall.floor_y, float(z)), hole.wall.yaw_deg, name)
