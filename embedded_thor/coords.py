"""THOR's frame (left-handed, +y up, metres) to MuJoCo's (right-handed, +z up) and back.

y and z change places.
"""

import numpy as np


def to_mujoco(points: np.ndarray) -> np.ndarray:
    """(..., 3) positions or directions; its own inverse."""
    return np.asarray(points, float)[..., [0, 2, 1]]


def euler_to_matrix(x_deg: float, y_deg: float, z_deg: float) -> np.ndarray:
    """Unity's Euler angles (applied z, then x, then y) as a (3, 3) rotation of THOR's frame."""
    x, y, z = np.radians([x_deg, y_deg, z_deg])
    (sx, sy, sz), (cx, cy, cz) = np.sin([x, y, z]), np.cos([x, y, z])
    around_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    around_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    around_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return around_y @ around_x @ around_z


def matrix_to_euler(matrix: np.ndarray) -> tuple[float, float, float]:
    """Inverse of `euler_to_matrix`, degrees in [0, 360); at pitch 90 (gimbal lock) z is 0."""
    sin_x = float(np.clip(-matrix[1, 2], -1, 1))
    x = np.arcsin(sin_x)
    if abs(sin_x) > 1 - 1e-7:
        y, z = np.arctan2(-matrix[2, 0], matrix[0, 0]), 0.0
        if sin_x > 0 and abs(matrix[0, 0]) + abs(matrix[2, 0]) < 1e-9:
            y = 0.0
    else:
        y, z = np.arctan2(matrix[0, 2], matrix[2, 2]), np.arctan2(matrix[1, 0], matrix[1, 1])
    return tuple(float(v) for v in np.degrees([x, y, z]) % 360.0)


def quaternion_to_mujoco(matrix: np.ndarray) -> np.ndarray:
    """MuJoCo's (w, x, y, z) quaternion of a rotation (3, 3) of THOR's frame.

    The matrix is conjugated by the swap of y and z. Each row of `candidates` is a multiple of the
    quaternion, by one of its components; the largest loses least to rounding.
    """
    m = matrix[np.ix_([0, 2, 1], [0, 2, 1])]
    xx, yy, zz = np.diag(m)
    wx, wy, wz = m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
    xy, xz, yz = m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1]
    candidates = np.array(
        [
            [1 + xx + yy + zz, wx, wy, wz],
            [wx, 1 + xx - yy - zz, xy, xz],
            [wy, xy, 1 - xx + yy - zz, yz],
            [wz, xz, yz, 1 - xx - yy + zz],
        ]
    )
    best = candidates[int(np.argmax(np.diag(candidates)))]
    return best / np.linalg.norm(best)
