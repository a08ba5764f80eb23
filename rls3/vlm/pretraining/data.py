"""Rendered rooms and the simulator's answers, as tensors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from rls3.dataset.sample import Sample, decode
from rls3.scene.geometry import offset_in_camera
from rls3.scene.records import Kind, SceneObject
from rls3.vlm.interface import VLM

N_PLACES = 5
"""Numbers of a place: image x, image y, lateral, height below the eye, distance ahead."""

_MIRRORED = (-1.0, 1.0, -1.0, 1.0, 1.0)
_MIN_VISIBLE_PX = 12


@dataclass(frozen=True)
class Batch:
    """pixels (B, 3, H, W) normalised; kinds (B, K) index or -1; places (B, K, 5) standardised;
    boxes (B, K, 4) left, top, right, bottom as shares of the image."""

    pixels: torch.Tensor
    kinds: torch.Tensor
    places: torch.Tensor
    boxes: torch.Tensor

    def __getitem__(self, rows: Sequence[int]) -> "Batch":
        chosen = torch.tensor(rows, device=self.pixels.device)
        return Batch(
            self.pixels[chosen], self.kinds[chosen], self.places[chosen], self.boxes[chosen]
        )


@dataclass(frozen=True)
class PretrainSet:
    """Images and answers, on the CPU.

    images (N, H, W, 3) uint8; kinds, places, boxes as in `Batch`, of the objects that can be seen;
    vocabulary: the kinds, by index; types, colors (kinds,): index of each kind's type and colour.
    """

    images: torch.Tensor
    kinds: torch.Tensor
    places: torch.Tensor
    boxes: torch.Tensor
    vocabulary: Sequence[Kind]
    types: torch.Tensor
    colors: torch.Tensor

    def __len__(self) -> int:
        return len(self.images)

    @property
    def n_types(self) -> int:
        return int(self.types.max()) + 1

    @property
    def n_colors(self) -> int:
        return int(self.colors.max()) + 1


def pretrain_set(samples: Sequence[Sample], image_px: int) -> PretrainSet:
    """Images are scaled to image_px; an object with hardly a visible pixel is none."""
    vocabulary = sorted({item.kind for sample in samples for item in sample.objects})
    index = {kind: i for i, kind in enumerate(vocabulary)}
    width = max(len(sample.objects) for sample in samples)
    images = torch.empty(len(samples), image_px, image_px, 3, dtype=torch.uint8)
    kinds = torch.full((len(samples), width), -1)
    places = torch.zeros(len(samples), width, N_PLACES)
    boxes = torch.zeros(len(samples), width, 4)
    for row, sample in enumerate(samples):
        images[row] = _scaled(sample, image_px)
        for column, item in enumerate(sample.objects):
            if item.box_px is not None and item.visible_px >= _MIN_VISIBLE_PX:
                kinds[row, column] = index[item.kind]
                boxes[row, column], places[row, column] = _answers(sample, item)
    return PretrainSet(
        images,
        kinds,
        places,
        boxes,
        vocabulary,
        _indices(kind.type for kind in vocabulary),
        _indices(kind.color for kind in vocabulary),
    )


def _scaled(sample: Sample, image_px: int) -> torch.Tensor:
    scaled = Image.fromarray(decode(sample)).resize((image_px,) * 2, Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(scaled))


def _answers(sample: Sample, item: SceneObject) -> tuple[torch.Tensor, torch.Tensor]:
    """The object's box, as shares of the image, and its place."""
    x0, y0, x1, y1 = np.array(item.box_px) / np.array([sample.width_px, sample.height_px] * 2)
    lateral, height, ahead = offset_in_camera(
        np.subtract(item.box.center, sample.camera.position), sample.camera.yaw_deg
    )
    # centred, and of about the same spread: the rooms' things stand around 1.3 m ahead, 0.7 m below
    place = [(x0 + x1) - 1, (y0 + y1) - 1, lateral * 2, height * 2 + 1.4, ahead * 2 - 2.6]
    return torch.tensor([x0, y0, x1, y1]), torch.tensor(place)


def _indices(names: Iterable[str]) -> torch.Tensor:
    """Of each name among the distinct ones, sorted."""
    return torch.from_numpy(np.unique(list(names), return_inverse=True)[1])


def normalised(images: torch.Tensor, vlm: VLM) -> torch.Tensor:
    """(B, H, W, 3) uint8 to (B, 3, H, W) float32 as the model's image processor would, on the
    model's device."""
    processor = vlm.image_processor
    mean, std = (
        torch.tensor(v, device=vlm.device) for v in (processor.image_mean, processor.image_std)
    )
    return ((images.to(vlm.device).float() / 255 - mean) / std).permute(0, 3, 1, 2)


def augmented(data: PretrainSet, rows: torch.Tensor, vlm: VLM, rng: torch.Generator) -> Batch:
    """Half of the images mirrored, all with changed brightness; on the model's device."""
    pixels = normalised(data.images[rows], vlm)
    gain = 1 + 0.3 * (torch.rand(len(rows), 1, 1, 1, generator=rng) - 0.5)
    mirrored = torch.rand(len(rows), generator=rng) < 0.5
    flip = mirrored[:, None, None, None].to(vlm.device)
    pixels = torch.where(flip, pixels.flip(-1), pixels) * gain.to(vlm.device)
    places, boxes = data.places[rows].clone(), data.boxes[rows].clone()
    places[mirrored] *= torch.tensor(_MIRRORED)
    left, top, right, bottom = boxes[mirrored].unbind(-1)
    boxes[mirrored] = torch.stack([1 - right, top, 1 - left, bottom], dim=-1)
    return Batch(
        pixels,
        data.kinds[rows].to(vlm.device),
        places.to(vlm.device),
        boxes.to(vlm.device),
    )
