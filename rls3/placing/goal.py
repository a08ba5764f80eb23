"""What an agent proposes, and the vocabularies from which it chooses.

A `Goal` names what a scene shall show; the solver finds poses that show it. A `Move` is the paper's
own action (its data generation step): pick one of the active objects, swap it for another from the
object container, move and turn it. `GoalSpace` and `MoveSpace` write a proposal as one index a
part; each part has a name, so that nobody has to guess one from its size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rls3.language.relation import CELLS
from rls3.scene.records import Kind, Vector3

ANY_CELL = len(CELLS)
"""The goal that asks for no particular relation: what comes when objects are dropped at random."""
VIEWS = ("standing", "crouched")
DISTANCES = ("near", "middle", "far")
NEAREST_M = 0.75
"""Of the eye to the reference; `sampling.max_distance_m` is the farthest."""
STEPS_M = (-0.4, -0.15, 0.0, 0.15, 0.4)
TURNS_DEG = (0.0, 90.0, 180.0, 270.0)


@dataclass(frozen=True)
class Goal:
    """What a scene shall show.

    Attributes:
        cell: index into `CELLS`, or ANY_CELL.
        view: index into VIEWS. distance: index into DISTANCES (eye to reference).
    """

    subject: Kind
    reference: Kind
    cell: int
    view: int
    distance: int


@dataclass(frozen=True)
class Move:
    """The paper's action on the present layout.

    Attributes:
        item: which of the active objects, 0 the subject, 1 the reference.
        kind: what it becomes; its own kind leaves it as it is.
        offset_m: along x, y and z of the world, metres.
        turn_deg: about +y, clockwise from above.
    """

    item: int
    kind: Kind
    offset_m: Vector3
    turn_deg: float


Proposal = Goal | Move


@dataclass(frozen=True)
class GoalSpace:
    """All goals over some types and colours.

    A type in a colour that a room does not have is still a goal; there is no placement for it.
    """

    types: tuple[str, ...]
    colors: tuple[str, ...]

    @property
    def parts(self) -> dict[str, int]:
        """Number of values of each part, in the order of the indices."""
        return {
            "subject type": len(self.types),
            "subject color": len(self.colors),
            "reference type": len(self.types),
            "reference color": len(self.colors),
            "relation": len(CELLS) + 1,
            "view": len(VIEWS),
            "distance": len(DISTANCES),
        }

    def decode(self, indices: np.ndarray) -> Goal:
        """indices: (7,) integers, one a part."""
        chosen = _by_name(self.parts, indices)
        return Goal(
            Kind(self.types[chosen["subject type"]], self.colors[chosen["subject color"]]),
            Kind(self.types[chosen["reference type"]], self.colors[chosen["reference color"]]),
            chosen["relation"],
            chosen["view"],
            chosen["distance"],
        )

    def encode(self, goal: Goal) -> np.ndarray:
        """(7,) int64: the inverse of `decode`. Raises: ValueError for what is not in the space."""
        return _in_order(
            self.parts,
            {
                "subject type": self.types.index(goal.subject.type),
                "subject color": self.colors.index(goal.subject.color),
                "reference type": self.types.index(goal.reference.type),
                "reference color": self.colors.index(goal.reference.color),
                "relation": goal.cell,
                "view": goal.view,
                "distance": goal.distance,
            },
        )


@dataclass(frozen=True)
class MoveSpace:
    """All moves of some active objects. objects: their number in a scene (three in the paper)."""

    types: tuple[str, ...]
    colors: tuple[str, ...]
    objects: int

    @property
    def parts(self) -> dict[str, int]:
        """Number of values of each part, in the order of the indices."""
        return {
            "item": self.objects,
            "type": len(self.types),
            "color": len(self.colors),
            "x": len(STEPS_M),
            "y": len(STEPS_M),
            "z": len(STEPS_M),
            "turn": len(TURNS_DEG),
        }

    def decode(self, indices: np.ndarray) -> Move:
        """indices: (7,) integers, one a part."""
        chosen = _by_name(self.parts, indices)
        return Move(
            chosen["item"],
            Kind(self.types[chosen["type"]], self.colors[chosen["color"]]),
            (STEPS_M[chosen["x"]], STEPS_M[chosen["y"]], STEPS_M[chosen["z"]]),
            TURNS_DEG[chosen["turn"]],
        )

    def encode(self, move: Move) -> np.ndarray:
        """(7,) int64: the inverse of `decode`. Raises: ValueError for what is not in the space."""
        return _in_order(
            self.parts,
            {
                "item": move.item,
                "type": self.types.index(move.kind.type),
                "color": self.colors.index(move.kind.color),
                "turn": TURNS_DEG.index(move.turn_deg),
                **{axis: STEPS_M.index(step) for axis, step in zip("xyz", move.offset_m)},
            },
        )


Space = GoalSpace | MoveSpace


def _by_name(parts: Mapping[str, int], indices: np.ndarray | Sequence[int]) -> dict[str, int]:
    return {name: int(index) for name, index in zip(parts, indices, strict=True)}


def _in_order(parts: Mapping[str, int], chosen: Mapping[str, int]) -> np.ndarray:
    return np.array([chosen[name] for name in parts], np.int64)


def distance_range_m(distance: int, max_distance_m: float) -> tuple[float, float]:
    """Nearest and farthest metres from the eye to the reference, for an index into DISTANCES."""
    step = (max_distance_m - NEAREST_M) / len(DISTANCES)
    nearest = NEAREST_M + step * distance
    return nearest, nearest + step


def distance_index(metres: float, max_distance_m: float) -> int:
    """Index into DISTANCES of metres from the eye to the reference; what is beyond an end counts as
    that end."""
    step = (max_distance_m - NEAREST_M) / len(DISTANCES)
    return int(np.clip((metres - NEAREST_M) // step, 0, len(DISTANCES) - 1))
