"""ViLT's pre-training: the image's share of its stream, then image and text together."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from rls3.dataset.sample import Sample
from rls3.language.caption import object_name
from rls3.params import BaseParams
from rls3.vlm.interface import VLM, Pixels
from rls3.vlm.pretraining.captions import Captioned, captioned
from rls3.vlm.pretraining.data import N_PLACES, PretrainSet, augmented, pretrain_set
from rls3.vlm.pretraining.heads import PatchHeads, place_loss, places_of
from rls3.vlm.pretraining.loop import Part, Stage, half_precision, train
from rls3.vlm.pretraining.vision import pretrain_vision
from rls3.vlm.vilt_stream import embed_patches, through_stream


class _ImageStream(nn.Module):
    """ViLT's stream with no words in it, as an `Encoder`."""

    def __init__(self, vlm: VLM) -> None:
        super().__init__()
        self.vlm, self.vilt = vlm, vlm.model.vilt
        self.width = self.vilt.config.hidden_size

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        image_modality = self.vilt.embeddings.token_type_embeddings.weight[1]
        patches, _ = embed_patches(self.vlm, Pixels(pixels))
        encoded = self.vilt.encoder(patches + image_modality).last_hidden_state
        states = self.vilt.layernorm(encoded)
        return states[:, 1:], states[:, 0]


def pretrain(vlm: VLM, samples: Sequence[Sample], params: BaseParams) -> None:
    data = pretrain_set(samples, params.image_px)
    rng = torch.Generator().manual_seed(params.seed)
    draws = np.random.default_rng(params.seed)
    _spread_places(vlm)
    pretrain_vision(vlm, _ImageStream(vlm), data, params.vilt_vision_epochs, params, rng)
    _pretrain_jointly(vlm, data, params, rng, draws)


@torch.no_grad()
def _spread_places(vlm: VLM) -> None:
    """The library's embeddings of places begin at zero: all patches alike."""
    places = vlm.model.vilt.embeddings.position_embeddings
    places.copy_(nn.init.trunc_normal_(torch.empty(places.shape), std=0.02))


def _pretrain_jointly(
    vlm: VLM,
    data: PretrainSet,
    params: BaseParams,
    rng: torch.Generator,
    draws: np.random.Generator,
) -> None:
    """Grounding (words regress the places of what they name) and matching (present or absent), at
    once."""
    place = nn.Linear(params.width, N_PLACES).to(vlm.device)
    heads = PatchHeads(params.width, data).to(vlm.device)

    def losses(rows: torch.Tensor) -> Sequence[Part]:
        batch, kinds = augmented(data, rows, vlm, rng), data.kinds[rows]
        captions = captioned(kinds, data.vocabulary, 1, draws)
        seen, n = batch[captions.rows], len(captions.rows)
        last_words = torch.tensor(_last_words(vlm, captions, kinds, data), device=vlm.device)
        targets = places_of(torch.tensor(captions.named, device=vlm.device), seen.places)
        states, whole, n_patches = _read_twice(vlm, seen.pixels, captions)
        at = last_words[..., None].expand(-1, -1, states.shape[-1])
        where = place_loss(place(states[:n].gather(1, at)), targets)
        logits = vlm.model.rank_output(whole)[:, 0]
        match = F.softplus(logits[n:] - logits[:n]).mean()
        dense = heads.patch_loss(states[:n, -n_patches:], seen.kinds, seen.boxes)
        return Part("where", 3, where), Part("match", 0.5, match), Part("patches", 0.3, dense)

    trained = [*vlm.model.parameters(), *place.parameters(), *heads.parameters()]
    stage = Stage("joint", params.vilt_epochs, vlm.model, trained, trained, losses)
    train(stage, len(data), params, rng)


def _read_twice(
    vlm: VLM, pixels: torch.Tensor, captions: Captioned
) -> tuple[torch.Tensor, torch.Tensor, int]:
    """States (2B, words and patches, width) of each image beside its true caption, then of each
    beside its false one; states (2B, width) of the whole; the number of patches."""
    texts = [*captions.true, *(false for (false,) in captions.false)]
    with half_precision(vlm.device):
        patches, mask = embed_patches(vlm, Pixels(pixels))
        twice = torch.cat([patches, patches]), torch.cat([mask, mask])
        output = through_stream(vlm, *twice, texts)
    n_patches = patches.shape[1] - 1  # the first stands for the whole image
    return output.last_hidden_state.float(), output.pooler_output.float(), n_patches


def _last_words(
    vlm: VLM, captions: Captioned, kinds: torch.Tensor, data: PretrainSet
) -> list[tuple[int, int]]:
    """Of each caption, the tokens at which the two names end: <s> the NAME_A ... the NAME_B .
    </s>"""
    names = [object_name(kind) for kind in data.vocabulary]
    lengths = [len(ids) for ids in vlm.tokenizer(names, add_special_tokens=False)["input_ids"]]
    texts = vlm.tokenizer(captions.true)["input_ids"]
    firsts = [int(kinds[row, a]) for row, (a, _) in zip(captions.rows, captions.named)]
    return [(1 + lengths[first], len(ids) - 3) for first, ids in zip(firsts, texts)]
