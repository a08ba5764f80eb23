"""Where objects can stand in a room."""

from dataclasses import dataclass

import numpy as np

from rls3.scene.records import RoomSurvey, Surface

_SHELF_EDGE_M = 0.1  # a shelf reaches this far beyond its outermost points
_SHELF_THICKNESS_M = 0.05


@dataclass(frozen=True)
class Spots:
    """Points on which the bottom of an object may rest.

    Attributes:
        points: (M, 3) world, metres.
        clearance: (M,) free metres above each point.
        carrier: (M,) index of the surface in the room's survey.
    """

    points: np.ndarray
    clearance: np.ndarray
    carrier: np.ndarray


def spots_of(survey: RoomSurvey) -> Spots:
    """All surfaces' points, with the free height up to the next surface above them."""
    points = np.concatenate([s.points for s in survey.surfaces])
    carrier = np.repeat(np.arange(len(survey.surfaces)), [len(s.points) for s in survey.surfaces])
    clearance = np.full(len(points), survey.maximum[1])
    for surface in survey.surfaces:
        _lower_under(surface, points, clearance)
    return Spots(points, clearance, carrier)


def _lower_under(surface: Surface, points: np.ndarray, clearance: np.ndarray) -> None:
    """Cut the free height of the points (M, 3) below each level of a surface at that level."""
    for level in np.unique(np.round(surface.points[:, 1], 3)):
        shelf = surface.points[np.abs(surface.points[:, 1] - level) < 1e-3]
        low = shelf[:, [0, 2]].min(axis=0) - _SHELF_EDGE_M
        high = shelf[:, [0, 2]].max(axis=0) + _SHELF_EDGE_M
        within = np.all((points[:, [0, 2]] > low) & (points[:, [0, 2]] < high), axis=1)
        below = (points[:, 1] < level - _SHELF_THICKNESS_M) & within
        height = level - points[below, 1] - _SHELF_THICKNESS_M
        clearance[below] = np.minimum(clearance[below], height)


def draw_spots(eligible: np.ndarray, spots: Spots, n: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) indices out of `eligible`. Surfaces, not points, are drawn evenly: else the floor takes
    all."""
    counts = np.bincount(spots.carrier[eligible], minlength=int(spots.carrier.max()) + 1)
    weight = 1 / np.sqrt(counts[spots.carrier[eligible]])
    return rng.choice(eligible, n, p=weight / weight.sum())
