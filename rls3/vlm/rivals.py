"""Hard negative images: pictures in a batch of which another one's caption is known to be false."""

import torch
from torch.nn import functional as F

from rls3.vlm.interface import BatchShare, Captions, padded


def image_contrast(own: torch.Tensor, captions: Captions) -> torch.Tensor:
    """Cross-entropy of each picture that a caption is true of among those that it is false of.

    Such are the pictures that have it among their own false captions (a mirrored picture has, and
    so has any other scene in which the same two things stand otherwise). So no score is needed but
    those of each picture's own captions. 0 if no picture is another one's rival.

    Args:
        own: (N, C) scores of each picture's own captions, the true one first.
    """
    width = own.shape[1]
    chosen = [row for row in _rivals(captions, width) if len(row) > 1]
    if not chosen:
        return own.new_zeros(())
    index, mask = padded(chosen, own.device)
    scores = own.flatten()[index].masked_fill(~mask, -torch.inf)
    return F.cross_entropy(scores, torch.zeros(len(chosen), dtype=torch.long, device=own.device))


def shared_image_contrast(own: torch.Tensor, captions: Captions, share: BatchShare) -> torch.Tensor:
    """The same, by processes that have the scores of their share's pictures each."""
    width = max(len(row) for row in captions)
    wide = F.pad(own, (0, width - own.shape[1]))
    return image_contrast(share.gather(wide), captions)


def _rivals(captions: Captions, width: int) -> list[list[int]]:
    """For each picture's true caption, where in the flattened scores its own score and those of
    its rivals stand."""
    false_of: dict[str, list[int]] = {}
    for row, texts in enumerate(captions):
        for column, text in enumerate(texts[1:], 1):
            false_of.setdefault(text, []).append(row * width + column)
    return [[row * width, *false_of.get(texts[0], ())] for row, texts in enumerate(captions)]
