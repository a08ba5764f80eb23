"""The random agent (the paper's baseline): same environment, objects dropped at random, nothing learned."""

from pathlib import Path

import numpy as np

from rls3.agents.environment import N_CELLS, SceneEnv
from rls3.agents.rollout import Rollout


class RandomAgent:
    """Uniform over everything; in goal mode it asks for no relation, so relations come as they come."""

    def __init__(self, env: SceneEnv, seed: int) -> None:
        self._parts = np.array(env.parts)
        self._goal_mode = N_CELLS + 1 in env.parts
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def act(self, observation: np.ndarray) -> tuple[np.ndarray, float, float]:
        action = self._rng.integers(self._parts)
        if self._goal_mode:
            action[4] = N_CELLS
        return action, 0.0, 0.0

    def learn(self, rollout: Rollout, rewards: np.ndarray) -> dict[str, float]:
        return {}

    def save(self, folder: Path) -> None:
        """There is nothing to keep: its draws follow from the round's seed."""

    def load(self, folder: Path) -> None: ...
