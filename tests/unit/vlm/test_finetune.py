import math

import numpy as np
import pytest
import torch

from rls3.dataset.sample import read_samples, write_samples
from rls3.errors import ModelError
from rls3.vlm.features import ImageFeatures
from rls3.vlm.finetune import _batches, _lessons, finetune
from rls3.vlm.loading import load_vlm
from rls3.vlm.training import learning_rates
from tests.conftest import make_params, many_samples
from tests.unit.vlm.scoring import same_weights, scores_of, weights_of

PARAMS = make_params(
    finetune__batch_size=8,
    finetune__steps=5,
    finetune__decay_rounds=3,
    finetune__learning_rate=0.003,
    finetune__warmup_share=0.1,
    finetune__final_rate_share=0.0,
    sampling__min_visible_px=12,
)
TUNE, SAMPLING = PARAMS.finetune, PARAMS.sampling


def test_finetuning_repeats_by_seed_and_leaves_the_global_stream(folder):
    samples = many_samples(20)
    torch.manual_seed(123)
    before = torch.get_rng_state()
    runs = []
    for seed in (1, 1, 2):
        vlm = load_vlm(folder.name, str(folder))
        report = finetune(vlm, samples[:14], [samples[14:18], samples[18:]], TUNE, SAMPLING, seed)
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
        runs.append((finetune(vlm, new, [earlier], params, SAMPLING, 1).losses, weights_of(vlm)))
    assert runs[0][0] == runs[1][0] and same_weights(runs[0][1], runs[1][1])


def test_what_is_remembered_does_not_change_training(tiny_clip):
    samples, memory = many_samples(20), ImageFeatures()
    runs = []
    for features in (memory, memory, None):
        vlm = load_vlm("clip", str(tiny_clip))
        finetune(vlm, samples[:14], [samples[14:], []], TUNE, SAMPLING, 1, None, features)
        runs.append(weights_of(vlm))
    assert same_weights(runs[0], runs[1]) and same_weights(runs[0], runs[2])


@pytest.mark.parametrize(("captions", "right"), [("one", 0.9), ("pairs", 0.8)])
def test_it_can_learn_eight_samples_by_heart(tiny_clip, captions, right):
    samples = many_samples(8)
    vlm = load_vlm("clip", str(tiny_clip))
    params = TUNE.model_copy(
        update={"steps": 400, "decay_rounds": 1, "lock_vision": False, "captions": captions}
        | {"mirrored": False}
    )
    report = finetune(vlm, samples, [], params, SAMPLING, 0)
    scores = scores_of(vlm, samples)
    assert report.losses[-1] < 0.5 * report.losses[0]
    assert (scores[:, 0:1] > scores[:, 1:]).float().mean() > right


def test_locked_vision_stays_as_it_was(tiny_clip):
    vlm = load_vlm("clip", str(tiny_clip))
    before = weights_of(vlm)
    finetune(vlm, many_samples(12), [], TUNE, SAMPLING, 0)
    changed = {k for k, v in vlm.model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed and "logit_scale" not in changed
    assert not [name for name in changed if name.startswith("vision_model")]


def test_nothing_new_is_nothing_to_do(tiny_clip):
    vlm = load_vlm("clip", str(tiny_clip))
    before = weights_of(vlm)
    assert finetune(vlm, [], [many_samples(3)], TUNE, SAMPLING, 0).losses == ()
    assert same_weights(before, weights_of(vlm))


def test_progress_is_told_after_each_step(tiny_clip):
    told = []
    vlm = load_vlm("clip", str(tiny_clip))
    finetune(vlm, many_samples(9), [], TUNE, SAMPLING, 0, lambda *done: told.append(done))
    assert told == [(n, 5) for n in (1, 2, 3, 4, 5)] and not vlm.model.training


@pytest.mark.parametrize(("rate", "steps", "step"), [(1e30, 3, 2), (float("inf"), 1, 1)])
def test_training_that_diverges_is_one_sentence(folder, rate, steps, step):
    """Also if only the last step's weights are spoiled, which no loss has met."""
    vlm = load_vlm(folder.name, str(folder))
    params = TUNE.model_copy(update={"learning_rate": rate, "steps": steps, "warmup_share": 0.0})
    with pytest.raises(ModelError, match=f"diverged in step {step} of {steps} ") as stopped:
        finetune(vlm, many_samples(8), [], params, SAMPLING, 0)
    assert f"with finetune.learning_rate = {rate}; lower it, or raise" in str(stopped.value)
    assert not vlm.model.training


def test_the_rate_rises_and_falls_once_over_the_rounds():
    params = TUNE.model_copy(
        update={"steps": 100, "decay_rounds": 4, "warmup_share": 0.25, "final_rate_share": 0.1}
    )
    rates = np.concatenate([learning_rates(params, number) for number in (1, 2, 3, 4)])
    assert len(rates) == 400 and rates.argmax() == 99, "a line up over the first round, then down"
    assert (np.diff(rates[:100]) > 0).all() and (np.diff(rates[100:]) < 0).all()
    half = 0.5 * (1 + math.cos(math.pi * 0.5))
    assert rates[199] == pytest.approx(0.003 * (0.1 + 0.9 * half)) and half == pytest.approx(0.5)
    assert rates[-1] == pytest.approx(0.1 * 0.003)
    assert np.diff(rates).max() < 0.003 / 50, "no round begins it anew"
    assert learning_rates(params, 5) == learning_rates(params, 9) == [rates[-1]] * 100


def test_the_number_of_earlier_rounds_says_where_the_rate_stands(tiny_clip):
    samples = many_samples(12)
    runs = []
    for earlier in ([], [samples[8:]], [samples[8:], []]):
        vlm = load_vlm("clip", str(tiny_clip))
        params = TUNE.model_copy(update={"decay_rounds": 1, "warmup_share": 0.0})
        before = weights_of(vlm)
        finetune(vlm, samples[:8], earlier, params, SAMPLING, 1)
        runs.append(not same_weights(before, weights_of(vlm)))
    assert runs == [True, False, False], "the fall ends at 0 with the first round"


def test_without_a_fall_the_rate_stays():
    params = TUNE.model_copy(update={"final_rate_share": 1.0, "warmup_share": 0.0})
    assert learning_rates(params, 2) == [0.003] * 5


def test_replay_fills_its_share_and_each_comes_as_often():
    params = TUNE.model_copy(update={"replay_share": 0.25, "steps": 13})
    batches = _batches(13, 5, 8, params, _rng())
    assert [len(batch) for batch in batches] == [8] * 13
    assert all((batch >= 13).sum() == 2 for batch in batches)
    counts = np.bincount(np.concatenate(batches))
    assert set(counts[:13]) == {6} and set(counts[13:]) == {5, 6}


def test_of_few_captions_all_are_in_each_step():
    batches = _batches(4, 2, 8, TUNE, _rng())
    assert all(sorted(batch) == list(range(6)) for batch in batches) and len(batches) == 5


def test_a_step_holds_a_new_sample_whatever_share_is_replayed():
    params = TUNE.model_copy(update={"batch_size": 2, "replay_share": 0.9, "steps": 3})
    batches = _batches(3, 5, 2, params, _rng())
    assert [len(batch) for batch in batches] == [2, 2, 2]
    assert sorted(batch.min() for batch in batches) == [0, 1, 2]


def test_in_the_first_round_all_is_new():
    batches = _batches(20, 0, 8, TUNE, _rng())
    assert [len(batch) for batch in batches] == [8] * 5
    assert set(np.bincount(np.concatenate(batches))) == {2}, "5 steps of 8 are 2 passes over 20"


def _rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("size", "n_mirrored"), [(8, 4), (7, 3), (1, 0)])
def test_what_is_mirrored_comes_with_what_it_mirrors(size, n_mirrored):
    params = TUNE.model_copy(update={"batch_size": size, "mirrored": True})
    lessons, batches = _lessons(
        [many_samples(9)[:6], many_samples(9)[6:]], params, SAMPLING, _rng()
    )
    half = len(lessons) // 2
    for batch in batches:
        assert len(batch) == size and (batch >= half).sum() == n_mirrored
        assert np.array_equal(batch[-n_mirrored:] - half, batch[:n_mirrored]) or not n_mirrored
    assert all(b.image == 9 + a.image for a, b in zip(lessons[:half], lessons[half:]))


def test_without_mirrored_pictures_none_is_made(tiny_clip):
    vlm, samples, made = load_vlm("clip", str(tiny_clip)), many_samples(6), []

    class Watched(ImageFeatures):
        def __call__(self, vlm, pictures, lock_vision=True):
            made.extend(pictures)
            return super().__call__(vlm, pictures, lock_vision)

    for on, wanted in ((False, 6), (True, 12)):
        made.clear()
        params = TUNE.model_copy(update={"mirrored": on})
        finetune(vlm, samples, [], params, SAMPLING, 0, None, Watched())
        assert len(made) == wanted
