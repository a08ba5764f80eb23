"""The stage that all families begin with: what is there, and where? No word enters."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import nn

from rls3.params import BaseParams
from rls3.vlm.interface import VLM
from rls3.vlm.pretraining.data import PretrainSet, augmented
from rls3.vlm.pretraining.heads import VisionHeads
from rls3.vlm.pretraining.loop import Part, Stage, half_precision, train


class Encoder(Protocol):
    """A module: pixels (B, 3, H, W) to the patches' states (B, P, width) and a state of the whole
    image (B, width)."""

    width: int

    def __call__(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]: ...


def pretrain_vision(
    vlm: VLM,
    encoder: nn.Module,
    data: PretrainSet,
    epochs: float,
    params: BaseParams,
    rng: torch.Generator,
) -> None:
    """Train the encoder, a part of the model that is an `Encoder`, in place."""
    heads = VisionHeads(encoder.width, data).to(vlm.device)

    def losses(rows: torch.Tensor) -> Sequence[Part]:
        batch = augmented(data, rows, vlm, rng)
        with half_precision(vlm.device):
            patches, pooled = encoder(batch.pixels)
        pooled = pooled.float()
        return (
            Part("where", 3, heads.where_loss(pooled, batch)),
            Part("what", 2, heads.what_loss(pooled, batch)),
            Part("patches", 0.3, heads.patch_loss(patches.float(), batch.kinds, batch.boxes)),
        )

    trained = list(encoder.parameters())
    stage = Stage("vision", epochs, encoder, [*trained, *heads.parameters()], trained, losses)
    train(stage, len(data), params, rng)
