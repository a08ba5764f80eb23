"""`rls3 export`: a registered model as a folder that transformers and the hub understand."""

import shutil
from pathlib import Path

from rls3.commands import Answer
from rls3.errors import StorageError
from rls3.files import whole_folder
from rls3.loop.store import Project
from rls3.params import Params
from tasks.registry import CHAMPION, download_model


def main(root: Path, params: Params, folder: Path, model: str) -> Answer:
    """Weights, tokenizer, image processor, README.md (the card) and LICENSE.

    Args:
        model: "models:/NAME@ALIAS" or "models:/NAME/VERSION"; "" is the champion.
    Raises: StorageError if there is something in the folder already; ModelError.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise StorageError(f"{folder} is not empty; name a new folder")
    address = model or f"models:/{params.tracking.registered_model}@{CHAMPION}"
    found = download_model(address, params, Project(root))
    with whole_folder(folder) as temporary:
        shutil.copytree(found.folder, temporary, dirs_exist_ok=True)
        for file in found.beside:
            shutil.copyfile(file, temporary / file.name)
    return Answer((str(folder),))
