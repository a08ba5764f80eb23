"""A user's own benchmark: JSON Lines, one object a line, beside a folder of pictures.

    {"image": "kitchen/1.png", "answer": 0, "slices": {"relation": "left"},
     "options": ["The cup is left of the box.", "The cup is right of the box."]}

`options` are two captions or more, `answer` is the index of the true one (0 is the first).
`slices`, `id` and `contrasts` (see `Item`) may be left out. `image` is relative to the images
folder, or to the file.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rls3.errors import DataError
from rls3.evaluation.image_folder import find_images
from rls3.evaluation.item import Item


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    image: str = Field(min_length=1)
    options: tuple[str, ...] = Field(min_length=2)
    answer: int = Field(ge=0)
    id: str | int = ""
    slices: dict[str, str | int | float] = {}
    contrasts: tuple[str, ...] = ()


def read(path: Path, images: Path | None) -> list[Item]:
    """See `rls3.evaluation.benchmarks.Format`. Items whose picture is missing are left out, with a
    warning that counts them."""
    lines = list(_lines(path))
    if not lines:
        raise DataError(f"{path} holds no items; give one JSON object a line")
    folders = [folder for folder in (images, path.parent) if folder is not None]
    found = find_images([line.image for _, line in lines], folders, path)
    items: dict[str, Item] = {}
    for number, line in lines:
        if line.image not in found:
            continue
        item = _item(path, number, line, found[line.image])
        if items.setdefault(item.item_id, item) is not item:
            raise DataError(f"{path}, line {number}: the id {item.item_id!r} is there twice")
    return list(items.values())


def _lines(path: Path) -> Iterator[tuple[int, _Line]]:
    """The lines that are not blank, with their numbers (1 is the first)."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # with or without a byte-order mark
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; name a file of JSON Lines") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as UTF-8 text ({error})") from error
    # not splitlines(): JSON strings may hold line separators such as U+2028
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _checked(path, number, line)


def _checked(path: Path, number: int, line: str) -> _Line:
    try:
        return _Line.model_validate_json(line)
    except ValidationError as error:
        raise DataError(f"{path}, line {number}: {_sentence(error)}") from None


def _sentence(error: ValidationError) -> str:
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key!r}; known are {', '.join(_Line.model_fields)}"
    if problem["type"] == "missing":
        return f"the key {key!r} is missing; image, options and answer must be there"
    message = f"{problem['msg'][0].lower()}{problem['msg'][1:]}"
    return f"{key} = {problem['input']!r} is not allowed: {message}" if key else message


def _item(path: Path, number: int, line: _Line, image: Path) -> Item:
    try:
        return Item(
            item_id=str(line.id) if line.id != "" else f"{number}:{line.image}",
            image=image,
            captions=line.options,
            answer=line.answer,
            slices={axis: str(value) for axis, value in line.slices.items()},
            contrasts=line.contrasts,
        )
    except DataError as error:
        raise DataError(f"{path}, line {number}: {error}") from None
