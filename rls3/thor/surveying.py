"""A RoomSurvey, measured through the simulator's own actions."""

from collections.abc import Iterable, Sequence

import numpy as np

from rls3.errors import RefusedAction
from rls3.scene.records import Box, Kind, RoomSurvey, Surface
from rls3.thor.controller import SafeController
from rls3.thor.metadata import ObjectEntry, aligned_box, upright_box, xyz

_HANDLE_M = 0.02  # how far a door's may stand out of its piece


def survey_room(
    controller: SafeController, floor_plan: str, objects: dict[Kind, ObjectEntry]
) -> RoomSurvey:
    """Measure the floor plan that the simulator is in, as it is after Reset.

    Args:
        objects: one entry of each kind that can be placed. They are all switched off.
    """
    kinds = {kind: upright_box(entry).size for kind, entry in objects.items()}
    event = controller.act(
        "SetObjectPoses", objectPoses=[], placeStationary=True, renderImage=False
    )
    entries = [entry for entry in event.metadata["objects"] if not entry["pickupable"]]
    bounds = np.array(event.metadata["sceneBounds"]["cornerPoints"])
    surfaces = _surfaces(controller, entries)
    reachable = controller.act("GetReachablePositions", renderImage=False).metadata["actionReturn"]
    furniture = [aligned_box(entry) for entry in entries if entry["objectType"] != "Floor"]
    return RoomSurvey(
        floor_plan=floor_plan,
        minimum=tuple(map(float, bounds.min(axis=0))),
        maximum=tuple(map(float, bounds.max(axis=0))),
        surfaces=surfaces,
        standpoints=np.array([(p["x"], p["z"]) for p in reachable]).reshape(-1, 2),
        furniture=outermost(furniture),
        kinds=kinds,
        eye_heights=_eye_heights(controller),
    )


def outermost(boxes: Sequence[Box]) -> tuple[Box, ...]:
    """Without those that another holds, but for a handle.

    Drawers and doors add nothing to the outline of their piece.
    """
    center = np.array([b.center for b in boxes]).reshape(-1, 3)
    half = np.array([b.size for b in boxes]).reshape(-1, 3) / 2
    low, high = center - half, center + half
    inside = np.all((low[:, None] >= low - _HANDLE_M) & (high[:, None] <= high + _HANDLE_M), axis=2)
    volume = np.prod(half, axis=1)
    held = (inside & (volume[:, None] < volume)).any(axis=1)
    return tuple(box for box, is_held in zip(boxes, held) if not is_held)


def _surfaces(controller: SafeController, entries: Iterable[ObjectEntry]) -> tuple[Surface, ...]:
    """Of every receptacle on which there is room."""
    surfaces = []
    for entry in entries:
        if not entry["receptacle"]:
            continue
        try:
            event = controller.act(
                "GetSpawnCoordinatesAboveReceptacle",
                objectId=entry["objectId"],
                anywhere=True,
                renderImage=False,
            )
        except RefusedAction:
            continue  # a receptacle without room on it
        points = np.array([xyz(p) for p in event.metadata["actionReturn"]]).reshape(-1, 3)
        if len(points):
            surfaces.append(Surface(entry["objectId"], entry["objectType"], points))
    return tuple(surfaces)


def _eye_heights(controller: SafeController) -> tuple[float, float]:
    """Standing and crouched."""
    position = controller.last_event.metadata["agent"]["position"]
    standing, crouched = (
        controller.act(
            "TeleportFull",
            **position,
            rotation={"x": 0, "y": 0, "z": 0},
            horizon=0.0,
            standing=stands,
            forceAction=True,
            renderImage=False,
        ).metadata["cameraPosition"]["y"]
        for stands in (True, False)
    )
    return float(standing), float(crouched)
