"""The environment in which an agent proposes scenes (paper: data generation, step 1 of the loop)."""

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from rls3.errors import SimulatorError
from rls3.language.relation import CELLS, relation
from rls3.params import AgentParams, SamplingParams
from rls3.placing.container import surveys_of
from rls3.placing.solver import ANY_CELL, DISTANCE_BINS, VIEW_BINS, Goal, Spots, solve, spots_of
from rls3.placing.validity import problems
from rls3.scene.records import Kind, Placement, SceneSpec, Simulator

N_CELLS = len(CELLS)
_RAW_MOVES_M = np.array([-0.4, -0.15, 0.0, 0.15, 0.4])
_RAW_TURNS_DEG = np.array([0.0, 90.0, 180.0, 270.0])


@dataclass(frozen=True)
class Weakness:
    """What the agent is told about the VLM: failure (26,) and accuracy (6,), all in 0..1, from the last round."""

    failure_by_cell: np.ndarray
    accuracy_by_term: np.ndarray

    @staticmethod
    def unknown() -> "Weakness":
        return Weakness(np.full(N_CELLS, 0.5), np.full(6, 0.5))


class SceneEnv(gymnasium.Env):
    """Propose one scene a step, in one floor plan an episode.

    ## Action space
    `action: goal` (default): MultiDiscrete. The placement solver finds poses that show it.

    | part | values |
    |---|---|
    | subject type, subject colour | index into `types`, `colors` |
    | reference type, reference colour | the same |
    | relation | 0-25 one of the cells, 26 whatever comes (objects dropped at random) |
    | viewpoint | 0 standing, 1 crouched |
    | distance | 0 near, 1 middle, 2 far |

    `action: raw` (the paper's): MultiDiscrete. Pick one of the active objects, swap it for another from the container,
    move it along x, y, z and turn it; an infeasible move is undone.

    ## Observation space
    Box in [0, 1], float32: one-hot floor plan; VLM failure by cell (26) and accuracy by term (6) in the last round;
    share of each cell among this episode's feasible scenes (26); whether the last step was feasible; time left.

    ## Reward
    Intrinsic only: 1 if the scene is feasible, else 0. What the VLM adds comes after the round (`rls3.reward`).

    ## Start and end
    `reset(options={"episode": k})` selects the floor plan k modulo their number. An episode is truncated after T steps.

    `info["spec"]` is the proposed SceneSpec or None; `info["problems"]` says why it is not feasible.
    """

    metadata = {"render_modes": []}

    def __init__(
        self,
        simulator: Simulator,
        floor_plans: tuple[str, ...],
        sampling: SamplingParams,
        agent: AgentParams,
    ) -> None:
        self._simulator, self._sampling, self._raw = simulator, sampling, agent.action == "raw"
        self.floor_plans = floor_plans
        self.surveys = surveys_of(simulator, floor_plans, sampling)
        self._spots: dict[str, Spots] = {
            name: spots_of(survey) for name, survey in self.surveys.items()
        }
        kinds = sorted({kind for survey in self.surveys.values() for kind in survey.kinds})
        self.types = sorted({kind.type for kind in kinds})
        self.colors = sorted({kind.color for kind in kinds})
        if self._raw:
            moves = [len(_RAW_MOVES_M)] * 3 + [len(_RAW_TURNS_DEG)]
            self.parts = [sampling.objects, len(self.types), len(self.colors), *moves]
        else:
            self.parts = [len(self.types), len(self.colors)] * 2 + [
                N_CELLS + 1,
                VIEW_BINS,
                DISTANCE_BINS,
            ]
        self.action_space = gymnasium.spaces.MultiDiscrete(self.parts)
        self.observation_space = gymnasium.spaces.Box(
            0.0, 1.0, (len(floor_plans) + N_CELLS + 6 + N_CELLS + 2,), np.float32
        )
        self._weakness = Weakness.unknown()
        self._episode = -1

    def describe(self, weakness: Weakness) -> None:
        """Tell the agent, through the observation, where the VLM is weak."""
        self._weakness = weakness

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        following = (
            self._episode + 1 if seed is None else 0
        )  # a seed starts the sequence of rooms afresh
        self._episode = (options or {}).get("episode", following)
        self.floor_plan = self.floor_plans[self._episode % len(self.floor_plans)]
        self._step, self._counts, self._feasible = 0, np.zeros(N_CELLS), True
        self._layout = self._solve(self._any_goal()) if self._raw else None
        return self._observation(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        action = np.asarray(action, int)
        spec = self._moved(action) if self._raw else self._solve(self._goal(action))
        found = ("no placement",) if spec is None else self._measured_problems(spec)
        self._feasible = not found
        if self._feasible and self._raw:
            self._layout = spec
        self._step += 1
        truncated = self._step >= self._sampling.steps_per_episode
        return (
            self._observation(),
            float(self._feasible),
            False,
            truncated,
            {"spec": spec, "problems": found},
        )

    def _measured_problems(self, spec: SceneSpec) -> tuple[str, ...]:
        try:
            scene = self._simulator.measure(spec)
        except SimulatorError as error:
            if type(error) is SimulatorError:
                raise
            return ("refused",)
        found = problems(scene, self.surveys[self.floor_plan], self._sampling)
        if not found:
            subject, reference = scene.objects[:2]
            self._counts[
                relation(subject.box.center, reference.box.center, scene.camera.yaw_deg).index
            ] += 1
        return found

    def _goal(self, action: np.ndarray) -> Goal:
        subject = Kind(self.types[action[0]], self.colors[action[1]])
        reference = Kind(self.types[action[2]], self.colors[action[3]])
        return Goal(subject, reference, int(action[4]), int(action[5]), int(action[6]))

    def _any_goal(self) -> Goal:
        kinds = sorted(self.surveys[self.floor_plan].kinds)
        first, second = self.np_random.choice(len(kinds), 2, replace=False)
        return Goal(
            kinds[first], kinds[second], ANY_CELL, 0, int(self.np_random.integers(DISTANCE_BINS))
        )

    def _solve(self, goal: Goal) -> SceneSpec | None:
        survey = self.surveys[self.floor_plan]
        others = [
            kind for kind in sorted(survey.kinds) if kind not in (goal.subject, goal.reference)
        ]
        company = [
            others[i]
            for i in self.np_random.choice(len(others), self._sampling.objects - 2, replace=False)
        ]
        return solve(
            goal, survey, self._spots[self.floor_plan], self.np_random, self._sampling, company
        )

    def _moved(self, action: np.ndarray) -> SceneSpec | None:
        """The paper's action on the present layout."""
        if self._layout is None:
            self._layout = self._solve(self._any_goal())
        if self._layout is None:
            return None
        index = int(action[0]) % len(self._layout.placements)
        kind = Kind(self.types[action[1]], self.colors[action[2]])
        old = self._layout.placements[index]
        if kind not in self.surveys[self.floor_plan].kinds:
            return None
        position = tuple(float(v) for v in np.array(old.position) + _RAW_MOVES_M[action[3:6]])
        moved = Placement(kind, position, old.yaw_deg + _RAW_TURNS_DEG[action[6]])
        placements = tuple(
            moved if i == index else p for i, p in enumerate(self._layout.placements)
        )
        if len({p.kind for p in placements}) < len(placements):
            return None
        return SceneSpec(self._layout.floor_plan, placements, self._layout.viewpoint)

    def _observation(self) -> np.ndarray:
        here = np.array([name == self.floor_plan for name in self.floor_plans], float)
        share = self._counts / max(1.0, self._counts.sum())
        left = 1 - self._step / self._sampling.steps_per_episode
        parts = [
            here,
            self._weakness.failure_by_cell,
            self._weakness.accuracy_by_term,
            share,
            [float(self._feasible), left],
        ]
        return np.concatenate(parts).clip(0, 1).astype(np.float32)
