"""AI2-THOR's house schema 1.0.0 as far as it is read here, and the readers of its smallest parts.

World coordinates, metres, degrees. What comes over the wire may lack anything or be of another
type; whoever reads it lets KeyError, TypeError and the like rise, and `house_room` makes them a
BadHouse.
"""

from typing import NotRequired, TypedDict

import numpy as np

LARGEST_M = 100.0  # farthest coordinate


class BadHouse(Exception):
    """One sentence that says where the JSON is wrong."""


class Point(TypedDict):
    x: float
    y: NotRequired[float]
    z: float


class Color(TypedDict):
    """Each 0..1."""

    r: float
    g: float
    b: float


class MaterialEntry(TypedDict, total=False):
    name: str
    color: Color


class RoomEntry(TypedDict):
    id: str
    floorPolygon: list[Point]
    floorMaterial: NotRequired[MaterialEntry | str]


class WallEntry(TypedDict):
    """polygon: its two lowest points are the wall's foot, in order. empty: not drawn."""

    id: str
    polygon: list[Point]
    roomId: NotRequired[str]
    material: NotRequired[MaterialEntry | str]
    empty: NotRequired[bool]


class OpeningEntry(TypedDict):
    """A door or a window.

    holePolygon: its corners, measured from the first point of the foot of `wall0`, x along it and
    y upwards; houses before schema 1.0.0 have a `boundingBox` {"min", "max"} of the same meaning.
    """

    id: str
    wall0: str
    room0: NotRequired[str]
    room1: NotRequired[str]
    holePolygon: NotRequired[list[Point]]
    boundingBox: NotRequired[dict[str, Point]]
    openable: NotRequired[bool]
    openness: NotRequired[float]


class ObjectEntry(TypedDict):
    """position: of the centre of its box. rotation: Unity's angles, or {"axis", "degrees"}."""

    id: str
    position: Point
    assetId: NotRequired[str]
    rotation: NotRequired[dict[str, float]]
    color: NotRequired[Color]
    children: NotRequired[list["ObjectEntry"]]


class AgentEntry(TypedDict, total=False):
    position: Point
    rotation: dict[str, float]


class House(TypedDict):
    rooms: list[RoomEntry]
    walls: NotRequired[list[WallEntry]]
    doors: NotRequired[list[OpeningEntry]]
    windows: NotRequired[list[OpeningEntry]]
    objects: NotRequired[list[ObjectEntry]]
    metadata: NotRequired[dict[str, AgentEntry]]


def xyz(point: Point) -> np.ndarray:
    """(3,), metres. Raises: BadHouse if it is absurdly far away, or no number."""
    values = np.array([float(point["x"]), float(point.get("y", 0.0)), float(point["z"])])
    if not np.all(np.abs(values) <= LARGEST_M):
        raise BadHouse(f"the point {point} is farther than {LARGEST_M:g} m from the origin")
    return values


def yaw_deg(entry: ObjectEntry | AgentEntry) -> float:
    """Unity Euler angles, or the axis and angle of older houses."""
    rotation = entry.get("rotation") or {}
    return float(rotation["degrees"] if "degrees" in rotation else rotation.get("y", 0.0)) % 360
