"""ViLT's stream: patches with their places, and words beside them through one encoder."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F
from transformers.modeling_outputs import BaseModelOutputWithPooling

from rls3.vlm.interface import VLM, Pixels, tokenize


def embed_patches(vlm: VLM, pixels: Pixels) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, 1 + patches, hidden) the image's share of the stream, and (N, 1 + patches) its mask.

    What `ViltEmbeddings.visual_embed` gives, except that the patches keep their order, where that
    shuffles them (attention does not care, but rounding does), and that all are kept, where that
    may draw `max_image_length` of them at random.
    """
    embeddings = vlm.model.vilt.embeddings
    patches = embeddings.patch_embeddings(pixels.values)  # (N, hidden, height, width)
    n, _, height, width = patches.shape
    if pixels.mask is None:
        mask = torch.ones(n, height, width, dtype=torch.long, device=patches.device)
        sizes = [(height, width)]
    else:
        shown = F.interpolate(pixels.mask[:, None].float(), size=(height, width))
        mask = shown[:, 0].long()
        sizes = list(zip(mask[:, :, 0].sum(1).tolist(), mask[:, 0].sum(1).tolist()))
    stream = torch.cat(
        [embeddings.cls_token.expand(n, -1, -1), patches.flatten(2).transpose(1, 2)], dim=1
    )
    places = _places(embeddings.position_embeddings, sizes, height, width)
    return stream + places, F.pad(mask.flatten(1), (1, 0), value=1)


def _places(
    learned: torch.Tensor, sizes: Sequence[tuple[int, int]], height: int, width: int
) -> torch.Tensor:
    """The model's square grid of places, stretched over each image: (1, 1 + side * side, hidden) to
    (images, 1 + height * width, hidden), in patches; what is beside an image gets zeros."""
    side = round((learned.shape[1] - 1) ** 0.5)
    if list(sizes) == [(side, side)]:
        return learned
    grid = learned[:, 1:].transpose(1, 2).unflatten(2, (side, side))
    stretched = [
        F.pad(
            F.interpolate(grid, size=size, mode="bilinear", align_corners=True),
            (0, width - size[1], 0, height - size[0]),
        )
        for size in sizes
    ]
    patches = torch.cat(stretched).flatten(2).transpose(1, 2)
    return torch.cat([learned[:, :1].expand(len(patches), -1, -1), patches], dim=1)


def through_stream(
    vlm: VLM, patches: torch.Tensor, mask: torch.Tensor, texts: Sequence[str]
) -> BaseModelOutputWithPooling:
    """The backbone's output for pairs: of what `embed_patches` gives, one row for each text."""
    tokens = tokenize(vlm, texts)
    return vlm.model.vilt(
        **tokens,
        token_type_ids=torch.zeros_like(tokens["input_ids"]),
        image_embeds=patches,
        pixel_mask=mask,
    )
