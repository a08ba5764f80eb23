"""Agents by seeds at equal data (the paper's experiment): one campaign for each, everything else the same."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from flows.campaign import campaign_flow
from rls3.params import check_params
from rls3.round import Campaign
from rls3.stages import Workshop


def compare(campaign: Campaign, agents: Sequence[str], seeds: Sequence[int]) -> Iterator[str]:
    """Run every campaign that is not finished; yield a line each, then means and spreads by agent."""
    import time

    curves: dict[str, list[list[float]]] = {agent: [] for agent in agents}
    samples: dict[str, list[list[int]]] = {agent: [] for agent in agents}
    for seed in seeds:
        for agent in agents:
            raw: dict[str, Any] = campaign.params.model_dump()
            raw["campaign"] |= {"name": f"{campaign.name}-{agent}-{seed}", "seed": seed}
            raw["agent"]["name"] = agent
            one = Campaign(campaign.root, check_params(raw))
            with Workshop(one) as workshop:
                summary = campaign_flow(workshop, lambda line: None, time.time())
            done = one.rounds_done()
            curves[agent].append(
                [r.record("evaluate")["val"]["accuracy"]["accuracy"] for r in done]
            )
            samples[agent].append(np.cumsum([r.record("validate")["kept"] for r in done]).tolist())
            yield f"{agent:8} seed {seed}: test {100 * summary['base_accuracy']:.1f} -> {100 * summary['final_accuracy']:.1f} % with {summary['samples_valid']} samples"
    for agent in agents:
        values = np.array(curves[agent])
        mean, spread = values.mean(axis=0) * 100, values.std(axis=0) * 100
        counts = np.array(samples[agent]).mean(axis=0)
        yield f"{agent:8} val by samples: " + "  ".join(
            f"{n:.0f}: {m:.1f}±{s:.1f}" for n, m, s in zip(counts, mean, spread)
        )
