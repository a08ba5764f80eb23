"""The pictures of a benchmark whose file only names them."""

import logging
from collections.abc import Sequence
from pathlib import Path

from rls3.errors import DataError

_LOG = logging.getLogger(__name__)
_NAMED = 3


def find_images(names: Sequence[str], folders: Sequence[Path], source: Path) -> dict[str, Path]:
    """The file of each name, in the first of the folders that has it.

    What is missing is left out, with a warning that counts and names it.

    Args:
        source: the benchmark's file, for the messages.
    Raises: DataError if none is there, or a name leads out of the folders.
    """
    found = {name: _file(name, folders, source) for name in dict.fromkeys(names)}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        places = " and ".join(str(folder) for folder in folders)
        sentence = (
            f"{source}: {len(missing)} of {len(found)} pictures are missing in {places}: "
            f"{', '.join(missing[:_NAMED])}{', ...' if len(missing) > _NAMED else ''}"
        )
        if len(missing) == len(found):
            raise DataError(f"{sentence}; name the folder that holds them")
        _LOG.warning("%s; their items are left out", sentence)
    return {name: path for name, path in found.items() if path is not None}


def _file(name: str, folders: Sequence[Path], source: Path) -> Path | None:
    try:
        found = next((folder for folder in folders if (folder / name).is_file()), None)
        if found is None:
            return None
        inside = (found / name).resolve().is_relative_to(found.resolve())
    except (OSError, ValueError):  # no name of a file, such as one that is too long
        return None
    if not inside:
        raise DataError(
            f"{source} names the picture {name!r}, which lies outside of {found}; put it there, or "
            "name the folder that holds all pictures"
        )
    return found / name
