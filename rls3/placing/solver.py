"""The placement solver: from what shall be shown (`Goal`) to poses that show it (`SceneSpec`).

Rejection sampling, vectorised: standpoints x reference points x subject points are drawn from the room's survey, and
those stay whose relation, distances and view are as wanted. Pure geometry; the simulator measures the result later.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rls3.language.relation import cells_of, margins_deg
from rls3.params import SamplingParams
from rls3.scene.geometry import boxes_overlap, offset_in_camera
from rls3.scene.records import Box, Kind, Placement, RoomSurvey, SceneSpec, Vector3, Viewpoint

ANY_CELL = 26
"""The goal that asks for no particular relation: what comes when objects are dropped at random."""
DISTANCE_BINS = 3
VIEW_BINS = 2
NEAREST_M = 0.75
_SPREAD_M = 1.3  # farthest that subject and reference lie apart
_VIEWS, _SUBJECTS, _ATTEMPTS, _CHECKED = 48, 320, 4, 12
_FRAME = 0.82  # share of the half frame in which the centres must lie
_MARGIN_EXTRA_DEG = 1.0


@dataclass(frozen=True)
class Goal:
    """What a scene shall show.

    Attributes:
        cell: index into `CELLS`, or ANY_CELL.
        view: 0 standing, 1 crouched. distance: 0 near .. DISTANCE_BINS - 1 far (eye to reference).
    """

    subject: Kind
    reference: Kind
    cell: int
    view: int
    distance: int


@dataclass(frozen=True)
class Spots:
    """Where objects can stand in a room. points (M, 3), clearance (M,) metres above, carrier (M,) index of the surface."""

    points: np.ndarray
    clearance: np.ndarray
    carrier: np.ndarray


def spots_of(survey: RoomSurvey) -> Spots:
    """All surfaces' points, with the free height up to the next surface above them."""
    points = np.concatenate([s.points for s in survey.surfaces])
    carrier = np.repeat(np.arange(len(survey.surfaces)), [len(s.points) for s in survey.surfaces])
    clearance = np.full(len(points), survey.maximum[1])
    for surface in survey.surfaces:
        for level in np.unique(np.round(surface.points[:, 1], 3)):
            shelf = surface.points[np.abs(surface.points[:, 1] - level) < 1e-3]
            low, high = shelf[:, [0, 2]].min(axis=0) - 0.1, shelf[:, [0, 2]].max(axis=0) + 0.1
            below = (points[:, 1] < level - 0.05) & np.all(
                (points[:, [0, 2]] > low) & (points[:, [0, 2]] < high), axis=1
            )
            clearance[below] = np.minimum(clearance[below], level - points[below, 1] - 0.05)
    return Spots(points, clearance, carrier)


def solve(
    goal: Goal,
    survey: RoomSurvey,
    spots: Spots,
    rng: np.random.Generator,
    params: SamplingParams,
    company: Sequence[Kind] = (),
) -> SceneSpec | None:
    """A scene that shows the goal, or None if none was found.

    Args:
        company: kinds of the further objects, placed anywhere in view.
    """
    sizes = survey.kinds
    if goal.subject not in sizes or goal.reference not in sizes or goal.subject == goal.reference:
        return None
    for _ in range(_ATTEMPTS):
        found = _candidates(goal, survey, spots, rng, params)
        for view, reference_at, subject_at in found[:_CHECKED]:
            placed = [(goal.subject, spots, subject_at), (goal.reference, spots, reference_at)]
            boxes = [
                _box_at(sizes[kind], spots.points[at], float(rng.uniform(0, 360)))
                for kind, _, at in placed
            ]
            eye = np.array([view.x, survey.eye_heights[0 if view.standing else 1], view.z])
            if not all(
                _fits(box, int(spots.carrier[at]), survey) for box, (_, _, at) in zip(boxes, placed)
            ):
                continue
            if boxes_overlap(boxes[0], boxes[1], -0.01) or not all(
                _in_sight(eye, box, int(spots.carrier[at]), survey)
                for box, (_, _, at) in zip(boxes, placed)
            ):
                continue
            kinds = [goal.subject, goal.reference]
            for kind in company:
                extra = _company_box(kind, kinds, boxes, view, eye, survey, spots, rng, params)
                if extra is not None:
                    kinds.append(kind)
                    boxes.append(extra)
            placements = tuple(
                Placement(kind, _foot(box), box.yaw_deg) for kind, box in zip(kinds, boxes)
            )
            return SceneSpec(survey.floor_plan, placements, view)
    return None


def _candidates(
    goal: Goal, survey: RoomSurvey, spots: Spots, rng: np.random.Generator, params: SamplingParams
) -> list[tuple[Viewpoint, int, int]]:
    """(viewpoint, reference spot, subject spot) in random order, relation and view already right."""
    subject_height, reference_height = (
        survey.kinds[goal.subject][1],
        survey.kinds[goal.reference][1],
    )
    standing = goal.view == 0
    eye_y = survey.eye_heights[0 if standing else 1]
    fits_reference = np.flatnonzero(spots.clearance > reference_height)
    fits_subject = np.flatnonzero(spots.clearance > subject_height)
    if not len(fits_reference) or not len(fits_subject) or not len(survey.standpoints):
        return []
    # Surfaces, not points, are drawn evenly: else the floor takes all.
    reference_at = _even_over_surfaces(fits_reference, spots, _VIEWS, rng)
    reference = spots.points[reference_at] + [0, reference_height / 2, 0]
    step = (params.max_distance_m - NEAREST_M) / DISTANCE_BINS
    nearest = NEAREST_M + step * goal.distance
    stand_at = _standpoint_for(reference, eye_y, nearest, nearest + step, survey.standpoints, rng)
    ok = stand_at >= 0
    if not ok.any():
        return []
    reference_at, reference, stand = (
        reference_at[ok],
        reference[ok],
        survey.standpoints[stand_at[ok]],
    )
    eye = np.stack([stand[:, 0], np.full(len(stand), eye_y), stand[:, 1]], axis=1)
    toward = reference - eye
    half_v = np.radians(params.fov_deg) / 2
    yaw = (
        np.degrees(np.arctan2(toward[:, 0], toward[:, 2]))
        + rng.uniform(-0.5, 0.5, len(eye)) * params.fov_deg * 0.7
    )
    horizon = -np.degrees(np.arctan2(toward[:, 1], np.hypot(toward[:, 0], toward[:, 2])))
    horizon = np.clip(horizon + rng.uniform(-0.5, 0.5, len(eye)) * params.fov_deg * 0.5, -30, 60)

    subject_at = _even_over_surfaces(fits_subject, spots, _SUBJECTS, rng)
    subject = spots.points[subject_at] + [0, subject_height / 2, 0]
    offset = subject[None] - reference[:, None]  # (views, subjects, 3)
    apart = np.linalg.norm(offset, axis=-1)
    in_camera = offset_in_camera(offset, yaw[:, None])
    good = (
        (apart > 0.08)
        & (apart < _SPREAD_M)
        & (margins_deg(in_camera) > params.min_margin_deg + _MARGIN_EXTRA_DEG)
    )
    if goal.cell != ANY_CELL:
        good &= cells_of(in_camera) == goal.cell
    good &= _in_frame(reference, eye, yaw, horizon, half_v)[:, None]
    good &= np.linalg.norm(subject[None] - eye[:, None], axis=-1) < params.max_distance_m
    rows, columns = np.nonzero(good)
    if len(rows):
        seen = _in_frame(subject[columns], eye[rows], yaw[rows], horizon[rows], half_v)
        rows, columns = rows[seen], columns[seen]
    order = rng.permutation(len(rows))[:_CHECKED]
    return [
        (
            Viewpoint(
                float(eye[i, 0]),
                float(eye[i, 2]),
                float(yaw[i] % 360),
                float(horizon[i]),
                standing,
                params.fov_deg,
            ),
            int(reference_at[i]),
            int(subject_at[j]),
        )
        for i, j in zip(rows[order], columns[order])
    ]


def _even_over_surfaces(
    eligible: np.ndarray, spots: Spots, n: int, rng: np.random.Generator
) -> np.ndarray:
    counts = np.bincount(spots.carrier[eligible], minlength=int(spots.carrier.max()) + 1)
    weight = 1 / np.sqrt(counts[spots.carrier[eligible]])
    return rng.choice(eligible, n, p=weight / weight.sum())


def _standpoint_for(
    target: np.ndarray,
    eye_y: float,
    nearest: float,
    farthest: float,
    standpoints: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """(N,) index of a random standpoint whose eye is between the two distances from each target; -1 if there is none."""
    offset = target[:, None, [0, 2]] - standpoints[None]
    distance = np.sqrt((offset**2).sum(-1) + (target[:, None, 1] - eye_y) ** 2)
    lottery = np.where(
        (distance >= nearest) & (distance <= farthest), rng.random(distance.shape), -1.0
    )
    best = lottery.argmax(axis=1)
    return np.where(lottery[np.arange(len(target)), best] >= 0, best, -1)


def _in_frame(
    points: np.ndarray, eye: np.ndarray, yaw: np.ndarray, horizon: np.ndarray, half_fov: float
) -> np.ndarray:
    """Whether each point lies in the inner part of its (square) frame."""
    in_camera = offset_in_camera(points - eye, yaw)
    tilt = np.radians(horizon)
    depth = in_camera[:, 2] * np.cos(tilt) - in_camera[:, 1] * np.sin(tilt)
    up = in_camera[:, 1] * np.cos(tilt) + in_camera[:, 2] * np.sin(tilt)
    limit = np.tan(half_fov) * _FRAME * depth
    return (depth > 0.4) & (np.abs(in_camera[:, 0]) < limit) & (np.abs(up) < limit)


def _box_at(size: Vector3, foot: np.ndarray, yaw_deg: float) -> Box:
    return Box((float(foot[0]), float(foot[1] + size[1] / 2), float(foot[2])), size, yaw_deg)


def _foot(box: Box) -> Vector3:
    return box.center[0], box.center[1] - box.size[1] / 2, box.center[2]


def _carried_by(box: Box, furniture: Box) -> bool:
    """Whether the box stands on, or on a shelf within, a piece of furniture."""
    return all(
        abs(box.center[i] - furniture.center[i]) < furniture.size[i] / 2 + 0.02 for i in (0, 2)
    ) and (_foot(box)[1] <= furniture.center[1] + furniture.size[1] / 2 + 0.02)


def _fits(box: Box, carrier: int, survey: RoomSurvey) -> bool:
    """Inside the room and clear of furniture, the carrier apart."""
    reach = np.hypot(box.size[0], box.size[2]) / 2
    if not all(
        survey.minimum[i] + reach < box.center[i] < survey.maximum[i] - reach for i in (0, 2)
    ):
        return False
    on_floor = survey.surfaces[carrier].receptacle_type == "Floor"
    return not any(
        boxes_overlap(box, piece, 0.005) and (on_floor or not _carried_by(box, piece))
        for piece in survey.furniture
    )


def _in_sight(eye: np.ndarray, box: Box, carrier: int, survey: RoomSurvey) -> bool:
    """Whether no furniture box but the carrier's cuts the line from the eye to the centre (slab test)."""
    center = np.asarray(box.center)
    along = np.where(np.abs(center - eye) < 1e-9, 1e-9, center - eye)
    for piece in survey.furniture:
        if _carried_by(box, piece):
            continue
        low, high = (
            np.asarray(piece.center) + sign * np.asarray(piece.size) / 2 for sign in (-1, 1)
        )
        first, second = (low - eye) / along, (high - eye) / along
        enter, leave = np.minimum(first, second).max(), np.maximum(first, second).min()
        if enter < leave and leave > 0 and enter < 0.97:
            return False
    return True


def _company_box(
    kind: Kind,
    kinds: Sequence[Kind],
    boxes: Sequence[Box],
    view: Viewpoint,
    eye: np.ndarray,
    survey: RoomSurvey,
    spots: Spots,
    rng: np.random.Generator,
    params: SamplingParams,
) -> Box | None:
    """A place in view for one more object that covers none of the others; None if ten tries find none."""
    if kind in kinds or kind not in survey.kinds:
        return None
    size = survey.kinds[kind]
    at = _even_over_surfaces(np.flatnonzero(spots.clearance > size[1]), spots, 160, rng)
    centers = spots.points[at] + [0, size[1] / 2, 0]
    n = len(at)
    ok = _in_frame(
        centers,
        np.broadcast_to(eye, (n, 3)),
        np.full(n, view.yaw_deg),
        np.full(n, view.horizon_deg),
        np.radians(params.fov_deg) / 2,
    )
    ok &= np.linalg.norm(centers - eye, axis=1) < params.max_distance_m + 0.5
    for i in np.flatnonzero(ok)[:10]:
        box = _box_at(size, spots.points[at[i]], float(rng.uniform(0, 360)))
        if not _fits(box, int(spots.carrier[at[i]]), survey) or not _in_sight(
            eye, box, int(spots.carrier[at[i]]), survey
        ):
            continue
        if not any(_covers(eye, box, other) for other in boxes):
            return box
    return None


def _covers(eye: np.ndarray, a: Box, b: Box) -> bool:
    """Whether two boxes come so close, as seen from the eye, that one may hide the other (by their bounding spheres)."""
    to_a, to_b = np.asarray(a.center) - eye, np.asarray(b.center) - eye
    far_a, far_b = np.linalg.norm(to_a), np.linalg.norm(to_b)
    angle = np.arccos(np.clip(to_a @ to_b / (far_a * far_b), -1, 1))
    radius = np.linalg.norm(a.size) / 2 / far_a + np.linalg.norm(b.size) / 2 / far_b
    return bool(angle < 0.8 * radius)
