"""How an entry point of `dvc.yaml` ends: an expected failure is one sentence and an exit code, no
traceback."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rls3.errors import RLS3Error
from rls3.telemetry import switch_off


@contextmanager
def ended_well(stage: str) -> Iterator[None]:
    """Around the work of an entry point; progress is logged to standard error."""
    switch_off()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        yield
    except RLS3Error as error:
        sys.exit(f"{stage}: {error}")
