"""`python -m benchmarks.embedded_thor`: how fast the executable behind the Controller is.

Start, reset, steps and frames a second. Two executables run at once, one on each core, as in a
campaign; figures are of one executable unless they say "both". `--actions N` sends N random actions
to one executable instead, and says how its memory grew. `--rest` lets go of everything in every
floor plan at once, and counts what does not stay where it is.
"""

import argparse
import json
import multiprocessing as mp
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

os.environ.setdefault("MUJOCO_GL", "egl")
os.environ.setdefault("LP_NUM_THREADS", "0")  # as the executable sets them

import mujoco
import numpy as np
import psutil

from embedded_thor.actions import perform
from embedded_thor.packing import packed_agent, packed_answer
from embedded_thor.physics import settle
from embedded_thor.rooms import SCENE_NAMES, room
from embedded_thor.session import Session
from embedded_thor.world import World
from rls3.params import load_params
from rls3.thor.backend import make_backend
from rls3.thor.controller import SafeController, make_controller

REPEATS = 5
LOOK = {
    "rotation": {"x": 0, "y": 30, "z": 0},
    "horizon": 20.0,
    "standing": True,
    "forceAction": True,
}


def _start(folder: Path, size_px: int, **arguments: object) -> SafeController:
    params = load_params(Path("params.yaml")).simulator
    return make_controller(
        make_backend(params),
        folder,
        60.0,
        width=size_px,
        height=size_px,
        quality="Medium",
        **{"scene": "FloorPlan201", "renderInstanceSegmentation": True, **arguments},
    )


def _said(name: str, values: list[float], unit: str) -> None:
    spread = f"(min {min(values):.3f}, max {max(values):.3f})"
    print(f"{name:58} {statistics.median(values):9.3f} {unit}  {spread}", flush=True)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class _Pair:
    """Two client processes, each with an executable of its own.

    They do the same at the same time, as a campaign's rendering workers do.
    """

    def __init__(self, folder: Path) -> None:
        context = mp.get_context("spawn")
        self._pipes, self._processes, self.client_ms = [], [], 0.0
        for _ in range(2):
            mine, theirs = context.Pipe()
            process = context.Process(target=_client, args=(folder, theirs), daemon=True)
            process.start()
            self._pipes.append(mine)
            self._processes.append(process)
        for pipe in self._pipes:
            pipe.recv()

    def seconds(self, size_px: int, n: int, draw: bool) -> float:
        """Until both have looked around n times."""
        for pipe in self._pipes:
            pipe.send((size_px, 0, draw))
        for pipe in self._pipes:
            pipe.recv()
        started = time.perf_counter()
        for pipe in self._pipes:
            pipe.send((size_px, n, draw))
        # a client's CPU time for one
        self.client_ms = 1000 * max([pipe.recv() for pipe in self._pipes]) / max(n, 1)
        return time.perf_counter() - started

    def close(self) -> None:
        for pipe, process in zip(self._pipes, self._processes):
            pipe.send(None)
            process.join()


def _client(folder: Path, pipe: Connection) -> None:
    """A campaign's scene: a handful of objects, the others switched off; then what is asked for."""
    controller = _start(folder, 128)
    poses = [
        {"objectName": o["name"], "position": o["position"], "rotation": o["rotation"]}
        for o in controller.last_event.metadata["objects"]
        if o["pickupable"]
    ][:3]
    controller.act("SetObjectPoses", objectPoses=poses, placeStationary=True)
    pipe.send("ready")
    while (job := pipe.recv()) is not None:
        size_px, n, draw = job
        if n == 0:
            controller.act("ChangeResolution", x=size_px, y=size_px)
        started = time.process_time()
        _turns(controller, n, draw)
        pipe.send(time.process_time() - started)
    controller.stop()


def _turns(controller: SafeController, n: int, draw: bool) -> None:
    """n TeleportFull that look around a furnished room."""
    position = controller.last_event.metadata["agent"]["position"]
    for i in range(n):
        look = LOOK | {"rotation": {"x": 0, "y": 17.0 * i % 360, "z": 0}}
        controller.act("TeleportFull", position=position, renderImage=draw, **look)


def _speed(folder: Path) -> None:
    def starting() -> float:
        made: list[SafeController] = []
        seconds = _timed(lambda: made.append(_start(folder, 128)))
        made[0].stop()
        return seconds

    _said("start to first frame, 128 px", [starting() for _ in range(REPEATS)], "s")
    controller = _start(folder, 128)
    new = iter([f"FloorPlan{n}" for n in (2, 203, 305, 407, 9)])
    _said(
        "reset to a new floor plan",
        [_timed(lambda: controller.reset(next(new))) for _ in range(REPEATS)],
        "s",
    )
    _said(
        "reset to a floor plan that is kept",
        [_timed(lambda: controller.reset("FloorPlan201")) for _ in range(REPEATS)],
        "s",
    )
    controller.stop()
    pair, n = _Pair(folder), 600
    steps = [(n / pair.seconds(128, n, False), pair.client_ms) for _ in range(REPEATS)]
    _said("steps without image, three objects, both busy", [rate for rate, _ in steps], "/s in one")
    _said("ai2thor's client, CPU time of such a step", [ms for _, ms in steps], "ms")
    for size in (128, 224, 300):
        frames = [(2 * 150 / pair.seconds(size, 150, True), pair.client_ms) for _ in range(REPEATS)]
        _said(
            f"RGB and ids, {size} px, dataset quality, both",
            [rate for rate, _ in frames],
            "/s in total",
        )
        _said(
            f"ai2thor's client, CPU time of such a frame, {size} px", [ms for _, ms in frames], "ms"
        )
    pair.close()
    session = _session()
    _said(
        "the executable's own work for such a step, no wire",
        [_alone(session) for _ in range(REPEATS)],
        "/s in one",
    )
    for size in (128, 224):
        for name, quality in (("dataset quality", "dataset"), ("Very Low", "observation")):
            session.quality = quality
            rates = [_drawing(session, size) for _ in range(REPEATS)]
            _said(f"drawing alone, RGB and ids, {size} px, {name}", rates, "/s in one")
    for size in (128, 224):
        raw = _raw(session.world)
        _said(
            f"mujoco.Renderer, the same room, RGB and ids, {size} px",
            [raw(size) for _ in range(REPEATS)],
            "/s in one",
        )


def _session() -> Session:
    """The executable's state in this process: the same room, three objects."""
    session = Session(128, 128, quality="dataset")
    session.load("FloorPlan201_physics")
    perform(session, {"action": "Initialize", "renderInstanceSegmentation": True})
    kept = [item for item in session.world.items.values() if item.pickupable][:3]
    poses = [
        {
            "objectName": i.name,
            "position": dict(zip("xyz", map(float, i.position))),
            "rotation": {"y": 0.0},
        }
        for i in kept
    ]
    perform(session, {"action": "SetObjectPoses", "objectPoses": poses, "placeStationary": True})
    assert session.agent.outcome.success
    return session


def _alone(session: Session, n: int = 300) -> float:
    """Steps a second: the action, and its metadata packed."""

    def steps() -> None:
        for i in range(n):
            look = LOOK | {"rotation": {"x": 0, "y": 17.0 * i % 360, "z": 0}}
            perform(
                session,
                {
                    "action": "TeleportFull",
                    "x": 0.5,
                    "y": 0.901,
                    "z": 0.5,
                    "renderImage": False,
                    **look,
                },
            )
            packed_answer([packed_agent(session, with_images=False)], {"sequenceId": i})

    return n / _timed(steps)


def _drawing(session: Session, size_px: int, n: int = 100) -> float:
    """Frames a second with no protocol: what MuJoCo and Mesa do for one."""
    session.width = session.height = size_px

    def frames() -> None:
        for i in range(n):
            session.agent.yaw_deg = 17.0 * i % 360
            session.draw(session.view(), session.agent)

    frames()
    return n / _timed(frames)


def _raw(world: World) -> Callable[[int], float]:
    """Frames a second of MuJoCo's own Renderer, with the same shadows and multisampling."""

    def rate(size_px: int, n: int = 60) -> float:
        world.model.vis.quality.shadowsize, world.model.vis.quality.offsamples = 1024, 4
        world.model.vis.global_.offwidth = world.model.vis.global_.offheight = size_px
        camera = mujoco.MjvCamera()
        camera.lookat[:], camera.distance, camera.elevation = (0.5, 0.5, 1.576), 0.01, -20.0
        with mujoco.Renderer(world.model, size_px, size_px) as renderer:

            def frames() -> None:
                for i in range(n):
                    camera.azimuth = 17.0 * i
                    renderer.disable_segmentation_rendering()
                    renderer.update_scene(world.data, camera)
                    renderer.render()
                    renderer.enable_segmentation_rendering()
                    renderer.render()

            frames()
            return n / _timed(frames)

    return rate


def _endurance(folder: Path, n: int) -> None:
    rng = np.random.default_rng(0)
    controller = _start(folder, 64, renderDepthImage=True)
    server, process = controller.server, psutil.Process(controller.server.unity_proc.pid)
    ids = [o["objectId"] for o in controller.last_event.metadata["objects"]]
    names = [
        "MoveAhead",
        "MoveBack",
        "RotateLeft",
        "RotateRight",
        "LookUp",
        "LookDown",
        "Pass",
        "Teleport",
        "PickupObject",
        "DropHandObject",
        "PutObject",
        "OpenObject",
        "ToggleObjectOn",
        "SetObjectPoses",
        "GetReachablePositions",
        "RandomizeLighting",
        "RandomizeMaterials",
        "InitialRandomSpawn",
        "Reset",
        "Initialize",
        "Nonsense",
        "PlaceObjectAtPoint",
        "DisableObject",
        "EnableObject",
    ]
    values = [0, -1, 1e9, "x", None, [], {}, True, {"x": 0.5, "y": 0.9, "z": 0.5}]
    keys = [
        "objectId",
        "position",
        "rotation",
        "horizon",
        "degrees",
        "moveMagnitude",
        "objectPoses",
        "forceAction",
        "randomSeed",
        "nonsense",
    ]
    counts, slowest, early = {True: 0, False: 0}, 0.0, 0
    for i in range(n):
        action: dict[str, object] = {"action": str(rng.choice(names))}
        for key in rng.choice(keys, rng.integers(0, 3), replace=False):
            action[str(key)] = values[rng.integers(len(values))]
        if rng.random() < 0.5:
            action["objectId"] = ids[rng.integers(len(ids))]
        if action["action"] == "Reset":
            action["sceneName"] = f"FloorPlan{rng.integers(1, 31)}_physics"
        started = time.perf_counter()
        server.send(json.loads(json.dumps(action)))
        event = server.receive()
        slowest = max(slowest, time.perf_counter() - started)
        succeeded = event.metadata["lastActionSuccess"]
        counts[succeeded] += 1
        assert succeeded or event.metadata["errorMessage"], action
        if i == n // 10:
            early = process.memory_info().rss
    late = process.memory_info().rss
    print(
        f"{n} random actions: {counts[True]} done, {counts[False]} refused with a message, "
        f"slowest {slowest:.2f} s; memory {early / 2**20:.0f} MiB after {n // 10}, "
        f"{late / 2**20:.0f} MiB at the end ({100 * (late / early - 1):+.1f} %)"
    )
    controller.stop()


def _rest() -> None:
    """What moves by more than 2 cm or leans by more than 8 degrees when all objects are let go."""
    for every_color in (False, True):
        count, moved, seconds = 0, [], []
        for name in SCENE_NAMES:
            world = World(room(name, every_color))
            items = [item for item in world.items.values() if item.pickupable]
            before = {item.name: (item.position, item.matrix) for item in items}
            started = time.perf_counter()
            settle(world, items)
            seconds.append(time.perf_counter() - started)
            count += len(items)
            for item in items:
                position, matrix = before[item.name]
                upright = float((matrix.T @ item.matrix)[1, 1])
                if np.linalg.norm(item.position - position) > 0.02 or upright < np.cos(
                    np.radians(8)
                ):
                    moved.append(f"{name} {item.name}")
        furnished = "every colour" if every_color else "everyday"
        print(
            f"{furnished}: {len(moved)} of {count} objects in {len(SCENE_NAMES)} floor plans "
            f"moved {moved}; {statistics.median(seconds):.2f} s a floor plan"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--actions", type=int, default=0)
    parser.add_argument("--rest", action="store_true")
    arguments = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"median of {REPEATS}"
    )
    if arguments.rest:
        _rest()
        return
    with tempfile.TemporaryDirectory() as folder:
        if arguments.actions:
            _endurance(Path(folder), arguments.actions)
        else:
            _speed(Path(folder))


if __name__ == "__main__":
    main()
