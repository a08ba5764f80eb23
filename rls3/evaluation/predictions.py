"""What a model said on each item of a benchmark: the raw material of every metric; and its file.

One Parquet row an item, with a column for each slice and group: any tool reads it, and what a
report or another metric asks later needs no second run of the model.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rls3.errors import DataError
from rls3.files import read_errors, whole_file

_SLICE, _GROUP = "slice.", "group."
_COLUMNS = [
    ("item_id", pa.string()),
    ("image_hash", pa.string()),
    ("captions", pa.list_(pa.string())),
    ("contrasts", pa.list_(pa.string())),
    ("answer", pa.int32()),
    ("scores", pa.list_(pa.float64())),
]


@dataclass(frozen=True)
class Prediction:
    """A model's scores on one item; what is not explained here is as in `Item`.

    Attributes:
        image_hash: of the picture file's bytes: 16 hexadecimal digits of its SHA-256.
        contrasts, scores: one for each caption.
    Raises: ValueError if the lengths differ.
    """

    item_id: str
    image_hash: str
    captions: tuple[str, ...]
    contrasts: tuple[str, ...]
    answer: int
    scores: tuple[float, ...]
    slices: Mapping[str, str]
    groups: Mapping[str, str]

    def __post_init__(self) -> None:
        if not len(self.captions) == len(self.contrasts) == len(self.scores) > self.answer >= 0:
            raise ValueError(
                f"item {self.item_id!r} has {len(self.captions)} captions, {len(self.contrasts)} "
                f"contrasts, {len(self.scores)} scores and the answer {self.answer}"
            )

    @property
    def others(self) -> tuple[int, ...]:
        """Indices of the false captions."""
        return tuple(i for i in range(len(self.captions)) if i != self.answer)

    def margin(self, other: int) -> float:
        """By how much the true caption scores above another; nan if a score is."""
        return self.scores[self.answer] - self.scores[other]

    @property
    def right(self) -> bool:
        """The true caption scores above every other: neither a tie nor a score of nan is right."""
        return all(self.margin(other) > 0 for other in self.others)

    @property
    def chosen(self) -> int:
        """Index of the caption with the highest score; of equals, one that is false."""
        if self.right:
            return self.answer
        return max(self.others, key=lambda i: np.nan_to_num(self.scores[i], nan=-np.inf))

    def among(self, kinds: Iterable[str]) -> "Prediction":
        """The same with the true caption and those false ones alone whose contrast is of a kind."""
        wanted = set(kinds)
        keep = [
            i
            for i, contrast in enumerate(self.contrasts)
            if i == self.answer or contrast.partition(":")[0] in wanted
        ]
        return replace(
            self,
            captions=tuple(self.captions[i] for i in keep),
            contrasts=tuple(self.contrasts[i] for i in keep),
            scores=tuple(self.scores[i] for i in keep),
            answer=keep.index(self.answer),
        )


@dataclass(frozen=True)
class Predictions:
    """A model on a benchmark: a row for each item, in the benchmark's order."""

    rows: tuple[Prediction, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def right(self) -> np.ndarray:
        """(N,) bool: see `Prediction.right`."""
        return np.array([row.right for row in self.rows], bool)

    @cached_property
    def chosen(self) -> np.ndarray:
        """(N,) int: see `Prediction.chosen`."""
        return np.array([row.chosen for row in self.rows], int)

    def save(self, path: Path) -> None:
        """Raises: StorageError if it cannot be written."""
        table = _table(self.rows)
        with whole_file(path) as temporary:
            pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)

    @staticmethod
    def load(path: Path) -> "Predictions":
        """Raises: DataError if the file is missing or damaged."""
        with read_errors(path, pa.ArrowException):
            # without `partitioning`, a folder named like "a=b" would add a column
            rows = pq.read_table(
                path, partitioning=None, page_checksum_verification=True
            ).to_pylist()
            return Predictions(tuple(map(_prediction, rows)))


def _names(mappings: Iterable[Mapping[str, str]]) -> list[str]:
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))


def _table(rows: Sequence[Prediction]) -> pa.Table:
    plain = [name for name, _ in _COLUMNS]
    columns = {name: [getattr(row, name) for row in rows] for name in plain}
    schema = list(_COLUMNS)
    for prefix, mappings in (
        (_SLICE, [row.slices for row in rows]),
        (_GROUP, [row.groups for row in rows]),
    ):
        for name in _names(mappings):
            columns[prefix + name] = [mapping.get(name) for mapping in mappings]
            schema.append((prefix + name, pa.string()))
    # for readers without this code; `load` works them out again
    columns |= {"chosen": [r.chosen for r in rows], "right": [r.right for r in rows]}
    schema += [("chosen", pa.int32()), ("right", pa.bool_())]
    return pa.table(columns, schema=pa.schema(schema))


def _prediction(row: dict[str, object]) -> Prediction:
    plain = {name: row[name] for name, _ in _COLUMNS}
    return Prediction(
        **plain
        | {
            "captions": tuple(row["captions"]),
            "contrasts": tuple(row["contrasts"]),
            "scores": tuple(map(float, row["scores"])),
            "slices": _with_prefix(row, _SLICE),
            "groups": _with_prefix(row, _GROUP),
        }
    )


def _with_prefix(row: dict[str, object], prefix: str) -> dict[str, str]:
    return {
        name.removeprefix(prefix): str(value)
        for name, value in row.items()
        if name.startswith(prefix) and value is not None
    }


def check_same_items(before: Predictions, after: Predictions) -> None:
    """Raises: DataError unless both were made on the same pictures, captions and answers."""
    if len(before) != len(after):
        raise _not_comparable(f"{len(before)} items and {len(after)}")
    for number, (one, other) in enumerate(zip(before.rows, after.rows), 1):
        if _question(one) != _question(other):
            raise _not_comparable(
                f"item {number} is {one.item_id!r} in one and {other.item_id!r} in the other"
                if one.item_id != other.item_id
                else f"item {one.item_id!r} has another picture, other captions or another answer"
            )


def _question(row: Prediction) -> tuple[object, ...]:
    return row.item_id, row.image_hash, row.captions, row.contrasts, row.answer


def _not_comparable(difference: str) -> DataError:
    return DataError(
        f"these predictions are of two versions of the benchmark ({difference}); "
        "evaluate both models on the same one"
    )
