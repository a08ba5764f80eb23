"""`rls3 serve --foreground`: what the background process of `rls3 serve` does."""

import logging
from pathlib import Path

from rls3.commands import Answer
from rls3.loop.store import Project
from rls3.params import Params
from tasks.services import serve


def main(root: Path, params: Params) -> Answer:
    """Until it is ended. Raises: ServerError if something does not start."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    serve(Project(root), params, lambda line: print(line, flush=True))
    return Answer()
