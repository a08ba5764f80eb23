import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from rls3.vlm.interface import VLM
from rls3.vlm.loading import load_vlm
from rls3.vlm.vocabulary import unknown_words


@pytest.fixture
def vlm(tiny_clip):
    return load_vlm("clip", str(tiny_clip))


def test_words_that_the_tokenizer_does_not_know_are_named_once_and_in_order(vlm):
    texts = ["The Zebra is above the red sofa.", "Is the sofa below the zebra?"]
    assert unknown_words(vlm, texts) == ["Zebra", "sofa", "zebra", "?"]


def test_of_the_grammar_all_words_are_known(vlm):
    assert unknown_words(vlm, ["The red mug is above and to the left of the teddy bear."]) == []
    assert unknown_words(vlm, []) == []


def test_where_words_are_spelt_in_bytes_none_is_unknown(vlm):
    """As in the hub's CLIP, where the unknown token is the one that ends each text, too."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    vocabulary = {token: i for i, token in enumerate([*sorted(alphabet), "<end>"])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<end>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<end>")
    spelling = VLM(vlm.family, vlm.model, fast, vlm.image_processor)
    assert unknown_words(spelling, ["The zebra naïvely ate a 猫."]) == []
