"""The entries of `objects` in an agent's metadata, as far as they depend on no agent's place."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from embedded_thor.item import Item

Metadata = dict[str, object]  # of JSON's types, by AI2-THOR's names
_DEFAULTS: Metadata = {
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


@dataclass(frozen=True)
class Listing:
    """What metadata says of objects as long as nothing but the agents' places changes.

    Attributes:
        key: changes when it must be made again.
        items: what is listed. entries: of each, but for what depends on where the agent is.
        positions: (items, 3), seen_points: (items, 9, 3), world, metres.
        at_rest: whether nothing moves. packed: the entries, of packing.py.
    """

    key: object
    items: list[Item]
    entries: list[Metadata]
    positions: np.ndarray
    seen_points: np.ndarray
    at_rest: bool
    packed: list[bytes] = field(default_factory=list)


def vector(values: np.ndarray) -> dict[str, float]:
    return {"x": float(values[0]), "y": float(values[1]), "z": float(values[2])}


def aligned_box(corners: np.ndarray) -> Metadata:
    """The axis-aligned box around points (N, 3)."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    points = [
        [x, y, z] for x in (high[0], low[0]) for y in (high[1], low[1]) for z in (high[2], low[2])
    ]
    return {
        "cornerPoints": [[float(v) for v in p] for p in points],
        "center": vector((low + high) / 2),
        "size": vector(high - low),
    }


def entry_of(
    item: Item,
    parents: Sequence[str] | None,
    contents: Sequence[str],
    is_held: bool,
    controls: str | None,
) -> Metadata:
    """The entry of one object.

    Args:
        parents: ids of what it is in or on; None for what cannot be picked up.
        contents: ids of what is in or on it.
        controls: of a knob, the id of what it controls.
    """
    if item.fixed_metadata is None:
        item.fixed_metadata = _fixed_part(item)
    receptacle = item.fixed_metadata["receptacle"]
    entry = item.fixed_metadata | {
        "parentReceptacles": parents,
        "receptacleObjectIds": contents if receptacle else None,
    }
    if item.opening or item.switch or item.part_names:
        entry |= {"isOpen": item.openness > 0, "openness": item.openness, "isToggled": item.toggled}
    if controls is not None:
        entry["controlledObjects"] = [controls]
    if item.pickupable:
        entry |= {"isMoving": item.moving, "isPickedUp": is_held}
    return entry


def _fixed_part(item: Item) -> Metadata:
    """What does not change while the item keeps its pose."""
    entry = _DEFAULTS | {
        "name": item.name,
        "objectId": item.object_id,
        "objectType": item.type,
        "position": vector(item.position),
        "rotation": dict(zip("xyz", map(float, item.rotation))),
        "receptacle": _is_receptacle(item),
        "openable": item.opening is not None,
        "toggleable": item.switch is not None,
        "axisAlignedBoundingBox": aligned_box(item.corners),
        "objectOrientedBoundingBox": None,
    }
    return entry if item.asset is None else entry | _of_asset(item)


def _is_receptacle(item: Item) -> bool:
    """Whether things can stand on or lie in it, if only when it is open."""
    if item.opening and item.opening.inside:
        return True
    if item.asset:
        return bool(item.asset.surfaces)
    return item.type == "Floor" or bool(item.placed and item.placed.furniture.surfaces)


def _of_asset(item: Item) -> Metadata:
    """What only objects have that can be picked up."""
    flags = ("breakable", "canFillWithLiquid")
    return {flag: True for flag in flags if flag in item.asset.flags} | {
        "pickupable": True,
        "mass": item.asset.mass_kg,
        "salientMaterials": list(item.asset.salient_materials),
        "assetId": item.asset.name,
        "objectOrientedBoundingBox": {"cornerPoints": item.corners.tolist()},
    }
