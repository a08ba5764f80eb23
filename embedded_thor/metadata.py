"""An agent's metadata as AI2-THOR reports it.

Its own JSON schema is in tests/data/thor-metadata-schema.json.
"""

from functools import lru_cache

import numpy as np

from embedded_thor.agents import Agent
from embedded_thor.listing import Listing, Metadata, aligned_box, entry_of, vector
from embedded_thor.records import Vector3
from embedded_thor.session import Session

_ZERO = {"x": 0.0, "y": 0.0, "z": 0.0}
_NOWHERE = ("position", "rotation", "localPosition", "localRotation")  # of a hand that is none
# What belongs to actions and agents that are not here.
_UNUSED: Metadata = {
    "arm": None,
    "cameraOrthSize": 0.0,
    "collided": False,
    "collidedObjects": [],
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
}


def agent_metadata(session: Session, with_images: bool = True) -> Metadata:
    """The whole record of the agent after the last action.

    Args:
        with_images: whether images go with it, and so the colours of segments.
    """
    return {"objects": _objects(session)} | all_but_objects(session, with_images)


def metadata_patch(session: Session) -> Metadata:
    """What a query changes in the acting agent's metadata.

    The client takes the rest, pictures too, from the last answer.
    """
    return _outcome(session) | {"agentId": session.active_agent}


def third_party_cameras(session: Session) -> list[Metadata]:
    return [
        {
            "thirdPartyCameraId": i,
            "position": vector(camera.position),
            "rotation": {"x": camera.pitch_deg, "y": camera.yaw_deg, "z": 0.0},
            "fieldOfView": camera.fov_deg,
        }
        for i, camera in enumerate(session.cameras)
    ]


def listing_of(session: Session) -> Listing:
    """The present one; made again if anything but the agents' places has changed."""
    key = (session.state_key, session.only)
    if session.listing is None or session.listing.key != key:
        items = session.listed_items()
        session.listing = Listing(
            key,
            items,
            _entries(session),
            np.array([item.position for item in items]).reshape(-1, 3),
            np.array([item.seen_points for item in items]).reshape(-1, 9, 3),
            not any(item.moving for item in session.world.items.values()),
        )
    return session.listing


def _entries(session: Session) -> list[Metadata]:
    items, carriers = session.world.items, session.carriers()
    contents: dict[str, list[str]] = {}
    for name, ids in carriers.items():
        for carrier in ids:
            contents.setdefault(carrier, []).append(items[name].object_id)
    return [
        entry_of(
            item,
            parents=carriers.get(item.name),
            contents=contents.get(item.object_id, []),
            is_held=session.is_held(item),
            controls=items[item.part_of].object_id if item.type == "StoveKnob" else None,
        )
        for item in session.listed_items()
    ]


def seen_from_here(session: Session) -> list[tuple[bool, float]]:
    """What of each listed object depends on where the agent is that is asked about.

    Returns: whether it sees the object (`visible`, `isInteractable`), and `distance`.
    """
    listing = listing_of(session)
    visible = session.visible(listing.items, listing.seen_points)
    offsets = listing.positions - session.agent.position
    distances = np.sqrt((offsets**2).sum(axis=1)).tolist()
    return [(item.name in visible, distance) for item, distance in zip(listing.items, distances)]


def _objects(session: Session) -> list[Metadata]:
    return [
        entry | {"visible": seen, "isInteractable": seen, "distance": distance}
        for entry, (seen, distance) in zip(listing_of(session).entries, seen_from_here(session))
    ]


def all_but_objects(session: Session, with_images: bool) -> Metadata:
    """The record of the agent without `objects`."""
    agent, world = session.agent, session.world
    held = world.items.get(agent.held)
    return (
        _UNUSED
        | _outcome(session)
        | {
            "isSceneAtRest": listing_of(session).at_rest,
            "agent": _pose(agent),
            "heldObjectPose": {name: dict(_ZERO) for name in _NOWHERE},
            "fov": session.fov_deg,
            "cameraPosition": vector(agent.eye),
            "thirdPartyCameras": third_party_cameras(session),
            "inventoryObjects": (
                [{"objectId": held.object_id, "objectType": held.type}] if held else []
            ),
            "sceneName": session.scene_name,
            "screenWidth": session.width,
            "screenHeight": session.height,
            "agentId": session.active_agent,
            "colors": _colors(session) if with_images else None,
            "currentTime": session.clock_s,
            "sceneBounds": _scene_bounds(tuple(world.room.minimum), tuple(world.room.maximum)),
        }
    )


def _outcome(session: Session) -> Metadata:
    """How the agent's last action ended."""
    outcome = session.agent.outcome
    return {
        "lastAction": outcome.action,
        "lastActionSuccess": outcome.success,
        "errorMessage": outcome.message,
        "errorCode": outcome.code,
        "actionReturn": outcome.value,
    }


def _pose(agent: Agent) -> Metadata:
    return {
        "name": "agent",
        "position": vector(agent.position),
        "rotation": {"x": 0.0, "y": agent.yaw_deg, "z": 0.0},
        "cameraHorizon": agent.horizon_deg,
        "isStanding": agent.standing,
        "inHighFrictionArea": False,
    }


def _colors(session: Session) -> list[Metadata] | None:
    """Of the segments of what is there, if there are segments."""
    if not session.ids_on and not session.classes_on:
        return None
    world = session.world
    return world.palette.table(item for item in world.items.values() if item.active)


@lru_cache(maxsize=8)
def _scene_bounds(low: Vector3, high: Vector3) -> Metadata:
    return aligned_box(np.array([low, high]))
