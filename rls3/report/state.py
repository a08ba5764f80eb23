"""Where a campaign stands: what the page shows, as records; what is not there yet is None."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from rls3.evaluation.gallery import GalleryItem
from rls3.evaluation.metrics import Evaluation
from rls3.loop.records import (
    CampaignEvaluation,
    EvaluateRecord,
    GateRecord,
    Manifest,
    Record,
    Registration,
    Summary,
)
from rls3.params import Params

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class StageState:
    """A stage of a round. record: None if it is not finished."""

    title: str
    record: Record | None


@dataclass(frozen=True)
class RoundState:
    """A round that has begun. stages: all of the stage table, in its order. manifest: None until
    the round is finished."""

    number: int
    stages: tuple[StageState, ...]
    manifest: Manifest | None

    def record(self, kind: type[R]) -> R | None:
        """What a stage noted."""
        return next((s.record for s in self.stages if isinstance(s.record, kind)), None)

    @property
    def stands_at(self) -> str:
        """Title of the first stage that is not finished; "" if all are."""
        return next((stage.title for stage in self.stages if stage.record is None), "")

    @property
    def seconds(self) -> float:
        """Of the stages that are finished."""
        return sum(stage.record.seconds for stage in self.stages if stage.record)


@dataclass(frozen=True)
class Gallery:
    """Pictures of a benchmark, the base model against the model after a round."""

    split: str
    round: int
    items: Sequence[GalleryItem]


@dataclass(frozen=True)
class Comparison:
    """Two models on one benchmark: the base model, and the one after a round."""

    split: str
    round: int
    before: Evaluation
    after: Evaluation

    @property
    def later(self) -> str:
        """What the second model is called."""
        return "result" if self.split == "test" else f"round {self.round}"


@dataclass(frozen=True)
class CampaignState:
    """What is known of a campaign.

    Attributes:
        params: with which it was begun. planned: rounds that it is to have.
        rounds: the finished ones, and the one that has begun after them.
        base_on_val: the starting model; None until it was judged.
        evaluation, gate, registration, summary: of the result, once the campaign was concluded.
        gallery: of the result on test, or of the latest round on val.
    """

    name: str
    params: Params
    planned: int
    rounds: tuple[RoundState, ...] = ()
    base_on_val: Evaluation | None = None
    evaluation: CampaignEvaluation | None = None
    gate: GateRecord | None = None
    registration: Registration | None = None
    summary: Summary | None = None
    gallery: Gallery | None = None

    def noted(self, kind: type[R]) -> dict[int, R]:
        """What a stage noted, by round."""
        found = ((r.number, r.record(kind)) for r in self.rounds)
        return {number: record for number, record in found if record is not None}

    @property
    def done(self) -> list[RoundState]:
        """The finished rounds."""
        return [r for r in self.rounds if r.manifest is not None]

    @property
    def current(self) -> RoundState | None:
        """The round that has begun and is not finished."""
        return next((r for r in self.rounds if r.manifest is None), None)

    @property
    def comparison(self) -> Comparison | None:
        """On test if the campaign was tested, else of the latest round on val."""
        if self.evaluation is not None:
            test = self.evaluation
            return Comparison("test", test.round, test.base["test"], test.final["test"])
        evaluated = self.noted(EvaluateRecord)
        if self.base_on_val is None or not evaluated:
            return None
        latest = max(evaluated)
        return Comparison("val", latest, self.base_on_val, evaluated[latest].val)
