"""CLIP (transformers' CLIPModel): two towers, a score is the scaled cosine of their projections.

With a locked vision tower an image is its pooled output, so that it is encoded once however often
it is scored.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from rls3.params import BaseParams
from rls3.scene.records import Kind
from rls3.vlm.clip_text import pooled_texts
from rls3.vlm.interface import (
    VLM,
    BatchShare,
    Captions,
    Encoded,
    Family,
    Images,
    ImageSide,
    LossWeights,
    Pixels,
    padded,
    unique_texts,
)
from rls3.vlm.pretraining.clip import pretrain
from rls3.vlm.rivals import image_contrast, shared_image_contrast
from rls3.vlm.tiny import MAX_TOKENS, layer_sizes, make_tokenizer


def _preprocess(vlm: VLM, pictures: Sequence[np.ndarray]) -> Pixels:
    """Of a picture that is not square, the whole is squeezed into the square: what the processor
    would crop away may be what a caption is about."""
    edge = vlm.image_processor.size.get("shortest_edge")
    squeezed = {"size": {"height": edge, "width": edge}} if edge else {}
    prepared = vlm.image_processor(
        images=list(pictures), input_data_format="channels_last", return_tensors="pt", **squeezed
    )
    return Pixels(prepared["pixel_values"].to(vlm.device))


def _pooled(vlm: VLM, pixels: Pixels) -> torch.Tensor:
    return vlm.model.vision_model(pixel_values=pixels.values).pooler_output


@torch.no_grad()
def _encode(vlm: VLM, pixels: Pixels) -> Encoded:
    return Encoded(_pooled(vlm, pixels))


def _image_weights(vlm: VLM) -> Iterable[torch.Tensor]:
    return vlm.model.vision_model.state_dict().values()


def _image_embeddings(vlm: VLM, images: Images) -> torch.Tensor:
    pooled = images.values if isinstance(images, Encoded) else _pooled(vlm, images)
    return F.normalize(vlm.model.visual_projection(pooled), dim=-1)


def _text_embeddings(vlm: VLM, texts: Sequence[str]) -> torch.Tensor:
    return F.normalize(vlm.model.text_projection(pooled_texts(vlm, texts)), dim=-1)


def _similarities(vlm: VLM, images: Images, texts: Sequence[str]) -> torch.Tensor:
    """(N, T)."""
    scale = vlm.model.logit_scale.exp()
    return scale * _image_embeddings(vlm, images) @ _text_embeddings(vlm, texts).T


def _score(vlm: VLM, images: Images, captions: Captions) -> torch.Tensor:
    texts, rows = unique_texts(captions)
    index, mask = padded(rows, vlm.device)
    return _similarities(vlm, images, texts).gather(1, index).masked_fill(~mask, -torch.inf)


def _loss(vlm: VLM, images: Images, captions: Captions, weights: LossWeights) -> torch.Tensor:
    """hard_negative * H + hard_image * I + contrastive * N. H: cross-entropy of the true caption
    among the image's own captions (as NegCLIP's hard negatives). I: of the image among its rivals.
    N: the symmetric InfoNCE over the batch (equal texts count as one, so that a caption
    that two images share is not its own negative)."""
    texts, rows = unique_texts(captions)
    similarities = _similarities(vlm, images, texts)
    index, mask = padded(rows, vlm.device)
    own = similarities.gather(1, index).masked_fill(~mask, -torch.inf)
    hard = F.cross_entropy(own, torch.zeros(len(rows), dtype=torch.long, device=vlm.device))
    loss = weights.hard_negative * hard
    if weights.hard_image:
        loss = loss + weights.hard_image * image_contrast(own, captions)
    if weights.contrastive:
        loss = loss + weights.contrastive * _info_nce(similarities, [row[0] for row in rows])
    return loss


def _shared_loss(
    vlm: VLM, images: Images, captions: Captions, weights: LossWeights, share: BatchShare
) -> torch.Tensor:
    """As `_loss`. The images' own captions stay here; InfoNCE is over the batch of all processes,
    which hand each other their embeddings, and so are rivals, by their scores."""
    texts, rows = unique_texts([captions[i] for i in share.rows])
    of_images, of_texts = _image_embeddings(vlm, images), _text_embeddings(vlm, texts)
    scale = vlm.model.logit_scale.exp()
    index, mask = padded(rows, vlm.device)
    own = (scale * of_images @ of_texts.T).gather(1, index).masked_fill(~mask, -torch.inf)
    true = torch.zeros(len(rows), dtype=torch.long, device=vlm.device)
    hard = (share.weights * F.cross_entropy(own, true, reduction="none")).sum()
    loss = weights.hard_negative * hard
    if weights.hard_image:
        loss = loss + weights.hard_image * shared_image_contrast(own, captions, share)
    if not weights.contrastive:
        return loss
    of_true = of_texts[torch.tensor([row[0] for row in rows], device=vlm.device)]
    similarities = scale * share.gather(of_images) @ share.gather(of_true).T
    first: dict[str, int] = {}
    equal = [first.setdefault(row[0], i) for i, row in enumerate(captions)]
    return loss + weights.contrastive * _info_nce(similarities, equal)


def _info_nce(similarities: torch.Tensor, true: Sequence[int]) -> torch.Tensor:
    """Symmetric, over a batch. similarities (B, T); true: each image's true text of the T."""
    device = similarities.device
    columns, own = (torch.tensor(v, device=device) for v in np.unique(true, return_inverse=True))
    matrix = similarities[:, columns]  # (B, distinct true texts)
    matches = (own[:, None] == torch.arange(len(columns), device=device)).float()
    to_text = F.cross_entropy(matrix, own)
    to_image = F.cross_entropy(matrix.T, (matches / matches.sum(0)).T)
    return (to_text + to_image) / 2


def _trainable(vlm: VLM, lock_vision: bool) -> list[torch.nn.Parameter]:
    vlm.model.requires_grad_(True)
    vlm.model.vision_model.requires_grad_(not lock_vision)
    vlm.model.logit_scale.requires_grad_(False)
    return [p for p in vlm.model.parameters() if p.requires_grad]


def _make_tiny(kinds: Sequence[Kind], params: BaseParams) -> VLM:
    tokenizer = make_tokenizer(kinds)
    text = layer_sizes(params.width) | {
        "num_attention_heads": 8,
        "num_hidden_layers": params.text_layers,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": MAX_TOKENS,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    vision = layer_sizes(params.vision_width) | {
        "num_hidden_layers": params.vision_layers,
        "image_size": params.image_px,
        "patch_size": params.patch_px,
    }
    config = CLIPConfig(
        text_config=text,
        vision_config=vision,
        projection_dim=params.vision_width,
        logit_scale_init_value=3.0,
    )
    size = {"height": params.image_px, "width": params.image_px}
    processor = CLIPImageProcessorPil(size=size, do_center_crop=False, resample=2)
    return VLM(FAMILY, CLIPModel(config).eval(), tokenizer, processor)


FAMILY = Family(
    name="clip",
    model_type="clip",
    model_class=CLIPModel,
    preprocess=_preprocess,
    image_side=ImageSide(_encode, _image_weights),
    score=_score,
    loss=_loss,
    trainable=_trainable,
    make_tiny=_make_tiny,
    pretrain=pretrain,
    shared_loss=_shared_loss,
)
