"""What dependencies are told through the environment before they are imported: not to phone home,
where to keep their files, to be quiet, to reach this machine without a proxy. Called first by each
entry point."""

import os
from pathlib import Path

_SWITCHES = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "DVC_NO_ANALYTICS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Artifacts come through MLflow's server: signed addresses of its S3 may not be reachable here.
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
    # Threads that wait for each other must not burn the processors that the simulators need.
    "OMP_WAIT_POLICY": "passive",
}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# The command line tells failures in one sentence; Prefect would print each with its traceback.
_QUIET = {"PREFECT_LOGGING_LEVEL": "CRITICAL", "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL"}


def switch_off() -> None:
    """Set the switches; a value that the user has set stays."""
    _set_defaults(_SWITCHES)
    _no_proxy_for_loopback()


def keep_prefect_in(home: Path, quiet: bool = True) -> None:
    """Prefect's database, logs and results lie in this folder, and it speaks only when asked."""
    _set_defaults({"PREFECT_HOME": str(home), **(_QUIET if quiet else {})})


def _no_proxy_for_loopback() -> None:
    """Our own servers are on this machine, which a proxy cannot reach."""
    for name in ("NO_PROXY", "no_proxy"):
        known = [part for part in os.environ.get(name, "").split(",") if part.strip()]
        os.environ[name] = ",".join([*known, *(a for a in _LOOPBACK if a not in known)])


def _set_defaults(values: dict[str, str]) -> None:
    for name, value in values.items():
        os.environ.setdefault(name, value)
