"""The tiny models' make-up: configs, word-level tokenizer, image processor; all real classes of `transformers`."""

from collections.abc import Iterable
from typing import Any

from rls3.language.caption import COLORS, object_name, relation_phrase
from rls3.language.relation import CELLS
from rls3.params import BaseParams
from rls3.scene.records import Kind
from rls3.vlm.interface import VLM, Family
from rls3.vlm.loading import new_vlm

_SPECIALS = [
    "<pad>",
    "<unk>",
    "<s>",
    "</s>",
]  # </s> must not be 2: CLIPTextModel then pools by the largest token id
_MAX_TOKENS = 32


def make_tokenizer(kinds: Iterable[Kind]) -> Any:
    """One token a word, over the caption grammar and the names of the kinds."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = {"the", "is", "of", "and", ",", ".", *COLORS}
    for phrase in [relation_phrase(cell) for cell in CELLS] + [object_name(kind) for kind in kinds]:
        words |= set(phrase.replace(",", " ").split())
    vocabulary = {word: index for index, word in enumerate([*_SPECIALS, *sorted(words)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 2), ("</s>", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        model_max_length=_MAX_TOKENS,
    )


def make_tiny(family: Family, kinds: Iterable[Kind], params: BaseParams) -> VLM:
    """A model with random weights (torch's present seed)."""
    from transformers import CLIPConfig, ViltConfig
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.vilt.image_processing_pil_vilt import ViltImageProcessorPil

    tokenizer = make_tokenizer(kinds)
    size, width = params.image_px, params.width
    # gelu is one kernel on a CPU; CLIP's quick_gelu is three and took half of the time
    tower = {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_attention_heads": 4,
        "hidden_act": "gelu",
    }
    if family == "clip":
        text = tower | {
            "num_attention_heads": 8,
            "num_hidden_layers": params.text_layers,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": _MAX_TOKENS,
            "pad_token_id": 0,
            "bos_token_id": 2,
            "eos_token_id": 3,
        }
        vision = tower | {
            "hidden_size": params.vision_width,
            "intermediate_size": 4 * params.vision_width,
            "num_hidden_layers": params.vision_layers,
            "image_size": size,
            "patch_size": params.patch_px,
        }
        config = CLIPConfig(
            text_config=text,
            vision_config=vision,
            projection_dim=params.vision_width,
            logit_scale_init_value=3.0,
        )
        processor = CLIPImageProcessorPil(
            size={"height": size, "width": size}, do_center_crop=False, resample=2
        )
        return new_vlm(family, config, tokenizer, processor)
    config = ViltConfig(
        **tower,
        num_hidden_layers=params.vision_layers,
        vocab_size=len(tokenizer),
        max_position_embeddings=_MAX_TOKENS,
        image_size=size,
        patch_size=params.patch_px,
        max_image_length=-1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=0,
    )
    processor = ViltImageProcessorPil(
        do_resize=True,
        size={"shortest_edge": size},
        size_divisor=params.patch_px,
        do_pad=False,
        resample=2,
    )
    return new_vlm(family, config, tokenizer, processor)
