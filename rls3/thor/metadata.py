"""What the client reads of AI2-THOR's metadata, and our records made of it.

World frame and units are AI2-THOR's, which are ours.
"""

from typing import TypedDict

import numpy as np
from ai2thor.server import Event

from rls3.language.caption import COLORS
from rls3.scene.geometry import heading_axes
from rls3.scene.records import Box, Camera, Kind, SceneObject


class Vector(TypedDict):
    x: float
    y: float
    z: float


class OrientedBox(TypedDict):
    """cornerPoints: eight of three numbers."""

    cornerPoints: list[list[float]]


class AlignedBox(TypedDict):
    center: Vector
    size: Vector


class ObjectEntry(TypedDict):
    """One of `objects`, as far as it is read here."""

    objectId: str
    objectType: str
    name: str
    position: Vector
    rotation: Vector
    pickupable: bool
    receptacle: bool
    parentReceptacles: list[str] | None
    axisAlignedBoundingBox: AlignedBox
    objectOrientedBoundingBox: OrientedBox | None


def xyz(vector: Vector) -> np.ndarray:
    return np.array([vector["x"], vector["y"], vector["z"]])


def kind_of(entry: ObjectEntry) -> Kind:
    """Type from AI2-THOR's objectType; colour from the name where it holds one ("Mug_Red_1")."""
    color = next((word for word in entry["name"].lower().split("_") if word in COLORS), "")
    return Kind(entry["objectType"], color)


def upright_box(entry: ObjectEntry) -> Box:
    """The oriented box, as an upright box with the object's yaw."""
    corners = np.array(entry["objectOrientedBoundingBox"]["cornerPoints"])
    center, yaw = corners.mean(axis=0), entry["rotation"]["y"]
    right, ahead = heading_axes(yaw)
    size = (np.ptp(corners @ right), np.ptp(corners[:, 1]), np.ptp(corners @ ahead))
    return Box(tuple(map(float, center)), tuple(map(float, size)), float(yaw))


def aligned_box(entry: ObjectEntry) -> Box:
    box = entry["axisAlignedBoundingBox"]
    return Box(tuple(map(float, xyz(box["center"]))), tuple(map(float, xyz(box["size"]))))


def camera_of(event: Event) -> Camera:
    """The agent's head camera as it is now."""
    metadata = event.metadata
    eye, agent = metadata["cameraPosition"], metadata["agent"]
    return Camera(
        (eye["x"], eye["y"], eye["z"]),
        agent["rotation"]["y"],
        agent["cameraHorizon"],
        metadata["fov"],
    )


def scene_object(entry: ObjectEntry, kind: Kind, drawn: Event | None) -> SceneObject:
    """An object as it is reported, and as it is seen in a picture if there is one."""
    visible_px, box_px = 0, None
    if drawn is not None and entry["objectId"] in drawn.instance_masks:
        mask = drawn.instance_masks[entry["objectId"]]
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        visible_px = int(mask.sum())
        box_px = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    parents = entry["parentReceptacles"] or []
    parent = parents[0].split("|")[0] if parents else ""
    box = upright_box(entry)
    return SceneObject(entry["objectId"], entry["name"], kind, box, visible_px, box_px, parent)
