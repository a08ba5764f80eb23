"""`accelerate launch tests/unit/vlm/launched.py FAMILY FOLDER OUT SAMPLES LOCKED`: fine-tune as one
of several processes, and write the losses and the weights."""

import json
import sys
from pathlib import Path

import torch

from rls3.params import Params
from rls3.vlm.finetune import finetune
from rls3.vlm.loading import load_vlm
from tests.conftest import many_samples


def main(family: str, folder: str, out: str, params: str) -> None:
    torch.set_num_threads(1)
    samples, vlm = many_samples(19), load_vlm(family, folder, device="cpu")
    given = Params.model_validate(json.loads(params))
    report = finetune(vlm, samples[:13], [samples[13:]], given.finetune, given.sampling, 1)
    rank = torch.distributed.get_rank()
    assert torch.distributed.get_world_size() == 2 and torch.distributed.get_backend() == "gloo"
    torch.save(vlm.model.state_dict(), Path(out) / f"{rank}.pt")
    (Path(out) / f"{rank}.json").write_text(json.dumps(report.losses))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
