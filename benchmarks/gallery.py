"""`python -m benchmarks.gallery`, `make gallery`: contact sheets of rooms and objects in docs/."""

import math
import tempfile
from pathlib import Path

import numpy as np
from ai2thor.controller import Controller
from ai2thor.server import Event
from PIL import Image

from embedded_thor.procthor.schema import House, ObjectEntry
from embedded_thor.things.assets import ASSET_TYPES, VARIANTS
from embedded_thor.things.materials import COLORS
from rls3.params import SimulatorParams, load_params
from rls3.thor.backend import embedded_command, make_backend
from rls3.thor.controller import make_controller


def _sheet(images: list[np.ndarray], columns: int, size_px: int) -> Image.Image:
    """Images in rows, each at `size_px`; what is left over in the last row is white."""
    rows = math.ceil(len(images) / columns)
    sheet = Image.new("RGB", (columns * size_px, rows * size_px), "white")
    for i, image in enumerate(images):
        small = Image.fromarray(image).resize((size_px, size_px), Image.Resampling.LANCZOS)
        sheet.paste(small, (i % columns * size_px, i // columns * size_px))
    return sheet


def _rooms(simulator: SimulatorParams, folder: Path) -> list[np.ndarray]:
    """Every floor plan as it is after Reset, from the corner that shows the most objects."""
    controller: Controller = make_controller(
        make_backend(simulator),
        folder,
        30.0,
        width=300,
        height=300,
        quality="Very Low",
        fieldOfView=80.0,
        renderInstanceSegmentation=True,
        scene="FloorPlan1",
    )
    images = []
    for name in controller.ithor_scenes():
        controller.act("ChangeQuality", quality="Very Low")
        box = controller.reset(name).metadata["sceneBounds"]
        center = np.array([box["center"]["x"], box["center"]["z"]])
        half = np.array([box["size"]["x"], box["size"]["z"]]) / 2 - 0.45

        def look(sign: tuple[int, int], center=center, half=half) -> Event:
            x, z = center + half * sign
            yaw = math.degrees(math.atan2(-half[0] * sign[0], -half[1] * sign[1]))
            return controller.act(
                "TeleportFull",
                x=float(x),
                y=0.901,
                z=float(z),
                rotation={"x": 0, "y": yaw, "z": 0},
                horizon=20.0,
                standing=True,
                forceAction=True,
            )

        best = max(
            ((1, 1), (1, -1), (-1, 1), (-1, -1)), key=lambda sign: len(look(sign).instance_masks)
        )
        controller.act("ChangeQuality", quality="Ultra")
        images.append(look(best).frame)
    controller.stop()
    return images


def _house() -> House:
    """A small ProcTHOR house whose table bears every type of object.

    Each is there in all of its shapes, in turning colours.
    """

    def thing(
        id_: str, asset_id: str, y: float, color: tuple[float, float, float] | None = None
    ) -> ObjectEntry:
        entry = {
            "id": id_,
            "assetId": asset_id,
            "position": {"x": 0.0, "y": y, "z": 0.0},
            "rotation": {"y": 0.0},
        }
        return entry | ({"color": dict(zip("rgb", color))} if color else {})

    corners = [(-2, -2), (-2, 2), (2, 2), (2, -2)]
    walls = [
        {
            "id": f"wall|{i}",
            "roomId": "room|0",
            "material": {"name": "Plaster"},
            "polygon": [
                {"x": x, "y": y, "z": z} for y in (0, 2.6) for x, z in (corners[i], corners[i - 1])
            ],
        }
        for i in range(4)
    ]
    things = [
        thing(f"{kind}|{shape}", f"{kind}_{shape}", 1.0, list(COLORS.values())[(i + shape) % 5])
        for i, kind in enumerate(ASSET_TYPES)
        for shape in range(1, VARIANTS + 1)
    ]
    room = {
        "id": "room|0",
        "floorMaterial": {"name": "Wood"},
        "floorPolygon": [{"x": x, "y": 0, "z": z} for x, z in corners],
    }
    return {"rooms": [room], "walls": walls, "objects": [thing("DiningTable|1", "", 0.4), *things]}


def _objects(simulator: SimulatorParams, folder: Path) -> list[np.ndarray]:
    """Every type in each of its shapes, on a table, from as far as shows it whole."""
    controller: Controller = make_controller(
        make_backend(simulator),
        folder,
        30.0,
        width=240,
        height=240,
        quality="Ultra",
        fieldOfView=40.0,
        scene="FloorPlan1",
        visibilityDistance=5.0,
        makeAgentsVisible=False,
    )
    controller.reset(_house())
    controller.step(
        "AddThirdPartyCamera", position={"x": 0, "y": 1, "z": 0}, rotation={"x": 0, "y": 0, "z": 0}
    )
    entries = {o["name"]: o for o in controller.last_event.metadata["objects"]}
    top = entries["DiningTable|1"]["axisAlignedBoundingBox"]["size"]["y"]
    images = []
    for name, entry in entries.items():
        if not entry["pickupable"]:
            continue
        pose = {
            "objectName": name,
            "position": {"x": 0.0, "y": top, "z": 0.0},
            "rotation": {"x": 0, "y": 145, "z": 0},
        }
        controller.act(
            "SetObjectPoses", objectPoses=[pose], placeStationary=True, renderImage=False
        )
        corners = np.array(entry["objectOrientedBoundingBox"]["cornerPoints"])
        far = (
            1.35
            * max(0.08, float(np.linalg.norm(np.ptp(corners, axis=0))))
            / math.tan(math.radians(20))
            / 2
        )
        eye = {
            "x": 0.0,
            "y": top + float(np.ptp(corners[:, 1])) / 2 + far * math.sin(math.radians(30)),
            "z": -far * math.cos(math.radians(30)),
        }
        event = controller.act(
            "UpdateThirdPartyCamera",
            thirdPartyCameraId=0,
            position=eye,
            rotation={"x": 30, "y": 0, "z": 0},
            fieldOfView=40.0,
        )
        images.append(event.third_party_camera_frames[0][..., :3])
    controller.stop()
    return images


_OPENED = (  # scene, type, from how far to its right it is seen (degrees)
    ("FloorPlan1", "CounterTop", 25),
    ("FloorPlan1", "StoveBurner", 25),
    ("FloorPlan1", "Fridge", -25),
    ("FloorPlan301", "Dresser", 25),
    ("FloorPlan401", "SinkBasin", 25),
    ("FloorPlan201", "TVStand", 25),
)


def _opened(simulator: SimulatorParams, folder: Path) -> list[np.ndarray]:
    """Furniture, shut and then with doors and drawers more or less open and knobs turned on."""
    controller: Controller = make_controller(
        make_backend(simulator),
        folder,
        30.0,
        width=300,
        height=300,
        quality="Ultra",
        scene="FloorPlan1",
        makeAgentsVisible=False,
    )
    images = []
    for scene, kind, aside in _OPENED:
        objects = controller.reset(scene).metadata["objects"]
        piece = next(o for o in objects if o["objectType"] == kind)
        box, yaw = piece["axisAlignedBoundingBox"], math.radians(piece["rotation"]["y"] + aside)
        eye = {
            "x": box["center"]["x"] + 1.6 * math.sin(yaw),
            "y": 1.35,
            "z": box["center"]["z"] + 1.6 * math.cos(yaw),
        }
        look = {
            "x": math.degrees(math.atan2(1.35 - box["center"]["y"], 1.6)),
            "y": math.degrees(yaw) + 180,
            "z": 0,
        }
        event = controller.act("AddThirdPartyCamera", position=eye, rotation=look, fieldOfView=65.0)
        images.append(event.third_party_camera_frames[0][..., :3])
        for i, part in enumerate(objects):
            gap = [
                abs(part["position"][axis] - box["center"][axis]) - box["size"][axis] / 2
                for axis in "xz"
            ]
            if max(gap) < 0.05 and part["openable"] and not part["pickupable"]:
                controller.act(
                    "OpenObject",
                    objectId=part["objectId"],
                    openness=(0.9, 0.6, 0.3)[i % 3],
                    forceAction=True,
                )
            if max(gap) < 0.05 and part["objectType"] == "StoveKnob":
                controller.act("ToggleObjectOn", objectId=part["objectId"], forceAction=True)
        images.append(controller.act("Pass").third_party_camera_frames[0][..., :3])
    controller.stop()
    return images


def main() -> None:
    simulator = load_params(Path("params.yaml")).simulator
    simulator = simulator.model_copy(update={"embedded_command": embedded_command()})
    with tempfile.TemporaryDirectory() as folder:
        for name, images, columns, size_px in (
            ("rooms", _rooms(simulator, Path(folder)), 10, 160),
            ("objects", _objects(simulator, Path(folder)), 12, 100),
            ("opened", _opened(simulator, Path(folder)), 6, 266),
        ):
            path = Path("docs") / f"{name}.jpg"
            _sheet(images, columns, size_px).save(path, quality=85)
            print(f"{path}: {len(images)} pictures")


if __name__ == "__main__":
    main()
