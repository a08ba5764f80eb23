"""The text tower that does nothing twice gives what the whole one gives."""

import numpy as np
import pytest
import torch

from rls3.vlm.clip_text import _pooled_places, _prefixes, pooled_texts
from rls3.vlm.interface import tokenize
from rls3.vlm.loading import load_vlm
from tests.conftest import make_params, many_samples


@pytest.fixture
def vlm(tmp_path):
    """With three layers, so that there are some before the last."""
    from rls3.scene.records import Kind
    from rls3.vlm.loading import family_named

    kinds = [Kind(t, c) for t in ("Mug", "Bowl", "Vase", "Pot") for c in ("red", "green", "blue")]
    params = make_params(base__width=32, base__text_layers=3, base__vision_layers=1).base
    torch.manual_seed(0)
    return family_named("clip").make_tiny(kinds, params)


TEXTS = list(
    dict.fromkeys(
        text for s in many_samples(12) for text in (s.caption, *(n.text for n in s.negatives))
    )
)


def gradients(vlm, pooled):
    torch.manual_seed(1)
    vlm.model.zero_grad()
    (pooled * torch.randn_like(pooled)).sum().backward()
    return {
        name: weights.grad.clone()
        for name, weights in vlm.model.text_model.named_parameters()
        if weights.grad is not None
    }


def test_it_is_the_towers_pooled_output_and_so_are_its_gradients(vlm):
    whole = vlm.model.text_model(**tokenize(vlm, TEXTS)).pooler_output
    shared = pooled_texts(vlm, TEXTS)
    assert torch.allclose(whole, shared, atol=1e-5)
    theirs, ours = gradients(vlm, whole), gradients(vlm, shared)
    assert theirs.keys() == ours.keys() and len(ours) > 40
    assert all(torch.allclose(theirs[name], ours[name], atol=1e-4) for name in ours)


def test_a_text_does_not_depend_on_what_is_beside_it(vlm):
    alone = torch.cat([pooled_texts(vlm, [text]) for text in TEXTS[:5]])
    assert torch.allclose(alone, pooled_texts(vlm, TEXTS)[:5], atol=1e-5)


def test_checkpoints_with_the_old_number_of_the_end_pool_at_the_largest_id(vlm):
    model = vlm.model.text_model
    model.eos_token_id = model.config.eos_token_id = 2  # the pooled place is a word's then
    whole = model(**tokenize(vlm, TEXTS)).pooler_output
    assert torch.allclose(whole, pooled_texts(vlm, TEXTS), atol=1e-5)


def test_each_beginning_is_there_once():
    ids = np.array([[7, 4, 5, 3, 0], [7, 4, 6, 5, 3], [7, 4, 5, 3, 0], [4, 4, 5, 3, 0]])
    ends = _pooled_places(ids, 3)
    found = _prefixes(ids, ends, torch.device("cpu"))
    assert ends.tolist() == [3, 4, 3, 3]
    # of the first two texts 2 common beginnings, then 2 and 3; the third is the first; 4 of the
    # fourth
    assert len(found.at) == 2 + 2 + 3 + 4 == int(found.of.max()) + 1
    assert torch.equal(found.of[0], found.of[2]) and found.of[0, 3] == found.of[0, 4]
    assert torch.equal(found.of[0, :2], found.of[1, :2]) and found.of[0, 2] != found.of[3, 2]
    assert np.array_equal(found.words[found.of[1]], ids[1])
    assert found.places[found.of[1]].tolist() == [0, 1, 2, 3, 4]


def test_a_text_that_is_cut_off_is_pooled_as_the_tower_does(tiny_clip):
    vlm = load_vlm("clip", str(tiny_clip))
    texts = ["the red mug is " + "behind " * 40, "the red mug."]
    whole = vlm.model.text_model(**tokenize(vlm, texts)).pooler_output
    assert torch.allclose(whole, pooled_texts(vlm, texts), atol=1e-5)
