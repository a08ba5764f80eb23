"""What images are for a model: encoded once a shard where its image side is locked, else decoded
when they are needed. Never all pixels at once."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass

import numpy as np
import torch

from rls3.dataset.sample import Pictured, decode
from rls3.vlm.interface import VLM, Encoded, Images, ImageSide, Pixels, Rows

IMAGE_BATCH = 128  # rounding may depend on it


@dataclass(frozen=True)
class Mirrored:
    """A picture with left and right exchanged."""

    picture: Pictured

    @property
    def picture_id(self) -> str:
        return f"{self.picture.picture_id} mirrored"

    @property
    def image(self) -> bytes:
        """Of the picture as it is: who reads it exchanges left and right (`pixels_of`)."""
        return self.picture.image


def pixels_of(picture: Pictured) -> np.ndarray:
    """(H, W, 3) uint8 as a model shall see it. Raises: DataError as `decode`."""
    if isinstance(picture, Mirrored):
        return np.ascontiguousarray(decode(picture.picture)[:, ::-1])
    return decode(picture)


@dataclass(frozen=True)
class LazyPixels:
    """Pictures that become pixels when rows of them are asked for."""

    vlm: VLM
    pictures: Sequence[Pictured]

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, rows: Rows) -> Pixels:
        chosen = (
            self.pictures[rows]
            if isinstance(rows, slice)
            else [self.pictures[int(row)] for row in rows]
        )
        return self.vlm.family.preprocess(self.vlm, [pixels_of(picture) for picture in chosen])


Shard = Encoded | LazyPixels
"""Of both, rows are `Images` for the model."""


def images_of(vlm: VLM, pictures: Sequence[np.ndarray]) -> Images:
    """Decoded pictures, each (H, W, 3) uint8 of any size, ready for `rls3.vlm.interface.score`."""
    side, preprocess = vlm.family.image_side, vlm.family.preprocess
    if side is None:
        return preprocess(vlm, pictures)
    return _encoded(vlm, side, (preprocess(vlm, pictures[rows]) for rows in _batches(pictures)))


def joined(shards: Sequence[Shard]) -> Shard:
    """Of one model: one after the other."""
    if all(isinstance(shard, Encoded) for shard in shards):
        return Encoded(torch.cat([shard.values for shard in shards]))
    return LazyPixels(shards[0].vlm, [picture for shard in shards for picture in shard.pictures])


class ImageFeatures:
    """Remembers what a locked image side makes of whole shards (a round's samples, a benchmark).

    Always of the whole shard, in the same batches: rounding may depend on what else is in a batch,
    and a campaign that was killed and resumed must see the same numbers as one that was not. It
    remembers the shards of the last image side only, some kilobytes an image.
    """

    def __init__(self) -> None:
        self._side = ""
        self._known: dict[str, Encoded] = {}

    def __call__(self, vlm: VLM, pictures: Sequence[Pictured], lock_vision: bool = True) -> Shard:
        """Rows in the order of the pictures: encoded if the model has an image side that is locked,
        else pixels, decoded when they are asked for."""
        side = vlm.family.image_side
        if side is None or not lock_vision or not pictures:
            return LazyPixels(vlm, pictures)
        self._forget_others(_digest_of_side(vlm, side))
        shard = _digest_of_pictures(pictures)
        if shard not in self._known:
            pixels = LazyPixels(vlm, pictures)
            batches = (pixels[rows] for rows in _batches(pictures))
            self._known[shard] = _encoded(vlm, side, batches)
        return self._known[shard]

    def _forget_others(self, side: str) -> None:
        if side != self._side:
            self._side, self._known = side, {}


def _batches(pictures: Sized) -> Iterator[slice]:
    return (slice(at, at + IMAGE_BATCH) for at in range(0, len(pictures), IMAGE_BATCH))


def _encoded(vlm: VLM, side: ImageSide, batches: Iterable[Pixels]) -> Encoded:
    return Encoded(torch.cat([side.encode(vlm, pixels).values for pixels in batches]))


def _digest_of_side(vlm: VLM, side: ImageSide) -> str:
    """Of all that an encoding depends on but the picture."""
    digest = hashlib.blake2b(f"{vlm.device} {vlm.image_processor.to_json_string()}".encode())
    for weights in side.weights(vlm):
        digest.update(weights.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _digest_of_pictures(pictures: Sequence[Pictured]) -> str:
    """Of what they show: ids repeat, from one benchmark to another and when scenes are drawn again
    in another size."""
    digest = hashlib.blake2b()
    for picture in pictures:
        image = picture.image
        digest.update(len(image).to_bytes(8, "little"))
        digest.update(image)
        digest.update(b"mirrored" if isinstance(picture, Mirrored) else b"")
    return digest.hexdigest()
