"""Real servers on loopback."""

import sys
import urllib.request
from pathlib import Path


def answers(url: str) -> bool:
    """Whether there is somebody at an address of this machine."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return direct.open(url, timeout=1).status == 200
    except OSError:
        return False


def mlflow_command(folder: Path, port: int) -> list[str]:
    """A tracking server that keeps everything in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        *(sys.executable, "-W", "ignore", "-m", "mlflow", "server", "--workers", "1"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]


def prefect_command(port: int) -> list[str]:
    """Prefect's server; PREFECT_HOME says where it keeps its database."""
    server = ("-W", "ignore", "-m", "prefect", "server", "start")
    return [sys.executable, *server, "--host", "127.0.0.1", "--port", str(port)]
