"""ViLT (transformers' ViltForImageAndTextRetrieval): one stream over words and patches, a score is
its matching logit. Image and text meet in the first layer: an image is its pixels always."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F
from transformers import ViltConfig, ViltForImageAndTextRetrieval
from transformers.models.vilt.image_processing_pil_vilt import ViltImageProcessorPil

from rls3.params import BaseParams
from rls3.scene.records import Kind
from rls3.vlm.interface import VLM, BatchShare, Captions, Family, LossWeights, Pixels, padded
from rls3.vlm.pretraining.vilt import pretrain
from rls3.vlm.rivals import image_contrast, shared_image_contrast
from rls3.vlm.tiny import MAX_TOKENS, layer_sizes, make_tokenizer
from rls3.vlm.vilt_stream import embed_patches, through_stream

_PAIR_BATCH = 512


def _preprocess(vlm: VLM, pictures: Sequence[np.ndarray]) -> Pixels:
    prepared = vlm.image_processor(
        images=list(pictures), do_pad=True, input_data_format="channels_last", return_tensors="pt"
    )
    mask = prepared["pixel_mask"]
    return Pixels(
        prepared["pixel_values"].to(vlm.device), None if mask.all() else mask.to(vlm.device)
    )


def _pair_logits(
    vlm: VLM, pixels: Pixels, image_of_pair: np.ndarray, texts: Sequence[str]
) -> torch.Tensor:
    """(P,) of pairs of an image and a text; each image's patches are embedded once."""
    images, of_pair = np.unique(image_of_pair, return_inverse=True)
    patches, mask = embed_patches(vlm, pixels[images])
    pairs = torch.tensor(of_pair, device=vlm.device)
    output = through_stream(vlm, patches[pairs], mask[pairs], texts)
    return vlm.model.rank_output(output.pooler_output)[:, 0]


def _score(vlm: VLM, pixels: Pixels, captions: Captions) -> torch.Tensor:
    counts = [len(row) for row in captions]
    texts = [text for row in captions for text in row]
    image_of_pair = np.repeat(np.arange(len(captions)), counts)
    chunks = [slice(start, start + _PAIR_BATCH) for start in range(0, len(texts), _PAIR_BATCH)]
    logits = torch.cat([_pair_logits(vlm, pixels, image_of_pair[c], texts[c]) for c in chunks])
    ends = np.cumsum(counts)
    index, mask = padded([range(e - n, e) for e, n in zip(ends, counts)], vlm.device)
    return logits[index].masked_fill(~mask, -torch.inf)


def _loss(vlm: VLM, pixels: Pixels, captions: Captions, weights: LossWeights) -> torch.Tensor:
    """hard_negative * cross-entropy of the true caption among the image's own, plus hard_image *
    that of the image among its rivals, plus contrastive * image-text matching (binary cross-entropy
    of each pair, true and false weighing the same)."""
    logits = _score(vlm, pixels, captions)
    hard = F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long, device=vlm.device))
    false = [(i, j) for i, row in enumerate(captions) for j in range(1, len(row))]
    rows, columns = torch.tensor(false, device=vlm.device).unbind(1)
    matching = F.softplus(-logits[:, 0]).mean() + F.softplus(logits[rows, columns]).mean()
    loss = weights.hard_negative * hard + weights.contrastive * matching
    if weights.hard_image:
        loss = loss + weights.hard_image * image_contrast(logits, captions)
    return loss


def _shared_loss(
    vlm: VLM, pixels: Pixels, captions: Captions, weights: LossWeights, share: BatchShare
) -> torch.Tensor:
    """As `_loss`, of which each pair is in one process alone."""
    own = [captions[i] for i in share.rows]
    logits = _score(vlm, pixels, own)
    true = torch.zeros(len(own), dtype=torch.long, device=vlm.device)
    hard = (share.weights * F.cross_entropy(logits, true, reduction="none")).sum()
    pairs = [(i, j) for i, row in enumerate(own) for j in range(1, len(row))]
    rows, columns = torch.tensor(pairs, device=vlm.device).unbind(1)
    of_pair = share.weights * len(captions) / sum(len(row) - 1 for row in captions)
    matching = (share.weights * F.softplus(-logits[:, 0])).sum()
    matching = matching + (of_pair[rows] * F.softplus(logits[rows, columns])).sum()
    loss = weights.hard_negative * hard + weights.contrastive * matching
    if weights.hard_image:
        loss = loss + weights.hard_image * shared_image_contrast(logits, captions, share)
    return loss


def _trainable(vlm: VLM, lock_vision: bool) -> list[torch.nn.Parameter]:
    vlm.model.requires_grad_(True)
    vlm.model.vilt.embeddings.patch_embeddings.requires_grad_(not lock_vision)
    return [p for p in vlm.model.parameters() if p.requires_grad]


def _make_tiny(kinds: Sequence[Kind], params: BaseParams) -> VLM:
    tokenizer = make_tokenizer(kinds)
    config = ViltConfig(
        **layer_sizes(params.width),
        num_hidden_layers=params.vision_layers,
        vocab_size=len(tokenizer),
        max_position_embeddings=MAX_TOKENS,
        image_size=params.image_px,
        patch_size=params.patch_px,
        max_image_length=-1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=tokenizer.pad_token_id,
    )
    processor = ViltImageProcessorPil(
        do_resize=True,
        size={"shortest_edge": params.image_px},
        size_divisor=params.patch_px,
        do_pad=False,
        resample=2,
    )
    model = ViltForImageAndTextRetrieval(config).eval()
    return VLM(FAMILY, model, tokenizer, processor)


FAMILY = Family(
    name="vilt",
    model_type="vilt",
    model_class=ViltForImageAndTextRetrieval,
    preprocess=_preprocess,
    image_side=None,
    score=_score,
    loss=_loss,
    trainable=_trainable,
    make_tiny=_make_tiny,
    pretrain=pretrain,
    shared_loss=_shared_loss,
)
