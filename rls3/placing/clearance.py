"""Whether a box has its place in a room, and whether an eye sees it there. Pure geometry (world
frame, metres); the simulator has the last word."""

import numpy as np

from rls3.scene.geometry import boxes_overlap, offset_in_camera
from rls3.scene.records import Box, RoomSurvey, Vector3

_FRAME = 0.82  # share of the half frame in which the centres must lie
_NEAREST_DEPTH_M = 0.4
_TOUCH_M = 0.02
_OVERLAP_M = 0.005
_ARRIVED = 0.97  # share of a line of sight after which it has reached the box at its end
_COVERING = 0.8  # bounding spheres are larger than what they bound


def box_at(size: Vector3, foot: np.ndarray, yaw_deg: float) -> Box:
    """The box whose bottom rests with its middle on a point (3,)."""
    return Box((float(foot[0]), float(foot[1] + size[1] / 2), float(foot[2])), size, yaw_deg)


def foot_of(box: Box) -> Vector3:
    """The point below the centre on which the box rests."""
    return box.center[0], box.center[1] - box.size[1] / 2, box.center[2]


def _carried_by(box: Box, furniture: Box) -> bool:
    """Whether the box stands on, or on a shelf within, a piece of furniture."""
    over = all(
        abs(box.center[i] - furniture.center[i]) < furniture.size[i] / 2 + _TOUCH_M for i in (0, 2)
    )
    return over and foot_of(box)[1] <= furniture.center[1] + furniture.size[1] / 2 + _TOUCH_M


def fits(box: Box, carrier: int, survey: RoomSurvey) -> bool:
    """Inside the room and clear of furniture, the carrier (index of a surface) apart."""
    reach = np.hypot(box.size[0], box.size[2]) / 2
    if not all(
        survey.minimum[i] + reach < box.center[i] < survey.maximum[i] - reach for i in (0, 2)
    ):
        return False
    on_floor = survey.surfaces[carrier].receptacle_type == "Floor"
    return not any(
        boxes_overlap(box, piece, _OVERLAP_M) and (on_floor or not _carried_by(box, piece))
        for piece in survey.furniture
    )


def in_frame(
    points: np.ndarray,
    eye: np.ndarray,
    yaw_deg: np.ndarray,
    horizon_deg: np.ndarray,
    half_fov_rad: float,
) -> np.ndarray:
    """(N,) whether each point lies in the inner part of its (square) frame.

    Args:
        points, eye: (N, 3). yaw_deg, horizon_deg: (N,), positive horizon looks down.
    """
    in_camera = offset_in_camera(points - eye, yaw_deg)
    tilt = np.radians(horizon_deg)
    depth = in_camera[:, 2] * np.cos(tilt) - in_camera[:, 1] * np.sin(tilt)
    up = in_camera[:, 1] * np.cos(tilt) + in_camera[:, 2] * np.sin(tilt)
    limit = np.tan(half_fov_rad) * _FRAME * depth
    sideways, upwards = np.abs(in_camera[:, 0]), np.abs(up)
    return (depth > _NEAREST_DEPTH_M) & (sideways < limit) & (upwards < limit)


def in_sight(eye: np.ndarray, box: Box, survey: RoomSurvey) -> bool:
    """Whether no furniture, the carrier apart, cuts the line from the eye (3,) to the centre."""
    center = np.asarray(box.center)
    along = np.where(np.abs(center - eye) < 1e-9, 1e-9, center - eye)
    return not any(
        _cuts(eye, along, piece) for piece in survey.furniture if not _carried_by(box, piece)
    )


def _cuts(eye: np.ndarray, along: np.ndarray, piece: Box) -> bool:
    """Whether the line eye + t * along, t in 0.._ARRIVED, enters the box (slab test)."""
    low, high = (np.asarray(piece.center) + sign * np.asarray(piece.size) / 2 for sign in (-1, 1))
    first, second = (low - eye) / along, (high - eye) / along
    enter, leave = np.minimum(first, second).max(), np.maximum(first, second).min()
    return bool(enter < leave and leave > 0 and enter < _ARRIVED)


def covers(eye: np.ndarray, a: Box, b: Box) -> bool:
    """Whether two boxes come so close, as seen from the eye (3,), that one may hide the other (by
    their bounding spheres)."""
    to_a, to_b = np.asarray(a.center) - eye, np.asarray(b.center) - eye
    far_a, far_b = np.linalg.norm(to_a), np.linalg.norm(to_b)
    angle = np.arccos(np.clip(to_a @ to_b / (far_a * far_b), -1, 1))
    radius = np.linalg.norm(a.size) / 2 / far_a + np.linalg.norm(b.size) / 2 / far_b
    return bool(angle < _COVERING * radius)
