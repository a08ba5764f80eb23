"""What a recipe of fine-tuning makes of a campaign's samples: `python -m benchmarks.recipe
data/default --seeds 1 2 -S finetune.mirrored=false`.

Fine-tunes the base model on the rounds' shards in their order, as a campaign does, without drawing
a scene; prints accuracy on val after each round, and for the last one test by term, names, and the
CPU seconds that fine-tuning took. Choose on val; test is for telling.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rls3.dataset.sample import Sample, read_samples
from rls3.evaluation.benchmarks import read_benchmark
from rls3.evaluation.item import TERMS
from rls3.evaluation.judge import judge
from rls3.evaluation.metrics import Evaluation, summarize
from rls3.loop.store import Project
from rls3.loop.threads import torch_threads
from rls3.params import Params, load_params
from rls3.seeds import integer_seed
from rls3.vlm.features import ImageFeatures
from rls3.vlm.finetune import finetune
from rls3.vlm.interface import VLM
from rls3.vlm.loading import load_vlm


def fine_tuned(
    params: Params,
    project: Project,
    rounds: Sequence[Sequence[Sample]],
    seed: int,
    features: ImageFeatures,
) -> tuple[VLM, list[float], float]:
    """The model after the last round, accuracy on val after each, CPU seconds of fine-tuning."""
    start, curve, seconds = params.vlm, [], 0.0
    vlm = load_vlm(start.family, start.checkpoint, project.base, start.device, start.revision)
    for number, new in enumerate(rounds, 1):
        began = time.process_time()
        once = integer_seed(seed, number, "finetune")
        earlier = rounds[: number - 1]
        finetune(vlm, new, earlier, params.finetune, params.sampling, once, None, features)
        seconds += time.process_time() - began
        curve.append(100 * judged(vlm, params, project, "val", features).accuracy.accuracy)
    return vlm, curve, seconds


def judged(
    vlm: VLM, params: Params, project: Project, split: str, features: ImageFeatures
) -> Evaluation:
    items = read_benchmark(project.benchmark, split)
    predictions = judge(vlm, items, params.evaluation.batch_size, None, features)
    return summarize(predictions, params.evaluation, 0)


def told(found: Evaluation) -> str:
    by_term = ", ".join(f"{term} {100 * found.by_term[term].accuracy:.1f}" for term in TERMS)
    return (
        f"{100 * found.accuracy.accuracy:.1f} % ({by_term}), "
        f"names {100 * found.object_accuracy.accuracy:.1f} %"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("data", type=Path, help="the folder of a campaign's rounds")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=0, help="the first so many; 0 is all")
    parser.add_argument("-S", dest="overrides", action="append", default=[])
    arguments = parser.parse_args()
    project = Project(Path("params.yaml").resolve().parent)
    params = load_params(project.root / "params.yaml", arguments.overrides)
    shards = sorted(arguments.data.glob("round-*/train.parquet"))
    rounds = [read_samples(shard) for shard in shards[: arguments.rounds or None]]
    features, finals = ImageFeatures(), []
    with torch_threads(params.campaign.threads):
        for seed in arguments.seeds:
            vlm, curve, seconds = fine_tuned(params, project, rounds, seed, features)
            found = judged(vlm, params, project, "test", features)
            finals.append(100 * found.accuracy.accuracy)
            print(f"seed {seed}: val {' '.join(f'{v:.1f}' for v in curve)}", flush=True)
            print(f"seed {seed}: test {told(found)}; {seconds:.0f} CPU s", flush=True)
    print(f"test, mean of {len(finals)}: {np.mean(finals):.1f} %")


if __name__ == "__main__":
    main()
