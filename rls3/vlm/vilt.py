"""ViLT (transformers' ViltForImageAndTextRetrieval): one stream over words and patches, a score is its matching logit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from rls3.params import FinetuneParams
from rls3.vlm.interface import padded

_PAIR_BATCH = 512


class ViltVLM:
    """See `rls3.vlm.interface.VLM`. `features` are pixels: image and text meet in the first layer."""

    family = "vilt"

    def __init__(self, model: Any, tokenizer: Any, image_processor: Any) -> None:
        self.model, self.tokenizer, self.image_processor = model, tokenizer, image_processor

    def features(self, images: Sequence[np.ndarray], lock_vision: bool = True) -> torch.Tensor:
        return self.image_processor(images=list(images), return_tensors="pt")["pixel_values"]

    def image_side(self) -> None:
        return None  # features are pixels

    def patch_embeddings(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 1 + patches, hidden): what `ViltEmbeddings.visual_embed` gives for whole square images, but for the order
        of the patches, which that shuffles; without its loop over the samples."""
        embeddings = self.model.vilt.embeddings
        patches = embeddings.patch_embeddings(pixels).flatten(2).transpose(1, 2)
        return (
            torch.cat([embeddings.cls_token.expand(len(pixels), -1, -1), patches], dim=1)
            + embeddings.position_embeddings
        )

    def _is_plain(self, pixels: torch.Tensor) -> bool:
        config = self.model.config
        patches = (config.image_size // config.patch_size) ** 2
        return tuple(pixels.shape[-2:]) == (config.image_size,) * 2 and (
            config.max_image_length < 0 or patches <= config.max_image_length
        )

    def hidden_states(self, pixels: torch.Tensor, tokens: Any) -> Any:
        """The backbone's output for pairs: pixels (P, 3, H, W), tokens of P texts."""
        if self._is_plain(pixels):
            patches = self.patch_embeddings(pixels)
            return self._with_patches(patches, tokens)
        return self.model.vilt(
            **tokens,
            pixel_values=pixels,
            pixel_mask=torch.ones(len(pixels), *pixels.shape[-2:], dtype=torch.long),
        )

    def _with_patches(self, patches: torch.Tensor, tokens: Any) -> Any:
        mask = torch.ones(patches.shape[:2], dtype=torch.long)
        return self.model.vilt(**tokens, image_embeds=patches, pixel_mask=mask)

    def tokens(self, texts: Sequence[str]) -> Any:
        tokens = self.tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        return {
            "input_ids": tokens["input_ids"],
            "attention_mask": tokens["attention_mask"],
            "token_type_ids": torch.zeros_like(tokens["input_ids"]),
        }

    def _pair_logits(
        self, features: torch.Tensor, image_of_pair: torch.Tensor, texts: Sequence[str]
    ) -> torch.Tensor:
        tokens = self.tokens(texts)
        if self._is_plain(features):
            output = self._with_patches(self.patch_embeddings(features)[image_of_pair], tokens)
        else:
            output = self.hidden_states(features[image_of_pair], tokens)
        return self.model.rank_output(output.pooler_output)[:, 0]

    def scores(self, features: torch.Tensor, captions: Sequence[Sequence[str]]) -> torch.Tensor:
        image_of_pair = torch.tensor([i for i, row in enumerate(captions) for _ in row])
        texts = [text for row in captions for text in row]
        parts = []
        for start in range(0, len(texts), _PAIR_BATCH):
            chunk = image_of_pair[start : start + _PAIR_BATCH]
            images, local = torch.unique(chunk, return_inverse=True)
            parts.append(
                self._pair_logits(features[images], local, texts[start : start + _PAIR_BATCH])
            )
        logits, counts = torch.cat(parts), [len(row) for row in captions]
        starts = np.cumsum([0, *counts[:-1]])
        index, mask = padded([list(range(start, start + n)) for start, n in zip(starts, counts)])
        return logits[index].masked_fill(~mask, -torch.inf)

    def loss(
        self,
        features: torch.Tensor,
        true: Sequence[str],
        negatives: Sequence[Sequence[str]],
        params: FinetuneParams,
    ) -> torch.Tensor:
        """hard_negative_weight * cross-entropy of the true caption among the image's own, plus contrastive_weight *
        image-text matching (binary cross-entropy of each pair, true and false weighing the same)."""
        logits = self.scores(features, [[t, *ns] for t, ns in zip(true, negatives)])
        hard = F.cross_entropy(logits, torch.zeros(len(true), dtype=torch.long))
        real = torch.isfinite(logits[:, 1:])
        matching = F.softplus(-logits[:, 0]).mean() + F.softplus(logits[:, 1:][real]).mean()
        return params.hard_negative_weight * hard + params.contrastive_weight * matching

    def set_trainable(self, lock_vision: bool) -> list[torch.nn.Parameter]:
        self.model.requires_grad_(True)
        self.model.vilt.embeddings.patch_embeddings.requires_grad_(not lock_vision)
        return [p for p in self.model.parameters() if p.requires_grad]

    def save(self, folder: Path) -> None:
        for part in (self.model, self.tokenizer, self.image_processor):
            part.save_pretrained(folder)
