"""Cameras, light, materials."""

from embedded_thor.actions.registry import Position, action, xyz
from embedded_thor.listing import vector
from embedded_thor.outcome import ActionFailed
from embedded_thor.render import View
from embedded_thor.session import Session


def _camera(position: Position, rotation: Position, fov: float) -> View:
    if not 0 < fov < 180:
        raise ActionFailed(f"fieldOfView must be in (0, 180), not {fov}", "InvalidArgument")
    return View(xyz(position), float(rotation.get("y", 0)), float(rotation.get("x", 0)), fov)


@action
def add_third_party_camera(
    session: Session, position: Position, rotation: Position, fieldOfView: float = 90.0
) -> None:
    session.cameras.append(_camera(position, rotation, fieldOfView))


@action
def update_third_party_camera(
    session: Session,
    thirdPartyCameraId: int = 0,
    position: Position | None = None,
    rotation: Position | None = None,
    fieldOfView: float | None = None,
) -> None:
    if not 0 <= thirdPartyCameraId < len(session.cameras):
        raise ActionFailed(
            f"there is no third-party camera {thirdPartyCameraId}", "InvalidArgument"
        )
    old = session.cameras[thirdPartyCameraId]
    session.cameras[thirdPartyCameraId] = _camera(
        position or vector(old.position),
        rotation or {"x": old.pitch_deg, "y": old.yaw_deg},
        fieldOfView or old.fov_deg,
    )


@action
def randomize_lighting(
    session: Session,
    brightness: list[object] | None = None,
    randomizeColor: bool = True,
    hue: list[object] | None = None,
    saturation: list[object] | None = None,
    synchronized: bool = False,
) -> None:
    low, high = brightness or (0.5, 1.5)
    session.world.randomize_lighting(session.rng, (float(low), float(high)), randomizeColor)
    session.world.sync()


@action
def randomize_materials(
    session: Session,
    useTrainMaterials: bool | None = None,
    useValMaterials: bool | None = None,
    useTestMaterials: bool | None = None,
    inRoomTypes: list[object] | None = None,
) -> None:
    session.world.randomize_materials(session.rng)


@action
def reset_materials(session: Session) -> None:
    session.world.reset_materials()
