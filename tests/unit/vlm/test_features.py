from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from rls3.dataset.sample import decode, read_samples, write_samples
from rls3.vlm.features import ImageFeatures, LazyPixels, Mirrored, images_of, joined
from rls3.vlm.interface import Encoded, Pixels
from rls3.vlm.loading import load_vlm
from tests.conftest import make_sample_of, many_samples


@pytest.fixture
def clip(tiny_clip):
    return load_vlm("clip", str(tiny_clip))


@pytest.fixture
def vilt(tiny_vilt):
    return load_vlm("vilt", str(tiny_vilt))


@dataclass
class Counting:
    """Samples that count how often they are looked at."""

    samples: list
    looked: int = 0

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, rows):
        self.looked += len(self.samples[rows]) if isinstance(rows, slice) else 1
        return self.samples[rows]

    def __iter__(self):
        return iter(self.samples)


def test_what_an_image_is_follows_from_the_family_and_the_lock(clip, vilt):
    samples = many_samples(3)
    assert isinstance(ImageFeatures()(clip, samples), Encoded)
    for vlm, lock in ((clip, False), (vilt, True), (vilt, False)):
        shard = ImageFeatures()(vlm, samples, lock)
        assert isinstance(shard, LazyPixels) and isinstance(shard[0:2], Pixels)
        assert len(shard) == 3 and len(shard[np.array([2, 0])]) == 2


def test_rows_by_slice_and_by_index_agree(clip, vilt):
    samples = many_samples(5)
    for shard in (ImageFeatures()(clip, samples), ImageFeatures()(vilt, samples)):
        assert torch.equal(shard[1:4].values, shard[np.arange(1, 4)].values)
        assert torch.equal(shard[np.array([3, 1])].values[1], shard[1:2].values[0])


def test_pixels_that_are_decoded_when_needed_are_those_of_the_whole_shard(folder):
    vlm, samples = load_vlm(folder.name, str(folder)), many_samples(7)
    whole = vlm.family.preprocess(vlm, [decode(sample) for sample in samples])
    rows = np.array([6, 2, 2, 0])
    lazy = LazyPixels(vlm, samples)[rows]
    assert torch.equal(lazy.values, whole[rows].values)


def test_masks_follow_their_pixels(vilt):
    pixels = vilt.family.preprocess(
        vilt, [np.zeros(shape, np.uint8) for shape in ((96, 96, 3), (96, 160, 3), (64, 64, 3))]
    )
    assert pixels.values.shape[0] == len(pixels) == 3 and pixels.mask is not None
    some = pixels[np.array([2, 1])]
    assert torch.equal(some.mask[1], pixels.mask[1]) and torch.equal(
        pixels[0:1].mask[0], some.mask[0]
    )


def test_a_shard_is_encoded_once_while_its_image_side_stays_the_same(clip):
    memory, samples = ImageFeatures(), Counting(many_samples(5))
    first = memory(clip, samples)
    assert memory(clip, Counting(many_samples(5))) is first
    assert samples.looked == 5
    with torch.no_grad():
        clip.model.text_projection.weight += 1  # no part of the image side
    assert memory(clip, samples) is first
    with torch.no_grad():
        clip.model.vision_model.post_layernorm.weight += 1
    again = memory(clip, samples)
    assert samples.looked == 10 and not torch.equal(again.values, first.values)


def test_pictures_are_known_by_what_they_show_not_by_their_ids(clip):
    """The same scene drawn in another size, or the items 0, 1, 2 of two benchmarks."""
    memory, sample = ImageFeatures(), make_sample_of(0)
    other = replace(make_sample_of(1), sample_id=sample.sample_id)
    first, second = memory(clip, [sample]), memory(clip, [other])
    assert not torch.equal(first.values, second.values)


def test_what_was_encoded_does_not_depend_on_what_is_asked_for_first(clip):
    samples = many_samples(6)
    one, other = ImageFeatures(), ImageFeatures()
    one(clip, samples[:2])
    assert torch.equal(one(clip, samples).values, other(clip, samples).values)


def test_images_that_wait_on_the_disk_are_the_same_images(clip, tmp_path):
    samples = many_samples(6)
    write_samples(samples, tmp_path / "x.parquet")
    stored = read_samples(tmp_path / "x.parquet")
    values = [ImageFeatures()(clip, pictures).values for pictures in (samples, stored)]
    assert torch.equal(*values)


def test_joined_shards_are_one(clip, vilt):
    samples = many_samples(5)
    for vlm in (clip, vilt):
        memory = ImageFeatures()
        parts = [memory(vlm, samples[:2]), memory(vlm, samples[2:])]
        whole = joined(parts)
        assert type(whole) is type(parts[0]) and len(whole) == 5
        assert torch.equal(whole[2:4].values, parts[1][0:2].values)


def test_decoded_pictures_at_once(clip, vilt):
    samples = many_samples(3)
    for vlm in (clip, vilt):
        at_once = images_of(vlm, [decode(sample) for sample in samples])
        assert torch.equal(at_once.values, ImageFeatures()(vlm, samples)[:].values)


def test_a_mirrored_picture_is_another_one_with_left_and_right_exchanged(clip, vilt):
    samples = many_samples(3)
    turned = [Mirrored(sample) for sample in samples]
    for vlm in (clip, vilt):
        plain, other = LazyPixels(vlm, samples)[0:3].values, LazyPixels(vlm, turned)[0:3].values
        assert torch.allclose(plain.flip(-1), other, atol=0.02) and not torch.equal(plain, other)
    of_shard = ImageFeatures()
    assert not torch.equal(of_shard(clip, samples).values, of_shard(clip, turned).values)
    assert turned[0].picture_id != samples[0].picture_id
