"""Every dependency that phones home is told not to, before it is imported. Called first by each
entry point."""

import os

_SWITCHES = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "DVC_NO_ANALYTICS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


def switch_off() -> None:
    """Set the switches; a value that the user has set stays."""
    for name, value in _SWITCHES.items():
        os.environ.setdefault(name, value)
