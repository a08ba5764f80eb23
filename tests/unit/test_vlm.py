import numpy as np
import pytest
import torch

from rls3.errors import ModelError
from rls3.params import FinetuneParams
from rls3.vlm.finetune import finetune
from rls3.vlm.loading import load_vlm
from tests.conftest import make_params, make_sample_of, many_samples

TUNE = make_params(
    finetune__batch_size=8, finetune__epochs=2, finetune__learning_rate=0.003
).finetune


@pytest.fixture(params=["clip", "vilt"])
def folder(request, tiny_clip, tiny_vilt):
    return {"clip": tiny_clip, "vilt": tiny_vilt}[request.param]


def _images(n, size=96):
    return list(np.random.default_rng(0).integers(0, 255, (n, size, size, 3), dtype=np.uint8))


def _scores(vlm, samples):
    from rls3.dataset.sample import decode

    with torch.no_grad():
        return vlm.scores(
            vlm.features([decode(s) for s in samples], True),
            [[s.caption, *s.negatives_of("flip")] for s in samples],
        )


def test_scores_do_not_depend_on_the_batch(folder):
    vlm, captions = (
        load_vlm(folder.name, str(folder)),
        [
            ["The red mug is above the blue bowl.", "The red mug is below the blue bowl."],
            ["The green pot is behind the red mug."],
        ],
    )
    images = _images(2)
    with torch.no_grad():
        both = vlm.scores(vlm.features(images, True), captions)
        single = vlm.scores(vlm.features(images[1:], True), captions[1:])
    assert both.shape == (2, 2) and both[1, 1] == -torch.inf
    assert torch.allclose(both[1, 0], single[0, 0], atol=1e-5)


def test_captions_that_differ_in_a_word_do_not_tie(folder):
    """CLIP with end-of-sentence id 2 pools at the largest token id, and such captions tie."""
    vlm = load_vlm(folder.name, str(folder))
    texts = [
        f"The red mug is {r} the blue bowl."
        for r in ("above", "below", "behind", "in front of", "to the left of", "to the right of")
    ]
    with torch.no_grad():
        scores = vlm.scores(vlm.features(_images(1), True), [texts])[0]
    assert len(set(scores.tolist())) == len(texts)


def test_saved_and_loaded_models_agree(folder, tmp_path):
    vlm, samples = load_vlm(folder.name, str(folder)), many_samples(4)
    vlm.save(tmp_path / "again")
    assert torch.equal(
        _scores(vlm, samples), _scores(load_vlm(folder.name, str(tmp_path / "again")), samples)
    )


def test_finetuning_repeats_by_seed_and_leaves_the_global_stream(folder):
    samples = many_samples(20)
    torch.manual_seed(123)
    before = torch.get_rng_state()
    runs = []
    for seed in (1, 1, 2):
        vlm = load_vlm(folder.name, str(folder))
        report = finetune(vlm, samples[:14], [samples[14:18], samples[18:]], TUNE, seed)
        runs.append((report.losses, _scores(vlm, samples)))
    assert runs[0][0] == runs[1][0] and torch.equal(runs[0][1], runs[1][1])
    assert runs[0][0] != runs[2][0]
    assert torch.equal(before, torch.get_rng_state())


def test_it_can_learn_eight_samples_by_heart(tiny_clip):
    samples = many_samples(8)
    vlm = load_vlm("clip", str(tiny_clip))
    params = TUNE.model_copy(update={"epochs": 300, "lock_vision": False})
    report = finetune(vlm, samples, [], params, 0)
    scores = _scores(vlm, samples)
    assert report.losses[-1] < 0.5 * report.losses[0]
    assert (scores[:, 0:1] > scores[:, 1:]).float().mean() > 0.9


def test_locked_vision_stays_as_it_was(tiny_clip):
    vlm = load_vlm("clip", str(tiny_clip))
    before = {k: v.clone() for k, v in vlm.model.state_dict().items()}
    finetune(vlm, many_samples(12), [], TUNE, 0)
    changed = {k for k, v in vlm.model.state_dict().items() if not torch.equal(v, before[k])}
    assert (
        changed
        and not [k for k in changed if k.startswith("vision_model")]
        and "logit_scale" not in changed
    )


def test_clip_loss_by_hand(tiny_clip):
    """With one image and two captions: hard part = -log softmax, contrastive part = 0 (one caption, one image)."""
    vlm = load_vlm("clip", str(tiny_clip))
    features = vlm.features(_images(1), True)
    captions = ["The red mug is above the blue bowl.", "The red mug is below the blue bowl."]
    params = FinetuneParams.model_construct(hard_negative_weight=2.0, contrastive_weight=0.7)
    with torch.no_grad():
        scores = vlm.scores(features, [captions])[0]
        loss = vlm.loss(features, captions[:1], [captions[1:]], params)
    assert torch.isclose(loss, -2.0 * torch.log_softmax(scores, 0)[0], atol=1e-5)


def test_two_images_with_one_caption_are_not_each_others_negatives(tiny_clip):
    vlm = load_vlm("clip", str(tiny_clip))
    features = vlm.features(_images(2), True)
    caption = "The red mug is above the blue bowl."
    params = FinetuneParams.model_construct(hard_negative_weight=0.0, contrastive_weight=1.0)
    with torch.no_grad():
        loss = vlm.loss(
            features, [caption, caption], [["The red mug is below the blue bowl."]] * 2, params
        )
        scores = vlm.scores(features, [[caption]] * 2)[:, 0]
    images = -(torch.log_softmax(scores, 0)).mean()  # text to image: both are right, half each
    assert torch.isclose(loss, images / 2, atol=1e-5)


def test_vilts_fast_route_equals_the_librarys(tiny_vilt):
    """visual_embed shuffles the patches; attention does not care."""
    vlm = load_vlm("vilt", str(tiny_vilt))
    torch.nn.init.normal_(vlm.model.vilt.embeddings.position_embeddings, std=0.5)
    pixels, tokens = (
        vlm.features(_images(3), True),
        vlm.tokens(["The red mug is above the blue bowl."] * 3),
    )
    with torch.no_grad():
        fast = vlm.hidden_states(pixels, tokens).pooler_output
        slow = vlm.model.vilt(
            **tokens,
            pixel_values=pixels,
            pixel_mask=torch.ones(3, *pixels.shape[-2:], dtype=torch.long),
        ).pooler_output
    assert torch.allclose(fast, slow, atol=1e-5)


def _hub_clip(folder):
    """What `openai/clip-vit-base-patch32` looks like on disk, made by transformers: byte-pair vocabulary, 512-token text tower."""
    import json

    from transformers import CLIPConfig, CLIPModel
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    folder.mkdir()
    tower = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    letters = [chr(c) for c in range(97, 123)] + [",", "."]
    vocabulary = {
        t: i
        for i, t in enumerate(
            [*letters, *(f"{x}</w>" for x in letters), "<|startoftext|>", "<|endoftext|>"]
        )
    }
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "CLIPTokenizer",
                "model_max_length": 77,
                "bos_token": "<|startoftext|>",
                "eos_token": "<|endoftext|>",
                "unk_token": "<|endoftext|>",
                "pad_token": "<|endoftext|>",
            }
        )
    )
    n = len(vocabulary)
    config = CLIPConfig(
        text_config=tower
        | {
            "vocab_size": n,
            "max_position_embeddings": 77,
            "eos_token_id": n - 1,
            "bos_token_id": n - 2,
            "pad_token_id": n - 1,
        },
        vision_config=tower | {"image_size": 224, "patch_size": 32},
        projection_dim=24,
    )
    CLIPModel(config).save_pretrained(folder)
    CLIPImageProcessorPil().save_pretrained(folder)
    return folder


def test_a_hub_style_folder_goes_through_the_same_code(tmp_path):
    vlm, samples = load_vlm("clip", str(_hub_clip(tmp_path / "hub"))), many_samples(10)
    before = _scores(vlm, samples)
    report = finetune(vlm, samples, [], TUNE, 0)
    assert (
        torch.isfinite(before[:, 0]).all()
        and len(report.losses) == 4
        and not torch.equal(before, _scores(vlm, samples))
    )


@pytest.mark.parametrize(
    ("family", "checkpoint", "message"),
    [
        ("clip", "base", "base model .* is missing; fetch it with `dvc pull`"),
        ("clip", "./nowhere", "is not a folder"),
        ("clip", "no-such/model-at-all", "cannot be loaded"),
    ],
)
def test_a_missing_checkpoint_is_one_sentence(family, checkpoint, message, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match=message):
        load_vlm(family, checkpoint, tmp_path)


def test_the_wrong_family_and_damaged_weights(tiny_clip, tmp_path):
    import shutil

    with pytest.raises(ModelError, match="holds a model of type 'clip', but vlm.family = 'vilt'"):
        load_vlm("vilt", str(tiny_clip))
    shutil.copytree(tiny_clip, tmp_path / "bad")
    (tmp_path / "bad" / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_vlm("clip", str(tmp_path / "bad"))


def test_negatives_keep_an_object_and_respect_the_limit():
    from rls3.vlm.finetune import _training_negatives

    sample = make_sample_of(0, (0.4, 0.3, 0.4))
    chosen = _training_negatives(sample, 4, np.random.default_rng(0))
    assert len(chosen) == 4 == len(set(chosen)) and sample.caption not in chosen
    assert set(chosen) & set(sample.negatives_of("object"))
