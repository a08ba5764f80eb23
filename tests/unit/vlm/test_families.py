"""What holds for every family."""

import ast
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import rls3.vlm
from rls3.vlm import loading
from rls3.vlm.features import images_of
from rls3.vlm.interface import LossWeights, save_vlm, score
from rls3.vlm.loading import FAMILIES, family_named, load_vlm
from tests.conftest import many_samples
from tests.unit.vlm.scoring import noise, scores_of

ABOVE, BELOW = "The red mug is above the blue bowl.", "The red mug is below the blue bowl."


def test_scores_do_not_depend_on_the_batch(folder):
    vlm = load_vlm(folder.name, str(folder))
    pictures = noise(2)
    captions = [[ABOVE, BELOW], ["The green pot is behind the red mug."]]
    both = score(vlm, images_of(vlm, pictures), captions)
    single = score(vlm, images_of(vlm, pictures[1:]), captions[1:])
    assert both.shape == (2, 2) and both[1, 1] == -torch.inf
    assert torch.allclose(both[1, 0], single[0, 0], atol=1e-5)
    assert both.device.type == "cpu" and not both.requires_grad


def test_pictures_of_several_shapes_are_scored_as_if_alone(folder):
    vlm = load_vlm(folder.name, str(folder))
    pictures = [noise(1, 96, 96)[0], noise(1, 96, 160)[0], noise(1, 200, 80)[0]]
    captions = [[ABOVE, BELOW]] * 3
    together = score(vlm, images_of(vlm, pictures), captions)
    alone = [score(vlm, images_of(vlm, [picture]), [[ABOVE, BELOW]]) for picture in pictures]
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)


def test_a_picture_of_three_rows_is_not_taken_for_one_of_three_channels(folder):
    vlm = load_vlm(folder.name, str(folder))
    stripes = np.zeros((3, 9, 3), np.uint8)
    stripes[0] = 255  # the upper third is white, the rest black
    pixels = vlm.family.preprocess(vlm, [stripes]).values[0]
    assert (pixels[:, 0] > pixels[:, -1] + 1).all()


def test_captions_that_differ_in_a_word_do_not_tie(folder):
    """CLIP with end-of-sentence id 2 pools at the largest token id, and such captions tie."""
    vlm = load_vlm(folder.name, str(folder))
    words = ("above", "below", "behind", "in front of", "to the left of", "to the right of")
    texts = [f"The red mug is {words_} the blue bowl." for words_ in words]
    scores = score(vlm, images_of(vlm, noise(1)), [texts])[0]
    assert len(set(scores.tolist())) == len(texts)


def test_a_text_that_is_too_long_is_cut_off(folder):
    vlm = load_vlm(folder.name, str(folder))
    long = " ".join([ABOVE] * 30)
    scores = score(vlm, images_of(vlm, noise(1)), [[long, long + " " + BELOW]])[0]
    assert torch.isfinite(scores).all() and torch.isclose(scores[0], scores[1], atol=1e-5)


def test_saved_and_loaded_models_agree(folder, tmp_path):
    vlm, samples = load_vlm(folder.name, str(folder)), many_samples(4)
    save_vlm(vlm, tmp_path / "again")
    again = load_vlm(folder.name, str(tmp_path / "again"))
    assert torch.equal(scores_of(vlm, samples), scores_of(again, samples))


def test_locked_vision_leaves_less_to_train(folder):
    vlm = load_vlm(folder.name, str(folder))
    locked = sum(p.numel() for p in vlm.family.trainable(vlm, True))
    unlocked = sum(p.numel() for p in vlm.family.trainable(vlm, False))
    assert 0 < locked < unlocked


def test_the_loss_falls_when_the_true_caption_scores_higher(folder):
    """The same captions, another one said to be true: the losses are ordered as the scores."""
    vlm = load_vlm(folder.name, str(folder))
    images = images_of(vlm, noise(1))
    weights = LossWeights(hard_negative=1.0, contrastive=0.0)
    with torch.no_grad():
        scores = vlm.family.score(vlm, images, [[ABOVE, BELOW]])[0]
        losses = torch.stack(
            [
                vlm.family.loss(vlm, images, [pair], weights)
                for pair in ([ABOVE, BELOW], [BELOW, ABOVE])
            ]
        )
    assert torch.allclose(losses, -torch.log_softmax(scores, 0), atol=1e-5)


def test_a_family_is_a_module_and_a_name(tiny_clip, monkeypatch):
    """What a new one takes: nothing else has to be told."""
    newcomer = replace(family_named("clip"), name="newcomer")
    monkeypatch.setitem(sys.modules, "rls3.vlm.newcomer", SimpleNamespace(FAMILY=newcomer))
    monkeypatch.setattr(loading, "FAMILIES", (*FAMILIES, "newcomer"))
    vlm, clip = load_vlm("newcomer", str(tiny_clip)), load_vlm("clip", str(tiny_clip))
    samples = many_samples(2)
    assert vlm.family is newcomer
    assert torch.equal(scores_of(vlm, samples), scores_of(clip, samples))


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_but_the_familys_own_modules_names_it(family):
    package = Path(rls3.vlm.__file__).parent
    naming = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value == family
    }
    assert naming == {f"{family}.py"}
