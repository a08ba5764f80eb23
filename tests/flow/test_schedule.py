"""Runs that Prefect's scheduler makes, under `rls3 serve`: one is killed, all of them end well, and
whoever is to be told is told. Then: no server of ours outlives who started it."""

import json
import os
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import psutil
import pytest
import yaml

from rls3.errors import ServerError
from rls3.loop.store import Campaign, Project
from rls3.params import load_params
from tasks.server import start_child
from tests.conftest import ROOT
from tests.flow.conftest import answers, rls3, session_of, start, wait_for

NIGHTS_EVERY_S = 12


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def hook():
    """A notification hook on loopback; gives its address and what was posted: headers and body."""
    posted = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((dict(self.headers), json.loads(body)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_): ...

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", posted
    server.shutdown()
    server.server_close()


def asked(api: str, path: str, **wanted) -> list | dict:
    request = urllib.request.Request(
        f"{api}/{path}", json.dumps(wanted).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def nights(api: str) -> list[dict]:
    """The deployment's runs, as they were scheduled; the rounds are runs of their own."""
    made = asked(api, "flow_runs/filter", sort="EXPECTED_START_TIME_ASC")
    return [run for run in made if run["deployment_id"]]


def process_of(run: dict) -> psutil.Process:
    for process in psutil.process_iter():
        try:
            if process.environ().get("PREFECT__FLOW_RUN_ID") == run["id"]:
                return process
        except psutil.Error:
            continue
    raise AssertionError(f"{run['name']} has no process")


def until(what, seconds: float, every: float = 0.3):
    """What the function gives as soon as it is true."""
    ends = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < ends, f"not within {seconds} s"
        time.sleep(every)
    return found


@pytest.fixture(scope="module")
def ports():
    names = ("prefect_port", "mlflow_port", "pages_port")
    return {name: free_port() for name in names}


def write_deployments(root) -> None:
    """The nightly deployment of prefect.yaml, on a schedule of seconds and for a round a night."""
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    (nightly,) = (d for d in deployments["deployments"] if d["name"] == "nightly")
    nightly["schedules"] = [{"interval": NIGHTS_EVERY_S}]
    nightly["parameters"] = {"campaign": "night", "rounds_a_night": 1}
    deployments["deployments"] = [nightly]
    (root / "prefect.yaml").write_text(yaml.safe_dump(deployments))


def test_three_nights_that_the_scheduler_makes_and_one_is_killed(project, ports, monkeypatch):
    """No shell exports RLS3_HOME; the killed night is told of and tried again; a run ends with its
    figures in its state and its artifacts; stopping leaves no process."""
    write_deployments(project)
    monkeypatch.setenv("PREFECT_WORKER_QUERY_SECONDS", "2")
    monkeypatch.setenv("RLS3_NOTIFY_TOKEN", "a-secret")
    overrides = [f"-Sserve.{name}={port}" for name, port in ports.items()]
    api = f"http://127.0.0.1:{ports['prefect_port']}/api"
    with hook() as (url, posted):
        child = start(
            project, "serve", "--foreground", "-Sserve.watch_s=1", f"-Snotify.url={url}", *overrides
        )
        try:
            until((project / ".rls3/serving/serving.json").exists, 240)
            again = rls3(project, "serve", *overrides)
            assert (
                again.returncode == 0
                and f"MLflow:  http://127.0.0.1:{ports['mlflow_port']}" in again.stdout
            )
            assert not asked_settings(api)["server"]["analytics_enabled"]
            killed = until(lambda: in_state(api, "Running"), 120)[0]
            assert killed["auto_scheduled"], "the scheduler made it, not this test"
            until((project / "runs/night/rounds/0001/sample.json").exists, 120)
            process_of(killed).kill()
            done = until(lambda: three_and(killed, in_state(api, "Completed")), 300)
            check_ends(api, done)
            check_pages(project, ports["pages_port"])
            assert rls3(project, "stop").stdout == "stopped\n"
            assert child.wait(20) == 128 + signal.SIGTERM
        finally:
            if child.poll() is None:
                child.kill()
        until(lambda: not session_of(child.pid), 10)
    check_notices(posted, killed)
    campaign = Campaign(
        Project(project), load_params(project / "params.yaml", ["campaign.name=night"])
    )
    goals = json.loads(campaign.nights.read_text())
    assert len(campaign.rounds_done()) >= max(goals[run["id"]] for run in done) >= 2
    assert "a-secret" not in "".join(
        p.read_text() for p in (project / ".rls3/serving").glob("*.log")
    )


def three_and(killed: dict, done: list[dict]) -> list[dict]:
    """Three or more nights that came to their end, the killed one among them: it is tried again."""
    return done if len(done) >= 3 and killed["id"] in [run["id"] for run in done] else []


def asked_settings(api: str) -> dict:
    with urllib.request.urlopen(f"{api}/admin/settings", timeout=20) as answer:
        return json.load(answer)


def in_state(api: str, name: str) -> list[dict]:
    return [run for run in nights(api) if run["state"]["name"] == name]


def check_ends(api: str, done: list[dict]) -> None:
    for run in done:
        said = run["state"]["message"]
        assert said.startswith("accuracy on test ") and "; gate " in said
    made = {a["key"]: a for a in asked(api, "artifacts/latest/filter")}
    wanted = "metrics quality gate gallery report data-docs mlflow-run"
    assert {f"{what}-night" for what in wanted.split()} <= set(made)
    assert made["gate-night"]["data"].startswith("Gate against ")
    rows = json.loads(made["metrics-night"]["data"])
    assert [row["round"] for row in rows] == list(range(1, len(rows) + 1))
    assert made["gallery-night"]["data"].startswith("data:image/jpeg;base64,")


def check_notices(posted: list, killed: dict) -> None:
    crashes = [
        body
        for _, body in posted
        if body["flow_run_id"] == killed["id"] and body["state"] == "Crashed"
    ]
    assert [(c["attempt"], c["tried_again"]) for c in crashes] == [(1, True)], "told once"
    assert all(headers["Authorization"] == "Bearer a-secret" for headers, _ in posted)


def check_pages(project, port: int) -> None:
    """Reports are served; models, databases, records and what lies elsewhere are not."""
    at = f"http://127.0.0.1:{port}"
    assert answers(f"{at}/night/report.html")
    assert answers(f"{at}/night/data-docs/index.html")
    (project / "outside.html").write_text("x")
    (project / "runs/night/link.html").symlink_to(project / "outside.html")
    for refused in (
        "mlflow.db",
        "night/gate.json",
        "night/",
        "night/link.html",
        "%2e%2e/outside.html",
    ):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{at}/{refused}", timeout=5)
    foreign = urllib.request.Request(f"{at}/night/report.html", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(foreign, timeout=5)


def server_of(child) -> psutil.Process | None:
    """Prefect's temporary server, once it is there."""
    for process in session_of(child.pid):
        if "tasks.child" in process.cmdline() and "uvicorn" in process.cmdline():
            return process
    return None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_the_temporary_server_does_not_outlive_the_command(project, number):
    child = start(project, "run", "-S", f"campaign.name=ended-{int(number)}")
    server = until(lambda: server_of(child), 60, 0.05)
    if number == signal.SIGKILL:  # later; the others when it is just starting
        wait_for(project / "runs/ended-9/params.json", child)
    os.kill(child.pid, number)  # to it alone
    child.wait(20)
    until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, 10)
    until(lambda: not session_of(child.pid), 10)


def test_a_lost_server_ends_the_command_in_one_sentence(project):
    child = start(project, "run", "-S", "campaign.name=lost")
    wait_for(project / "runs/lost/rounds/0001/sample.json", child)
    server_of(child).kill()
    assert child.wait(20) == 1
    said = (project / "stderr.txt").read_text().strip()
    assert said.count("\n") == 0 and "is gone; what was finished is kept, run again" in said
    until(lambda: not session_of(child.pid), 10)


def test_servers_that_do_not_answer_are_one_sentence(project, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", f"http://me:secret@127.0.0.1:{free_port()}/api")
    dead = rls3(project, "run", "-S", "campaign.name=unreached")
    assert dead.returncode == 1 and dead.stderr.count("\n") == 1 and "secret" not in dead.stderr
    assert "does not answer" in dead.stderr and "unset PREFECT_API_URL" in dead.stderr
    assert not (project / "runs/unreached").exists()
    monkeypatch.delenv("PREFECT_API_URL")
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", "sqlite+aiosqlite:////no/where.db")
    lost = rls3(project, "run", "-S", "campaign.name=unreached")
    assert lost.returncode == 1 and lost.stderr.count("\n") == 1
    assert "Prefect's server ended" in lost.stderr and "server.log" in lost.stderr


def test_a_server_that_is_slow_is_one_sentence_and_ends_with_us(tmp_path):
    child = start_child(
        "The server", ["timeit", "-n1", "-r1", "import time; time.sleep(60)"], tmp_path / "log"
    )
    with pytest.raises(ServerError, match="did not answer at http.*within 0 s.*less busy"):
        child.wait_healthy(f"http://127.0.0.1:{free_port()}/health", 0.3)
    child.process.stdin.close()  # as the kernel does when we die
    assert child.process.wait(10) == 1


def test_a_proxy_does_not_come_between_us_and_our_servers(project, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    done = rls3(project, "run", "-S", "campaign.name=proxied", "-S", "campaign.rounds=1")
    assert done.returncode == 0, done.stderr[-2000:]
