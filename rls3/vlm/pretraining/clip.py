"""CLIP's pre-training: its vision tower, then, with that locked, all else."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from rls3.dataset.sample import Sample
from rls3.params import BaseParams
from rls3.vlm.interface import VLM, Encoded, LossWeights, tokenize
from rls3.vlm.pretraining.captions import captioned, sayings
from rls3.vlm.pretraining.data import PretrainSet, normalised, pretrain_set
from rls3.vlm.pretraining.heads import Grounding, place_loss, places_of
from rls3.vlm.pretraining.loop import Part, Stage, train
from rls3.vlm.pretraining.vision import pretrain_vision

_IMAGE_BATCH = 256
_N_FALSE = 3
_MATCHING = LossWeights(hard_negative=1.0, contrastive=0.3)
_SCALE = 20  # of cosines between sentences


class _Tower(nn.Module):
    """CLIP's vision tower as an `Encoder`."""

    def __init__(self, vlm: VLM) -> None:
        super().__init__()
        self.vision = vlm.model.vision_model
        self.width = self.vision.config.hidden_size

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        output = self.vision(pixel_values=pixels)
        return output.last_hidden_state[:, 1:], output.pooler_output


def pretrain(vlm: VLM, samples: Sequence[Sample], params: BaseParams) -> None:
    data = pretrain_set(samples, params.image_px)
    rng = torch.Generator().manual_seed(params.seed)
    draws = np.random.default_rng(params.seed)
    pretrain_vision(vlm, _Tower(vlm), data, params.vision_epochs, params, rng)
    _pretrain_text(vlm, data, params, rng, draws)


def _pretrain_text(
    vlm: VLM,
    data: PretrainSet,
    params: BaseParams,
    rng: torch.Generator,
    draws: np.random.Generator,
) -> None:
    """Which objects does a caption name, where do they stand, and which sentences say the same?"""
    images = Encoded(_whiten(vlm, _pooled(vlm, data)))
    grounding = Grounding(params.width, params.vision_width).to(vlm.device)
    meaning = nn.Linear(params.width, params.width).to(vlm.device)

    def losses(rows: torch.Tensor) -> Sequence[Part]:
        captions = captioned(data.kinds[rows], data.vocabulary, _N_FALSE, draws)
        kept = rows[captions.rows]
        seen = images[kept.numpy()]
        read = vlm.model.text_model(**tokenize(vlm, captions.true)).pooler_output
        named = places_of(torch.tensor(captions.named), data.places[kept]).to(vlm.device)
        where = place_loss(grounding(read, vlm.model.visual_projection(seen.values)), named)
        logic = _converse_loss(vlm, meaning, data, len(kept), draws)
        rows_of_captions = [[t, *fs] for t, fs in zip(captions.true, captions.false)]
        match = vlm.family.loss(vlm, seen, rows_of_captions, _MATCHING)
        return Part("match", 1, match), Part("where", 5, where), Part("logic", 1, logic)

    trained = [
        *vlm.family.trainable(vlm, True),
        *grounding.parameters(),
        *meaning.parameters(),
    ]
    stage = Stage("text", params.text_epochs, vlm.model, trained, trained, losses)
    train(stage, len(data), params, rng)


@torch.no_grad()
def _pooled(vlm: VLM, data: PretrainSet) -> torch.Tensor:
    """(N, vision width) of the vision tower."""
    parts = [
        vlm.model.vision_model(pixel_values=normalised(images, vlm)).pooler_output
        for images in data.images.split(_IMAGE_BATCH)
    ]
    return torch.cat(parts)


@torch.no_grad()
def _whiten(vlm: VLM, pooled: torch.Tensor) -> torch.Tensor:
    """Start the visual projection as the whitening of the pooled output, its mean taken into the
    last layer norm's bias.

    What an image holds about places lies in directions of small variance; unwhitened, gradient
    descent on the projection finds them last. Returns the centred output.
    """
    mean = pooled.mean(0)
    vlm.model.vision_model.post_layernorm.bias -= mean
    centred = pooled - mean
    covariance = centred.T @ centred / len(centred)
    values, vectors = torch.linalg.eigh(covariance.cpu())  # not every device has it
    scale = (values + 0.01 * values.mean()).rsqrt()
    vlm.model.visual_projection.weight.copy_((vectors * scale) @ vectors.T)
    return centred


def _converse_loss(
    vlm: VLM, meaning: nn.Linear, data: PretrainSet, n: int, draws: np.random.Generator
) -> torch.Tensor:
    """Language alone: "A is left of B" says what "B is right of A" says, and not what the same
    sentence says with a term flipped. No image enters, so the words get their logic, not their
    meaning. InfoNCE over the batch and the flips."""
    texts = sayings(data.vocabulary, n, draws)
    tokens = tokenize(vlm, [*texts.said, *texts.converse, *texts.contrary])
    read = vlm.model.text_model(**tokens).pooler_output
    said, converse, contrary = F.normalize(meaning(read), dim=-1).split(n)
    cosines = _SCALE * said @ torch.cat([converse, contrary]).T
    return F.cross_entropy(cosines, torch.arange(n, device=vlm.device))
