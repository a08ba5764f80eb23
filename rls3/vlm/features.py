"""Image features computed once a shard, while the part of the model that makes them stays the same."""

import hashlib
from collections.abc import Sequence

import torch

from rls3.dataset.sample import Sample, decode
from rls3.vlm.interface import VLM


class ImageFeatures:
    """Remembers the features of whole shards (a round's samples, a benchmark) under a locked image side.

    Always of the whole shard: rounding may depend on what else is in a batch, and a campaign that was killed and resumed
    must see the same numbers as one that was not.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], torch.Tensor] = {}

    def __call__(self, vlm: VLM, shard: Sequence[Sample], lock_vision: bool = True) -> torch.Tensor:
        """(N, ...) as `VLM.features` gives them, rows in the order of the shard."""
        image_side = vlm.image_side() if lock_vision else None
        if image_side is None or not shard:
            return vlm.features([decode(sample) for sample in shard], lock_vision)
        ids = hashlib.blake2b("".join(sample.sample_id for sample in shard).encode()).hexdigest()
        if (image_side, ids) not in self._known:
            self._known[image_side, ids] = vlm.features([decode(sample) for sample in shard], True)
        return self._known[image_side, ids]
