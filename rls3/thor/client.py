"""SceneSpec -> Scene through AI2-THOR's actions. Knows the Controller, not who is behind it."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TypeVar

import numpy as np
from ai2thor.server import Event

from rls3.errors import RefusedAction, SimulatorError
from rls3.params import SimulatorParams
from rls3.scene.geometry import heading_axes
from rls3.scene.records import Kind, Placement, RoomSurvey, Scene, SceneSpec
from rls3.thor.backend import make_backend, quality_name
from rls3.thor.controller import SafeController, make_controller
from rls3.thor.metadata import ObjectEntry, camera_of, kind_of, scene_object, upright_box, xyz
from rls3.thor.survey import load_survey, save_survey, survey_path
from rls3.thor.surveying import survey_room

logger = logging.getLogger(__name__)
T = TypeVar("T")

_SURVEY_FOV_DEG = 60.0  # of a simulator that has not drawn yet; a survey depends on none
_FEWEST_FOR_TWO = 4  # floor plans, from which on a second simulator saves time


class ThorClient:
    """One simulator process; implements `rls3.scene.records.Simulator`. Use as a context manager.

    The state of a scene is set in full by each spec, so what was drawn before does not matter. A
    simulator that crashes or hangs is replaced, and the scene or survey is tried once more.
    """

    def __init__(self, params: SimulatorParams, runtime_dir: Path) -> None:
        """Raises: SimulatorError if there is no such executable; it is started when needed.

        Args:
            runtime_dir: for the simulator's log and the surveys.
        """
        self._params, self._runtime_dir = params, runtime_dir.resolve()
        self._backend = make_backend(params)
        self.label = self._backend.label
        self._controller: SafeController | None = None
        self._ahead: Thread | None = None
        self._fov_deg: float | None = None
        self._randomized = False
        self._objects: dict[Kind, ObjectEntry] = {}  # as the floor plan has them after Reset
        self._agent_y = 0.0

    def __enter__(self) -> "ThorClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_ahead(self, floor_plan: str, fov_deg: float) -> None:
        """Begin to start the simulator, in the background; what goes wrong is said to who uses
        it."""

        def start() -> None:
            with suppress(SimulatorError):
                self._open_floor_plan(floor_plan, fov_deg, fresh=False)

        self._ahead = Thread(target=start, name="start of the simulator")
        self._ahead.start()

    def _wait_for_start(self) -> None:
        if self._ahead is not None:
            self._ahead.join()
            self._ahead = None

    def close(self) -> None:
        self._wait_for_start()
        if self._controller is not None:
            self._controller.kill()
            self._controller = None

    @property
    def process_id(self) -> int | None:
        """Of the simulator; None while there is none."""
        return self._controller.server.unity_proc.pid if self._controller is not None else None

    # -- the Simulator protocol -------------------------------------------------------------------

    def measure(self, spec: SceneSpec) -> Scene:
        return self._twice(lambda: self._realise(spec, draw=False))

    def render(self, spec: SceneSpec) -> Scene:
        return self._twice(lambda: self._realise(spec, draw=True))

    def survey(self, floor_plan: str) -> RoomSurvey:
        """Measured once through the simulator, then read from a file beside the run."""
        path = survey_path(self._runtime_dir, self.label, floor_plan)
        survey = load_survey(path)
        if survey is None:
            survey = self._twice(lambda: self._measured_room(floor_plan))
            save_survey(survey, path)
        return survey

    def survey_all(self, floor_plans: Sequence[str]) -> None:
        """Survey floor plans with a second simulator beside this one; `survey` then reads.

        Does nothing unless there are workers for two.
        """
        missing = [
            name
            for name in floor_plans
            if not survey_path(self._runtime_dir, self.label, name).is_file()
        ]
        if self._params.workers < 2 or len(missing) < _FEWEST_FOR_TWO:
            return
        with ThorClient(self._params, self._runtime_dir) as other, ThreadPoolExecutor(1) as thread:
            theirs = thread.submit(lambda: [other.survey(name) for name in missing[1::2]])
            for name in missing[::2]:
                self.survey(name)
            theirs.result()

    def _measured_room(self, floor_plan: str) -> RoomSurvey:
        controller = self._enter(floor_plan, self._fov_deg or _SURVEY_FOV_DEG, fresh=True)
        return survey_room(controller, floor_plan, self._objects)

    # -- life of the simulator --------------------------------------------------------------------

    def _twice(self, work: Callable[[], T]) -> T:
        """Once more with another simulator if this one dies or hangs."""
        try:
            return work()
        except RefusedAction:
            raise
        except SimulatorError as error:
            logger.warning("%s; starting another simulator", error)
            self.close()
            return work()

    def _enter(self, floor_plan: str, fov_deg: float, fresh: bool = False) -> SafeController:
        """The controller, in this floor plan with this field of view.

        Args:
            fresh: whether everything must be as it is after Reset.
        """
        self._wait_for_start()
        return self._open_floor_plan(floor_plan, fov_deg, fresh)

    def _open_floor_plan(self, floor_plan: str, fov_deg: float, fresh: bool) -> SafeController:
        settings = {
            "fieldOfView": fov_deg,
            "renderInstanceSegmentation": True,
            "visibilityDistance": 10.0,
            "snapToGrid": False,
        }
        if self._controller is None:
            self._controller = self._started(floor_plan, settings)
        elif fresh or fov_deg != self._fov_deg or self._controller.scene != f"{floor_plan}_physics":
            self._reset(self._controller, floor_plan, settings)
        else:
            return self._controller
        self._fov_deg, self._randomized = fov_deg, False
        metadata = self._controller.last_event.metadata
        self._agent_y = metadata["agent"]["position"]["y"]
        self._objects = {}
        for entry in metadata["objects"]:
            if entry["pickupable"] and entry["objectOrientedBoundingBox"]:
                self._objects.setdefault(kind_of(entry), entry)
        return self._controller

    def _started(self, floor_plan: str, settings: dict[str, float]) -> SafeController:
        """Another simulator. Raises: SimulatorError."""
        return make_controller(
            self._backend,
            self._runtime_dir,
            self._params.action_timeout_s,
            width=self._params.width_px,
            height=self._params.height_px,
            quality=quality_name(self._params.quality),
            scene=floor_plan,
            **settings,
        )

    def _reset(
        self, controller: SafeController, floor_plan: str, settings: dict[str, float]
    ) -> None:
        """Raises: RefusedAction if there is no such floor plan, SimulatorError if it dies."""
        try:
            with controller.watchdog(self._backend.start_timeout_s):
                controller.reset(floor_plan, **settings)
        except ValueError as error:
            reason = str(error).split("\n")[1]
            raise RefusedAction(
                f"floor plan {floor_plan!r} is not in this simulator ({reason})"
            ) from None
        except Exception as error:
            raise SimulatorError(
                f"{floor_plan}: the simulator died during Reset ({error})"
            ) from error

    # -- realising a spec -------------------------------------------------------------------------

    def _realise(self, spec: SceneSpec, draw: bool) -> Scene:
        wants_random = bool(spec.light_seed or spec.material_seed)
        fresh = self._randomized and not wants_random
        controller = self._enter(spec.floor_plan, spec.viewpoint.fov_deg, fresh)
        if wants_random:
            self._randomize(controller, spec)
        names = [self._entry(placement.kind, spec)["name"] for placement in spec.placements]
        poses = [self._pose(placement) for placement in spec.placements]
        controller.act("SetObjectPoses", objectPoses=poses, placeStationary=True, renderImage=False)
        event = self._look(controller, spec, draw)
        by_name = {entry["name"]: entry for entry in event.metadata["objects"]}
        objects = tuple(
            scene_object(by_name[name], placement.kind, event if draw else None)
            for name, placement in zip(names, spec.placements)
        )
        image = None
        if draw:
            image = np.ascontiguousarray(event.frame)
            image.setflags(write=False)
        return Scene(spec, camera_of(event), objects, image, self.label)

    def _randomize(self, controller: SafeController, spec: SceneSpec) -> None:
        self._randomized = True
        for seed, action in (
            (spec.light_seed, "RandomizeLighting"),
            (spec.material_seed, "RandomizeMaterials"),
        ):
            if seed:
                controller.act("SetRandomSeed", seed=seed, renderImage=False)
                controller.act(action, renderImage=False)

    def _entry(self, kind: Kind, spec: SceneSpec) -> ObjectEntry:
        """The object of that kind. Raises: RefusedAction if the floor plan has none."""
        if kind not in self._objects:
            raise RefusedAction(
                f"{spec.floor_plan} has no {kind.color} {kind.type}; "
                "choose from the kinds of its survey"
            )
        return self._objects[kind]

    def _pose(self, placement: Placement) -> dict[str, object]:
        """An entry of `objectPoses`.

        Pivots are arbitrary in AI2-THOR: the offset from the pivot to the bottom of the box is
        measured on the object as the floor plan has it, then turned with the placement.
        """
        entry = self._objects[placement.kind]
        box = upright_box(entry)
        bottom = np.array(box.center) - np.array([0, box.size[1] / 2, 0])
        turn_deg = placement.yaw_deg - entry["rotation"]["y"]
        x, y, z = placement.position + _turned(xyz(entry["position"]) - bottom, turn_deg)
        return {
            "objectName": entry["name"],
            "position": {"x": float(x), "y": float(y), "z": float(z)},
            "rotation": {"x": 0.0, "y": placement.yaw_deg, "z": 0.0},
        }

    def _look(self, controller: SafeController, spec: SceneSpec, draw: bool) -> Event:
        """Put the agent where the spec wants it; the answer has the picture."""
        view = spec.viewpoint
        return controller.act(
            "TeleportFull",
            x=view.x,
            y=self._agent_y,
            z=view.z,
            rotation={"x": 0, "y": view.yaw_deg, "z": 0},
            horizon=view.horizon_deg,
            standing=view.standing,
            forceAction=True,
            renderImage=draw,
        )


def _turned(offset: np.ndarray, yaw_deg: float) -> np.ndarray:
    """A vector (3,) turned about +y, clockwise seen from above."""
    right, ahead = heading_axes(yaw_deg)
    return offset[0] * right + np.array([0, offset[1], 0]) + offset[2] * ahead
