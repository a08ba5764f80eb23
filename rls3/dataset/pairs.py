"""What else is true of a sample's picture: captions of the other pairs of objects that it shows.

The simulator measures every object, so these cost nothing; a picture with three objects has up to
six ordered pairs where its own caption tells of one.
"""

from itertools import permutations

import numpy as np

from rls3.dataset.sample import Sample
from rls3.language.caption import Caption, parse
from rls3.language.relation import CELLS, cells_of, margins_deg
from rls3.params import SamplingParams
from rls3.scene.geometry import offset_in_camera


def pair_captions(sample: Sample, sampling: SamplingParams) -> list[Caption]:
    """The sample's own caption, then the true captions of all other ordered pairs of objects that
    can be seen (`sampling.min_visible_px`) and whose relation is clear
    (`sampling.min_margin_deg`).

    Both bars are those that a sample's own pair must pass (`rls3.placing.validity`). Things that
    share their name with another in the picture are left out: a caption must say which it means.
    """
    own = parse(sample.caption)
    named = [item.kind for item in sample.objects]
    seen = [
        item
        for item in sample.objects
        if item.visible_px >= sampling.min_visible_px and named.count(item.kind) == 1
    ]
    pairs = list(permutations(seen, 2))
    if not pairs:
        return [own]
    subjects, references = (
        np.array([pair[end].box.center for pair in pairs], dtype=float) for end in (0, 1)
    )
    offsets = offset_in_camera(subjects - references, sample.camera.yaw_deg)
    clear = margins_deg(offsets) >= sampling.min_margin_deg
    found = [
        Caption(subject.kind, CELLS[cell], reference.kind)
        for (subject, reference), cell, is_clear in zip(pairs, cells_of(offsets), clear)
        if is_clear
    ]
    return [own, *(caption for caption in found if caption != own)]
