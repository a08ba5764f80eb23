import numpy as np
import pytest

from rls3.scene.geometry import box_corners, boxes_overlap, heading_axes, offset_in_camera, project
from rls3.scene.records import Box, Camera, Kind, Placement, SceneSpec, Viewpoint


def test_heading_is_clockwise_from_above():
    right, ahead = heading_axes(90.0)
    assert np.allclose(ahead, [1, 0, 0]) and np.allclose(right, [0, 0, -1])
    assert np.allclose(
        offset_in_camera(np.array([0.0, 0.0, 1.0]), 90.0), [-1, 0, 0]
    )  # facing +x, +z is on the left


def test_projection_of_known_points():
    camera = Camera((0, 1, 0), 0, 0, 90)
    pixels, depth = project(
        np.array([[0, 1, 2], [1, 1, 2], [0, 2, 2], [0, 1, -1]]), camera, 200, 100
    )
    assert np.allclose(pixels[:3], [[100, 50], [125, 50], [100, 25]]) and np.allclose(
        depth, [2, 2, 2, -1]
    )


def test_looking_down_lifts_things_in_the_image():
    point = np.array([[0, 0.5, 2.0]])
    level = project(point, Camera((0, 1, 0), 0, 0, 60), 100, 100)[0][0, 1]
    down = project(point, Camera((0, 1, 0), 0, 20, 60), 100, 100)[0][0, 1]
    assert down < level


def test_boxes_overlap_by_the_separating_axis():
    a = Box((0, 0, 0), (1, 1, 1))
    assert boxes_overlap(a, Box((0.9, 0, 0), (1, 1, 1)))
    assert not boxes_overlap(a, Box((1.1, 0, 0), (1, 1, 1)))
    assert not boxes_overlap(a, Box((0, 1.01, 0), (1, 1, 1)))
    diagonal = Box((1.15, 0, 0), (1, 1, 1), 45)  # its corner reaches 0.707 towards a
    assert boxes_overlap(a, diagonal) and not boxes_overlap(a, diagonal, tolerance_m=0.1)
    assert not boxes_overlap(
        a, Box((0.9, 0, 0.9), (0.7, 1, 0.7), 45)
    )  # axis-aligned bounds meet, the boxes do not


def test_corners_turn_with_the_box():
    corners = box_corners(Box((1, 2, 3), (2, 4, 6), 90))
    assert np.allclose(np.ptp(corners, axis=0), [6, 4, 2]) and np.allclose(
        corners.mean(axis=0), [1, 2, 3]
    )


def test_spec_survives_text_and_its_hash_is_stable():
    spec = SceneSpec(
        "FloorPlan1",
        (Placement(Kind("Mug", "red"), (0.12345678, -0.0, 1), -30.0),),
        Viewpoint(1, 2, 3.00001),
    )
    assert SceneSpec.from_json(spec.to_json()) == spec
    assert SceneSpec.from_json(spec.to_json()).hash == spec.hash
    assert spec.placements[0].position == (0.1235, 0.0, 1.0) and spec.placements[0].yaw_deg == 330.0
    assert spec.hash != SceneSpec("FloorPlan1", spec.placements, Viewpoint(1, 2, 4)).hash


@pytest.mark.parametrize("yaw", [0, 37, 251])
def test_project_agrees_with_a_camera_matrix(yaw):
    """Second route: the world turned into the view frame by one rotation matrix."""
    camera, points = (
        Camera((0.3, 1.4, -0.2), yaw, 25, 50),
        np.random.default_rng(0).normal(size=(20, 3)),
    )
    y, h = np.radians([yaw, 25])
    forward = np.array([np.sin(y) * np.cos(h), -np.sin(h), np.cos(y) * np.cos(h)])
    right = np.array([np.cos(y), 0, -np.sin(y)])
    up = np.array([np.sin(y) * np.sin(h), np.cos(h), np.cos(y) * np.sin(h)])
    view = (points - camera.position) @ np.stack([right, up, forward]).T
    focal = 64 / np.tan(np.radians(25))
    expected = np.stack(
        [64 + focal * view[:, 0] / view[:, 2], 64 - focal * view[:, 1] / view[:, 2]], axis=1
    )
    pixels, depth = project(points, camera, 128, 128)
    assert np.allclose(pixels, expected) and np.allclose(depth, view[:, 2])
