"""Starting, scenes and settings."""

import numpy as np

from embedded_thor.actions.registry import ACTIONS, action, query, takes_without_effect
from embedded_thor.agents import BODIES, Body, Noise
from embedded_thor.model import FAR_M, NEAR_M
from embedded_thor.outcome import ActionFailed
from embedded_thor.procthor import PROCEDURAL, BadHouse, house_room
from embedded_thor.render import QUALITIES
from embedded_thor.rooms import SCENE_NAMES
from embedded_thor.session import Session
from embedded_thor.world import World

_LARGEST_PX = 4096


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
    _require(0.01 <= gridSize <= 5, f"gridSize must be in 0.01..5 metres, not {gridSize}")
    body = _body(agentMode)
    fov_deg = body.fov_deg if fieldOfView is None else fieldOfView
    _require(0 < fov_deg < 180, f"fov must be in (0, 180), not {fov_deg}")
    _require(1 <= agentCount <= 16, f"agentCount must be in 1..16, not {agentCount}")
    noise = Noise(movementGaussianMu, movementGaussianSigma, rotateGaussianMu, rotateGaussianSigma)
    _require(
        min(noise.move_deviation_m, noise.turn_deviation_deg) >= 0,
        "a Gaussian's sigma cannot be negative",
    )
    session.grid_m, session.snap_to_grid = gridSize, snapToGrid
    session.visibility_m, session.fov_deg = visibilityDistance, fov_deg
    session.rotate_deg = rotateStepDegrees
    session.noise = noise if agentMode == "locobot" and applyActionNoise else None
    session.depth_on, session.ids_always = renderDepthImage, renderInstanceSegmentation
    session.ids_on = renderInstanceSegmentation
    session.classes_on, session.normals_on = renderSemanticSegmentation, renderNormalsImage
    session.agents_visible, session.fast_emit = makeAgentsVisible, fastActionEmit
    del session.agents[1:]
    session.agents[0].body = body
    session.active_agent = 0
    session.add_agents(agentCount - 1)
    return {"cameraNearPlane": NEAR_M, "cameraFarPlane": FAR_M}


def _require(ok: bool, message: str) -> None:
    if not ok:
        raise ActionFailed(message, "InvalidArgument")


def _body(mode: str) -> Body:
    _require(mode in BODIES, f"agentMode {mode!r} is not one of {', '.join(BODIES)}")
    return BODIES[mode]


@query
def get_scenes_in_build(session: Session) -> list[str]:
    return [*(f"{name}_physics" for name in SCENE_NAMES), PROCEDURAL]


@action
def create_house(session: Session, house: dict[str, object]) -> dict[str, list[str]]:
    """Build a ProcTHOR house in the scene "Procedural"; the agent is put where its metadata says.

    Returns: {"unknownAssetIds": [...]}, what is left out for want of anything near it.
    """
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
    _require(
        0 < x <= _LARGEST_PX and 0 < y <= _LARGEST_PX,
        f"resolution {x}x{y} is out of range 1..{_LARGEST_PX}",
    )
    session.width, session.height = x, y


@action
def change_quality(session: Session, quality: str) -> None:
    known = ", ".join(QUALITIES)
    _require(quality in QUALITIES, f"quality {quality!r} is unknown. Valid: {known}")
    session.quality = QUALITIES[quality]


@action
def set_random_seed(session: Session, seed: int) -> None:
    session.rng = np.random.default_rng(seed & 0xFFFFFFFF)


@action
def done(session: Session) -> None: ...


ACTIONS["Pass"] = lambda session: None
