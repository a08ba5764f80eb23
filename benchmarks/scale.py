"""`python -m benchmarks.scale`: what a sample costs on this machine, and what a second worker of a
Dask cluster is worth in rendering. Needs base/ and benchmark/ (`dvc pull`).

Prints the unit costs that docs/scale.md reckons with: scenes a second and worker, bytes and
milliseconds of a sample on its way to the shard, items scored and presentations trained a second.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from rls3.dataset.sample import Provenance, Sample, make_sample, read_samples, write_samples
from rls3.evaluation.item import item_of
from rls3.evaluation.judge import judge
from rls3.evaluation.mapped import Scorers, judge_with
from rls3.execution.workers import make_workers
from rls3.loop.store import Project
from rls3.params import Params, load_params
from rls3.placing.rooms import Room, drop, rooms_of
from rls3.scene.records import Scene, SceneSpec
from rls3.thor.client import ThorClient
from rls3.thor.pool import RenderPool
from rls3.vlm.features import ImageFeatures
from rls3.vlm.finetune import finetune
from rls3.vlm.loading import load_vlm

ROOMS = 4


def proposals(
    params: Params, project: Project, n: int
) -> tuple[list[SceneSpec], dict[str, Room], float]:
    """Scenes to draw, and the seconds that measuring one takes."""
    floor_plans = params.simulator.floor_plans[:ROOMS]
    rng = np.random.default_rng(0)
    with ThorClient(params.simulator, project.simulators) as client:
        rooms = rooms_of(client, floor_plans, params.sampling)
        names, specs = sorted(rooms), []
        while len(specs) < n:
            spec = drop(rooms[names[len(specs) * ROOMS // n]], rng, params.sampling)
            if spec is not None:
                specs.append(spec)
        measured = specs[: min(n, 100)]
        seconds = timed(lambda: [client.measure(spec) for spec in measured])
    return specs, rooms, seconds / len(measured)


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def render_seconds(
    params: Params, project: Project, specs: Sequence[SceneSpec], workers: int, repeats: int
) -> tuple[list[float], list[Scene]]:
    """Of drawing all by so many workers of a Dask cluster, each warm: its simulator runs."""
    execution = params.execution.model_copy(update={"runner": "dask", "dask_address": ""})
    made = make_workers(execution, workers, project.simulators / "cluster")
    per_task = params.execution.scenes_per_task
    with RenderPool(params.simulator, project.simulators, made, per_task) as pool:
        pool.render(specs[: 2 * workers * per_task])
        found, scenes = [], []
        for _ in range(repeats):
            found.append(timed(lambda: scenes.append(pool.render(specs))))
    return found, scenes[-1]


def shard_costs(samples: Sequence[Sample], path: Path) -> tuple[float, float, float]:
    """Bytes, seconds to write and seconds to read, of a sample."""
    write = timed(lambda: write_samples(samples, path))
    read = timed(lambda: read_samples(path))
    return path.stat().st_size / len(samples), write / len(samples), read / len(samples)


def samples_of(scenes: Sequence[Scene], rooms: dict[str, Room]) -> list[Sample]:
    """Of what can be captioned: subject and reference are seen."""
    rng, provenance = np.random.default_rng(0), Provenance("scale", 0, 1, "train")
    drawn = [s for s in scenes if isinstance(s, Scene) and all(o.box_px for o in s.objects[:2])]
    return [
        make_sample(scene, rooms[scene.spec.floor_plan].kinds, rng, provenance, i)
        for i, scene in enumerate(drawn)
    ]


def report_rendering(params: Params, project: Project, n: int, repeats: int) -> list[Sample]:
    """Prints its rows. Returns: the samples of what was drawn."""
    specs, rooms, measure = proposals(params, project, n)
    row("measure a proposal", measure * 1e3, "ms, one simulator")
    middle = {}
    for workers in (1, 2):
        seconds, scenes = render_seconds(params, project, specs, workers, repeats)
        middle[workers] = statistics.median(seconds)
        spread = f"{n / max(seconds):.1f}-{n / min(seconds):.1f} of {repeats}"
        row(f"render, {workers} worker(s)", n / middle[workers], f"scenes/s ({spread})")
    row("speed-up of the second worker", middle[1] / middle[2], "times")
    made: list[Sample] = []
    seconds = timed(lambda: made.extend(samples_of(scenes, rooms)))
    row("caption and PNG", seconds / len(made) * 1e3, "ms a sample, in the main process")
    return made


def report_shard(samples: Sequence[Sample]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        size, write, read = shard_costs(samples, Path(folder) / "shard.parquet")
    row("a sample in its shard", size / 1e3, "kB")
    row("write a sample", write * 1e3, "ms")
    row("read a sample", read * 1e3, "ms")


def report_model(params: Params, project: Project, family: str, samples: Sequence[Sample]) -> None:
    """Scoring and fine-tuning, with the campaign's threads; no image is remembered."""
    torch.set_num_threads(params.campaign.threads)
    vlm = load_vlm(family, "base", project.base, params.vlm.device)
    items = [item_of(sample) for sample in samples]
    score = timed(lambda: judge(vlm, items, params.evaluation.batch_size))
    row(f"score, {family}", len(items) / score, "items/s")
    weights = sum(p.numel() for p in vlm.model.parameters())
    tune = params.finetune.model_copy(update={"steps": 20})
    seconds = timed(lambda: finetune(vlm, samples, [], tune, params.sampling, 0))
    presented = tune.steps * tune.batch_size
    row(f"fine-tune, {family}", presented / seconds, f"captions/s ({weights / 1e6:.1f} M)")


def report_mapped(params: Params, project: Project, samples: Sequence[Sample]) -> None:
    """What `execution.map_score` is worth: scoring in this process, with all its threads and what
    it remembers of images, and by two processes of one thread each; the first time and again."""
    vlm = load_vlm("clip", "base", project.base, params.vlm.device)
    items, size = [item_of(sample) for sample in samples], params.evaluation.batch_size
    execution = params.execution.model_copy(update={"runner": "process"})
    half = len(items) // 2
    with make_workers(execution, 2, project.simulators / "cluster") as workers:
        here = "in this process", None, params.campaign.threads
        there = "by two workers", Scorers(workers, half), 1
        for name, scorers, threads in (here, there):
            torch.set_num_threads(threads)
            score = partial(judge_with, scorers, vlm, items, size, None, ImageFeatures())
            for time_ in ("first", "again"):
                row(f"score {name}, {time_}", timed(score), f"s for {len(items)} items")


def row(name: str, value: float, unit: str) -> None:
    print(f"{name:32}{value:10.2f}  {unit}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--scenes", type=int, default=800)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--families", nargs="*", default=["clip", "vilt"])
    arguments = parser.parse_args()
    project = Project(Path("params.yaml").resolve().parent)
    params = load_params(project.root / "params.yaml")
    samples = report_rendering(params, project, arguments.scenes, arguments.repeats)
    report_shard(samples)
    report_mapped(params, project, samples)
    for family in arguments.families:
        report_model(params, project, family, samples)


if __name__ == "__main__":
    main()
