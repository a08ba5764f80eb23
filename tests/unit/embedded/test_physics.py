"""What is let go, when it is more than a room was made for."""

import numpy as np
import pytest

from embedded_thor import physics
from embedded_thor.actions import perform
from embedded_thor.session import Session


@pytest.fixture
def heap():
    """A session in which thirty objects are to be let go at one point, and those objects."""
    session = Session(64, 64, draws=False)
    session.load("FloorPlan1_physics")
    perform(session, {"action": "Initialize"})
    x, _, z = session.agent.position
    items = [item for item in session.world.items.values() if item.pickupable][:30]
    poses = [
        {
            "objectName": item.name,
            "position": {"x": float(x), "y": 1.0, "z": float(z)},
            "rotation": {"y": 0.0},
        }
        for item in items
    ]
    return (
        session,
        items,
        {"action": "SetObjectPoses", "objectPoses": poses, "placeStationary": False},
    )


def test_a_heap_let_go_at_one_point_comes_down_within_the_room(heap):
    session, items, action = heap
    perform(session, action)
    assert session.agent.outcome.success, session.agent.outcome.message
    middles = np.stack([item.corners.mean(axis=0) for item in items])
    assert np.all(middles > session.world.room.minimum)
    assert np.all(middles < session.world.room.maximum)
    assert np.sum(middles[:, 1] < 0.2) > 20, "they lie beside one another, not in a tower"


def test_what_mujoco_cannot_simulate_stays_where_it_was_and_is_said_to_move(
    heap, monkeypatch, tmp_path, caplog
):
    session, items, action = heap
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(physics, "_MEMORY_BYTES", 2**16)
    perform(session, action)
    assert session.agent.outcome.success
    assert all(item.moving for item in items)
    assert min(item.corners[:, 1].min() for item in items) > 0.99, "nothing fell through the floor"
    assert caplog.records, "MuJoCo's own words go to the log"
    assert not list(tmp_path.iterdir()), "and not into a file where the user stands"
