"""Random streams: one campaign seed, one independent stream for each (round, stage), none shared
and none global.

`SeedSequence(seed, spawn_key=...)` makes round 7 draw the same numbers whether it is resumed or run
from round 0.
"""

import zlib

import numpy as np


def _spawn_key(round_number: int, stage: str) -> tuple[int, int]:
    return round_number, zlib.crc32(stage.encode())


def generator(seed: int, round_number: int, stage: str) -> np.random.Generator:
    """The random stream of one stage of one round."""
    return np.random.default_rng(
        np.random.SeedSequence(seed, spawn_key=_spawn_key(round_number, stage))
    )


def integer_seed(seed: int, round_number: int, stage: str) -> int:
    """A 31-bit seed for libraries that seed a process (torch, stable-baselines3), from the same
    stream."""
    state = np.random.SeedSequence(seed, spawn_key=_spawn_key(round_number, stage)).generate_state(
        1
    )
    return int(state[0] & 0x7FFFFFFF)
