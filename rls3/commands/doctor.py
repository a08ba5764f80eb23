"""`rls3 doctor`: what this machine lacks for a campaign."""

from dataclasses import dataclass
from pathlib import Path

from rls3.commands import Answer
from rls3.commands.screen import Screen
from rls3.doctor import CHECKS, Check, check
from rls3.loop.store import Campaign, Project
from rls3.params import Params


@dataclass(frozen=True)
class Document:
    """What `--json` prints. ok: all checks are."""

    ok: bool
    checks: tuple[Check, ...]


def main(root: Path, params: Params) -> Answer:
    """A line for each check when it is done; the exit code is 1 if one finds a problem."""
    campaign = Campaign(Project(root), params)
    found = []
    with Screen() as screen:
        for name in CHECKS:
            found.append(check(name, campaign))
            screen.say(_line(found[-1]))
    well = all(one.ok for one in found)
    return Answer((), Document(well, tuple(found)), exit_code=0 if well else 1)


def _line(found: Check) -> str:
    return f"{'ok     ' if found.ok else 'PROBLEM'} {found.name}: {found.detail}"
