"""Checkpoints: a folder in the hub's format or a hub name, the same code for ours and for real CLIP
and ViLT weights."""

import contextlib
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import torch
import transformers
from transformers import AutoConfig, AutoImageProcessor, AutoTokenizer, PreTrainedModel

from rls3.errors import DataError, ModelError, first_line
from rls3.files import read_errors, read_json
from rls3.params import VLMParams
from rls3.vlm.device import resolve_device
from rls3.vlm.interface import VLM, Family

BASE_CHECKPOINT = "base"
_SAVED = "give a folder made by save_pretrained"
FAMILIES: tuple[str, ...] = get_args(VLMParams.model_fields["family"].annotation)


def family_named(name: str) -> Family:
    """The record of a family. Raises: ModelError if there is none of that name."""
    if name not in FAMILIES:
        raise ModelError(f"vlm.family = {name!r} is unknown; choose one of {', '.join(FAMILIES)}")
    return importlib.import_module(f"rls3.vlm.{name}").FAMILY


def family_of(folder: Path) -> str:
    """The family's name of the model in a folder in the hub's format.

    Raises: ModelError if its config.json is missing or damaged, or names no family that we know.
    """
    path = folder / "config.json"
    try:
        with read_errors(path, way_out=_SAVED):
            model_type = read_json(path, _SAVED)["model_type"]
    except DataError as error:
        raise ModelError(str(error)) from error
    for name in FAMILIES:
        if family_named(name).model_type == model_type:
            return name
    raise ModelError(
        f"{folder} holds a model of type {model_type!r}, which is of no known family; choose a "
        f"model of the family {' or '.join(FAMILIES)}"
    )


def load_vlm(
    family: str,
    checkpoint: str,
    base_dir: Path = Path("base"),
    device: str = "auto",
    revision: str = "",
) -> VLM:
    """A model in evaluation mode, float32 whatever the checkpoint's precision.

    Args:
        checkpoint: "base" is our own model of that family, in `base_dir`; else a folder or a hub
            name.
        device: see `VLMParams.device`. revision: of a hub name, see `VLMParams.revision`.
    Raises: ModelError if there is no such checkpoint, it is damaged, lacks weights, or is of
        another family; if a hub name comes without a revision; or if there is no such device.
    """
    record, place = family_named(family), resolve_device(device)
    name = _name(family, checkpoint, base_dir)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with _load_errors(name):
        where = _hub(name, revision)
        model_type = AutoConfig.from_pretrained(name, **where).model_type
        if model_type != record.model_type:
            raise ModelError(
                f"{name} holds a model of type {model_type!r}, but vlm.family = {family!r}; set "
                "vlm.family or choose another checkpoint"
            )
        tokenizer = AutoTokenizer.from_pretrained(name, **where)
        image_processor = AutoImageProcessor.from_pretrained(name, use_fast=False, **where)
        model = _complete_model(record, name, where)
    return VLM(record, model.eval().to(place), tokenizer, image_processor)


def _name(family: str, checkpoint: str, base_dir: Path) -> str:
    """What `from_pretrained` takes. Raises: ModelError if it names a folder that is not there."""
    if checkpoint == BASE_CHECKPOINT:
        folder = base_dir / family
        if not folder.is_dir():
            raise ModelError(
                f"the base model {folder} is missing; fetch it with `dvc pull`, or make it with "
                "`dvc repro base`"
            )
        return str(folder)
    is_path = "/" in checkpoint and (
        checkpoint.startswith((".", "/")) or checkpoint.count("/") != 1
    )
    if is_path and not Path(checkpoint).is_dir():
        raise ModelError(
            f"vlm.checkpoint = {checkpoint!r} is not a folder; give a folder made by "
            "save_pretrained, a hub name, or 'base'"
        )
    return checkpoint


def _hub(name: str, revision: str) -> dict[str, object]:
    """Arguments of `from_pretrained`: no code of the checkpoint's own runs, and a hub name means
    the same model for ever. Raises: ModelError for a hub name without a revision."""
    if Path(name).is_dir():
        return {"trust_remote_code": False}
    if not revision:
        raise ModelError(
            f"{name!r} is no folder here but a hub name, whose content may change; name its commit "
            "with vlm.revision"
        )
    return {"trust_remote_code": False, "revision": revision}


def checkpoint_folder(family: str, checkpoint: str, base_dir: Path) -> Path | None:
    """What `load_vlm` reads; None for a hub name. Raises: ModelError if it is missing."""
    folder = Path(_name(family, checkpoint, base_dir))
    return folder if folder.is_dir() else None


@contextlib.contextmanager
def _load_errors(name: str) -> Iterator[None]:
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # the library raises anything from OSError to KeyError
        reason = first_line(error)
        if any(_is_lfs_pointer(file) for file in Path(name).glob("*.safetensors")):
            reason = "its weights are pointers of Git LFS; fetch them with `git lfs pull`"
        raise ModelError(
            f"vlm.checkpoint = {name!r} cannot be loaded ({reason[:160]}); check the name, the "
            "folder and the network"
        ) from error


def _is_lfs_pointer(file: Path) -> bool:
    with file.open("rb") as content:
        return content.read(32).startswith(b"version https://git-lfs")


def _complete_model(family: Family, name: str, where: dict[str, object]) -> PreTrainedModel:
    """From safetensors alone, for a pickle can run anything.

    Raises: ModelError if the checkpoint lacks weights: the library would draw them at random.
    """
    model, found = family.model_class.from_pretrained(
        name, dtype=torch.float32, output_loading_info=True, use_safetensors=True, **where
    )
    weights = {weight for weight, _ in model.named_parameters()}
    missing = sorted(weights & set(found["missing_keys"]))
    if missing:
        some = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" * (len(missing) > 3))
        raise ModelError(
            f"{name} lacks weights that a {family.model_class.__name__} needs: {some}; choose a "
            "checkpoint that was saved from that class"
        )
    return model
