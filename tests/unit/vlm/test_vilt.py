import pytest
import torch

from rls3.vlm.interface import LossWeights, Pixels
from rls3.vlm.loading import load_vlm
from rls3.vlm.vilt_stream import embed_patches, through_stream
from tests.unit.vlm.scoring import noise

ABOVE, BELOW = "The red mug is above the blue bowl.", "The red mug is below the blue bowl."


@pytest.fixture
def vlm(tiny_vilt):
    vlm = load_vlm("vilt", str(tiny_vilt))
    torch.nn.init.normal_(vlm.model.vilt.embeddings.position_embeddings, std=0.5)
    return vlm


@pytest.mark.parametrize(
    "shapes", [[(96, 96)] * 3, [(96, 160)] * 3, [(96, 96), (96, 160), (200, 80)]]
)
def test_our_route_equals_the_librarys(vlm, shapes):
    """visual_embed shuffles the patches; attention does not care."""
    pixels = vlm.family.preprocess(vlm, [noise(1, *shape)[0] for shape in shapes])
    assert (pixels.mask is None) == (len(set(shapes)) == 1)
    mask = pixels.mask
    if mask is None:
        mask = torch.ones(3, *pixels.values.shape[-2:], dtype=torch.long)
    with torch.no_grad():
        ours = through_stream(vlm, *embed_patches(vlm, pixels), [ABOVE] * 3)
        tokens = vlm.tokenizer([ABOVE] * 3, return_tensors="pt")
        theirs = vlm.model.vilt(**tokens, pixel_values=pixels.values, pixel_mask=mask)
    assert torch.allclose(ours.pooler_output, theirs.pooler_output, atol=1e-5)


def test_an_image_is_always_its_pixels(vlm):
    assert vlm.family.image_side is None
    pixels = vlm.family.preprocess(vlm, noise(3))
    assert isinstance(pixels, Pixels) and pixels.values.shape == (3, 3, 32, 32)


def test_the_loss_by_hand(vlm):
    """An image with two captions and one with three: cross-entropies, and the matching of all true
    pairs and of all false pairs."""
    pixels = vlm.family.preprocess(vlm, noise(2))
    captions = [[ABOVE, BELOW], [BELOW, ABOVE, "The red mug is behind the blue bowl."]]
    with torch.no_grad():
        s = vlm.family.score(vlm, pixels, captions)
        loss = vlm.family.loss(vlm, pixels, captions, LossWeights(2.0, 0.7))
    assert s[0, 2] == -torch.inf
    hard = -(torch.log_softmax(s[0, :2], 0)[0] + torch.log_softmax(s[1], 0)[0]) / 2
    true, false = torch.stack([s[0, 0], s[1, 0]]), torch.stack([s[0, 1], s[1, 1], s[1, 2]])
    matching = -(true.sigmoid().log().mean() + (-false).sigmoid().log().mean())
    assert torch.isclose(loss, 2.0 * hard + 0.7 * matching, atol=1e-5)


def test_many_pairs_are_scored_as_few(vlm):
    """More pairs than go through the stream at once."""
    texts = [ABOVE, BELOW] * 200
    pixels = vlm.family.preprocess(vlm, noise(2))
    with torch.no_grad():
        many = vlm.family.score(vlm, pixels, [texts, texts])
        few = vlm.family.score(vlm, pixels, [texts[:2]] * 2)
    assert torch.allclose(many, few.repeat(1, 200), atol=1e-5)
