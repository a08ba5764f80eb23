"""Models in the registry. A module of its own: who names another model need not wait for MLflow."""

from pathlib import Path

from rls3.loop.store import Campaign
from tasks.tracking import download_model


def registered_model(address: str, campaign: Campaign) -> Path:
    """The checkpoint folder behind "models:/NAME@ALIAS". Raises: ModelError."""
    return download_model(address, campaign.params, campaign.project)
