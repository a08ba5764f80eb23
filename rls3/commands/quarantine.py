"""`rls3 quarantine`: what a campaign's rounds rejected, why, and its pictures."""

from pathlib import Path

from rls3.commands import Answer
from rls3.dataset.quarantine import Rejected, read_quarantine
from rls3.errors import CampaignError
from rls3.files import whole_file
from rls3.loop.store import Campaign, Project
from rls3.params import Params


def main(root: Path, params: Params, pictures: Path | None) -> Answer:
    """Args:
        pictures: a folder that gets the pictures, each as `<sample id>.png`; None for none.
    Raises: CampaignError if the campaign was never begun; DataError; StorageError.
    """
    campaign = Campaign(Project(root), params)
    if not campaign.begun_with.exists():
        raise CampaignError(
            f"there is no campaign {campaign.name!r} in {campaign.project.runs}; begin it with "
            "`rls3 run`, or name another with -S campaign.name=..."
        )
    found = {number: read_quarantine(path) for number, path in campaign.quarantines().items()}
    if pictures is not None:
        for sample, _ in (one for rejected in found.values() for one in rejected):
            with whole_file(pictures / f"{sample.sample_id}.png") as temporary:
                temporary.write_bytes(sample.image)
    total = sum(map(len, found.values()))
    lines = [_line(n, one) for n, rejected in found.items() for one in rejected]
    lines.append(f"{total} rejected in {len(found)} rounds; page: {campaign.docs / 'index.html'}")
    return Answer(tuple(lines), [_row(n, one) for n, all_ in found.items() for one in all_])


def _line(number: int, rejected: Rejected) -> str:
    sample, why = rejected
    return f"round {number}  {sample.sample_id}  {why}  ({sample.caption})"


def _row(number: int, rejected: Rejected) -> dict[str, object]:
    sample, why = rejected
    return {
        "round": number,
        "sample_id": sample.sample_id,
        "why": why,
        "caption": sample.caption,
    }
