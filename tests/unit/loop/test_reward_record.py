import numpy as np
import pytest

from rls3.language.relation import CELLS
from rls3.loop.reward import reward_record, rewards_of
from tests.conftest import make_params


def make_record(n: int = 200):
    rng = np.random.default_rng(3)
    cell = dict(enumerate(rng.integers(0, 20, n)))
    failure = dict(enumerate(rng.random(n)))
    after = {step: value / 2 for step, value in failure.items()}
    rewards = rewards_of(np.ones(n + 50), failure, after, cell, make_params().reward)
    return reward_record(rewards, failure, cell)


def test_cells_add_up_to_all_samples():
    """A sample has one cell: shares add up to 1, and the mean over cells is the mean over all."""
    record = make_record()
    assert record.by_cell.keys() <= {str(c) for c in CELLS} and len(record.by_cell) == 20
    assert sum(e.share for e in record.by_cell.values()) == pytest.approx(1)
    weighted = sum(e.share * e.reward for e in record.by_cell.values())
    assert weighted == pytest.approx(record.spread["total"].mean)


def test_a_term_is_the_mean_of_its_cells():
    record = make_record()
    for term, earned in record.by_term.items():
        of_it = [record.by_cell[str(c)] for c in CELLS if term in c.terms and c.index < 20]
        share = sum(e.share for e in of_it)
        assert earned.share == pytest.approx(share)
        failure = sum(e.share * e.failure for e in of_it) / share
        assert earned.failure == pytest.approx(failure)
