"""`rls3 rollback`: the champion before the present one is champion again."""

from pathlib import Path

from rls3.commands import Answer
from rls3.loop.store import Project
from rls3.params import Params
from tasks.registry import rollback


def main(root: Path, params: Params) -> Answer:
    """Raises: ModelError, TrackingError."""
    before, now = rollback(params, Project(root))
    return Answer((f"champion is version {now} again (it was version {before})",))
