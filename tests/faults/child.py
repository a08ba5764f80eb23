"""`python -m tests.faults.child FAULT rls3-arguments...`: the command line with a fault inside.

FAULT is JSON, each key optional:
    kill: {point, call, after_s, signal}: the process gets the signal `after_s` after that call of
        that point begins (a stage that is finished does not count), at the latest when it ends.
    fsize: no file may become larger, in bytes, as on a full disk.
    clock_s: `time.time` is off by that.
"""

import importlib
import itertools
import json
import os
import resource
import signal
import sys
import threading
import time
from types import ModuleType

from rls3 import cli, commands

POINTS = {
    "judge base": ("flows.campaign", "judge_base"),
    "version data": ("tasks.versioning", "version_data"),
    "log round": ("tasks.tracking", "log_round"),
    "final evaluation": ("flows.campaign", "evaluate_campaign"),
    "gate": ("tasks.handoff", "gate"),
    "register": ("tasks.handoff", "register"),
    "summary": ("flows.campaign", "summarize_campaign"),
    "report": ("flows.campaign", "report_campaign"),
}
"""Beside the stages of the table: where the name is looked up when it is called."""


def _plan_kill(point: str, call: int, after_s: float, number: int) -> None:
    module, name = POINTS.get(point, ("tasks.stages", "run_stage"))
    home, stage = importlib.import_module(module), None if point in POINTS else point
    original, calls = getattr(home, name), itertools.count(1)

    def end() -> None:
        os.kill(os.getpid(), number)
        time.sleep(5)  # a handler may need the main thread

    def wrapped(*arguments, **named):
        elsewhere = stage and (arguments[0].name != stage or arguments[1].finished(stage))
        if elsewhere or next(calls) != call:
            return original(*arguments, **named)
        timer = threading.Timer(after_s, end)
        timer.daemon = True
        timer.start()
        try:
            return original(*arguments, **named)
        finally:
            timer.cancel()
            end()

    setattr(home, name, wrapped)


def _plan_once_loaded(kill: dict[str, object]) -> None:
    """As soon as the command's module is there: earlier, Prefect would be imported before it is
    told where its server is."""
    load = commands.load

    def load_and_plan(name: str) -> ModuleType:
        module = load(name)
        if name == sys.argv[1]:
            _plan_kill(kill["point"], kill["call"], kill["after_s"], signal.Signals[kill["signal"]])
        return module

    commands.load = load_and_plan


def main() -> None:
    """See the module."""
    fault = json.loads(sys.argv.pop(1))
    if "fsize" in fault:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault["fsize"], resource.RLIM_INFINITY))
    if "clock_s" in fault:
        real, off = time.time, fault["clock_s"]
        time.time = lambda: real() + off
    if kill := fault.get("kill"):
        _plan_once_loaded(kill)
    cli.main()


if __name__ == "__main__":
    main()
