"""Real servers on loopback, each a process group that ends with the test: PostgreSQL, an S3 server,
MLflow and Prefect; the latter two run as compose.yaml says. Passwords reach them, and whoever
speaks to them, by the environment alone."""

import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import psycopg
import yaml

from tests.conftest import ROOT
from tests.flow.conftest import answers

SECRETS = {
    "PGPASSWORD": "pg-hunter2-6f1c",
    "AWS_SECRET_ACCESS_KEY": "s3-hunter2-9b7e",
    "MLFLOW_TRACKING_PASSWORD": "mlflow-hunter2-41ad",
    "PREFECT_API_AUTH_STRING": "admin:prefect-hunter2-c03d",
}
"""By the variable that holds each."""
BUCKET, DATABASE_USER = "rls3", "rls3"
_STARTS_WITHIN_S = 120


@dataclass(frozen=True)
class Backends:
    """Where they answer. logs: of all servers; database: PostgreSQL's own folder."""

    postgres_port: int
    s3: str
    mlflow: str
    prefect: str
    logs: Path
    database: Path

    def environment(self) -> dict[str, str]:
        """What whoever runs a campaign on them sets; the database's password is not theirs."""
        return {
            "MLFLOW_TRACKING_URI": self.mlflow,
            "MLFLOW_TRACKING_USERNAME": "rls3",
            "MLFLOW_TRACKING_PASSWORD": SECRETS["MLFLOW_TRACKING_PASSWORD"],
            "PREFECT_API_URL": self.prefect,
            "PREFECT_API_AUTH_STRING": SECRETS["PREFECT_API_AUTH_STRING"],
            **self.s3_environment(),
        }

    def s3_environment(self) -> dict[str, str]:
        """Of DVC, of MLflow's server, of boto3."""
        return {
            "AWS_ENDPOINT_URL_S3": self.s3,
            "AWS_ACCESS_KEY_ID": "rls3",
            "AWS_SECRET_ACCESS_KEY": SECRETS["AWS_SECRET_ACCESS_KEY"],
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def rows(self, database: str, query: str) -> list[tuple]:
        """Of a query in PostgreSQL."""
        with connection(self.postgres_port, database) as connected:
            return connected.execute(query).fetchall()

    def objects(self, prefix: str) -> list[str]:
        """The keys in the bucket that begin so."""
        return [o.key for o in self.bucket().objects.filter(Prefix=prefix)]

    def bucket(self):
        """As boto3 has it."""
        key, word = "rls3", SECRETS["AWS_SECRET_ACCESS_KEY"]
        session = boto3.Session(key, word, region_name="us-east-1")
        return session.resource("s3", endpoint_url=self.s3).Bucket(BUCKET)


def postgres_programs() -> Path | None:
    """The folder of `initdb` and `postgres`: Debian's newest, or what is on the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = debian[-1] if debian else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def backends(programs: Path, logs: Path) -> Iterator[Backends]:
    """All four; MLflow and Prefect make their tables at the same time."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rls3-postgres-")))
        pg_port, s3_port, mlflow_port, prefect_port = free_ports(4)
        stack.enter_context(_postgres(programs, folder, pg_port, logs))
        found = Backends(
            pg_port,
            f"http://127.0.0.1:{s3_port}",
            f"http://127.0.0.1:{mlflow_port}",
            f"http://127.0.0.1:{prefect_port}/api",
            logs,
            folder,
        )
        s3 = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(s3_port)]
        stack.enter_context(_process("s3", s3, logs, {}))
        _wait(lambda: answers(f"{found.s3}/moto-api/"), "s3", logs)
        for name in ("mlflow", "prefect"):
            command, environment = composed(name, found)
            environment["PREFECT_HOME"] = str(logs / "home")
            stack.enter_context(_process(name, command, logs, environment))
        command, environment = composed("bucket", found)
        subprocess.run(command, env=_bare() | environment, check=True)
        _wait(lambda: answers(f"{found.mlflow}/health"), "mlflow", logs)
        _wait(lambda: answers(f"{found.prefect}/health"), "prefect", logs)
        yield found


def composed(service: str, found: Backends) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of a service of compose.yaml, for loopback and our ports."""
    ports = {"5432": str(found.postgres_port), "9000": found.s3, "5000": found.mlflow}
    ports["4200"] = found.prefect.removesuffix("/api")
    words = SECRETS | {"PREFECT_AUTH": SECRETS["PREFECT_API_AUTH_STRING"]}

    def here(text: str) -> str:
        text = re.sub(r"\$\{(\w+)[^}]*\}", lambda name: words[name[1]], text)
        text = re.sub(r"\b(postgres|s3|mlflow|prefect)(?=:\d)|0\.0\.0\.0", "127.0.0.1", text)
        return re.sub(r"\b(5432|9000|5000|4200)\b", lambda n: ports[n[1]].split(":")[-1], text)

    known = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"][service]
    program, *arguments = known["command"]
    command = [sys.executable if program == "python" else program, *map(here, arguments)]
    return command, {name: here(value) for name, value in known["environment"].items()}


@contextmanager
def _postgres(programs: Path, folder: Path, port: int, logs: Path) -> Iterator[None]:
    """A cluster of its own with the databases mlflow and prefect, for whoever has the password.
    PostgreSQL refuses root, so root starts it as somebody else."""
    owner = _somebody() if os.geteuid() == 0 else {}
    data, word = folder / "data", folder / "password"
    word.write_text(SECRETS["PGPASSWORD"])
    if owner:
        for path in (folder, word):
            shutil.chown(path, owner["user"])
    subprocess.run(
        [
            *(programs / "initdb", "-D", data, "-U", DATABASE_USER, f"--pwfile={word}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"),
        ],
        check=True,
        capture_output=True,
        cwd=folder,
        **owner,
    )
    word.unlink()
    command = [str(programs / "postgres"), "-D", str(data), "-k", str(folder), "-F"]
    command += ["-h", "127.0.0.1", "-p", str(port)]
    with _process("postgres", command, logs, {}, cwd=folder, **owner):
        _wait(lambda: _lets_in(port), "postgres", logs)
        with connection(port, "postgres") as connected:
            for name in ("mlflow", "prefect"):
                connected.execute(f"CREATE DATABASE {name}")
        yield


def _somebody() -> dict[str, object]:
    """For subprocess: an account without rights."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return {"user": "postgres" if "postgres" in known else "nobody", "extra_groups": []}


def connection(port: int, database: str) -> psycopg.Connection:
    """To PostgreSQL, with the password."""
    return psycopg.connect(
        host="127.0.0.1",
        port=port,
        dbname=database,
        user=DATABASE_USER,
        password=SECRETS["PGPASSWORD"],
        autocommit=True,
    )


def _lets_in(port: int) -> bool:
    try:
        connection(port, "postgres").close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def _process(
    name: str, command: Sequence[str], logs: Path, environment: Mapping[str, str], **how
) -> Iterator[None]:
    """A server in a session of its own, all of which ends with the block."""
    process = subprocess.Popen(
        list(command),
        env=_bare() | environment,
        stdin=subprocess.DEVNULL,
        stdout=(logs / f"{name}.log").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
        **how,
    )
    try:
        yield
    finally:
        if name == "postgres":  # its fast shutdown, which frees its shared memory
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _bare() -> dict[str, str]:
    """This process's environment without what a test before may have put there."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PG", "PREFECT_API"))}


def _wait(ready: Callable[[], bool], name: str, logs: Path) -> None:
    ends = time.monotonic() + _STARTS_WITHIN_S
    while not ready():
        said = (logs / f"{name}.log").read_text()[-2000:]
        assert time.monotonic() < ends, f"{name} does not answer: {said}"
        time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Different ones on loopback."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for taken in sockets:
            taken.bind(("127.0.0.1", 0))
        return [taken.getsockname()[1] for taken in sockets]
