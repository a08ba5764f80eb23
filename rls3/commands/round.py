"""`rls3 round`: one more round of the campaign."""

from pathlib import Path

from rls3.commands import Answer, Ready
from rls3.commands.conduct import conduct
from rls3.loop.store import Campaign, Project
from rls3.params import Params, with_overrides


def main(root: Path, params: Params, through_prefect: bool, ready: Ready) -> Answer:
    """The next round, or the rest of one that is not finished; whatever campaign.rounds is, and
    without an early stop: it was asked for."""
    project = Project(root)
    done = len(Campaign(project, params).rounds_done())
    changed = {"campaign.rounds": done + 1, "campaign.patience_rounds": 0}
    return conduct(Campaign(project, with_overrides(params, changed)), through_prefect, ready)
