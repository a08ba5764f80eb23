"""Rendering over several simulators, as tasks that are mapped over workers.

Results come in the order of the specs, whoever drew them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from rls3.errors import ExecutionError, RefusedAction, SimulatorError
from rls3.execution.kept import kept
from rls3.execution.processes import Processes
from rls3.execution.workers import Workers
from rls3.params import SimulatorParams
from rls3.scene.records import RenderFailure, Scene, SceneSpec
from rls3.thor.backend import make_backend
from rls3.thor.client import ThorClient

SCENES_PER_TASK = 16


@dataclass(frozen=True)
class _Setting:
    """What a worker must know to start a simulator."""

    params: SimulatorParams
    runtime_dir: Path


class RenderPool:
    """Workers, each with a simulator of its own; implements `scene.records.Renderer`.

    A context manager, which ends the workers.
    """

    def __init__(
        self,
        params: SimulatorParams,
        runtime_dir: Path,
        workers: Workers | None = None,
        scenes_per_task: int = SCENES_PER_TASK,
    ) -> None:
        """Args:
        runtime_dir: for logs of simulators; a worker elsewhere makes a folder of that name.
        workers: who draws; `simulator.workers` processes of this machine if none are given.
        """
        self._setting = _Setting(params, runtime_dir.resolve())
        self._workers = workers or Processes(params.workers)
        self._scenes_per_task = scenes_per_task

    def __enter__(self) -> "RenderPool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End workers and their simulators."""
        self._workers.close()

    def render(
        self, specs: Sequence[SceneSpec], on_done: Callable[[int], None] | None = None
    ) -> list[Scene | RenderFailure]:
        """Draw every spec.

        Args:
            on_done: called with the number of scenes finished, after each task.
        Raises: SimulatorError if the simulator does not start, or workers are lost.
        """
        if not specs:
            return []
        make_backend(self._setting.params)  # raises here what a worker could only die of
        tasks = list(_tasks(specs, self._scenes_per_task))
        texts = [tuple(specs[i].to_json() for i in task) for task in tasks]
        done: dict[int, Scene | RenderFailure] = {}
        try:
            for number, drawn in self._workers.map(_draw, self._setting, texts):
                done.update(zip(tasks[number], drawn, strict=True))
                if on_done is not None:
                    on_done(len(done))
        except ExecutionError as error:
            raise SimulatorError(str(error)) from error
        except SimulatorError:
            self.close()
            raise
        return [done[i] for i in range(len(specs))]


def _tasks(specs: Sequence[SceneSpec], most: int) -> Iterator[tuple[int, ...]]:
    """Indices of the scenes that are drawn in one go: of one floor plan, for changing it costs a
    reset. They depend on the specs and on `most` alone."""
    order = sorted(range(len(specs)), key=lambda i: specs[i].floor_plan)
    for _, group in groupby(order, key=lambda i: specs[i].floor_plan):
        indices = list(group)
        for start in range(0, len(indices), most):
            yield tuple(indices[start : start + most])


def _draw(setting: _Setting, texts: Sequence[str]) -> list[Scene | RenderFailure]:
    """A task: JSON specs in, Scene or reason out. Raises: SimulatorError if not even a fresh
    simulator starts."""
    client = kept(
        (setting.params.model_dump_json(), setting.runtime_dir),
        lambda: ThorClient(setting.params, setting.runtime_dir),
    )
    return [_result(client, SceneSpec.from_json(text)) for text in texts]


def _result(client: ThorClient, spec: SceneSpec) -> Scene | RenderFailure:
    try:
        return client.render(spec)
    except RefusedAction as error:
        return RenderFailure(spec, str(error))
    except SimulatorError as error:
        if client.process_id is None:
            raise SimulatorError(str(error)) from None
        return RenderFailure(spec, str(error))
