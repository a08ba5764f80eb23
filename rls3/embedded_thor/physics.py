"""Bodies that fall: a small MuJoCo model made of what stands near them, run until everything in it is at rest.

The rendered world has no contacts. When something is let go, what may touch it becomes a model of convex pieces (each
connected piece of a mesh by its hull): what is near as fixed, what is let go as free bodies with their mass.
"""

import mujoco
import numpy as np

from rls3.embedded_thor.content import Mesh
from rls3.embedded_thor.coords import matrix_to_euler, quaternion_to_mujoco, to_mujoco
from rls3.embedded_thor.world import Item, World

TIMESTEP_S = 0.004
_LONGEST_S = 4.0
_NEAR_M = 0.35  # how far from where it starts a falling body may get, beside its own size
_AT_REST = (0.02, 0.15)  # m/s, rad/s
_REST_STEPS = 25
_THINNEST_M = 0.004
_WALL_M = 0.5


def _pieces(mesh: Mesh) -> list[np.ndarray]:
    """The vertices (V, 3) of each connected part of a mesh, in its own frame."""
    _, welded = np.unique(np.round(mesh.vertices, 5), axis=0, return_inverse=True)
    label = np.arange(welded.max() + 1)
    corners = welded.reshape(-1)[mesh.faces]
    while True:  # each face's corners take the smallest label among them
        lowest = label[corners].min(axis=1)
        before = label.copy()
        for column in range(3):
            np.minimum.at(label, corners[:, column], lowest)
        if np.array_equal(before, label):
            break
    part = label[welded.reshape(-1)]
    return [mesh.vertices[part == value] for value in np.unique(part[mesh.faces])]


def _hulls(world: World, item: Item) -> tuple[np.ndarray, ...]:
    """The convex pieces of an item in its own frame, none thinner than MuJoCo can bear; kept with the world."""
    key = item.asset.name if item.asset else item.name
    if key not in world.hulls:
        pieces = []
        for mesh in item.asset.meshes if item.asset else item.placed.furniture.meshes:
            for points in _pieces(mesh):
                thin = np.ptp(points, axis=0) < _THINNEST_M
                if thin.any():
                    offset = np.where(thin, _THINNEST_M / 2, 0.0)
                    points = np.concatenate([points - offset, points + offset])
                pieces.append(np.unique(np.round(points, 5), axis=0))
        world.hulls[key] = tuple(pieces)
    return world.hulls[key]


def _add(spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, points: np.ndarray) -> None:
    made = spec.add_mesh(name=name)
    made.uservert = to_mujoco(points).ravel()
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name, friction=(0.9, 0.02, 0.004), condim=6, priority=0)


def settle(world: World, fallers: list[Item]) -> None:
    """Let items fall from where they are; their poses become those in which they come to rest. What still moves after
    four seconds is left there and marked so."""
    spec = mujoco.MjSpec()
    spec.option.timestep, spec.option.integrator = TIMESTEP_S, mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.gravity = (0, 0, -9.81)
    spec.option.o_solref[:] = (0.01, 1.0)
    _add_room(spec, world)
    names = {item.name for item in fallers}
    low = np.min([item.corners.min(axis=0) for item in fallers], axis=0) - _NEAR_M
    high = np.max([item.corners.max(axis=0) for item in fallers], axis=0) + _NEAR_M
    for item in world.items.values():
        if not item.active or item.name in names:
            continue
        corners = item.corners
        if np.any(corners.min(axis=0)[[0, 2]] > high[[0, 2]]) or np.any(corners.max(axis=0)[[0, 2]] < low[[0, 2]]):
            continue
        for i, points in enumerate(_hulls(world, item)):
            _add(spec, spec.worldbody, f"{item.name}/{i}", item.position + points @ item.matrix.T)
    for item in fallers:
        body = spec.worldbody.add_body(
            name=item.name, pos=to_mujoco(item.position), quat=quaternion_to_mujoco(item.matrix)
        )
        body.add_freejoint()
        for i, points in enumerate(_hulls(world, item)):
            _add(spec, body, f"{item.name}/{i}", points)
    model = spec.compile()
    for item in fallers:  # mass as AI2-THOR tells it, spread evenly over the hulls
        body = model.body(item.name).id
        factor = item.asset.mass_kg / model.body_mass[body]
        model.body_mass[body] *= factor
        model.body_inertia[body] *= factor
    data = mujoco.MjData(model)
    mujoco.mj_setConst(model, data)
    quiet = 0
    for _ in range(int(_LONGEST_S / TIMESTEP_S)):
        mujoco.mj_step(model, data)
        speed = data.qvel.reshape(-1, 6)
        restless = np.linalg.norm(speed[:, :3], axis=1) > _AT_REST[0]
        restless |= np.linalg.norm(speed[:, 3:], axis=1) > _AT_REST[1]
        quiet = 0 if restless.any() else quiet + 1
        if quiet == _REST_STEPS:
            break
    for item, moves in zip(fallers, restless):
        body = model.body(item.name).id
        turned = data.xmat[body].reshape(3, 3)[np.ix_([0, 2, 1], [0, 2, 1])]
        world.set_pose(item, to_mujoco(data.xpos[body]), matrix_to_euler(turned))
        item.moving = bool(moves)
    world.sync()


def _add_room(spec: mujoco.MjSpec, world: World) -> None:
    """The floor, and walls around the room's box (a house has its own walls inside)."""
    room = world.room
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=(0, 0, 1), friction=(0.9, 0.02, 0.004), condim=6)
    low, high = np.array(room.minimum), np.array(room.maximum)
    center, half = (low + high) / 2, (high - low) / 2
    for axis in (0, 2):
        for sign in (-1, 1):
            middle, size = center.copy(), half + _WALL_M
            middle[axis] += sign * (half[axis] + _WALL_M / 2)
            size[axis] = _WALL_M / 2
            spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, pos=to_mujoco(middle), size=to_mujoco(size))
