"""The 26 spatial relations and the angles that decide them (paper: figure "angle-based prompt
generation").

Frame: the camera's, gravity-aligned (`rls3.scene.geometry`): +x right, +y up, +z away from the
camera. The vector runs from the reference to the subject.
- Elevation (angle to the horizontal): within 22.5 degrees is level and has no vertical word; beyond
  67.5 degrees is straight above or below and has no horizontal word.
- Azimuth (in the ground plane): eight sectors of 45 degrees: right, right-behind, behind,
  left-behind, left, left-in-front, in front, right-in-front. "In front" is nearer to the camera,
  "behind" farther.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from rls3.scene.geometry import offset_in_camera
from rls3.scene.records import Vector3

_LEVEL_DEG = 22.5
_STRAIGHT_DEG = 67.5
_SECTOR_DEG = 45.0


class Term(StrEnum):
    """The six words of a caption."""

    LEFT = "left"
    RIGHT = "right"
    IN_FRONT = "in front"
    BEHIND = "behind"
    ABOVE = "above"
    BELOW = "below"

    @property
    def opposite(self) -> "Term":
        return _OPPOSITES[self]


_OPPOSITES = {
    Term.LEFT: Term.RIGHT,
    Term.RIGHT: Term.LEFT,
    Term.IN_FRONT: Term.BEHIND,
    Term.BEHIND: Term.IN_FRONT,
    Term.ABOVE: Term.BELOW,
    Term.BELOW: Term.ABOVE,
}


@dataclass(frozen=True)
class Cell:
    """One of the 26 combinations of terms; `None` where an axis has no word."""

    vertical: Term | None
    depth: Term | None
    lateral: Term | None

    @property
    def terms(self) -> tuple[Term, ...]:
        """In the order of a caption: vertical, depth, lateral."""
        return tuple(term for term in (self.vertical, self.depth, self.lateral) if term is not None)

    @property
    def complexity(self) -> int:
        """Number of terms, 1 to 3."""
        return len(self.terms)

    @property
    def index(self) -> int:
        """Position in `CELLS`."""
        return _INDEX[self]

    def flipped(self, term: Term) -> "Cell":
        """The cell with this one term replaced by its opposite."""
        return Cell(
            *(t.opposite if t is term else t for t in (self.vertical, self.depth, self.lateral))
        )

    @property
    def opposite(self) -> "Cell":
        """Every term replaced by its opposite: the relation seen from the other object."""
        return Cell(*(t and t.opposite for t in (self.vertical, self.depth, self.lateral)))

    def __str__(self) -> str:
        return " + ".join(self.terms)


# Counter-clockwise from the right, as azimuth = atan2(z, x) grows.
_SECTORS: tuple[tuple[Term | None, Term | None], ...] = (
    (None, Term.RIGHT),
    (Term.BEHIND, Term.RIGHT),
    (Term.BEHIND, None),
    (Term.BEHIND, Term.LEFT),
    (None, Term.LEFT),
    (Term.IN_FRONT, Term.LEFT),
    (Term.IN_FRONT, None),
    (Term.IN_FRONT, Term.RIGHT),
)
_LEVELS = (None, Term.ABOVE, Term.BELOW)
# 0-7 level, 8-15 above, 16-23 below (each by sector), 24 straight above, 25 straight below.
CELLS: tuple[Cell, ...] = (
    *(Cell(level, *sector) for level in _LEVELS for sector in _SECTORS),
    Cell(Term.ABOVE, None, None),
    Cell(Term.BELOW, None, None),
)
_INDEX = {cell: index for index, cell in enumerate(CELLS)}


def _angles_deg(offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y, z = np.moveaxis(np.asarray(offsets, dtype=float), -1, 0)
    return np.degrees(np.arctan2(y, np.hypot(x, z))), np.degrees(np.arctan2(z, x))


def cells_of(offsets: np.ndarray) -> np.ndarray:
    """Indices into `CELLS` (N,) of offsets (N, 3) in the camera frame, subject minus reference."""
    elevation, azimuth = _angles_deg(offsets)
    sector = np.round(azimuth / _SECTOR_DEG).astype(int) % 8
    level = np.where(np.abs(elevation) < _LEVEL_DEG, 0, np.where(elevation > 0, 1, 2))
    straight = np.abs(elevation) > _STRAIGHT_DEG
    return np.where(straight, np.where(elevation > 0, 24, 25), level * 8 + sector)


def cell_of(offset: Vector3 | np.ndarray) -> Cell:
    """The cell of one offset (3,) in the camera frame, subject minus reference."""
    return CELLS[int(cells_of(np.asarray(offset, dtype=float)[None])[0])]


def margins_deg(offsets: np.ndarray) -> np.ndarray:
    """Angle (N,) by which each offset lies inside its region: degrees to the nearest border, 0 on
    it.

    Straight above and below have no azimuth, so only their elevation counts.
    """
    elevation, azimuth = _angles_deg(offsets)
    steepness = np.abs(elevation)
    vertical = np.minimum(np.abs(steepness - _LEVEL_DEG), np.abs(steepness - _STRAIGHT_DEG))
    within = azimuth - _SECTOR_DEG * np.round(azimuth / _SECTOR_DEG)
    horizontal = _SECTOR_DEG / 2 - np.abs(within)
    return np.where(steepness > _STRAIGHT_DEG, vertical, np.minimum(vertical, horizontal))


def relation(subject_center: Vector3, reference_center: Vector3, yaw_deg: float) -> Cell:
    """The cell that holds from subject to reference, as a camera with this heading sees them.

    Args:
        subject_center, reference_center: box centres, world, metres.
    """
    offset = np.asarray(subject_center, dtype=float) - np.asarray(reference_center, dtype=float)
    return cell_of(offset_in_camera(offset, yaw_deg))
