"""Models that score a caption by a function of its text, and what they say."""

from collections.abc import Callable, Sequence

from rls3.evaluation.item import Item
from rls3.evaluation.predictions import Prediction, Predictions

Score = Callable[[str], float]


def predicted(items: Sequence[Item], score: Score) -> Predictions:
    """What a model with these scores says on the items."""
    return Predictions(tuple(_row(item, [score(text) for text in item.captions]) for item in items))


def scored(items: Sequence[Item], scores: Sequence[Sequence[float]]) -> Predictions:
    """The same with the scores of each item written out."""
    return Predictions(tuple(_row(item, row) for item, row in zip(items, scores)))


def _row(item: Item, scores: Sequence[float]) -> Prediction:
    return Prediction(
        item.item_id,
        f"hash of {len(item.image)} bytes",
        item.captions,
        item.contrasts or ("",) * len(item.captions),
        item.answer,
        tuple(scores),
        item.slices,
        item.groups,
    )
