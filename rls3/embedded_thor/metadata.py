"""An agent's metadata as AI2-THOR reports it (its own JSON schema is in tests/data/thor-metadata-schema.json)."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rls3.embedded_thor.world import Item

if TYPE_CHECKING:
    from rls3.embedded_thor.session import Session

_ZERO = {"x": 0.0, "y": 0.0, "z": 0.0}
_OBJECT_DEFAULTS = {
    "obstructed": False, "toggleable": False, "isToggled": False, "breakable": False, "isBroken": False,
    "canFillWithLiquid": False, "isFilledWithLiquid": False, "fillLiquid": None, "dirtyable": False, "isDirty": False,
    "canBeUsedUp": False, "isUsedUp": False, "cookable": False, "isCooked": False, "ObjectTemperature": "RoomTemp",
    "temperature": "RoomTemp", "isHeatSource": False, "isColdSource": False, "sliceable": False, "isSliced": False,
    "openable": False, "isOpen": False, "openness": 0.0, "pickupable": False, "isPickedUp": False, "moveable": False,
    "mass": 0.0, "salientMaterials": None, "isMoving": False, "isInteractable": False, "assetId": "",
}  # fmt: skip


def vector(values: np.ndarray) -> dict[str, float]:
    return {"x": float(values[0]), "y": float(values[1]), "z": float(values[2])}


def aligned_box(corners: np.ndarray) -> dict[str, Any]:
    low, high = corners.min(axis=0), corners.max(axis=0)
    points = [[x, y, z] for x in (high[0], low[0]) for y in (high[1], low[1]) for z in (high[2], low[2])]
    return {
        "cornerPoints": [[float(v) for v in p] for p in points],
        "center": vector((low + high) / 2),
        "size": vector(high - low),
    }


def _fixed_part(item: Item) -> dict[str, Any]:
    """What does not change while the item keeps its pose."""
    entry = _OBJECT_DEFAULTS | {
        "name": item.name,
        "objectId": item.object_id,
        "objectType": item.type,
        "position": vector(item.position),
        "rotation": dict(zip("xyz", map(float, item.rotation))),
        "receptacle": item.type == "Floor"
        or bool(item.placed and (item.placed.furniture.surfaces or (item.opening and item.opening.inside))),
        "openable": item.opening is not None,
        "toggleable": item.switch is not None,
        "axisAlignedBoundingBox": aligned_box(item.corners),
        "objectOrientedBoundingBox": None,
    }
    if item.asset is None:
        return entry
    flags = item.asset.flags
    return entry | {flag: True for flag in ("breakable", "canFillWithLiquid") if flag in flags} | {
        "receptacle": bool(item.asset.surfaces or (item.opening and item.opening.inside)),
        "pickupable": True,
        "mass": item.asset.mass_kg,
        "salientMaterials": list(item.asset.salient_materials),
        "assetId": item.asset.name,
        "objectOrientedBoundingBox": {"cornerPoints": item.corners.tolist()},
    }  # fmt: skip


def describe(item: Item, session: "Session", carriers: dict[str, list[str]], visible: set[str]) -> dict[str, Any]:
    """One entry of `objects`. visible: names of the items that the agent sees."""
    if item.fixed_metadata is None:
        item.fixed_metadata = _fixed_part(item)
    contents = [session.world.items[name].object_id for name, ids in carriers.items() if item.object_id in ids]
    entry = item.fixed_metadata | {
        "visible": item.name in visible,
        "isInteractable": item.name in visible,
        "distance": math.dist(item.position, session.agent.position),
        "parentReceptacles": carriers.get(item.name),
        "receptacleObjectIds": contents if item.fixed_metadata["receptacle"] else None,
    }
    if item.opening or item.switch:
        entry |= {"isOpen": item.openness > 0, "openness": item.openness, "isToggled": item.toggled}
    if item.pickupable:
        entry |= {"isMoving": item.moving, "isPickedUp": session.is_held(item)}
    return entry


def agent_metadata(session: "Session", with_images: bool = True) -> dict[str, Any]:
    """The whole record of the agent after the last action; the colours of segments only where images go with it."""
    agent, world, outcome = session.agent, session.world, session.agent.outcome
    low, high = world.room.minimum, world.room.maximum
    carriers = session.carriers()
    held = world.items.get(agent.held)
    listed = session.listed_items()
    visible = session.visible(listed)
    bounds = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    pose = {
        "position": dict(_ZERO),
        "rotation": dict(_ZERO),
        "localPosition": dict(_ZERO),
        "localRotation": dict(_ZERO),
    }
    return {
        "objects": [describe(item, session, carriers, visible) for item in listed],
        "isSceneAtRest": not any(item.moving for item in world.items.values()),
        "agent": {
            "name": "agent",
            "position": vector(agent.position),
            "rotation": {"x": 0.0, "y": agent.yaw_deg, "z": 0.0},
            "cameraHorizon": agent.horizon_deg,
            "isStanding": agent.standing,
            "inHighFrictionArea": False,
        },
        "heldObjectPose": pose,
        "arm": None,
        "fov": session.fov_deg,
        "cameraPosition": vector(agent.eye),
        "cameraOrthSize": 0.0,
        "thirdPartyCameras": [
            {
                "thirdPartyCameraId": i,
                "position": vector(camera.position),
                "rotation": {"x": camera.pitch_deg, "y": camera.yaw_deg, "z": 0.0},
                "fieldOfView": camera.fov_deg,
            }
            for i, camera in enumerate(session.cameras)
        ],
        "collided": False,
        "collidedObjects": [],
        "inventoryObjects": [{"objectId": held.object_id, "objectType": held.type}] if held else [],
        "sceneName": session.scene_name,
        "lastAction": outcome.action,
        "lastActionSuccess": outcome.success,
        "errorMessage": outcome.message,
        "errorCode": outcome.code,
        "actionReturn": outcome.value,
        "screenWidth": session.width,
        "screenHeight": session.height,
        "agentId": session.active_agent,
        "colors": session.color_table() if with_images and (session.ids_on or session.classes_on) else None,
        "colorBounds": None,
        "depthFormat": "Meters",
        "flatSurfacesOnGrid": [],
        "distances": [],
        "normals": [],
        "isOpenableGrid": [],
        "segmentedObjectIds": [],
        "objectIdsInBox": [],
        "actionIntReturn": 0,
        "actionFloatReturn": 0.0,
        "actionStringsReturn": [],
        "actionFloatsReturn": [],
        "actionVector3sReturn": [],
        "visibleRange": None,
        "currentTime": session.clock_s,
        "sceneBounds": aligned_box(bounds),
    }
