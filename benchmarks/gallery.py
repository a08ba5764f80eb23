"""`python -m benchmarks.gallery` (`make gallery`): contact sheets of all rooms and all objects into docs/."""

import math
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from rls3.params import check_params, load_params
from rls3.scene.records import Kind, Placement, SceneSpec, Viewpoint
from rls3.thor.client import ThorClient


def _sheet(images: list[np.ndarray], columns: int) -> Image.Image:
    rows = [
        np.concatenate(images[i : i + columns], axis=1) for i in range(0, len(images) - len(images) % columns, columns)
    ]
    return Image.fromarray(np.concatenate(rows))


def main() -> None:
    raw = load_params(Path("params.yaml")).model_dump()
    raw["simulator"] |= {"width_px": 300, "height_px": 300, "quality": "beauty"}
    params = check_params(raw).simulator
    rooms, objects = [], []
    with tempfile.TemporaryDirectory() as folder, ThorClient(params, Path(folder)) as client:
        for name in params.floor_plans:
            survey = client.survey(name)
            for corner in range(4):
                x, z = (
                    (survey.maximum[0] - 0.4) * (1 if corner in (0, 1) else -1),
                    (survey.maximum[2] - 0.4) * (1 if corner in (0, 3) else -1),
                )
                yaw = math.degrees(math.atan2(-x, -z))
                rooms.append(client.render(SceneSpec(name, (), Viewpoint(x, z, yaw, 18.0, fov_deg=75.0))).image)
        survey = client.survey(params.floor_plans[1])
        for kind in sorted(survey.kinds):
            table = Placement(Kind(kind.type, kind.color), (-0.5, 0.42, -0.35), 30.0)
            objects.append(
                client.render(
                    SceneSpec(params.floor_plans[1], (table,), Viewpoint(-0.5, 0.75, 180.0, 42.0, True, 30.0))
                ).image[50:250, 50:250]
            )
    _sheet(rooms, 4).save("docs/rooms.png", optimize=True)
    _sheet(objects, 10).resize((1000, math.floor(len(objects) / 10) * 100)).save("docs/objects.png", optimize=True)
    print("docs/rooms.png docs/objects.png")


if __name__ == "__main__":
    main()
