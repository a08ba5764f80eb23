"""An agent's metadata as AI2-THOR reports it (its own JSON schema is in tests/data/thor-metadata-schema.json)."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from embedded_thor.item import Item
from embedded_thor.records import Vector3

if TYPE_CHECKING:
    from embedded_thor.session import Session

_ZERO = {"x": 0.0, "y": 0.0, "z": 0.0}
_OBJECT_DEFAULTS = {
    "obstructed": False,
    "toggleable": False,
    "isToggled": False,
    "breakable": False,
    "isBroken": False,
    "canFillWithLiquid": False,
    "isFilledWithLiquid": False,
    "fillLiquid": None,
    "dirtyable": False,
    "isDirty": False,
    "canBeUsedUp": False,
    "isUsedUp": False,
    "cookable": False,
    "isCooked": False,
    "ObjectTemperature": "RoomTemp",
    "temperature": "RoomTemp",
    "isHeatSource": False,
    "isColdSource": False,
    "sliceable": False,
    "isSliced": False,
    "openable": False,
    "isOpen": False,
    "openness": 0.0,
    "pickupable": False,
    "isPickedUp": False,
    "moveable": False,
    "mass": 0.0,
    "salientMaterials": None,
    "isMoving": False,
    "assetId": "",
}


def vector(values: np.ndarray) -> dict[str, float]:
    return {"x": float(values[0]), "y": float(values[1]), "z": float(values[2])}


def aligned_box(corners: np.ndarray) -> dict[str, Any]:
    low, high = corners.min(axis=0), corners.max(axis=0)
    points = [
        [x, y, z] for x in (high[0], low[0]) for y in (high[1], low[1]) for z in (high[2], low[2])
    ]
    return {
        "cornerPoints": [[float(v) for v in p] for p in points],
        "center": vector((low + high) / 2),
        "size": vector(high - low),
    }


@lru_cache(maxsize=8)
def _scene_bounds(low: Vector3, high: Vector3) -> dict[str, Any]:
    return aligned_box(np.array([low, high]))


def _fixed_part(item: Item) -> dict[str, Any]:
    """What does not change while the item keeps its pose."""
    entry = _OBJECT_DEFAULTS | {
        "name": item.name,
        "objectId": item.object_id,
        "objectType": item.type,
        "position": vector(item.position),
        "rotation": dict(zip("xyz", map(float, item.rotation))),
        "receptacle": item.type == "Floor"
        or bool(
            item.placed
            and (item.placed.furniture.surfaces or (item.opening and item.opening.inside))
        ),
        "openable": item.opening is not None,
        "toggleable": item.switch is not None,
        "axisAlignedBoundingBox": aligned_box(item.corners),
        "objectOrientedBoundingBox": None,
    }
    if item.asset is None:
        return entry
    flags = item.asset.flags
    return (
        entry
        | {flag: True for flag in ("breakable", "canFillWithLiquid") if flag in flags}
        | {
            "receptacle": bool(item.asset.surfaces or (item.opening and item.opening.inside)),
            "pickupable": True,
            "mass": item.asset.mass_kg,
            "salientMaterials": list(item.asset.salient_materials),
            "assetId": item.asset.name,
            "objectOrientedBoundingBox": {"cornerPoints": item.corners.tolist()},
        }
    )


def _lasting_part(item: Item, session: "Session", contents: dict[str, list[str]]) -> dict[str, Any]:
    """An entry of `objects` as far as it does not depend on where the agent is."""
    if item.fixed_metadata is None:
        item.fixed_metadata = _fixed_part(item)
    entry = item.fixed_metadata | {
        "parentReceptacles": session.carriers().get(item.name),
        "receptacleObjectIds": contents.get(item.object_id, [])
        if item.fixed_metadata["receptacle"]
        else None,
    }
    if item.opening or item.switch or item.part_names:
        entry |= {"isOpen": item.openness > 0, "openness": item.openness, "isToggled": item.toggled}
    if item.type == "StoveKnob":
        entry["controlledObjects"] = [session.world.items[item.part_of].object_id]
    if item.pickupable:
        entry |= {"isMoving": item.moving, "isPickedUp": session.is_held(item)}
    return entry


@dataclass(frozen=True)
class Listing:
    """What metadata says of objects as long as nothing but the agents' places changes.

    Attributes:
        key: changes when it must be made again. items: what is listed. entries: the lasting part of each entry.
        positions: (items, 3), seen_points: (items, 9, 3), world, metres. at_rest: whether nothing moves.
        packed: of packing.py.
    """

    key: Any
    items: list[Item]
    entries: list[dict[str, Any]]
    positions: np.ndarray
    seen_points: np.ndarray
    at_rest: bool
    packed: list[bytes] = field(default_factory=list)


def listing_of(session: "Session") -> Listing:
    key = (session.state_key, session.only)
    if session.listing is None or session.listing.key != key:
        contents: dict[str, list[str]] = {}
        for name, carriers in session.carriers().items():
            for carrier in carriers:
                contents.setdefault(carrier, []).append(session.world.items[name].object_id)
        items = session.listed_items()
        session.listing = Listing(
            key,
            items,
            [_lasting_part(item, session, contents) for item in items],
            np.array([item.position for item in items]).reshape(-1, 3),
            np.array([item.seen_points for item in items]).reshape(-1, 9, 3),
            not any(item.moving for item in session.world.items.values()),
        )
    return session.listing


def seen_from_here(session: "Session") -> list[tuple[bool, float]]:
    """For each listed object whether the agent that is asked about sees it (`visible`, `isInteractable`), and its `distance`."""
    listing = listing_of(session)
    visible = session.visible(listing.items, listing.seen_points)
    offsets = listing.positions - session.agent.position
    distances = np.sqrt((offsets**2).sum(axis=1)).tolist()
    return [(item.name in visible, distance) for item, distance in zip(listing.items, distances)]


def _objects(session: "Session") -> list[dict[str, Any]]:
    return [
        entry | {"visible": seen, "isInteractable": seen, "distance": distance}
        for entry, (seen, distance) in zip(listing_of(session).entries, seen_from_here(session))
    ]


def third_party_cameras(session: "Session") -> list[dict[str, Any]]:
    return [
        {
            "thirdPartyCameraId": i,
            "position": vector(camera.position),
            "rotation": {"x": camera.pitch_deg, "y": camera.yaw_deg, "z": 0.0},
            "fieldOfView": camera.fov_deg,
        }
        for i, camera in enumerate(session.cameras)
    ]


def agent_metadata(session: "Session", with_images: bool = True) -> dict[str, Any]:
    """The whole record of the agent after the last action; the colours of segments only where images go with it."""
    return {"objects": _objects(session)} | all_but_objects(session, with_images)


def all_but_objects(session: "Session", with_images: bool) -> dict[str, Any]:
    agent, world, outcome = session.agent, session.world, session.agent.outcome
    held, colors = (
        world.items.get(agent.held),
        with_images and (session.ids_on or session.classes_on),
    )
    pose = {
        "position": dict(_ZERO),
        "rotation": dict(_ZERO),
        "localPosition": dict(_ZERO),
        "localRotation": dict(_ZERO),
    }
    return {
        "isSceneAtRest": listing_of(session).at_rest,
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
        "thirdPartyCameras": third_party_cameras(session),
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
        "colors": world.palette.table(item for item in world.items.values() if item.active)
        if colors
        else None,
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
        "sceneBounds": _scene_bounds(tuple(world.room.minimum), tuple(world.room.maximum)),
    }


def metadata_patch(session: "Session") -> dict[str, Any]:
    """What a query changes in the acting agent's metadata; the client takes the rest, pictures too, from the last answer."""
    outcome = session.agent.outcome
    return {
        "lastAction": outcome.action,
        "lastActionSuccess": outcome.success,
        "errorMessage": outcome.message,
        "errorCode": outcome.code,
        "actionReturn": outcome.value,
        "agentId": session.active_agent,
    }
