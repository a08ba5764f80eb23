"""What each stage and each step of a campaign notes: one frozen record each, written as JSON and
read back as itself.

A stage's record is its marker: it is written last, and a stage that has one is finished.
"""

from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import TypeAdapter

from rls3.errors import DataError
from rls3.evaluation.metrics import Evaluation, Slice
from rls3.files import read_json, write_json

Counts = dict[str, int]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Record:
    """Base of the stages' records.

    Attributes:
        stage: its name in the stage table. seconds: that the stage took.
        sha256: of each file that the stage wrote, by its path in the project; records of earlier
            versions have none (see `rls3.loop.integrity`).
    """

    stage: ClassVar[str]
    seconds: float = 0.0
    sha256: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SampleRecord(Record):
    """The agent's proposals, and how many of them are feasible by geometry alone."""

    stage: ClassVar[str] = "sample"
    proposed: int
    feasible: int
    infeasible_by_reason: Counts


@dataclass(frozen=True, kw_only=True)
class RenderRecord(Record):
    """Scenes drawn, and those in which subject and reference can be seen."""

    stage: ClassVar[str] = "render"
    rendered: int
    valid: int
    discarded_by_reason: Counts


@dataclass(frozen=True, kw_only=True)
class ValidateRecord(Record):
    """Samples that passed Great Expectations, and the share of them that is trained on.

    Attributes:
        rejected: sample id to reasons. balance: counts by "term", "cell", "complexity", "kind" and
            "brightness" of the accepted. drift: distance from the campaign so far, by measure (see
            `rls3.dataset.drift`). drifted: the measures above the limits of validation.
    """

    stage: ClassVar[str] = "validate"
    accepted: int
    kept: int
    rejected: dict[str, str]
    balance: dict[str, Counts]
    drift: dict[str, float] = field(default_factory=dict)
    drifted: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ScoreRecord(Record):
    """Failure (0..1) of the VLM as it was before the round: by step of the rollout, in the mean, by
    cell (26,)."""

    stage: ClassVar[str] = "score"
    failure: dict[int, float]
    failure_mean: float
    failure_by_cell: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class FinetuneRecord(Record):
    """Loss of each optimiser step; captions presented, those of earlier rounds included."""

    stage: ClassVar[str] = "finetune"
    losses: tuple[float, ...]
    presentations: int


@dataclass(frozen=True, kw_only=True)
class EvaluateRecord(Record):
    """The fine-tuned VLM on `val`, and its failure on the round's own samples, by step of the
    rollout."""

    stage: ClassVar[str] = "evaluate"
    val: Evaluation
    failure_after: dict[int, float]


@dataclass(frozen=True)
class Spread:
    """How a part of the reward is distributed over the accepted samples: mean and percentiles."""

    mean: float
    p5: float
    p25: float
    p50: float
    p75: float
    p95: float


@dataclass(frozen=True)
class TermReward:
    """Of the accepted samples with a term, or of a cell: their share, the VLM's mean failure on
    them, their mean reward."""

    share: float
    failure: float
    reward: float


@dataclass(frozen=True, kw_only=True)
class RewardRecord(Record):
    """What the rollout earned. mean: by part over all steps. spread: by part over accepted
    samples. by_term, by_cell: for those that occur; a cell by its name ("above + left")."""

    stage: ClassVar[str] = "reward"
    mean: dict[str, float]
    spread: dict[str, Spread]
    by_term: dict[str, TermReward]
    by_cell: dict[str, TermReward]


@dataclass(frozen=True, kw_only=True)
class UpdateRecord(Record):
    """What the agent logged of its update."""

    stage: ClassVar[str] = "update"
    logged: dict[str, float]


@dataclass(frozen=True)
class Manifest:
    """A finished round: where it came from (see `rls3.loop.lineage`), and what DVC and MLflow call
    it."""

    campaign: str
    round: int
    seed: int
    code_commit: str
    params: dict[str, object]
    sha256: dict[str, str]
    vlm_before: str
    vlm: str
    libraries: dict[str, str]
    python: str
    machine: str
    data_version: str
    mlflow_run_id: str
    seconds: dict[str, float]


@dataclass(frozen=True)
class Inputs:
    """What a campaign began with beside its parameters: SHA-256 of each file of the benchmark and
    of the starting checkpoint, by its path in the project (or from the root, if elsewhere)."""

    sha256: dict[str, str]


@dataclass(frozen=True)
class CampaignEvaluation:
    """Base and final model by split, with the paired gain by split that decides nothing. round: the
    final model's."""

    round: int
    base: dict[str, Evaluation]
    final: dict[str, Evaluation]
    gain: dict[str, Slice]


@dataclass(frozen=True)
class Decision:
    """Whether a model may become champion: its gain on val over `against`, with its interval; if
    not, why not."""

    passed: bool
    gain: float
    low: float
    high: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class GateRecord:
    """The gate's decision on a round's model. against: "base", or the champion's version in the
    registry."""

    round: int
    against: str
    decision: Decision


@dataclass(frozen=True)
class Registration:
    """A round's model in the registry."""

    round: int
    uri: str
    version: str
    alias: str


@dataclass(frozen=True)
class Recipe:
    """What a replay needs beside the data, and the accuracies on val, by round, that it must
    give."""

    campaign: str
    params: dict[str, dict[str, object]]
    val_accuracy: tuple[float, ...]


@dataclass(frozen=True)
class Summary:
    """What a campaign came to: `summary.json`. Pairs are (base, final), on test unless they say
    otherwise.

    Attributes:
        samples_invalid: proposals that were not accepted. result_round: whose VLM is the result.
        seconds_by_stage: the library's stages, then the other parts of this call.
        orchestration_share: of the time, what was not the method's own; None if it can't be told.
    """

    campaign: str
    base_accuracy: float
    final_accuracy: float
    gain: float
    interval: tuple[float, float]
    by_term: dict[str, tuple[float, float]]
    unseen_types: tuple[float, float] | None
    object_accuracy: tuple[float, float]
    samples_valid: int
    samples_invalid: int
    rounds: int
    result_round: int
    seconds_total: float
    seconds_by_stage: dict[str, float]
    orchestration_share: float | None
    mlflow_run_id: str
    model_uri: str
    model_version: str
    data_version: str
    gate: Decision
    report: str


@cache
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(kind)


def write_record(record: object, path: Path) -> None:
    """Raises: StorageError."""
    write_json(path, asdict(record))


def read_record(
    path: Path, kind: type[T], way_out: str = "delete it and run again to make it anew"
) -> T:
    """Raises: DataError if the file is missing, damaged, or holds something else."""
    raw = read_json(path, way_out if path.exists() else None)
    try:
        return _adapter(kind).validate_python(raw)
    except ValueError as error:
        reason = " ".join(str(error).splitlines()[1:3])
        raise DataError(f"{path} is no {kind.__name__} ({reason[:120]}); {way_out}") from None
