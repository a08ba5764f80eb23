import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from rls3.errors import ModelError
from rls3.vlm.finetune import finetune
from rls3.vlm.loading import FAMILIES, family_named, family_of, load_vlm
from tests.conftest import make_params, many_samples
from tests.unit.vlm.scoring import scores_of

TOWER = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}


@pytest.fixture
def hub_clip(tmp_path):
    """What `openai/clip-vit-base-patch32` looks like on disk, made by transformers: byte-pair
    vocabulary, 77-token text tower, a processor that crops."""
    folder = tmp_path / "hub"
    folder.mkdir()
    letters = [chr(c) for c in range(97, 123)] + [",", "."]
    specials = ["<|startoftext|>", "<|endoftext|>"]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *specials]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": 77,
        "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    end = len(tokens) - 1
    config = CLIPConfig(
        text_config=TOWER
        | {
            "vocab_size": len(tokens),
            "max_position_embeddings": 77,
            "eos_token_id": end,
            "bos_token_id": end - 1,
            "pad_token_id": end,
        },
        vision_config=TOWER | {"image_size": 224, "patch_size": 32},
        projection_dim=24,
    )
    CLIPModel(config).save_pretrained(folder)
    CLIPImageProcessorPil().save_pretrained(folder)
    return folder


@pytest.fixture
def spoiled(folder, tmp_path):
    """A copy of a small model, to be spoiled; it has the family's name."""
    return shutil.copytree(folder, tmp_path / folder.name)


def _edit_weights(folder, edit):
    weights = load_file(folder / "model.safetensors")
    edit(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def test_a_hub_style_folder_goes_through_the_same_code(hub_clip):
    vlm, samples = load_vlm("clip", str(hub_clip)), many_samples(10)
    before = scores_of(vlm, samples)
    params = make_params(finetune__batch_size=8, finetune__steps=4)
    report = finetune(vlm, samples, [], params.finetune, params.sampling, 0)
    assert torch.isfinite(before[:, 0]).all() and len(report.losses) == 4
    assert not torch.equal(before, scores_of(vlm, samples))


@pytest.mark.parametrize(
    ("family", "checkpoint", "message"),
    [
        ("clip", "base", "base model .* is missing; fetch it with `dvc pull`"),
        ("clip", "./nowhere", "is not a folder"),
        ("clip", "some/deep/folder", "is not a folder"),
        ("clip", "no-such/model-at-all", "hub name, whose content may change; name its commit"),
        ("loading", "base", "vlm.family = 'loading' is unknown; choose one of clip, vilt"),
    ],
)
def test_a_missing_checkpoint_is_one_sentence(family, checkpoint, message, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=message):
        load_vlm(family, checkpoint, tmp_path)


def test_base_names_our_own_model_of_that_family(folder):
    samples = many_samples(2)
    base, named = load_vlm(folder.name, "base", folder.parent), load_vlm(folder.name, str(folder))
    assert torch.equal(scores_of(base, samples), scores_of(named, samples))


def test_the_wrong_family(tiny_clip):
    with pytest.raises(ModelError, match=r"a model of type 'clip', but vlm\.family = 'vilt'"):
        load_vlm("vilt", str(tiny_clip))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.safetensors", b"broken"),
        ("config.json", b'{"model_type": "cl'),
        ("tokenizer.json", b"{}"),
        ("preprocessor_config.json", b"[]"),
    ],
)
def test_a_damaged_checkpoint_is_one_sentence(spoiled, file, content):
    (spoiled / file).write_bytes(content)
    with pytest.raises(ModelError, match=r"cannot be loaded \(.*\); check the name, the folder"):
        load_vlm(spoiled.name, str(spoiled))


def test_pointers_in_the_place_of_weights_are_called_so(spoiled):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 605157884\n"
    (spoiled / "model.safetensors").write_text(pointer)
    with pytest.raises(ModelError, match=r"pointers of Git LFS; fetch them with `git lfs pull`"):
        load_vlm(spoiled.name, str(spoiled))


def test_weights_of_another_shape_are_refused(spoiled):
    def cut(weights):
        name = next(name for name in sorted(weights) if name.endswith("layernorm.weight"))
        weights[name] = weights[name][:-1].clone()

    _edit_weights(spoiled, cut)
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_vlm(spoiled.name, str(spoiled))


def test_missing_weights_are_named_and_refused(spoiled):
    """The library would draw them at random, and say nothing."""
    head = {"clip": "text_projection.weight", "vilt": "rank_output.weight"}[spoiled.name]
    _edit_weights(spoiled, lambda weights: weights.pop(head))
    with pytest.raises(ModelError, match=f"lacks weights that a .* needs: {head}; choose"):
        load_vlm(spoiled.name, str(spoiled))


def test_of_many_missing_weights_some_are_named(spoiled):
    _edit_weights(spoiled, lambda w: [w.pop(k) for k in list(w) if "text" in k or "pooler" in k])
    with pytest.raises(ModelError, match=r"needs: \S+, \S+, \S+ and \d+ more; choose"):
        load_vlm(spoiled.name, str(spoiled))


def test_buffers_are_no_weights(spoiled):
    """Older checkpoints hold position_ids, newer ones do not."""
    ids = {
        "clip": "text_model.embeddings.position_ids",
        "vilt": "vilt.embeddings.text_embeddings.position_ids",
    }[spoiled.name]
    samples = many_samples(2)
    before = scores_of(load_vlm(spoiled.name, str(spoiled)), samples)
    _edit_weights(spoiled, lambda weights: weights.update({ids: torch.arange(32)[None]}))
    assert torch.equal(before, scores_of(load_vlm(spoiled.name, str(spoiled)), samples))


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_half_precision_is_loaded_as_single(spoiled, precision):
    samples = many_samples(4)
    before = scores_of(load_vlm(spoiled.name, str(spoiled)), samples)
    record = family_named(spoiled.name)
    record.model_class.from_pretrained(spoiled).to(precision).save_pretrained(spoiled)
    vlm = load_vlm(spoiled.name, str(spoiled))
    assert {weight.dtype for weight in vlm.model.parameters()} == {torch.float32}
    assert torch.allclose(before, scores_of(vlm, samples), atol=0.05)
    params = make_params(finetune__steps=1)
    report = finetune(vlm, samples, [], params.finetune, params.sampling, 0)
    assert len(report.losses) == 1


def test_the_family_of_a_folder(folder, tmp_path):
    assert family_of(folder) == folder.name in FAMILIES
    with pytest.raises(ModelError, match=r"config\.json is missing; give a folder made by"):
        family_of(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json is damaged \(.*\); give a folder made by"):
        family_of(tmp_path)
    (tmp_path / "config.json").write_text('{"hidden_size": 3}')
    with pytest.raises(ModelError, match=r"config\.json is damaged \('model_type'\)"):
        family_of(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match=r"type 'bert', which is of no known family; .*clip or"):
        family_of(tmp_path)
