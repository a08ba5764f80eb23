"""The command line as it is typed: a process of its own, real files, no model and no simulator."""

import contextlib
import ctypes
import json
import os
import pty
import resource
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml
from PIL import Image

from tests.conftest import ROOT
from tests.unit.report.campaigns import add_round, begin

HEAVY = ("torch", "prefect", "mlflow", "transformers", "pandas", "numpy", "pydantic", "yaml", "dvc")
CAPABILITIES = (1, 2)  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: root heeds permissions without
PR_CAPBSET_DROP = 24


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"} | more


def rls3(folder: Path, *arguments: str, **options) -> subprocess.CompletedProcess:
    """`rls3 ...` called in a folder."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "rls3.cli", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env=environment(),
        **options,
    )


def sentence(done: subprocess.CompletedProcess, code: int) -> str:
    """What was said of an expected failure: one line on standard error, and nothing else."""
    assert done.returncode == code, (done.stdout, done.stderr)
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("rls3: "), done.stderr
    assert done.stdout == ""
    return lines[0].removeprefix("rls3: ")


@pytest.fixture
def project(tmp_path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    return folder


def without_root_s_privilege() -> None:
    """In a child, before it begins: permissions are heeded, even if root runs the tests."""
    for capability in CAPABILITIES:
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


# -- help, version, usage --------------------------------------------------------------------------


def processor_time(*arguments: str) -> float:
    """Seconds of its own, user and system, that `rls3 ...` takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert rls3(ROOT, *arguments).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


@pytest.mark.parametrize("arguments", [["--help"], ["predict", "-h"], ["--version"]])
def test_help_takes_under_a_third_of_a_second(arguments):
    assert min(processor_time(*arguments) for _ in range(5)) < 0.3


def test_help_loads_nothing_heavy():
    code = "import sys; from rls3 import cli; sys.argv = ['rls3', '--help']\n"
    code += "try: cli.main()\nexcept SystemExit: print(*sys.modules, sep='\\n', file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment()
    )
    loaded = done.stderr.split()
    assert "rls3.cli" in loaded and not set(HEAVY) & set(loaded)


def test_dependencies_are_told_before_they_are_imported(tmp_path):
    code = "import os, sys; from rls3 import cli; sys.argv = ['rls3', '--version']\n"
    code += "try: cli.main()\nexcept SystemExit: "
    code += "print(*map(os.environ.get, ('DO_NOT_TRACK', 'OMP_WAIT_POLICY')))"
    for given, told in (({}, "1 passive"), ({"OMP_WAIT_POLICY": "active"}, "1 active")):
        own = environment()
        for name in ("DO_NOT_TRACK", "OMP_WAIT_POLICY"):
            own.pop(name, None)
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=own | given
        )
        assert done.stdout.splitlines()[-1] == told


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]])
def test_help_names_every_command(arguments):
    done = rls3(ROOT, *arguments)
    assert done.returncode == 0 and done.stderr == ""
    for command in ("run", "round", "evaluate", "predict", "report", "compare", "doctor"):
        assert f" {command} " in done.stdout
        one = rls3(ROOT, command, "-h")
        assert one.returncode == 0 and f"Usage: rls3 {command}" in one.stdout


def test_version(tmp_path):
    done = rls3(tmp_path, "--version")
    assert done.returncode == 0
    name, version = done.stdout.split()
    assert name == "rls3" and version[0].isdigit()


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["evalute"], "no such command 'evalute'; did you mean 'evaluate'?"),
        (["run", "--sed", "3"], "no such option: --sed; see `rls3 run --help`"),
        (["compare", "--seed", "3"], "no such option: --seed (Possible options: --seeds); see"),
        (["predict"], "missing argument 'IMAGE'; see `rls3 predict --help`"),
        (["predict", "x.png"], "missing argument 'CAPTION CAPTION...'; see `rls3 predict --help`"),
        (["run", "-S"], "option '-S' requires an argument; see `rls3 --help`"),
        (["report", "default"], "got unexpected extra argument(s) (default); see"),
    ],
)
def test_bad_usage_is_one_sentence_with_the_way_out(project, arguments, said):
    assert sentence(rls3(project, *arguments), 2).startswith(said)


# -- params.yaml and the project's folder ----------------------------------------------------------


def test_params_may_be_a_folder_that_holds_one(tmp_path, project):
    done = rls3(tmp_path, "report", "--params", "project", "-S", "campaign.round=3")
    assert "project/params.yaml: unknown key 'campaign.round'" in sentence(done, 2)


@pytest.mark.parametrize(
    "name, said",
    [
        ("nothing.yaml", "nothing.yaml does not exist"),
        ("empty", "empty/params.yaml does not exist"),
        ("picture.png", "picture.png cannot be read (it is not text)"),
        ("params.yaml/params.yaml", "cannot be read (Not a directory)"),
        ("list.yaml", "list.yaml holds no groups of parameters"),
        ("/proc/self/mem", "/proc/self/mem cannot be read (Input/output error)"),
    ],
)
def test_params_that_are_none_are_one_sentence(project, name, said):
    Image.new("RGB", (64, 64), "red").save(project / "picture.png")
    (project / "list.yaml").write_text("- a\n- b\n")
    (project / "empty").mkdir()
    assert said in sentence(rls3(project, "run", "--params", name), 2)


def test_params_without_permission_are_one_sentence(project):
    (project / "params.yaml").chmod(0)
    done = rls3(project, "run", preexec_fn=without_root_s_privilege)
    assert "params.yaml cannot be read (Permission denied)" in sentence(done, 2)


@pytest.mark.parametrize("command", ["run", "round", "compare"])
def test_a_read_only_project_is_one_sentence(project, command):
    project.chmod(0o555)
    done = rls3(project, command, preexec_fn=without_root_s_privilege)
    assert "cannot be written (Permission denied); make its folder writable" in sentence(done, 1)


def test_the_project_is_the_folder_of_its_params_wherever_the_command_is_called(tmp_path):
    campaign = begin(tmp_path / "project")
    add_round(campaign, 1)
    raw = yaml.safe_dump(campaign.params.model_dump(mode="json"))
    (tmp_path / "project" / "params.yaml").write_text(raw)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = rls3(elsewhere, "report", "--params", "../project/params.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{campaign.report}\n" and campaign.report.exists()
    assert not list(elsewhere.iterdir())
    campaign.folder.chmod(0o555)
    done = rls3(elsewhere, "report", "--params", "../project", preexec_fn=without_root_s_privilege)
    assert f"{campaign.report} cannot be written (Permission denied)" in sentence(done, 1)


# -- the end ---------------------------------------------------------------------------------------

WORKING = """
import ctypes, subprocess, sys
from rls3.commands.ending import beside_signals, take_signals
take_signals()
def work():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print(child.pid, flush=True)
    ctypes.CDLL(None).sleep(60)  # native code
beside_signals(work)
"""


@pytest.mark.parametrize(
    "number, said",
    [
        (signal.SIGINT, "interrupted; what was finished is kept"),
        (signal.SIGTERM, "ended by SIGTERM; what was finished is kept"),
        (signal.SIGHUP, "ended by SIGHUP; what was finished is kept"),
    ],
)
def test_signals_end_everything_at_once(number, said):
    with subprocess.Popen(
        [sys.executable, "-c", WORKING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        child = psutil.Process(int(process.stdout.readline()))
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        assert process.returncode == 128 + number
        assert process.stderr.read() == f"\nrls3: {said}, run again to continue\n"
    psutil.wait_procs([child], timeout=5)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_nohup_is_heeded():
    code = "import os, signal\nfrom rls3.commands.ending import take_signals\ntake_signals()\n"
    code += "os.kill(os.getpid(), signal.SIGHUP); print('goes on')"
    done = subprocess.run(
        ["nohup", sys.executable, "-c", code], capture_output=True, text=True, env=environment()
    )
    assert done.stdout == "goes on\n"


SIGNALS_AT_ONCE = """
import os, signal, threading
from rls3.commands.ending import end_at_once, take_signals
take_signals()
def another():
    while True:
        os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=another, daemon=True).start()
if {with_a_reason}:
    threading.Thread(target=end_at_once, args=("a server is gone", 143), daemon=True).start()
while True:
    pass
"""


@pytest.mark.parametrize("with_a_reason", [False, True])
def test_however_often_it_is_told_to_end_it_ends_once(with_a_reason):
    done = subprocess.run(
        [sys.executable, "-c", SIGNALS_AT_ONCE.format(with_a_reason=with_a_reason)],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=20,
    )
    assert done.returncode == 143 and done.stderr.count("rls3: ") == 1


BARS = """
import os, signal, time
from rls3.commands.ending import take_signals
from rls3.commands.screen import Screen
take_signals()
with Screen() as screen:
    screen.say("[bold]campaign[/bold] :smile: default")
    screen.progress("render scenes", 3, 8, "scenes")
    screen.progress("render scenes", 4, 8, "scenes")
    time.sleep(0.3)  # until the bars are drawn again
    {end}
"""


def on_a_terminal(code: str) -> str:
    """What a terminal gets to see of a Python program."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(TERM="xterm"),
    )
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # the other side is closed
        while chunk := os.read(ours, 65536):
            seen += chunk
    process.wait(10)
    os.close(ours)
    return seen.decode()


def test_a_terminal_shows_bars_with_title_and_unit_and_gets_its_cursor_back():
    seen = on_a_terminal(BARS.format(end="os.kill(os.getpid(), signal.SIGINT)"))
    assert "render scenes" in seen and "4/8 scenes" in seen
    assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l")
    assert "rls3: interrupted" in seen


def test_elsewhere_there_are_plain_lines_as_they_were_said():
    done = subprocess.run(
        [sys.executable, "-c", BARS.format(end="")],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert (done.stdout, done.stderr) == ("[bold]campaign[/bold] :smile: default\n", "")


def test_a_reader_that_has_enough_and_a_full_disk():
    quiet = f"{sys.executable} -W ignore -m rls3.cli --help"
    shell = {"shell": True, "capture_output": True, "text": True, "env": environment()}
    assert subprocess.run(f"{quiet} | head -c 1", **shell).stderr == ""
    done = subprocess.run(f"{quiet} > /dev/full", **shell)
    assert done.returncode == 1
    assert done.stderr.startswith("rls3: no space left for ")
    assert "or the output (No space left on device); free some" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "raised, code, said",
    [
        ("OSError(28, 'No space left on device', '/p/x')", 1, "no space left for /p/x (No space"),
        ("OSError(30, 'Read-only file system', '/p/x')", 1, "/p/x cannot be written (Read-only"),
    ],
)
def test_an_error_of_the_disk_that_nobody_expected_is_one_sentence(project, raised, code, said):
    assert said in sentence(run_broken(project, raised), code)


def test_a_mistake_of_the_program_keeps_its_traceback(project):
    done = run_broken(project, "KeyError('x')")
    assert done.returncode == 1 and done.stderr.startswith("Traceback")
    assert done.stderr.endswith("KeyError: 'x'\n") and "in broken" in done.stderr


def run_broken(folder: Path, raised: str) -> subprocess.CompletedProcess:
    """`rls3 run` with a module of that command that raises, wrapped as a library would wrap it."""
    code = f"""
import sys, types
from rls3 import cli
module = types.ModuleType("rls3.commands.run")
def broken(*_, **__):
    try:
        raise {raised}
    except OSError as error:
        raise RuntimeError("a library's own words") from error
module.main = broken
sys.modules["rls3.commands.run"] = module
sys.argv = ["rls3", "run"]
cli.main()
"""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment(),
    )


# -- documents -------------------------------------------------------------------------------------


def test_a_document_is_json_whatever_else_is_printed(tmp_path):
    code = """
import os, subprocess, sys
from rls3 import commands
from rls3.commands import _kept_for_the_answer
output = _kept_for_the_answer()
print("a library"); os.write(1, b"a native one\\n"); subprocess.run(["echo", "a child"])
print(commands.load("document").json_text({"nan": float("nan"), "pair": (1, None)}), file=output)
"""
    done = subprocess.run(
        [sys.executable, "-u", "-c", code], capture_output=True, text=True, env=environment()
    )
    assert json.loads(done.stdout) == {"nan": None, "pair": [1, None]}
    assert sorted(done.stderr.splitlines()) == ["a child", "a library", "a native one"]


def test_predict_prints_its_document_alone_and_its_warnings_elsewhere(project, tiny_clip):
    Image.new("RGB", (32, 32), "red").save(project / "x.png")
    captions = ("The red mug is left of the box.", "The 杯子 is left of the box.")
    done = rls3(project, "predict", "x.png", *captions, "--model", str(tiny_clip), "--json")
    document = json.loads(done.stdout)
    assert {entry["caption"] for entry in document["captions"]} == set(captions)
    assert document["image"] == str(project / "x.png") and document["unknown_words"] == ["杯子"]
    assert done.stderr.startswith("rls3: the model does not know '杯子'")
    assert len(done.stderr.splitlines()) == 1
    failed = rls3(project, "predict", "y.png", *captions, "--model", str(tiny_clip), "--json")
    assert "y.png does not exist" in sentence(failed, 1)
