"""Base models made from little; what they learn is measured on the real ones."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from rls3.errors import ModelError
from rls3.language.caption import object_name, parse
from rls3.language.relation import CELLS
from rls3.vlm import loading
from rls3.vlm.loading import FAMILIES, family_named, load_vlm
from rls3.vlm.pretraining import make_base, save_base
from rls3.vlm.pretraining.captions import captioned, sayings
from rls3.vlm.pretraining.data import augmented, normalised, pretrain_set
from rls3.vlm.pretraining.heads import PatchHeads
from rls3.vlm.pretraining.loop import Part, Stage, _batches, _rate, train
from tests.conftest import make_params
from tests.unit.vlm.scoring import furnished_samples, same_weights, scores_of, weights_of

SMALL = {
    "width": 32,
    "vision_width": 32,
    "vision_layers": 1,
    "text_layers": 1,
    "image_px": 32,
    "batch_size": 8,
    "vision_epochs": 2,
    "text_epochs": 2,
    "vilt_vision_epochs": 2,
    "vilt_epochs": 2,
}
PARAMS = make_params(**{f"base__{name}": value for name, value in SMALL.items()}).base


@pytest.mark.parametrize("family", FAMILIES)
def test_a_base_model_repeats_by_seed_and_is_kept_whole(family, tmp_path):
    samples = furnished_samples(16)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, again = (make_base(family, samples, PARAMS, "cpu") for _ in range(2))
    other = make_base(family, samples, PARAMS.model_copy(update={"seed": 2}), "cpu")
    assert same_weights(weights_of(first), weights_of(again))
    assert not same_weights(weights_of(first), weights_of(other))
    assert torch.equal(before, torch.get_rng_state()) and not first.model.training
    save_base(first, PARAMS, tmp_path / family)
    made = json.loads((tmp_path / family / "base.json").read_text())
    assert made == {"family": family, "params": PARAMS.model_dump()}
    loaded = load_vlm(family, "base", tmp_path)
    assert same_weights(weights_of(first), weights_of(loaded))
    assert np.allclose(scores_of(first, samples), scores_of(loaded, samples), atol=1e-3)


def test_a_family_of_the_hub_alone_has_no_base_model(monkeypatch):
    hub_only = replace(family_named("clip"), pretrain=None)
    monkeypatch.setattr("rls3.vlm.clip.FAMILY", hub_only)
    assert loading.family_named("clip") is hub_only
    with pytest.raises(ModelError, match="there is no pre-training for vlm.family = 'clip'"):
        make_base("clip", furnished_samples(2), PARAMS)


def test_the_loop_finds_a_minimum():
    """Least squares: three numbers, of which each batch shows some."""
    wanted = torch.tensor([0.3, -0.2, 0.1])
    found = torch.nn.Parameter(torch.zeros(3))
    module = torch.nn.Module()

    def losses(rows):
        return (Part("square", 2.0, (found - wanted)[rows].square().mean()),)

    params = PARAMS.model_copy(update={"batch_size": 2, "learning_rate": 0.05})
    train(Stage("toy", 300, module, [found], [found], losses), 3, params, torch.Generator())
    assert torch.allclose(found, wanted, atol=0.02) and not module.training


def test_each_sample_comes_once_before_any_comes_again():
    batches = list(_batches(10, 5, 4, torch.Generator().manual_seed(0)))
    assert [len(batch) for batch in batches] == [4] * 5
    assert sorted(torch.cat(batches)[:10].tolist()) == list(range(10))
    assert sorted(torch.cat(batches)[10:].tolist()) == list(range(10))


def test_the_rate_rises_and_falls_to_a_hundredth():
    rates = [_rate(step, 200) for step in range(201)]
    assert rates[0] == 0.1 and max(rates) == pytest.approx(1.0, abs=0.02)
    assert rates[-1] == pytest.approx(0.01)


def test_answers_are_those_of_the_simulator():
    samples = furnished_samples(3)
    data = pretrain_set(samples, 32)
    item = samples[1].objects[0]
    x0, y0, x1, y1 = np.array(item.box_px) / 96
    assert data.images.shape == (3, 32, 32, 3) and len(data) == 3
    assert data.vocabulary[data.kinds[1, 0]] == item.kind
    assert np.allclose(data.boxes[1, 0], [x0, y0, x1, y1])
    # the camera of these scenes stands at (0, 1.5, 0) and looks along +z
    x, y, z = np.subtract(item.box.center, (0, 1.5, 0))
    assert np.allclose(
        data.places[1, 0], [x0 + x1 - 1, y0 + y1 - 1, 2 * x, 2 * y + 1.4, 2 * z - 2.6], atol=1e-5
    )


def test_types_and_colors_are_told_apart_by_index():
    data = pretrain_set(furnished_samples(8), 32)
    for labels, part in ((data.types, "type"), (data.colors, "color")):
        names = sorted({getattr(kind, part) for kind in data.vocabulary})
        assert [names[i] for i in labels] == [getattr(kind, part) for kind in data.vocabulary]
    assert (data.n_types, data.n_colors) == (4, 3)


def test_what_cannot_be_seen_is_no_answer():
    (sample,) = furnished_samples(1)
    hidden = replace(sample.objects[0], box_px=None)
    tiny = replace(sample.objects[1], visible_px=3)
    sample = replace(sample, objects=(hidden, tiny, *sample.objects[2:]))
    assert pretrain_set([sample], 32).kinds[0].tolist()[:2] == [-1, -1]


def test_a_mirrored_image_has_mirrored_answers(tiny_clip):
    data, vlm = pretrain_set(furnished_samples(24), 32), load_vlm("clip", str(tiny_clip))
    batch = augmented(data, torch.arange(24), vlm, torch.Generator().manual_seed(0))
    mirrored = (batch.boxes != data.boxes).flatten(1).any(1)
    assert 4 < mirrored.sum() < 20
    flipped = 1 - data.boxes[mirrored][..., [2, 0]]
    assert torch.allclose(batch.boxes[mirrored][..., [0, 2]], flipped)
    sideways = data.places * torch.tensor([-1, 1, -1, 1, 1])
    assert torch.equal(batch.places[mirrored], sideways[mirrored])
    assert torch.equal(batch.places[~mirrored], data.places[~mirrored])
    brightness = batch.pixels.flatten(1).std(1) / normalised(data.images, vlm).flatten(1).std(1)
    assert 0.84 < brightness.min() < 0.95 and 1.05 < brightness.max() < 1.16


def test_patches_are_labelled_by_the_boxes_that_cover_them():
    """A head that answers right has a smaller loss than one that answers anything else."""
    data = pretrain_set(furnished_samples(4), 32)
    heads = PatchHeads(1, data)
    kinds = torch.tensor([[3, -1]])
    boxes = torch.tensor([[[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]]])
    covered = torch.tensor([1.0, 0, 0, 0]).view(1, 4, 1)  # of 2 x 2 patches, the upper left
    losses = []
    for label in range(data.n_types + 1):
        with torch.no_grad():
            for head in (heads.patch_type, heads.patch_color):
                head.weight.zero_(), head.bias.zero_()
                head.bias[0] = 5
            heads.patch_type.weight[label] = 10
        losses.append(heads.patch_loss(covered, kinds, boxes).item())
    assert int(np.argmin(losses)) == data.types[3] + 1


def test_captions_name_what_is_there_and_false_ones_something_absent():
    data = pretrain_set(furnished_samples(40), 32)
    captions = captioned(data.kinds, data.vocabulary, 3, np.random.default_rng(0))
    names = [object_name(kind) for kind in data.vocabulary]
    with_relation = 0
    for row, (a, b), true, false in zip(
        captions.rows, captions.named, captions.true, captions.false
    ):
        first, second = (names[data.kinds[row, column]] for column in (a, b))
        assert true.index(first) < true.index(second)
        present = {names[kind] for kind in data.kinds[row].tolist() if kind >= 0}
        for text in false:
            (replaced,) = {name for name in names if name in text} - {first, second}
            assert replaced not in present
            kept = second if first not in text else first
            assert text.replace(replaced, second if kept == first else first) == true
        with_relation += "and the" not in true
    assert 0.3 < with_relation / len(captions.rows) < 0.7


def test_images_with_fewer_than_two_objects_have_no_caption():
    data = pretrain_set(furnished_samples(3), 32)
    data.kinds[1, 1:] = -1
    assert captioned(data.kinds, data.vocabulary, 1, np.random.default_rng(0)).rows == [0, 2]


def test_the_converse_of_a_sentence_says_the_same_and_the_contrary_does_not():
    data = pretrain_set(furnished_samples(8), 32)
    texts = sayings(data.vocabulary, 30, np.random.default_rng(0))
    for said, converse, contrary in zip(texts.said, texts.converse, texts.contrary):
        one, exchanged, other = parse(said), parse(converse), parse(contrary)
        assert (exchanged.subject, exchanged.reference) == (one.reference, one.subject)
        assert exchanged.cell == one.cell.opposite
        assert (other.subject, other.reference) == (one.subject, one.reference)
        assert other.cell in [one.cell.flipped(term) for term in one.cell.terms]
    assert len({parse(said).cell for said in texts.said}) > len(CELLS) // 3
