"""What is `visible` in AI2-THOR's sense: near enough, in the picture, and some of it not hidden."""

import math

import mujoco
import numpy as np

from embedded_thor.coords import to_mujoco
from embedded_thor.item import Item
from embedded_thor.model import PARTS_GROUP, VISIBLE_GROUP
from embedded_thor.render import View
from embedded_thor.world import World

_RAY_GROUPS = np.array([group in (VISIBLE_GROUP, PARTS_GROUP) for group in range(6)], np.uint8)
_NEAREST_M = 0.05


def visible(
    world: World,
    view: View,
    size_px: tuple[int, int],
    reach_m: float,
    items: list[Item],
    points: np.ndarray,
) -> set[str]:
    """Names of the items of which a ray from the eye meets a point. The floor is never visible.

    Args:
        size_px: width and height of the picture. reach_m: farthest horizontal distance.
        points: (items, 9, 3) their `seen_points`, world, metres.
    """
    inside = _in_picture(view, size_px, reach_m, points)
    seen = set()
    for row in np.flatnonzero(inside.any(axis=1)):
        item = items[row]
        if item.type != "Floor" and any(
            _ray_hits(world, item, view.position, point) for point in points[row, inside[row]]
        ):
            seen.add(item.name)
    return seen


def _in_picture(
    view: View, size_px: tuple[int, int], reach_m: float, points: np.ndarray
) -> np.ndarray:
    """(items, 9) bool: which points are near enough and in the picture."""
    yaw = math.radians(view.yaw_deg)
    right = (math.cos(yaw), 0.0, -math.sin(yaw))
    offsets = points - view.position
    axes = np.array([right, *view.axes[::-1]])
    beside, above, along = (offsets.reshape(-1, 3) @ axes.T).T.reshape(3, -1, 9)
    half = along * math.tan(math.radians(view.fov_deg) / 2)
    return (
        (np.hypot(offsets[..., 0], offsets[..., 2]) < reach_m)
        & (along > _NEAREST_M)
        & (np.abs(above) < half)
        & (np.abs(beside) < half * size_px[0] / size_px[1])
    )


def _ray_hits(world: World, item: Item, eye: np.ndarray, point: np.ndarray) -> bool:
    """Whether what a ray meets first is the item."""
    hit = np.array([-1], np.int32)
    distance = mujoco.mj_ray(
        world.model,
        world.data,
        to_mujoco(eye),
        to_mujoco(point - eye),
        _RAY_GROUPS,
        1,
        -1,
        hit,
        None,
    )
    return distance >= 0 and world.item_of_geom[int(hit[0])] is item
