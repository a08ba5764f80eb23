"""Rendering over several simulator processes.

Results come in the order of the specs, whoever drew them.
"""

import multiprocessing as mp
import os
import queue
from collections.abc import Callable, Sequence
from pathlib import Path

from rls3.errors import RefusedAction, SimulatorError
from rls3.params import SimulatorParams
from rls3.scene.records import RenderFailure, Scene, SceneSpec
from rls3.thor.backend import make_backend
from rls3.thor.client import ThorClient
from rls3.thor.controller import deaf_to_interrupts

_PATIENCE_S = 2.0  # between looks at whether the other side is still alive


class RenderPool:
    """Worker processes, each with a simulator of its own; implements `scene.records.Renderer`.

    They are started when first needed and kept. A context manager.
    """

    def __init__(self, params: SimulatorParams, runtime_dir: Path) -> None:
        self._params, self._runtime_dir = params, runtime_dir
        self._context = mp.get_context("spawn")
        self._workers: list[mp.process.BaseProcess] = []

    def __enter__(self) -> "RenderPool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End workers and their simulators."""
        for worker in self._workers:
            if worker.is_alive():
                self._jobs.put(None)
        for worker in self._workers:
            worker.join(5)
            if worker.is_alive():
                worker.kill()
                worker.join()
        if self._workers:
            for channel in (self._jobs, self._results):
                channel.close()
                channel.cancel_join_thread()
            del self._jobs, self._results  # their semaphores go with them
        self._workers = []

    def _start(self) -> None:
        if self._workers and all(worker.is_alive() for worker in self._workers):
            return
        make_backend(self._params)  # raises here what a worker could only die of
        self.close()
        self._jobs, self._results = self._context.Queue(), self._context.Queue()
        for i in range(self._params.workers):
            worker = self._context.Process(
                target=_work,
                args=(self._params, self._runtime_dir, self._jobs, self._results, os.getpid()),
                daemon=True,
                name=f"renderer-{i}",
            )
            with deaf_to_interrupts():
                worker.start()
            self._workers.append(worker)

    def render(
        self, specs: Sequence[SceneSpec], on_done: Callable[[int], None] | None = None
    ) -> list[Scene | RenderFailure]:
        """Draw every spec; floor plans are kept together, for changing one costs a reset.

        Args:
            on_done: called with the number of scenes finished.
        Raises: SimulatorError if the simulator does not start, or a worker dies.
        """
        if not specs:
            return []
        self._start()
        order = sorted(range(len(specs)), key=lambda i: specs[i].floor_plan)
        for i in order:
            self._jobs.put((i, specs[i].to_json()))
        done: dict[int, Scene | RenderFailure] = {}
        while len(done) < len(specs):
            try:
                index, result = self._results.get(timeout=_PATIENCE_S)
            except queue.Empty:
                if not all(worker.is_alive() for worker in self._workers):
                    self.close()
                    raise SimulatorError(
                        "a rendering worker died; run again to continue, or lower simulator.workers"
                    ) from None
                continue
            if isinstance(result, SimulatorError):
                self.close()
                raise result
            done[index] = result
            if on_done is not None:
                on_done(len(done))
        return [done[i] for i in range(len(specs))]


def _work(
    params: SimulatorParams, runtime_dir: Path, jobs: mp.Queue, results: mp.Queue, parent: int
) -> None:
    """A worker's loop: JSON spec in, Scene or reason out. Ends with its parent."""
    with ThorClient(params, runtime_dir) as client:
        while os.getppid() == parent:
            try:
                job = jobs.get(timeout=_PATIENCE_S)
            except queue.Empty:
                continue
            if job is None:
                return
            index, text = job
            result = _result(client, SceneSpec.from_json(text))
            results.put((index, result))
            if isinstance(result, SimulatorError):
                return


def _result(client: ThorClient, spec: SceneSpec) -> Scene | RenderFailure | SimulatorError:
    """An error is returned if not even a fresh simulator starts."""
    try:
        return client.render(spec)
    except RefusedAction as error:
        return RenderFailure(spec, str(error))
    except SimulatorError as error:
        if client.process_id is None:
            return SimulatorError(str(error))
        return RenderFailure(spec, str(error))
