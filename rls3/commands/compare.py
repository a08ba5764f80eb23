"""`rls3 compare`: agents by seeds at equal data."""

from dataclasses import dataclass
from pathlib import Path

from flows.compare import Curve, Result, campaigns, compare, curve_of
from rls3.commands import Answer, Ready
from rls3.commands.screen import Screen
from rls3.errors import ParamsError
from rls3.loop.store import Campaign, Project
from rls3.params import Params


@dataclass(frozen=True)
class CellDocument:
    """A campaign of the comparison. Accuracies and gain on test; interval: of the gain, 95 %.
    samples, val_accuracy: cumulative samples and accuracy on val, by round."""

    agent: str
    seed: int
    campaign: str
    base_accuracy: float
    final_accuracy: float
    gain: float
    interval: tuple[float, float]
    samples: tuple[int, ...]
    val_accuracy: tuple[float, ...]
    report: str


@dataclass(frozen=True)
class Document:
    """What `--json` prints. curves: for each agent, by round, over its seeds."""

    cells: tuple[CellDocument, ...]
    curves: tuple[Curve, ...]


def main(root: Path, params: Params, agents: str, seeds: str, ready: Ready) -> Answer:
    """A line for each campaign when it is done, then a curve for each agent.

    Raises: ParamsError and CampaignError before anything runs (see `flows.compare.campaigns`).
    """
    names, numbers = _listed("--agents", agents, "ppo,random"), _seeds(seeds)
    cells = campaigns(Campaign(Project(root), params), names, numbers)
    ready()
    results = []
    with Screen() as screen:
        screen.say(
            f"comparison {params.campaign.name}: {len(cells)} campaigns of "
            f"{params.campaign.rounds} rounds, agents {agents}, seeds {seeds}"
        )
        for result in compare(cells, screen.progress):
            screen.say(_line(result))
            results.append(result)
    curves = tuple(curve_of(name, results) for name in names)
    return Answer(
        tuple(map(_curve_line, curves)), Document(tuple(map(_cell_document, results)), curves)
    )


def _listed(option: str, text: str, example: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ParamsError(f"{option} {text!r} has an empty place; write it like {option} {example}")
    return names


def _seeds(text: str) -> list[int]:
    names = _listed("--seeds", text, "1,2,3")
    for name in names:
        if not (name.isascii() and name.isdigit() and len(name) <= 18):
            raise ParamsError(
                f"--seeds {name!r} is not a whole number of at most 18 digits; write it like "
                "--seeds 1,2,3"
            )
    return [int(name) for name in names]


def _line(result: Result) -> str:
    cell, summary = result.cell, result.summary
    return (
        f"{cell.agent:8} seed {cell.seed}: test {100 * summary.base_accuracy:.1f} -> "
        f"{100 * summary.final_accuracy:.1f} % with {summary.samples_valid} samples"
    )


def _curve_line(curve: Curve) -> str:
    points = (
        f"{n:.0f}: {100 * mean:.1f}±{100 * spread:.1f}"
        for n, mean, spread in zip(curve.samples, curve.mean, curve.spread)
    )
    return f"{curve.agent:8} val by samples: {'  '.join(points)}"


def _cell_document(result: Result) -> CellDocument:
    cell, summary = result.cell, result.summary
    return CellDocument(
        agent=cell.agent,
        seed=cell.seed,
        campaign=cell.campaign.name,
        base_accuracy=summary.base_accuracy,
        final_accuracy=summary.final_accuracy,
        gain=summary.gain,
        interval=summary.interval,
        samples=result.samples,
        val_accuracy=result.val_accuracy,
        report=summary.report,
    )
