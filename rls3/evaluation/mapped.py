"""A VLM's scores on the items of a benchmark, as tasks that are mapped over workers.

A task is a number of whole batches, of scoring as well as of encoding, so that each batch holds
what it would hold in one process: the scores are the same to the last digit on equal processors.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch

from rls3.evaluation.item import Item
from rls3.evaluation.judge import judge
from rls3.evaluation.predictions import Prediction, Predictions
from rls3.execution.kept import kept
from rls3.execution.workers import Workers
from rls3.vlm.features import IMAGE_BATCH, ImageFeatures
from rls3.vlm.interface import VLM
from rls3.vlm.packing import PackedVLM, pack_vlm


@dataclass(frozen=True)
class Scorers:
    """Who scores, and how many items at once (rounded up to whole batches)."""

    workers: Workers
    items_per_task: int


@dataclass(frozen=True)
class _Setting:
    model: PackedVLM
    batch_size: int
    threads: int


def judge_with(
    scorers: Scorers | None,
    vlm: VLM,
    items: Sequence[Item],
    batch_size: int,
    on_done: Callable[[int], None] | None = None,
    features: ImageFeatures | None = None,
) -> Predictions:
    """As `judge`, by workers if there are any; features are those of this process.

    Raises: ExecutionError if workers are lost.
    """
    if scorers is None:
        return judge(vlm, items, batch_size, on_done, features)
    batches = math.lcm(IMAGE_BATCH, batch_size)
    size = math.ceil(scorers.items_per_task / batches) * batches
    tasks = [tuple(map(_sendable, items[at : at + size])) for at in range(0, len(items), size)]
    setting = _Setting(pack_vlm(vlm), batch_size, torch.get_num_threads())
    done: dict[int, tuple[Prediction, ...]] = {}
    for number, rows in scorers.workers.map(_judge_task, setting, tasks):
        done[number] = rows
        if on_done is not None:
            on_done(sum(map(len, done.values())))
    return Predictions(tuple(row for number in range(len(tasks)) for row in done[number]))


def _sendable(item: Item) -> Item:
    """With its picture's bytes, wherever they were."""
    return replace(item, image=item.image)


@dataclass
class _Model:
    """The last model that a worker was sent, and what it remembers of images."""

    packed: PackedVLM | None = None
    vlm: VLM | None = None
    features: ImageFeatures = field(default_factory=ImageFeatures)

    def unpacked(self, packed: PackedVLM) -> VLM:
        if self.vlm is None or self.packed != packed:
            self.packed, self.vlm = packed, packed.unpack()
        return self.vlm

    def close(self) -> None:
        self.packed = self.vlm = None


def _judge_task(setting: _Setting, items: Sequence[Item]) -> tuple[Prediction, ...]:
    torch.set_num_threads(setting.threads)  # rounding depends on it
    model = kept("vlm", _Model)
    vlm = model.unpacked(setting.model)
    return judge(vlm, items, setting.batch_size, None, model.features).rows
