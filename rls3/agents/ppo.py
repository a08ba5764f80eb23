"""PPO (stable-baselines3) whose rewards arrive after the round: it acts now, and fills its rollout
buffer and trains later. (The paper's agent is SAC; the loop around it is the same.)

## Actions: MultiDiscrete, one index a part of the agent's space

`agent.action: goal` (default); the placement solver finds poses that show it.

| part | values |
|---|---|
| subject type, subject color | index into the types and colours of the campaign's rooms |
| reference type, reference color | the same |
| relation | 0-25 one of the cells, 26 whatever comes (objects dropped at random) |
| view | 0 standing, 1 crouched |
| distance | eye to reference: 0 near, 1 middle, 2 far |

`agent.action: raw` (the paper's); an infeasible move is undone.

| part | values |
|---|---|
| item | which of the active objects |
| type, color | what it is swapped for, from the object container; its own leave it as it is |
| x, y, z | index into STEPS_M (world axes) |
| turn | index into TURNS_DEG |

## Observations: Box in [0, 1], float32

| numbers | what |
|---|---|
| one a floor plan | one-hot: the episode's room |
| 26 | VLM's failure by cell in the last round |
| 6 | VLM's accuracy by term on `val` after the last round |
| 26 | share of each cell among this episode's feasible scenes |
| 1 | whether the last scene was feasible |
| 1 | share of the episode that is left |

## Random streams
torch draws the actions from a state of the agent's own, which begins with the seed of the
generator that `propose` is given; the buffer's shuffling begins with `Outcome.seed`. The process's
own streams are left as they were.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import gymnasium
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.logger import Logger

from rls3.agents.interface import Context, Outcome
from rls3.errors import DataError
from rls3.files import read_errors, read_json, whole_file, write_json
from rls3.language.relation import CELLS, Term
from rls3.params import AgentParams, PPOParams
from rls3.placing.goal import ANY_CELL, GoalSpace, Proposal, Space

_ANY_SHARE = 0.5  # of "whatever comes" before anything is learned: it starts near the random agent
_LOGGED = ("entropy_loss", "approx_kl", "value_loss", "explained_variance")
_NO_END = 10**9  # steps of training, so that schedules, which are constant here, never run out


class _Spaces(gymnasium.Env):
    """An environment that only has spaces: all that SB3 needs when it does not step itself."""

    def __init__(self, observation_size: int, parts: Sequence[int]) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (observation_size,), np.float32)
        self.action_space = gymnasium.spaces.MultiDiscrete(parts)

    def reset(
        self, *, seed: int | None = None, options: dict[str, object] | None = None
    ) -> tuple[np.ndarray, dict[str, object]]:
        return self.observation_space.sample(), {}


class PPOAgent:
    """See `rls3.agents.interface.Agent`."""

    def __init__(
        self, params: PPOParams, space: Space, floor_plans: Sequence[str], seed: int
    ) -> None:
        self.space, self._floor_plans = space, tuple(floor_plans)
        size = len(self._floor_plans) + 2 * len(CELLS) + len(Term) + 2
        with _own_randomness():
            self.model = _model(params, _Spaces(size, list(space.parts.values())), seed)
        if isinstance(space, GoalSpace):
            _start_near_random(self.model, space)
        self._rng: np.random.Generator | None = None
        self._torch_state = _torch_state(seed)

    def propose(self, context: Context, rng: np.random.Generator) -> Proposal:
        if rng is not self._rng:
            self._rng, self._torch_state = rng, _torch_state(_seed_of(rng))
        with _own_randomness(), torch.no_grad():
            torch.set_rng_state(self._torch_state)
            self.model.policy.set_training_mode(False)
            actions, _, _ = self.model.policy(self.observe(context))
            self._torch_state = torch.get_rng_state()
        return self.space.decode(actions[0].numpy())

    def learn(self, outcome: Outcome) -> dict[str, float]:
        """One PPO update."""
        model, n = self.model, len(outcome.rollout)
        model.rollout_buffer, model.n_steps, model.n_envs = self.buffer(outcome), n, 1
        model.num_timesteps += n
        with _own_randomness():
            np.random.seed(outcome.seed)  # the buffer shuffles with numpy's global stream
            torch.manual_seed(outcome.seed)
            model._update_current_progress_remaining(model.num_timesteps, _NO_END)
            model.train()
        values = model.logger.name_to_value
        return {name: float(values[f"train/{name}"]) for name in _LOGGED}

    def buffer(self, outcome: Outcome) -> RolloutBuffer:
        """SB3's own, with the rewards that have arrived.

        Values and log-probabilities are those of the policy as it acted. They are computed here
        once more, one step at a time as then, because a batch would round them differently.
        """
        rollout, model = outcome.rollout, self.model
        buffer = RolloutBuffer(
            len(rollout),
            model.observation_space,
            model.action_space,
            device="cpu",
            gae_lambda=model.gae_lambda,
            gamma=model.gamma,
            n_envs=1,
        )
        rewards = np.asarray(outcome.rewards).astype(np.float32)
        starts = rollout.episode_starts.astype(np.float32)
        model.policy.set_training_mode(False)
        with torch.no_grad():
            for i, (context, proposal) in enumerate(zip(rollout.contexts, rollout.proposals)):
                observation, action = self.observe(context), self.space.encode(proposal)[None]
                value, log_prob, _ = model.policy.evaluate_actions(
                    observation, torch.as_tensor(action)
                )
                row = slice(i, i + 1)
                buffer.add(observation.numpy(), action, rewards[row], starts[row], value, log_prob)
            buffer.compute_returns_and_advantage(torch.zeros(1), np.array([True]))
        return buffer

    def observe(self, context: Context) -> torch.Tensor:
        """(1, O) float32; see the module's table."""
        parts = [
            [float(name == context.floor_plan) for name in self._floor_plans],
            context.weakness.failure_by_cell,
            context.weakness.accuracy_by_term,
            context.share,
            [float(context.feasible), context.left],
        ]
        return torch.as_tensor(np.concatenate(parts).clip(0, 1).astype(np.float32)[None])

    def save(self, folder: Path) -> None:
        """Policy and optimiser as safetensors, counters as JSON. Raises: StorageError."""
        optimizer = self.model.policy.optimizer.state_dict()
        tensors = {f"policy.{name}": t for name, t in self.model.policy.state_dict().items()}
        for index, state in optimizer["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
        with whole_file(folder / "policy.safetensors") as temporary:
            save_file(
                {name: torch.as_tensor(t).contiguous() for name, t in tensors.items()}, temporary
            )
        counters = {
            "num_timesteps": self.model.num_timesteps,
            "n_updates": self.model._n_updates,
            "param_groups": optimizer["param_groups"],
        }
        write_json(folder / "policy.json", counters)

    def load(self, folder: Path) -> None:
        """Raises: DataError if the policy is missing, damaged or of another shape."""
        path, policy = folder / "policy.safetensors", self.model.policy
        with read_errors(path, SafetensorError):
            tensors = load_file(path)
        counters = read_json(folder / "policy.json")
        try:
            policy.load_state_dict(_below("policy.", tensors))
        except RuntimeError:
            raise DataError(
                f"{path} is of other rooms, types of objects or agent.ppo.hidden_units than these; "
                "set them as they were, or delete it and run again"
            ) from None
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, tensor in _below("optimizer.", tensors).items():
            index, name = key.split(".", 1)
            state.setdefault(int(index), {})[name] = tensor
        with read_errors(folder / "policy.json"):
            groups = counters["param_groups"]
            policy.optimizer.load_state_dict({"state": state, "param_groups": groups})
            self.model.num_timesteps = counters["num_timesteps"]
            self.model._n_updates = counters["n_updates"]


def _below(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _model(params: PPOParams, spaces: _Spaces, seed: int) -> PPO:
    model = PPO(
        "MlpPolicy",
        spaces,
        learning_rate=params.learning_rate,
        n_steps=64,  # replaced by the length of each rollout
        batch_size=params.batch_size,
        n_epochs=params.epochs,
        gamma=params.gamma,
        gae_lambda=params.gae_lambda,
        clip_range=params.clip_range,
        ent_coef=params.entropy_coefficient,
        target_kl=params.target_kl,
        policy_kwargs={"net_arch": list(params.hidden_units)},
        seed=seed,
        device="cpu",
        verbose=0,
    )
    model.set_logger(Logger(folder=None, output_formats=[]))  # `configure` would make a folder
    return model


def _start_near_random(model: PPO, space: GoalSpace) -> None:
    """Let "whatever comes" have _ANY_SHARE of the relations, and all else be even."""
    names, sizes = list(space.parts), list(space.parts.values())
    relation = sum(sizes[: names.index("relation")])
    with torch.no_grad():
        bias = model.policy.action_net.bias
        bias.zero_()
        bias[relation + ANY_CELL] = float(np.log(_ANY_SHARE / ((1 - _ANY_SHARE) / len(CELLS))))


@contextmanager
def _own_randomness() -> Iterator[None]:
    """What SB3 and torch draw or seed in here leaves the process's streams as they were."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)


def _seed_of(rng: np.random.Generator) -> int:
    """The seed with which a generator was made, or one that follows from it if that is no single
    number."""
    sequence = rng.bit_generator.seed_seq
    entropy = sequence.entropy
    if isinstance(entropy, int) and entropy < 2**63 and not sequence.spawn_key:
        return entropy
    return int(sequence.generate_state(1)[0])


def _torch_state(seed: int) -> torch.Tensor:
    with _own_randomness():
        torch.manual_seed(seed)
        return torch.get_rng_state()


def make(params: AgentParams, space: Space, floor_plans: Sequence[str], seed: int) -> PPOAgent:
    """Its parameters are `agent.ppo`; it proposes goals or moves."""
    return PPOAgent(params.ppo, space, floor_plans, seed)
