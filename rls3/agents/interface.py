"""What an agent is: it proposes a scene at each step, and learns once rewards are known.

Everything that it is told comes as a `Context`, everything that it asks for goes as a `Proposal`;
how scenes are placed and measured, and how rewards come about, it does not know.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from rls3.errors import ParamsError
from rls3.language.relation import CELLS, Term
from rls3.params import Axis
from rls3.placing.goal import GoalSpace, Proposal, Space
from rls3.scene.records import Kind, SceneSpec


@dataclass(frozen=True)
class Scored:
    """One sample of the last round, as the VLM was scored on it before fine-tuning.

    Attributes:
        axes: `rls3.placing.axes.axes_of` the sample. failure: 0..1.
    """

    axes: Mapping[Axis, str]
    failure: float


@dataclass(frozen=True, eq=False)
class Weakness:
    """Where the VLM was weak in the last round (paper: VLM feedback); all numbers in 0..1.

    Attributes:
        failure_by_cell: (26,) in the order of `CELLS`; 0.5 where nothing is known.
        accuracy_by_term: (6,) on `val`, in the order of `Term`.
        scored: the samples one by one, for agents that look along other axes; may be empty.
    """

    failure_by_cell: np.ndarray
    accuracy_by_term: np.ndarray
    scored: tuple[Scored, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "failure_by_cell", _locked(self.failure_by_cell, len(CELLS)))
        object.__setattr__(self, "accuracy_by_term", _locked(self.accuracy_by_term, len(Term)))

    @staticmethod
    def unknown() -> "Weakness":
        """Before the first round."""
        return Weakness(np.full(len(CELLS), 0.5), np.full(len(Term), 0.5))


@dataclass(frozen=True, eq=False)
class Context:
    """What an agent knows when it proposes.

    Attributes:
        floor_plan: of the episode.
        kinds: what its object container holds, sorted.
        share: (26,) of each cell among this episode's feasible scenes; zeros before the first.
        feasible: whether the episode's last scene was; True before the first.
        left: share of the episode that is left, 1 at its start.
    """

    floor_plan: str
    kinds: tuple[Kind, ...]
    weakness: Weakness
    share: np.ndarray
    feasible: bool
    left: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", _locked(self.share, len(CELLS)))


def _locked(values: Sequence[float] | np.ndarray, size: int) -> np.ndarray:
    """A read-only copy (size,). Raises: ValueError if it is of another size."""
    array = np.array(values, float).reshape(size)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Rollout:
    """T steps of an agent, several episodes in a row.

    Attributes:
        contexts, proposals: what each step was told and what it asked for.
        specs: the scene proposed; None if there is no placement for it.
        problems: why a step is not feasible; empty if it is.
        episode_starts: (T,) bool.
    """

    contexts: tuple[Context, ...]
    proposals: tuple[Proposal, ...]
    specs: tuple[SceneSpec | None, ...]
    problems: tuple[tuple[str, ...], ...]
    episode_starts: np.ndarray

    def __len__(self) -> int:
        return len(self.proposals)

    @property
    def intrinsic(self) -> np.ndarray:
        """(T,) float32: 1 where the scene is feasible, else 0 (paper: intrinsic reward)."""
        return np.array([not found for found in self.problems], np.float32)

    @property
    def feasible(self) -> np.ndarray:
        """Indices of the steps whose scene is worth rendering."""
        return np.array([i for i, found in enumerate(self.problems) if not found], int)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a rollout.

    Attributes:
        rewards: (T,) in all (`rls3.loop.reward`). seed: of whatever is random in learning.
    """

    rollout: Rollout
    rewards: np.ndarray
    seed: int


class Agent(Protocol):
    """Proposes scenes, and learns from what came of them.

    Attributes:
        space: what it proposes: goals or moves.
    """

    space: Space

    def propose(self, context: Context, rng: np.random.Generator) -> Proposal:
        """The next scene to ask for. The caller keeps one generator for all proposals of a round;
        another generator begins another sequence."""
        ...

    def learn(self, outcome: Outcome) -> dict[str, float]:
        """Update on a rollout of this agent as it is now. Returns what there is to log."""
        ...

    def save(self, folder: Path) -> None:
        """What it has learned, into a folder. Raises: StorageError."""
        ...

    def load(self, folder: Path) -> None:
        """Go on from what was saved. Raises: DataError if that is missing, damaged or does not
        fit."""
        ...


class FixedAgent:
    """The part of an `Agent` that learns nothing: context and generator decide what it proposes."""

    def learn(self, outcome: Outcome) -> dict[str, float]:
        return {}

    def save(self, folder: Path) -> None:
        """There is nothing to keep."""

    def load(self, folder: Path) -> None:
        """There is nothing to go on from."""


def goals_only(space: Space, agent: str) -> GoalSpace:
    """The space of an agent that asks for goals alone. Raises: ParamsError if it is of moves."""
    if not isinstance(space, GoalSpace):
        raise ParamsError(
            f"agent.action = 'raw' is not possible with agent.name = {agent!r}, which asks for "
            "goals; set agent.action=goal, or agent.name to ppo or random"
        )
    return space
