"""The command line. Heavy libraries are imported by the command that needs them, so `--help` stays fast."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from rls3.errors import CampaignError, ModelError, RLS3Error, no_space
from rls3.telemetry import switch_off

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Find where a VLM fails at spatial reasoning, make the scenes that mend it, hand over a better model.",
)
ParamsOption = Annotated[Path, typer.Option("--params", help="The parameters' file.")]
SetOption = Annotated[
    list[str], typer.Option("-S", help="Override a parameter: -S group.key=value (again for more).")
]
PlainOption = Annotated[
    bool, typer.Option("--no-prefect", help="Run the same stages as plain Python, without Prefect.")
]
_PARAMS, _NONE = Path("params.yaml"), []


def main() -> None:
    """Entry point: expected failures are one sentence and an exit code, never a traceback."""
    switch_off()
    signal.signal(signal.SIGINT, _interrupted)
    try:
        app(standalone_mode=False)
    except RLS3Error as error:
        _fail(str(error), error.exit_code)
    except typer.Exit as end:
        sys.exit(end.exit_code)
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")):
            _fail(error.format_message() if hasattr(error, "format_message") else str(error), 2)
        if full := no_space(error):
            _fail(full, 1)
        raise


def _fail(message: str, code: int) -> None:
    print(f"rls3: {message}", file=sys.stderr)
    sys.exit(code)


def _interrupted(*_: object) -> None:
    """End everything at once: every file is whole at any moment, and Prefect's client would wait for its server, which Ctrl-C has reached too."""
    import psutil

    print(
        "\nrls3: interrupted; what was finished is kept, run again to continue",
        file=sys.stderr,
        flush=True,
    )
    for child in psutil.Process().children(recursive=True):
        child.kill()
    os._exit(130)


def _load(params: Path, overrides: list[str]) -> Any:
    from rls3.params import load_params
    from rls3.round import Campaign

    return Campaign(Path.cwd(), load_params(params, overrides))


def _started() -> float:
    """When this process began, by the kernel's account (imports included)."""
    ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    boot = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - (boot - ticks / os.sysconf("SC_CLK_TCK"))


def _prefect_here(root: Path) -> None:
    """Prefect's database, logs and results lie with the project, and it speaks only when something is wrong."""
    os.environ.setdefault("PREFECT_HOME", str(root / ".rls3" / "prefect"))
    Path(os.environ["PREFECT_HOME"]).mkdir(parents=True, exist_ok=True)
    # Failures are told in one sentence by `main`; Prefect would print each with its traceback.
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL")
    logging.getLogger("EventsWorker").setLevel(
        logging.CRITICAL
    )  # Prefect's own, outside its hierarchy


class _Screen:
    """Progress bars on a terminal; plain lines elsewhere."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        self.console = Console(highlight=False)
        self._bars = Progress(
            TextColumn("{task.description:10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._bar: Any = None
        self._stage = ""

    def progress(self, stage: str, done: int, total: int) -> None:
        if stage != self._stage:
            if self._bar is not None:
                self._bars.remove_task(self._bar)
            self._stage, self._bar = stage, self._bars.add_task(stage, total=total)
        self._bars.update(self._bar, completed=done, total=total)

    def say(self, line: str) -> None:
        self.console.print(line, soft_wrap=True)

    def __enter__(self) -> "_Screen":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()


@app.command()
def run(
    params: ParamsOption = _PARAMS, override: SetOption = _NONE, no_prefect: PlainOption = False
) -> None:
    """Run the campaign of params.yaml, or continue it where it stands."""
    _campaign(params, override, no_prefect, lambda campaign: campaign)


@app.command("round")
def one_round(
    params: ParamsOption = _PARAMS, override: SetOption = _NONE, no_prefect: PlainOption = False
) -> None:
    """Run the next round of the campaign, beyond campaign.rounds if that is reached."""
    from rls3.params import check_params
    from rls3.round import Campaign

    def extended(campaign: Any) -> Any:
        raw = campaign.params.model_dump()
        raw["campaign"]["rounds"] = len(campaign.rounds_done()) + 1
        return Campaign(campaign.root, check_params(raw))

    _campaign(params, override, no_prefect, extended)


def _campaign(
    params: Path, override: list[str], no_prefect: bool, adjust: Callable[[Any], Any]
) -> None:
    campaign = adjust(_load(params, override))
    with campaign.locked():  # what speaks against it is said before anything starts
        _prefect_here(campaign.root)
    from rls3.stages import Workshop

    with _Screen() as screen, Workshop(campaign, screen.progress) as workshop:
        screen.say(
            f"campaign {campaign.name}: {campaign.params.vlm.family}, agent {campaign.params.agent.name}, {len(campaign.rounds_done())} of {campaign.params.campaign.rounds} rounds done"
        )
        if no_prefect:
            from flows.campaign import run_campaign

            summary = run_campaign(workshop, False, screen.say, _started())
        else:
            from flows.campaign import campaign_flow

            summary = campaign_flow(workshop, screen.say, _started())
    for line in _closing_lines(summary, campaign):
        screen.say(line)


def _closing_lines(summary: dict[str, Any], campaign: Any) -> list[str]:
    low, high = (100 * v for v in summary["interval"])
    share, unseen = summary["orchestration_share"], summary["unseen_types"]
    return [
        f"accuracy on test: {100 * summary['base_accuracy']:.1f} % -> {100 * summary['final_accuracy']:.1f} % "
        f"({100 * summary['gain']:+.1f} points, 95 % interval {low:+.1f} to {high:+.1f}) with {summary['samples_valid']} samples in {summary['rounds']} rounds",
        *(
            [f"with types held out: {100 * unseen[0]:.1f} % -> {100 * unseen[1]:.1f} %"]
            if unseen
            else []
        ),
        f"report:        {campaign.report}",
        f"MLflow run:    {summary['mlflow_run_id']}",
        f"model:         {summary['model_uri']} (version {summary['model_version']})"
        + (
            ""
            if summary["gate"]["passed"]
            else f"; not champion: {'; '.join(summary['gate']['reasons'])}"
        ),
        f"data/ version: {summary['data_version']}",
        f"time:          {summary['seconds_total']:.0f} s"
        + (f", {100 * share:.0f} % of it orchestration" if share is not None else ""),
    ]


@app.command()
def evaluate(
    model: Annotated[
        str, typer.Argument(help="models:/NAME@ALIAS, a checkpoint folder, a hub name, or 'base'.")
    ] = "",
    split: str = "val",
    params: ParamsOption = _PARAMS,
    override: SetOption = _NONE,
) -> None:
    """Evaluate a model on a frozen benchmark, by term, complexity and room."""
    from rls3.evaluation.benchmark import BENCHMARKS, read_benchmark
    from rls3.evaluation.metrics import judge, summarize
    from tasks.versioning import fetch_published

    campaign = _load(params, override)
    if split not in BENCHMARKS:
        raise CampaignError(f"--split {split!r} is unknown; choose from {', '.join(BENCHMARKS)}")
    fetch_published(campaign.root)
    vlm = _vlm(model, campaign)
    samples = read_benchmark(campaign.benchmark, split)
    settings = campaign.params.evaluation
    result = summarize(
        judge(vlm, samples, settings.batch_size), samples, settings, campaign.params.campaign.seed
    )
    rows = [
        ("accuracy (macro over terms)", result.accuracy),
        *result.by_term.items(),
        *((f"{c} terms", s) for c, s in result.by_complexity.items()),
        *result.by_room_type.items(),
        ("strict", result.strict),
        ("object (four-way)", result.object_accuracy),
    ]
    print(f"{model or campaign.params.vlm.checkpoint} on {split}, {result.n_samples} samples")
    for name, s in rows:
        print(
            f"  {name:28} {100 * s.accuracy:5.1f} %  [{100 * s.low:.1f}, {100 * s.high:.1f}]  n={s.count}"
        )


def _vlm(model: str, campaign: Any) -> Any:
    import json

    from rls3.vlm.loading import load_vlm

    family, checkpoint = campaign.params.vlm.family, model or campaign.params.vlm.checkpoint
    if checkpoint.startswith("models:/"):
        from tasks.tracking import download_model

        checkpoint = str(download_model(checkpoint, campaign.params, campaign.root))
    config = Path(checkpoint) / "config.json"
    if config.is_file():
        family = json.loads(config.read_text()).get("model_type", family)
    return load_vlm(family, checkpoint, campaign.base)


@app.command()
def predict(
    image: Annotated[Path, typer.Argument(help="An image file.")],
    captions: Annotated[list[str], typer.Argument(help="Two captions or more.")],
    model: Annotated[
        str,
        typer.Option(
            help="models:/NAME@ALIAS, a checkpoint folder or a hub name; the champion by default."
        ),
    ] = "",
    params: ParamsOption = _PARAMS,
    override: SetOption = _NONE,
) -> None:
    """Which caption fits an image? Scores, best first."""
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    campaign = _load(params, override)
    try:
        pixels = np.asarray(Image.open(image).convert("RGB"))
    except (OSError, UnidentifiedImageError):
        raise ModelError(
            f"{image} is not an image file that can be read; give a PNG or JPEG"
        ) from None
    vlm = _vlm(model or f"models:/{campaign.params.tracking.registered_model}@champion", campaign)
    import torch

    with torch.no_grad():
        scores = vlm.scores(vlm.features([pixels], True), [captions])[0]
    for i in torch.argsort(scores, descending=True).tolist():
        print(f"{float(scores[i]):8.3f}  {captions[i]}")


@app.command()
def report(params: ParamsOption = _PARAMS, override: SetOption = _NONE) -> None:
    """Write the report page of a campaign again, from its files."""
    from rls3.report.collect import report_campaign
    from rls3.round import read_json

    campaign = _load(params, override)
    summary, evaluation = (
        read_json(campaign.summary),
        read_json(campaign.folder / "evaluation.json"),
    )
    print(report_campaign(campaign, summary, evaluation))


@app.command()
def compare(
    agents: Annotated[str, typer.Option(help="Agents, separated by commas.")] = "ppo,random",
    seeds: Annotated[str, typer.Option(help="Seeds, separated by commas.")] = "1,2,3",
    params: ParamsOption = _PARAMS,
    override: SetOption = _NONE,
) -> None:
    """Agents by seeds at equal data: one campaign each, then a table (the paper's experiment)."""
    campaign = _load(params, override)
    _prefect_here(campaign.root)
    from flows.compare import compare as compare_agents

    for line in compare_agents(campaign, agents.split(","), [int(s) for s in seeds.split(",")]):
        print(line)


@app.command()
def doctor(params: ParamsOption = _PARAMS, override: SetOption = _NONE) -> None:
    """Check this machine: Python, EGL, disk, ports, the simulator (starts it and draws a frame)."""
    from rls3.doctor import run_checks

    checks = run_checks(_load(params, override))
    for check in checks:
        print(f"{'ok     ' if check.ok else 'PROBLEM'} {check.name}: {check.detail}")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


if __name__ == "__main__":
    main()
