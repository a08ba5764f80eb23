"""Bodies that fall: a small MuJoCo model made of what stands near them, run until everything in it is at rest.

The rendered world has no contacts. When something is let go, what may touch it becomes a model of convex pieces (each
connected piece of a mesh by its hull): furniture as fixed, what is let go and what lies near it as free bodies with their
mass. What lay near and was not pushed keeps its pose to the last digit.
"""

import logging
from collections.abc import Sequence

import mujoco
import numpy as np

from embedded_thor.coords import matrix_to_euler, quaternion_to_mujoco, to_mujoco
from embedded_thor.item import Item
from embedded_thor.things.meshes import pieces
from embedded_thor.world import World

logger = logging.getLogger(__name__)
mujoco.set_mju_user_warning(
    logger.warning
)  # else MuJoCo writes a MUJOCO_LOG.TXT where the user stands

TIMESTEP_S = 0.004
_MEMORY_BYTES = 64 * 2**20  # for contacts; MuJoCo's own choice is too little for a heap
_LONGEST_S = 4.0
_NEAR_M = 0.35  # how far from where it starts a falling body may get, beside its own size
_TOUCHED_M = 0.10  # how far from there something may lie and be moved by it
_AT_REST = (0.02, 0.15)  # m/s, rad/s
_PUSHED = (0.005, 2.0)  # metres, degrees: from here on a bystander has moved
_REST_STEPS = 25
_THINNEST_M = 0.004
_OVERLAP_M = 0.01  # boxes of what is let go may share so much
_FOOT_SHARE = 0.05  # of an object's height
_WALL_M = 0.5


def _hulls(world: World, item: Item) -> tuple[np.ndarray, ...]:
    """The convex pieces of an item in its own frame, none thinner than MuJoCo can bear; kept with the world."""
    meshes = item.meshes
    key, slid = item.asset.name if item.asset else item.name, np.zeros(3)
    if item.apart:
        meshes, key = item.placed.furniture.carcass, f"{key}/carcass"
    elif item.opening and item.opening.inside:  # hollow
        slid = item.opening.slid(item.openness)
        gone = item.openness and not item.opening.slid(1.0).any()
        doors = () if gone else tuple(mesh for leaf in item.opening.leaves for mesh in leaf.meshes)
        meshes, key = item.opening.body + doors, f"{key}/{'open' if gone else 'shut'}"
    if key not in world.hulls:
        hulls = []
        for mesh in meshes:
            for points in (part for piece in pieces(mesh) for part in _hollowed(piece, item)):
                thin = np.ptp(points, axis=0) < _THINNEST_M
                if thin.any():
                    offset = np.where(thin, _THINNEST_M / 2, 0.0)
                    points = np.concatenate([points - offset, points + offset])
                hulls.append(np.unique(np.round(points, 5), axis=0))
        if item.asset:
            hulls.append(_foot(np.concatenate(hulls)))
        world.hulls[key] = tuple(hulls)
    return tuple(points + slid for points in world.hulls[key]) if slid.any() else world.hulls[key]


def _hollowed(points: np.ndarray, item: Item) -> list[np.ndarray]:
    """A vessel's body as its floor and its wall in sections, so that things find room in it; any other piece whole."""
    if item.asset is None or not item.asset.surfaces:
        return [points]
    surface = item.asset.surfaces[0]
    center = np.array([surface.x0 + surface.x1, surface.z0 + surface.z1]) / 2
    out = points[:, [0, 2]] - center
    if np.any(out.max(axis=0) < 0) or np.any(out.min(axis=0) > 0):
        return [points]  # a handle
    angle, far = np.degrees(np.arctan2(out[:, 1], out[:, 0])), np.hypot(*out.T)
    wall = (points[:, 1] > surface.y - 0.002) & (far > 0.6 * (surface.x1 - surface.x0) / 2)
    parts = [points[points[:, 1] <= surface.y + 0.002]]
    for middle in range(0, 360, 36):
        parts.append(points[wall & (np.abs((angle - middle + 180) % 360 - 180) <= 24)])
    return [part for part in parts if len(np.unique(np.round(part, 5), axis=0)) > 3]


def _foot(points: np.ndarray) -> np.ndarray:
    """What an object stands on: its lowest twentieth, flat below. A ball or a bear on two round legs would else topple at
    a touch; AI2-THOR's colliders are flat below, too."""
    low = points[:, 1].min()
    height = max(_FOOT_SHARE * float(np.ptp(points[:, 1])), _THINNEST_M)
    near = points[points[:, 1] <= low + height] * np.array([1.0, 0.0, 1.0])
    return np.concatenate([near + np.array([0.0, y, 0.0]) for y in (low, low + height)])


def _add(spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, points: np.ndarray) -> None:
    made = spec.add_mesh(name=name)
    made.uservert = to_mujoco(points).ravel()
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=name,
        friction=(0.9, 0.02, 0.004),
        condim=6,
        priority=0,
    )


def settle(world: World, fallers: list[Item]) -> None:
    """Let items fall from where they are, and push what lies about; poses become those in which all come to rest. What
    still moves after four seconds is left there and marked so; so is everything, where it was, if MuJoCo gives up."""
    _stack(world, fallers)
    names = {item.name for item in fallers}
    others = [item for item in world.items.values() if item.active and item.name not in names]
    others = [item for item in others if not item.part_of or world.items[item.part_of].apart]
    low, high = _region(fallers, _TOUCHED_M)
    near = [
        item
        for item in others
        if item.pickupable
        and not item.kinematic
        and _meets(item, low, high)
        and item.corners[:, 1].min() < high[1]
    ]
    free = [*fallers, *near]
    low, high = _region(free, _NEAR_M)
    bystanders = {item.name for item in near}
    spec = mujoco.MjSpec()
    spec.option.timestep, spec.option.integrator = (
        TIMESTEP_S,
        mujoco.mjtIntegrator.mjINT_IMPLICITFAST,
    )
    spec.option.gravity = (0, 0, -9.81)
    spec.memory = _MEMORY_BYTES
    spec.option.o_solref[:] = (0.01, 1.0)
    _add_room(spec, world)
    for item in others:
        if item.name not in bystanders and _meets(item, low, high):
            for i, points in enumerate(_hulls(world, item)):
                _add(
                    spec, spec.worldbody, f"{item.name}/{i}", item.position + points @ item.matrix.T
                )
    for item in free:
        body = spec.worldbody.add_body(
            name=item.name, pos=to_mujoco(item.position), quat=quaternion_to_mujoco(item.matrix)
        )
        body.add_freejoint()
        for i, points in enumerate(_hulls(world, item)):
            _add(spec, body, f"{item.name}/{i}", points)
    model = spec.compile()
    for item in free:  # mass as AI2-THOR tells it, spread evenly over the hulls
        body = model.body(item.name).id
        factor = item.asset.mass_kg / model.body_mass[body]
        model.body_mass[body] *= factor
        model.body_inertia[body] *= factor
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
        if item.name in bystanders and not _pushed(item, position, matrix):
            continue
        world.set_pose(item, position, matrix_to_euler(matrix))
        item.moving = bool(moves)
    world.sync()


def _region(items: list[Item], margin: float) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner of what is within a margin (metres) of items."""
    corners = np.concatenate([item.corners for item in items])
    return corners.min(axis=0) - margin, corners.max(axis=0) + margin


def _meets(item: Item, low: np.ndarray, high: np.ndarray) -> bool:
    """Whether an item stands in a region, seen from above."""
    lowest, highest = item.corners.min(axis=0)[[0, 2]], item.corners.max(axis=0)[[0, 2]]
    return bool(np.all(lowest <= high[[0, 2]]) and np.all(highest >= low[[0, 2]]))


def _stack(world: World, fallers: Sequence[Item]) -> None:
    """Lift what shares its place with others that are let go above them: bodies that start inside one another would
    be shot apart. What lies in a vessel stays there."""
    placed: list[Item] = []
    for item in sorted(fallers, key=lambda item: item.corners[:, 1].min()):
        for other in sorted(placed, key=lambda other: other.corners[:, 1].max()):
            if _shared(item, other) > min(_OVERLAP_M, 0.5 * min(item.size)) and not _may_lie_in(
                item, other
            ):
                rise = other.corners[:, 1].max() - item.corners[:, 1].min()
                world.set_pose(item, item.position + np.array([0.0, rise, 0.0]), item.rotation)
        placed.append(item)


def _shared(a: Item, b: Item) -> float:
    """How deep two boxes are in one another along that of their axes where it is least (metres; negative: apart)."""
    least = np.inf
    for axes in (np.eye(3), a.matrix.T, b.matrix.T):
        own, its = a.corners @ axes.T, b.corners @ axes.T
        shared = np.minimum(own.max(axis=0), its.max(axis=0)) - np.maximum(
            own.min(axis=0), its.min(axis=0)
        )
        least = min(least, float(shared.min()))
        if least < 0:
            break
    return least


def _may_lie_in(item: Item, other: Item) -> bool:
    hollow = other.asset.surfaces or (other.opening and other.opening.inside)
    return bool(hollow) and bool(
        np.all((np.ptp(item.corners, axis=0) < np.ptp(other.corners, axis=0))[[0, 2]])
    )


def _run(model: mujoco.MjModel, data: mujoco.MjData) -> np.ndarray | None:
    """Step until everything has been at rest for a while, or for too long; returns which bodies still move, or None if
    there is too much for MuJoCo, or it diverges."""
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
    turned = np.degrees(np.arccos(np.clip((np.trace(item.matrix.T @ matrix) - 1) / 2, -1, 1)))
    return bool(np.linalg.norm(position - item.position) > _PUSHED[0] or turned > _PUSHED[1])


def _add_room(spec: mujoco.MjSpec, world: World) -> None:
    """The floor, and walls around the room's box (a house has its own walls inside)."""
    room = world.room
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_PLANE, size=(0, 0, 1), friction=(0.9, 0.02, 0.004), condim=6
    )
    low, high = np.array(room.minimum), np.array(room.maximum)
    center, half = (low + high) / 2, (high - low) / 2
    for axis in (0, 2):
        for sign in (-1, 1):
            middle, size = center.copy(), half + _WALL_M
            middle[axis] += sign * (half[axis] + _WALL_M / 2)
            size[axis] = _WALL_M / 2
            spec.worldbody.add_geom(
                type=mujoco.mjtGeom.mjGEOM_BOX, pos=to_mujoco(middle), size=to_mujoco(size)
            )
