import numpy as np
from rls3.reward import rewards

from tests.conftest import make_params


def test_rewards_by_hand():
    params = make_params(
        reward__intrinsic_weight=0.5, reward__extrinsic_weight=1.0, reward__progress_weight=2.0
    ).reward
    parts = rewards(np.array([1, 0, 1]), {0: 0.9, 2: 0.1}, {0: 0.4, 2: 0.1}, {0: 3, 2: 4}, params)
    assert np.allclose(parts["intrinsic"], [0.5, 0, 0.5])
    assert np.allclose(parts["extrinsic"], [0.4, 0, -0.4])
    assert np.allclose(parts["progress"], [0.5, 0, -0.5])  # 2 * (0.5 - 0.25), 2 * (0 - 0.25)
    assert np.allclose(parts["total"], [1.4, 0, -0.4])
