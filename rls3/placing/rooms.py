"""The rooms in which proposals become scenes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rls3.params import Action, SamplingParams
from rls3.placing.container import surveys_of
from rls3.placing.goal import (
    ANY_CELL,
    DISTANCES,
    Goal,
    GoalSpace,
    Move,
    MoveSpace,
    Proposal,
    Space,
)
from rls3.placing.solver import solve
from rls3.placing.spots import Spots, spots_of
from rls3.scene.records import Kind, Placement, RoomSurvey, SceneSpec, Simulator


@dataclass(frozen=True)
class Room:
    """A floor plan, ready for placing objects.

    Attributes:
        survey: with the kinds of the object container alone.
        kinds: of the object container, sorted.
    """

    survey: RoomSurvey
    spots: Spots
    kinds: tuple[Kind, ...]

    @property
    def floor_plan(self) -> str:
        return self.survey.floor_plan


def rooms_of(
    simulator: Simulator, floor_plans: Sequence[str], params: SamplingParams
) -> dict[str, Room]:
    """The rooms of a campaign by floor plan, in the order given, which is that of the episodes.

    Raises: ParamsError as `surveys_of`.
    """
    surveys = surveys_of(simulator, floor_plans, params)
    return {
        name: Room(survey, spots_of(survey), tuple(sorted(survey.kinds)))
        for name, survey in surveys.items()
    }


def space_of(rooms: Mapping[str, Room], action: Action, objects: int) -> Space:
    """From what proposals are chosen in these rooms.

    Args:
        action: `agent.action`. objects: `sampling.objects`.
    """
    kinds = {kind for room in rooms.values() for kind in room.kinds}
    types = tuple(sorted({kind.type for kind in kinds}))
    colors = tuple(sorted({kind.color for kind in kinds}))
    return MoveSpace(types, colors, objects) if action == "raw" else GoalSpace(types, colors)


def realise(
    proposal: Proposal,
    room: Room,
    layout: SceneSpec | None,
    rng: np.random.Generator,
    params: SamplingParams,
) -> SceneSpec | None:
    """The scene that a proposal asks for; None if there is no placement for it.

    Args:
        layout: the present scene, which a Move changes; a Goal starts afresh.
    """
    if isinstance(proposal, Goal):
        return _show(proposal, room, rng, params)
    return None if layout is None else _moved(proposal, room, layout)


def drop(room: Room, rng: np.random.Generator, params: SamplingParams) -> SceneSpec | None:
    """Objects of the room dropped at random: what moves begin with."""
    first, second = rng.choice(len(room.kinds), 2, replace=False)
    distance = int(rng.integers(len(DISTANCES)))
    goal = Goal(room.kinds[first], room.kinds[second], ANY_CELL, 0, distance)
    return _show(goal, room, rng, params)


def _show(
    goal: Goal, room: Room, rng: np.random.Generator, params: SamplingParams
) -> SceneSpec | None:
    """The goal with random company, as many active objects as a scene has."""
    others = [kind for kind in room.kinds if kind not in (goal.subject, goal.reference)]
    chosen = rng.choice(len(others), params.objects - 2, replace=False)
    company = [others[i] for i in chosen]
    return solve(goal, room.survey, room.spots, rng, params, company)


def _moved(move: Move, room: Room, layout: SceneSpec) -> SceneSpec | None:
    """The paper's action on a layout; None if the room lacks the kind, or has it placed already."""
    if move.kind not in room.kinds:
        return None
    index = move.item % len(layout.placements)  # company that found no place is missing
    old = layout.placements[index]
    position = tuple(float(v) for v in np.add(old.position, move.offset_m))
    new = Placement(move.kind, position, old.yaw_deg + move.turn_deg)
    placements = list(layout.placements)
    placements[index] = new
    if len({placement.kind for placement in placements}) < len(placements):
        return None
    return SceneSpec(layout.floor_plan, tuple(placements), layout.viewpoint)
