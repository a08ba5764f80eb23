"""Captions for pre-training: they name what an image shows, and their relations mean nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rls3.language.caption import Caption, object_name
from rls3.language.relation import CELLS, Cell
from rls3.scene.records import Kind

_RELATION_SHARE = 0.5
_ALIKE_SHARE = 0.5


@dataclass(frozen=True)
class Captioned:
    """The images of a batch that show two objects at least.

    rows: which these are. named: of each, the columns of the two objects that its caption names.
    false: of each, captions with one of the two replaced by an absent kind.
    """

    rows: list[int]
    named: list[tuple[int, int]]
    true: list[str]
    false: list[list[str]]


def captioned(
    kinds: torch.Tensor, vocabulary: Sequence[Kind], n_false: int, rng: np.random.Generator
) -> Captioned:
    """kinds: (B, K) index into the vocabulary or -1. The relation, where there is one, is random
    and the same in true and false captions: it tells nothing."""
    result = Captioned([], [], [], [])
    for row, columns in enumerate(kinds.tolist()):
        seen = [column for column, kind in enumerate(columns) if kind >= 0]
        if len(seen) < 2:
            continue
        a, b = (int(column) for column in rng.choice(seen, 2, replace=False))
        pair = columns[a], columns[b]
        cell = _random_cell(rng) if rng.random() < _RELATION_SHARE else None
        false = [_with_a_false_name(pair, columns, vocabulary, rng) for _ in range(n_false)]
        result.rows.append(row)
        result.named.append((a, b))
        result.true.append(_text(pair, cell, vocabulary))
        result.false.append([_text(other, cell, vocabulary) for other in false])
    return result


def _random_cell(rng: np.random.Generator) -> Cell:
    return CELLS[int(rng.integers(len(CELLS)))]


def _text(pair: tuple[int, int], cell: Cell | None, vocabulary: Sequence[Kind]) -> str:
    first, second = (vocabulary[kind] for kind in pair)
    if cell is None:
        return f"The {object_name(first)} and the {object_name(second)}."
    return Caption(first, cell, second).text


def _with_a_false_name(
    pair: tuple[int, int],
    present: Sequence[int],
    vocabulary: Sequence[Kind],
    rng: np.random.Generator,
) -> tuple[int, int]:
    first, second = pair
    if rng.random() < 0.5:
        return _false_name(first, present, vocabulary, rng), second
    return first, _false_name(second, present, vocabulary, rng)


def _false_name(
    true: int, present: Sequence[int], vocabulary: Sequence[Kind], rng: np.random.Generator
) -> int:
    """A kind that the image does not show: of the true one's colour in half of the cases, any
    else."""
    absent = [k for k in range(len(vocabulary)) if k not in present]
    alike = [k for k in absent if vocabulary[k].color == vocabulary[true].color]
    return int(rng.choice(alike if alike and rng.random() < _ALIKE_SHARE else absent))


@dataclass(frozen=True)
class Sayings:
    """Sentences, each beside one that says the same of the exchanged pair, and one that says
    something else of it."""

    said: list[str]
    converse: list[str]
    contrary: list[str]


def sayings(vocabulary: Sequence[Kind], n: int, rng: np.random.Generator) -> Sayings:
    """ "A is left of B", "B is right of A", and "A is right of B"."""
    result = Sayings([], [], [])
    for _ in range(n):
        a, b = (vocabulary[int(k)] for k in rng.choice(len(vocabulary), 2, replace=False))
        cell = _random_cell(rng)
        flipped = cell.flipped(cell.terms[int(rng.integers(cell.complexity))])
        result.said.append(Caption(a, cell, b).text)
        result.converse.append(Caption(b, cell.opposite, a).text)
        result.contrary.append(Caption(a, flipped, b).text)
    return result
