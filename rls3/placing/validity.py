"""What makes a scene valid: feasible (paper: placed without collision, inside the room, in view) and unambiguous."""

import numpy as np

from rls3.language.caption import object_name
from rls3.language.relation import margins_deg
from rls3.params import SamplingParams
from rls3.scene.geometry import boxes_overlap, offset_in_camera, project
from rls3.scene.records import RoomSurvey, Scene

_SUPPORT_M = 0.03
_SUPPORT_REACH_M = 0.15
_PENETRATION_M = 0.01


def problems(scene: Scene, survey: RoomSurvey, params: SamplingParams) -> tuple[str, ...]:
    """Why a measured scene is not valid, as short words; empty if it is. Object 0 is the subject, 1 the reference."""
    found = []
    boxes = [item.box for item in scene.objects]
    names = [object_name(item.kind) for item in scene.objects]
    if len(set(names)) < len(names):
        found.append("indistinct")
    if any(boxes_overlap(a, b, _PENETRATION_M) for i, a in enumerate(boxes) for b in boxes[:i]):
        found.append("collision")
    low, high = np.array(survey.minimum) - _PENETRATION_M, np.array(survey.maximum) + _PENETRATION_M
    if any(
        np.any(np.array(box.center) < low) or np.any(np.array(box.center) > high) for box in boxes
    ):
        found.append("outside")
    points = np.concatenate([surface.points for surface in survey.surfaces])
    for box in boxes:
        foot = np.array(box.center) - [0, box.size[1] / 2, 0]
        near = np.hypot(*(points - foot)[:, [0, 2]].T) < _SUPPORT_REACH_M
        if not np.any(np.abs(points[near, 1] - foot[1]) < _SUPPORT_M):
            found.append("unsupported")
            break
    pair = np.array([boxes[0].center, boxes[1].center])
    pixels, depth = project(pair, scene.camera, 1, 1)
    if np.any(depth < 0.3) or np.any(pixels < 0.03) or np.any(pixels > 0.97):
        found.append("out of view")
    if np.any(
        np.linalg.norm(pair - np.array(scene.camera.position), axis=1)
        > params.max_distance_m + 0.05
    ):
        found.append("too far")
    if (
        margins_deg(offset_in_camera(pair[:1] - pair[1:], scene.camera.yaw_deg))[0]
        < params.min_margin_deg
    ):
        found.append("ambiguous")
    if (
        scene.image is not None
        and min(item.visible_px for item in scene.objects[:2]) < params.min_visible_px
    ):
        found.append("hidden")
    return tuple(found)
