"""Frames: THOR's to MuJoCo's, Unity's angles, and a piece's own frame on the floor."""

import numpy as np
import pytest

from embedded_thor.coords import euler_to_matrix, matrix_to_euler, quaternion_to_mujoco, to_mujoco
from embedded_thor.planar import connected, inside, to_own, to_room

ANGLES = [(0, 0, 0), (0, 90, 0), (30, 200, 10), (300, 45, 170), (90, 20, 0), (270, 310, 0)]


def test_unity_turns_clockwise_seen_from_above():
    ahead = np.array([0.0, 0.0, 1.0])
    assert np.allclose(euler_to_matrix(0, 90, 0) @ ahead, [1, 0, 0])  # yaw 90 looks along +x
    assert np.allclose(euler_to_matrix(90, 0, 0) @ ahead, [0, -1, 0])  # pitch 90 looks down


@pytest.mark.parametrize("angles", ANGLES)
def test_angles_and_matrices_are_inverses(angles):
    matrix = euler_to_matrix(*angles)
    assert np.allclose(euler_to_matrix(*matrix_to_euler(matrix)), matrix)


@pytest.mark.parametrize("angles", ANGLES)
def test_mujoco_turns_a_vector_as_thor_does(angles):
    matrix, vector = euler_to_matrix(*angles), np.array([0.3, -1.2, 0.7])
    (w, *axis), there = quaternion_to_mujoco(matrix), to_mujoco(vector)
    turned = there + 2 * np.cross(axis, np.cross(axis, there) + w * there)
    assert np.allclose(turned, to_mujoco(matrix @ vector))


@pytest.mark.parametrize("yaw", [0.0, 30.0, 90.0, 215.0])
def test_a_piece_and_the_room_name_the_same_point(yaw):
    position = (1.5, 0.0, -0.5)
    x, z = to_room(position, yaw, 0.4, -0.2)
    assert to_own(position, yaw, x, z) == pytest.approx((0.4, -0.2))
    own = np.array([0.4, 0.0, -0.2])
    assert (x, 0.0, z) == pytest.approx(tuple(position + euler_to_matrix(0, yaw, 0) @ own))


def test_what_is_inside_an_outline_that_is_not_convex():
    corner = np.array([(0, 0), (0, 4), (4, 4), (4, 3), (1, 3), (1, 0)], float)
    points = {(0.5, 0.5): True, (3.0, 3.5): True, (3.0, 1.0): False, (-1.0, 3.5): False}
    assert {point: inside(np.array(point), corner) for point in points} == points


def test_the_parts_of_a_grid():
    cells = {(0, 0), (0, 1), (1, 1), (3, 0), (4, 1)}  # diagonal neighbours are apart
    assert sorted(map(len, connected(cells))) == [1, 1, 3]
    assert set().union(*connected(cells)) == cells
