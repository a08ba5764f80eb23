"""`rls3 report`: the page of a campaign, made again from its records; also while it runs."""

from pathlib import Path

from rls3.commands import Answer
from rls3.errors import CampaignError
from rls3.loop.store import Campaign, Project
from rls3.params import Params
from rls3.report.collect import report_campaign


def main(root: Path, params: Params) -> Answer:
    """Raises: CampaignError if the campaign was never begun; DataError; StorageError."""
    campaign = Campaign(Project(root), params)
    if not campaign.begun_with.exists():
        raise CampaignError(
            f"there is no campaign {campaign.name!r} in {campaign.project.runs}; begin it with "
            "`rls3 run`, or name another with -S campaign.name=..."
        )
    return Answer((str(report_campaign(campaign)),))
