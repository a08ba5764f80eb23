"""Conducting a campaign on the screen: what `rls3 run` and `rls3 round` have in common."""

import logging
import os
import time
from pathlib import Path

from flows.campaign import begin, continue_campaign, run_through_prefect
from rls3.commands import Answer, Ready
from rls3.commands.screen import Screen
from rls3.loop.describe import closing_lines
from rls3.loop.resources import Resources
from rls3.loop.store import Campaign

# Prefect's own, outside its hierarchy of loggers: it would print what `main` says in one sentence.
logging.getLogger("EventsWorker").setLevel(logging.CRITICAL)


def conduct(campaign: Campaign, through_prefect: bool, ready: Ready) -> Answer:
    """Run the campaign to its end, with what a person wants to see of it meanwhile.

    Args:
        ready: returns when Prefect's server is up, which starts meanwhile.
    Raises: CampaignError before anything is started, if another process runs it, or if it was begun
        with other parameters.
    """
    with campaign.locked():
        pass
    params, started = campaign.params, process_started()
    run = run_through_prefect if through_prefect else continue_campaign
    with Screen() as screen, Resources(params, campaign.project.simulators) as resources:
        screen.say(
            f"campaign {campaign.name}: {params.vlm.family}, agent {params.agent.name}, "
            f"{len(campaign.rounds_done())} of {params.campaign.rounds} rounds done"
        )
        with begin(campaign, resources, screen.say, started) as begun:
            ready()
            summary = run(begun, screen.progress)
    return Answer(tuple(closing_lines(summary)))


def process_started() -> float:
    """`time.time()` when this process began, by the kernel's account (imports included)."""
    ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    boot = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - (boot - ticks / os.sysconf("SC_CLK_TCK"))
