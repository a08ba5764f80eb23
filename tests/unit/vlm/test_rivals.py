"""A picture beside those of which its caption is false."""

import math

import pytest
import torch

from rls3.vlm.interface import LossWeights
from rls3.vlm.loading import load_vlm
from rls3.vlm.rivals import image_contrast
from tests.conftest import many_samples
from tests.unit.vlm.scoring import noise

LEFT, RIGHT, ABOVE, BELOW = "it is left", "it is right", "it is above", "it is below"


def test_the_loss_is_that_of_the_true_picture_among_the_rivals():
    captions = [[LEFT, RIGHT, ABOVE], [RIGHT, LEFT], [BELOW, ABOVE]]
    own = torch.tensor([[2.0, 1.0, 0.0], [0.5, -1.0, -math.inf], [9.0, 9.0, -math.inf]])
    left = -math.log(math.exp(2.0) / (math.exp(2.0) + math.exp(-1.0)))
    right = -math.log(math.exp(0.5) / (math.exp(0.5) + math.exp(1.0)))
    # BELOW is false of no other picture: nothing is asked of the third
    assert float(image_contrast(own, captions)) == pytest.approx((left + right) / 2)


def test_all_pictures_of_which_it_is_false_are_rivals():
    captions = [[LEFT, RIGHT], [ABOVE, LEFT], [BELOW, LEFT]]
    own = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert float(image_contrast(own, captions)) == pytest.approx(math.log(3))


def test_without_rivals_it_is_nothing_and_trains_nothing():
    own = torch.zeros(2, 2, requires_grad=True)
    assert float(image_contrast(own, [[LEFT, RIGHT], [LEFT, RIGHT]]).detach()) == 0.0


def test_what_is_masked_has_no_gradient():
    own = torch.tensor([[1.0, 0.0, 5.0], [0.0, 1.0, 5.0]], requires_grad=True)
    mask = torch.tensor([[True, True, False], [True, True, False]])
    image_contrast(own.masked_fill(~mask, -torch.inf), [[LEFT, RIGHT], [RIGHT, LEFT]]).backward()
    assert torch.isfinite(own.grad).all() and not own.grad[:, 2].any() and own.grad[:, :2].all()


def test_each_family_adds_it_with_its_weight(folder):
    vlm = load_vlm(folder.name, str(folder), device="cpu")
    captions = [[s.caption, s.negatives_of("swap")[0]] for s in many_samples(1)] * 2
    captions[1] = captions[1][::-1]
    images = vlm.family.preprocess(vlm, noise(2))
    with torch.no_grad():
        parts = [
            float(vlm.family.loss(vlm, images, captions, LossWeights(1.0, 0.5, weight)))
            for weight in (0.0, 1.0, 3.0)
        ]
        scores = vlm.family.score(vlm, images, captions)
    added = float(image_contrast(scores, captions))
    assert parts[1] - parts[0] == pytest.approx(added, abs=1e-5)
    assert parts[2] - parts[0] == pytest.approx(3 * added, abs=1e-5)
