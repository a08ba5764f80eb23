"""What the tiny models of all families share: a word-level tokenizer, and the sizes of a layer."""

from collections.abc import Iterable

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from rls3.language.caption import COLORS, object_name, relation_phrase
from rls3.language.relation import CELLS
from rls3.scene.records import Kind

# </s> must not be 2: CLIPTextModel then pools by the largest token id
_SPECIALS = ("<pad>", "<unk>", "<s>", "</s>")
MAX_TOKENS = 32


def make_tokenizer(kinds: Iterable[Kind]) -> PreTrainedTokenizerFast:
    """One token a word, over the caption grammar and the names of the kinds."""
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
        model_max_length=MAX_TOKENS,
    )


def layer_sizes(width: int) -> dict[str, int | str]:
    """Of a transformer layer, in the words of `transformers`' configs."""
    return {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_attention_heads": 4,
        # one kernel on a CPU; CLIP's quick_gelu is three and took half of the time
        "hidden_act": "gelu",
    }
