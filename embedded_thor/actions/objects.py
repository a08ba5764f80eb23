"""Placing, hiding and finding objects."""

import numpy as np

from embedded_thor.actions.registry import Position, action, fits, query, xyz
from embedded_thor.item import Item
from embedded_thor.listing import vector
from embedded_thor.outcome import ActionFailed
from embedded_thor.placement import let_go, place, standing_points
from embedded_thor.receptacles import surfaces
from embedded_thor.records import Vector3
from embedded_thor.session import COPY, Session

Pose = tuple[np.ndarray, Vector3]  # position, Unity's angles
Spot = tuple[np.ndarray, float]  # a point, and how high things may be there


@action
def set_object_poses(
    session: Session, objectPoses: list[object], placeStationary: bool = False
) -> None:
    """Put objects where they are wanted; those that are not listed are deactivated.

    Unknown names are skipped, then reported. A name that is listed again makes a copy:
    "_copy_<number of the pose>" is added to its name and its id.
    """
    bad: list[object] = []
    listed: dict[str, Pose] = {}
    copies: dict[str, str] = {}
    for number, entry in enumerate(objectPoses):
        name = entry.get("objectName") if isinstance(entry, dict) else entry
        pose = _pose(session, name, entry)
        if pose is None:
            bad.append(name)
            continue
        if name in listed:
            copy = f"{name}{COPY}{number}"
            copies[copy], name = name, copy
        listed[name] = pose
    session.add_copies(copies)
    items = session.world.items
    for item in items.values():
        if item.pickupable:
            session.world.set_active(item, item.name in listed)
    for name, pose in listed.items():
        session.world.set_pose(items[name], *pose)
        items[name].kinematic = placeStationary
    session.world.sync()
    if not placeStationary:
        let_go(session, [items[name] for name in listed])
    if bad:
        names = ", ".join(map(str, bad))
        raise ActionFailed(f"no pickupable object of this name, or a bad pose: {names}")


def _pose(session: Session, name: object, entry: object) -> Pose | None:
    """The wanted one of an entry of objectPoses; None if that names no object or has no pose."""
    item = session.world.items.get(name) if isinstance(name, str) else None
    if item is None or not item.pickupable or not isinstance(entry, dict):
        return None
    position, rotation = entry.get("position"), entry.get("rotation") or {}
    if not fits(position, Position) or not fits(rotation, Position):
        return None
    return xyz(position), _angles(rotation)


def _angles(rotation: Position) -> Vector3:
    return tuple(float(rotation.get(axis, 0)) for axis in "xyz")


def pickupable(session: Session, object_id: str) -> Item:
    item = session.item_by_id(object_id)
    if not item.pickupable:
        raise ActionFailed(f"{object_id} is not pickupable")
    return item


@action
def place_object_at_point(
    session: Session,
    objectId: str,
    position: Position,
    rotation: Position | None = None,
    forceKinematic: bool = False,
) -> None:
    """Put an object's pivot at a point if its box meets nothing there.

    Unless `forceKinematic` it falls from there.
    """
    item = pickupable(session, objectId)
    place(session, item, xyz(position), None if rotation is None else _angles(rotation))
    item.kinematic = forceKinematic
    if not forceKinematic:
        let_go(session, [item])


@action
def disable_object(session: Session, objectId: str) -> None:
    session.world.set_active(pickupable(session, objectId), False)


@action
def enable_object(session: Session, objectId: str) -> None:
    session.world.set_active(pickupable(session, objectId), True)


@action
def remove_from_scene(session: Session, objectId: str) -> None:
    session.world.set_active(pickupable(session, objectId), False)


@action
def set_object_filter(session: Session, objectIds: list[object]) -> None:
    session.only = frozenset(map(str, objectIds))


@action
def reset_object_filter(session: Session) -> None:
    session.only = None


@query
def get_spawn_coordinates_above_receptacle(
    session: Session, objectId: str, anywhere: bool = False
) -> list[Position]:
    """Points of the receptacle's surfaces; unless `anywhere`, only near ones."""
    points = [point for point, _ in standing_points(session, session.item_by_id(objectId))]
    if not anywhere:
        here, reach = session.agent.position, session.visibility_m
        points = [point for point in points if np.linalg.norm(point - here) < reach]
    if not points:
        raise ActionFailed(f"{objectId} offers no place to stand something on")
    return [vector(point) for point in points]


@query
def get_object_in_frame(session: Session, x: float, y: float, checkVisible: bool = False) -> str:
    """Id of what is drawn at (x, y), shares of width and height from the top left."""
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ActionFailed(f"x = {x}, y = {y} must be in 0..1", "InvalidArgument")
    on, session.ids_on = session.ids_on, True
    frame = session.draw(session.view(), session.agent)
    session.ids_on = on
    row, column = int((1 - y) * (session.height - 1)), int(x * (session.width - 1))
    geom = int(frame.geoms[row, column])
    item = session.world.item_of_geom[geom] if geom >= 0 else None
    if item is None:
        raise ActionFailed(f"no object is drawn at ({x}, {y})")
    return item.object_id


@action
def initial_random_spawn(
    session: Session,
    randomSeed: int = 0,
    forceVisible: bool = False,
    numPlacementAttempts: int = 5,
    placeStationary: bool = True,
    excludedReceptacles: list[object] | None = None,
    excludedObjectIds: list[object] | None = None,
) -> None:
    """Every pickupable object at a random free spot on furniture; one that finds none stays.

    `numPlacementAttempts` counts for each of five receptacles, as AI2-THOR tries one receptacle
    after the other. Nothing is put behind a door that is shut, so `forceVisible` changes nothing.
    """
    rng = np.random.default_rng(randomSeed & 0xFFFFFFFF)
    barred, kept = set(map(str, excludedReceptacles or ())), set(map(str, excludedObjectIds or ()))
    spots: list[Spot] = []
    for piece in session.world.items.values():
        if piece.placed and piece.type not in barred and surfaces(piece):
            spots += standing_points(session, piece)
    if not spots:
        raise ActionFailed("excludedReceptacles leaves no receptacle in this scene")
    attempts = 5 * max(1, min(numPlacementAttempts, 100))
    for item in _loose(session):
        if item.object_id not in kept and _spawned(session, item, spots, attempts, rng):
            item.kinematic = placeStationary
    if not placeStationary:
        let_go(session, _loose(session))


def _loose(session: Session) -> list[Item]:
    """What can be picked up and is in no hand."""
    items = session.world.items.values()
    return [i for i in items if i.pickupable and i.active and not session.is_held(i)]


def _spawned(
    session: Session, item: Item, spots: list[Spot], attempts: int, rng: np.random.Generator
) -> bool:
    """Put it at the first free one of so many random spots; False if none is."""
    for k in rng.integers(len(spots), size=attempts):
        (point, clearance), turn = spots[k], float(rng.integers(24) * 15)
        if clearance < item.size[1]:
            continue
        try:
            place(session, item, point, (0.0, turn, 0.0))
        except ActionFailed:
            continue
        return True
    return False
