"""Heads that ask a model what it sees, and where; all are thrown away afterwards."""

import torch
from torch import nn
from torch.nn import functional as F

from rls3.vlm.pretraining.data import N_PLACES, Batch, PretrainSet

_SMOOTH = 0.3  # of smooth L1, in units of standardised places


def place_loss(predicted: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Smooth L1 of standardised places."""
    return F.smooth_l1_loss(predicted, places, beta=_SMOOTH)


class PatchHeads(nn.Module):
    """Asks each patch which type and colour stands there."""

    def __init__(self, width: int, data: PretrainSet) -> None:
        super().__init__()
        self.patch_type = nn.Linear(width, data.n_types + 1)
        self.patch_color = nn.Linear(width, data.n_colors + 1)
        self.register_buffer("types", data.types)
        self.register_buffer("colors", data.colors)

    def patch_loss(
        self, patches: torch.Tensor, kinds: torch.Tensor, boxes: torch.Tensor
    ) -> torch.Tensor:
        """Cross-entropy of the patches (B, P, width) against the objects whose boxes cover their
        centres (0: none; the last one wins)."""
        covered = _covered(round(patches.shape[1] ** 0.5), kinds, boxes)
        loss = torch.zeros((), device=patches.device)
        for head, labels in ((self.patch_type, self.types), (self.patch_color, self.colors)):
            target = torch.zeros_like(covered[:, 0], dtype=torch.long)
            for k in range(kinds.shape[1]):
                label = labels[kinds[:, k].clamp(min=0)] + 1
                target = torch.where(covered[:, k], label[:, None, None], target)
            weight = torch.ones(head.out_features, device=patches.device)
            weight[0] = 0.1  # most patches show no object
            loss = loss + F.cross_entropy(head(patches).transpose(1, 2), target.flatten(1), weight)
        return loss


def _covered(grid: int, kinds: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """(B, K, grid, grid): whether the object's box covers the centre of the patch."""
    centers = (torch.arange(grid, device=boxes.device) + 0.5) / grid
    across = (centers > boxes[..., 0, None]) & (centers < boxes[..., 2, None])  # (B, K, grid)
    down = (centers > boxes[..., 1, None]) & (centers < boxes[..., 3, None])
    return down[..., :, None] & across[..., None, :] & (kinds >= 0)[..., None, None]


class VisionHeads(PatchHeads):
    """And asks the pooled output what is there, and where."""

    def __init__(self, width: int, data: PretrainSet) -> None:
        super().__init__(width, data)
        self.by_type = nn.Linear(width, data.n_types * N_PLACES)
        self.by_color = nn.Linear(width, data.n_colors * N_PLACES)
        self.present = nn.Linear(width, data.n_types * data.n_colors)

    def where_loss(self, pooled: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Of the places of all visible objects; asked for by type and by colour."""
        kinds = batch.kinds.clamp(min=0)
        predicted = _of_each(self.by_type(pooled), self.types[kinds]) + _of_each(
            self.by_color(pooled), self.colors[kinds]
        )
        there = batch.kinds >= 0
        return place_loss(predicted[there], batch.places[there])

    def what_loss(self, pooled: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Of which kinds the image shows."""
        there = (batch.kinds >= 0).float()
        shown = torch.zeros(len(pooled), self.present.out_features, device=pooled.device)
        shown.scatter_(1, batch.kinds.clamp(min=0), there)
        return F.binary_cross_entropy_with_logits(
            self.present(pooled), shown, pos_weight=torch.tensor(8.0, device=pooled.device)
        )


def _of_each(predicted: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """(B, labels * 5) of all labels to (B, K, 5) of each object's own."""
    by_label = predicted.view(len(predicted), -1, N_PLACES)
    return by_label.gather(1, labels[..., None].expand(-1, -1, N_PLACES))


class Grounding(nn.Module):
    """Where do the first and the second object that a text names stand? Bilinear in text and
    image."""

    def __init__(self, text_width: int, image_width: int) -> None:
        super().__init__()
        self.text = nn.Linear(text_width, 2 * N_PLACES * image_width)
        self.norm = nn.LayerNorm(image_width, elementwise_affine=False)

    def forward(self, text: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """(B, text width) and (B, image width) to (B, 2, 5)."""
        questions = self.text(text).view(len(text), 2 * N_PLACES, -1)
        answers = torch.einsum("bqw,bw->bq", questions, self.norm(image))
        return answers.view(len(text), 2, N_PLACES) / image.shape[-1] ** 0.5


def places_of(named: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """(B, 2) columns of the named objects and (B, K, 5) to (B, 2, 5)."""
    return places.gather(1, named[..., None].expand(-1, -1, N_PLACES))
