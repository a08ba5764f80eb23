"""Furniture and objects of a house: each where it is asked for, children on their parents."""

from collections.abc import Iterator

import numpy as np

from embedded_thor.planar import to_own, to_room
from embedded_thor.procthor.nearest import as_high, furniture_of, is_furniture, object_of, type_of
from embedded_thor.procthor.schema import ObjectEntry, xyz, yaw_deg
from embedded_thor.records import Asset, Furniture, ObjectInstance, Placed, Surface, Vector3
from embedded_thor.things import furniture as f

_WIDEST_M = 3.0  # furniture that is made to hold its children
_ON_FLOOR_M = 0.5  # an object whose middle is lower lies on the floor
_BESIDE_M = 0.3  # things at heights that differ by more do not meet
_PITCH_M = 0.08
_Taken = list[tuple[np.ndarray, float]]  # foot points and radii of what stands on a piece


def walk(objects: list[ObjectEntry], parent: str = "") -> Iterator[tuple[ObjectEntry, str]]:
    """Every object with the id of the one that it is a child of; parents first."""
    for entry in objects:
        yield entry, parent
        yield from walk(entry.get("children") or [], entry["id"])


def furnished(
    entries: list[tuple[ObjectEntry, str]],
) -> tuple[list[Placed], list[ObjectInstance], list[str]]:
    """Furniture, objects, and the asset ids that are left out, in the order of the house.

    Left out is what has nothing near it among ours, or no place on its parent, or a parent that is
    left out or bears nothing here.
    """
    pieces: dict[str, Placed] = {}
    objects: list[ObjectInstance] = []
    unknown: list[str] = []
    taken: dict[str, _Taken] = {}
    placed: list[Placed] = []
    for entry, parent in entries:
        thing = None
        if not parent or parent in pieces:
            thing = _thing(entry, pieces.get(parent), taken.setdefault(parent, []))
        if isinstance(thing, Placed):
            placed.append(thing)
            pieces[entry["id"]] = thing
        elif isinstance(thing, ObjectInstance):
            objects.append(thing)
        else:
            unknown.append(str(entry.get("assetId", entry["id"])))
    return placed, objects, unknown


def _thing(
    entry: ObjectEntry, parent: Placed | None, taken: _Taken
) -> Placed | ObjectInstance | None:
    """The furniture or object nearest to what is asked for, if there is any and place for it."""
    name, type_ = str(entry["id"]), type_of(entry)
    center, yaw = xyz(entry["position"]), yaw_deg(entry)
    if type_ == "Painting":
        piece = f.painting(0.6, 0.42, float(center[1]) - 0.21)
        return Placed(name, piece, (float(center[0]), 0.0, float(center[2])), yaw, name)
    if is_furniture(type_):
        piece = furniture_of(type_, *_footprint(entry, center, yaw))
        piece, y = _at_height(piece, center[1], parent)
        return Placed(name, piece, (float(center[0]), y, float(center[2])), yaw, name)
    found = object_of(type_, entry)
    if found is None:
        return None
    shape, color = found
    position = _position_of(shape, center, parent, taken)
    return None if position is None else ObjectInstance(name, shape, color, position, yaw, name)


def _footprint(entry: ObjectEntry, center: np.ndarray, yaw: float) -> tuple[float, float]:
    """Width and depth that the children of an object need on it."""
    points = [xyz(child["position"]) for child in entry.get("children") or []]
    own = np.abs([to_own(center, yaw, p[0], p[2]) for p in points] or [(0.0, 0.0)]).max(axis=0)
    width, depth = np.minimum(2 * own + 0.3, _WIDEST_M)
    return float(width), float(depth)


def _at_height(piece: Furniture, middle_y: float, parent: Placed | None) -> tuple[Furniture, float]:
    """The piece as high as the house says, and the y of its foot.

    The house tells the middle of each box, so what stands on the floor is twice as high.
    """
    if piece.type == "Television":  # on something, or on the wall
        top = parent.position[1] + parent.furniture.size[1] if parent else None
        return piece, float(middle_y - piece.size[1] / 2 if top is None else top)
    return (as_high(piece, 2 * float(middle_y)) if parent is None else piece), 0.0


def _position_of(
    shape: Asset, center: np.ndarray, parent: Placed | None, taken: _Taken
) -> Vector3 | None:
    """Of an object's foot; None if there is no place on its parent."""
    if parent is not None:
        position = _place_on(parent, center, shape.size, taken)
    else:
        y = 0.0 if center[1] < _ON_FLOOR_M else center[1] - shape.size[1] / 2
        position = np.array([center[0], y, center[2]])
    return None if position is None else tuple(map(float, position))


def _place_on(
    parent: Placed, center: np.ndarray, size: Vector3, taken: _Taken
) -> np.ndarray | None:
    """Where a child stands.

    On the surface of its parent that is nearest to its foot and has room, at the free point nearest
    to where it is asked for; that is then taken.
    """
    own = np.array(to_own(parent.position, parent.yaw_deg, center[0], center[2]))
    foot, radius = center[1] - size[1] / 2, max(size[0], size[2]) / 2
    surfaces = [s for s in parent.furniture.surfaces if s.clearance > size[1]]
    surfaces.sort(key=lambda s: abs(parent.position[1] + s.y - foot))
    for surface in surfaces:
        for x, z in _points_near(own, surface):
            room_x, room_z = to_room(parent.position, parent.yaw_deg, float(x), float(z))
            point = np.array([room_x, parent.position[1] + surface.y, room_z])
            if all(_apart(point, radius, other, r) for other, r in taken):
                taken.append((point, radius))
                return point
    return None


def _points_near(own: np.ndarray, surface: Surface) -> list[np.ndarray]:
    """Points of a surface, (x, z) in its own frame, the nearest first."""
    wanted = np.clip(own, (surface.x0, surface.z0), (surface.x1, surface.z1))
    lines = np.meshgrid(_line(surface.x0, surface.x1), _line(surface.z0, surface.z1))
    grid = np.stack(lines, axis=-1).reshape(-1, 2)
    return [wanted, *sorted(grid, key=lambda point: float(np.linalg.norm(point - wanted)))]


def _line(first: float, last: float) -> np.ndarray:
    return np.linspace(first, last, max(2, int((last - first) / _PITCH_M) + 1))


def _apart(point: np.ndarray, radius: float, other: np.ndarray, its_radius: float) -> bool:
    """Whether what stands at two points does not meet."""
    if abs(point[1] - other[1]) > _BESIDE_M:
        return True
    return bool(np.hypot(*(point - other)[[0, 2]]) > radius + its_radius)
