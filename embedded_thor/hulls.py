"""Things as convex pieces, for physics: each connected piece of a mesh by its hull. Metres."""

import numpy as np

from embedded_thor.item import Item
from embedded_thor.records import Mesh
from embedded_thor.things.meshes import pieces
from embedded_thor.world import World

_THINNEST_M = 0.004  # MuJoCo makes no hull of less
_FOOT_SHARE = 0.05  # of an object's height
_SECTION_DEG, _SECTION_HALF_DEG = 36, 24  # of a vessel's wall; sections overlap


def hulls_of(world: World, item: Item) -> tuple[np.ndarray, ...]:
    """Points (V, 3) of each piece of an item as far open as it is, in its own frame.

    They are kept with the world, for all items of one shape.
    """
    meshes, key = _solid(item)
    if key not in world.hulls:
        parts = [
            part for mesh in meshes for piece in pieces(mesh) for part in _hollowed(piece, item)
        ]
        hulls = [np.unique(np.round(_thickened(points), 5), axis=0) for points in parts]
        if item.asset:
            hulls.append(_foot(np.concatenate(hulls)))
        world.hulls[key] = tuple(hulls)
    if item.apart or not (item.opening and item.opening.inside):
        return world.hulls[key]
    slid = item.opening.slid(item.openness)
    return tuple(points + slid for points in world.hulls[key]) if slid.any() else world.hulls[key]


def _solid(item: Item) -> tuple[tuple[Mesh, ...], str]:
    """The meshes that things fall against, and a key that no other solid of the world has."""
    key = item.asset.name if item.asset else item.name
    if item.apart:
        return item.placed.furniture.carcass, f"{key}/carcass"
    if not (item.opening and item.opening.inside):
        return item.meshes, key
    # It is hollow. A door that turns stands in nobody's way once it is open; a drawer slides along.
    if item.openness and not item.opening.slid(1.0).any():
        return item.opening.body, f"{key}/open"
    doors = tuple(mesh for leaf in item.opening.leaves for mesh in leaf.meshes)
    return item.opening.body + doors, f"{key}/shut"


def _thickened(points: np.ndarray) -> np.ndarray:
    """A piece that is too thin, made thicker by a copy of its points."""
    thin = np.ptp(points, axis=0) < _THINNEST_M
    if not thin.any():
        return points
    offset = np.where(thin, _THINNEST_M / 2, 0.0)
    return np.concatenate([points - offset, points + offset])


def _hollowed(points: np.ndarray, item: Item) -> list[np.ndarray]:
    """A vessel's body as its floor and its wall in sections, so that things find room in it.

    Any other piece is left whole.
    """
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
    for middle in range(0, 360, _SECTION_DEG):
        beside = np.abs((angle - middle + 180) % 360 - 180)
        parts.append(points[wall & (beside <= _SECTION_HALF_DEG)])
    return [part for part in parts if len(np.unique(np.round(part, 5), axis=0)) > 3]


def _foot(points: np.ndarray) -> np.ndarray:
    """What an object stands on: its lowest twentieth, flat below.

    A ball or a bear on two round legs would else topple at a touch; AI2-THOR's colliders are flat
    below, too.
    """
    low = points[:, 1].min()
    height = max(_FOOT_SHARE * float(np.ptp(points[:, 1])), _THINNEST_M)
    near = points[points[:, 1] <= low + height] * np.array([1.0, 0.0, 1.0])
    return np.concatenate([near + np.array([0.0, y, 0.0]) for y in (low, low + height)])
