"""Placing, hiding and finding objects."""

import itertools
from typing import Any

import numpy as np

from embedded_thor.actions.registry import Position, action, fits, query, xyz
from embedded_thor.item import Item
from embedded_thor.metadata import vector
from embedded_thor.physics import settle
from embedded_thor.session import COPY, ActionFailed, Session
from embedded_thor.things.parts import BESIDE_M


@action
def set_object_poses(
    session: Session, objectPoses: list[Any], placeStationary: bool = False
) -> None:
    """Pickupable objects that are not listed are deactivated, as in AI2-THOR. Unknown names are skipped, then reported. A
    name that is listed again makes a copy: "_copy_<number of the pose>" is added to its name and its id."""
    bad, listed, copies = [], {}, {}
    for number, pose in enumerate(objectPoses):
        name = pose.get("objectName") if isinstance(pose, dict) else pose
        item = session.world.items.get(name) if isinstance(name, str) else None
        rotation = (pose.get("rotation") or {"x": 0, "y": 0, "z": 0}) if item is not None else None
        well_formed = (
            item is not None and fits(pose.get("position"), Position) and fits(rotation, Position)
        )
        if not well_formed or not item.pickupable:
            bad.append(name)
            continue
        if name in listed:
            copies[f"{name}{COPY}{number}"] = name
            name = f"{name}{COPY}{number}"
        listed[name] = (
            xyz(pose["position"]),
            tuple(float(rotation.get(axis, 0)) for axis in "xyz"),
        )
    session.add_copies(copies)
    items = session.world.items
    poses = [(items[name], *pose) for name, pose in listed.items()]
    for item in items.values():
        if item.pickupable:
            session.world.set_active(item, item.name in listed)
    for item, position, rotation in poses:
        session.world.set_pose(item, position, rotation)
        item.kinematic = placeStationary
    session.world.sync()
    if not placeStationary:
        let_go(session, [item for item, _, _ in poses])
    if bad:
        raise ActionFailed(
            f"no pickupable object of this name, or a bad pose: {', '.join(map(str, bad))}"
        )


def let_go(session: Session, items: list[Item]) -> None:
    """Let things fall until they rest."""
    if items:
        settle(session.world, items)


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
    """Put an object's pivot at a point if its box meets nothing there; unless `forceKinematic` it falls from there."""
    item = pickupable(session, objectId)
    place(session, item, position, rotation)
    item.kinematic = forceKinematic
    if not forceKinematic:
        let_go(session, [item])


def place(
    session: Session,
    item: Item,
    position: Position,
    rotation: Position | None,
    vessel: Item | None = None,
) -> None:
    """Put an object's pivot at a point, with what lies in it, if its box meets nothing there but the vessel that it is put
    into, which must be as wide. Raises: ActionFailed; then it is where it was."""
    before, contents = (item.position, item.rotation), session.contents(item)
    angles = (
        item.rotation if rotation is None else tuple(float(rotation.get(axis, 0)) for axis in "xyz")
    )
    session.move_with_contents(item, xyz(position), angles)
    low, high = item.corners.min(axis=0) + 0.003, item.corners.max(axis=0) - 0.003
    room = session.world.room
    blocked = bool(np.any(low < np.array(room.minimum) - 0.01) or np.any(high > room.maximum))
    for other in session.world.items.values():
        if other is item or other is vessel or not other.active or other in contents:
            continue
        if other.pickupable or not session.surfaces(other):
            corners = other.corners
            blocked |= bool(
                np.all(low < corners.max(axis=0)) and np.all(high > corners.min(axis=0))
            )
    if vessel is not None:
        least, most = vessel.corners.min(axis=0)[[0, 2]], vessel.corners.max(axis=0)[[0, 2]]
        blocked |= bool(np.any(low[[0, 2]] < least) or np.any(high[[0, 2]] > most))
    if blocked:
        session.move_with_contents(item, *before)
        session.world.sync()
        raise ActionFailed(
            f"{item.object_id} cannot be placed at {position}: something is in the way"
        )
    session.world.set_active(item, True)
    session.world.sync()


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
def set_object_filter(session: Session, objectIds: list[Any]) -> None:
    session.only = frozenset(map(str, objectIds))


@action
def reset_object_filter(session: Session) -> None:
    session.only = None


@query
def get_spawn_coordinates_above_receptacle(
    session: Session, objectId: str, anywhere: bool = False
) -> list[Position]:
    """Points of the receptacle's surfaces, 5 cm apart on furniture and 15 cm on the floor; unless `anywhere`, only near ones."""
    points = [point for point, _ in standing_points(session, session.item_by_id(objectId))]
    if not anywhere:
        points = [
            p for p in points if np.linalg.norm(p - session.agent.position) < session.visibility_m
        ]
    if not points:
        raise ActionFailed(f"{objectId} offers no place to stand something on")
    return [vector(p) for p in points]


def standing_points(
    session: Session, receptacle: Item, radius_m: float = 0.0
) -> list[tuple[np.ndarray, float]]:
    """Where something of that radius can stand on a receptacle, or between its walls (world), and how high it may be
    (metres)."""
    points = []
    walled = receptacle.opening is not None and receptacle.placed is not None
    beside = max(0.0, radius_m - BESIDE_M) if walled else 0.0
    for s in session.surfaces(receptacle):
        x0, x1, z0, z1 = s.x0 + beside, s.x1 - beside, s.z0 + beside, s.z1 - beside
        if x0 > x1 or z0 > z1:
            continue
        pitch = 0.15 if receptacle.type == "Floor" else 0.05
        xs = np.linspace(x0, x1, max(2, int((x1 - x0) / pitch) + 1))
        zs = np.linspace(z0, z1, max(2, int((z1 - z0) / pitch) + 1))
        if receptacle.asset:  # small: its middle will do
            xs, zs = [(x0 + x1) / 2], [(z0 + z1) / 2]
        for x, z in itertools.product(xs, zs):
            points.append(
                (receptacle.position + receptacle.matrix @ np.array([x, s.y, z]), s.clearance)
            )
    if receptacle.type == "Floor":
        points = [
            (p, clearance) for p, clearance in points if session.footprint_free(p[0], p[2], 0.05)
        ]
    return points


@query
def get_object_in_frame(session: Session, x: float, y: float, checkVisible: bool = False) -> str:
    """Id of what is drawn at (x, y), shares of width and height from the top left."""
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ActionFailed(f"x = {x}, y = {y} must be in 0..1", "InvalidArgument")
    on, session.ids_on = session.ids_on, True
    frame = session.draw(session.view(), session.agent)
    session.ids_on = on
    row, column = int((1 - y) * (session.height - 1)), int(x * (session.width - 1))
    item = (
        session.world.item_of_geom[int(frame.geoms[row, column])]
        if frame.geoms[row, column] >= 0
        else None
    )
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
    excludedReceptacles: list[Any] | None = None,
    excludedObjectIds: list[Any] | None = None,
) -> None:
    """Every pickupable object somewhere else: a random free spot on furniture; one that finds none stays.

    `numPlacementAttempts` counts for each of five receptacles, as AI2-THOR tries one receptacle after the other. Nothing is
    put behind a door that is shut, so `forceVisible` changes nothing.
    """
    rng = np.random.default_rng(randomSeed & 0xFFFFFFFF)
    barred, kept = set(map(str, excludedReceptacles or ())), set(map(str, excludedObjectIds or ()))
    spots = []
    for piece in session.world.items.values():
        if piece.placed and piece.type not in barred and session.surfaces(piece):
            spots += standing_points(session, piece)
    if not spots:
        raise ActionFailed("excludedReceptacles leaves no receptacle in this scene")
    for item in session.world.items.values():
        if (
            not item.pickupable
            or not item.active
            or session.is_held(item)
            or item.object_id in kept
        ):
            continue
        for k in rng.integers(len(spots), size=5 * max(1, min(numPlacementAttempts, 100))):
            (point, clearance), turn = spots[k], float(rng.integers(24) * 15)
            if clearance < item.size[1]:
                continue
            try:
                place(session, item, vector(point), {"y": turn})
                item.kinematic = placeStationary
                break
            except ActionFailed:
                continue
    if not placeStationary:
        let_go(
            session,
            [
                i
                for i in session.world.items.values()
                if i.pickupable and i.active and not session.is_held(i)
            ],
        )
