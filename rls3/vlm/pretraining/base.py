"""The base model of a family, from nothing."""

import json
from collections.abc import Sequence
from pathlib import Path

from rls3.dataset.sample import Sample
from rls3.errors import ModelError
from rls3.files import whole_folder, write_text
from rls3.params import BaseParams
from rls3.vlm.device import resolve_device, seeded
from rls3.vlm.interface import VLM, save_vlm
from rls3.vlm.loading import family_named


def make_base(
    family: str, samples: Sequence[Sample], params: BaseParams, device: str = "auto"
) -> VLM:
    """Train the base model of a family. Deterministic by `params.seed` and the samples (to the last
    digit on a CPU with the same number of threads).

    Args:
        device: see `VLMParams.device`.
    Raises: ModelError if the family has no base model of ours.
    """
    record, place = family_named(family), resolve_device(device)
    if record.pretrain is None:
        raise ModelError(
            f"there is no pre-training for vlm.family = {family!r}; name a checkpoint in "
            "vlm.checkpoint"
        )
    vocabulary = sorted({item.kind for sample in samples for item in sample.objects})
    with seeded(params.seed, place):
        vlm = record.make_tiny(vocabulary, params)
        vlm.model.to(place)
        vlm.model.set_attn_implementation("eager")
        record.pretrain(vlm, samples, params)
    return vlm


def save_base(vlm: VLM, params: BaseParams, folder: Path) -> None:
    """The model in the hub's format, and beside it base.json: of which family it is, and the
    parameters that made it."""
    made = {"family": vlm.family.name, "params": params.model_dump()}
    with whole_folder(folder) as temporary:
        save_vlm(vlm, temporary)
        write_text(temporary / "base.json", json.dumps(made, indent=1) + "\n")
