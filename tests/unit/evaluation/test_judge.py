import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from rls3.evaluation.item import item_of
from rls3.evaluation.judge import judge
from rls3.evaluation.metrics import accuracy, verdicts
from rls3.vlm.features import ImageFeatures
from rls3.vlm.interface import VLM, Pixels
from rls3.vlm.loading import family_named, load_vlm
from tests.conftest import many_samples


def oracle(score_of):
    """A family whose model scores by a function of the text."""

    def score(vlm, images, captions):
        width = max(map(len, captions))
        rows = [[score_of(t) for t in row] + [-torch.inf] * (width - len(row)) for row in captions]
        return torch.tensor(rows)

    def preprocess(vlm, pictures):
        return Pixels(torch.zeros(len(pictures), 3, 1, 1))

    family = replace(
        family_named("vilt"), name="oracle", image_side=None, preprocess=preprocess, score=score
    )
    return VLM(family, torch.nn.Linear(1, 1), None, None)


def test_each_item_gets_the_scores_of_its_own_captions():
    items = [item_of(sample) for sample in many_samples(11)]
    assert len({len(item.captions) for item in items}) > 1  # padded within a batch
    done = []
    predictions = judge(oracle(lambda text: float(len(text))), items, 4, done.append)
    assert done == [4, 8, 11]
    for item, row in zip(items, predictions.rows):
        assert row.scores == tuple(float(len(text)) for text in item.captions)
        assert (row.item_id, row.captions, row.contrasts, row.answer) == (
            item.item_id,
            item.captions,
            item.contrasts,
            0,
        )
        assert row.slices == item.slices and row.groups == item.groups
        assert row.image_hash == hashlib.sha256(item.image).hexdigest()[:16]


def test_a_collapsed_model_is_at_zero_and_never_above_chance():
    predictions = judge(oracle(lambda text: 0.0), [item_of(s) for s in many_samples(10)], 4)
    assert accuracy(predictions) == 0.0 and np.allclose(verdicts(predictions).failure, 0.5)


def test_nothing_to_judge():
    assert len(judge(oracle(len), [], 4)) == 0


@pytest.mark.parametrize("family", ["clip", "vilt"])
def test_a_real_model_scores_alike_in_any_batch_and_is_left_as_it_was(family, request):
    vlm = load_vlm(family, str(request.getfixturevalue(f"tiny_{family}")))
    before = {name: value.clone() for name, value in vlm.model.state_dict().items()}
    items = [item_of(sample) for sample in many_samples(5)]
    remembered = ImageFeatures()
    runs = [judge(vlm, items, size, features=remembered) for size in (5, 5, 2)]
    assert runs[0] == runs[1]
    for one, other in zip(runs[0].rows, runs[2].rows):
        assert np.allclose(one.scores, other.scores, atol=1e-4)
    assert all(torch.equal(before[name], v) for name, v in vlm.model.state_dict().items())
