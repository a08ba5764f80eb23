"""Where agents go and look."""

import math

import numpy as np

from embedded_thor.actions.registry import Position, action, query
from embedded_thor.agents import BODIES
from embedded_thor.outcome import ActionFailed
from embedded_thor.records import AGENT_HEIGHT_M
from embedded_thor.session import Session


def _move(session: Session, turn_deg: float, metres: float | None, force: bool) -> None:
    """`force`: through whatever stands in the way."""
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
    way = target - session.agent.position
    for share in np.linspace(0, 1, max(2, int(abs(distance) / 0.1) + 1))[1:]:
        x, _, z = session.agent.position + share * way
        blocker = (
            None
            if force
            else session.obstacle(x, z, session.agent.body.radius_m, but=session.agent)
        )
        if blocker is not None:
            by = ", ".join(f"{step:.4f}" for step in way)
            raise ActionFailed(
                f"{blocker} is blocking Agent {session.active_agent} from moving by ({by})."
            )
    session.agent.position = target


@action
def move_ahead(
    session: Session, moveMagnitude: float | None = None, forceAction: bool = False
) -> None:
    _move(session, 0, moveMagnitude, forceAction)


@action
def move_back(
    session: Session, moveMagnitude: float | None = None, forceAction: bool = False
) -> None:
    _move(session, 180, moveMagnitude, forceAction)


@action
def move_left(
    session: Session, moveMagnitude: float | None = None, forceAction: bool = False
) -> None:
    _move(session, -90, moveMagnitude, forceAction)


@action
def move_right(
    session: Session, moveMagnitude: float | None = None, forceAction: bool = False
) -> None:
    _move(session, 90, moveMagnitude, forceAction)


def _turn(session: Session, degrees: float, share: float = 1.0) -> None:
    noise = session.noise
    if noise is not None:
        degrees += session.rng.normal(noise.turn_mean_deg, share * noise.turn_deviation_deg)
    session.agent.yaw_deg = (session.agent.yaw_deg + degrees) % 360


@action
def rotate_right(session: Session, degrees: float | None = None, forceAction: bool = False) -> None:
    _turn(session, session.rotate_deg if degrees is None else degrees)


@action
def rotate_left(session: Session, degrees: float | None = None, forceAction: bool = False) -> None:
    _turn(session, -session.rotate_deg if degrees is None else -degrees)


def _look(session: Session, degrees: float) -> None:
    horizon = session.agent.horizon_deg + round(degrees, 1)
    if horizon > 60.01:
        raise ActionFailed(
            "can't look down beyond 60 degrees below the forward horizon", "LookDownCantExceedMin"
        )
    if horizon < -30.01:  # the same code for both: so AI2-THOR has it
        raise ActionFailed(
            "can't look up beyond 30 degrees above the forward horizon", "LookDownCantExceedMin"
        )
    session.agent.horizon_deg = horizon


@action
def look_down(session: Session, degrees: float = 30.0) -> None:
    _look(session, degrees)


@action
def look_up(session: Session, degrees: float = 30.0) -> None:
    _look(session, -degrees)


@action
def crouch(session: Session) -> None:
    if not session.agent.standing:
        raise ActionFailed("already crouching")
    session.agent.standing = False


@action
def stand(session: Session) -> None:
    if session.agent.standing:
        raise ActionFailed("already standing")
    session.agent.standing = True


@action
def teleport(
    session: Session,
    x: float | None = None,
    y: float | None = None,
    z: float | None = None,
    position: Position | None = None,
    rotation: Position | None = None,
    horizon: float | None = None,
    standing: bool | None = None,
    forceAction: bool = False,
) -> None:
    agent = session.agent
    wanted = {
        axis: value for axis, value in {"x": x, "y": y, "z": z}.items() if value is not None
    } | (position or {})
    target = np.array([float(wanted.get(axis, now)) for axis, now in zip("xyz", agent.position)])
    if horizon is not None and not -30.01 <= horizon <= 60.01 and not forceAction:
        raise ActionFailed(f"horizon {horizon} must be in -30..60", "InvalidArgument")
    if not forceAction:
        if abs(target[1] - AGENT_HEIGHT_M) > 0.05:
            raise ActionFailed(
                f"target y {target[1]:g} is not on the floor (agent y is {AGENT_HEIGHT_M})"
            )
        if not session.footprint_free(target[0], target[2], agent.body.radius_m, but=session.agent):
            raise ActionFailed(
                f"target ({target[0]:g}, {target[2]:g}) is outside the room or not free"
            )
    agent.position = target
    agent.yaw_deg = agent.yaw_deg if rotation is None else float(rotation.get("y", 0.0)) % 360
    agent.horizon_deg = agent.horizon_deg if horizon is None else float(horizon)
    agent.standing = agent.standing if standing is None else standing


@action
def teleport_full(
    session: Session,
    rotation: Position,
    horizon: float,
    standing: bool | None = None,
    x: float | None = None,
    y: float | None = None,
    z: float | None = None,
    position: Position | None = None,
    forceAction: bool = False,
) -> None:
    if position is None and (x is None or y is None or z is None):
        raise ActionFailed(
            "TeleportFull is missing argument 'position' (or x, y and z)", "MissingArguments"
        )
    if standing is None and session.agent.body is BODIES["default"]:
        raise ActionFailed("TeleportFull is missing argument 'standing'", "MissingArguments")
    teleport(session, x, y, z, position, rotation, horizon, standing, forceAction)


@query
def get_reachable_positions(session: Session, gridSize: float | None = None) -> list[Position]:
    """Grid points that the agent can walk to from where it is, breadth first."""
    grid = gridSize or session.grid_m
    origin = session.agent.position
    seen, queue, found = {(0, 0)}, [(0, 0)], []
    while queue:
        i, j = queue.pop(0)
        x, z = origin[0] + i * grid, origin[2] + j * grid
        if (i, j) != (0, 0) and not session.footprint_free(
            x, z, session.agent.body.radius_m, but=session.agent
        ):
            continue
        found.append({"x": float(x), "y": float(origin[1]), "z": float(z)})
        for step in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
            if step not in seen:
                seen.add(step)
                queue.append(step)
    return found
