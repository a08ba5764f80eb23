"""The actions, with AI2-THOR's names, argument names, defaults and error codes.

An action is a function of the session and its arguments; its signature is the whole truth about them. `perform` refuses
an unknown action (InvalidAction), a missing argument (MissingArguments), and an unknown or ill-typed one
(InvalidArgument), as Unity does, so that code which passes here passes there.
"""

import inspect
import logging
import math
from collections.abc import Callable
from functools import cache
from typing import Any, get_args

import numpy as np

from rls3.embedded_thor.house import PROCEDURAL, BadHouse, house_room
from rls3.embedded_thor.metadata import vector
from rls3.embedded_thor.physics import settle
from rls3.embedded_thor.render import QUALITIES, View
from rls3.embedded_thor.rooms import SCENE_NAMES
from rls3.embedded_thor.session import AGENT_HEIGHT_M, BODIES, ActionFailed, Noise, Outcome, Session
from rls3.embedded_thor.world import FAR_M, NEAR_M, Item, World

# Arguments that every action of AI2-THOR takes.
_ENVELOPE = {"action", "sequenceId", "renderImage", "agentId", "sceneName"}
# Old names that the Controller sends beside the new ones.
_DEPRECATED = {"renderClassImage", "renderObjectImage", "continuous", "continuousMode"}
_LARGEST = 1e6  # of any number; nan and infinity are not below it
logger = logging.getLogger(__name__)
_ACTIONS: dict[str, Callable[..., Any]] = {}
Position = dict[str, float]


def _action(function: Callable[..., Any]) -> Callable[..., Any]:
    name = "".join(word.capitalize() for word in function.__name__.split("_"))
    _ACTIONS[name] = function
    return function


def action_names() -> tuple[str, ...]:
    return tuple(_ACTIONS)


def perform(session: Session, message: dict[str, Any]) -> None:
    """Run one action; its end is left in `session.outcome`. Never raises for what a client may send."""
    name = message.get("action")
    outcome = Outcome(action=str(name))
    try:
        _select_agent(session, message.get("agentId", 0))
        function = _ACTIONS.get(name) if isinstance(name, str) else None
        if function is None:
            raise ActionFailed(
                f"Invalid action: {name!r}. Known actions: {', '.join(sorted(_ACTIONS))}", "InvalidAction"
            )
        arguments = {key: value for key, value in message.items() if key not in _ENVELOPE | _DEPRECATED}
        if name == "Reset":
            arguments["sceneName"] = message.get("sceneName")
        outcome.value = function(session, **_checked(name, function, arguments))
    except ActionFailed as failure:
        outcome.success, outcome.message, outcome.code = False, str(failure), failure.code
    except Exception as error:  # a mistake of ours must not take the client's scene down; AI2-THOR answers so, too
        logger.exception("%s failed", name)
        outcome.success, outcome.code = False, "UnhandledException"
        outcome.message = f"{type(error).__name__}: {error}"
    session.carry()
    session.agent.outcome = outcome


def _select_agent(session: Session, number: Any) -> None:
    if not isinstance(number, int) or not 0 <= number < len(session.agents):
        raise ActionFailed(f"agentId = {number!r} is not in 0..{len(session.agents) - 1}", "InvalidArgument")
    session.active_agent = number


@cache
def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Those of an action, without the session."""
    return dict(list(inspect.signature(function).parameters.items())[1:])


def _checked(name: str, function: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    parameters = _parameters(function)
    unknown = [key for key in arguments if key not in parameters]
    if unknown:
        raise ActionFailed(
            f"{name} got invalid argument {unknown[0]!r}. Valid: {', '.join(parameters) or 'none'}", "InvalidArgument"
        )
    missing = [key for key, p in parameters.items() if p.default is p.empty and key not in arguments]
    if missing:
        raise ActionFailed(f"{name} is missing argument {missing[0]!r}", "MissingArguments")
    for key, value in arguments.items():
        wanted = parameters[key].annotation
        if value is None and parameters[key].default is not parameters[key].empty:
            continue
        if not _fits(value, wanted):
            raise ActionFailed(
                f"{name}: argument {key!r} = {value!r} is not of type {getattr(wanted, '__name__', wanted)}, or too large",
                "InvalidArgument",
            )
    return {key: value for key, value in arguments.items() if value is not None or parameters[key].default is None}


def _fits(value: Any, wanted: Any) -> bool:
    options = get_args(wanted) if not hasattr(wanted, "__origin__") else ()
    if options:
        return any(_fits(value, option) for option in options)
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31
    if wanted == Position:
        return isinstance(value, dict) and set(value) <= set("xyz") and all(_fits(v, float) for v in value.values())
    return isinstance(value, getattr(wanted, "__origin__", wanted))


def _xyz(position: Position) -> np.ndarray:
    try:
        return np.array([float(position[axis]) for axis in "xyz"])
    except KeyError as missing:
        raise ActionFailed(f"position {position} lacks {missing}", "InvalidArgument") from None


# -- starting and settings ---------------------------------------------------------------------------------------------


@_action
def reset(session: Session, sceneName: str | None = None) -> None:
    if sceneName is None:
        raise ActionFailed("Reset needs sceneName", "MissingArguments")
    session.load(sceneName)


@_action
def initialize(
    session: Session, gridSize: float = 0.25, visibilityDistance: float = 1.5, fieldOfView: float | None = None, snapToGrid: bool = True,
    renderDepthImage: bool = False, renderInstanceSegmentation: bool = False, renderSemanticSegmentation: bool = False,
    renderNormalsImage: bool = False, renderImage: bool = True, rotateStepDegrees: float = 90.0, agentMode: str = "default",
    agentCount: int = 1, makeAgentsVisible: bool = True, fastActionEmit: bool = True, visibilityScheme: str = "Distance",
    applyActionNoise: bool = True, movementGaussianMu: float = 0.001, movementGaussianSigma: float = 0.005,
    rotateGaussianMu: float = 0.0, rotateGaussianSigma: float = 0.5,
) -> dict[str, float]:  # fmt: skip
    if not 0.01 <= gridSize <= 5:
        raise ActionFailed(f"gridSize must be in 0.01..5 metres, not {gridSize}", "InvalidArgument")
    body = BODIES.get(agentMode)
    if body is None:
        raise ActionFailed(f"agentMode {agentMode!r} is not one of {', '.join(BODIES)}", "InvalidArgument")
    fieldOfView = body.fov_deg if fieldOfView is None else fieldOfView
    if not 0 < fieldOfView < 180:
        raise ActionFailed(f"fov must be in (0, 180), not {fieldOfView}", "InvalidArgument")
    if not 1 <= agentCount <= 16:
        raise ActionFailed(f"agentCount must be in 1..16, not {agentCount}", "InvalidArgument")
    if min(movementGaussianSigma, rotateGaussianSigma) < 0:
        raise ActionFailed("a Gaussian's sigma cannot be negative", "InvalidArgument")
    session.grid_m, session.visibility_m, session.fov_deg = gridSize, visibilityDistance, fieldOfView
    session.snap_to_grid, session.rotate_deg = snapToGrid, rotateStepDegrees
    noisy = agentMode == "locobot" and applyActionNoise
    session.noise = (
        Noise(movementGaussianMu, movementGaussianSigma, rotateGaussianMu, rotateGaussianSigma) if noisy else None
    )
    session.depth_on, session.ids_on = renderDepthImage, renderInstanceSegmentation
    session.classes_on, session.normals_on = renderSemanticSegmentation, renderNormalsImage
    del session.agents[1:]
    session.agents[0].body = body
    session.active_agent = 0
    session.add_agents(agentCount - 1)
    return {"cameraNearPlane": NEAR_M, "cameraFarPlane": FAR_M}


@_action
def get_scenes_in_build(session: Session) -> list[str]:
    return [*(f"{name}_physics" for name in SCENE_NAMES), PROCEDURAL]


@_action
def create_house(session: Session, house: dict[Any, Any]) -> dict[str, list[str]]:
    """Build a ProcTHOR house in the scene "Procedural" and put the agent where its metadata says. Returns
    {"unknownAssetIds": [...]}: what is left out for want of anything near it."""
    if session.scene_name != PROCEDURAL:
        raise ActionFailed(f"CreateHouse works in the scene {PROCEDURAL!r}; Reset to it first", "InvalidOperation")
    try:
        room, unknown = house_room(house)
        world = World(room)
    except (BadHouse, ValueError) as error:  # ValueError: MuJoCo cannot compile it
        raise ActionFailed(str(error), "InvalidArgument") from None
    others = len(session.agents) - 1
    session.enter(PROCEDURAL, world)
    session.add_agents(others)
    return {"unknownAssetIds": unknown}


@_action
def change_resolution(session: Session, x: int, y: int) -> None:
    if not (0 < x <= 4096 and 0 < y <= 4096):
        raise ActionFailed(f"resolution {x}x{y} is out of range 1..4096", "InvalidArgument")
    session.width, session.height = x, y


@_action
def change_quality(session: Session, quality: str) -> None:
    if quality not in QUALITIES:
        raise ActionFailed(f"quality {quality!r} is unknown. Valid: {', '.join(QUALITIES)}", "InvalidArgument")
    session.quality = QUALITIES[quality]


@_action
def set_random_seed(session: Session, seed: int) -> None:
    session.rng = np.random.default_rng(seed & 0xFFFFFFFF)


@_action
def done(session: Session) -> None: ...


_ACTIONS["Pass"] = lambda session: None


# -- the agent ---------------------------------------------------------------------------------------------------------


def _move(session: Session, turn_deg: float, metres: float | None) -> None:
    if turn_deg % 180 and not session.agent.body.sideways:
        raise ActionFailed("this agent cannot move sideways", "InvalidOperation")
    noise = session.noise
    distance = session.grid_m if metres is None else metres
    if noise is not None:  # it does not drive quite straight either
        _turn(session, 0.0, share=0.5)
        distance += session.rng.normal(noise.move_mean_m, noise.move_deviation_m)
    yaw = math.radians(session.agent.yaw_deg + turn_deg)
    target = session.agent.position + distance * np.array([math.sin(yaw), 0.0, math.cos(yaw)])
    if session.snap_to_grid and noise is None:
        target[[0, 2]] = np.round(target[[0, 2]] / session.grid_m) * session.grid_m
    for share in np.linspace(0, 1, max(2, int(abs(distance) / 0.1) + 1))[1:]:
        x, _, z = session.agent.position + share * (target - session.agent.position)
        if not session.footprint_free(x, z, session.agent.body.radius_m, but=session.agent):
            raise ActionFailed("the agent's way is blocked")
    session.agent.position = target


@_action
def move_ahead(session: Session, moveMagnitude: float | None = None, forceAction: bool = False) -> None:
    _move(session, 0, moveMagnitude)


@_action
def move_back(session: Session, moveMagnitude: float | None = None, forceAction: bool = False) -> None:
    _move(session, 180, moveMagnitude)


@_action
def move_left(session: Session, moveMagnitude: float | None = None, forceAction: bool = False) -> None:
    _move(session, -90, moveMagnitude)


@_action
def move_right(session: Session, moveMagnitude: float | None = None, forceAction: bool = False) -> None:
    _move(session, 90, moveMagnitude)


def _turn(session: Session, degrees: float, share: float = 1.0) -> None:
    noise = session.noise
    if noise is not None:
        degrees += session.rng.normal(noise.turn_mean_deg, share * noise.turn_deviation_deg)
    session.agent.yaw_deg = (session.agent.yaw_deg + degrees) % 360


@_action
def rotate_right(session: Session, degrees: float | None = None, forceAction: bool = False) -> None:
    _turn(session, session.rotate_deg if degrees is None else degrees)


@_action
def rotate_left(session: Session, degrees: float | None = None, forceAction: bool = False) -> None:
    _turn(session, -session.rotate_deg if degrees is None else -degrees)


def _look(session: Session, degrees: float) -> None:
    horizon = session.agent.horizon_deg + degrees
    if not -30.01 <= horizon <= 60.01:
        raise ActionFailed(f"can't look to horizon {horizon:g}: limits are -30 (up) and 60 (down)")
    session.agent.horizon_deg = horizon


@_action
def look_down(session: Session, degrees: float = 30.0) -> None:
    _look(session, degrees)


@_action
def look_up(session: Session, degrees: float = 30.0) -> None:
    _look(session, -degrees)


@_action
def crouch(session: Session) -> None:
    if not session.agent.standing:
        raise ActionFailed("already crouching")
    session.agent.standing = False


@_action
def stand(session: Session) -> None:
    if session.agent.standing:
        raise ActionFailed("already standing")
    session.agent.standing = True


@_action
def teleport(
    session: Session, x: float | None = None, y: float | None = None, z: float | None = None, position: Position | None = None,
    rotation: Position | None = None, horizon: float | None = None, standing: bool | None = None, forceAction: bool = False,
) -> None:  # fmt: skip
    agent = session.agent
    wanted = {axis: value for axis, value in {"x": x, "y": y, "z": z}.items() if value is not None} | (position or {})
    target = np.array([float(wanted.get(axis, now)) for axis, now in zip("xyz", agent.position)])
    if horizon is not None and not -30.01 <= horizon <= 60.01 and not forceAction:
        raise ActionFailed(f"horizon {horizon} must be in -30..60", "InvalidArgument")
    if not forceAction:
        if abs(target[1] - AGENT_HEIGHT_M) > 0.05:
            raise ActionFailed(f"target y {target[1]:g} is not on the floor (agent y is {AGENT_HEIGHT_M})")
        if not session.footprint_free(target[0], target[2], agent.body.radius_m, but=session.agent):
            raise ActionFailed(f"target ({target[0]:g}, {target[2]:g}) is outside the room or not free")
    agent.position = target
    agent.yaw_deg = agent.yaw_deg if rotation is None else float(rotation.get("y", 0.0)) % 360
    agent.horizon_deg = agent.horizon_deg if horizon is None else float(horizon)
    agent.standing = agent.standing if standing is None else standing


@_action
def teleport_full(
    session: Session, rotation: Position, horizon: float, standing: bool | None = None, x: float | None = None, y: float | None = None,
    z: float | None = None, position: Position | None = None, forceAction: bool = False,
) -> None:  # fmt: skip
    if position is None and (x is None or y is None or z is None):
        raise ActionFailed("TeleportFull is missing argument 'position' (or x, y and z)", "MissingArguments")
    if standing is None and session.agent.body is BODIES["default"]:
        raise ActionFailed("TeleportFull is missing argument 'standing'", "MissingArguments")
    teleport(session, x, y, z, position, rotation, horizon, standing, forceAction)


@_action
def get_reachable_positions(session: Session, gridSize: float | None = None) -> list[Position]:
    """Grid points that the agent can walk to from where it is, breadth first."""
    grid = gridSize or session.grid_m
    origin = session.agent.position
    seen, queue, found = {(0, 0)}, [(0, 0)], []
    while queue:
        i, j = queue.pop(0)
        x, z = origin[0] + i * grid, origin[2] + j * grid
        if (i, j) != (0, 0) and not session.footprint_free(x, z, session.agent.body.radius_m, but=session.agent):
            continue
        found.append({"x": float(x), "y": float(origin[1]), "z": float(z)})
        for step in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
            if step not in seen:
                seen.add(step)
                queue.append(step)
    return found


# -- objects -----------------------------------------------------------------------------------------------------------


@_action
def set_object_poses(session: Session, objectPoses: list[Any], placeStationary: bool = False) -> None:
    """Pickupable objects that are not listed are deactivated, as in AI2-THOR. Unknown names are skipped, then reported."""
    items, bad, listed = session.world.items, [], set()
    poses = []
    for pose in objectPoses:
        item = items.get(pose.get("objectName")) if isinstance(pose, dict) else None
        rotation = (pose.get("rotation") or {"x": 0, "y": 0, "z": 0}) if isinstance(pose, dict) else None
        if (
            item is None
            or not item.pickupable
            or not _fits(pose.get("position"), Position)
            or not _fits(rotation, Position)
        ):
            bad.append(pose.get("objectName") if isinstance(pose, dict) else pose)
            continue
        if item.name in listed:
            bad.append(f"{item.name} (copies are not supported)")
            continue
        listed.add(item.name)
        poses.append((item, _xyz(pose["position"]), tuple(float(rotation.get(axis, 0)) for axis in "xyz")))
    for item in items.values():
        if item.pickupable:
            session.world.set_active(item, item.name in listed)
    for item, position, rotation in poses:
        session.world.set_pose(item, position, rotation)
        item.kinematic = placeStationary
    session.world.sync()
    if not placeStationary:
        _let_go(session, [item for item, _, _ in poses])
    if bad:
        raise ActionFailed(f"no pickupable object of this name, or a bad pose: {', '.join(map(str, bad))}")


def _let_go(session: Session, items: list[Item]) -> None:
    """Let things fall until they rest."""
    if items:
        settle(session.world, items)


def _pickupable(session: Session, object_id: str) -> Item:
    item = session.item_by_id(object_id)
    if not item.pickupable:
        raise ActionFailed(f"{object_id} is not pickupable", "InvalidArgument")
    return item


@_action
def place_object_at_point(
    session: Session, objectId: str, position: Position, rotation: Position | None = None, forceKinematic: bool = False
) -> None:
    """Put an object's pivot at a point if its box meets nothing there; unless `forceKinematic` it falls from there."""
    item = _pickupable(session, objectId)
    _place(session, item, position, rotation)
    item.kinematic = forceKinematic
    if not forceKinematic:
        _let_go(session, [item])


def _place(session: Session, item: Item, position: Position, rotation: Position | None) -> None:
    before = (item.position, item.rotation)
    angles = item.rotation if rotation is None else tuple(float(rotation.get(axis, 0)) for axis in "xyz")
    session.world.set_pose(item, _xyz(position), angles)
    low, high = item.corners.min(axis=0) + 0.003, item.corners.max(axis=0) - 0.003
    room = session.world.room
    blocked = bool(np.any(low < np.array(room.minimum) - 0.01) or np.any(high > room.maximum))
    for other in session.world.items.values():
        if other is not item and other.active and (other.pickupable or not session.surfaces(other)):
            corners = other.corners
            blocked |= bool(np.all(low < corners.max(axis=0)) and np.all(high > corners.min(axis=0)))
    if blocked:
        session.world.set_pose(item, *before)
        session.world.sync()
        raise ActionFailed(f"{item.object_id} cannot be placed at {position}: something is in the way")
    session.world.set_active(item, True)
    session.world.sync()


@_action
def disable_object(session: Session, objectId: str) -> None:
    session.world.set_active(_pickupable(session, objectId), False)


@_action
def enable_object(session: Session, objectId: str) -> None:
    session.world.set_active(_pickupable(session, objectId), True)


@_action
def remove_from_scene(session: Session, objectId: str) -> None:
    session.world.set_active(_pickupable(session, objectId), False)


@_action
def set_object_filter(session: Session, objectIds: list[Any]) -> None:
    session.only = frozenset(map(str, objectIds))


@_action
def reset_object_filter(session: Session) -> None:
    session.only = None


@_action
def get_spawn_coordinates_above_receptacle(session: Session, objectId: str, anywhere: bool = False) -> list[Position]:
    """Points of the receptacle's surfaces, 5 cm apart on furniture and 15 cm on the floor; unless `anywhere`, only near ones."""
    item = session.item_by_id(objectId)
    points = []
    for s in session.surfaces(item):
        pitch = 0.15 if item.type == "Floor" else 0.05
        xs = np.linspace(s.x0, s.x1, max(2, int((s.x1 - s.x0) / pitch) + 1))
        zs = np.linspace(s.z0, s.z1, max(2, int((s.z1 - s.z0) / pitch) + 1))
        points += [item.position + item.matrix @ np.array([x, s.y, z]) for x in xs for z in zs]
    if item.type == "Floor":
        points = [p for p in points if session.footprint_free(p[0], p[2], 0.05)]
    if not anywhere:
        points = [p for p in points if np.linalg.norm(p - session.agent.position) < session.visibility_m]
    if not points:
        raise ActionFailed(f"{objectId} offers no place to stand something on")
    return [vector(p) for p in points]


@_action
def get_object_in_frame(session: Session, x: float, y: float, checkVisible: bool = False) -> str:
    """Id of what is drawn at (x, y), shares of width and height from the top left."""
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ActionFailed(f"x = {x}, y = {y} must be in 0..1", "InvalidArgument")
    on, session.ids_on = session.ids_on, True
    frame = session.draw(session.view())
    session.ids_on = on
    row, column = int((1 - y) * (session.height - 1)), int(x * (session.width - 1))
    item = session.world.item_of_geom[int(frame.geoms[row, column])] if frame.geoms[row, column] >= 0 else None
    if item is None:
        raise ActionFailed(f"no object is drawn at ({x}, {y})")
    return item.object_id


# -- the hand, opening, toggling -----------------------------------------------------------------------------------------


def _within_reach(session: Session, object_id: str, force: bool) -> Item:
    item = session.item_by_id(object_id)
    if not force and not session.sees(item):
        raise ActionFailed(f"{object_id} is not visible or not within reach ({session.visibility_m:g} m)")
    return item


def _in_hand(session: Session) -> Item:
    if session.agent.held is None:
        raise ActionFailed("nothing is in the agent's hand")
    return session.world.items[session.agent.held]


@_action
def pickup_object(session: Session, objectId: str, forceAction: bool = False, manualInteract: bool = False) -> None:
    if session.agent.held is not None:
        raise ActionFailed(f"the agent's hand already holds {_in_hand(session).object_id}")
    item = _pickupable(session, _within_reach(session, objectId, forceAction).object_id)
    if not item.active or session.is_held(item):
        raise ActionFailed(f"{objectId} is not there to be picked up")
    session.agent.held, item.kinematic = item.name, True


@_action
def drop_hand_object(session: Session, forceAction: bool = False) -> None:
    """It falls until it rests."""
    item = _in_hand(session)
    session.agent.held, item.kinematic = None, False
    _let_go(session, [item])


@_action
def put_object(session: Session, objectId: str, forceAction: bool = False, placeStationary: bool = True) -> None:
    """Stand what is held on a free spot of a receptacle, the nearest to the agent; unless `placeStationary` it then falls
    as it may."""
    item, receptacle = _in_hand(session), _within_reach(session, objectId, forceAction)
    spots = get_spawn_coordinates_above_receptacle(session, objectId, anywhere=True)
    here = session.agent.position
    spots.sort(key=lambda spot: (spot["x"] - here[0]) ** 2 + (spot["z"] - here[2]) ** 2)
    held, session.agent.held = session.agent.held, None
    for spot in spots:
        try:
            _place(session, item, spot, {"x": 0.0, "y": session.agent.yaw_deg, "z": 0.0})
        except ActionFailed:
            continue
        item.kinematic = placeStationary
        if not placeStationary:
            _let_go(session, [item])
        return
    session.agent.held = held
    raise ActionFailed(f"no free place for {item.object_id} was found on {receptacle.object_id}")


@_action
def open_object(session: Session, objectId: str, openness: float = 1.0, forceAction: bool = False) -> None:
    if not 0 <= openness <= 1:
        raise ActionFailed(f"openness must be in 0..1, not {openness}", "InvalidArgument")
    item = _openable(session, objectId, forceAction)
    if item.openness == openness:
        raise ActionFailed(f"{objectId} is already open by {openness:g}")
    session.world.open(item, float(openness))


@_action
def close_object(session: Session, objectId: str, forceAction: bool = False) -> None:
    item = _openable(session, objectId, forceAction)
    if not item.openness:
        raise ActionFailed(f"{objectId} is already closed")
    session.world.open(item, 0.0)


def _openable(session: Session, object_id: str, force: bool) -> Item:
    item = _within_reach(session, object_id, force)
    if item.opening is None:
        raise ActionFailed(f"{object_id} is not openable")
    return item


@_action
def toggle_object_on(session: Session, objectId: str, forceAction: bool = False) -> None:
    _toggle(session, objectId, True, forceAction)


@_action
def toggle_object_off(session: Session, objectId: str, forceAction: bool = False) -> None:
    _toggle(session, objectId, False, forceAction)


def _toggle(session: Session, object_id: str, on: bool, force: bool) -> None:
    item = _within_reach(session, object_id, force)
    if item.switch is None:
        raise ActionFailed(f"{object_id} is not toggleable")
    if item.toggled == on:
        raise ActionFailed(f"{object_id} is already {'on' if on else 'off'}")
    session.world.toggle(item, on)


@_action
def initial_random_spawn(
    session: Session, randomSeed: int = 0, forceVisible: bool = False, numPlacementAttempts: int = 5,
    placeStationary: bool = True, excludedReceptacles: list[Any] | None = None, excludedObjectIds: list[Any] | None = None,
) -> None:  # fmt: skip
    """Every pickupable object somewhere else: a random free spot on furniture; one that finds none stays.

    `numPlacementAttempts` counts for each of five receptacles, as AI2-THOR tries one receptacle after the other.
    """
    if forceVisible:
        raise ActionFailed("InitialRandomSpawn: forceVisible = True is not supported", "InvalidArgument")
    rng = np.random.default_rng(randomSeed & 0xFFFFFFFF)
    barred, kept = set(map(str, excludedReceptacles or ())), set(map(str, excludedObjectIds or ()))
    spots = []
    for piece in session.world.items.values():
        if piece.placed and piece.type not in barred and session.surfaces(piece):
            spots += get_spawn_coordinates_above_receptacle(session, piece.object_id, anywhere=True)
    if not spots:
        raise ActionFailed("excludedReceptacles leaves no receptacle in this scene")
    for item in session.world.items.values():
        if not item.pickupable or not item.active or session.is_held(item) or item.object_id in kept:
            continue
        for k in rng.integers(len(spots), size=5 * max(1, min(numPlacementAttempts, 100))):
            try:
                _place(session, item, spots[k], {"y": float(rng.integers(24) * 15)})
                item.kinematic = placeStationary
                break
            except ActionFailed:
                continue
    if not placeStationary:
        _let_go(
            session, [i for i in session.world.items.values() if i.pickupable and i.active and not session.is_held(i)]
        )


# -- cameras, light, materials -----------------------------------------------------------------------------------------


def _camera(position: Position, rotation: Position, fov: float) -> View:
    if not 0 < fov < 180:
        raise ActionFailed(f"fieldOfView must be in (0, 180), not {fov}", "InvalidArgument")
    return View(_xyz(position), float(rotation.get("y", 0)), float(rotation.get("x", 0)), fov)


@_action
def add_third_party_camera(session: Session, position: Position, rotation: Position, fieldOfView: float = 90.0) -> None:
    session.cameras.append(_camera(position, rotation, fieldOfView))


@_action
def update_third_party_camera(
    session: Session,
    thirdPartyCameraId: int = 0,
    position: Position | None = None,
    rotation: Position | None = None,
    fieldOfView: float | None = None,
) -> None:
    if not 0 <= thirdPartyCameraId < len(session.cameras):
        raise ActionFailed(f"there is no third-party camera {thirdPartyCameraId}", "InvalidArgument")
    old = session.cameras[thirdPartyCameraId]
    session.cameras[thirdPartyCameraId] = _camera(
        position or vector(old.position), rotation or {"x": old.pitch_deg, "y": old.yaw_deg}, fieldOfView or old.fov_deg
    )


@_action
def randomize_lighting(
    session: Session, brightness: list[Any] | None = None, randomizeColor: bool = True, hue: list[Any] | None = None,
    saturation: list[Any] | None = None, synchronized: bool = False,
) -> None:  # fmt: skip
    low, high = brightness or (0.5, 1.5)
    session.world.randomize_lighting(session.rng, (float(low), float(high)), randomizeColor)
    session.world.sync()


@_action
def randomize_materials(
    session: Session,
    useTrainMaterials: bool | None = None,
    useValMaterials: bool | None = None,
    useTestMaterials: bool | None = None,
    inRoomTypes: list[Any] | None = None,
) -> None:
    session.world.randomize_materials(session.rng)


@_action
def reset_materials(session: Session) -> None:
    session.world.reset_materials()
