"""What RLS3 asks of a vision-language model: what an image is for it, and a family's functions.

A kind of VLM is one module of this package that ends in `FAMILY`, a `Family`; `VLMParams.family`
names the module. Nothing else knows the families apart.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import (
    BaseImageProcessor,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from rls3.dataset.sample import Sample
from rls3.params import BaseParams, FinetuneParams
from rls3.scene.records import Kind

Captions = Sequence[Sequence[str]]
"""Of each image."""

Rows = slice | np.ndarray
"""Which images: a slice or an array of indices."""


@dataclass(frozen=True)
class Pixels:
    """Images as a processor prepares them, on the model's device.

    values: (N, 3, H, W) float32.
    mask: (N, H, W), 1 where an image is and 0 where it is padded to the size of the largest; None
        if all have one size.
    """

    values: torch.Tensor
    mask: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Rows) -> "Pixels":
        return Pixels(
            _rows(self.values, rows), None if self.mask is None else _rows(self.mask, rows)
        )


@dataclass(frozen=True)
class Encoded:
    """What a locked image side makes of images, computed once an image: values (N, D) float32, on
    the model's device."""

    values: torch.Tensor

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Rows) -> "Encoded":
        return Encoded(_rows(self.values, rows))


Images = Pixels | Encoded


def _rows(values: torch.Tensor, rows: Rows) -> torch.Tensor:
    return values[rows if isinstance(rows, slice) else torch.tensor(rows, device=values.device)]


@dataclass(frozen=True)
class VLM:
    """A model with its tokenizer and its image processor."""

    family: "Family"
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    image_processor: BaseImageProcessor

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device


@dataclass(frozen=True)
class ImageSide:
    """The part of a model that looks at images alone; locked, it sees each only once.

    encode: pixels to what the rest of the model takes in their place. No gradient flows.
    weights: all that `encode` depends on.
    """

    encode: Callable[[VLM, Pixels], Encoded]
    weights: Callable[[VLM], Iterable[torch.Tensor]]


@dataclass(frozen=True)
class LossWeights:
    """Of the parts of a fine-tuning loss; see `FinetuneParams`."""

    hard_negative: float
    contrastive: float
    hard_image: float = 0.0

    @classmethod
    def of(cls, params: FinetuneParams) -> "LossWeights":
        return cls(params.hard_negative_weight, params.contrastive_weight, params.hard_image_weight)


@dataclass(frozen=True)
class BatchShare:
    """What one of several processes has of a batch.

    Attributes:
        rows: (L,) which of the batch are its own. All processes have equally many; where the batch
            does not go round, some repeat its first and weigh nothing.
        weights: (L,) float32 on the model's device, so that the mean over processes of the weighted
            sum of a term is its mean over the batch.
        gather: from every process's (L, D) to the batch's (B, D), in its order. Gradients flow
            back to the process that a row comes from, summed over processes.
    """

    rows: np.ndarray
    weights: torch.Tensor
    gather: Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Family:
    """A kind of VLM: its functions.

    Attributes:
        name: of its module, and what params call it.
        model_type: what `transformers` calls it in a checkpoint's config.json.
        model_class: of which a checkpoint must hold all weights.
        preprocess: pictures, each (H, W, 3) uint8 of any size, to pixels.
        image_side: None where image and text meet in the first layer.
        score: (N, C) of each caption of each image, -inf where an image has fewer than C captions.
        loss: of a batch, each image's true caption (the first) against its own false ones, the
            image against those of which the caption is false (`rls3.vlm.rivals`), and whatever
            contrast the family adds; a scalar.
        trainable: chooses what fine-tuning may change, with the image's side locked or not; returns
            it.
        make_tiny: a small model with random weights (torch's present seed), on the CPU.
        pretrain: makes a base model of such a one, in place (torch's present seed, and that of the
            parameters); None if the family comes from the hub only.
        shared_loss: as `loss`, of the images of a share and the captions of the whole batch; its
            mean over processes is `loss`. None if the family is fine-tuned by one process only.
    """

    name: str
    model_type: str
    model_class: type[PreTrainedModel]
    preprocess: Callable[[VLM, Sequence[np.ndarray]], Pixels]
    image_side: ImageSide | None
    score: Callable[[VLM, Images, Captions], torch.Tensor]
    loss: Callable[[VLM, Images, Captions, LossWeights], torch.Tensor]
    trainable: Callable[[VLM, bool], list[torch.nn.Parameter]]
    make_tiny: Callable[[Sequence[Kind], BaseParams], VLM]
    pretrain: Callable[[VLM, Sequence[Sample], BaseParams], None] | None
    shared_loss: Callable[[VLM, Images, Captions, LossWeights, BatchShare], torch.Tensor] | None = (
        None
    )


@torch.no_grad()
def score(vlm: VLM, images: Images, captions: Captions) -> torch.Tensor:
    """(N, C) float32 on the CPU: of each caption of each image, -inf where an image has fewer than
    C captions. `images` may be rows of what `rls3.vlm.features.ImageFeatures` gives."""
    return vlm.family.score(vlm, images, captions).cpu()


def save_vlm(vlm: VLM, folder: Path) -> None:
    """In the hub's format: `from_pretrained(folder)` reads it."""
    transformers.utils.logging.disable_progress_bar()
    for part in (vlm.model, vlm.tokenizer, vlm.image_processor):
        part.save_pretrained(folder)


def token_ids(vlm: VLM, texts: Sequence[str]) -> Mapping[str, np.ndarray]:
    """input_ids and attention_mask, each (T, longest). What is too long for the model is cut
    off."""
    positions = vlm.model.config.get_text_config().max_position_embeddings
    length = min(positions, vlm.tokenizer.model_max_length)
    tokens = vlm.tokenizer(list(texts), padding=True, truncation=True, max_length=length)
    return {name: np.array(tokens[name]) for name in ("input_ids", "attention_mask")}


def tokenize(vlm: VLM, texts: Sequence[str]) -> Mapping[str, torch.Tensor]:
    """The same on the model's device."""
    tokens = token_ids(vlm, texts)
    return {name: torch.tensor(values, device=vlm.device) for name, values in tokens.items()}


def unique_texts(captions: Captions) -> tuple[list[str], list[list[int]]]:
    """The distinct texts, and for each caption its index among them. A batch repeats many: encode
    each once."""
    index: dict[str, int] = {}
    rows = [[index.setdefault(text, len(index)) for text in row] for row in captions]
    return list(index), rows


def padded(
    rows: Sequence[Sequence[int]], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, C) indices and a mask of the real ones."""
    width = max(len(row) for row in rows)
    index = [[*row, *[0] * (width - len(row))] for row in rows]
    mask = [[True] * len(row) + [False] * (width - len(row)) for row in rows]
    return torch.tensor(index, device=device), torch.tensor(mask, device=device)
