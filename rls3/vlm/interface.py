"""What RLS3 asks of a vision-language model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch

from rls3.params import FinetuneParams

Family = Literal["clip", "vilt"]


class VLM(Protocol):
    """A model, its tokenizer and its image processor, with what scoring and fine-tuning need."""

    family: Family
    model: torch.nn.Module

    def features(self, images: Sequence[np.ndarray], lock_vision: bool) -> torch.Tensor:
        """What can be computed once per image, (N, ...): images are (H, W, 3) uint8. No gradient flows into it."""
        ...

    def image_side(self) -> str | None:
        """Digest of the weights that a locked `features` comes from; None if features are not worth remembering."""
        ...

    def scores(self, features: torch.Tensor, captions: Sequence[Sequence[str]]) -> torch.Tensor:
        """(N, C) score of each caption of each image; -inf where an image has fewer than C captions."""
        ...

    def loss(
        self,
        features: torch.Tensor,
        true: Sequence[str],
        negatives: Sequence[Sequence[str]],
        params: FinetuneParams,
    ) -> torch.Tensor:
        """Training loss of a batch: each image's true caption against its own false ones (and, for CLIP, the batch's)."""
        ...

    def set_trainable(self, lock_vision: bool) -> list[torch.nn.Parameter]:
        """Choose what fine-tuning may change; returns it."""
        ...

    def save(self, folder: Path) -> None:
        """In the hub's format: `from_pretrained(folder)` reads it."""
        ...


def unique_texts(captions: Sequence[Sequence[str]]) -> tuple[list[str], list[list[int]]]:
    """The distinct texts, and for each caption its index among them. A batch repeats many: encode each once."""
    index: dict[str, int] = {}
    rows = [[index.setdefault(text, len(index)) for text in row] for row in captions]
    return list(index), rows


def padded(rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, C) indices and a mask of the real ones."""
    width = max(len(row) for row in rows)
    index = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])
    mask = torch.tensor([[True] * len(row) + [False] * (width - len(row)) for row in rows])
    return index, mask
