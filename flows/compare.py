"""Agents by seeds at equal data (the paper's experiment): one campaign for each, everything else
the same."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from flows.campaign import begin, run_through_prefect
from rls3.errors import ParamsError
from rls3.loop.conclude import accuracies
from rls3.loop.records import Summary, ValidateRecord
from rls3.loop.resources import Resources
from rls3.loop.run import Progress, silent
from rls3.loop.store import Campaign
from rls3.params import Params, with_overrides


@dataclass(frozen=True)
class Cell:
    """One agent with one seed, and the campaign that they make."""

    agent: str
    seed: int
    campaign: Campaign


@dataclass(frozen=True)
class Result:
    """What a cell came to. samples, val_accuracy: cumulative samples and accuracy on val, by
    round."""

    cell: Cell
    samples: tuple[int, ...]
    val_accuracy: tuple[float, ...]
    summary: Summary


def campaigns(campaign: Campaign, agents: Sequence[str], seeds: Sequence[int]) -> list[Cell]:
    """All cells of a comparison, checked before any of them runs.

    Raises:
        ParamsError: an agent or a seed is unknown, not allowed or there twice.
        CampaignError: a cell's campaign was begun with other parameters, or is running.
    """
    params = campaign.params
    for option, key, values in (
        ("--agents", "agent.name", agents),
        ("--seeds", "campaign.seed", seeds),
    ):
        _check_values(option, key, values, params)
    cells = [_cell(campaign, agent, seed) for seed in seeds for agent in agents]
    for begun in (cell.campaign for cell in cells if cell.campaign.begun_with.exists()):
        with begun.locked():
            pass
    return cells


def _check_values(option: str, key: str, values: Sequence[object], params: Params) -> None:
    if not values:
        raise ParamsError(f"{option} names none; name one or more, with commas between")
    for value in values:
        _changed(f"{option} {value}", params, {key: value})
        if values.count(value) > 1:
            raise ParamsError(f"{option} names {value} {values.count(value)} times; name it once")


def _cell(campaign: Campaign, agent: str, seed: int) -> Cell:
    name = f"{campaign.name}-{agent}-{seed}"
    changed = {"campaign.name": name, "campaign.seed": seed, "agent.name": agent}
    params = _changed(f"--agents {agent} --seeds {seed}", campaign.params, changed)
    return Cell(agent, seed, Campaign(campaign.project, params))


def _changed(option: str, params: Params, changed: Mapping[str, object]) -> Params:
    try:
        return with_overrides(params, changed)
    except ParamsError as error:
        raise ParamsError(f"{option}: {str(error).removeprefix('params: ')}") from None


def compare(cells: Sequence[Cell], progress: Progress = silent) -> Iterator[Result]:
    """Run every campaign that is not finished, one after the other; gives each when it is done."""
    for cell in cells:
        yield _run(cell, progress)


def _run(cell: Cell, progress: Progress) -> Result:
    def named(title: str, done: int, total: int, unit: str) -> None:
        progress(f"{cell.agent} {cell.seed}: {title}", done, total, unit)

    campaign = cell.campaign
    with (
        Resources(campaign.params, campaign.project.simulators) as resources,
        begin(campaign, resources, _unheard, time.time()) as begun,
    ):
        summary = run_through_prefect(begun, named)
    done = campaign.rounds_done()
    kept = [round_.record(ValidateRecord).kept for round_ in done]
    return Result(cell, tuple(np.cumsum(kept).tolist()), tuple(accuracies(done)), summary)


def _unheard(line: str) -> None:
    """What each round came to would drown what is compared."""


@dataclass(frozen=True)
class Curve:
    """An agent over its seeds. samples, mean, spread (standard deviation): by round."""

    agent: str
    samples: tuple[float, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]


def curve_of(agent: str, results: Sequence[Result]) -> Curve:
    """Means over an agent's cells, for as many rounds as all of them have."""
    own = [result for result in results if result.cell.agent == agent]
    length = min(len(result.val_accuracy) for result in own)
    values = np.array([result.val_accuracy[:length] for result in own])
    samples = np.array([result.samples[:length] for result in own])
    return Curve(
        agent,
        tuple(samples.mean(axis=0).tolist()),
        tuple(values.mean(axis=0).tolist()),
        tuple(values.std(axis=0).tolist()),
    )
