"""What things can stand on and lie in, and what stands and lies there. World frame, metres."""

from collections.abc import Collection, Iterable

from embedded_thor.item import Item
from embedded_thor.records import Surface

_RESTS_WITHIN_M = 0.02  # of the height of a surface
_FLOOR_EDGE_M = 0.1


def surfaces(item: Item, shut_too: bool = False) -> tuple[Surface, ...]:
    """Where things can stand on it, and in it while it is open (or even if not), in its frame."""
    if item.type == "Floor":
        x, z = item.size[0] / 2 - _FLOOR_EDGE_M, item.size[2] / 2 - _FLOOR_EDGE_M
        return (Surface(-x, -z, x, z, 0.0),)
    own = item.asset.surfaces if item.asset else item.placed.furniture.surfaces
    if item.opening and (item.openness > 0 or shut_too):
        return own + item.opening.inside_at(item.openness)
    return own


def rests_on(item: Item, carrier: Item) -> bool:
    """Whether the foot of an item is on one of the carrier's surfaces."""
    offset = item.foot - carrier.position
    if abs(offset[0]) + abs(offset[2]) > carrier.size[0] + carrier.size[2]:
        return False
    own = carrier.matrix.T @ offset
    beside = 0.02 if carrier.asset or carrier.part_of else 0.1
    return any(
        abs(own[1] - s.y) < _RESTS_WITHIN_M
        and s.x0 - beside <= own[0] <= s.x1 + beside
        and s.z0 - beside <= own[2] <= s.z1 + beside
        for s in surfaces(carrier, shut_too=True)
    )


def contents(item: Item, items: Collection[Item]) -> list[Item]:
    """What lies in a bowl, a box, ... and in what lies there."""
    found, vessels = [], [item]
    while vessels:
        vessel = vessels.pop()
        if not surfaces(vessel, shut_too=True):
            continue
        for thing in items:
            new = thing is not item and thing not in found
            if thing.pickupable and thing.active and new and rests_on(thing, vessel):
                found.append(thing)
                vessels.append(thing)
    return found


def carriers(
    items: Iterable[Item], floor: Item, held: Collection[str | None]
) -> dict[str, list[str]]:
    """What each active pickupable object lies in, or else stands on.

    Args:
        held: names of what is in a hand.
    Returns: by name of the object, ids of vessels, or else of furniture, or else the floor's.
    """
    active = [item for item in items if item.active]
    bearing = [item for item in active if surfaces(item, shut_too=True)]
    pieces = [item for item in bearing if item.placed]
    vessels = [item for item in bearing if item.asset]
    result = {}
    for item in active:
        if not item.pickupable or item.name in held:
            continue
        found = [v.object_id for v in vessels if v is not item and rests_on(item, v)]
        found = found or [piece.object_id for piece in pieces if rests_on(item, piece)]
        result[item.name] = found or ([floor.object_id] if rests_on(item, floor) else [])
    return result
