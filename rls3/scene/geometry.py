"""Geometry of scenes. The frames are stated here once.

World: AI2-THOR's, left-handed, +y up, metres. Yaw: degrees about +y, clockwise from above; yaw 0
looks along +z. Camera frame ("in camera"): gravity-aligned. Origin at the eye, +x to the camera's
right, +y up (world up), +z along the heading in the ground plane, away from the camera. Tilting the
camera does not change it: relations are decided here. View frame: the camera frame tilted by the
horizon angle; only projection uses it. Image: pixels, origin in the top left corner, x right, y
down.
"""

import math

import numpy as np

from rls3.scene.records import Box, Camera

_CORNER_SIGNS = np.array(
    [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float
)


def heading_axes(yaw_deg: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (right, ahead) of a heading, each (..., 3), in the ground plane of the world."""
    yaw = np.radians(np.asarray(yaw_deg, dtype=float))
    sin, cos, zero = np.sin(yaw), np.cos(yaw), np.zeros_like(yaw)
    return np.stack([cos, zero, -sin], axis=-1), np.stack([sin, zero, cos], axis=-1)


def offset_in_camera(offset: np.ndarray, yaw_deg: float | np.ndarray) -> np.ndarray:
    """World difference vectors (..., 3) in the gravity-aligned camera frame (+x right, +y up, +z
    away)."""
    offset = np.asarray(offset, dtype=float)
    right, ahead = heading_axes(yaw_deg)
    return np.stack([(offset * right).sum(-1), offset[..., 1], (offset * ahead).sum(-1)], axis=-1)


def project(
    points: np.ndarray, camera: Camera, width: int, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pinhole projection.

    Args:
        points: (N, 3) world, metres.
    Returns: pixels (N, 2), x right and y down; depth (N,) in metres along the viewing axis
    (negative behind the camera:
        those pixels mean nothing).
    """
    in_camera = offset_in_camera(
        np.asarray(points, dtype=float) - np.asarray(camera.position), camera.yaw_deg
    )
    horizon = np.radians(camera.horizon_deg)
    x = in_camera[:, 0]
    depth = in_camera[:, 2] * np.cos(horizon) - in_camera[:, 1] * np.sin(horizon)
    y_up = in_camera[:, 1] * np.cos(horizon) + in_camera[:, 2] * np.sin(horizon)
    focal_px = height / (2 * np.tan(np.radians(camera.fov_deg) / 2))
    safe = np.where(np.abs(depth) < 1e-9, 1e-9, depth)
    return np.stack(
        [width / 2 + focal_px * x / safe, height / 2 - focal_px * y_up / safe], axis=-1
    ), depth


def box_corners(box: Box) -> np.ndarray:
    """(8, 3) world corners."""
    right, ahead = heading_axes(box.yaw_deg)
    axes = np.stack([right, [0.0, 1.0, 0.0], ahead])  # (3 own axes, 3 world)
    return np.asarray(box.center) + (_CORNER_SIGNS * np.asarray(box.size) / 2) @ axes


def boxes_overlap(a: Box, b: Box, tolerance_m: float = 0.0) -> bool:
    """Whether two upright boxes intersect by more than `tolerance_m` on every separating axis."""
    vertical = abs(a.center[1] - b.center[1]) - (a.size[1] + b.size[1]) / 2
    if vertical >= -tolerance_m:
        return False
    apart = math.hypot(b.center[0] - a.center[0], b.center[2] - a.center[2])
    reach = (math.hypot(a.size[0], a.size[2]) + math.hypot(b.size[0], b.size[2])) / 2
    if apart > reach + 1.5 * max(
        0.0, -tolerance_m
    ):  # their circles are apart: some axis parts them by that
        return False
    offset = np.asarray(b.center) - np.asarray(a.center)
    a_axes, b_axes = heading_axes(a.yaw_deg), heading_axes(b.yaw_deg)
    for axis in (*a_axes, *b_axes):
        reach = sum(
            size / 2 * abs(float(np.dot(own, axis)))
            for axes, box in ((a_axes, a), (b_axes, b))
            for own, size in zip(axes, (box.size[0], box.size[2]))
        )
        if abs(float(np.dot(offset, axis))) - reach >= -tolerance_m:
            return False
    return True
