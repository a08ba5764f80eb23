"""How a base model is made: it learns what things are and where they stand, and no relation word.

Pre-training on rendered rooms. The answers come from the simulator: each object's kind, and its place: position in the
image, distance, height, and camera-frame offset. The relation words that occur in its captions are drawn at random, so
they mean nothing to it.
- clip: the vision tower regresses every visible object's place from its pooled output, by type and by colour, and labels
  its patches; then, with it locked, both projections and the text tower learn which objects a caption names, where the
  first and the second of them stand, and (from text alone) that "A left of B" is "B right of A".
- vilt: the image's part of the stream learns the same as clip's vision tower (the paper's ViLT begins as a ViT, too);
  then the names in a caption regress the places of what they name, and matching tells captions with present objects
  from captions with an absent one.
False names are often of the same colour as the true one, else colour alone would tell them apart.
Heads used for this are thrown away.
"""

import argparse
import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from rls3.dataset.sample import Sample, decode, read_samples
from rls3.language.caption import Caption, object_name
from rls3.language.relation import CELLS
from rls3.params import BaseParams, FinetuneParams, load_params
from rls3.scene.geometry import offset_in_camera
from rls3.scene.records import Kind
from rls3.vlm.clip import ClipVLM
from rls3.vlm.interface import VLM, Family
from rls3.vlm.tiny import make_tiny
from rls3.vlm.vilt import ViltVLM

logger = logging.getLogger(__name__)
_PLACES = 5  # image x, image y, lateral, height below the eye, distance ahead


class PretrainSet:
    """Images as one uint8 array, and the answers.

    kinds (N, K) index or -1; places (N, K, 5) standardised; boxes (N, K, 4) as shares of the image.
    """

    def __init__(
        self, samples: Sequence[Sample], vocabulary: Sequence[Kind], image_px: int
    ) -> None:
        from PIL import Image

        def small(sample: Sample) -> np.ndarray:
            return np.asarray(
                Image.fromarray(decode(sample)).resize(
                    (image_px, image_px), Image.Resampling.BILINEAR
                )
            )

        self.images = torch.from_numpy(np.stack([small(s) for s in samples]))
        index = {kind: i for i, kind in enumerate(vocabulary)}
        width = max(len(s.objects) for s in samples)
        self.kinds = torch.full((len(samples), width), -1)
        self.places = torch.zeros(len(samples), width, _PLACES)
        self.boxes = torch.zeros(len(samples), width, 4)
        for row, sample in enumerate(samples):
            for column, item in enumerate(sample.objects):
                if item.box_px is None or item.visible_px < 12:
                    continue
                x0, y0, x1, y1 = np.array(item.box_px) / np.array(
                    [sample.width_px, sample.height_px] * 2
                )
                offset = offset_in_camera(
                    np.subtract(item.box.center, sample.camera.position), sample.camera.yaw_deg
                )
                self.kinds[row, column] = index[item.kind]
                self.places[row, column] = torch.tensor(
                    [
                        (x0 + x1) - 1,
                        (y0 + y1) - 1,
                        offset[0] * 2,
                        offset[1] * 2 + 1.4,
                        offset[2] * 2 - 2.6,
                    ]
                )
                self.boxes[row, column] = torch.tensor([x0, y0, x1, y1])

    def __len__(self) -> int:
        return len(self.images)

    def batch(
        self, rows: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, rng: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Normalised pixels, kinds, places, boxes; half of the images mirrored, all with changed brightness."""
        pixels = (self.images[rows].float() / 255 - mean) / std
        pixels = pixels.permute(0, 3, 1, 2)
        gain = 1 + 0.3 * (torch.rand(len(rows), 1, 1, 1, generator=rng) - 0.5)
        places, boxes = self.places[rows].clone(), self.boxes[rows].clone()
        mirrored = torch.rand(len(rows), generator=rng) < 0.5
        pixels = torch.where(mirrored[:, None, None, None], pixels.flip(-1), pixels) * gain
        places[mirrored] *= torch.tensor([-1.0, 1, -1, 1, 1])
        boxes[mirrored] = torch.stack(
            [
                1 - boxes[mirrored][..., 2],
                boxes[mirrored][..., 1],
                1 - boxes[mirrored][..., 0],
                boxes[mirrored][..., 3],
            ],
            dim=-1,
        )
        return pixels, self.kinds[rows], places, boxes


def _half_precision() -> torch.autocast:
    """bfloat16 where it is safe; twice as fast on CPUs that multiply it in hardware (with eager attention)."""
    return torch.autocast("cpu", torch.bfloat16)


def _schedule(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    warmup = max(1, steps // 20)
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda s: min((s + 1) / warmup, 0.5 * (1 + np.cos(np.pi * min(1.0, s / steps))) + 0.01),
    )


def _loop(data: PretrainSet, epochs: float, params: BaseParams, rng: torch.Generator):
    """Yield (step, steps, rows)."""
    steps = int(epochs * len(data) / params.batch_size)
    order = torch.empty(0, dtype=torch.long)
    for step in range(steps):
        if len(order) < params.batch_size:
            order = torch.cat([order, torch.randperm(len(data), generator=rng)])
        rows, order = order[: params.batch_size], order[params.batch_size :]
        yield step, steps, rows


class _PatchHeads(nn.Module):
    """Asks each patch which type and colour stands there; thrown away afterwards."""

    def __init__(self, width: int, types: int, colors: int) -> None:
        super().__init__()
        self.patch_type, self.patch_color = (
            nn.Linear(width, types + 1),
            nn.Linear(width, colors + 1),
        )

    def patches(
        self,
        patches: torch.Tensor,
        kinds: torch.Tensor,
        boxes: torch.Tensor,
        types: torch.Tensor,
        colors: torch.Tensor,
    ) -> torch.Tensor:
        """Cross-entropy of the patches (B, P, width) against the objects whose boxes cover their centres (0: none)."""
        grid = round(patches.shape[1] ** 0.5)
        centers = (torch.arange(grid) + 0.5) / grid
        across = (centers > boxes[..., 0, None]) & (centers < boxes[..., 2, None])  # (B, K, grid)
        down = (centers > boxes[..., 1, None]) & (centers < boxes[..., 3, None])
        covered = down[..., :, None] & across[..., None, :] & (kinds >= 0)[..., None, None]
        loss = torch.zeros(())
        for head, labels in ((self.patch_type, types), (self.patch_color, colors)):
            target = torch.zeros(len(kinds), grid, grid, dtype=torch.long)
            for k in range(kinds.shape[1]):
                target = torch.where(
                    covered[:, k], labels[kinds[:, k].clamp(min=0)][:, None, None] + 1, target
                )
            weight = torch.ones(head.out_features)
            weight[0] = 0.1  # most patches show no object
            loss = loss + F.cross_entropy(head(patches).transpose(1, 2), target.flatten(1), weight)
        return loss


class _VisionHeads(_PatchHeads):
    """And asks the pooled output what is there, and where; thrown away afterwards."""

    def __init__(self, width: int, types: int, colors: int) -> None:
        super().__init__(width, types, colors)
        self.by_type, self.by_color = (
            nn.Linear(width, types * _PLACES),
            nn.Linear(width, colors * _PLACES),
        )
        self.present = nn.Linear(width, types * colors)


class _ClipEncoder(nn.Module):
    """Pixels to the patches' states (B, P, width) and the pooled output (B, width) of CLIP's vision tower."""

    def __init__(self, vlm: ClipVLM) -> None:
        super().__init__()
        self.vision = vlm.model.vision_model
        self.width = self.vision.config.hidden_size

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        output = self.vision(pixel_values=pixels)
        return output.last_hidden_state[:, 1:], output.pooler_output


class _ViltEncoder(nn.Module):
    """The same of ViLT's stream, with no words in it."""

    def __init__(self, vlm: ViltVLM) -> None:
        super().__init__()
        self.embed, self.vilt = vlm.patch_embeddings, vlm.model.vilt
        self.width = self.vilt.config.hidden_size

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        image_modality = self.vilt.embeddings.token_type_embeddings.weight[1]
        states = self.vilt.layernorm(
            self.vilt.encoder(self.embed(pixels) + image_modality).last_hidden_state
        )
        return states[:, 1:], states[:, 0]


def _pretrain_vision(
    encoder: _ClipEncoder | _ViltEncoder,
    processor: Any,
    data: PretrainSet,
    types: torch.Tensor,
    colors: torch.Tensor,
    epochs: float,
    params: BaseParams,
    rng: torch.Generator,
) -> None:
    """types, colors: (kinds,) index of each kind's type and colour."""
    mean, std = (torch.tensor(v) for v in (processor.image_mean, processor.image_std))
    n_types, n_colors = int(types.max()) + 1, int(colors.max()) + 1
    heads = _VisionHeads(encoder.width, n_types, n_colors)
    trainable = [*encoder.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(trainable, lr=params.learning_rate, weight_decay=0.02)
    schedule = _schedule(optimizer, int(epochs * len(data) / params.batch_size))
    encoder.train()
    for step, steps, rows in _loop(data, epochs, params, rng):
        pixels, kinds, places, boxes = data.batch(rows, mean, std, rng)
        with _half_precision():
            patches, pooled = encoder(pixels)
        there = kinds >= 0
        safe = kinds.clamp(min=0)
        type_, color = types[safe], colors[safe]
        pooled = pooled.float()
        predicted = heads.by_type(pooled).view(len(rows), n_types, _PLACES).gather(
            1, type_[..., None].expand(-1, -1, _PLACES)
        ) + heads.by_color(pooled).view(len(rows), n_colors, _PLACES).gather(
            1, color[..., None].expand(-1, -1, _PLACES)
        )
        where = F.smooth_l1_loss(predicted[there], places[there], beta=0.3)
        target = torch.zeros(len(rows), n_types * n_colors).scatter_(1, safe, there.float())
        what = F.binary_cross_entropy_with_logits(
            heads.present(pooled), target, pos_weight=torch.tensor(8.0)
        )
        dense = heads.patches(patches.float(), kinds, boxes, types, colors)
        loss = 3 * where + 2 * what + 0.3 * dense
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            logger.info(
                "vision %d/%d where %.4f what %.4f dense %.4f",
                step,
                steps,
                where.item(),
                what.item(),
                dense.item(),
            )
    encoder.eval()


def _false_name(
    true: int, present: Sequence[int], vocabulary: Sequence[Kind], rng: np.random.Generator
) -> int:
    """A kind that the image does not show: of the true one's colour in half of the cases, any else."""
    absent = [k for k in range(len(vocabulary)) if k not in present]
    alike = [k for k in absent if vocabulary[k].color == vocabulary[true].color]
    return int(rng.choice(alike if alike and rng.random() < 0.5 else absent))


def _captions(
    kinds: torch.Tensor,
    vocabulary: Sequence[Kind],
    rng: np.random.Generator,
    n_false: int,
    relation_share: float,
) -> tuple[list[int], list[tuple[int, int]], list[str], list[list[str]]]:
    """For each image with two visible objects: its row, which two of them a caption names, the caption, and captions
    with one of them replaced by an absent kind.

    The relation, where there is one, is random and the same in true and false captions: it tells nothing.
    """
    rows, named, true, false = [], [], [], []
    for row, columns in enumerate(kinds.tolist()):
        seen = [c for c, k in enumerate(columns) if k >= 0]
        if len(seen) < 2:
            continue
        a, b = (int(c) for c in rng.choice(seen, 2, replace=False))
        first, second = columns[a], columns[b]
        cell = CELLS[int(rng.integers(26))] if rng.random() < relation_share else None

        def text(x: int, y: int, cell=cell) -> str:
            if cell is None:
                return f"The {object_name(vocabulary[x])} and the {object_name(vocabulary[y])}."
            return Caption(vocabulary[x], cell, vocabulary[y]).text

        def false_text(x: int, y: int, columns=columns, text=text) -> str:
            if rng.random() < 0.5:
                return text(_false_name(x, columns, vocabulary, rng), y)
            return text(x, _false_name(y, columns, vocabulary, rng))

        rows.append(row)
        named.append((a, b))
        true.append(text(first, second))
        false.append([false_text(first, second) for _ in range(n_false)])
    return rows, named, true, false


@torch.no_grad()
def _whiten(vlm: ClipVLM, features: torch.Tensor) -> torch.Tensor:
    """Start the visual projection as the whitening of the pooled output, its mean taken into the last layer norm's bias.

    What an image holds about places lies in directions of small variance; unwhitened, gradient descent on the
    projection finds them last. Returns the centred features.
    """
    mean = features.mean(0)
    vlm.model.vision_model.post_layernorm.bias -= mean
    centred = features - mean
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
    scale = (values + 0.01 * values.mean()).rsqrt()
    vlm.model.visual_projection.weight.copy_((vectors * scale) @ vectors.T)
    return centred


class _Grounding(nn.Module):
    """Where do the first and the second object that a text names stand? Bilinear in text and image; thrown away afterwards."""

    def __init__(self, text_width: int, image_width: int) -> None:
        super().__init__()
        self.text = nn.Linear(text_width, 2 * _PLACES * image_width)
        self.norm = nn.LayerNorm(image_width, elementwise_affine=False)

    def forward(self, text: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """(B, text width) and (B, image width) to (B, 2, 5)."""
        questions = self.text(text).view(len(text), 2 * _PLACES, -1)
        return (
            torch.einsum("bqw,bw->bq", questions, self.norm(image)).view(len(text), 2, _PLACES)
            / image.shape[-1] ** 0.5
        )


def _converse_loss(
    vlm: ClipVLM, head: nn.Linear, vocabulary: Sequence[Kind], size: int, rng: np.random.Generator
) -> torch.Tensor:
    """Language alone: "A is left of B" says what "B is right of A" says, and not what the same sentence says with a term
    flipped. No image enters, so the words get their logic, not their meaning. InfoNCE over the batch and the flips."""
    said, converse, contrary = [], [], []
    for _ in range(size):
        a, b = (vocabulary[int(k)] for k in rng.choice(len(vocabulary), 2, replace=False))
        cell = CELLS[int(rng.integers(26))]
        flipped = cell.flipped(cell.terms[int(rng.integers(cell.complexity))])
        said.append(Caption(a, cell, b).text)
        converse.append(Caption(b, cell.opposite, a).text)
        contrary.append(Caption(a, flipped, b).text)
    tokens = vlm.tokenizer([*said, *converse, *contrary], padding=True, return_tensors="pt")
    read = vlm.model.text_model(
        input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
    ).pooler_output
    first, second, third = F.normalize(head(read), dim=-1).split(size)
    return F.cross_entropy(20 * first @ torch.cat([second, third]).T, torch.arange(size))


def _pretrain_clip_text(
    vlm: ClipVLM,
    data: PretrainSet,
    vocabulary: Sequence[Kind],
    params: BaseParams,
    rng: torch.Generator,
    draws: np.random.Generator,
) -> None:
    mean, std = (
        torch.tensor(v) for v in (vlm.image_processor.image_mean, vlm.image_processor.image_std)
    )
    with torch.no_grad():
        pixels = [
            (data.images[i : i + 256].float() / 255 - mean).div(std).permute(0, 3, 1, 2)
            for i in range(0, len(data), 256)
        ]
        features = torch.cat([vlm.model.vision_model(pixel_values=p).pooler_output for p in pixels])
    features = _whiten(vlm, features)
    grounding, converse = (
        _Grounding(params.width, params.vision_width),
        nn.Linear(params.width, params.width),
    )
    trainable = [
        *vlm.set_trainable(lock_vision=True),
        *grounding.parameters(),
        *converse.parameters(),
    ]
    optimizer = torch.optim.AdamW(trainable, lr=params.learning_rate, weight_decay=0.02)
    schedule = _schedule(optimizer, int(params.text_epochs * len(data) / params.batch_size))
    weights = FinetuneParams.model_construct(hard_negative_weight=1.0, contrastive_weight=0.3)
    for step, steps, rows in _loop(data, params.text_epochs, params, rng):
        kept, named, true, false = _captions(data.kinds[rows], vocabulary, draws, 3, 0.5)
        seen = features[rows[kept]]
        tokens = vlm.tokenizer(true, padding=True, return_tensors="pt")
        read = vlm.model.text_model(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        ).pooler_output
        places = data.places[rows[kept]].gather(
            1, torch.tensor(named)[..., None].expand(-1, -1, _PLACES)
        )
        where = F.smooth_l1_loss(
            grounding(read, vlm.model.visual_projection(seen)), places, beta=0.3
        )
        logic = _converse_loss(vlm, converse, vocabulary, len(kept), draws)
        loss = vlm.loss(seen, true, false, weights) + 5 * where + logic
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trainable, 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            logger.info(
                "text %d/%d loss %.4f where %.4f logic %.4f",
                step,
                steps,
                loss.item(),
                where.item(),
                logic.item(),
            )


def _pretrain_vilt(
    vlm: ViltVLM,
    data: PretrainSet,
    vocabulary: Sequence[Kind],
    types: torch.Tensor,
    colors: torch.Tensor,
    params: BaseParams,
    rng: torch.Generator,
    draws: np.random.Generator,
) -> None:
    """Grounding (words regress the places of what they name) and matching (present or absent), at once."""
    mean, std = (
        torch.tensor(v) for v in (vlm.image_processor.image_mean, vlm.image_processor.image_std)
    )
    head = nn.Linear(params.width, _PLACES)
    dense_heads = _PatchHeads(params.width, int(types.max()) + 1, int(colors.max()) + 1)
    everything = [*vlm.model.parameters(), *head.parameters(), *dense_heads.parameters()]
    optimizer = torch.optim.AdamW(everything, lr=params.learning_rate, weight_decay=0.02)
    schedule = _schedule(optimizer, int(params.vilt_epochs * len(data) / params.batch_size))
    length = [
        len(vlm.tokenizer(object_name(kind), add_special_tokens=False)["input_ids"])
        for kind in vocabulary
    ]
    vlm.model.train()
    for step, steps, rows in _loop(data, params.vilt_epochs, params, rng):
        pixels, kinds, places, boxes = data.batch(rows, mean, std, rng)
        kept, named, true, false = _captions(kinds, vocabulary, draws, 1, 0.5)
        # Index of the last word of each name: <s> the NAME_A ... the NAME_B . </s>
        ends = [
            (1 + length[kinds[row, a]], len(ids) - 3)
            for row, (a, _), ids in zip(kept, named, vlm.tokenizer(true)["input_ids"])
        ]
        targets = places[kept].gather(1, torch.tensor(named)[..., None].expand(-1, -1, _PLACES))
        pixels = pixels[kept]
        texts = [*true, *(f[0] for f in false)]
        with _half_precision():
            patches = vlm.patch_embeddings(pixels)
            output = vlm._with_patches(torch.cat([patches, patches]), vlm.tokens(texts))
        hidden = output.last_hidden_state.float()
        words = hidden[: len(true)]
        at = torch.tensor(ends)
        names = words.gather(1, at[..., None].expand(-1, -1, words.shape[-1]))
        where = F.smooth_l1_loss(head(names), targets, beta=0.3)
        logits = vlm.model.rank_output(output.pooler_output.float())[:, 0]
        matching = F.softplus(logits[len(true) :] - logits[: len(true)]).mean()
        shown = hidden[: len(true), -patches.shape[1] + 1 :]
        dense = dense_heads.patches(shown, kinds[kept], boxes[kept], types, colors)
        loss = 3 * where + 0.5 * matching + 0.3 * dense
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(everything, 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            logger.info(
                "vilt %d/%d where %.4f matching %.4f dense %.4f",
                step,
                steps,
                where.item(),
                matching.item(),
                dense.item(),
            )
    vlm.model.eval()


def make_base(family: Family, samples: Sequence[Sample], params: BaseParams) -> VLM:
    """Train the base model of a family from nothing. Deterministic by `params.seed` and the samples."""
    vocabulary = sorted({item.kind for sample in samples for item in sample.objects})
    type_names, color_names = (
        sorted({k.type for k in vocabulary}),
        sorted({k.color for k in vocabulary}),
    )
    types = torch.tensor([type_names.index(k.type) for k in vocabulary])
    colors = torch.tensor([color_names.index(k.color) for k in vocabulary])
    with torch.random.fork_rng():
        torch.manual_seed(params.seed)
        rng, draws = torch.Generator().manual_seed(params.seed), np.random.default_rng(params.seed)
        vlm = make_tiny(family, vocabulary, params)
        vlm.model.set_attn_implementation("eager")
        data = PretrainSet(samples, vocabulary, params.image_px)
        if family == "clip":
            _pretrain_vision(
                _ClipEncoder(vlm),
                vlm.image_processor,
                data,
                types,
                colors,
                params.vision_epochs,
                params,
                rng,
            )
            _pretrain_clip_text(vlm, data, vocabulary, params, rng, draws)
        else:
            nn.init.trunc_normal_(
                vlm.model.vilt.embeddings.position_embeddings, std=0.02
            )  # the library: zero
            _pretrain_vision(
                _ViltEncoder(vlm),
                vlm.image_processor,
                data,
                types,
                colors,
                params.vilt_vision_epochs,
                params,
                rng,
            )
            _pretrain_vilt(vlm, data, vocabulary, types, colors, params, rng, draws)
    return vlm


def main() -> None:
    """`python -m rls3.vlm.base --family clip --data pretrain.parquet --out base/clip`: the DVC stage."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--family", choices=["clip", "vilt"], required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("-S", dest="overrides", action="append", default=[])
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    params = load_params(arguments.params, arguments.overrides).base
    started = time.perf_counter()
    vlm = make_base(arguments.family, read_samples(arguments.data), params)
    vlm.save(arguments.out)
    seconds = time.perf_counter() - started
    (arguments.out / "base.json").write_text(
        json.dumps({"family": arguments.family, "params": params.model_dump()}, indent=1) + "\n"
    )
    logger.info("made %s in %.0f s", arguments.out, seconds)


if __name__ == "__main__":
    main()
