"""What `rls3 serve` runs: Prefect's server, a worker, MLflow's pages and our own, and the watch
over scheduled runs. One process holds them all; when it ends, so do they."""

import fcntl
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists, PrefectHTTPStatusError

from rls3.errors import ServerError
from rls3.files import make_folder, storage_errors, write_json
from rls3.loop.store import Project
from rls3.params import Params
from tasks.artifacts import MLFLOW_URL, PAGES_URL
from tasks.server import (
    LOOPBACK,
    Addresses,
    Child,
    listening_socket,
    start_child,
    start_patience_s,
    start_prefect,
)
from tasks.tracking import tracking_uri
from tasks.watch import Watch

_LOG = logging.getLogger(__name__)
POOL = "rls3"
_DEPLOYMENTS = "prefect.yaml"
_PREFECT = (sys.executable, "-W", "ignore", "-m", "prefect", "--no-prompt")
_DEPLOY_LIMIT_S = 300
Say = Callable[[str], None]


@dataclass
class Service:
    """A child that is started again when it ends. health: answers with 200 while it is well."""

    start: Callable[[], Child]
    health: str

    def __post_init__(self) -> None:
        self.child = self.start()

    def wait(self) -> None:
        """Until it is well. Raises: ServerError."""
        self.child.wait_healthy(self.health, start_patience_s())

    def mend(self) -> None:
        """Start it again if it has ended."""
        if not self.child.alive:
            code = self.child.process.returncode
            _LOG.warning("%s ended (code %s) and is started again", self.child.name, code)
            try:
                self.child = self.start()
            except ServerError as error:
                _LOG.warning("%s; it is tried again", error)


def serve(project: Project, params: Params, say: Say) -> None:
    """Start everything, say where it is, and look after it until this process is ended.

    Raises: ServerError if it runs already, a port is taken, or something does not start.
    """
    with _alone(project):
        addresses = _addresses(params)
        os.environ["PREFECT_API_URL"] = addresses.prefect_api
        os.environ |= {MLFLOW_URL: addresses.mlflow, PAGES_URL: addresses.pages}
        services = _started(project, params)
        with SyncPrefectClient(addresses.prefect_api) as client:
            services[0].wait()
            _make_pool(client)
            services.append(_worker(project))
            _deploy(project)
            for service in services:
                service.wait()
            write_json(project.serving_record, asdict(addresses))
            for line in addresses.lines():
                say(line)
            _look_after(services, client, project, params, addresses)


def _addresses(params: Params) -> Addresses:
    ports, tracking = params.serve, params.tracking.uri
    prefect = f"http://{LOOPBACK}:{ports.prefect_port}"
    mlflow = tracking if _is_server(tracking) else f"http://{LOOPBACK}:{ports.mlflow_port}"
    pages = f"http://{LOOPBACK}:{ports.pages_port}"
    return Addresses(os.getpid(), f"{prefect}/api", prefect, mlflow, pages)


def _is_server(tracking: str) -> bool:
    return tracking.startswith(("http://", "https://"))


def _started(project: Project, params: Params) -> list[Service]:
    """Prefect's server first; not yet well."""
    ports, logs = params.serve, project.serving
    make_folder(project.runs)

    def prefect() -> Child:
        return start_prefect(logs / "prefect.log", ports.prefect_port, temporary=False)[0]

    def mlflow() -> Child:
        arguments = ["mlflow", "server", "--host", LOOPBACK, "--workers", "1"]
        arguments += ["--uvicorn-opts", "--log-level warning"]
        # A database's address may hold a password: not for the list of processes.
        environment = {
            "MLFLOW_BACKEND_STORE_URI": tracking_uri(params, project),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        return _on_port("MLflow", ports.mlflow_port, arguments, logs, environment)

    def pages() -> Child:
        return _on_port("pages", ports.pages_port, ["tasks.pages", str(project.runs)], logs)

    addresses = _addresses(params)
    services = [Service(prefect, f"{addresses.prefect_api}/health")]
    services.append(Service(pages, f"{addresses.pages}/"))
    if not _is_server(params.tracking.uri):
        services.append(Service(mlflow, f"{addresses.mlflow}/health"))
    return services


def _on_port(
    name: str,
    port: int,
    arguments: list[str],
    logs: Path,
    environment: dict[str, str] | None = None,
) -> Child:
    """Raises: ServerError if the port is taken: whoever has it would answer in its place."""
    listening_socket(port).close()
    log = logs / f"{name.lower()}.log"
    return start_child(name, [*arguments, "--port", str(port)], log, environment)


def _worker(project: Project) -> Service:
    with listening_socket() as free:
        port = free.getsockname()[1]
    environment = {"PREFECT_WORKER_WEBSERVER_PORT": str(port)}

    def start() -> Child:
        arguments = ["prefect", "worker", "start", "--pool", POOL, "--type", "process"]
        log = project.serving / "worker.log"
        return start_child("the worker", [*arguments, "--with-healthcheck"], log, environment)

    return Service(start, f"http://{LOOPBACK}:{port}/health")


def _make_pool(client: SyncPrefectClient) -> None:
    pool = WorkPoolCreate(name=POOL, type="process", description="Processes of this machine.")
    with suppress(ObjectAlreadyExists):
        client.create_work_pool(pool)


def _deploy(project: Project) -> None:
    """All deployments of the project's prefect.yaml, or of ours.

    Raises: ServerError with what Prefect says.
    """
    own = project.root / _DEPLOYMENTS
    file = own if own.exists() else Path(__file__).resolve().parents[1] / _DEPLOYMENTS
    done = subprocess.run(
        [*_PREFECT, "deploy", "--all", "--prefect-file", str(file)],
        cwd=project.root,
        env=os.environ | {"NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_DEPLOY_LIMIT_S,
    )
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).split())[-300:]
        raise ServerError(f"the deployments of {file} are not accepted ({said}); mend that file")


def _look_after(
    services: list[Service],
    client: SyncPrefectClient,
    project: Project,
    params: Params,
    addresses: Addresses,
) -> None:
    """Until the process is ended: start again what ended, and watch the runs."""
    settings = params.serve
    watch = Watch(project.told_states, settings.retries, params.notify.url, addresses.prefect)
    while True:
        for service in services:
            service.mend()
        try:
            watch.look(client)
        except (httpx.HTTPError, PrefectHTTPStatusError) as error:
            _LOG.warning("Prefect's server could not be asked (%s)", type(error).__name__)
        time.sleep(settings.watch_s)


@contextmanager
def _alone(project: Project) -> Iterator[None]:
    """Raises: ServerError if the project is served already."""
    make_folder(project.serving)
    with storage_errors(project.serving_lock):
        lock = project.serving_lock.open("a+")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServerError(f"{project.root} is served already; `rls3 stop` ends that") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        project.serving_record.unlink(missing_ok=True)
        yield
