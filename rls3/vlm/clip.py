"""CLIP (transformers' CLIPModel): two towers, a score is the scaled cosine of their projections."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from rls3.params import FinetuneParams
from rls3.vlm.interface import padded, unique_texts

_IMAGE_BATCH = 128


class ClipVLM:
    """See `rls3.vlm.interface.VLM`. With a locked vision tower `features` are its pooled outputs, so an image is
    encoded once however often it is scored; otherwise they are pixels."""

    family = "clip"

    def __init__(self, model: Any, tokenizer: Any, image_processor: Any) -> None:
        self.model, self.tokenizer, self.image_processor = model, tokenizer, image_processor

    def features(self, images: Sequence[np.ndarray], lock_vision: bool = True) -> torch.Tensor:
        parts = []
        for start in range(0, len(images), _IMAGE_BATCH):
            pixels = self.image_processor(
                images=list(images[start : start + _IMAGE_BATCH]), return_tensors="pt"
            )["pixel_values"]
            parts.append(self._pooled(pixels) if lock_vision else pixels)
        return torch.cat(parts)

    def image_side(self) -> str:
        digest = hashlib.blake2b()
        for weights in self.model.vision_model.state_dict().values():
            digest.update(weights.contiguous().numpy())
        return digest.hexdigest()

    @torch.no_grad()
    def _pooled(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.model.vision_model(pixel_values=pixels).pooler_output

    def _image_embeddings(self, features: torch.Tensor) -> torch.Tensor:
        pooled = (
            features
            if features.dim() == 2
            else self.model.vision_model(pixel_values=features).pooler_output
        )
        return F.normalize(self.model.visual_projection(pooled), dim=-1)

    def _text_embeddings(self, texts: Sequence[str]) -> torch.Tensor:
        tokens = self.tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        output = self.model.text_model(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        )
        return F.normalize(self.model.text_projection(output.pooler_output), dim=-1)

    def _similarities(self, features: torch.Tensor, texts: Sequence[str]) -> torch.Tensor:
        return (
            self.model.logit_scale.exp()
            * self._image_embeddings(features)
            @ self._text_embeddings(texts).T
        )

    def scores(self, features: torch.Tensor, captions: Sequence[Sequence[str]]) -> torch.Tensor:
        texts, rows = unique_texts(captions)
        index, mask = padded(rows)
        return self._similarities(features, texts).gather(1, index).masked_fill(~mask, -torch.inf)

    def loss(
        self,
        features: torch.Tensor,
        true: Sequence[str],
        negatives: Sequence[Sequence[str]],
        params: FinetuneParams,
    ) -> torch.Tensor:
        """hard_negative_weight * H + contrastive_weight * N, where H is the cross-entropy of the true caption among the
        image's own captions (as NegCLIP's hard negatives), N the symmetric InfoNCE over the batch (equal texts count as
        one, so that a caption that two images share is not its own negative)."""
        texts, rows = unique_texts([[t, *ns] for t, ns in zip(true, negatives)])
        similarities = self._similarities(features, texts)  # (B, U)
        index, mask = padded(rows)
        own = similarities.gather(1, index).masked_fill(~mask, -torch.inf)
        hard = F.cross_entropy(own, torch.zeros(len(true), dtype=torch.long))
        if not params.contrastive_weight:
            return params.hard_negative_weight * hard
        columns, inverse = torch.unique(index[:, 0], return_inverse=True)
        matrix = similarities[:, columns]  # (B, distinct true captions)
        matches = F.one_hot(inverse, len(columns)).float()
        to_text = F.cross_entropy(matrix, inverse)
        to_image = F.cross_entropy(matrix.T, (matches / matches.sum(0)).T)
        return (
            params.hard_negative_weight * hard
            + params.contrastive_weight * (to_text + to_image) / 2
        )

    def set_trainable(self, lock_vision: bool) -> list[torch.nn.Parameter]:
        self.model.requires_grad_(True)
        self.model.vision_model.requires_grad_(not lock_vision)
        self.model.logit_scale.requires_grad_(False)
        return [p for p in self.model.parameters() if p.requires_grad]

    def save(self, folder: Path) -> None:
        for part in (self.model, self.tokenizer, self.image_processor):
            part.save_pretrained(folder)
