"""params.yaml as typed, frozen, checked records. Each function gets its own group; no global
settings object travels. It is in one piece, so that every knob is found in one file."""

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from rls3.errors import ParamsError
from rls3.overrides import apply_override, sentence

Share = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveInt = Annotated[int, Field(ge=1)]
NonNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]
Port = Annotated[int, Field(ge=1, le=65535)]


def _in_turn(entries: tuple[str, ...]) -> tuple[str, ...]:
    """Ranges written out ("FloorPlan1-3" is three rooms), their rooms in turn: the first of each,
    the second of each, ..."""
    written_out = []
    for entry in entries:
        match = re.fullmatch(r"(FloorPlan)(\d+)-(\d+)", entry)
        if match is None:
            written_out.append([entry])
            continue
        first, last = int(match[2]), int(match[3])
        if last < first:
            raise ValueError(f"the range {entry!r} runs backwards; write the lower number first")
        written_out.append([f"{match[1]}{number}" for number in range(first, last + 1)])
    return tuple(
        dict.fromkeys(
            room for turn in zip_longest(*written_out) for room in turn if room is not None
        )
    )


Room = Annotated[str, Field(pattern=r"^\w[\w-]*$", max_length=80)]
"""Names a file of surveys too, so it leads nowhere else."""
Rooms = Annotated[tuple[Room, ...], Field(min_length=1), AfterValidator(_in_turn)]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


class CampaignParams(_Group):
    """A campaign: a named series of rounds that grows one dataset, one policy and one VLM."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    seed: Annotated[int, Field(ge=0)]
    rounds: PositiveInt
    episodes_per_round: PositiveInt
    """E of the paper: episodes (each on one floor plan) between two fine-tunings."""
    patience_rounds: Annotated[int, Field(ge=0)]
    """Stop early after this many rounds without a better accuracy on `val`; 0 never stops early."""
    publish: Literal["none", "push", "commit"]
    """push: after each round, the data's version goes to the DVC remote. commit: at the campaign's
    end its data.dvc is also committed, on the git branch `rls3/data-<name>`."""
    threads: PositiveInt
    """Of torch. Figures are equal to the last digit only between runs with the same number."""


class ExecutionParams(_Group):
    """Where tasks run. None of it changes what a campaign makes."""

    runner: Literal["thread", "process", "dask"]
    """Who draws: threads or processes of this machine (simulator.workers of them), or a Dask
    cluster. Each has a simulator of its own."""
    dask_address: Annotated[str, Field(pattern=r"^$|^(tcp|tls|ws|wss)://\S+$")]
    """Of a scheduler, e.g. tcp://127.0.0.1:8786; empty starts a cluster of simulator.workers
    processes here."""
    scenes_per_task: PositiveInt
    map_score: bool
    """Whether the same workers also score; else this process does, and they need no model."""
    items_per_task: PositiveInt
    """Items that a worker scores at once, rounded up to whole batches."""
    processes: PositiveInt
    """That share each batch of fine-tuning (torch's gloo, by accelerate). Losses are equal within
    rounding between numbers of processes."""


class SimulatorParams(_Group):
    backend: Literal["embedded", "unity"]
    embedded_command: str
    """embedded: another command that speaks the same protocol; empty is this package's own
    executable."""
    unity_path: str
    """unity: path of a local AI2-THOR executable; empty lets ai2thor download its own build
    (CloudRendering)."""
    floor_plans: Rooms
    """Rooms of the campaign, cycled over the episodes; FloorPlan1-20 stands for twenty, ranges are
    taken in turn."""
    width_px: Annotated[int, Field(ge=32, le=2048)]
    height_px: Annotated[int, Field(ge=32, le=2048)]
    quality: Literal["observation", "dataset", "beauty"]
    workers: PositiveInt
    """Simulator processes that render side by side."""
    action_timeout_s: Positive
    """Longer than this and the watchdog kills the simulator and starts another."""


class SamplingParams(_Group):
    steps_per_episode: PositiveInt
    """T of the paper: proposals of the agent in one episode, valid (T0) or not."""
    objects: Annotated[int, Field(ge=2, le=6)]
    """Active objects of a scene (three in the paper)."""
    types: tuple[str, ...]
    """Types of object that a campaign may place; [] is all that a room has, but for those held
    out."""
    held_out_types: tuple[str, ...]
    """Named by the base model, never placed by a campaign: the benchmark `unseen` shows relations
    with them."""
    share: Annotated[float, Field(gt=0.0, le=1.0)]
    """eta of the paper: share of an episode's valid samples that goes into the fine-tuning
    batch."""
    fov_deg: Annotated[float, Field(ge=20.0, le=120.0)]
    min_margin_deg: Annotated[float, Field(ge=0.0, lt=22.5)]
    """A relation closer than this to the border of its angular region is ambiguous, hence
    invalid."""
    max_distance_m: Positive
    """Farthest distance from the eye to the subject or the reference."""
    min_visible_px: PositiveInt
    """Fewest visible pixels of subject and reference in the rendered image."""


Action = Literal["goal", "raw"]
Axis = Literal["cell", "subject", "reference", "pair", "colors", "view", "distance", "room"]
"""What the VLM's failure can be told apart by before a scene is placed (rls3/placing/axes.py)."""


class PPOParams(_Group):
    """As in stable-baselines3, whose PPO this is."""

    learning_rate: Positive
    epochs: PositiveInt
    batch_size: PositiveInt
    gamma: Share
    gae_lambda: Share
    clip_range: Positive
    entropy_coefficient: NonNegative
    target_kl: Positive
    hidden_units: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]


class FailureParams(_Group):
    """A goal is asked for in proportion to max(floor, smoothed failure) of its combination of the
    axes; smoothed failure = (sum of failures + prior_count * prior) / (samples + prior_count)."""

    axes: Annotated[tuple[Axis, ...], Field(min_length=1)]
    prior: Share
    """Failure expected where nothing is known."""
    prior_count: Positive
    """Samples that the prior is worth."""
    floor: Annotated[float, Field(gt=0.0, le=1.0)]
    """So that nothing is forgotten."""

    @model_validator(mode="after")
    def _leaves_a_choice(self) -> "FailureParams":
        if set(self.axes) == {"room"}:
            raise ValueError(
                "agent.failure.axes = ['room'] leaves nothing to choose, as rooms come in turn; "
                "name another axis beside it"
            )
        return self


class AgentParams(_Group):
    """Who proposes scenes. Each agent that has parameters has a group of its own name."""

    name: Literal["ppo", "random", "stratified", "failure"]
    """The module of that name in rls3/agents/."""
    action: Action
    """goal: a proposal names what to show and a solver places it. raw: the paper's pick, swap and
    move (ppo and random)."""
    ppo: PPOParams
    failure: FailureParams


class RewardParams(_Group):
    """Weights of the reward's parts; see rls3/loop/reward.py for the equations."""

    intrinsic_weight: NonNegative
    extrinsic_weight: NonNegative
    progress_weight: NonNegative


class ValidationParams(_Group):
    max_rejected_share: Share
    """A round with a larger share of rejected rows stops before fine-tuning."""
    max_term_drift: Share
    max_kind_drift: Share
    max_brightness_drift: Share
    """A round drifts if a larger share of its terms, kinds of object or brightnesses moved, against
    the campaign so far and beyond chance (rls3/dataset/drift.py)."""
    on_drift: Literal["warn", "stop"]
    """warn: say so and go on with the same samples. stop: end the run before fine-tuning."""

    @property
    def max_drift(self) -> dict[str, float]:
        """By measure of rls3/dataset/drift.py."""
        return {
            "term": self.max_term_drift,
            "kind": self.max_kind_drift,
            "brightness": self.max_brightness_drift,
        }


class VLMParams(_Group):
    family: Literal["clip", "vilt"]
    """A module of that name in rls3/vlm/, which says what there is to know about the family."""
    checkpoint: Annotated[str, Field(min_length=1)]
    """base: the base model in the repository's DVC remote. Else a local folder or a hub name."""
    revision: Annotated[str, Field(pattern=r"^([0-9a-f]{40})?$")] = ""
    """Commit of a hub name, 40 hexadecimal digits; without effect for a folder."""
    device: Literal["auto", "cpu", "cuda", "mps"]
    """Where the model runs. auto: cuda if there is one, else mps, else cpu. Figures are equal to
    the last digit only on the same device."""


class BaseParams(_Group):
    """The tiny base models and how they are pre-trained (rls3/vlm/pretraining/)."""

    seed: Annotated[int, Field(ge=0)]
    samples: PositiveInt
    """Scenes rendered for pre-training."""
    image_px: PositiveInt
    patch_px: PositiveInt
    width: PositiveInt
    """Of clip's text tower, and of vilt."""
    vision_width: PositiveInt
    """Of clip's vision tower and of the space in which image and text meet."""
    vision_layers: PositiveInt
    text_layers: PositiveInt
    batch_size: PositiveInt
    learning_rate: Positive
    vision_epochs: Positive
    text_epochs: Positive
    vilt_vision_epochs: Positive
    vilt_epochs: Positive


class FinetuneParams(_Group):
    learning_rate: Positive
    muon_rate: NonNegative
    """Of learning_rate: Muon's, which updates the matrices of a transformer's layers; 0 leaves all
    to AdamW, by which the hub's checkpoints were pre-trained."""
    weight_decay: NonNegative
    captions: Literal["one", "pairs"]
    """What is taught of a sample: its own caption, or those of all ordered pairs of objects in its
    picture that sampling.min_visible_px and sampling.min_margin_deg let through."""
    mirrored: bool
    """Whether half of each batch is the other half mirrored, its captions' left and right
    exchanged."""
    batch_size: PositiveInt
    """Captions of a step, each with its picture and its false captions."""
    steps: PositiveInt
    """Of each round."""
    decay_rounds: PositiveInt
    """Rounds of a campaign, from the first, over which the learning rate rises once and falls once;
    later rounds keep the last rate. As many as campaign.rounds, usually."""
    warmup_share: Share
    """Of these rounds: the rate rises in a line, then falls as half a cosine."""
    final_rate_share: Share
    """Of learning_rate: where the fall ends; 1 is no fall."""
    clip_norm: Positive
    replay_share: Annotated[float, Field(ge=0.0, lt=1.0)]
    """Share of each batch that is drawn from earlier rounds."""
    negatives: PositiveInt
    """False captions beside each true one, at most."""
    lock_vision: bool
    """clip: train only the text tower and the projections. vilt: lock the patch embedding."""
    hard_negative_weight: NonNegative
    """Weight of the true caption's cross-entropy among the image's own captions."""
    hard_image_weight: NonNegative
    """Weight of the picture's cross-entropy among those of the batch that have its caption as a
    false one: a mirrored picture, or the same two objects standing otherwise."""
    contrastive_weight: NonNegative
    """clip: weight of InfoNCE over the batch. vilt: weight of binary image-text matching."""


class EvaluationParams(_Group):
    bootstrap: PositiveInt
    """Resamples behind each confidence interval."""
    val_per_cell: PositiveInt
    test_per_cell: PositiveInt
    unseen_per_cell: PositiveInt
    """Samples of each of the 26 relations in the frozen benchmarks (they decide when the benchmarks
    are built)."""
    val_floor_plans: Rooms
    test_floor_plans: Rooms
    """Rooms of the benchmarks; no campaign and no base model may train in them (unseen is in test's
    rooms)."""
    batch_size: PositiveInt


class GateParams(_Group):
    term_tolerance: Share
    """No term's accuracy may fall by more than this for a model to become champion."""


class TrackingParams(_Group):
    uri: str
    """MLflow tracking URI; empty is MLFLOW_TRACKING_URI of the environment, or without that a
    SQLite file below runs/. Without password: parameters are recorded."""
    experiment: Annotated[str, Field(min_length=1)]
    registered_model: Annotated[str, Field(min_length=1, pattern=r"^[^/:'\"]+$")]

    @field_validator("uri")
    @classmethod
    def _holds_no_secret(cls, uri: str) -> str:
        if re.search(r"//[^/?#]*@|[?&][^=&]*(password|token)[^=&]*=", uri, re.IGNORECASE):
            raise ValueError(
                "tracking.uri holds a user or a password, which would be recorded with the "
                "parameters; leave them out, and set MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD (of a database: leave tracking.uri empty, and give the "
                "whole address in MLFLOW_TRACKING_URI)"
            )
        return uri


class ServeParams(_Group):
    """`rls3 serve`: what listens on loopback, and how it looks after scheduled runs."""

    prefect_port: Port
    mlflow_port: Port
    pages_port: Port
    """Of the reports and Data Docs below runs/."""
    watch_s: Positive
    """Seconds between two looks at the runs: for late, failed and crashed ones."""
    retries: Annotated[int, Field(ge=0)]
    """How often a run whose process died is tried again."""


class NotifyParams(_Group):
    """Who is told of late, failed and crashed runs, and how."""

    url: Annotated[str, Field(pattern=r"^(https?://[^/@\s]+(/[^@\s]*)?)?$")]
    """A JSON document is posted there; empty tells nobody. An address that is itself a secret goes
    into the environment (RLS3_NOTIFY_URL), as does a bearer token (RLS3_NOTIFY_TOKEN)."""


class ReplayParams(_Group):
    campaign: Annotated[str, Field(min_length=1)]
    """Folder below data/ that `dvc repro` fine-tunes again and compares with what was recorded."""


class Params(_Group):
    campaign: CampaignParams
    execution: ExecutionParams
    simulator: SimulatorParams
    sampling: SamplingParams
    agent: AgentParams
    reward: RewardParams
    validation: ValidationParams
    vlm: VLMParams
    base: BaseParams
    finetune: FinetuneParams
    evaluation: EvaluationParams
    gate: GateParams
    tracking: TrackingParams
    serve: ServeParams
    notify: NotifyParams
    replay: ReplayParams

    @model_validator(mode="after")
    def _rules_across_groups(self) -> "Params":
        shared = set(self.sampling.types) & set(self.sampling.held_out_types)
        if shared:
            raise ValueError(
                f"sampling.held_out_types names {min(shared)!r}, which sampling.types names too; "
                "take it out of one of them"
            )
        benchmarks = self.evaluation.val_floor_plans + self.evaluation.test_floor_plans
        leaked = [room for room in self.simulator.floor_plans if room in benchmarks]
        if leaked:
            raise ValueError(
                f"simulator.floor_plans names {leaked[0]!r}, a room of the benchmarks; take it out "
                "there or out of evaluation.val_floor_plans and evaluation.test_floor_plans"
            )
        pixels = self.simulator.width_px * self.simulator.height_px
        if self.sampling.min_visible_px * 4 > pixels:
            raise ValueError(
                f"sampling.min_visible_px={self.sampling.min_visible_px} is more than a "
                f"quarter of the image's {pixels} pixels; lower it, or raise simulator.width_px "
                "and simulator.height_px"
            )
        return self


def load_params(path: Path, overrides: Sequence[str] = ()) -> Params:
    """Read and check params.yaml, with overrides on top: `group.key=value`, and
    `group.inner.key=value` for a group within a group.

    Raises: ParamsError, one sentence that names the key, the value and the way out.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(
            f"{path} does not exist; run in the project's folder or name the file with --params"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ParamsError(
            f"{path} cannot be read ({reason}); name a params.yaml with --params"
        ) from None
    except yaml.YAMLError as error:
        raise ParamsError(
            f"{path} is not valid YAML ({' '.join(str(error).split())}); mend that line"
        ) from None
    if not isinstance(raw, dict):
        raise ParamsError(
            f"{path} holds no groups of parameters; restore it with `git checkout {path.name}`"
        )
    for override in overrides:
        apply_override(raw, override, Params)
    return check_params(raw, str(path))


def check_params(raw: dict[str, Any], source: str = "params") -> Params:
    """Raises: ParamsError for the first unknown key or bad value."""
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        raise ParamsError(f"{source}: {sentence(error.errors()[0], Params)}") from None


def with_overrides(params: Params, changed: Mapping[str, object]) -> Params:
    """The same parameters with other values of some ("campaign.rounds": 3), checked again.

    Raises: ParamsError for an unknown key or a bad value.
    """
    raw = params.model_dump()
    for key, value in changed.items():
        *groups, name = key.split(".")
        group = raw
        for depth, part in enumerate(groups, 1):
            group = group.get(part)
            if not isinstance(group, dict):
                raise ParamsError(f"there is no group {'.'.join(groups[:depth])!r} for {key!r}")
        group[name] = value
    return check_params(raw)
