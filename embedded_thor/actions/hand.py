"""What an agent does with its hand: picking up, putting down, opening, toggling."""

import math

import numpy as np

from embedded_thor.actions.registry import action
from embedded_thor.item import Item
from embedded_thor.outcome import ActionFailed
from embedded_thor.placement import let_go, place, standing_points
from embedded_thor.receptacles import surfaces
from embedded_thor.session import Session


def _within_reach(session: Session, object_id: str, force: bool) -> Item:
    item = session.item_by_id(object_id)
    if not force and not session.sees(item):
        raise ActionFailed(
            "NullReferenceException: Target object not found within the specified visibility."
        )
    return item


def _in_hand(session: Session, otherwise: str) -> Item:
    if session.agent.held is None:
        raise ActionFailed(otherwise)
    return session.world.items[session.agent.held]


@action
def pickup_object(
    session: Session, objectId: str, forceAction: bool = False, manualInteract: bool = False
) -> None:
    if session.agent.held is not None:
        raise ActionFailed("Agent hand has something in it already! Can't pick up anything else")
    item = _within_reach(session, objectId, forceAction)
    if not item.pickupable:
        raise ActionFailed(f"{objectId} must have the property CanPickup to be picked up.")
    if not item.active or session.is_held(item):
        raise ActionFailed(f"{objectId} is not there to be picked up")
    for thing in (item, *session.contents(item)):
        thing.kinematic = True
    session.agent.held = item.name


@action
def drop_hand_object(session: Session, forceAction: bool = False) -> None:
    """It falls until it rests."""
    item = _in_hand(session, "nothing in hand to drop!")
    falling = [item, *session.contents(item)]
    session.agent.held = None
    for thing in falling:
        thing.kinematic = False
    let_go(session, falling)


@action
def put_object(
    session: Session, objectId: str, forceAction: bool = False, placeStationary: bool = True
) -> None:
    """Stand what is held on a free spot of a receptacle, the nearest to the agent.

    Unless `placeStationary` it then falls as it may.
    """
    item = _in_hand(session, "Can't place an object if Agent isn't holding anything")
    receptacle = _within_reach(session, objectId, forceAction)
    if not surfaces(receptacle, shut_too=True):
        raise ActionFailed("This target object is NOT a receptacle!")
    if not surfaces(receptacle):
        raise ActionFailed(
            "Target openable Receptacle is CLOSED, can't place if target is not open!"
        )
    spots = _spots_for(session, item, receptacle)
    held, session.agent.held = session.agent.held, None
    vessel = receptacle if receptacle.asset else None
    for spot in spots:
        try:
            place(session, item, spot, (0.0, session.agent.yaw_deg, 0.0), vessel)
        except ActionFailed:
            continue
        put = [item, *session.contents(item)]
        for thing in put:
            thing.kinematic = placeStationary
        if not placeStationary:
            let_go(session, put)
        return
    session.agent.held = held
    raise ActionFailed("No valid positions to place object found")


def _spots_for(session: Session, item: Item, receptacle: Item) -> list[np.ndarray]:
    """Where it has room on a receptacle, the nearest to the agent first."""
    here, radius = session.agent.position, math.hypot(item.size[0], item.size[2]) / 2
    spots = [
        point
        for point, clearance in standing_points(session, receptacle, radius)
        if clearance >= item.size[1] or receptacle.asset
    ]
    return sorted(spots, key=lambda p: (p[0] - here[0]) ** 2 + (p[2] - here[2]) ** 2)


@action
def open_object(
    session: Session, objectId: str, openness: float = 1.0, forceAction: bool = False
) -> None:
    if not 0 <= openness <= 1:
        raise ActionFailed(f"openness must be in 0..1, not {openness}", "InvalidArgument")
    item = _openable(session, objectId, forceAction)
    if item.openness == openness:
        raise ActionFailed(f"{objectId} is already open by {openness:g}")
    session.open(item, float(openness))


@action
def close_object(session: Session, objectId: str, forceAction: bool = False) -> None:
    item = _openable(session, objectId, forceAction)
    if not item.openness:
        raise ActionFailed(f"{objectId} is already closed")
    session.open(item, 0.0)


def _openable(session: Session, object_id: str, force: bool) -> Item:
    item = _within_reach(session, object_id, force)
    if item.opening is None:
        raise ActionFailed(f"{object_id} is not an Openable object")
    return item


@action
def toggle_object_on(session: Session, objectId: str, forceAction: bool = False) -> None:
    _toggle(session, objectId, True, forceAction)


@action
def toggle_object_off(session: Session, objectId: str, forceAction: bool = False) -> None:
    _toggle(session, objectId, False, forceAction)


def _toggle(session: Session, object_id: str, on: bool, force: bool) -> None:
    item = _within_reach(session, object_id, force)
    if item.switch is None:
        raise ActionFailed(f"{object_id} is not toggleable")
    if item.toggled == on:
        state = "on" if on else "off"
        raise ActionFailed(f"can't toggle object {state} if it's already {state}!")
    session.world.toggle(item, on)
