"""`python -m benchmarks.throughput`: samples a second of sampling, rendering, scoring and fine-tuning on this machine."""

import itertools
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from rls3.agents.environment import SceneEnv
from rls3.agents.ppo import make_agent
from rls3.agents.rollout import collect
from rls3.evaluation.benchmark import read_benchmark
from rls3.evaluation.metrics import judge
from rls3.params import Params, check_params, load_params
from rls3.placing.stratified import stratified_specs
from rls3.thor.client import ThorClient
from rls3.thor.pool import RenderPool
from rls3.vlm.finetune import finetune
from rls3.vlm.loading import load_vlm

REPEATS = 3


def _rate(n: int, work: Callable[[], object]) -> str:
    rates = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        rates.append(n / (time.perf_counter() - started))
    return f"{statistics.median(rates):8.1f} /s  (min {min(rates):.1f}, max {max(rates):.1f})"


def _with_size(params: Params, pixels: int) -> Params:
    raw = params.model_dump()
    raw["simulator"] |= {"width_px": pixels, "height_px": pixels}
    return check_params(raw)


def main() -> None:
    params = load_params(Path("params.yaml"))
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; median of {REPEATS}"
    )
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder)
        with ThorClient(params.simulator, runtime) as client:
            env = SceneEnv(client, params.simulator.floor_plans[:8], params.sampling, params.agent)
            agent = make_agent(params.agent, env, 0)
            n = params.sampling.steps_per_episode
            print(
                "sampling (policy, solver, measure), one process ",
                _rate(n, lambda: collect(agent, env, range(1), 0)),
            )
            rooms = list(env.surveys.values())[
                : params.campaign.episodes_per_round
            ]  # as many as a round visits
            endless = stratified_specs(rooms, params.sampling, np.random.default_rng(0))
            specs = list(itertools.islice(endless, 400))
            specs.sort(key=lambda spec: spec.floor_plan)
            print(
                "measure alone, one process                      ",
                _rate(len(specs), lambda: [client.measure(s) for s in specs]),
            )
        for pixels in (64, 128, 224):
            sized = _with_size(params, pixels).simulator
            with RenderPool(sized, runtime) as pool:
                pool.render(specs[::20])
                print(
                    f"rendering {pixels:3d} px with ids, {sized.workers} workers           ",
                    _rate(len(specs), lambda p=pool: p.render(specs)),
                )
    test = read_benchmark(Path("benchmark"), "test")
    for family in ("clip", "vilt"):
        if not (Path("base") / family).is_dir():
            continue
        vlm = load_vlm(family, "base")
        print(
            f"scoring, {family}: true caption and all negatives    ",
            _rate(208, lambda v=vlm: judge(v, test[:208], params.evaluation.batch_size)),
        )
        once = params.finetune.model_copy(update={"epochs": 1})
        print(
            f"fine-tuning, {family}, images decoded and encoded    ",
            _rate(208, lambda v=vlm, o=once: finetune(v, test[:208], [], o, 0)),
        )


if __name__ == "__main__":
    main()
