"""`python -m tests.faults [--out TABLE.md] [--only WORDS]`: break a campaign in every way that is
known, and see that it ends as if nothing had been.

Some faults need root for mounts; without it they are left out, and the table says so.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from tests.faults.cases import MORE, RUN, Case
from tests.faults.check import Row, try_case, undisturbed
from tests.faults.disks import CLOCK, CORRUPTIONS, DISKS, small_files
from tests.faults.processes import BOTH, WORKERS, kills, prefect_kills
from tests.faults.rig import Rig

_HEAD = "| fault | what | first run | then | verdict |\n|---|---|---|---|---|"


def all_cases(seed: int) -> list[Case]:
    """Every stage is killed three times, every part around the stages once."""
    return [
        *kills(seed, 3, 4),
        *prefect_kills(),
        *WORKERS,
        *DISKS,
        small_files(20_000),
        *CORRUPTIONS,
        CLOCK,
        BOTH,
    ]


def table(rows: list[Row]) -> str:
    """As Markdown."""
    lines = [
        f"| {r.case.kind} | {r.case.name} | {r.first} | {r.then} | {r.verdict} |" for r in rows
    ]
    return "\n".join([_HEAD, *lines])


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="", help="part of a fault's kind and name")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path, help="work there, and leave it for the next time")
    arguments = parser.parse_args()
    work = arguments.work or Path(tempfile.mkdtemp(prefix="rls3-faults-"))
    work.mkdir(exist_ok=True)
    cases = [c for c in all_cases(arguments.seed) if arguments.only in f"{c.kind}: {c.name}"]
    rows: list[Row] = []
    try:
        rig = Rig(work)
        expected = undisturbed(rig, RUN, MORE)
        for case in cases:
            rows.append(_tried(rig, case, expected))
            if arguments.out:
                arguments.out.write_text(table(rows) + "\n")
    finally:
        if not arguments.work:
            shutil.rmtree(work, ignore_errors=True)
    bad = [row for row in rows if row.verdict != "ok"]
    print(f"{len(rows)} faults, {len(bad)} not as promised")
    raise SystemExit(bool(bad))


def _tried(rig: Rig, case: Case, expected: dict[int, object]) -> Row:
    started = time.perf_counter()
    row = try_case(rig, case, expected)
    print(f"{time.perf_counter() - started:5.0f} s  {case.kind}: {case.name}", flush=True)
    print(f"         {row.first} | {row.then} | {row.verdict}", flush=True)
    return row


if __name__ == "__main__":
    main()
