"""`python -m benchmarks.gallery` (`make gallery`): contact sheets of all rooms and all objects into docs/."""

import math
import tempfile
from pathlib import Path

import numpy as np
from ai2thor.controller import Controller
from ai2thor.server import Event
from PIL import Image

from rls3.params import Params, check_params, load_params
from rls3.scene.records import Kind, Placement, SceneSpec, Viewpoint
from rls3.thor.backend import make_backend
from rls3.thor.client import ThorClient
from rls3.thor.controller import make_controller


def _sheet(images: list[np.ndarray], columns: int, size_px: int) -> Image.Image:
    """Images in rows, each at `size_px`; what is left over in the last row is white."""
    rows = math.ceil(len(images) / columns)
    sheet = Image.new("RGB", (columns * size_px, rows * size_px), "white")
    for i, image in enumerate(images):
        small = Image.fromarray(image).resize((size_px, size_px), Image.Resampling.LANCZOS)
        sheet.paste(small, (i % columns * size_px, i // columns * size_px))
    return sheet


def _rooms(params: Params, folder: Path) -> list[np.ndarray]:
    """Every floor plan as it is after Reset, from the corner that shows the most objects."""
    simulator = params.simulator
    controller: Controller = make_controller(
        make_backend(simulator), folder, 30.0, width=300, height=300, quality="Very Low", fieldOfView=80.0,
        renderInstanceSegmentation=True, scene="FloorPlan1",
    )  # fmt: skip
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
                "TeleportFull", x=float(x), y=0.901, z=float(z), rotation={"x": 0, "y": yaw, "z": 0}, horizon=20.0,
                standing=True, forceAction=True,
            )  # fmt: skip

        best = max(((1, 1), (1, -1), (-1, 1), (-1, -1)), key=lambda sign: len(look(sign).instance_masks))
        controller.act("ChangeQuality", quality="Ultra")
        images.append(look(best).frame)
    controller.stop()
    return images


def _objects(params: Params, folder: Path) -> list[np.ndarray]:
    """Every kind on the coffee table of FloorPlan201."""
    raw = params.model_dump()
    raw["simulator"] |= {"width_px": 300, "height_px": 300, "quality": "beauty"}
    view = Viewpoint(-0.5, 0.75, 180.0, 42.0, True, 30.0)
    images = []
    with ThorClient(check_params(raw).simulator, folder) as client:
        for kind in sorted(client.survey("FloorPlan201").kinds):
            table = Placement(Kind(kind.type, kind.color), (-0.5, 0.42, -0.35), 30.0)
            images.append(client.render(SceneSpec("FloorPlan201", (table,), view)).image[50:250, 50:250])
    return images


def main() -> None:
    params = load_params(Path("params.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        for name, images, columns, size_px in (
            ("rooms", _rooms(params, Path(folder)), 10, 160),
            ("objects", _objects(params, Path(folder)), 15, 90),
        ):
            path = Path("docs") / f"{name}.jpg"
            _sheet(images, columns, size_px).save(path, quality=85)
            print(f"{path}: {len(images)} pictures")


if __name__ == "__main__":
    main()
