"""What an agent did in a round, kept until the rewards arrive. On disk: safetensors plus JSON, no pickle."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from rls3.agents.environment import SceneEnv
from rls3.errors import DataError
from rls3.scene.records import SceneSpec


class Agent(Protocol):
    """Chooses actions, and learns once the round's rewards are known."""

    def act(self, observation: np.ndarray) -> tuple[np.ndarray, float, float]:
        """(action, value, log-probability)."""
        ...

    def learn(self, rollout: "Rollout", rewards: np.ndarray) -> dict[str, float]:
        """Update on a rollout; rewards (T,). Returns what there is to log."""
        ...

    def reseed(self, seed: int) -> None:
        """Begin a new stream of draws, so that a resumed round draws what it would have drawn."""
        ...

    def save(self, folder: Path) -> None: ...

    def load(self, folder: Path) -> None: ...


@dataclass(frozen=True)
class Rollout:
    """T steps of one environment, several episodes in a row.

    Attributes:
        observations (T, O) float32; actions (T, A) int64; values, log_probs, intrinsic (T,) float32;
        episode_starts (T,) bool.
        specs: proposed scene of each step, None if there was none. problems: why a step is not feasible.
    """

    observations: np.ndarray
    actions: np.ndarray
    values: np.ndarray
    log_probs: np.ndarray
    intrinsic: np.ndarray
    episode_starts: np.ndarray
    specs: tuple[SceneSpec | None, ...]
    problems: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def feasible(self) -> np.ndarray:
        """Indices of the steps whose scene is worth rendering."""
        return np.array([i for i, found in enumerate(self.problems) if not found], int)


_ARRAYS = ("observations", "actions", "values", "log_probs", "intrinsic", "episode_starts")


def collect(
    agent: Agent,
    env: SceneEnv,
    episodes: range,
    seed: int,
    on_step: Callable[[int], None] | None = None,
) -> Rollout:
    """Let the agent act for some episodes; `episodes` are their numbers in the campaign (they choose the floor plan)."""
    columns: dict[str, list] = {name: [] for name in (*_ARRAYS, "specs", "problems")}
    for i, episode in enumerate(episodes):
        observation, _ = env.reset(seed=seed + i, options={"episode": episode})
        start, done = True, False
        while not done:
            action, value, log_prob = agent.act(observation)
            following, reward, terminated, truncated, info = env.step(action)
            step = (
                observation,
                action,
                value,
                log_prob,
                reward,
                start,
                info["spec"],
                info["problems"],
            )
            for column, entry in zip(columns.values(), step):
                column.append(entry)
            observation, start, done = following, False, terminated or truncated
            if on_step is not None:
                on_step(len(columns["values"]))
    return Rollout(
        np.stack(columns["observations"]).astype(np.float32),
        np.stack(columns["actions"]).astype(np.int64),
        *(np.array(columns[name], np.float32) for name in ("values", "log_probs", "intrinsic")),
        np.array(columns["episode_starts"], bool),
        tuple(columns["specs"]),
        tuple(columns["problems"]),
    )


def save_rollout(rollout: Rollout, folder: Path) -> None:
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: getattr(rollout, name) for name in _ARRAYS}, folder / "rollout.safetensors")
    steps = [
        {"spec": spec and json.loads(spec.to_json()), "problems": found}
        for spec, found in zip(rollout.specs, rollout.problems)
    ]
    temporary = folder / f".steps.{os.getpid()}.tmp"
    temporary.write_text(json.dumps(steps))
    temporary.replace(folder / "steps.json")


def load_rollout(folder: Path) -> Rollout:
    """Raises: DataError if it is missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(folder / "rollout.safetensors")
        steps = json.loads((folder / "steps.json").read_text())
    except (OSError, ValueError, SafetensorError) as error:
        raise DataError(
            f"the rollout in {folder} is damaged ({error}); delete that round's folder to make it again"
        ) from None
    specs = tuple(step["spec"] and SceneSpec.from_json(json.dumps(step["spec"])) for step in steps)
    return Rollout(
        *(arrays[name] for name in _ARRAYS), specs, tuple(tuple(step["problems"]) for step in steps)
    )
