"""A second Simulator: pure geometry over a hand-made room, where every wish comes true exactly."""

import numpy as np

from rls3.scene.records import Box, Camera, Kind, RoomSurvey, Scene, SceneObject, SceneSpec, Surface

SIZES = {
    "Mug": (0.12, 0.11, 0.09),
    "Bowl": (0.2, 0.08, 0.2),
    "Vase": (0.15, 0.28, 0.15),
    "Pot": (0.25, 0.18, 0.22),
}
KINDS = {Kind(t, c): SIZES[t] for t in SIZES for c in ("red", "green", "blue")}


def _grid(x0, x1, z0, z1, y, pitch=0.06):
    xs, zs = np.arange(x0, x1 + 1e-9, pitch), np.arange(z0, z1 + 1e-9, pitch)
    return np.array([(x, y, z) for x in xs for z in zs])


def make_survey(name: str = "Room1") -> RoomSurvey:
    """4 x 4 m: a table in the middle, open shelves along the far wall, free floor."""
    surfaces = (
        Surface(
            "Floor|0",
            "Floor",
            np.concatenate(
                [_grid(-1.8, 1.8, -1.8, -0.6, 0.0, 0.15), _grid(0.9, 1.8, -0.5, 1.2, 0.0, 0.15)]
            ),
        ),
        Surface("Table|1", "DiningTable", _grid(-0.5, 0.5, -0.25, 0.25, 0.75)),
        Surface(
            "Shelves|2",
            "ShelvingUnit",
            np.concatenate([_grid(-0.5, 0.5, 1.62, 1.84, y) for y in (0.1, 0.5, 0.9, 1.3)]),
        ),
    )
    furniture = (Box((0, 0.375, 0), (1.2, 0.75, 0.7)), Box((0, 0.75, 1.75), (1.2, 1.5, 0.4)))
    stand = [
        (x, z)
        for x in np.arange(-1.75, 1.8, 0.25)
        for z in np.arange(-1.75, 1.3, 0.25)
        if abs(x) > 0.85 or abs(z) > 0.6
    ]
    return RoomSurvey(
        name, (-2, 0, -2), (2, 2.6, 2), surfaces, np.array(stand), furniture, dict(KINDS)
    )


class GeometricSimulator:
    label = "geometric"

    def survey(self, floor_plan: str) -> RoomSurvey:
        return make_survey(floor_plan)

    def measure(self, spec: SceneSpec) -> Scene:
        objects = []
        for i, p in enumerate(spec.placements):
            size = KINDS[p.kind]
            center = (p.position[0], p.position[1] + size[1] / 2, p.position[2])
            objects.append(
                SceneObject(
                    f"{p.kind.type}|{i}",
                    f"{p.kind.type}_{p.kind.color}_1",
                    p.kind,
                    Box(center, size, p.yaw_deg),
                )
            )
        v = spec.viewpoint
        camera = Camera(
            (v.x, 1.575 if v.standing else 0.9, v.z), v.yaw_deg, v.horizon_deg, v.fov_deg
        )
        return Scene(spec, camera, tuple(objects), None, self.label)

    render = measure
