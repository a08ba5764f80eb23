import numpy as np
import pytest
import torch

from rls3.dataset.sample import read_samples, write_samples
from rls3.errors import ModelError
from rls3.vlm.features import ImageFeatures
from rls3.vlm.finetune import _batches, finetune
from rls3.vlm.loading import load_vlm
from rls3.vlm.training import _training_negatives
from tests.conftest import make_params, make_sample_of, many_samples
from tests.unit.vlm.scoring import same_weights, scores_of, weights_of

TUNE = make_params(
    finetune__batch_size=8, finetune__epochs=2, finetune__learning_rate=0.003
).finetune


def test_finetuning_repeats_by_seed_and_leaves_the_global_stream(folder):
    samples = many_samples(20)
    torch.manual_seed(123)
    before = torch.get_rng_state()
    runs = []
    for seed in (1, 1, 2):
        vlm = load_vlm(folder.name, str(folder))
        report = finetune(vlm, samples[:14], [samples[14:18], samples[18:]], TUNE, seed)
        runs.append((report.losses, weights_of(vlm)))
    assert runs[0][0] == runs[1][0] and same_weights(runs[0][1], runs[1][1])
    assert runs[0][0] != runs[2][0]
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("lock_vision", [True, False])
def test_images_on_the_disk_and_images_in_memory_train_alike(folder, lock_vision, tmp_path):
    samples = many_samples(20)
    write_samples(samples[:14], tmp_path / "new.parquet")
    write_samples(samples[14:], tmp_path / "earlier.parquet", most_rows=2)
    stored = [read_samples(tmp_path / f"{name}.parquet") for name in ("new", "earlier")]
    params = TUNE.model_copy(update={"lock_vision": lock_vision})
    runs = []
    for new, earlier in ((samples[:14], samples[14:]), stored):
        vlm = load_vlm(folder.name, str(folder))
        runs.append((finetune(vlm, new, [earlier], params, 1).losses, weights_of(vlm)))
    assert runs[0][0] == runs[1][0] and same_weights(runs[0][1], runs[1][1])


def test_what_is_remembered_does_not_change_training(tiny_clip):
    samples, memory = many_samples(20), ImageFeatures()
    runs = []
    for features in (memory, memory, None):
        vlm = load_vlm("clip", str(tiny_clip))
        finetune(vlm, samples[:14], [samples[14:], []], TUNE, 1, None, features)
        runs.append(weights_of(vlm))
    assert same_weights(runs[0], runs[1]) and same_weights(runs[0], runs[2])


def test_it_can_learn_eight_samples_by_heart(tiny_clip):
    samples = many_samples(8)
    vlm = load_vlm("clip", str(tiny_clip))
    params = TUNE.model_copy(update={"epochs": 300, "lock_vision": False})
    report = finetune(vlm, samples, [], params, 0)
    scores = scores_of(vlm, samples)
    assert report.losses[-1] < 0.5 * report.losses[0]
    assert (scores[:, 0:1] > scores[:, 1:]).float().mean() > 0.9


def test_locked_vision_stays_as_it_was(tiny_clip):
    vlm = load_vlm("clip", str(tiny_clip))
    before = weights_of(vlm)
    finetune(vlm, many_samples(12), [], TUNE, 0)
    changed = {k for k, v in vlm.model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed and "logit_scale" not in changed
    assert not [name for name in changed if name.startswith("vision_model")]


def test_nothing_new_is_nothing_to_do(tiny_clip):
    vlm = load_vlm("clip", str(tiny_clip))
    before = weights_of(vlm)
    assert finetune(vlm, [], [many_samples(3)], TUNE, 0).losses == ()
    assert same_weights(before, weights_of(vlm))


def test_progress_is_told_after_each_step(tiny_clip):
    told = []
    vlm = load_vlm("clip", str(tiny_clip))
    finetune(vlm, many_samples(9), [], TUNE, 0, lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)] and not vlm.model.training


@pytest.mark.parametrize(("rate", "epochs", "step"), [(1e30, 3, 2), (float("inf"), 1, 1)])
def test_training_that_diverges_is_one_sentence(folder, rate, epochs, step):
    """Also if only the last step's weights are spoiled, which no loss has met."""
    vlm = load_vlm(folder.name, str(folder))
    params = TUNE.model_copy(update={"learning_rate": rate, "epochs": epochs, "warmup_share": 0.0})
    with pytest.raises(ModelError, match=f"diverged in step {step} of {epochs} ") as stopped:
        finetune(vlm, many_samples(8), [], params, 0)
    assert f"with finetune.learning_rate = {rate}; lower it, or raise" in str(stopped.value)
    assert not vlm.model.training


def test_each_new_sample_comes_once_an_epoch_and_replay_fills_its_share():
    params = TUNE.model_copy(update={"replay_share": 0.25})
    batches = _batches(13, 5, params, np.random.default_rng(0))
    assert [len(batch) for batch in batches] == [8, 8, 3] * 2
    for epoch in (batches[:3], batches[3:]):
        indices = np.concatenate(epoch)
        assert sorted(indices[indices < 13]) == list(range(13))
        assert all((batch >= 13).sum() == 2 for batch in epoch) and indices.max() < 18


def test_of_few_earlier_samples_some_are_replayed_twice():
    (batch,) = _batches(4, 2, TUNE.model_copy(update={"epochs": 1}), np.random.default_rng(0))
    assert (batch >= 4).sum() == 4


def test_a_batch_holds_a_new_sample_whatever_share_is_replayed():
    params = TUNE.model_copy(update={"batch_size": 2, "replay_share": 0.9, "epochs": 1})
    batches = _batches(3, 5, params, np.random.default_rng(0))
    assert [len(batch) for batch in batches] == [2, 2, 2]


def test_negatives_keep_an_object_and_respect_the_limit():
    sample = make_sample_of(0, (0.4, 0.3, 0.4))
    chosen = _training_negatives(sample, 4, np.random.default_rng(0))
    assert len(chosen) == 4 == len(set(chosen)) and sample.caption not in chosen
    assert set(chosen) & set(sample.negatives_of("object"))
