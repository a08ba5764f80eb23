"""The command line: what can be typed. What a command does stands in its module of rls3.commands,
which is imported when the command is called, so `--help` stays fast."""

import gc
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from rls3 import commands
from rls3.commands.ending import beside_signals, take_signals
from rls3.errors import RLS3Error, StorageError
from rls3.files import storage_sentence
from rls3.telemetry import switch_off

_PROGRAM = "rls3"
app = typer.Typer(
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Find where a VLM fails at spatial reasoning, make the scenes that mend it, "
    "hand over a better model.",
)
ParamsOption = Annotated[
    Path,
    typer.Option(
        "--params",
        help="The project's params.yaml, or the folder that holds it.",
        metavar="PATH",
        readable=False,  # who reads it says what is wrong, here and below
    ),
]
SetOption = Annotated[
    list[str],
    typer.Option("-S", help="Override a parameter (again for more).", metavar="GROUP.KEY=VALUE"),
]
PlainOption = Annotated[
    bool, typer.Option("--no-prefect", help="Run the same stages as plain Python, without Prefect.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document, and nothing else.")
]
_MODELS = "models:/NAME@ALIAS, a checkpoint folder, a hub name, or 'base'"
_HERE, _PARAMS, _NONE = Path(), Path("params.yaml"), []


def main() -> None:
    """Entry point: expected failures are one sentence and an exit code, never a traceback."""
    switch_off()
    take_signals()
    sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that lacks a caption's letters
    code = _exit_code(sys.argv[1:] or ["--help"])
    _give_up_output()
    gc.freeze()  # or Python takes a second longer to end, looking through all that torch has built
    sys.exit(code)


def _exit_code(arguments: list[str]) -> int:
    try:
        code = app(arguments, prog_name=_PROGRAM, standalone_mode=False)
        sys.stdout.flush()
        return code or 0
    except RLS3Error as error:
        return _failed(str(error), error.exit_code)
    except TyperException as error:
        return _failed(_usage(error), 2)
    except BrokenPipeError:  # whoever reads the output has enough of it
        return 1
    except Exception as error:
        place = _file_behind(error) or f"{os.getcwd()} or the output"
        if sentence := storage_sentence(error, place):
            return _failed(sentence, StorageError.exit_code)
        raise


def _failed(sentence: str, code: int) -> int:
    print(f"{_PROGRAM}: {sentence}", file=sys.stderr)
    return code


def _usage(error: TyperException) -> str:
    """Typer's message in one sentence, with where to look."""
    said = " ".join(error.format_message().split()).rstrip(".")
    said = said.replace(". Did you mean", "; did you mean")
    command = error.ctx.command_path if getattr(error, "ctx", None) else _PROGRAM
    way_out = "" if said.endswith("?") else f"; see `{command} --help`"
    return f"{said[0].lower()}{said[1:]}{way_out}"


def _file_behind(error: BaseException | None) -> str:
    """The file that the operating system refused, if one of the error's causes names it."""
    while error is not None:
        if isinstance(error, OSError) and error.filename:
            return str(error.filename)
        error = error.__cause__ or error.__context__
    return ""


def _give_up_output() -> None:
    """What cannot be printed must not fail once more when Python ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _call(
    command: str, params: Path, overrides: list[str], as_json: bool = False, **arguments: object
) -> None:
    code = beside_signals(
        lambda: commands.call(command, params, overrides, as_json=as_json, **arguments)
    )
    if code:
        raise typer.Exit(code)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(_PROGRAM, commands.load("version").installed_version())
        raise typer.Exit


@app.callback()
def _rls3(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print which."),
    ] = False,
) -> None:
    pass


@app.command()
def run(
    params: ParamsOption = _PARAMS, override: SetOption = _NONE, no_prefect: PlainOption = False
) -> None:
    """Run the campaign of params.yaml, or continue it where it stands."""
    _call("run", params, override, through_prefect=not no_prefect)


@app.command("round")
def one_round(
    params: ParamsOption = _PARAMS, override: SetOption = _NONE, no_prefect: PlainOption = False
) -> None:
    """Run the next round of the campaign, beyond campaign.rounds if that is reached."""
    _call("round", params, override, through_prefect=not no_prefect)


@app.command()
def evaluate(
    model: Annotated[
        str, typer.Argument(help=f"{_MODELS}; vlm.checkpoint of params.yaml by default.")
    ] = "",
    split: Annotated[
        str | None,
        typer.Option(help="One of the project's benchmarks: val (the default), test or unseen."),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(metavar="FORMAT:PATH", help="A benchmark of your own, instead of --split."),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the pictures that --benchmark's file names.",
            metavar="FOLDER",
            readable=False,
        ),
    ] = None,
    as_json: JsonOption = False,
    params: ParamsOption = _PARAMS,
    override: SetOption = _NONE,
) -> None:
    """Evaluate a model on a benchmark: accuracy by term and by slice, with 95 % intervals.

    Keys of --json: model, benchmark, items, accuracy, by_term, slices (by axis and value), strict,
    object_accuracy. Each accuracy is an object of accuracy (0 to 1), count, low and high.
    """
    _call(
        "evaluate",
        params,
        override,
        as_json,
        here=_HERE,
        model=model,
        split=split,
        benchmark=benchmark,
        images=images,
    )


@app.command()
def predict(
    image: Annotated[Path, typer.Argument(help="An image file.", metavar="IMAGE", readable=False)],
    captions: Annotated[
        list[str], typer.Argument(help="Two captions or more.", metavar="CAPTION CAPTION...")
    ],
    model: Annotated[str, typer.Option(help=f"{_MODELS}; the champion by default.")] = "",
    as_json: JsonOption = False,
    params: ParamsOption = _PARAMS,
    override: SetOption = _NONE,
) -> None:
    """Which caption fits an image? Scores, best first.

    Keys of --json: image, model, captions (each with caption and score, best first), unknown_words.
    """
    _call(
        "predict",
        params,
        override,
        as_json,
        here=_HERE,
        image=image,
        captions=captions,
        model=model,
    )


@app.command()
def verify(
    model: Annotated[str, typer.Argument(help="models:/NAME@ALIAS or models:/NAME/VERSION.")],
    as_json: JsonOption = False,
    params: ParamsOption = _PARAMS,
    override: SetOption = _NONE,
) -> None:
    """Is a registered model what its data make? Yes (exit code 0) or no (1).

    The version of the data that the model's lineage names is fetched, and the model made again from
    it and the base model. Keys of --json: model, version, verified, identical, replayed,
    registered, agreement, recorded (on val), tolerance, reasons, campaign, round, data_version,
    code_commit, code_commit_now.
    """
    _call("verify", params, override, as_json, model=model)


@app.command()
def report(params: ParamsOption = _PARAMS, override: SetOption = _NONE) -> None:
    """Write the report page of a campaign again, from its files; also while it runs."""
    _call("report", params, override)


@app.command()
def quarantine(
    pictures: Annotated[
        Path | None,
        typer.Option(help="Write their pictures into this folder.", metavar="FOLDER"),
    ] = None,
    as_json: JsonOption = False,
    params: ParamsOption = _PARAMS,
    override: SetOption = _NONE,
) -> None:
    """What a campaign's rounds rejected, and why."""
    _call("quarantine", params, override, as_json, pictures=pictures)


@app.command()
def compare(
    agents: Annotated[str, typer.Option(help="Agents, separated by commas.")] = "ppo,random",
    seeds: Annotated[str, typer.Option(help="Seeds, separated by commas.")] = "1,2,3",
    as_json: JsonOption = False,
    params: ParamsOption = _PARAMS,
    override: SetOption = _NONE,
) -> None:
    """Agents by seeds at equal data: one campaign each, then a curve for each agent.

    Keys of --json: cells (agent, seed, campaign, base_accuracy, final_accuracy, gain, interval,
    samples, val_accuracy, report) and curves (agent, samples, mean, spread).
    """
    _call("compare", params, override, as_json, agents=agents, seeds=seeds)


@app.command()
def promote(
    model: Annotated[
        str,
        typer.Argument(
            help="models:/NAME@ALIAS, models:/NAME/VERSION or a version's number; the challenger "
            "by default."
        ),
    ] = "",
    params: ParamsOption = _PARAMS,
    override: SetOption = _NONE,
) -> None:
    """Make a registered model the champion, whatever the gate said."""
    _call("promote", params, override, model=model)


@app.command()
def rollback(params: ParamsOption = _PARAMS, override: SetOption = _NONE) -> None:
    """Make the champion's predecessor champion again."""
    _call("rollback", params, override)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A new folder.", metavar="FOLDER", readable=False)],
    model: Annotated[
        str,
        typer.Option(help="models:/NAME@ALIAS or models:/NAME/VERSION; the champion by default."),
    ] = "",
    params: ParamsOption = _PARAMS,
    override: SetOption = _NONE,
) -> None:
    """Write a registered model as a folder for transformers and the hub, with its card."""
    _call("export", params, override, folder=folder, model=model)


@app.command()
def serve(
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay here, and end with Ctrl-C.")
    ] = False,
    params: ParamsOption = _PARAMS,
    override: SetOption = _NONE,
) -> None:
    """Serve the project on loopback: scheduled campaigns (Prefect), MLflow's pages, the reports."""
    if foreground:
        _call("serving", params, override)
    else:
        again = [f"--params={params.absolute()}", *(f"-S{one}" for one in override)]
        _call("serve", params, override, again=again)


@app.command()
def stop(params: ParamsOption = _PARAMS, override: SetOption = _NONE) -> None:
    """End what `rls3 serve` started; what was finished is kept."""
    _call("stop", params, override)


@app.command()
def doctor(
    as_json: JsonOption = False, params: ParamsOption = _PARAMS, override: SetOption = _NONE
) -> None:
    """Check this machine: Python, EGL, disk, ports, the simulator (starts it and draws a frame).

    Keys of --json: ok, and checks (name, ok, detail).
    """
    _call("doctor", params, override, as_json)


if __name__ == "__main__":
    main()
