"""The stages of a round: plain functions, and the one table that lists them in the order of the
loop (paper, figure "framework overview").

A stage function takes what its parameters name (`rls3.loop.run` says where each comes from),
calls the library and returns its record, followed by what its row says that it writes. It knows no
paths, so it can be tested alone and mapped over a cluster. Flow, tasks, resume, report and timing
iterate over `STAGES`; nothing else lists them.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature

import numpy as np

from rls3.agents.episodes import collect
from rls3.agents.interface import Agent, Outcome, Rollout, Weakness
from rls3.dataset import deferred
from rls3.dataset.drift import MEASURES, Counts
from rls3.dataset.quality import QualityDocs, set_aside
from rls3.dataset.quarantine import Rejected
from rls3.dataset.sample import Provenance, Sample, make_sample
from rls3.errors import CampaignError
from rls3.evaluation.gallery import GalleryItem, gallery_of
from rls3.evaluation.item import Item, item_of
from rls3.evaluation.mapped import Scorers, judge_with
from rls3.evaluation.metrics import summarize, verdicts
from rls3.evaluation.predictions import Predictions
from rls3.language.relation import CELLS
from rls3.loop.records import (
    EvaluateRecord,
    FinetuneRecord,
    Record,
    RenderRecord,
    RewardRecord,
    SampleRecord,
    ScoreRecord,
    UpdateRecord,
    ValidateRecord,
)
from rls3.loop.reward import Rewards, reward_record, rewards_of
from rls3.params import (
    EvaluationParams,
    FinetuneParams,
    RewardParams,
    SamplingParams,
    ValidationParams,
)
from rls3.placing.rooms import Room
from rls3.placing.validity import problems
from rls3.scene.records import Renderer, RenderFailure, Simulator
from rls3.vlm.features import ImageFeatures
from rls3.vlm.finetune import finetune as finetune_vlm
from rls3.vlm.interface import VLM

Progress = Callable[[int, int], None]
"""(done, total) in the units of the stage."""
Rooms = Mapping[str, Room]


class RefusedSamples(CampaignError):
    """A round's samples may not be trained on. kept: what is written nevertheless, for whoever
    looks into it, by its name in the stage table."""

    def __init__(self, message: str, kept: Mapping[str, object]) -> None:
        super().__init__(message)
        self.kept = kept


def sample(
    agent: Agent,
    simulator: Simulator,
    rooms: Rooms,
    episodes: range,
    weakness: Weakness,
    sampling_params: SamplingParams,
    act_rng: np.random.Generator,
    episode_seed: int,
    progress: Progress,
) -> tuple[SampleRecord, Rollout]:
    """The agent proposes scenes; the simulator measures them without drawing (paper: data
    generation)."""
    total = len(episodes) * sampling_params.steps_per_episode
    rollout = collect(
        agent,
        simulator,
        rooms,
        episodes,
        weakness,
        sampling_params,
        act_rng,
        episode_seed,
        lambda done: progress(done, total),
    )
    record = SampleRecord(
        proposed=len(rollout),
        feasible=len(rollout.feasible),
        infeasible_by_reason=dict(Counter(why for found in rollout.problems for why in found)),
    )
    return record, rollout


def render(
    rollout: Rollout,
    renderer: Renderer,
    rooms: Rooms,
    sampling_params: SamplingParams,
    provenance: Provenance,
    caption_rng: np.random.Generator,
    progress: Progress,
) -> tuple[RenderRecord, list[Sample]]:
    """Draw the feasible scenes, decide again what is visible, and caption what is valid from its
    measured geometry (paper: prompt generation)."""
    deferred.load_ahead()  # what the next stage validates with
    steps = [int(i) for i in rollout.feasible]
    specs = [rollout.specs[i] for i in steps]
    scenes = renderer.render(specs, lambda done: progress(done, len(steps)))
    samples, discarded = [], Counter()
    for step, scene in zip(steps, scenes):
        if isinstance(scene, RenderFailure):
            discarded["refused"] += 1
            continue
        room = rooms[scene.spec.floor_plan]
        found = problems(scene, room.survey, sampling_params)
        discarded.update(found)
        if not found:
            samples.append(make_sample(scene, room.kinds, caption_rng, provenance, step))
    if len(samples) < 2:
        raise CampaignError(
            f"round {provenance.round} made {len(samples)} valid samples of {len(rollout)} "
            f"proposals ({dict(discarded)}); raise sampling.steps_per_episode or loosen sampling.*"
        )
    record = RenderRecord(
        rendered=len(steps), valid=len(samples), discarded_by_reason=dict(discarded)
    )
    return record, samples


def validate(
    rendered: Sequence[Sample],
    benchmark_ids: frozenset[str],
    earlier_balance: Sequence[Mapping[str, Counts]],
    quarantine: str,
    docs_page: str,
    round_folder: str,
    provenance: Provenance,
    sampling_params: SamplingParams,
    validation_params: ValidationParams,
    share_rng: np.random.Generator,
) -> tuple[ValidateRecord, list[Sample], list[Rejected], QualityDocs]:
    """Great Expectations on every row; what fails goes to the quarantine with its reasons, and
    drift against the campaign so far is told. A random share (paper: eta) of what passes is trained
    on."""
    report = deferred.expectations().validate(
        rendered,
        sampling_params.min_visible_px,
        benchmark_ids,
        earlier_balance,
        validation_params.max_drift,
    )
    accepted = [rendered[i] for i in report.accepted]
    rejected = [(rendered[i], why) for i, why in report.rejected]
    docs = QualityDocs(
        campaign=provenance.campaign,
        round=provenance.round,
        accepted=len(accepted),
        rejected=len(rejected),
        checks=report.checks,
        drift=report.drift,
        set_aside=set_aside(rejected),
        outcomes=report.outcomes,
        quarantine=quarantine,
    )
    if refusal := _refusal(docs, rejected, validation_params):
        raise RefusedSamples(
            f"round {provenance.round}: {refusal}; see {docs_page}, and delete {round_folder} to "
            "make them anew",
            {"rejected": rejected, "data_docs": docs},
        )
    n_kept = max(1, round(sampling_params.share * len(accepted)))
    kept = sorted(share_rng.permutation(len(accepted))[:n_kept])
    record = ValidateRecord(
        accepted=len(accepted),
        kept=len(kept),
        rejected={sample.sample_id: why for sample, why in rejected},
        balance=report.statistics,
        drift={d.measure: d.distance for d in report.drift},
        drifted=tuple(d.measure for d in docs.drifted),
    )
    return record, [accepted[i] for i in kept], rejected, docs


def _refusal(docs: QualityDocs, rejected: Sequence[Rejected], params: ValidationParams) -> str:
    """Why the round may not be trained on; "" if it may."""
    n, most = docs.accepted + docs.rejected, params.max_rejected_share
    example = "".join(f", e.g. {sample.sample_id}: {why}" for sample, why in rejected[:1])
    if docs.rejected > most * n:
        return (
            f"{docs.rejected} of {n} samples fail validation (more than "
            f"validation.max_rejected_share = {most}; raise it to use the others){example}"
        )
    if not docs.accepted:
        return f"all {n} samples fail validation, which leaves none to train on{example}"
    if docs.drifted and params.on_drift == "stop":
        moved = ", ".join(
            f"{MEASURES[d.measure]} moved by {d.distance:.2f}, more than "
            f"validation.max_{d.measure}_drift = {params.max_drift[d.measure]}"
            for d in docs.drifted
        )
        return (
            f"its samples drifted from the campaign so far ({moved}); to train on them "
            "nevertheless, give -S validation.on_drift=warn"
        )
    return ""


def score(
    vlm_before: VLM,
    train: Sequence[Sample],
    evaluation_params: EvaluationParams,
    features: ImageFeatures,
    scorers: Scorers | None,
    progress: Progress,
) -> ScoreRecord:
    """Where does the VLM, as it was before this round, fail? (paper: VLM feedback)"""
    failure = _failure(vlm_before, train, evaluation_params, features, scorers, progress)
    cells = np.array([s.cell for s in train])
    by_cell = np.full(len(CELLS), 0.5)  # nothing is known of a cell that was not sampled
    for cell in np.unique(cells):
        by_cell[cell] = failure[cells == cell].mean()
    return ScoreRecord(
        failure=_by_step(train, failure),
        failure_mean=float(failure.mean()),
        failure_by_cell=tuple(map(float, by_cell)),
    )


def finetune(
    vlm_before: VLM,
    train: Sequence[Sample],
    earlier_train: Sequence[Sequence[Sample]],
    finetune_params: FinetuneParams,
    sampling_params: SamplingParams,
    finetune_seed: int,
    finetune_processes: int,
    features: ImageFeatures,
    progress: Progress,
) -> tuple[FinetuneRecord, VLM]:
    """Fine-tune the VLM on what the samples of this round and of all earlier ones show (paper: VLM
    fine-tuning)."""
    report = finetune_vlm(
        vlm_before,
        train,
        earlier_train,
        finetune_params,
        sampling_params,
        finetune_seed,
        progress,
        features,
        finetune_processes,
    )
    record = FinetuneRecord(losses=report.losses, presentations=report.captions)
    return record, vlm_before  # fine-tuned in place


def evaluate(
    vlm: VLM,
    val: Sequence[Item],
    base_predictions: Predictions,
    train: Sequence[Sample],
    evaluation_params: EvaluationParams,
    bootstrap_seed: int,
    features: ImageFeatures,
    scorers: Scorers | None,
    progress: Progress,
) -> tuple[EvaluateRecord, Predictions, list[GalleryItem]]:
    """The fine-tuned VLM on `val`, and again on the round's own samples (for learning progress)."""
    total = len(val) + len(train)
    size = evaluation_params.batch_size
    predictions = judge_with(scorers, vlm, val, size, lambda done: progress(done, total), features)
    after = _failure(
        vlm,
        train,
        evaluation_params,
        features,
        scorers,
        lambda done, _: progress(len(val) + done, total),
    )
    record = EvaluateRecord(
        val=summarize(predictions, evaluation_params, bootstrap_seed),
        failure_after=_by_step(train, after),
    )
    return record, predictions, gallery_of(val, base_predictions, predictions)


def reward(
    rollout: Rollout,
    train: Sequence[Sample],
    score_record: ScoreRecord,
    evaluate_record: EvaluateRecord,
    reward_params: RewardParams,
) -> tuple[RewardRecord, Rewards]:
    """What each step of the rollout earned (equations in `rls3.loop.reward`)."""
    cells = {s.step: s.cell for s in train}
    rewards = rewards_of(
        rollout.intrinsic,
        score_record.failure,
        evaluate_record.failure_after,
        cells,
        reward_params,
    )
    return reward_record(rewards, score_record.failure, cells), rewards


def update(
    agent: Agent, rollout: Rollout, rewards: Rewards, update_seed: int
) -> tuple[UpdateRecord, Agent]:
    """Teach the policy with the rewards that have arrived."""
    logged = agent.learn(Outcome(rollout, rewards.total, update_seed))
    return UpdateRecord(logged=logged), agent


def _failure(
    vlm: VLM,
    samples: Sequence[Sample],
    params: EvaluationParams,
    features: ImageFeatures,
    scorers: Scorers | None,
    progress: Progress,
) -> np.ndarray:
    """(N,) failure of the VLM on each sample, 0..1 (see `rls3.evaluation.metrics.Verdicts`)."""
    items = [item_of(s) for s in samples]
    predictions = judge_with(
        scorers,
        vlm,
        items,
        params.batch_size,
        lambda done: progress(done, len(items)),
        features,
    )
    return verdicts(predictions).failure


def _by_step(samples: Sequence[Sample], values: np.ndarray) -> dict[int, float]:
    return {s.step: float(value) for s, value in zip(samples, values)}


@dataclass(frozen=True)
class Stage:
    """A row of the table.

    Attributes:
        title: as a person reads it, in Prefect and in the report.
        function: its parameters name what it reads (`rls3.loop.run`).
        writes: names of the artefacts that it returns after its record
            (`rls3.loop.store.Round.path`).
        outside: reaches for something that can fail by itself (the simulator), so it may be tried
            again.
        unit: of its progress.
        library: its seconds are the method's own; else they count as orchestration.
    """

    title: str
    function: Callable[..., Record | tuple[object, ...]]
    record: type[Record]
    writes: tuple[str, ...] = ()
    outside: bool = False
    unit: str = "samples"
    library: bool = True

    @property
    def name(self) -> str:
        return self.record.stage

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of its inputs: the function's own parameters."""
        return tuple(signature(self.function).parameters)


STAGES = (
    Stage("sample scenes", sample, SampleRecord, ("rollout",), outside=True, unit="proposals"),
    Stage("render scenes", render, RenderRecord, ("rendered",), outside=True, unit="scenes"),
    Stage(
        "validate samples",
        validate,
        ValidateRecord,
        ("train", "rejected", "data_docs"),
        library=False,
    ),
    Stage("score VLM", score, ScoreRecord),
    Stage("fine-tune VLM", finetune, FinetuneRecord, ("vlm",), unit="steps"),
    Stage("evaluate VLM", evaluate, EvaluateRecord, ("predictions", "gallery")),
    Stage("compute rewards", reward, RewardRecord, ("rewards",), unit="proposals"),
    Stage("update policy", update, UpdateRecord, ("policy",), outside=True, unit="proposals"),
)
