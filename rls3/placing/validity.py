"""What makes a scene valid: feasible (paper: placed without collision, inside the room, in view)
and unambiguous."""

from collections.abc import Sequence

import numpy as np

from rls3.language.caption import object_name
from rls3.language.relation import margins_deg
from rls3.params import SamplingParams
from rls3.scene.geometry import boxes_overlap, offset_in_camera, project
from rls3.scene.records import Box, RoomSurvey, Scene

_SUPPORT_M = 0.03
_SUPPORT_REACH_M = 0.15
_PENETRATION_M = 0.01
_NEAREST_DEPTH_M = 0.3
_BORDER = 0.03  # share of the image's side that the centres keep off its border
_TOO_FAR_M = 0.05  # what a measured distance may exceed the wanted one by


def problems(scene: Scene, survey: RoomSurvey, params: SamplingParams) -> tuple[str, ...]:
    """Why a measured scene is not valid, as short words; empty if it is.

    By convention object 0 is the subject and 1 the reference.
    """
    boxes = [item.box for item in scene.objects]
    wrong = {
        "indistinct": _indistinct(scene),
        "collision": any(
            boxes_overlap(a, b, _PENETRATION_M) for i, a in enumerate(boxes) for b in boxes[:i]
        ),
        "outside": _outside(boxes, survey),
        "unsupported": not all(_supported(box, survey) for box in boxes),
        "out of view": _out_of_view(scene),
        "too far": _too_far(scene, params.max_distance_m),
        "ambiguous": _ambiguous(scene, params.min_margin_deg),
        "hidden": _hidden(scene, params.min_visible_px),
    }
    return tuple(reason for reason, holds in wrong.items() if holds)


def _pair(scene: Scene) -> np.ndarray:
    """(2, 3) centres of subject and reference, world, metres."""
    return np.array([item.box.center for item in scene.objects[:2]])


def _indistinct(scene: Scene) -> bool:
    names = [object_name(item.kind) for item in scene.objects]
    return len(set(names)) < len(names)


def _outside(boxes: Sequence[Box], survey: RoomSurvey) -> bool:
    centers = np.array([box.center for box in boxes])
    low, high = np.array(survey.minimum) - _PENETRATION_M, np.array(survey.maximum) + _PENETRATION_M
    return bool(np.any(centers < low) or np.any(centers > high))


def _supported(box: Box, survey: RoomSurvey) -> bool:
    """Whether there is a surface's point close below the foot."""
    points = np.concatenate([surface.points for surface in survey.surfaces])
    foot = np.array(box.center) - [0, box.size[1] / 2, 0]
    near = np.hypot(*(points - foot)[:, [0, 2]].T) < _SUPPORT_REACH_M
    return bool(np.any(np.abs(points[near, 1] - foot[1]) < _SUPPORT_M))


def _out_of_view(scene: Scene) -> bool:
    pixels, depth = project(_pair(scene), scene.camera, 1, 1)
    beyond = np.any(pixels < _BORDER) or np.any(pixels > 1 - _BORDER)
    return bool(np.any(depth < _NEAREST_DEPTH_M) or beyond)


def _too_far(scene: Scene, max_distance_m: float) -> bool:
    distance = np.linalg.norm(_pair(scene) - np.array(scene.camera.position), axis=1)
    return bool(np.any(distance > max_distance_m + _TOO_FAR_M))


def _ambiguous(scene: Scene, min_margin_deg: float) -> bool:
    """Whether the relation lies too close to the border of its angular region (paper: figure
    "angle-based prompt generation")."""
    subject, reference = _pair(scene)
    offset = offset_in_camera(subject - reference, scene.camera.yaw_deg)
    return bool(margins_deg(offset[None])[0] < min_margin_deg)


def _hidden(scene: Scene, min_visible_px: int) -> bool:
    """Decided from the instance masks, hence never of a scene that is only measured."""
    if scene.image is None:
        return False
    return min(item.visible_px for item in scene.objects[:2]) < min_visible_px
