"""What a campaign comes to undisturbed, and whether a fault changed it."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.cases import Case
from tests.faults.project import make_project
from tests.faults.rig import Ended, Rig


@dataclass(frozen=True)
class Row:
    """A line of the report. first: how the run ended that met the fault. then: how those after it
    did. verdict: "ok", or what is wrong."""

    case: Case
    first: str
    then: str
    verdict: str


def undisturbed(rig: Rig, run: Sequence[str], more: Sequence[str]) -> dict[int, object]:
    """The table of a campaign by its rounds; the states to begin with are kept in the rig, and made
    only if they are not there yet."""
    if not (rig.work / "pristine").exists():
        rig.project.mkdir()
        make_project(rig.project)
        rig.keep("pristine")
    expected, before = {}, "pristine"
    for rounds, state, arguments in ((2, "finished", run), (3, "continued", more)):
        if not (rig.work / state).exists():
            rig.go_back(before)
            ended = rig.run(*arguments)
            if ended.code != 0 or ended.problems or rig.left_behind():
                raise RuntimeError(f"undisturbed, it ends with {ended} {rig.left_behind()}")
            rig.keep(state)
        rig.go_back(state)
        expected[rounds], before = rig.table(), state
    return expected


def try_case(rig: Rig, case: Case, expected: dict[int, object]) -> Row:
    """Do a fault, follow to the end, compare."""
    rig.go_back(case.state)
    try:
        seen = case.act(rig)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        return Row(case, "", "", f"not tried: {error}")
    wrong = [problem for ended in seen for problem in ended.problems]
    if case.kind == "corruption":  # what we damaged is half until it was mended
        wrong = [problem for problem in wrong if not problem.startswith("half")]
        wrong += rig.halves()
    if seen[-1].code != 0:
        wrong.append(f"no way out of: {seen[-1].said}")
    else:
        wrong += rig.left_behind()
        wrong += [
            f"another table of {n}" for n in case.campaigns if not _same(rig, case, n, expected)
        ]
    return Row(
        case, _said(rig, seen[0]), "; ".join(_said(rig, e) for e in seen[1:]), _joined(wrong)
    )


def _same(rig: Rig, case: Case, name: str, expected: dict[int, object]) -> bool:
    found, wanted = rig.table(name), expected[case.rounds]
    if len(case.campaigns) == 1:
        return found == wanted
    # Of two, the second meets the first one's champion at the gate.
    return (found[0], found[1][:-1]) == (wanted[0], wanted[1][:-1])


def _said(rig: Rig, ended: Ended) -> str:
    said = ended.said.replace(str(rig.project), ".").replace(str(rig.work), "..").replace("|", "/")
    if ended.code == 0:
        return "completes"
    return f"killed ({ended.code})" if ended.code and ended.code < 0 else said[:220]


def _joined(wrong: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(wrong)).replace("|", "/").replace("\n", " ")[:400] or "ok"
