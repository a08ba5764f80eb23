"""What a model cannot read."""

import re
from collections.abc import Sequence

from rls3.vlm.interface import VLM


def unknown_words(vlm: VLM, texts: Sequence[str]) -> list[str]:
    """The words and signs of the texts for which the tokenizer has only its token for the unknown,
    in the order in which they first occur. Byte-pair vocabularies know every word by its parts."""
    unknown = vlm.tokenizer.unk_token_id
    words = list(dict.fromkeys(word for text in texts for word in re.findall(r"\w+|[^\w\s]", text)))
    if unknown is None or not words:
        return []
    tokens = vlm.tokenizer(words, add_special_tokens=False)["input_ids"]
    return [word for word, ids in zip(words, tokens) if unknown in ids]
