"""The model that a command names."""

import os
from collections.abc import Sequence
from pathlib import Path

from rls3.commands import load
from rls3.errors import ModelError
from rls3.loop.store import Campaign
from rls3.vlm.interface import VLM
from rls3.vlm.loading import BASE_CHECKPOINT, family_of, load_vlm
from tasks.versioning import fetch_published

_REGISTERED = "models:/"


def open_vlm(name: str, campaign: Campaign, here: Path) -> VLM:
    """A model by its name: "models:/NAME@ALIAS" of the registry, "base", a folder, or a hub name.

    Args:
        here: where the command was typed; a folder may be named relative to it, and to the project.
    Raises: ModelError.
    """
    params, project = campaign.params.vlm, campaign.project
    if name.startswith(_REGISTERED):
        folder = load("registry").registered_model(name, campaign)
    elif name == BASE_CHECKPOINT:
        if not (project.base / params.family).is_dir():
            fetch_published(project)
        folder = None
    else:
        folder = _folder(name, (here, project.root))
    family = family_of(folder) if folder else params.family
    checkpoint = str(folder or name)
    return load_vlm(family, checkpoint, project.base, params.device, params.revision)


def _folder(name: str, places: Sequence[Path]) -> Path | None:
    """The folder of that name; None if it is a name on the hub. Raises: ModelError if neither."""
    for place in places:
        folder = place / os.path.expanduser(name)
        if folder.is_dir():
            return folder
    if "/" not in name:
        raise ModelError(
            f"the model {name!r} is not a folder, and a name on the hub has the form OWNER/NAME; "
            "name a folder made by save_pretrained, models:/NAME@ALIAS, or 'base'"
        )
    return None
