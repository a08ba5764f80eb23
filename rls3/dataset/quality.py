"""What the quality gate found in a round: what was wanted, in words; what was set aside and why;
how far the round drifted. Plain records, so that they are read without Great Expectations."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from rls3.dataset.drift import Drift
from rls3.dataset.sample import Sample, decode
from rls3.errors import DataError

MOST_PICTURES = 24
"""Of samples set aside, on a page; the quarantine holds all of them."""
MOST_IDS = 20
"""Of samples, beside an expectation that they fail."""
_THUMBNAIL_PX = 128


@dataclass(frozen=True)
class Check:
    """An expectation and its outcome. words: what it wants. failed: how many rows fail it. ids: of
    some of them. warns: a failure rejects nothing. observed: what was seen, if no rows tell."""

    words: str
    holds: bool
    failed: int
    ids: tuple[str, ...] = ()
    warns: bool = False
    observed: str = ""


@dataclass(frozen=True)
class SetAside:
    """A sample of the quarantine. picture: a data URI, "" if it cannot be read."""

    sample_id: str
    caption: str
    why: str
    picture: str


@dataclass(frozen=True)
class QualityDocs:
    """What a round's page shows. set_aside: at most `MOST_PICTURES` of those rejected. outcomes:
    Great Expectations' own results, by suite. quarantine: where the rejected lie, below the
    project."""

    campaign: str
    round: int
    accepted: int
    rejected: int
    checks: tuple[Check, ...]
    drift: tuple[Drift, ...]
    set_aside: tuple[SetAside, ...]
    outcomes: Mapping[str, object]
    quarantine: str

    @property
    def drifted(self) -> tuple[Drift, ...]:
        """What the expectations call drift."""
        warned = [check for check in self.checks if check.warns]
        return tuple(d for d, check in zip(self.drift, warned) if not check.holds)


def set_aside(rejected: Sequence[tuple[Sample, str]]) -> tuple[SetAside, ...]:
    """Some of the rejected, evenly over the reasons.

    Args:
        rejected: samples with their reasons.
    """
    by_reason: dict[str, list[tuple[Sample, str]]] = {}
    for sample, why in rejected:
        by_reason.setdefault(why, []).append((sample, why))
    columns = list(by_reason.values())
    longest = max(map(len, columns), default=0)
    in_turn = [column[i] for i in range(longest) for column in columns if i < len(column)]
    return tuple(
        SetAside(sample.sample_id, sample.caption, why, _thumbnail(sample))
        for sample, why in in_turn[:MOST_PICTURES]
    )


def _thumbnail(sample: Sample) -> str:
    try:
        picture = Image.fromarray(decode(sample))
    except DataError:
        return ""
    picture.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
