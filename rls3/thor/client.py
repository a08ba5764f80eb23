"""SceneSpec -> Scene through AI2-THOR's actions. Knows the Controller, not who is behind it."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from rls3.errors import SimulatorError
from rls3.language.caption import COLORS
from rls3.params import SimulatorParams
from rls3.scene.geometry import heading_axes
from rls3.scene.records import (
    Box,
    Camera,
    Kind,
    Placement,
    RoomSurvey,
    Scene,
    SceneObject,
    SceneSpec,
    Surface,
)
from rls3.thor.backend import make_backend, quality_name
from rls3.thor.controller import RefusedAction, SafeController, make_controller
from rls3.thor.survey import load_survey, save_survey, survey_path

logger = logging.getLogger(__name__)


class ThorClient:
    """One simulator process; implements `rls3.scene.records.Simulator`. Use as a context manager.

    The state of a scene is set in full by each spec, so what was drawn before does not matter. A simulator that crashes
    or hangs is replaced, and the scene is tried once more.
    """

    def __init__(self, params: SimulatorParams, runtime_dir: Path) -> None:
        self._params, self._runtime_dir = params, runtime_dir.resolve()
        self._backend = make_backend(params)
        self.label = self._backend.label
        self._controller: SafeController | None = None
        self._fov_deg: float | None = None
        self._randomized = False
        self._objects: dict[Kind, dict[str, Any]] = {}
        self._agent_y = 0.0

    def __enter__(self) -> "ThorClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._controller is not None:
            self._controller.kill()
            self._controller = None

    @property
    def process_id(self) -> int | None:
        """Of the simulator; None while there is none."""
        return self._controller.server.unity_proc.pid if self._controller is not None else None

    # -- the Simulator protocol ------------------------------------------------------------------------------------

    def measure(self, spec: SceneSpec) -> Scene:
        return self._twice(spec, draw=False)

    def render(self, spec: SceneSpec) -> Scene:
        return self._twice(spec, draw=True)

    def survey(self, floor_plan: str) -> RoomSurvey:
        """Measured once through the simulator, then read from a file beside the run."""
        path = survey_path(self._runtime_dir, self.label, floor_plan)
        survey = load_survey(path)
        if survey is None:
            survey = self._survey(floor_plan)
            save_survey(survey, path)
        return survey

    def survey_all(self, floor_plans: Sequence[str]) -> None:
        """Survey floor plans with a second simulator beside this one, if there are workers for two; `survey` then reads."""
        missing = [
            name
            for name in floor_plans
            if not survey_path(self._runtime_dir, self.label, name).is_file()
        ]
        if self._params.workers < 2 or len(missing) < 4:
            return
        with ThorClient(self._params, self._runtime_dir) as other, ThreadPoolExecutor(1) as thread:
            theirs = thread.submit(lambda: [other.survey(name) for name in missing[1::2]])
            for name in missing[::2]:
                self.survey(name)
            theirs.result()

    # -- life of the simulator -------------------------------------------------------------------------------------

    def _twice(self, spec: SceneSpec, draw: bool) -> Scene:
        try:
            return self._realise(spec, draw)
        except RefusedAction:
            raise
        except SimulatorError as error:
            logger.warning("%s; starting another simulator", error)
            self.close()
            return self._realise(spec, draw)

    def _enter(self, floor_plan: str, fov_deg: float, fresh: bool = False) -> SafeController:
        """The controller, in this floor plan with this field of view."""
        settings = {
            "fieldOfView": fov_deg,
            "renderInstanceSegmentation": True,
            "visibilityDistance": 10.0,
            "snapToGrid": False,
        }
        if self._controller is None:
            self._controller = make_controller(
                self._backend,
                self._runtime_dir,
                self._params.action_timeout_s,
                width=self._params.width_px,
                height=self._params.height_px,
                quality=quality_name(self._params.quality),
                scene=floor_plan,
                **settings,
            )
        elif fresh or fov_deg != self._fov_deg or self._controller.scene != f"{floor_plan}_physics":
            try:
                with self._controller.watchdog(self._backend.start_timeout_s):
                    self._controller.reset(floor_plan, **settings)
            except ValueError as error:
                raise RefusedAction(
                    f"floor plan {floor_plan!r} is not in this simulator ({str(error).split(chr(10))[1]})"
                ) from None
            except Exception as error:
                raise SimulatorError(
                    f"{floor_plan}: the simulator died during Reset ({error})"
                ) from error
        else:
            return self._controller
        self._fov_deg, self._randomized = fov_deg, False
        metadata = self._controller.last_event.metadata
        self._agent_y = metadata["agent"]["position"]["y"]
        self._objects = {}
        for entry in metadata["objects"]:
            if entry["pickupable"] and entry["objectOrientedBoundingBox"]:
                self._objects.setdefault(_kind(entry), entry)
        return self._controller

    # -- realising a spec ------------------------------------------------------------------------------------------

    def _realise(self, spec: SceneSpec, draw: bool) -> Scene:
        wants_random = bool(spec.light_seed or spec.material_seed)
        controller = self._enter(
            spec.floor_plan, spec.viewpoint.fov_deg, fresh=self._randomized and not wants_random
        )
        if wants_random:
            self._randomize(controller, spec)
        names = [
            self._objects[p.kind]["name"] if p.kind in self._objects else _missing(p.kind, spec)
            for p in spec.placements
        ]
        poses = [self._pose(placement) for placement in spec.placements]
        controller.act("SetObjectPoses", objectPoses=poses, placeStationary=True, renderImage=False)
        view = spec.viewpoint
        event = controller.act(
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
        metadata = event.metadata
        by_name = {entry["name"]: entry for entry in metadata["objects"]}
        objects = tuple(
            _scene_object(by_name[name], placement.kind, event if draw else None)
            for name, placement in zip(names, spec.placements)
        )
        eye = metadata["cameraPosition"]
        agent = metadata["agent"]
        camera = Camera(
            (eye["x"], eye["y"], eye["z"]),
            agent["rotation"]["y"],
            agent["cameraHorizon"],
            metadata["fov"],
        )
        image = None
        if draw:
            image = np.ascontiguousarray(event.frame)
            image.setflags(write=False)
        return Scene(spec, camera, objects, image, self.label)

    def _randomize(self, controller: SafeController, spec: SceneSpec) -> None:
        self._randomized = True
        for seed, action in (
            (spec.light_seed, "RandomizeLighting"),
            (spec.material_seed, "RandomizeMaterials"),
        ):
            if seed:
                controller.act("SetRandomSeed", seed=seed, renderImage=False)
                controller.act(action, renderImage=False)

    def _pose(self, placement: Placement) -> dict[str, Any]:
        """Pivots are arbitrary in AI2-THOR: the offset from the pivot to the bottom of the box is measured on the
        object as the floor plan has it, then turned with the placement."""
        entry = self._objects[placement.kind]
        box = _upright_box(entry)
        pivot = _xyz(entry["position"])
        bottom = np.array(box.center) - np.array([0, box.size[1] / 2, 0])
        offset = _turned(pivot - bottom, placement.yaw_deg - entry["rotation"]["y"])
        x, y, z = np.array(placement.position) + offset
        return {
            "objectName": entry["name"],
            "position": {"x": float(x), "y": float(y), "z": float(z)},
            "rotation": {"x": 0.0, "y": placement.yaw_deg, "z": 0.0},
        }

    # -- surveying -------------------------------------------------------------------------------------------------

    def _survey(self, floor_plan: str) -> RoomSurvey:
        controller = self._enter(floor_plan, self._fov_deg or 60.0, fresh=True)
        kinds = {kind: _upright_box(entry).size for kind, entry in self._objects.items()}
        event = controller.act(
            "SetObjectPoses", objectPoses=[], placeStationary=True, renderImage=False
        )
        entries = [e for e in event.metadata["objects"] if not e["pickupable"]]
        surfaces = []
        for entry in entries:
            if not entry["receptacle"]:
                continue
            try:
                event = controller.act(
                    "GetSpawnCoordinatesAboveReceptacle",
                    objectId=entry["objectId"],
                    anywhere=True,
                    renderImage=False,
                )
            except RefusedAction:
                continue  # a receptacle without room on it
            points = np.array([_xyz(p) for p in event.metadata["actionReturn"]]).reshape(-1, 3)
            if len(points):
                surfaces.append(Surface(entry["objectId"], entry["objectType"], points))
        standpoints = controller.act("GetReachablePositions", renderImage=False).metadata[
            "actionReturn"
        ]
        furniture = _outermost([_aligned_box(e) for e in entries if e["objectType"] != "Floor"])
        bounds = np.array(event.metadata["sceneBounds"]["cornerPoints"])
        eyes = self._eye_heights(controller)
        return RoomSurvey(
            floor_plan,
            tuple(map(float, bounds.min(axis=0))),
            tuple(map(float, bounds.max(axis=0))),
            tuple(surfaces),
            np.array([(p["x"], p["z"]) for p in standpoints]).reshape(-1, 2),
            furniture,
            kinds,
            eyes,
        )

    def _eye_heights(self, controller: SafeController) -> tuple[float, float]:
        agent = controller.last_event.metadata["agent"]["position"]
        heights = []
        for standing in (True, False):
            event = controller.act(
                "TeleportFull",
                **agent,
                rotation={"x": 0, "y": 0, "z": 0},
                horizon=0.0,
                standing=standing,
                forceAction=True,
                renderImage=False,
            )
            heights.append(float(event.metadata["cameraPosition"]["y"]))
        return heights[0], heights[1]


def _xyz(position: dict[str, float]) -> np.ndarray:
    return np.array([position["x"], position["y"], position["z"]])


def _turned(offset: np.ndarray, yaw_deg: float) -> np.ndarray:
    right, ahead = heading_axes(yaw_deg)
    return offset[0] * right + np.array([0, offset[1], 0]) + offset[2] * ahead


def _kind(entry: dict[str, Any]) -> Kind:
    """Type from AI2-THOR's objectType; colour from the name where it holds one ("Mug_Red_1")."""
    color = next((word for word in entry["name"].lower().split("_") if word in COLORS), "")
    return Kind(entry["objectType"], color)


def _missing(kind: Kind, spec: SceneSpec) -> str:
    raise RefusedAction(
        f"{spec.floor_plan} has no {kind.color} {kind.type}; choose from the kinds of its survey"
    )


def _upright_box(entry: dict[str, Any]) -> Box:
    """The oriented box, as an upright box with the object's yaw."""
    corners = np.array(entry["objectOrientedBoundingBox"]["cornerPoints"])
    center, yaw = corners.mean(axis=0), entry["rotation"]["y"]
    right, ahead = heading_axes(yaw)
    size = (np.ptp(corners @ right), np.ptp(corners[:, 1]), np.ptp(corners @ ahead))
    return Box(tuple(map(float, center)), tuple(map(float, size)), float(yaw))


def _aligned_box(entry: dict[str, Any]) -> Box:
    box = entry["axisAlignedBoundingBox"]
    return Box(tuple(map(float, _xyz(box["center"]))), tuple(map(float, _xyz(box["size"]))))


def _outermost(boxes: Sequence[Box], beyond_m: float = 0.02) -> tuple[Box, ...]:
    """Without those that another holds, but for a handle: drawers and doors add nothing to the outline of their piece."""
    center, half = (
        np.array([b.center for b in boxes]).reshape(-1, 3),
        np.array([b.size for b in boxes]).reshape(-1, 3) / 2,
    )
    low, high = center - half, center + half
    inside = np.all((low[:, None] >= low - beyond_m) & (high[:, None] <= high + beyond_m), axis=2)
    volume = np.prod(half, axis=1)
    held = (inside & (volume[:, None] < volume)).any(axis=1)
    return tuple(box for box, is_held in zip(boxes, held) if not is_held)


def _scene_object(entry: dict[str, Any], kind: Kind, event: Any | None) -> SceneObject:
    visible_px, box_px = 0, None
    if event is not None and entry["objectId"] in event.instance_masks:
        mask = event.instance_masks[entry["objectId"]]
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        visible_px = int(mask.sum())
        box_px = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    parents = entry["parentReceptacles"] or []
    parent = parents[0].split("|")[0] if parents else ""
    return SceneObject(
        entry["objectId"], entry["name"], kind, _upright_box(entry), visible_px, box_px, parent
    )
