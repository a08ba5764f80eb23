"""Starting, scenes and settings."""

from typing import Any

import numpy as np

from embedded_thor.actions.registry import ACTIONS, action, query, takes_without_effect
from embedded_thor.procthor import PROCEDURAL, BadHouse, house_room
from embedded_thor.render import QUALITIES
from embedded_thor.rooms import SCENE_NAMES
from embedded_thor.session import BODIES, ActionFailed, Noise, Session
from embedded_thor.world import FAR_M, NEAR_M, World


@action
def reset(session: Session, sceneName: str | None = None) -> None:
    if sceneName is None:
        raise ActionFailed("Reset needs sceneName", "MissingArguments")
    session.load(sceneName)


@takes_without_effect(
    "agentControllerType",
    "allowDecayTemperature",
    "alwaysReturnVisibleRange",
    "autoSimulation",
    "autoSyncTransforms",
    "cameraFarPlane",
    "cameraNearPlane",
    "fixedDeltaTime",
    "massThreshold",
    "renderFlowImage",
    "simplifyPhysics",
    "targetFrameRate",
    "timeScale",
    "timeStep",
    "TimeToWaitForObjectsToComeToRest",
    "useMassThreshold",
)
@action
def initialize(
    session: Session,
    gridSize: float = 0.25,
    visibilityDistance: float = 1.5,
    fieldOfView: float | None = None,
    snapToGrid: bool = True,
    renderDepthImage: bool = False,
    renderInstanceSegmentation: bool = False,
    renderSemanticSegmentation: bool = False,
    renderNormalsImage: bool = False,
    renderImage: bool = True,
    rotateStepDegrees: float = 90.0,
    agentMode: str = "default",
    agentCount: int = 1,
    makeAgentsVisible: bool = True,
    fastActionEmit: bool = True,
    visibilityScheme: str = "Distance",
    applyActionNoise: bool = True,
    movementGaussianMu: float = 0.001,
    movementGaussianSigma: float = 0.005,
    rotateGaussianMu: float = 0.0,
    rotateGaussianSigma: float = 0.5,
) -> dict[str, float]:
    if not 0.01 <= gridSize <= 5:
        raise ActionFailed(f"gridSize must be in 0.01..5 metres, not {gridSize}", "InvalidArgument")
    body = BODIES.get(agentMode)
    if body is None:
        raise ActionFailed(
            f"agentMode {agentMode!r} is not one of {', '.join(BODIES)}", "InvalidArgument"
        )
    fieldOfView = body.fov_deg if fieldOfView is None else fieldOfView
    if not 0 < fieldOfView < 180:
        raise ActionFailed(f"fov must be in (0, 180), not {fieldOfView}", "InvalidArgument")
    if not 1 <= agentCount <= 16:
        raise ActionFailed(f"agentCount must be in 1..16, not {agentCount}", "InvalidArgument")
    if min(movementGaussianSigma, rotateGaussianSigma) < 0:
        raise ActionFailed("a Gaussian's sigma cannot be negative", "InvalidArgument")
    session.grid_m, session.visibility_m, session.fov_deg = (
        gridSize,
        visibilityDistance,
        fieldOfView,
    )
    session.snap_to_grid, session.rotate_deg = snapToGrid, rotateStepDegrees
    noisy = agentMode == "locobot" and applyActionNoise
    session.noise = (
        Noise(movementGaussianMu, movementGaussianSigma, rotateGaussianMu, rotateGaussianSigma)
        if noisy
        else None
    )
    session.depth_on, session.ids_always = renderDepthImage, renderInstanceSegmentation
    session.ids_on = renderInstanceSegmentation
    session.classes_on, session.normals_on = renderSemanticSegmentation, renderNormalsImage
    session.agents_visible, session.fast_emit = makeAgentsVisible, fastActionEmit
    del session.agents[1:]
    session.agents[0].body = body
    session.active_agent = 0
    session.add_agents(agentCount - 1)
    return {"cameraNearPlane": NEAR_M, "cameraFarPlane": FAR_M}


@query
def get_scenes_in_build(session: Session) -> list[str]:
    return [*(f"{name}_physics" for name in SCENE_NAMES), PROCEDURAL]


@action
def create_house(session: Session, house: dict[Any, Any]) -> dict[str, list[str]]:
    """Build a ProcTHOR house in the scene "Procedural" and put the agent where its metadata says. Returns
    {"unknownAssetIds": [...]}: what is left out for want of anything near it."""
    if session.scene_name != PROCEDURAL:
        raise ActionFailed(
            f"CreateHouse works in the scene {PROCEDURAL!r}; Reset to it first", "InvalidOperation"
        )
    try:
        room, unknown = house_room(house)
        world = World(room)
    except (BadHouse, ValueError) as error:  # ValueError: MuJoCo cannot compile it
        raise ActionFailed(str(error), "InvalidArgument") from None
    others = len(session.agents) - 1
    session.enter(PROCEDURAL, world)
    session.add_agents(others)
    return {"unknownAssetIds": unknown}


@action
def change_resolution(session: Session, x: int, y: int) -> None:
    if not (0 < x <= 4096 and 0 < y <= 4096):
        raise ActionFailed(f"resolution {x}x{y} is out of range 1..4096", "InvalidArgument")
    session.width, session.height = x, y


@action
def change_quality(session: Session, quality: str) -> None:
    if quality not in QUALITIES:
        raise ActionFailed(
            f"quality {quality!r} is unknown. Valid: {', '.join(QUALITIES)}", "InvalidArgument"
        )
    session.quality = QUALITIES[quality]


@action
def set_random_seed(session: Session, seed: int) -> None:
    session.rng = np.random.default_rng(seed & 0xFFFFFFFF)


@action
def done(session: Session) -> None: ...


ACTIONS["Pass"] = lambda session: None
