"""`rls3 promote`: a version of the registered model becomes champion by hand."""

from pathlib import Path

from rls3.commands import Answer
from rls3.loop.store import Project
from rls3.params import Params
from tasks.registry import CHALLENGER, promote


def main(root: Path, params: Params, model: str) -> Answer:
    """Args:
        model: "models:/NAME@ALIAS", "models:/NAME/VERSION", a version of the project's registered
            model, or "" for its challenger.
    Raises: ModelError, TrackingError.
    """
    name = params.tracking.registered_model
    address = model or f"models:/{name}@{CHALLENGER}"
    if address.isdigit():
        address = f"models:/{name}/{address}"
    before, now = promote(address, params, Project(root))
    said = f"it was version {before}" if before else "there was none"
    return Answer((f"champion is version {now} ({said}); `rls3 rollback` undoes it",))
