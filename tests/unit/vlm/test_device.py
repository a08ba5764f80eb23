"""Nothing assumes a CPU. There may be no other device here, so torch's `meta` stands for one: its
tensors have shapes and no numbers, and must no more meet a CPU's tensors than a GPU's must."""

from contextlib import nullcontext

import pytest
import torch
from torch.fx.experimental import _config
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import masking_utils

from rls3.dataset.sample import decode
from rls3.errors import ModelError
from rls3.vlm.device import resolve_device, seeded
from rls3.vlm.features import ImageFeatures
from rls3.vlm.interface import LossWeights
from rls3.vlm.loading import load_vlm
from rls3.vlm.pretraining import clip, vilt, vision
from tests.conftest import make_params, many_samples
from tests.unit.vlm.scoring import furnished_samples


class OneDevice(TorchDispatchMode):
    """Fails where an operation mixes tensors of two devices; single numbers may come from the CPU,
    as everywhere in torch."""

    _COPIES = (torch.ops.aten.copy_.default, torch.ops.aten._to_copy.default)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        devices = {t.device.type for t in tensors if t.dim() > 0}
        if len(devices) > 1 and function not in self._COPIES:
            raise AssertionError(f"{function} mixes {sorted(devices)}")
        return function(*args, **(kwargs or {}))


@pytest.fixture
def elsewhere(folder, monkeypatch):
    # looks for numbers in masks, to leave out masks of nothing
    monkeypatch.setattr(masking_utils, "_ignore_bidirectional_mask_sdpa", lambda *_, **__: False)
    vlm = load_vlm(folder.name, str(folder))
    vlm.model.set_attn_implementation("eager")
    vlm.model.to("meta")
    return vlm


def test_the_guard_sees_a_tensor_of_the_wrong_device():
    with OneDevice(), pytest.raises(AssertionError, match=r"mixes \['cpu', 'meta'\]"):
        torch.ones(3) + torch.ones(3, device="meta")


@pytest.mark.parametrize("lock_vision", [True, False])
def test_scores_and_losses_are_made_where_the_model_is(elsewhere, lock_vision):
    samples = many_samples(4)
    captions = [[s.caption, *s.negatives_of("flip")] for s in samples]
    assert elsewhere.device.type == "meta"
    with OneDevice():
        pixels = elsewhere.family.preprocess(elsewhere, [decode(s) for s in samples])
        side = elsewhere.family.image_side
        images = side.encode(elsewhere, pixels) if side and lock_vision else pixels
        scores = elsewhere.family.score(elsewhere, images, captions)
        trainable = elsewhere.family.trainable(elsewhere, lock_vision)
        elsewhere.family.loss(elsewhere, images, captions, LossWeights(1.0, 0.5)).backward()
    assert images.values.device.type == scores.device.type == "meta"
    assert any(weight.grad is not None for weight in trainable)


def test_lazy_pixels_are_made_where_the_model_is(elsewhere):
    with OneDevice():
        pixels = ImageFeatures()(elsewhere, many_samples(3), lock_vision=False)[0:2]
    assert pixels.values.device.type == "meta"


def test_pretraining_happens_where_the_model_is(elsewhere, monkeypatch):
    """Each stage's losses and gradients; meta has no numbers to log, whiten or mask with."""
    trained = []

    def one_step(stage, n_samples, params, rng):
        parts = stage.losses(torch.arange(6))
        sum(part.weight * part.value for part in parts).backward()
        trained.append(stage.name)

    for module in (vision, clip, vilt):
        monkeypatch.setattr(module, "train", one_step)
        if hasattr(module, "half_precision"):
            monkeypatch.setattr(module, "half_precision", lambda device: nullcontext())
    monkeypatch.setattr(clip, "_whiten", lambda vlm, pooled: pooled)
    monkeypatch.setattr(vilt, "_spread_places", lambda vlm: None)
    sizes = {"width": 32, "vision_width": 32, "image_px": 32}
    params = make_params(**{f"base__{name}": size for name, size in sizes.items()}).base
    with OneDevice(), _config.patch(meta_nonzero_assume_all_nonzero=True):
        elsewhere.family.pretrain(elsewhere, furnished_samples(8), params)
    assert trained[0] == "vision" and len(trained) == 2


def test_a_device_that_is_not_there_is_one_sentence(tiny_clip):
    assert resolve_device("cpu").type == "cpu"
    assert resolve_device("auto").type in ("cpu", "cuda", "mps")
    absent = [name for name in ("cuda", "mps") if not getattr(torch, name).is_available()]
    for name in absent:
        with pytest.raises(ModelError, match=rf"vlm\.device = '{name}', but torch finds no such"):
            load_vlm("clip", str(tiny_clip), device=name)


def test_a_seeded_block_draws_its_own_numbers_and_gives_the_stream_back():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    draws = []
    for _ in range(2):
        with seeded(1, torch.device("cpu")):
            draws.append(torch.rand(3))
    assert torch.equal(*draws) and torch.equal(torch.rand(3), expected)
