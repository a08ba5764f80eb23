"""Pictures of what a model got right and wrong, saved while it is evaluated: the report only reads
them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rls3.errors import DataError
from rls3.evaluation.item import RELATION_KINDS, Item
from rls3.evaluation.predictions import Prediction, Predictions
from rls3.files import read_errors, whole_file

MENDED, WRONG, RIGHT = GROUPS = ("wrong before, right now", "still wrong", "right all along")
_PER_GROUP = 6
_LOOKED_AT = 120

_SCHEMA = pa.schema(
    [
        ("group", pa.string()),
        ("item_id", pa.string()),
        ("image", pa.binary()),
        ("caption", pa.string()),
        ("chosen_before", pa.string()),
        ("chosen_after", pa.string()),
        ("slices", pa.map_(pa.string(), pa.string())),
    ]
)


@dataclass(frozen=True)
class GalleryItem:
    """A picture with what two models said of it.

    Attributes:
        group: one of `GROUPS`.
        image: a picture file's bytes.
        caption: the true one.
        chosen_before, chosen_after: the caption that scored highest among the true one and its
            relation negatives.
        slices: the item's slices and groups, by axis ("room type", "floor plan").
    """

    group: str
    item_id: str
    image: bytes = field(repr=False)
    caption: str
    chosen_before: str
    chosen_after: str
    slices: Mapping[str, str]


def gallery_of(items: Sequence[Item], before: Predictions, after: Predictions) -> list[GalleryItem]:
    """A few items of each group, evenly over the set.

    Raises: DataError if the predictions are not of these items.
    """
    _check_same(items, before, after)
    looked_at = np.linspace(0, len(items) - 1, min(len(items), _LOOKED_AT)).astype(int)
    found: dict[str, list[GalleryItem]] = {group: [] for group in GROUPS}
    for i in looked_at:
        pictured = _pictured(items[i], _chosen(before.rows[i]), _chosen(after.rows[i]))
        if pictured is not None:
            found[pictured.group].append(pictured)
    return [item for group in found.values() for item in _spread(group)]


def _check_same(items: Sequence[Item], before: Predictions, after: Predictions) -> None:
    wanted = [item.item_id for item in items]
    for predictions in (before, after):
        if [row.item_id for row in predictions.rows] != wanted:
            raise DataError(
                f"a gallery of {len(items)} items was asked for, and the {len(predictions.rows)} "
                "predictions are of others; evaluate both models on this benchmark again"
            )


def _chosen(row: Prediction) -> str:
    """The caption with the highest score among the true one and its relation negatives, or among
    all where it is not known what differs; of equals, one that is false."""
    relation = row.among(RELATION_KINDS)
    asked = relation if len(relation.captions) > 1 else row
    return asked.captions[asked.chosen]


def _pictured(item: Item, before: str, after: str) -> GalleryItem | None:
    """None for what was right before and is wrong now: the gain on the page counts it."""
    truth = item.captions[item.answer]
    if after != truth:
        if before == truth:
            return None
        group = WRONG
    else:
        group = RIGHT if before == truth else MENDED
    slices = {**item.slices, **item.groups}
    return GalleryItem(group, item.item_id, item.image, truth, before, after, slices)


def _spread(found: Sequence[GalleryItem]) -> Sequence[GalleryItem]:
    """At most `_PER_GROUP` of them, at equal distances."""
    return found[:: max(1, len(found) // _PER_GROUP)][:_PER_GROUP]


def save_gallery(items: Sequence[GalleryItem], path: Path) -> None:
    """Raises: StorageError."""
    columns = {name: [getattr(item, name) for item in items] for name in _SCHEMA.names}
    columns["slices"] = [list(item.slices.items()) for item in items]
    with whole_file(path) as temporary:
        pq.write_table(
            pa.table(columns, schema=_SCHEMA),
            temporary,
            compression="zstd",
            write_page_checksum=True,
        )


def load_gallery(path: Path) -> list[GalleryItem]:
    """Raises: DataError if the file is missing or damaged."""
    with read_errors(path, pa.ArrowException):
        # without `partitioning`, a folder named like "a=b" would add a column
        rows = pq.read_table(path, partitioning=None, page_checksum_verification=True).to_pylist()
        return [GalleryItem(**row | {"slices": dict(row["slices"])}) for row in rows]
