"""PPO (stable-baselines3) whose rewards arrive after the round: act now, fill the rollout buffer and train later."""

import json
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.logger import configure

from rls3.agents.environment import N_CELLS, SceneEnv
from rls3.agents.rollout import Rollout
from rls3.errors import DataError
from rls3.params import AgentParams

_ANY_SHARE = 0.5  # probability of "whatever comes" before anything is learned: the agent starts near the random one


class _Spaces(gymnasium.Env):
    """An environment that only has spaces: all that SB3 needs when it does not step itself."""

    def __init__(self, observation_space: gymnasium.Space, action_space: gymnasium.Space) -> None:
        self.observation_space, self.action_space = observation_space, action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        return self.observation_space.sample(), {}


class PPOAgent:
    """See `rls3.agents.rollout.Agent`. torch and SB3 draw from a random state of the agent's own."""

    def __init__(self, env: SceneEnv | gymnasium.Env, params: AgentParams, seed: int) -> None:
        self._params = params
        with torch.random.fork_rng():
            self.model = PPO(
                "MlpPolicy",
                _Spaces(env.observation_space, env.action_space),
                learning_rate=params.learning_rate,
                n_steps=64,
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
            self.model.set_logger(configure(None, []))
            parts = getattr(env, "parts", [])
            if N_CELLS + 1 in parts:
                self._start_like_random(parts)
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self._torch_state = torch.get_rng_state()
        self._numpy_seed = seed

    def _start_like_random(self, parts: list[int]) -> None:
        start = sum(parts[: parts.index(N_CELLS + 1)])
        with torch.no_grad():
            bias = self.model.policy.action_net.bias
            bias.zero_()
            bias[start + N_CELLS] = float(np.log(_ANY_SHARE / ((1 - _ANY_SHARE) / N_CELLS)))

    def act(self, observation: np.ndarray) -> tuple[np.ndarray, float, float]:
        with torch.random.fork_rng(), torch.no_grad():
            torch.set_rng_state(self._torch_state)
            self.model.policy.set_training_mode(False)
            action, value, log_prob = self.model.policy(
                torch.as_tensor(observation[None], dtype=torch.float32)
            )
            self._torch_state = torch.get_rng_state()
        return action[0].numpy(), float(value), float(log_prob)

    def learn(self, rollout: Rollout, rewards: np.ndarray) -> dict[str, float]:
        """One PPO update on the rollout with the rewards that have arrived; rewards (T,)."""
        model, n = self.model, len(rollout)
        buffer = RolloutBuffer(
            n,
            model.observation_space,
            model.action_space,
            device="cpu",
            gae_lambda=model.gae_lambda,
            gamma=model.gamma,
            n_envs=1,
        )
        with torch.no_grad():
            for i in range(n):
                buffer.add(
                    rollout.observations[i][None],
                    rollout.actions[i][None],
                    rewards[i : i + 1].astype(np.float32),
                    rollout.episode_starts[i : i + 1].astype(np.float32),
                    torch.tensor([rollout.values[i]]),
                    torch.tensor([rollout.log_probs[i]]),
                )
            buffer.compute_returns_and_advantage(torch.zeros(1), np.array([True]))
        model.rollout_buffer, model.n_steps, model.n_envs = buffer, n, 1
        model.num_timesteps += n
        numpy_state = np.random.get_state()
        try:
            with torch.random.fork_rng():
                np.random.seed(self._numpy_seed)  # the buffer shuffles with numpy's global stream
                torch.manual_seed(self._numpy_seed)
                model._update_current_progress_remaining(model.num_timesteps, 10**9)
                model.train()
        finally:
            np.random.set_state(numpy_state)
        names = {
            "train/entropy_loss": "entropy_loss",
            "train/approx_kl": "approx_kl",
            "train/value_loss": "value_loss",
            "train/explained_variance": "explained_variance",
        }
        return {
            short: float(model.logger.name_to_value[long])
            for long, short in names.items()
            if long in model.logger.name_to_value
        }

    def save(self, folder: Path) -> None:
        """Policy and optimiser as safetensors, counters as JSON."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        optimizer = self.model.policy.optimizer.state_dict()
        tensors = {
            f"policy.{name}": t.contiguous() for name, t in self.model.policy.state_dict().items()
        }
        for index, state in optimizer["state"].items():
            tensors |= {
                f"optimizer.{index}.{name}": torch.as_tensor(value).contiguous()
                for name, value in state.items()
            }
        save_file(tensors, folder / "policy.safetensors")
        meta = {
            "num_timesteps": self.model.num_timesteps,
            "n_updates": self.model._n_updates,
            "param_groups": optimizer["param_groups"],
        }
        (folder / "policy.json").write_text(json.dumps(meta, indent=1))

    def load(self, folder: Path) -> None:
        """Raises: DataError if the policy is missing, damaged or of another shape."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            tensors = load_file(folder / "policy.safetensors")
            meta = json.loads((folder / "policy.json").read_text())
            self.model.policy.load_state_dict(
                {
                    k.removeprefix("policy."): t
                    for k, t in tensors.items()
                    if k.startswith("policy.")
                }
            )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise DataError(
                f"the policy in {folder} cannot be used ({str(error).splitlines()[0]}); delete that round's folder to make it again"
            ) from None
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, tensor in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".", 2)
                state.setdefault(int(index), {})[name] = tensor
        self.model.policy.optimizer.load_state_dict(
            {"state": state, "param_groups": meta["param_groups"]}
        )
        self.model.num_timesteps, self.model._n_updates = meta["num_timesteps"], meta["n_updates"]


def make_agent(params: AgentParams, env: SceneEnv, seed: int) -> Any:
    """The agent that `agent.name` names."""
    from rls3.agents.random import RandomAgent

    return PPOAgent(env, params, seed) if params.name == "ppo" else RandomAgent(env, seed)
