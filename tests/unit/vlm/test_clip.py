import numpy as np
import pytest
import torch
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from rls3.vlm.features import images_of
from rls3.vlm.interface import VLM, Encoded, LossWeights, Pixels, score
from rls3.vlm.loading import load_vlm
from tests.unit.vlm.scoring import noise

ABOVE, BELOW = "The red mug is above the blue bowl.", "The red mug is below the blue bowl."


@pytest.fixture
def vlm(tiny_clip):
    return load_vlm("clip", str(tiny_clip))


def test_an_image_is_its_pixels_or_what_the_locked_tower_makes_of_them(vlm):
    pixels = vlm.family.preprocess(vlm, noise(3))
    encoded = vlm.family.image_side.encode(vlm, pixels)
    assert isinstance(pixels, Pixels) and pixels.values.shape == (3, 3, 32, 32)
    assert isinstance(encoded, Encoded) and encoded.values.shape == (3, 32)
    assert not encoded.values.requires_grad
    captions = [[ABOVE, BELOW]] * 3
    assert torch.equal(score(vlm, pixels, captions), score(vlm, encoded, captions))


def test_the_loss_by_hand(vlm):
    """One image, two captions: hard part = -log softmax, contrastive part = 0 (one caption, one
    image)."""
    images = images_of(vlm, noise(1))
    with torch.no_grad():
        scores = vlm.family.score(vlm, images, [[ABOVE, BELOW]])[0]
        loss = vlm.family.loss(vlm, images, [[ABOVE, BELOW]], LossWeights(2.0, 0.7))
    assert torch.isclose(loss, -2.0 * torch.log_softmax(scores, 0)[0], atol=1e-5)


def test_two_images_with_one_caption_are_not_each_others_negatives(vlm):
    images = images_of(vlm, noise(2))
    with torch.no_grad():
        loss = vlm.family.loss(vlm, images, [[ABOVE, BELOW]] * 2, LossWeights(0.0, 1.0))
        scores = vlm.family.score(vlm, images, [[ABOVE]] * 2)[:, 0]
    to_image = -torch.log_softmax(scores, 0).mean()  # both are right, half each
    assert torch.isclose(loss, to_image / 2, atol=1e-5)


def test_what_stands_at_the_sides_of_a_wide_picture_is_seen(vlm):
    """The hub's processors crop it away. Of a square picture they make what we make."""
    cropping = CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    hub = VLM(vlm.family, vlm.model, vlm.tokenizer, cropping)
    empty = np.full((96, 192, 3), 127, np.uint8)
    furnished = empty.copy()
    furnished[30:60, 2:30], furnished[30:60, 162:190] = (255, 0, 0), (0, 0, 255)
    without, with_things = (hub.family.preprocess(hub, [p]).values for p in (empty, furnished))
    assert without.shape == (1, 3, 32, 32) and not torch.allclose(without, with_things, atol=0.1)
    square = noise(1)
    theirs = cropping(images=square, return_tensors="pt")["pixel_values"]
    assert torch.equal(hub.family.preprocess(hub, square).values, theirs)
