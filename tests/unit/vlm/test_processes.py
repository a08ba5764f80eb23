"""Two processes fine-tune as one does."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from rls3.errors import ModelError
from rls3.vlm.finetune import finetune
from rls3.vlm.loading import load_vlm
from rls3.vlm.team import Team
from tests.conftest import ROOT, make_params, many_samples
from tests.unit.vlm.scoring import weights_of

PARAMS = make_params(
    finetune__batch_size=7,
    finetune__steps=15,
    finetune__learning_rate=0.001,
    finetune__muon_rate=0.0,
    sampling__min_visible_px=12,
)
TUNE = PARAMS.finetune
"""A batch of seven goes round in neither two nor three."""


def tuned(folder, params, processes, device="cpu"):
    samples = many_samples(19)
    vlm = load_vlm(folder.name, str(folder), device=device)
    report = finetune(
        vlm, samples[:13], [samples[13:]], params, PARAMS.sampling, 1, None, None, processes
    )
    return np.array(report.losses), weights_of(vlm)


def farthest(first, second):
    """Of two models' weights. A key's bias has no gradient (softmax does not see it), and Adam
    makes steps of what rounding leaves in its place."""
    names = [name for name in first if not name.endswith(("k_proj.bias", "key.bias"))]
    return max(float((first[k].float() - second[k].float()).abs().max()) for k in names)


def test_two_processes_give_the_loss_curve_of_one(folder):
    (one, weights), (many, others) = (tuned(folder, TUNE, n) for n in (1, 2))
    start = weights_of(load_vlm(folder.name, str(folder), device="cpu"))
    assert len(one) == 15 and farthest(weights, start) > 5e-3, "it learns"
    assert np.abs(one - many).max() < 2e-5 and farthest(weights, others) < 2e-4


def test_so_they_do_by_muon_within_the_rounding_of_bfloat16_in_which_it_computes(tiny_clip):
    params = TUNE.model_copy(update={"muon_rate": 3.0})
    (one, weights), (many, others) = (tuned(tiny_clip, params, n) for n in (1, 2))
    assert np.abs(one - many).max() < 2e-3 and farthest(weights, others) < 2e-3
    assert farthest(weights, tuned(tiny_clip, TUNE, 1)[1]) > 5e-3, "it is another rule"


def test_three_do_with_an_image_side_that_learns(tiny_clip):
    params = TUNE.model_copy(update={"lock_vision": False, "steps": 5})
    (one, weights), (many, others) = (tuned(tiny_clip, params, n) for n in (1, 3))
    assert np.abs(one - many).max() < 2e-5 and farthest(weights, others) < 2e-4


def test_the_processes_of_accelerate_give_it_too(tiny_clip, tmp_path):
    command = [
        *(sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch"),
        *("--multi_gpu", "--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"),
        *("--dynamo_backend", "no", "--main_process_ip", "127.0.0.1", "--main_process_port", "0"),
        *("-m", "tests.unit.vlm.launched", "clip", str(tiny_clip), str(tmp_path)),
        PARAMS.model_dump_json(),
    ]
    environment = os.environ | {
        **{"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "HOME": str(tmp_path)},
        # `--cpu` alone starts one process where there is no MPI; this is torch's launcher
        "ACCELERATE_USE_CPU": "true",
    }
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr[-2000:]
    one, weights = tuned(tiny_clip, TUNE, 1)
    for rank in (0, 1):
        losses = json.loads((tmp_path / f"{rank}.json").read_text())
        theirs = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert np.abs(one - losses).max() < 2e-5 and farthest(weights, theirs) < 2e-4


def test_a_batch_smaller_than_the_team_is_shared_too():
    shares = [Team(rank, 3).share_of(2, torch.device("cpu")) for rank in range(3)]
    assert [share.rows.tolist() for share in shares] == [[0], [1], [0]]
    assert [share.weights.tolist() for share in shares] == [[1.5], [1.5], [0.0]]


def test_divergence_in_processes_is_one_sentence(tiny_clip):
    params = TUNE.model_copy(update={"learning_rate": 1e30, "warmup_share": 0.0})
    with pytest.raises(ModelError, match="diverged in step 2 of 15"):
        tuned(tiny_clip, params, 2)


def test_a_family_that_cannot_be_shared_says_so(tiny_clip):
    vlm = load_vlm("clip", str(tiny_clip), device="cpu")
    alone = replace(vlm, family=replace(vlm.family, shared_loss=None))
    with pytest.raises(ModelError, match="family 'clip' is fine-tuned by one process only; set"):
        finetune(alone, many_samples(8), [], TUNE, PARAMS.sampling, 1, processes=2)
