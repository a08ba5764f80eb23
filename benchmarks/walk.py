"""`python -m benchmarks.walk`: the modules that a SceneSpec passes from its proposal to a picture,
and a caption from its geometry to the loss, in the order in which they first touch it (traced)."""

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import torch

from rls3.dataset.sample import Sample
from rls3.loop.conclude import judge_base
from rls3.loop.resources import Resources
from rls3.loop.run import run_stage
from rls3.loop.stages import STAGES
from rls3.loop.store import Campaign, Project
from rls3.params import load_params, with_overrides
from rls3.scene.records import Scene, SceneSpec

OURS = ("rls3.", "flows.", "tasks.")
_DEEP = 3  # containers within containers that are looked into


@contextlib.contextmanager
def touched(holds: Callable[[object], bool]) -> Iterator[list[str]]:
    """Names of our modules whose functions get, or give back, what `holds` knows; filled as they
    run."""
    found: list[str] = []

    def look(frame: FrameType, event: str, value: object) -> None:
        module = frame.f_globals.get("__name__", "")
        if event not in ("call", "return") or not module.startswith(OURS) or module in found:
            return
        seen = list(frame.f_locals.values()) if event == "call" else [value]
        if any(_within(item, holds, _DEEP) for item in seen):
            found.append(module)

    sys.setprofile(look)
    try:
        yield found
    finally:
        sys.setprofile(None)


def _within(value: object, holds: Callable[[object], bool], depth: int) -> bool:
    if holds(value):
        return True
    if depth and isinstance(value, (list, tuple)):
        return any(_within(item, holds, depth - 1) for item in value[:50])
    return False


def holds_scene(value: object) -> bool:
    """A SceneSpec, or the Scene made of it."""
    return isinstance(value, (SceneSpec, Scene))


def holds_caption(value: object) -> bool:
    """A caption's text, or a sample that has it."""
    sentence = isinstance(value, str) and value.startswith("The ") and value.endswith(".")
    return sentence or isinstance(value, Sample)


class OneSimulator(Resources):
    """Draws in this process, where it can be watched."""

    @property
    def renderer(self) -> "OneSimulator":
        return self

    def render(self, specs: list[SceneSpec], on_done: Callable[[int], None]) -> list[Scene]:
        """See `rls3.scene.records.Renderer`; by `ThorClient.render`, one after the other."""
        scenes = []
        for spec in specs:
            scenes.append(self.simulator.render(spec))
            on_done(len(scenes))
        return scenes


def main() -> None:
    """A small first round of the default campaign in a project of its own, watched."""
    small = {
        "simulator.floor_plans": ["FloorPlan1"],
        "campaign.episodes_per_round": 1,
        "sampling.steps_per_episode": 20,
        "finetune.epochs": 1,
    }
    params = with_overrides(load_params(Path("params.yaml")), small)
    with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng():
        project = Project(Path(folder))
        for name in ("base", "benchmark"):
            (project.root / name).symlink_to(Path(name).resolve())
        campaign = Campaign(project, params)
        round_ = campaign.round(1)
        by_name = {stage.name: stage for stage in STAGES}
        with OneSimulator(params, project.simulators) as resources:
            judge_base(campaign, resources)
            with touched(holds_scene) as modules:
                for name in ("sample", "render"):
                    run_stage(by_name[name], round_, resources)
            show("a SceneSpec, from the proposal to the picture", modules)
            for name in ("validate", "score"):
                run_stage(by_name[name], round_, resources)
            with touched(holds_caption) as modules:
                run_stage(by_name["finetune"], round_, resources)
            show("a caption, from the shard to the loss", modules)


def show(what: str, modules: list[str]) -> None:
    """The modules, numbered."""
    print(f"{what}: {len(modules)} modules")
    for number, module in enumerate(modules, 1):
        print(f"  {number:2} {module}")


if __name__ == "__main__":
    main()
