"""Models in the registry. A module of its own: who names another model need not wait for MLflow."""

from pathlib import Path

from rls3.loop.store import Campaign
from tasks.registry import download_model


def registered_model(address: str, campaign: Campaign) -> Path:
    """The checkpoint folder behind "models:/NAME@ALIAS" or "models:/NAME/VERSION".

    Raises: ModelError.
    """
    return download_model(address, campaign.params, campaign.project).folder
