"""What is put together for the FIFO is what goes out as JSON."""

import json

import msgpack
import pytest

from embedded_thor.actions import perform
from embedded_thor.metadata import agent_metadata
from embedded_thor.packing import packed_agent, packed_answer, plain
from embedded_thor.session import Session

ACTIONS = [
    {"action": "Initialize", "renderInstanceSegmentation": True},
    {"action": "RotateRight"},
    {"action": "OpenObject", "objectId": "Fridge", "forceAction": True},
    {"action": "PickupObject", "objectId": "Mug", "forceAction": True},
    {"action": "MoveBack"},
    {"action": "PutObject", "objectId": "Fridge", "forceAction": True},
    {
        "action": "AddThirdPartyCamera",
        "position": {"x": 0, "y": 1, "z": 0},
        "rotation": {"x": 0, "y": 0, "z": 0},
    },
    {"action": "GetReachablePositions"},
    {"action": "SetObjectFilter", "objectIds": []},
    {"action": "ResetObjectFilter"},
    {"action": "Fly"},
]


@pytest.mark.parametrize("with_images", [False, True])
def test_packed_and_written_out_they_are_the_same(with_images):
    session = Session(64, 64, draws=False)
    session.load("FloorPlan1_physics")
    for message in ACTIONS:
        ids = {item.type: item.object_id for item in session.world.items.values()}
        perform(
            session,
            message | ({"objectId": ids[message["objectId"]]} if "objectId" in message else {}),
        )
        assert session.agent.outcome.success == (message["action"] != "Fly"), (
            session.agent.outcome.message
        )
        answer = packed_answer([packed_agent(session, with_images)], {"sequenceId": 7})
        written = json.dumps(
            {"sequenceId": 7, "agents": [agent_metadata(session, with_images)]}, default=plain
        )
        assert msgpack.unpackb(answer) == json.loads(written), message
