"""The placement solver: from what shall be shown (`Goal`) to poses that show it (`SceneSpec`).

Rejection sampling, vectorised: standpoints x reference points x subject points are drawn from the
room's survey, and those stay whose relation, distances and view are as wanted. Pure geometry (world
frame, metres); the simulator measures the result later. The order of the draws is part of the
result: the same generator gives the same scene.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rls3.language.relation import cells_of, margins_deg
from rls3.params import SamplingParams
from rls3.placing.clearance import box_at, covers, fits, foot_of, in_frame, in_sight
from rls3.placing.goal import ANY_CELL, VIEWS, Goal, distance_range_m
from rls3.placing.spots import Spots, draw_spots
from rls3.scene.geometry import boxes_overlap, offset_in_camera
from rls3.scene.records import Box, Kind, Placement, RoomSurvey, SceneSpec, Viewpoint

_ATTEMPTS, _CHECKED = 4, 12
_VIEWS, _SUBJECTS, _COMPANY, _COMPANY_TRIES = 48, 320, 160, 10  # how many spots are drawn
_NEAREST_PAIR_M, _FARTHEST_PAIR_M = 0.08, 1.3  # between the centres of subject and reference
_PAIR_GAP_M = 0.01
_MARGIN_EXTRA_DEG = 1.0  # a measured pose differs a little from the wanted one
_COMPANY_EXTRA_M = 0.5  # company may stand this much farther off than subject and reference
_YAW_SHARE, _TILT_SHARE = 0.7, 0.5  # of the field of view over which the gaze is spread
_UP_MOST_DEG, _DOWN_MOST_DEG = -30, 60  # AI2-THOR's limits of the horizon


@dataclass(frozen=True)
class _Views:
    """Drawn views of drawn reference spots.

    Attributes:
        reference_at: (V,) index of the spot. reference: (V, 3) centre of the reference on it.
        eye: (V, 3). yaw_deg, horizon_deg: (V,).
    """

    reference_at: np.ndarray
    reference: np.ndarray
    eye: np.ndarray
    yaw_deg: np.ndarray
    horizon_deg: np.ndarray


@dataclass(frozen=True)
class _Candidate:
    """A view in which subject and reference, on these spots, show the goal."""

    view: Viewpoint
    eye_y: float
    subject_at: int
    reference_at: int

    @property
    def eye(self) -> np.ndarray:
        """(3,) of the view as it is written down, that is rounded."""
        return np.array([self.view.x, self.eye_y, self.view.z])


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
        spots: `spots_of(survey)`.
        company: kinds of the further objects, placed anywhere in view; one that finds no place is
            left out.
    """
    sizes = survey.kinds
    if goal.subject not in sizes or goal.reference not in sizes or goal.subject == goal.reference:
        return None
    for _ in range(_ATTEMPTS):
        for candidate in _candidates(goal, survey, spots, rng, params):
            pair = _pair(goal, candidate, survey, spots, rng)
            if pair is None:
                continue
            placed = _with_company(pair, company, candidate, survey, spots, rng, params)
            placements = tuple(Placement(kind, foot_of(b), b.yaw_deg) for kind, b in placed)
            return SceneSpec(survey.floor_plan, placements, candidate.view)
    return None


def _candidates(
    goal: Goal, survey: RoomSurvey, spots: Spots, rng: np.random.Generator, params: SamplingParams
) -> list[_Candidate]:
    """At most _CHECKED of them, in random order; relation, distances and view are right already."""
    subject_height, reference_height = (
        survey.kinds[kind][1] for kind in (goal.subject, goal.reference)
    )
    for_reference = np.flatnonzero(spots.clearance > reference_height)
    for_subject = np.flatnonzero(spots.clearance > subject_height)
    if not len(for_reference) or not len(for_subject) or not len(survey.standpoints):
        return []
    views = _draw_views(goal, survey, spots, for_reference, rng, params)
    if not len(views.eye):
        return []
    subject_at = draw_spots(for_subject, spots, _SUBJECTS, rng)
    subject = spots.points[subject_at] + [0, subject_height / 2, 0]
    rows, columns = _showing(goal, views, subject, params)
    order = rng.permutation(len(rows))[:_CHECKED]
    return [
        _Candidate(
            _viewpoint(views, i, goal, params),
            survey.eye_heights[goal.view],
            int(subject_at[j]),
            int(views.reference_at[i]),
        )
        for i, j in zip(rows[order], columns[order])
    ]


def _draw_views(
    goal: Goal,
    survey: RoomSurvey,
    spots: Spots,
    for_reference: np.ndarray,
    rng: np.random.Generator,
    params: SamplingParams,
) -> _Views:
    """Reference spots, a standpoint at the wanted distance from each, and a gaze about each; spots
    without such a standpoint are left out."""
    height = survey.kinds[goal.reference][1]
    reference_at = draw_spots(for_reference, spots, _VIEWS, rng)
    reference = spots.points[reference_at] + [0, height / 2, 0]
    eye_y = survey.eye_heights[goal.view]
    between_m = distance_range_m(goal.distance, params.max_distance_m)
    stand_at = _standpoints_for(reference, eye_y, between_m, survey.standpoints, rng)
    ok = stand_at >= 0
    stand = survey.standpoints[stand_at[ok]]
    eye = np.stack([stand[:, 0], np.full(len(stand), eye_y), stand[:, 1]], axis=1)
    if not len(eye):
        return _Views(reference_at[ok], reference[ok], eye, np.empty(0), np.empty(0))
    yaw_deg, horizon_deg = _gaze(reference[ok] - eye, params.fov_deg, rng)
    return _Views(reference_at[ok], reference[ok], eye, yaw_deg, horizon_deg)


def _standpoints_for(
    target: np.ndarray,
    eye_y: float,
    between_m: tuple[float, float],
    standpoints: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """(N,) index of a random standpoint whose eye is between the two distances from each target
    (N, 3); -1 if there is none."""
    nearest, farthest = between_m
    offset = target[:, None, [0, 2]] - standpoints[None]
    distance = np.sqrt((offset**2).sum(-1) + (target[:, None, 1] - eye_y) ** 2)
    ok = (distance >= nearest) & (distance <= farthest)
    lottery = np.where(ok, rng.random(distance.shape), -1.0)
    best = lottery.argmax(axis=1)
    return np.where(lottery[np.arange(len(target)), best] >= 0, best, -1)


def _gaze(
    toward: np.ndarray, fov_deg: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Yaw and horizon (N,), degrees, that have what lies `toward` (N, 3) somewhere in the frame."""
    n = len(toward)
    yaw = np.degrees(np.arctan2(toward[:, 0], toward[:, 2]))
    yaw = yaw + rng.uniform(-0.5, 0.5, n) * fov_deg * _YAW_SHARE
    horizon = -np.degrees(np.arctan2(toward[:, 1], np.hypot(toward[:, 0], toward[:, 2])))
    horizon = horizon + rng.uniform(-0.5, 0.5, n) * fov_deg * _TILT_SHARE
    return yaw, np.clip(horizon, _UP_MOST_DEG, _DOWN_MOST_DEG)


def _showing(
    goal: Goal, views: _Views, subject: np.ndarray, params: SamplingParams
) -> tuple[np.ndarray, np.ndarray]:
    """Rows (views) and columns (subject, (S, 3) centres) of the pairs that show the goal."""
    half_fov = np.radians(params.fov_deg) / 2
    offset = subject[None] - views.reference[:, None]  # (V, S, 3)
    apart = np.linalg.norm(offset, axis=-1)
    in_camera = offset_in_camera(offset, views.yaw_deg[:, None])
    good = (apart > _NEAREST_PAIR_M) & (apart < _FARTHEST_PAIR_M)
    good &= margins_deg(in_camera) > params.min_margin_deg + _MARGIN_EXTRA_DEG
    if goal.cell != ANY_CELL:
        good &= cells_of(in_camera) == goal.cell
    gaze = views.yaw_deg, views.horizon_deg
    good &= in_frame(views.reference, views.eye, *gaze, half_fov)[:, None]
    good &= np.linalg.norm(subject[None] - views.eye[:, None], axis=-1) < params.max_distance_m
    rows, columns = np.nonzero(good)
    if not len(rows):
        return rows, columns
    gaze = views.yaw_deg[rows], views.horizon_deg[rows]
    seen = in_frame(subject[columns], views.eye[rows], *gaze, half_fov)
    return rows[seen], columns[seen]


def _viewpoint(views: _Views, i: int, goal: Goal, params: SamplingParams) -> Viewpoint:
    return Viewpoint(
        float(views.eye[i, 0]),
        float(views.eye[i, 2]),
        float(views.yaw_deg[i] % 360),
        float(views.horizon_deg[i]),
        VIEWS[goal.view] == "standing",
        params.fov_deg,
    )


def _pair(
    goal: Goal, candidate: _Candidate, survey: RoomSurvey, spots: Spots, rng: np.random.Generator
) -> list[tuple[Kind, Box]] | None:
    """Subject and reference, turned at random; None if one does not fit, is out of sight or they
    touch."""
    at = (candidate.subject_at, candidate.reference_at)
    subject, reference = boxes = [
        box_at(survey.kinds[kind], spots.points[spot], float(rng.uniform(0, 360)))
        for kind, spot in zip((goal.subject, goal.reference), at)
    ]
    if not all(fits(box, int(spots.carrier[spot]), survey) for box, spot in zip(boxes, at)):
        return None
    if boxes_overlap(subject, reference, -_PAIR_GAP_M):
        return None
    if not all(in_sight(candidate.eye, box, survey) for box in boxes):
        return None
    return [(goal.subject, subject), (goal.reference, reference)]


def _with_company(
    pair: Sequence[tuple[Kind, Box]],
    company: Sequence[Kind],
    candidate: _Candidate,
    survey: RoomSurvey,
    spots: Spots,
    rng: np.random.Generator,
    params: SamplingParams,
) -> list[tuple[Kind, Box]]:
    """The pair, and of the company what finds a place."""
    placed = list(pair)
    for kind in company:
        if kind not in survey.kinds or kind in (other for other, _ in placed):
            continue
        boxes = [box for _, box in placed]
        box = _company_box(kind, boxes, candidate, survey, spots, rng, params)
        if box is not None:
            placed.append((kind, box))
    return placed


def _company_box(
    kind: Kind,
    others: Sequence[Box],
    candidate: _Candidate,
    survey: RoomSurvey,
    spots: Spots,
    rng: np.random.Generator,
    params: SamplingParams,
) -> Box | None:
    """A place in view for one more object that covers none of the others; None if _COMPANY_TRIES
    find none."""
    size, eye = survey.kinds[kind], candidate.eye
    high_enough = np.flatnonzero(spots.clearance > size[1])
    if not len(high_enough):
        return None
    at = draw_spots(high_enough, spots, _COMPANY, rng)
    centers = spots.points[at] + [0, size[1] / 2, 0]
    in_view = _in_view(centers, candidate, params)
    for spot in at[np.flatnonzero(in_view)[:_COMPANY_TRIES]]:
        box = box_at(size, spots.points[spot], float(rng.uniform(0, 360)))
        free = fits(box, int(spots.carrier[spot]), survey) and in_sight(eye, box, survey)
        if free and not any(covers(eye, box, other) for other in others):
            return box
    return None


def _in_view(centers: np.ndarray, candidate: _Candidate, params: SamplingParams) -> np.ndarray:
    """(N,) whether each centre (N, 3) lies in the frame of the view and near enough."""
    n, view, eye = len(centers), candidate.view, candidate.eye
    ok = in_frame(
        centers,
        np.broadcast_to(eye, (n, 3)),
        np.full(n, view.yaw_deg),
        np.full(n, view.horizon_deg),
        np.radians(params.fov_deg) / 2,
    )
    near = np.linalg.norm(centers - eye, axis=1) < params.max_distance_m + _COMPANY_EXTRA_M
    return ok & near
