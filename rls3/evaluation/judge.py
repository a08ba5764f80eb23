"""A VLM's scores on the items of a benchmark."""

import hashlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from rls3.evaluation.item import Item
from rls3.evaluation.predictions import Prediction, Predictions
from rls3.vlm.features import ImageFeatures
from rls3.vlm.interface import VLM, score


def judge(
    vlm: VLM,
    items: Sequence[Item],
    batch_size: int,
    on_done: Callable[[int], None] | None = None,
    features: ImageFeatures | None = None,
) -> Predictions:
    """Score each item's captions; the model is left as it was.

    Args:
        batch_size: items scored at once; rounding depends on it.
        on_done: called with the number of items judged.
        features: remembers what is computed once an image, from call to call.
    """
    rows: list[Prediction] = []
    for batch, scores in _scored(vlm, items, batch_size, features or ImageFeatures()):
        rows += [_prediction(item, row) for item, row in zip(batch, scores, strict=True)]
        if on_done is not None:
            on_done(len(rows))
    return Predictions(tuple(rows))


def _scored(
    vlm: VLM, items: Sequence[Item], batch_size: int, features: ImageFeatures
) -> Iterator[tuple[Sequence[Item], np.ndarray]]:
    """Batches in order, each with its scores (batch, most captions), padded where captions end."""
    images = features(vlm, items) if items else None
    for start in range(0, len(items), batch_size):
        batch = items[start : start + batch_size]
        captions = [item.captions for item in batch]
        scores = score(vlm, images[start : start + batch_size], captions)
        yield batch, scores.double().numpy()


def _prediction(item: Item, scores: np.ndarray) -> Prediction:
    n = len(item.captions)
    return Prediction(
        item_id=item.item_id,
        image_hash=hashlib.sha256(item.image).hexdigest()[:16],
        captions=item.captions,
        contrasts=item.contrasts or ("",) * n,
        answer=item.answer,
        scores=tuple(scores[:n].tolist()),
        slices=item.slices,
        groups=item.groups,
    )
