"""What the tests of VLMs have in common."""

import numpy as np
import torch

from rls3.vlm.features import ImageFeatures
from rls3.vlm.interface import score


def noise(n, height=96, width=96, seed=0):
    """Pictures that all differ, (height, width, 3) uint8."""
    rng = np.random.default_rng(seed)
    return list(rng.integers(0, 255, (n, height, width, 3), dtype=np.uint8))


def scores_of(vlm, samples):
    """(N, C) of each sample's true caption and its flips."""
    captions = [[sample.caption, *sample.negatives_of("flip")] for sample in samples]
    return score(vlm, ImageFeatures()(vlm, samples)[:], captions)


def weights_of(vlm):
    return {name: weight.clone() for name, weight in vlm.model.state_dict().items()}


def same_weights(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)
