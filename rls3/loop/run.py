"""Running a stage: its inputs are looked up by name, its outputs appear whole, its record comes
last."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from rls3.agents.episodes import load_rollout, save_rollout
from rls3.agents.interface import Agent, Rollout, Scored, Weakness
from rls3.agents.make import make_agent
from rls3.dataset.data_docs import write_data_docs
from rls3.dataset.quarantine import write_quarantine
from rls3.dataset.sample import Provenance, read_samples, write_samples
from rls3.evaluation.benchmarks import BENCHMARKS, benchmark_path, read_benchmark
from rls3.evaluation.gallery import save_gallery
from rls3.evaluation.predictions import Predictions
from rls3.files import whole_folder
from rls3.language.relation import Term
from rls3.loop.integrity import checked, digests
from rls3.loop.records import EvaluateRecord, Record, ScoreRecord, ValidateRecord
from rls3.loop.resources import Resources
from rls3.loop.reward import Rewards
from rls3.loop.stages import RefusedSamples, Stage
from rls3.loop.store import Campaign, Round
from rls3.loop.threads import torch_threads
from rls3.placing.axes import axes_of
from rls3.placing.rooms import space_of
from rls3.seeds import generator, integer_seed
from rls3.vlm.interface import VLM, save_vlm
from rls3.vlm.loading import load_vlm

Progress = Callable[[str, int, int, str], None]
"""(title of the stage, done, total, unit): for whoever draws a progress bar."""


def silent(title: str, done: int, total: int, unit: str) -> None:
    """No progress bar."""


@dataclass(frozen=True)
class Moment:
    """Where a campaign stands when a stage runs: all that an input can be looked up from."""

    round: Round
    stage: Stage
    resources: Resources
    progress: Progress

    @property
    def campaign(self) -> Campaign:
        return self.round.campaign

    def seed(self, stream: str, number: int | None = None) -> int:
        """Of one random stream of the campaign; of this round unless another number is given."""
        number = self.round.number if number is None else number
        return integer_seed(self.campaign.params.campaign.seed, number, stream)

    def rng(self, stream: str) -> np.random.Generator:
        return generator(self.campaign.params.campaign.seed, self.round.number, stream)


def run_stage(
    stage: Stage, round_: Round, resources: Resources, progress: Progress = silent
) -> Record:
    """Do a stage of a round, unless it is finished.

    Returns: its record.
    Raises: RLS3Error; nothing appears under a final name then, but for the quarantine and its page.
    """
    if round_.finished(stage.name):
        return round_.record(stage.record)
    moment = Moment(round_, stage, resources, progress)
    started = time.perf_counter()
    with torch_threads(moment.campaign.params.campaign.threads):
        inputs = {name: INPUTS[name](moment) for name in stage.reads}
        try:
            made = stage.function(**inputs)
        except RefusedSamples as refused:
            for name, artefact in refused.kept.items():
                WRITERS[name](artefact, round_.path(name))
            raise
    record, *artefacts = made if isinstance(made, tuple) else (made,)
    for name, artefact in zip(stage.writes, artefacts, strict=True):
        WRITERS[name](artefact, round_.path(name))
    written = digests(moment.campaign.project, [round_.path(name) for name in stage.writes])
    seconds = round(time.perf_counter() - started, 3)
    record = replace(record, seconds=seconds, sha256=written)
    round_.finish(record)
    return record


# -- where each input comes from -------------------------------------------------------------------


def vlm_after(campaign: Campaign, round_: Round | None) -> VLM:
    """The VLM as it was after a round; as the campaign begins with it if None. Raises:
    ModelError."""
    params = campaign.params.vlm
    checkpoint = str(checked(round_, "vlm")) if round_ else params.checkpoint
    base, revision = campaign.project.base, params.revision
    return load_vlm(params.family, checkpoint, base, params.device, revision)


def _agent(moment: Moment) -> Agent:
    """The agent as it stood after the previous round."""
    params, rooms = moment.campaign.params, moment.resources.rooms
    space = space_of(rooms, params.agent.action, params.sampling.objects)
    agent = make_agent(params.agent, space, tuple(rooms), moment.seed("agent", 0))
    if moment.round.previous is not None:
        agent.load(checked(moment.round.previous, "policy"))
    return agent


def _episodes(moment: Moment) -> range:
    """Numbers of the round's episodes within the campaign; they choose the rooms."""
    per_round = moment.campaign.params.campaign.episodes_per_round
    return range((moment.round.number - 1) * per_round, moment.round.number * per_round)


def _weakness(moment: Moment) -> Weakness:
    """Where the VLM failed in the previous round."""
    previous = moment.round.previous
    if previous is None:
        return Weakness.unknown()
    scored, by_term = previous.record(ScoreRecord), previous.record(EvaluateRecord).val.by_term
    samples, sampling = read_samples(checked(previous, "train")), moment.campaign.params.sampling
    return Weakness(
        np.array(scored.failure_by_cell),
        np.array([by_term[term].accuracy for term in Term]),
        tuple(Scored(axes_of(s, sampling), scored.failure[s.step]) for s in samples),
    )


def _benchmark_ids(moment: Moment) -> frozenset[str]:
    folder = moment.campaign.project.benchmark
    paths = [benchmark_path(folder, split) for split in BENCHMARKS]
    return _ids(folder, tuple(p.stat().st_mtime_ns if p.exists() else 0 for p in paths))


@lru_cache(maxsize=1)
def _ids(folder: Path, _changed_ns: tuple[int, ...]) -> frozenset[str]:
    """Read once a process, unless a file changes."""
    return frozenset(item.item_id for split in BENCHMARKS for item in read_benchmark(folder, split))


def _provenance(moment: Moment) -> Provenance:
    campaign = moment.campaign
    return Provenance(campaign.name, campaign.params.campaign.seed, moment.round.number, "train")


def _stage_progress(moment: Moment) -> Callable[[int, int], None]:
    stage = moment.stage
    return lambda done, total: moment.progress(stage.title, done, total, stage.unit)


INPUTS: dict[str, Callable[[Moment], object]] = {
    # what earlier stages and rounds made
    "rollout": lambda m: load_rollout(checked(m.round, "rollout")),
    "rendered": lambda m: read_samples(checked(m.round, "rendered")),
    "train": lambda m: read_samples(checked(m.round, "train")),
    "earlier_train": lambda m: [read_samples(checked(r, "train")) for r in m.round.earlier],
    "vlm_before": lambda m: vlm_after(m.campaign, m.round.previous),
    "vlm": lambda m: vlm_after(m.campaign, m.round),
    "agent": _agent,
    "weakness": _weakness,
    "score_record": lambda m: m.round.record(ScoreRecord),
    "evaluate_record": lambda m: m.round.record(EvaluateRecord),
    "rewards": lambda m: Rewards.load(checked(m.round, "rewards")),
    # what is fixed for the campaign
    "val": lambda m: read_benchmark(m.campaign.project.benchmark, "val"),
    "base_predictions": lambda m: Predictions.load(m.campaign.base_predictions),
    "benchmark_ids": _benchmark_ids,
    "episodes": _episodes,
    "provenance": _provenance,
    "earlier_balance": lambda m: [r.record(ValidateRecord).balance for r in m.round.earlier],
    "quarantine": lambda m: m.campaign.project.relative(m.round.path("rejected")),
    "round_folder": lambda m: m.campaign.project.relative(m.round.folder),
    "docs_page": lambda m: m.campaign.project.relative(m.round.docs / "index.html"),
    # groups of parameters
    "sampling_params": lambda m: m.campaign.params.sampling,
    "validation_params": lambda m: m.campaign.params.validation,
    "finetune_params": lambda m: m.campaign.params.finetune,
    "evaluation_params": lambda m: m.campaign.params.evaluation,
    "reward_params": lambda m: m.campaign.params.reward,
    # random streams, one for each use, so that a resumed round draws what it would have drawn
    "act_rng": lambda m: np.random.default_rng(m.seed("act")),
    "episode_seed": lambda m: m.seed("sample"),
    "caption_rng": lambda m: m.rng("caption"),
    "share_rng": lambda m: m.rng("share"),
    "finetune_seed": lambda m: m.seed("finetune"),
    "finetune_processes": lambda m: m.campaign.params.execution.processes,
    "update_seed": lambda m: m.seed("update"),
    "bootstrap_seed": lambda m: m.campaign.bootstrap_seed,
    # what the campaign shares
    "simulator": lambda m: m.resources.simulator,
    "renderer": lambda m: m.resources.renderer,
    "rooms": lambda m: m.resources.rooms,
    "features": lambda m: m.resources.features,
    "scorers": lambda m: m.resources.scorers,
    "progress": _stage_progress,
}


# -- how each artefact is written ------------------------------------------------------------------


def _write_rollout(rollout: Rollout, path: Path) -> None:
    with whole_folder(path) as folder:
        save_rollout(rollout, folder)


def _write_vlm(vlm: VLM, path: Path) -> None:
    with whole_folder(path) as folder:
        save_vlm(vlm, folder)


def _write_policy(agent: Agent, path: Path) -> None:
    with whole_folder(path) as folder:
        agent.save(folder)


WRITERS: dict[str, Callable[..., None]] = {
    "rollout": _write_rollout,
    "rendered": write_samples,
    "train": write_samples,
    "rejected": write_quarantine,
    "data_docs": write_data_docs,
    "vlm": _write_vlm,
    "predictions": Predictions.save,
    "gallery": save_gallery,
    "rewards": Rewards.save,
    "policy": _write_policy,
}
