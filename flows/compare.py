"""Agents by seeds at equal data (the paper's experiment): one campaign for each, everything else
the same."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from flows.campaign import campaign_flow
from rls3.loop.conclude import accuracies
from rls3.loop.records import Summary, ValidateRecord
from rls3.loop.resources import Resources
from rls3.loop.run import silent
from rls3.loop.store import Campaign
from rls3.params import with_overrides


@dataclass(frozen=True)
class Cell:
    """One agent with one seed. samples, val_accuracy: cumulative samples and accuracy on val, by
    round."""

    agent: str
    seed: int
    samples: tuple[int, ...]
    val_accuracy: tuple[float, ...]
    summary: Summary


def campaigns(
    campaign: Campaign, agents: Sequence[str], seeds: Sequence[int]
) -> list[tuple[str, int, Campaign]]:
    """All campaigns of a comparison, checked before any of them runs. Raises: ParamsError."""

    def cell(agent: str, seed: int) -> Campaign:
        name = f"{campaign.name}-{agent}-{seed}"
        changed = {"campaign.name": name, "campaign.seed": seed, "agent.name": agent}
        return Campaign(campaign.project, with_overrides(campaign.params, changed))

    return [(agent, seed, cell(agent, seed)) for seed in seeds for agent in agents]


def compare(cells: Sequence[tuple[str, int, Campaign]]) -> Iterator[Cell]:
    """Run every campaign that is not finished, one after the other."""
    for agent, seed, campaign in cells:
        with Resources(campaign.params, campaign.project.simulators) as resources:
            summary = campaign_flow(campaign, resources, lambda line: None, silent, time.time())
        done = campaign.rounds_done()
        kept = [r.record(ValidateRecord).kept for r in done]
        yield Cell(agent, seed, tuple(np.cumsum(kept).tolist()), tuple(accuracies(done)), summary)


@dataclass(frozen=True)
class Curve:
    """An agent over its seeds. samples, mean, spread (standard deviation): by round."""

    agent: str
    samples: tuple[float, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]


def curve_of(agent: str, cells: Sequence[Cell]) -> Curve:
    """Means over an agent's cells, for as many rounds as all of them have."""
    own = [cell for cell in cells if cell.agent == agent]
    length = min(len(cell.val_accuracy) for cell in own)
    values = np.array([cell.val_accuracy[:length] for cell in own])
    samples = np.array([cell.samples[:length] for cell in own])
    return Curve(
        agent,
        tuple(samples.mean(axis=0).tolist()),
        tuple(values.mean(axis=0).tolist()),
        tuple(values.std(axis=0).tolist()),
    )
