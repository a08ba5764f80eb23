"""Fine-tuning by several processes of this machine, started for it and ended with it."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist

from rls3.dataset.sample import Pictured
from rls3.errors import ModelError
from rls3.execution.processes import Processes
from rls3.vlm.device import seeded
from rls3.vlm.features import LazyPixels, Shard
from rls3.vlm.interface import VLM, Encoded
from rls3.vlm.packing import PackedVLM, pack_vlm
from rls3.vlm.team import team_of_launch
from rls3.vlm.training import Course, train

_LOOPBACK = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0", "GLOO_SOCKET_IFNAME": "lo"}


@dataclass(frozen=True)
class _Job:
    """What each process is told. images: what a locked image side made of them, or pictures.

    meeting: a file through which the processes find each other.
    """

    model: PackedVLM
    course: Course
    images: np.ndarray | Sequence[Pictured]
    seed: int
    threads: int
    processes: int
    meeting: Path


def train_in_processes(vlm: VLM, course: Course, seed: int, processes: int) -> list[float]:
    """As `train`, by processes that share each batch and this one's threads.

    Raises: ModelError if training diverges or the family cannot be shared. ExecutionError if a
        process is lost.
    """
    if vlm.family.shared_loss is None:
        raise ModelError(
            f"the family {vlm.family.name!r} is fine-tuned by one process only; set "
            "execution.processes to 1"
        )
    with tempfile.TemporaryDirectory() as folder, Processes(processes) as workers:
        images = _sendable(course.images)
        threads = max(1, torch.get_num_threads() // processes)
        job = _Job(
            pack_vlm(vlm),
            replace(course, images=None),
            images,
            seed,
            threads,
            processes,
            Path(folder) / "meeting",
        )
        # each works at one task at a time, and waits in it for the others: one task for each
        done = dict(workers.map(_train_share, job, range(processes)))
    losses, trained = done[0]
    vlm.model.load_state_dict(trained.unpack().model.state_dict())
    vlm.family.trainable(vlm, course.params.lock_vision)
    return losses


def _sendable(images: Shard) -> np.ndarray | Sequence[Pictured]:
    return images.values.cpu().numpy() if isinstance(images, Encoded) else images.pictures


def _received(images: np.ndarray | Sequence[Pictured], vlm: VLM) -> Shard:
    if isinstance(images, np.ndarray):
        return Encoded(torch.tensor(images, device=vlm.device))
    return LazyPixels(vlm, images)


def _train_share(job: _Job, rank: int) -> tuple[list[float], PackedVLM | None]:
    """A process's task. Returns: the losses, and of the first process the model."""
    with _in_group(job, rank):
        torch.set_num_threads(job.threads)
        vlm = job.model.unpack()
        course = replace(job.course, images=_received(job.images, vlm))
        with seeded(job.seed, vlm.device):
            losses = train(vlm, course, team=team_of_launch(vlm.device))
        return losses, pack_vlm(vlm) if rank == 0 else None


@contextmanager
def _in_group(job: _Job, rank: int) -> Iterator[None]:
    """As if `accelerate launch` had started this process, which is ours to change."""
    for name in ("RANK", "LOCAL_RANK"):
        os.environ[name] = str(rank)
    for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        os.environ[name] = str(job.processes)
    os.environ.update(_LOOPBACK | {"OMP_NUM_THREADS": str(job.threads)})
    meeting = f"file://{job.meeting}"
    dist.init_process_group("gloo", meeting, rank=rank, world_size=job.processes)
    try:
        yield
    finally:
        dist.destroy_process_group()
