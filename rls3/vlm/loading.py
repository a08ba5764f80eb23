"""Checkpoints: a folder in the hub's format or a hub name, the same code for ours and for real CLIP and ViLT weights."""

import os
from pathlib import Path
from typing import Any

from rls3.errors import ModelError
from rls3.vlm.clip import ClipVLM
from rls3.vlm.interface import VLM
from rls3.vlm.vilt import ViltVLM

BASE_CHECKPOINT = "base"


def checkpoint_path(family: str, checkpoint: str, base_dir: Path) -> str:
    """ "base" names our own model of that family; anything else is a folder or a hub name, taken as it is."""
    return str(base_dir / family) if checkpoint == BASE_CHECKPOINT else checkpoint


def load_vlm(family: str, checkpoint: str, base_dir: Path = Path("base")) -> VLM:
    """Raises: ModelError if there is no such checkpoint, it is damaged, or of another family."""
    name = checkpoint_path(family, checkpoint, base_dir)
    if checkpoint == BASE_CHECKPOINT and not Path(name).is_dir():
        raise ModelError(
            f"the base model {name} is missing; fetch it with `dvc pull`, or make it with `dvc repro base`"
        )
    if (
        (name.startswith((".", "/")) or name.count("/") != 1)
        and not Path(name).is_dir()
        and checkpoint != BASE_CHECKPOINT
        and "/" in name
    ):
        raise ModelError(
            f"vlm.checkpoint = {name!r} is not a folder; give a folder made by save_pretrained, a hub name, or 'base'"
        )
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import transformers
    from transformers import AutoConfig, AutoImageProcessor, AutoTokenizer

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        config = AutoConfig.from_pretrained(name)
        if config.model_type != family:
            raise ModelError(
                f"{name} holds a model of type {config.model_type!r}, but vlm.family = {family!r}; set vlm.family or choose another checkpoint"
            )
        parts = (
            AutoTokenizer.from_pretrained(name),
            AutoImageProcessor.from_pretrained(name, use_fast=False),
        )
        return _wrap(family, _model_class(family).from_pretrained(name), *parts)
    except ModelError:
        raise
    except (
        Exception
    ) as error:  # the library raises anything from OSError to KeyError on a bad checkpoint
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"vlm.checkpoint = {name!r} cannot be loaded ({reason[:160]}); check the name, the folder and the network"
        ) from error


def _model_class(family: str) -> Any:
    from transformers import CLIPModel, ViltForImageAndTextRetrieval

    return {"clip": CLIPModel, "vilt": ViltForImageAndTextRetrieval}[family]


def _wrap(family: str, model: Any, tokenizer: Any, image_processor: Any) -> VLM:
    model.eval()
    return {"clip": ClipVLM, "vilt": ViltVLM}[family](model, tokenizer, image_processor)


def new_vlm(family: str, config: Any, tokenizer: Any, image_processor: Any) -> VLM:
    """A model with random weights."""
    return _wrap(family, _model_class(family)(config), tokenizer, image_processor)
