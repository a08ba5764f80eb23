"""`rls3 run`: the campaign of params.yaml, or its continuation."""

from pathlib import Path

from rls3.commands import Answer, Ready
from rls3.commands.conduct import conduct
from rls3.loop.store import Campaign, Project
from rls3.params import Params


def main(root: Path, params: Params, through_prefect: bool, ready: Ready) -> Answer:
    """Until campaign.rounds rounds are done, or an early stop."""
    return conduct(Campaign(Project(root), params), through_prefect, ready)
