"""What the tests of VLMs have in common."""

import io
from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from rls3.scene.records import Kind
from rls3.vlm.features import ImageFeatures
from rls3.vlm.interface import score
from tests.conftest import many_samples


def noise(n, height=96, width=96, seed=0):
    """Pictures that all differ, (height, width, 3) uint8."""
    rng = np.random.default_rng(seed)
    return list(rng.integers(0, 255, (n, height, width, 3), dtype=np.uint8))


def furnished_samples(n):
    """Samples in whose images various things stand, each a square of its colour."""
    rng = np.random.default_rng(8)
    kinds = [Kind(t, c) for t in ("Mug", "Bowl", "Vase", "Pot") for c in ("red", "green", "blue")]
    return [_furnished(sample, rng.permutation(kinds)) for sample in many_samples(n)]


def _furnished(sample, kinds):
    picture = np.full((96, 96, 3), 200, np.uint8)
    objects = [replace(item, kind=kind) for item, kind in zip(sample.objects, kinds)]
    for item in objects:
        x0, y0, x1, y1 = item.box_px
        picture[y0:y1, x0:x1] = 0
        picture[y0:y1, x0:x1, ("red", "green", "blue").index(item.kind.color)] = 220
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return replace(sample, objects=tuple(objects), image=file.getvalue())


def scores_of(vlm, samples):
    """(N, C) of each sample's true caption and its flips."""
    captions = [[sample.caption, *sample.negatives_of("flip")] for sample in samples]
    return score(vlm, ImageFeatures()(vlm, samples)[:], captions)


def weights_of(vlm):
    return {name: weight.clone() for name, weight in vlm.model.state_dict().items()}


def same_weights(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)
