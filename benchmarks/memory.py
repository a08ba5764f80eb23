"""`python -m benchmarks.memory`: the memory that large data takes, each piece of work in a process
of its own: peak resident memory, and beside it that of the same process with its model loaded,
before it met the data.

The data: 10,000 samples at 384 x 384 pixels (about 280 kB each as PNG; 256 pictures in turn),
written to a temporary folder. `--big-shard` instead writes and reads back a shard of more than
2 GiB, 66 samples of 32 MiB, more than Arrow reads as one row group.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from rls3.dataset.sample import Provenance, Sample, make_sample, read_samples, write_samples
from rls3.params import FinetuneParams, load_params
from rls3.scene.records import (
    Box,
    Camera,
    Kind,
    Placement,
    Scene,
    SceneObject,
    SceneSpec,
    Viewpoint,
)
from rls3.vlm.features import ImageFeatures
from rls3.vlm.finetune import finetune
from rls3.vlm.interface import VLM, score
from rls3.vlm.loading import family_named

N_PICTURES = 256  # none twice in a row group, else Parquet would keep it once
PARAMS = load_params(Path("params.yaml"))
KINDS = tuple(Kind(t, c) for t in ("Mug", "Bowl", "Vase", "Pot") for c in ("red", "green", "blue"))
MIB = 1 << 20


def _picture(number: int, size: int) -> np.ndarray:
    """(size, size, 3) uint8: a smooth gradient with noise, and patches of more noise: compresses as
    badly as a rendered room."""
    rng = np.random.default_rng(number)
    ramp = np.linspace(0, 1, size)
    shades = ramp[:, None, None] * rng.uniform(0, 120, 3) + ramp[:, None] * rng.uniform(0, 120, 3)
    shades += rng.normal(0, 1, shades.shape)
    for _ in range(12):
        top, left = rng.integers(0, size * 3 // 4, 2)
        patch = shades[top : top + size // 4, left : left + size // 4]
        patch += rng.normal(0, 8, patch.shape)
    return np.clip(shades, 0, 255).astype(np.uint8)


def _scene(step: int, image: np.ndarray) -> Scene:
    """Three objects around the middle of the view; no picture of them."""
    rng = np.random.default_rng(step)
    centers = rng.uniform((-0.5, 0.6, 1.5), (0.5, 1.2, 2.5), (3, 3))
    objects = tuple(
        SceneObject(
            f"{kind.type}|{i}",
            f"{kind.type}_{i}",
            kind,
            Box(tuple(map(float, center)), (0.1, 0.1, 0.1)),
            400,
            (10, 10, 40, 40),
            "DiningTable",
        )
        for i, (kind, center) in enumerate(zip(rng.permutation(KINDS), centers))
    )
    placements = tuple(Placement(item.kind, item.box.center) for item in objects)
    spec = SceneSpec("FloorPlan1", placements, Viewpoint(0.001 * step, 0.0, 0.0))
    return Scene(spec, Camera((0.0, 1.5, 0.0), 0.0, 30.0, 60.0), objects, image, "synthetic")


def _samples(n: int, size: int) -> Iterator[Sample]:
    provenance = Provenance("memory", seed=0, round=1, split="train")
    rng = np.random.default_rng(0)
    pictured = [
        make_sample(_scene(i, _picture(i, size)), KINDS, rng, provenance, i)
        for i in range(min(n, N_PICTURES))
    ]
    blank = np.zeros((size, size, 3), np.uint8)
    for step in range(n):
        sample = make_sample(_scene(step, blank), KINDS, rng, provenance, step)
        yield replace(sample, image=pictured[step % N_PICTURES].image)


def _tiny(family: str) -> VLM:
    torch.manual_seed(0)
    return family_named(family).make_tiny(KINDS, PARAMS.base)


def _score(vlm: VLM, shard: Path) -> None:
    samples, batch_size = read_samples(shard), PARAMS.evaluation.batch_size
    images = ImageFeatures()(vlm, samples)
    for start in range(0, len(samples), batch_size):
        rows = slice(start, start + batch_size)
        score(
            vlm, images[rows], [[s.caption, *(n.text for n in s.negatives)] for s in samples[rows]]
        )


def _finetune(vlm: VLM, shard: Path, lock_vision: bool, steps: int) -> None:
    params: FinetuneParams = PARAMS.finetune.model_copy(
        update={"lock_vision": lock_vision, "steps": steps}
    )
    samples = read_samples(shard)
    half = len(samples) // 2  # half of them of an earlier round
    finetune(vlm, samples[:half], [samples[half:]], params, PARAMS.sampling, 0)


WORK: dict[str, tuple[str, Callable[[VLM, Path], object]]] = {
    "reading": ("clip", lambda _, shard: read_samples(shard)),
    "scoring, clip": ("clip", _score),
    "fine-tuning, clip, vision locked, 160 steps": (
        "clip",
        lambda m, s: _finetune(m, s, True, 160),
    ),
    "fine-tuning, clip, nothing locked, 20 steps": (
        "clip",
        lambda m, s: _finetune(m, s, False, 20),
    ),
    "fine-tuning, vilt, 20 steps": ("vilt", lambda m, s: _finetune(m, s, True, 20)),
}


def _resident() -> tuple[float, float]:
    """MiB of this process: now, and at most so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kib = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
    return int(kib["VmRSS"]) / 1024, int(kib["VmHWM"]) / 1024


def _measured(work: Callable[[], object]) -> dict[str, float]:
    before, started = _resident()[0], time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    return {"before": before, "peak": _resident()[1], "seconds": seconds}


def _in_this_process(name: str, shard: Path, n: int, size: int) -> dict[str, float]:
    if name == "writing":
        return _measured(lambda: write_samples(_samples(n, size), shard))
    if name == "writing, big":
        sample = next(_samples(1, 32))
        images = (np.random.default_rng(i).bytes(32 * MIB) for i in itertools.count())
        many = (replace(sample, image=image) for image in itertools.islice(images, 66))
        return _measured(lambda: write_samples(many, shard))
    family, work = WORK[name]
    vlm = _tiny(family)
    return _measured(lambda: work(vlm, shard))


def _report(name: str, shard: Path, arguments: argparse.Namespace) -> None:
    """Do the work in a fresh process and print what it took."""
    size = ["--samples", str(arguments.samples), "--size", str(arguments.size)]
    command = [sys.executable, "-m", "benchmarks.memory", "--work", name, "--shard", str(shard)]
    done = subprocess.run([*command, *size], check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    print(
        f"{name:45} {found['before']:7.0f} MiB before, {found['peak']:7.0f} MiB at most, "
        f"{found['seconds']:6.1f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=384, help="width and height in pixels")
    parser.add_argument("--big-shard", action="store_true")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--shard", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        found = _in_this_process(arguments.work, arguments.shard, arguments.samples, arguments.size)
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as folder:
        shard = Path(folder) / "train.parquet"
        names = ("writing, big", "reading") if arguments.big_shard else ("writing", *WORK)
        for name in names:
            _report(name, shard, arguments)
            if name.startswith("writing"):
                print(f"{'a shard of':45} {shard.stat().st_size / MIB:7.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
