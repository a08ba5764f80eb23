"""What a fault is, and how a campaign that met one is brought to its end as a person would: run
again, and do what a sentence says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.faults.rig import Ended, Rig

RUN = ("run", "--no-prefect")
MORE = (*RUN, "-S", "campaign.rounds=3")
_TRIES = 4


@dataclass(frozen=True)
class Case:
    """A fault.

    Attributes:
        state: from which it starts: "pristine" (no campaign yet) or "finished" (two rounds).
        rounds: that it ends with.
        act: does it, and ends with a complete run.
        campaigns: whose tables must be those of the undisturbed run.
    """

    kind: str
    name: str
    state: str
    act: Callable[[Rig], list[Ended]]
    campaigns: tuple[str, ...] = ("c",)
    rounds: int = 2


def completed(rig: Rig, state: str, arguments: Sequence[str], mend: Callable[[], None]) -> list:
    """Run to the end; what a sentence says is followed, `mend` stands for what only a person can do
    (free space, start a server)."""
    seen: list[Ended] = []
    for _ in range(_TRIES):
        seen.append(rig.run(*arguments))
        if seen[-1].code == 0:
            break
        mend()
        rig.follow(seen[-1].said, state)
    return seen


def nothing() -> None: ...
