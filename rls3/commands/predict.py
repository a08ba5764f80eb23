"""`rls3 predict`: which caption fits an image?"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rls3.commands import Answer
from rls3.commands.models import open_vlm
from rls3.dataset.picture import read_picture
from rls3.errors import ParamsError
from rls3.loop.store import Campaign, Project
from rls3.params import Params
from rls3.vlm.features import images_of
from rls3.vlm.interface import score
from rls3.vlm.vocabulary import unknown_words

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scored:
    """A caption, and the model's score of it: higher fits better."""

    caption: str
    score: float


@dataclass(frozen=True)
class Document:
    """What `--json` prints.

    Attributes:
        captions: best first. unknown_words: of the captions, words that the model does not know.
    """

    image: str
    model: str
    captions: tuple[Scored, ...]
    unknown_words: tuple[str, ...]


def main(
    root: Path, params: Params, here: Path, image: Path, captions: Sequence[str], model: str
) -> Answer:
    """A line for each caption with its score, best first.

    Args:
        here: where the command was typed.
        model: see `open_vlm`; "" is the registry's champion.
    Raises: ParamsError, DataError, ModelError.
    """
    _check_captions(captions)
    picture = read_picture(image)
    name = model or f"models:/{params.tracking.registered_model}@champion"
    vlm = open_vlm(name, Campaign(Project(root), params), here)
    unknown = unknown_words(vlm, captions)
    if unknown:
        logger.warning(
            "the model does not know %s, so its scores do not depend on what that means; "
            "use words that it was trained on",
            ", ".join(map(repr, unknown)),
        )
    scores = score(vlm, images_of(vlm, [picture]), [captions])[0].tolist()
    ranked = sorted(map(Scored, captions, scores), key=lambda s: s.score, reverse=True)
    return Answer(
        tuple(f"{s.score:8.3f}  {s.caption}" for s in ranked),
        Document(str(image), name, tuple(ranked), tuple(unknown)),
    )


def _check_captions(captions: Sequence[str]) -> None:
    if len(captions) < 2:
        raise ParamsError(
            f"{captions[0]!r} is the only caption; give two or more, for the model to choose from"
        )
    for number, caption in enumerate(captions, 1):
        if not caption.strip():
            raise ParamsError(f"caption {number} is empty; say what the image may show")
        if captions.index(caption) < number - 1:
            raise ParamsError(f"the caption {caption!r} is there twice; give different ones")
