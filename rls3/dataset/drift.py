"""How far a round's samples are from the campaign so far, in what they show: counts in, distances
out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rls3.dataset.sample import Sample, decode
from rls3.errors import DataError

Counts = Mapping[str, int]
MEASURES = {
    "term": "relations by term",
    "kind": "objects by kind",
    "brightness": "pictures by brightness",
}
"""What drift is measured of, by its name in `ValidateRecord.balance`, as a person calls it."""
_PICTURES = 128  # of a round, evenly over it: decoding all would take seconds of a campaign
_BIN = 16  # of 256 levels


@dataclass(frozen=True)
class Drift:
    """Of one measure. distance: the share of the round's samples that would have to show something
    else, beyond what chance explains (see `distance`). most: name, share before, share now, of what
    changed most."""

    measure: str
    distance: float
    most: tuple[str, float, float]

    @property
    def change(self) -> str:
        """In words."""
        name, before, now = self.most
        return f"{name}: {100 * before:.0f} % before, {100 * now:.0f} % now"


def shown(samples: Sequence[Sample]) -> dict[str, dict[str, int]]:
    """Counts of kinds (of subjects and references), and of pictures by mean brightness (levels of
    255, in bins), for which at most 128 pictures are looked at."""
    kinds = Counter(name for s in samples for name in (s.subject, s.reference))
    some = np.linspace(0, len(samples) - 1, min(len(samples), _PICTURES)).astype(int)
    levels = Counter(level for i in some if (level := _brightness(samples[i])) is not None)
    return {
        "kind": dict(sorted(kinds.items())),
        "brightness": {_bin_name(level): n for level, n in sorted(levels.items())},
    }


def _brightness(sample: Sample) -> int | None:
    """Number of its bin; None for a picture that cannot be read, which others complain about."""
    try:
        return int(decode(sample).mean() // _BIN)
    except DataError:
        return None


def _bin_name(number: int) -> str:
    return f"{number * _BIN} to {number * _BIN + _BIN - 1}"


def drifts(balance: Mapping[str, Counts], earlier: Sequence[Mapping[str, Counts]]) -> list[Drift]:
    """Of each measure that this round and an earlier one counted.

    Args:
        balance: counts of this round by measure. earlier: those of the rounds before it.
    """
    found = []
    for measure in MEASURES:
        before: Counter[str] = Counter()
        for counts in earlier:
            before.update(counts.get(measure, {}))
        now = Counter(balance.get(measure, {}))
        if now.total() and before.total():
            found.append(Drift(measure, distance(now, before), _most(now, before)))
    return found


def distance(now: Counts, before: Counts) -> float:
    """Total variation distance less its expectation if both were drawn alike, at least 0; 1 is
    nothing in common.

    The expectation is sqrt(2/pi) times the standard deviation of each difference of shares, halved
    and summed, so small rounds do not seem to drift.
    """
    names = sorted(set(now) | set(before))
    a, b = (np.array([counts.get(n, 0) for n in names], float) for counts in (now, before))
    n, m = a.sum(), b.sum()
    pooled = (a + b) / (n + m)
    chance = 0.5 * np.sqrt(2 / np.pi * pooled * (1 - pooled) * (1 / n + 1 / m)).sum()
    return round(max(0.0, float(0.5 * np.abs(a / n - b / m).sum() - chance)), 4)


def _most(now: Counter[str], before: Counter[str]) -> tuple[str, float, float]:
    def shares(name: str) -> tuple[float, float]:
        return before[name] / before.total(), now[name] / now.total()

    def change(name: str) -> float:
        was, is_ = shares(name)
        return abs(is_ - was)

    name = max(sorted(set(now) | set(before)), key=change)
    return name, *shares(name)
