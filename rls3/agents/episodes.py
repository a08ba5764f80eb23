"""Episodes: an agent proposes, its proposals are placed and measured (paper: data generation).

The simulator measures without drawing. On disk a rollout is safetensors and JSON, no pickle, and
holds all that `Agent.learn` needs, so that it can be learned from later and elsewhere.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from rls3.agents.interface import Agent, Context, Rollout, Scored, Weakness
from rls3.errors import RefusedAction
from rls3.files import read_errors, read_json, whole_file, write_text
from rls3.language.relation import CELLS, relation
from rls3.params import SamplingParams
from rls3.placing.goal import Goal, Move, MoveSpace, Proposal
from rls3.placing.rooms import Room, drop, realise
from rls3.placing.validity import problems
from rls3.scene.records import Kind, Scene, SceneSpec, Simulator


@dataclass(frozen=True)
class _Step:
    """A row of a `Rollout`."""

    context: Context
    proposal: Proposal
    spec: SceneSpec | None
    problems: tuple[str, ...]
    starts: bool


def collect(
    agent: Agent,
    simulator: Simulator,
    rooms: Mapping[str, Room],
    episodes: range,
    weakness: Weakness,
    params: SamplingParams,
    agent_rng: np.random.Generator,
    placing_seed: int,
    on_step: Callable[[int], None] | None = None,
) -> Rollout:
    """Let the agent act for some episodes, each in one room.

    Args:
        rooms: `rooms_of`; the episodes go through them in their order, again and again.
        episodes: their numbers in the campaign.
        agent_rng: handed to the agent at each step.
        placing_seed: the i-th episode places objects with a generator of placing_seed + i.
        on_step: is told how many steps are done.
    Raises: SimulatorError if the simulator fails; a scene that it refuses is one with a problem.
    """
    steps: list[_Step] = []
    for i, episode in enumerate(episodes):
        room = list(rooms.values())[episode % len(rooms)]
        rng = np.random.default_rng(placing_seed + i)
        for step in _episode(agent, simulator, room, weakness, params, agent_rng, rng):
            steps.append(step)
            if on_step is not None:
                on_step(len(steps))
    return Rollout(
        tuple(step.context for step in steps),
        tuple(step.proposal for step in steps),
        tuple(step.spec for step in steps),
        tuple(step.problems for step in steps),
        np.array([step.starts for step in steps], bool),
    )


def _episode(
    agent: Agent,
    simulator: Simulator,
    room: Room,
    weakness: Weakness,
    params: SamplingParams,
    agent_rng: np.random.Generator,
    rng: np.random.Generator,
) -> Iterator[_Step]:
    moves = isinstance(agent.space, MoveSpace)
    layout = drop(room, rng, params) if moves else None
    feasible, counts = True, np.zeros(len(CELLS))
    for number in range(params.steps_per_episode):
        share = counts / max(1.0, counts.sum())
        left = 1 - number / params.steps_per_episode
        context = Context(room.floor_plan, room.kinds, weakness, share, feasible, left)
        proposal = agent.propose(context, agent_rng)
        if moves and layout is None:
            layout = drop(room, rng, params)
        spec = realise(proposal, room, layout, rng, params)
        scene, found = _measured(simulator, spec, room, params)
        feasible = not found
        if feasible:
            layout = spec  # an infeasible move is undone
            counts[_cell(scene)] += 1
        yield _Step(context, proposal, spec, found, number == 0)


def _measured(
    simulator: Simulator, spec: SceneSpec | None, room: Room, params: SamplingParams
) -> tuple[Scene | None, tuple[str, ...]]:
    """The scene as measured, and what is wrong with it."""
    if spec is None:
        return None, ("no placement",)
    try:
        scene = simulator.measure(spec)
    except RefusedAction:
        return None, ("refused",)
    return scene, problems(scene, room.survey, params)


def _cell(scene: Scene) -> int:
    subject, reference = scene.objects[:2]
    return relation(subject.box.center, reference.box.center, scene.camera.yaw_deg).index


# -- files -----------------------------------------------------------------------------------------


def save_rollout(rollout: Rollout, folder: Path) -> None:
    """`rollout.safetensors` holds numbers, `steps.json` what has a name. Raises: StorageError."""
    weakness = rollout.contexts[0].weakness  # the same at every step
    arrays = {
        "failure_by_cell": weakness.failure_by_cell,
        "accuracy_by_term": weakness.accuracy_by_term,
        "share": np.stack([context.share for context in rollout.contexts]),
        "feasible": np.array([context.feasible for context in rollout.contexts]),
        "left": np.array([context.left for context in rollout.contexts]),
        "episode_starts": rollout.episode_starts,
    }
    with whole_file(folder / "rollout.safetensors") as temporary:
        save_file(arrays, temporary)
    write_text(folder / "steps.json", json.dumps(_named(rollout)))


def _named(rollout: Rollout) -> dict[str, object]:
    rooms = {context.floor_plan: context.kinds for context in rollout.contexts}
    columns = zip(rollout.contexts, rollout.proposals, rollout.specs, rollout.problems)
    return {
        "kinds": {name: [asdict(kind) for kind in kinds] for name, kinds in rooms.items()},
        "scored": [asdict(scored) for scored in rollout.contexts[0].weakness.scored],
        "steps": [
            {
                "floor_plan": context.floor_plan,
                "proposal": asdict(proposal),
                "spec": spec and asdict(spec),
                "problems": found,
            }
            for context, proposal, spec, found in columns
        ],
    }


def load_rollout(folder: Path) -> Rollout:
    """Raises: DataError if it is missing or damaged."""
    with read_errors(folder / "rollout.safetensors", SafetensorError):
        arrays = load_file(folder / "rollout.safetensors")
    with read_errors(folder / "steps.json"):
        named = read_json(folder / "steps.json")
        steps = named["steps"]
        return Rollout(
            tuple(_contexts(arrays, named)),
            tuple(_proposal(step["proposal"]) for step in steps),
            tuple(step["spec"] and SceneSpec.from_json(json.dumps(step["spec"])) for step in steps),
            tuple(tuple(step["problems"]) for step in steps),
            arrays["episode_starts"],
        )


def _contexts(arrays: Mapping[str, np.ndarray], named: dict) -> Iterator[Context]:
    scored = tuple(Scored(**raw) for raw in named["scored"])
    weakness = Weakness(arrays["failure_by_cell"], arrays["accuracy_by_term"], scored)
    kinds = {name: tuple(Kind(**raw) for raw in listed) for name, listed in named["kinds"].items()}
    numbers = zip(arrays["share"], arrays["feasible"], arrays["left"])
    for step, (share, feasible, left) in zip(named["steps"], numbers, strict=True):
        name = step["floor_plan"]
        yield Context(name, kinds[name], weakness, share, bool(feasible), float(left))


def _proposal(raw: dict) -> Proposal:
    if "item" in raw:
        return Move(raw["item"], Kind(**raw["kind"]), tuple(raw["offset_m"]), raw["turn_deg"])
    subject, reference = Kind(**raw["subject"]), Kind(**raw["reference"])
    return Goal(subject, reference, raw["cell"], raw["view"], raw["distance"])
