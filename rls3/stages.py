"""The stages of a round, as plain functions over files: read by `Round` path, call the library, write, return a record.

Prefect, MLflow and DVC are not known here. Each stage is skipped if its marker is there (`rls3.round`).
"""

import os
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property, wraps
from typing import Any

import numpy as np

from rls3.dataset.sample import Sample, make_sample, read_samples, write_samples
from rls3.errors import CampaignError
from rls3.params import Params
from rls3.round import Campaign, Round, whole_folder
from rls3.seeds import generator, integer_seed

Record = dict[str, Any]
Progress = Callable[[str, int, int], None]


class Workshop:
    """What stages share while a campaign runs: the campaign, the simulators (started when first used) and the benchmarks."""

    def __init__(
        self, campaign: Campaign, progress: Progress = lambda stage, done, total: None
    ) -> None:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        import torch

        from rls3.vlm.features import ImageFeatures

        torch.set_num_threads(campaign.params.campaign.threads)
        self.campaign, self.progress = campaign, progress
        self._open: list[Any] = []
        self._benchmarks: dict[str, list[Sample]] = {}
        self.image_features = ImageFeatures()

    @property
    def params(self) -> Params:
        return self.campaign.params

    @cached_property
    def environment(self) -> Any:
        """The SceneEnv over a simulator that measures."""
        from rls3.agents.environment import SceneEnv
        from rls3.thor.client import ThorClient

        client = ThorClient(self.params.simulator, self.campaign.runtime / "thor")
        self._open.append(client)
        client.survey_all(self.params.simulator.floor_plans)
        return SceneEnv(
            client, self.params.simulator.floor_plans, self.params.sampling, self.params.agent
        )

    @cached_property
    def pool(self) -> Any:
        """The simulators that draw."""
        from rls3.thor.pool import RenderPool

        pool = RenderPool(self.params.simulator, self.campaign.runtime / "thor")
        self._open.append(pool)
        return pool

    def benchmark(self, split: str) -> list[Sample]:
        from rls3.evaluation.benchmark import read_benchmark

        if split not in self._benchmarks:
            self._benchmarks[split] = read_benchmark(self.campaign.benchmark, split)
        return self._benchmarks[split]

    def vlm(self, after: Round | None) -> Any:
        """The VLM as it was after a round; as the campaign begins with it if None."""
        from rls3.vlm.loading import load_vlm

        vlm = self.params.vlm
        return load_vlm(vlm.family, str(after.vlm) if after else vlm.checkpoint, self.campaign.base)

    def seed(self, number: int, stage: str) -> int:
        return integer_seed(self.params.campaign.seed, number, stage)

    def close(self) -> None:
        while self._open:
            self._open.pop().close()

    def __enter__(self) -> "Workshop":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _stage(function: Callable[[Workshop, Round], Record]) -> Callable[[Workshop, Round], Record]:
    """Skip what is finished; time and mark what was done."""
    name = function.__name__

    @wraps(function)
    def run(workshop: Workshop, round_: Round) -> Record:
        if round_.finished(name):
            return round_.record(name)
        round_.folder.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        record = function(workshop, round_)
        record["seconds"] = round(time.perf_counter() - started, 3)
        round_.finish(name, record)
        return record

    return run


@_stage
def sample(workshop: Workshop, round_: Round) -> Record:
    """The agent proposes scenes; the simulator measures them without drawing."""
    from rls3.agents.ppo import make_agent
    from rls3.agents.rollout import collect, save_rollout

    params, env = workshop.params, workshop.environment
    agent = make_agent(params.agent, env, workshop.seed(0, "agent"))
    _recall(agent, round_, workshop.seed(round_.number, "act"))
    env.describe(_weakness(round_.previous))
    e = params.campaign.episodes_per_round
    total = e * params.sampling.steps_per_episode
    episodes = range((round_.number - 1) * e, round_.number * e)
    rollout = collect(
        agent,
        env,
        episodes,
        workshop.seed(round_.number, "sample"),
        lambda done: workshop.progress("sample", done, total),
    )
    with whole_folder(round_.rollout) as folder:
        save_rollout(rollout, folder)
    reasons: dict[str, int] = {}
    for found in rollout.problems:
        for reason in found:
            reasons[reason] = reasons.get(reason, 0) + 1
    return {
        "proposed": len(rollout),
        "feasible": len(rollout.feasible),
        "infeasible_by_reason": reasons,
    }


def _recall(agent: Any, round_: Round, seed: int) -> None:
    """Bring an agent to where it stood after the previous round, with a random stream of this round's own."""
    if round_.previous is not None:
        agent.load(round_.previous.policy)
    agent.reseed(seed)


def _weakness(previous: Round | None) -> Any:
    from rls3.agents.environment import Weakness
    from rls3.evaluation.metrics import TERMS

    if previous is None:
        return Weakness.unknown()
    by_term = previous.record("evaluate")["val"]["by_term"]
    failure = np.array(previous.record("score")["failure_by_cell"])
    return Weakness(failure, np.array([by_term[t]["accuracy"] for t in TERMS]))


@_stage
def render(workshop: Workshop, round_: Round) -> Record:
    """Draw the feasible scenes, decide again what is visible, and caption what is valid from its measured geometry."""
    from rls3.agents.rollout import load_rollout
    from rls3.placing.validity import problems
    from rls3.scene.records import RenderFailure

    params, env = workshop.params, workshop.environment
    rollout = load_rollout(round_.rollout)
    steps = [int(i) for i in rollout.feasible]
    scenes = workshop.pool.render(
        [rollout.specs[i] for i in steps],
        lambda done: workshop.progress("render", done, len(steps)),
    )
    rng = generator(params.campaign.seed, round_.number, "caption")
    samples, reasons = [], {}
    for step, scene in zip(steps, scenes):
        found = (
            ("refused",)
            if isinstance(scene, RenderFailure)
            else problems(scene, env.surveys[scene.spec.floor_plan], params.sampling)
        )
        for reason in found:
            reasons[reason] = reasons.get(reason, 0) + 1
        if not found:
            kinds = sorted(env.surveys[scene.spec.floor_plan].kinds)
            samples.append(
                make_sample(
                    scene,
                    kinds,
                    rng,
                    campaign=workshop.campaign.name,
                    seed=params.campaign.seed,
                    round_number=round_.number,
                    step=step,
                    split="train",
                )
            )
    if len(samples) < 2:
        raise CampaignError(
            f"round {round_.number} made {len(samples)} valid samples of {len(rollout)} proposals ({reasons}); raise sampling.steps_per_episode or loosen sampling.*"
        )
    write_samples(samples, round_.rendered)
    return {"rendered": len(steps), "valid": len(samples), "discarded_by_reason": reasons}


@_stage
def validate(workshop: Workshop, round_: Round) -> Record:
    """Great Expectations on every row; what fails is kept apart with its reason."""
    from rls3.dataset import expectations
    from rls3.evaluation.benchmark import BENCHMARKS

    params = workshop.params
    samples = read_samples(round_.rendered)
    known = {s.sample_id for split in BENCHMARKS for s in workshop.benchmark(split)}
    report = expectations.validate(samples, params.sampling.min_visible_px, known, round_.docs)
    accepted = [samples[i] for i in report.accepted]
    share = len(report.rejected) / len(samples)
    write_samples([samples[i] for i, _ in report.rejected], round_.rejected)
    reasons = {samples[i].sample_id: why for i, why in report.rejected}
    if share > params.validation.max_rejected_share:
        example = next(iter(reasons.items()))
        raise CampaignError(
            f"round {round_.number}: {len(reasons)} of {len(samples)} samples fail validation (more than validation.max_rejected_share = "
            f"{params.validation.max_rejected_share}), e.g. {example[0]}: {example[1]}; see {report.docs}"
        )
    rng = generator(params.campaign.seed, round_.number, "share")
    keep = sorted(
        rng.permutation(len(accepted))[: max(1, round(params.sampling.share * len(accepted)))]
    )
    write_samples([accepted[i] for i in keep], round_.train)
    return {
        "accepted": len(accepted),
        "kept": len(keep),
        "rejected": reasons,
        "balance": report.statistics,
        "docs": str(report.docs.relative_to(workshop.campaign.root)),
    }


@_stage
def score(workshop: Workshop, round_: Round) -> Record:
    """Where does the VLM, as it was before this round, fail?"""
    from rls3.evaluation.metrics import judge

    samples = read_samples(round_.train)
    verdicts = judge(
        workshop.vlm(round_.previous),
        samples,
        workshop.params.evaluation.batch_size,
        lambda done: workshop.progress("score", done, len(samples)),
        workshop.image_features,
    )
    by_cell = np.full(26, 0.5)
    cells = np.array([s.cell for s in samples])
    for cell in np.unique(cells):
        by_cell[cell] = verdicts.failure[cells == cell].mean()
    return {
        "failure": {str(s.step): float(f) for s, f in zip(samples, verdicts.failure)},
        "failure_mean": float(verdicts.failure.mean()),
        "failure_by_cell": [float(v) for v in by_cell],
    }


def earlier_samples(round_: Round) -> list[list[Sample]]:
    """The samples of each earlier round."""
    return [read_samples(round_.campaign.round(number).train) for number in range(1, round_.number)]


@_stage
def finetune(workshop: Workshop, round_: Round) -> Record:
    """Fine-tune the VLM on the round's samples, with replay of earlier rounds."""
    from rls3.vlm.finetune import finetune as tune

    vlm = workshop.vlm(round_.previous)
    new = read_samples(round_.train)
    report = tune(
        vlm,
        new,
        earlier_samples(round_),
        workshop.params.finetune,
        workshop.seed(round_.number, "finetune"),
        lambda done, total: workshop.progress("fine-tune", done, total),
        workshop.image_features,
    )
    with whole_folder(round_.vlm) as folder:
        vlm.save(folder)
    return {"losses": list(report.losses), "presentations": report.samples}


@_stage
def evaluate(workshop: Workshop, round_: Round) -> Record:
    """The fine-tuned VLM on `val`, and again on the round's own samples (for learning progress)."""
    from rls3.evaluation.metrics import judge, summarize

    params = workshop.params.evaluation
    vlm, val, own = workshop.vlm(round_), workshop.benchmark("val"), read_samples(round_.train)
    total = len(val) + len(own)

    def judged(samples: list[Sample], before: int) -> Any:
        def progress(done: int) -> None:
            workshop.progress("evaluate", before + done, total)

        return judge(vlm, samples, params.batch_size, progress, workshop.image_features)

    verdicts, after = judged(val, 0), judged(own, len(val))
    save_verdicts(verdicts, round_.verdicts)
    return {
        "val": asdict(summarize(verdicts, val, params, workshop.seed(0, "bootstrap"))),
        "failure_after": {str(s.step): float(f) for s, f in zip(own, after.failure)},
    }


def save_verdicts(verdicts: Any, path: Any) -> None:
    from safetensors.numpy import save_file

    temporary = path.with_name(f".{path.name}.tmp")
    save_file(
        {name: np.ascontiguousarray(value) for name, value in asdict(verdicts).items()}, temporary
    )
    temporary.replace(path)


def load_verdicts(path: Any) -> Any:
    from safetensors.numpy import load_file

    from rls3.evaluation.metrics import Verdicts

    return Verdicts(**load_file(path))


@_stage
def reward(workshop: Workshop, round_: Round) -> Record:
    """What each step of the rollout earned (equations in `rls3.reward`)."""
    from rls3.agents.rollout import load_rollout
    from rls3.reward import rewards

    rollout = load_rollout(round_.rollout)
    before = {int(k): v for k, v in round_.record("score")["failure"].items()}
    after = {int(k): v for k, v in round_.record("evaluate")["failure_after"].items()}
    cells = {s.step: s.cell for s in read_samples(round_.train)}
    parts = rewards(rollout.intrinsic, before, after, cells, workshop.params.reward)
    return {
        "rewards": [float(r) for r in parts["total"]],
        "mean": {name: float(values.mean()) for name, values in parts.items()},
    }


@_stage
def update(workshop: Workshop, round_: Round) -> Record:
    """Teach the policy with the rewards that have arrived."""
    from rls3.agents.ppo import make_agent
    from rls3.agents.rollout import load_rollout

    agent = make_agent(workshop.params.agent, workshop.environment, workshop.seed(0, "agent"))
    _recall(agent, round_, workshop.seed(round_.number, "update"))
    logged = agent.learn(load_rollout(round_.rollout), np.array(round_.record("reward")["rewards"]))
    with whole_folder(round_.policy) as folder:
        agent.save(folder)
    return {"ppo": logged}


STAGES = (sample, render, validate, score, finetune, evaluate, reward, update)
"""In the order of the loop."""
