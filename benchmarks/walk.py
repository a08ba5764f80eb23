"""`python -m benchmarks.walk`: the modules that a SceneSpec passes from its proposal to a picture,
and a caption from its geometry to the loss, in the order in which they first touch it (traced).
One scene and one caption are watched, by equality."""

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import torch

from rls3.agents.episodes import load_rollout
from rls3.dataset.sample import Sample, read_samples
from rls3.evaluation.item import Item
from rls3.loop.conclude import judge_base
from rls3.loop.resources import Resources
from rls3.loop.run import run_stage
from rls3.loop.stages import STAGES
from rls3.loop.store import Campaign, Project, Round
from rls3.params import Params, load_params, with_overrides
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


def same_scene(watched: SceneSpec) -> Callable[[object], bool]:
    """Knows this SceneSpec, and the Scene made of it."""

    def holds(value: object) -> bool:
        spec = vars(value).get("spec") if isinstance(value, Scene) else value
        # vars, since a function may get one that is not made to its end
        return isinstance(spec, SceneSpec) and vars(spec) == vars(watched)

    return holds


def same_caption(watched: str) -> Callable[[object], bool]:
    """Knows this caption's text, and a sample or an item that has it."""

    def holds(value: object) -> bool:
        if isinstance(value, Sample):
            return vars(value).get("caption") == watched
        if isinstance(value, Item):
            return watched in vars(value).get("captions", ())
        return isinstance(value, str) and value == watched

    return holds


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


@contextlib.contextmanager
def small_round(params: Params) -> Iterator[Callable[..., Round]]:
    """The first round of a campaign in a project of its own, through the stages that are named."""
    with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng():
        project = Project(Path(folder))
        for name in ("base", "benchmark"):
            (project.root / name).symlink_to(Path(name).resolve())
        campaign = Campaign(project, params)
        by_name = {stage.name: stage for stage in STAGES}
        with OneSimulator(params, project.simulators) as resources:
            judge_base(campaign, resources)

            def through(*names: str) -> Round:
                for name in names:
                    run_stage(by_name[name], campaign.round(1), resources)
                return campaign.round(1)

            yield through


def chosen(params: Params) -> tuple[SceneSpec, str]:
    """Of the first sample that is trained on: the scene that was proposed, and its caption."""
    with small_round(params) as through:
        round_ = through("sample", "render", "validate")
        sample = read_samples(round_.path("train"))[0]
        spec = load_rollout(round_.path("rollout")).specs[sample.step]
    assert spec is not None, "what is trained on was proposed"
    return spec, sample.caption


def main() -> None:
    """A small round of the default campaign, twice: to choose what to watch, and to watch it."""
    small = {
        "simulator.floor_plans": ["FloorPlan1"],
        "campaign.episodes_per_round": 1,
        "sampling.steps_per_episode": 20,
        "finetune.steps": 20,
    }
    params = with_overrides(load_params(Path("params.yaml")), small)
    spec, caption = chosen(params)
    with small_round(params) as through, touched(same_scene(spec)) as modules:
        through("sample", "render")
    show("a SceneSpec, from the proposal to the picture", modules)
    with small_round(params) as through:
        through("sample")
        with touched(same_caption(caption)) as made:
            through("render", "validate")
        through("score")  # it reads the caption too, but gives nothing to the loss
        with touched(same_caption(caption)) as learned:
            through("finetune")
    show("a caption, from its sample to the loss", list(dict.fromkeys([*made, *learned])))


def show(what: str, modules: list[str]) -> None:
    """The modules, numbered."""
    print(f"{what}: {len(modules)} modules")
    for number, module in enumerate(modules, 1):
        print(f"  {number:2} {module}")


if __name__ == "__main__":
    main()
