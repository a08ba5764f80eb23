"""Whatever a client sends, the executable answers: with success, or with a message."""

import inspect
import json

import msgpack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded_thor.actions import ACTIONS, perform
from embedded_thor.metadata import agent_metadata
from embedded_thor.session import Session
from tests.contract.houses import small_house

NUMBERS = st.one_of(
    st.floats(-400, 400), st.integers(-10, 10), st.sampled_from([1e308, -0.0, 2**40, 0.25])
)
POSITIONS = st.fixed_dictionaries({}, optional={axis: st.floats(-4, 4) for axis in "xyz"})
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    NUMBERS,
    st.text(max_size=5),
    POSITIONS,
    st.lists(NUMBERS, max_size=2),
    st.dictionaries(st.text(max_size=3), NUMBERS, max_size=2),
)


@st.composite
def houses(draw):
    """The small house with one of its parts replaced by junk, or left out."""
    house = json.loads(json.dumps(small_house()))
    part = house
    for _ in range(draw(st.integers(1, 4))):
        keys = (
            list(part)
            if isinstance(part, dict)
            else list(range(len(part)))
            if isinstance(part, list)
            else []
        )
        if not keys:
            break
        key = draw(st.sampled_from(keys))
        if draw(st.booleans()) or not isinstance(part[key], dict | list):
            part[key] = draw(JUNK)
            break
        part = part[key]
    return house


def messages(session):
    ids = [item.object_id for item in session.world.items.values()][:40]
    names = [item.name for item in session.world.items.values()][:40]
    poses = st.lists(
        st.one_of(
            JUNK,
            st.fixed_dictionaries(
                {"objectName": st.sampled_from(names), "position": POSITIONS},
                optional={"rotation": POSITIONS},
            ),
        ),
        max_size=4,
    )
    sensible = {
        "objectId": st.sampled_from(ids),
        "objectPoses": poses,
        "position": POSITIONS,
        "rotation": POSITIONS,
        "sceneName": st.sampled_from(["FloorPlan1_physics", "FloorPlan2", "Procedural"]),
        "x": st.floats(0, 300),
        "y": st.floats(0, 300),
        "forceAction": st.booleans(),
        "house": houses(),
        "agentMode": st.sampled_from(["default", "locobot"]),
    }

    @st.composite
    def one(draw):
        action = draw(st.sampled_from([*ACTIONS, "Fly", "", 3, None]))
        parameters = (
            list(inspect.signature(ACTIONS[action]).parameters)[1:] if action in ACTIONS else ["x"]
        )
        message = {"action": action}
        for key in parameters:
            if draw(st.integers(0, 5)):
                message[key] = draw(sensible.get(key, JUNK) if draw(st.integers(0, 9)) else JUNK)
        if not draw(st.integers(0, 9)):
            message[draw(st.text(max_size=4))] = draw(JUNK)
        if not draw(st.integers(0, 9)):
            message["agentId"] = draw(JUNK)
        return message

    return st.lists(one(), min_size=5, max_size=40)


def test_any_action_is_answered():
    session = Session(48, 32, quality="observation")
    session.load("FloorPlan1_physics")
    counts = {True: 0, False: 0}

    @settings(
        max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(messages(session))
    def answered(batch):
        for message in batch:
            perform(session, json.loads(json.dumps(message)))
            outcome = session.agent.outcome
            counts[outcome.success] += 1
            assert outcome.success or outcome.message
            assert outcome.code != "UnhandledException", (message, outcome.message)
            msgpack.packb(agent_metadata(session), default=lambda value: value.item())

    answered()
    assert counts[True] > 100 and counts[False] > 100, counts
    session.load("FloorPlan1_physics")
    perform(session, {"action": "RotateRight"})
    assert session.agent.outcome.success
