"""Bodies that fall: a small MuJoCo model of what stands near them, run until all in it rests.

The rendered world has no contacts. When something is let go, what may touch it becomes a model of
convex pieces (`hulls.py`): furniture as fixed, what is let go and what lies near it as free bodies
with their mass. What lay near and was not pushed keeps its pose to the last digit.
"""

import logging

import mujoco
import numpy as np

from embedded_thor.coords import matrix_to_euler, quaternion_to_mujoco, to_mujoco
from embedded_thor.hulls import hulls_of
from embedded_thor.item import Item
from embedded_thor.world import World

logger = logging.getLogger(__name__)
# else MuJoCo writes a MUJOCO_LOG.TXT where the user stands
mujoco.set_mju_user_warning(logger.warning)

TIMESTEP_S = 0.004
_MEMORY_BYTES = 64 * 2**20  # for contacts; MuJoCo's own choice is too little for a heap
_LONGEST_S = 4.0
_NEAR_M = 0.35  # how far from where it starts a falling body may get, beside its own size
_TOUCHED_M = 0.10  # how far from there something may lie and be moved by it
_AT_REST = (0.02, 0.15)  # m/s, rad/s
_PUSHED = (0.005, 2.0)  # metres, degrees: from here on a bystander has moved
_REST_STEPS = 25
_OVERLAP_M = 0.01  # boxes of what is let go may share so much
_WALL_M = 0.5
_FRICTION, _CONTACT_DIMENSIONS = (0.9, 0.02, 0.004), 6  # sliding, torsional, rolling


def settle(world: World, fallers: list[Item]) -> None:
    """Let items fall from where they are, and push what lies about, until all comes to rest.

    What still moves after four seconds is left there and marked so; so is everything, where it was,
    if MuJoCo gives up.
    """
    _stack(world, fallers)
    names = {item.name for item in fallers}
    others = [item for item in world.items.values() if _is_there(world, item, names)]
    bystanders = _bystanders(fallers, others)
    free = [*fallers, *bystanders]
    model = _model(world, [item for item in others if item not in bystanders], free)
    data = mujoco.MjData(model)
    mujoco.mj_setConst(model, data)
    restless = _run(model, data)
    if restless is None:
        for item in fallers:
            item.moving = True
        world.sync()
        return
    for item, moves in zip(free, restless):
        body = model.body(item.name).id
        position = to_mujoco(data.xpos[body])
        matrix = data.xmat[body].reshape(3, 3)[np.ix_([0, 2, 1], [0, 2, 1])]
        if item.name not in names and not _pushed(item, position, matrix):
            continue
        world.set_pose(item, position, matrix_to_euler(matrix))
        item.moving = bool(moves)
    world.sync()


def _is_there(world: World, item: Item, fallers: set[str]) -> bool:
    """Whether it may be fallen upon: a part of a piece that is drawn as one is in that."""
    in_piece = item.part_of and not world.items[item.part_of].apart
    return item.active and item.name not in fallers and not in_piece


def _bystanders(fallers: list[Item], others: list[Item]) -> list[Item]:
    """What lies near what is let go, not above it, and is not fixed."""
    low, high = _region(fallers, _TOUCHED_M)
    return [
        item
        for item in others
        if item.pickupable
        and not item.kinematic
        and _meets(item, low, high)
        and item.corners[:, 1].min() < high[1]
    ]


def _model(world: World, fixed: list[Item], free: list[Item]) -> mujoco.MjModel:
    """The room, what is fixed near what is free, and that."""
    spec = mujoco.MjSpec()
    spec.option.timestep = TIMESTEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.gravity = (0, 0, -9.81)
    spec.option.o_solref[:] = (0.01, 1.0)
    spec.memory = _MEMORY_BYTES
    _add_room(spec, world)
    low, high = _region(free, _NEAR_M)
    for item in fixed:
        if _meets(item, low, high):
            for i, points in enumerate(hulls_of(world, item)):
                there = item.position + points @ item.matrix.T
                _add_hull(spec, spec.worldbody, f"{item.name}/{i}", there)
    for item in free:
        body = spec.worldbody.add_body(
            name=item.name, pos=to_mujoco(item.position), quat=quaternion_to_mujoco(item.matrix)
        )
        body.add_freejoint()
        for i, points in enumerate(hulls_of(world, item)):
            _add_hull(spec, body, f"{item.name}/{i}", points)
    model = spec.compile()
    for item in free:  # mass as AI2-THOR tells it, spread evenly over the hulls
        body = model.body(item.name).id
        factor = item.asset.mass_kg / model.body_mass[body]
        model.body_mass[body] *= factor
        model.body_inertia[body] *= factor
    return model


def _add_hull(spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, points: np.ndarray) -> None:
    """points: (V, 3) of THOR's frame."""
    made = spec.add_mesh(name=name)
    made.uservert = to_mujoco(points).ravel()
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=name,
        friction=_FRICTION,
        condim=_CONTACT_DIMENSIONS,
        priority=0,
    )


def _add_room(spec: mujoco.MjSpec, world: World) -> None:
    """The floor, and walls around the room's box (a house has its own walls inside)."""
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=(0, 0, 1),
        friction=_FRICTION,
        condim=_CONTACT_DIMENSIONS,
    )
    low, high = np.array(world.room.minimum), np.array(world.room.maximum)
    center, half = (low + high) / 2, (high - low) / 2
    for axis in (0, 2):
        for sign in (-1, 1):
            middle, size = center.copy(), half + _WALL_M
            middle[axis] += sign * (half[axis] + _WALL_M / 2)
            size[axis] = _WALL_M / 2
            spec.worldbody.add_geom(
                type=mujoco.mjtGeom.mjGEOM_BOX, pos=to_mujoco(middle), size=to_mujoco(size)
            )


def _region(items: list[Item], margin: float) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner of what is within a margin (metres) of items."""
    corners = np.concatenate([item.corners for item in items])
    return corners.min(axis=0) - margin, corners.max(axis=0) + margin


def _meets(item: Item, low: np.ndarray, high: np.ndarray) -> bool:
    """Whether an item stands in a region, seen from above."""
    lowest, highest = item.corners.min(axis=0)[[0, 2]], item.corners.max(axis=0)[[0, 2]]
    return bool(np.all(lowest <= high[[0, 2]]) and np.all(highest >= low[[0, 2]]))


def _stack(world: World, fallers: list[Item]) -> None:
    """Lift what shares its place with others that are let go above them.

    Bodies that start inside one another would be shot apart. What lies in a vessel stays there.
    """
    placed: list[Item] = []
    for item in sorted(fallers, key=lambda item: item.corners[:, 1].min()):
        for other in sorted(placed, key=lambda other: other.corners[:, 1].max()):
            most = min(_OVERLAP_M, 0.5 * min(item.size))
            if _shared(item, other) > most and not _may_lie_in(item, other):
                rise = other.corners[:, 1].max() - item.corners[:, 1].min()
                world.set_pose(item, item.position + np.array([0.0, rise, 0.0]), item.rotation)
        placed.append(item)


def _shared(a: Item, b: Item) -> float:
    """How deep two boxes are in one another, along that of their axes where it is least.

    Returns: metres; negative if they are apart.
    """
    least = np.inf
    for axes in (np.eye(3), a.matrix.T, b.matrix.T):
        own, its = a.corners @ axes.T, b.corners @ axes.T
        upper = np.minimum(own.max(axis=0), its.max(axis=0))
        lower = np.maximum(own.min(axis=0), its.min(axis=0))
        least = min(least, float((upper - lower).min()))
        if least < 0:
            break
    return least


def _may_lie_in(item: Item, other: Item) -> bool:
    hollow = other.asset.surfaces or (other.opening and other.opening.inside)
    narrower = np.ptp(item.corners, axis=0) < np.ptp(other.corners, axis=0)
    return bool(hollow) and bool(np.all(narrower[[0, 2]]))


def _run(model: mujoco.MjModel, data: mujoco.MjData) -> np.ndarray | None:
    """Step until everything has been at rest for a while, or for too long.

    Returns: (bodies,) bool, which still move; None if there is too much for MuJoCo, or it diverges.
    """
    quiet = 0
    for _ in range(int(_LONGEST_S / TIMESTEP_S)):
        try:
            mujoco.mj_step(model, data)
        except mujoco.FatalError as error:
            logger.warning("%s", error)
            return None
        if any(warning.number for warning in data.warning):
            return None
        speed = data.qvel.reshape(-1, 6)
        restless = np.linalg.norm(speed[:, :3], axis=1) > _AT_REST[0]
        restless |= np.linalg.norm(speed[:, 3:], axis=1) > _AT_REST[1]
        quiet = 0 if restless.any() else quiet + 1
        if quiet == _REST_STEPS:
            break
    return restless


def _pushed(item: Item, position: np.ndarray, matrix: np.ndarray) -> bool:
    """Whether a pose differs from that of the item by more than rounding."""
    turned = np.degrees(np.arccos(np.clip((np.trace(item.matrix.T @ matrix) - 1) / 2, -1, 1)))
    return bool(np.linalg.norm(position - item.position) > _PUSHED[0] or turned > _PUSHED[1])
