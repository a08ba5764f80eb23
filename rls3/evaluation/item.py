"""`Item`: one question to a VLM. Every benchmark, ours or another's, is a list of these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rls3.dataset.sample import NegativeText, Sample
from rls3.errors import DataError
from rls3.language.relation import CELLS, Term
from rls3.scene.floor_plan import room_type

TERMS = tuple(map(str, Term))
RELATION_KINDS = ("flip", "flip_all", "swap")
OBJECT_KIND = "object"
CONTRASTS = frozenset({"", "flip_all", "swap", OBJECT_KIND, *(f"flip:{term}" for term in TERMS)})


class Pictured(Protocol):
    """What has the picture: a sample."""

    @property
    def image(self) -> bytes: ...


class _Image:
    """The field `Item.image`: always bytes. Those of a file or a sample are read when asked for, so
    that a large benchmark need not lie in memory."""

    def __get__(self, item: "Item | None", _: type) -> bytes:
        if item is None:  # a dataclass asks for the field's default: there is none
            raise AttributeError("image")
        source = item.__dict__["_image"]
        if isinstance(source, bytes):
            return source
        return _file(source) if isinstance(source, Path) else source.image

    def __set__(self, item: "Item", source: bytes | Path | Pictured) -> None:
        item.__dict__["_image"] = source


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"the picture {path} cannot be read ({error.strerror})") from error


@dataclass(frozen=True)
class Item:
    """A picture, the captions to choose from, and which of them is true.

    Attributes:
        item_id: the same for the same question in every copy of the benchmark.
        image: a picture file's bytes (PNG, JPEG, ...); given as such, as a path or as a sample.
        captions: two or more options. answer: index of the true one.
        slices: by axis ("complexity") this item's value ("2"); accuracy is reported for each.
        contrasts: for each caption, how it differs from the true one: "flip:left" (that one term),
            "flip_all", "swap" (subject and reference), "object" (another thing); "" for the answer,
            and where it is not known. Empty if nothing is known.
        groups: further marks by which items belong together (a pair, a floor plan): kept with the
            predictions, not summarised.
    Raises: DataError if the answer is not among the captions, or a contrast is unknown.
    """

    item_id: str
    image: _Image = _Image()
    captions: tuple[str, ...]
    answer: int
    slices: Mapping[str, str] = field(default_factory=dict)
    contrasts: tuple[str, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if problem := _problem(self.captions, self.answer, self.contrasts):
            raise DataError(f"item {self.item_id!r}: {problem}")

    @property
    def picture_id(self) -> str:
        return self.item_id

    @property
    def sample_id(self) -> str:
        """What `ImageFeatures` asks for."""
        return self.item_id


def _problem(captions: tuple[str, ...], answer: int, contrasts: tuple[str, ...]) -> str:
    """Why a question with these captions cannot be judged; "" if it can."""
    if len(captions) < 2:
        return f"it has {len(captions)} captions to choose from; give two or more"
    if not 0 <= answer < len(captions):
        return f"the answer {answer} is none of its {len(captions)} captions (0 is the first)"
    if captions.count(captions[answer]) > 1:
        return f"its answer {captions[answer]!r} is there more than once; captions must differ"
    if contrasts and len(contrasts) != len(captions):
        return f"{len(contrasts)} contrasts for {len(captions)} captions; give one for each"
    if unknown := sorted(set(contrasts) - CONTRASTS):
        return f"unknown contrast {unknown[0]!r}; known are {', '.join(sorted(CONTRASTS - {''}))}"
    if contrasts and contrasts[answer]:
        return f'the answer has the contrast {contrasts[answer]!r}; it must be ""'
    return ""


def item_of(sample: Sample) -> Item:
    """The true caption (answer 0) against the sample's negatives, in their order."""
    return Item(
        item_id=sample.sample_id,
        image=sample,
        captions=(sample.caption, *(negative.text for negative in sample.negatives)),
        answer=0,
        slices={
            "complexity": str(sample.complexity),
            "room type": room_type(sample.floor_plan),
        },
        contrasts=("", *(_contrast(negative) for negative in sample.negatives)),
        groups={
            "cell": str(CELLS[sample.cell]),
            "floor plan": sample.floor_plan,
            "subject": sample.subject,
            "reference": sample.reference,
        },
    )


def _contrast(negative: NegativeText) -> str:
    return f"{negative.kind}:{negative.term}" if negative.term else negative.kind
