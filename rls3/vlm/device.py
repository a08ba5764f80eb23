"""Where a model runs, and torch's random state while it is trained there."""

import contextlib
from collections.abc import Iterator

import torch

from rls3.errors import ModelError


def resolve_device(name: str) -> torch.device:
    """The device that `vlm.device` names; "auto" is cuda if there is one, else mps, else cpu.

    Raises: ModelError if there is no such device.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(device for device, is_there in there.items() if is_there))
    if not there.get(name, False):
        raise ModelError(
            f"vlm.device = {name!r}, but torch finds no such device here; set vlm.device to auto "
            "or cpu, or install a torch that is built for it"
        )
    return torch.device(name)


@contextlib.contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch draws from a stream of its own within the block; the caller's is untouched, on the CPU
    and on the device (but for mps, whose state torch cannot fork)."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
