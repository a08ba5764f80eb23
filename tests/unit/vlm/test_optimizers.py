"""Which rule moves which weight, and how far."""

import pytest
import torch

from rls3.vlm.loading import load_vlm
from rls3.vlm.optimizers import Optimizers

RATE, MUON_RATE = 0.01, 6.0


def shared_out(vlm, muon_rate=MUON_RATE, lock_vision=True):
    """The names of the weights that each rule moves."""
    trainable = vlm.family.trainable(vlm, lock_vision)
    optimizers = Optimizers(vlm.model, trainable, 0.0, muon_rate)
    names = {id(weight): name for name, weight in vlm.model.named_parameters()}
    moved = {
        rule: [names[id(w)] for group in optimizer.param_groups for w in group["params"]]
        for rule, optimizer in optimizers.rules.items()
    }
    everything = sorted(name for of_rule in moved.values() for name in of_rule)
    assert everything == sorted(names[id(weight)] for weight in trainable)
    return optimizers, moved


@pytest.mark.parametrize("family", ["clip", "vilt"])
def test_muon_moves_the_matrices_of_layers_and_adamw_all_else(family, tiny_clip, tiny_vilt):
    vlm = load_vlm(family, str({"clip": tiny_clip, "vilt": tiny_vilt}[family]))
    weights = dict(vlm.model.named_parameters())
    _, moved = shared_out(vlm)
    assert moved["muon"] and all(weights[name].ndim == 2 for name in moved["muon"])
    assert all(".layer" in name for name in moved["muon"])
    assert any("embedding" in name for name in moved["adamw"])
    assert not any(weights[n].ndim == 2 and ".layer" in n for n in moved["adamw"])


def test_a_locked_tower_is_moved_by_neither(tiny_clip):
    vlm = load_vlm("clip", str(tiny_clip))
    _, moved = shared_out(vlm)
    assert not any("vision_model" in name for of_rule in moved.values() for name in of_rule)
    _, moved = shared_out(vlm, lock_vision=False)
    assert any("vision_model" in name for name in moved["muon"])


def test_without_a_rate_adamw_moves_all(tiny_clip):
    _, moved = shared_out(load_vlm("clip", str(tiny_clip)), muon_rate=0.0)
    assert list(moved) == ["adamw"]


def test_a_step_is_as_long_as_the_rate_says():
    """Muon's update is orthogonal, so that all singular values of a matrix's step are alike, of
    AdamW's size (root mean square) in the mean; AdamW's first step is the rate in each number."""
    module = torch.nn.ModuleDict({"layer": torch.nn.Linear(8, 8), "head": torch.nn.Linear(8, 8)})
    layer, head = module["layer"].weight, module["head"].weight
    before = layer.detach().clone(), head.detach().clone()
    optimizers = Optimizers(module, [layer, head], 0.0, MUON_RATE)
    torch.manual_seed(0)
    layer.grad, head.grad = torch.randn(8, 8), torch.randn(8, 8)
    optimizers.step(RATE)
    assert torch.allclose((head - before[1]).abs(), torch.tensor(RATE), rtol=1e-3)
    values = torch.linalg.svdvals(layer.detach() - before[0])
    assert values.max() < 2.5 * values.min()
    expected = 0.2 * 8**0.5 * MUON_RATE * RATE  # each, by Muon's scaling
    assert values.mean() == pytest.approx(expected, rel=0.3)
    optimizers.zero_grad()
    assert layer.grad is None and head.grad is None
