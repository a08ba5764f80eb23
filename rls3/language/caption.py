"""The caption grammar: "The red mug is above, behind and to the left of the yellow bowl." (paper,
same figure).

Text and record are two forms of the same thing: `Caption.text` writes, `parse` reads, and they are
inverse.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rls3.errors import DataError
from rls3.language.relation import CELLS, Cell, Term
from rls3.scene.records import Kind

COLORS = (
    "red",
    "green",
    "blue",
    "yellow",
    "white",
    "black",
    "purple",
    "orange",
    "pink",
    "brown",
    "gray",
)

_PHRASES = {
    Term.LEFT: "to the left",
    Term.RIGHT: "to the right",
    Term.IN_FRONT: "in front",
    Term.BEHIND: "behind",
    Term.ABOVE: "above",
    Term.BELOW: "below",
}
_NEEDS_OF = {Term.LEFT, Term.RIGHT, Term.IN_FRONT}
NegativeKind = Literal["flip", "flip_all", "swap", "object"]
N_OBJECT_NEGATIVES = 3


def object_name(kind: Kind) -> str:
    """Kind("AlarmClock", "red") -> "red alarm clock"."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.type).lower()
    return f"{kind.color} {words}".strip()


def kind_of(name: str) -> Kind:
    """Inverse of `object_name`."""
    first, _, rest = name.partition(" ")
    color, words = (first, rest) if first in COLORS and rest else ("", name)
    return Kind("".join(word.capitalize() for word in words.split()), color)


def relation_phrase(cell: Cell) -> str:
    """ "above, behind and to the left of"; "of" follows only where English asks for it."""
    phrases = [_PHRASES[term] for term in cell.terms]
    joined = " and ".join([", ".join(phrases[:-1]), phrases[-1]] if len(phrases) > 1 else phrases)
    return f"{joined} of" if cell.terms[-1] in _NEEDS_OF else joined


_CELL_OF_PHRASE = {relation_phrase(cell): cell for cell in CELLS}
_SENTENCE = re.compile(
    r"The (?P<subject>[a-z ]+?) is (?P<relation>"
    + "|".join(sorted(_CELL_OF_PHRASE, key=len, reverse=True))
    + r") the (?P<reference>[a-z ]+)\."
)


@dataclass(frozen=True)
class Caption:
    """One spatial relation between two objects."""

    subject: Kind
    cell: Cell
    reference: Kind

    @property
    def text(self) -> str:
        subject, reference = object_name(self.subject), object_name(self.reference)
        return f"The {subject} is {relation_phrase(self.cell)} the {reference}."


@dataclass(frozen=True)
class Negative:
    """A caption that is false of the same image.

    Attributes:
        kind: flip (one term), flip_all (every term), swap (subject and reference exchanged), object
            (one object replaced by a kind that is not in the room's view).
        term: the flipped term, for kind "flip".
    """

    kind: NegativeKind
    term: Term | None
    caption: Caption


def parse(text: str) -> Caption:
    """Read a caption back. Raises: DataError if the text is not of the grammar."""
    match = _SENTENCE.fullmatch(text)
    if match is None:
        raise DataError(
            f"{text!r} is not a caption of the form 'The <object> is <relation> the <object>.'"
        )
    return Caption(
        kind_of(match["subject"]), _CELL_OF_PHRASE[match["relation"]], kind_of(match["reference"])
    )


def hard_negatives(
    caption: Caption, absent: Sequence[Kind], rng: np.random.Generator
) -> tuple[Negative, ...]:
    """The false captions that a true one is trained and tested against.

    One flip for each term; all terms flipped (where that differs from a flip); subject and
    reference exchanged; and three captions in which the subject or the reference is replaced by an
    absent kind.

    Args:
        absent: kinds that are not visible in the image; fewer than three give fewer object
            negatives.
    """
    subject, cell, reference = caption.subject, caption.cell, caption.reference
    negatives = [
        Negative("flip", term, Caption(subject, cell.flipped(term), reference))
        for term in cell.terms
    ]
    if cell.complexity > 1:
        negatives.append(Negative("flip_all", None, Caption(subject, cell.opposite, reference)))
    negatives.append(Negative("swap", None, Caption(reference, cell, subject)))
    chosen = rng.permutation(len(absent))[:N_OBJECT_NEGATIVES]
    replaces_subject = rng.random(N_OBJECT_NEGATIVES) < 0.5
    for index, at_subject in zip(chosen, replaces_subject):
        other = absent[int(index)]
        pair = (other, reference) if at_subject else (subject, other)
        negatives.append(Negative("object", None, Caption(pair[0], cell, pair[1])))
    return tuple(negatives)
