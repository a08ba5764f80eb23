"""What the stages of a running campaign share, and who closes it: simulators and remembered image
features.

Nothing is started, and no global of the process is changed, before somebody asks for it.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Thread

from rls3.agents.make import agent_module
from rls3.evaluation.mapped import Scorers
from rls3.execution.workers import Workers, make_workers
from rls3.params import Params
from rls3.placing.rooms import Room, rooms_of
from rls3.thor.client import ThorClient
from rls3.thor.pipes import sweep_pipes
from rls3.thor.pool import RenderPool
from rls3.vlm.features import ImageFeatures


@dataclass
class Resources:
    """A context manager. Campaigns with the same simulator parameters may share one.

    Attributes:
        simulators: folder for logs and surveys.
        features: of images under a locked image side, by shard.
    """

    params: Params
    simulators: Path
    features: ImageFeatures = field(default_factory=ImageFeatures)
    _open: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def simulator(self) -> ThorClient:
        """The simulator that measures."""
        return self._open.enter_context(ThorClient(self.params.simulator, self.simulators))

    @cached_property
    def workers(self) -> Workers:
        """Who draws, and scores if `execution.map_score` says so."""
        number = self.params.simulator.workers
        made = make_workers(self.params.execution, number, self.simulators / "cluster")
        return self._open.enter_context(made)

    @property
    def scorers(self) -> Scorers | None:
        """Who scores; None is this process."""
        execution = self.params.execution
        if not execution.map_score:
            return None
        return Scorers(self.workers, execution.items_per_task)

    @cached_property
    def renderer(self) -> RenderPool:
        """The simulators that draw."""
        most = self.params.execution.scenes_per_task
        return RenderPool(self.params.simulator, self.simulators, self.workers, most)

    @cached_property
    def rooms(self) -> Mapping[str, Room]:
        """The campaign's rooms as surveyed, by floor plan, in the order in which episodes visit
        them."""
        floor_plans = self.params.simulator.floor_plans
        self.simulator.survey_all(floor_plans)
        return rooms_of(self.simulator, floor_plans, self.params.sampling)

    def start_ahead(self) -> None:
        """Begin to start the simulator that measures, and to import the agent, while something
        else is done."""
        room, fov_deg = self.params.simulator.floor_plans[0], self.params.sampling.fov_deg
        self.simulator.start_ahead(room, fov_deg)
        Thread(target=agent_module, args=(self.params.agent.name,), name="agent's import").start()

    def close(self) -> None:
        """End the simulators. They start again if they are asked for again."""
        self._open.close()
        for name in ("simulator", "renderer", "workers"):
            self.__dict__.pop(name, None)

    def __enter__(self) -> "Resources":
        sweep_pipes()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
