"""The loop: read an action, perform it, answer with metadata and pictures."""

import gc
import json

import msgpack

from embedded_thor.actions import QUERIES, perform
from embedded_thor.actions.registry import Message
from embedded_thor.metadata import agent_metadata, metadata_patch, third_party_cameras
from embedded_thor.packing import packed_agent, packed_answer, plain
from embedded_thor.procthor import PROCEDURAL
from embedded_thor.render import QUALITIES, QUALITY_NAMES, normals_image
from embedded_thor.session import Session
from embedded_thor.wire import Field, FifoWire, Hangup, HttpWire

# Of an agent's camera and of a third-party one: colour, ids, classes, depth, normals.
_AGENT_FIELDS = (
    Field.RGB_IMAGE,
    Field.IDS_IMAGE,
    Field.CLASSES_IMAGE,
    Field.DEPTH_IMAGE,
    Field.NORMALS_IMAGE,
)
_CAMERA_FIELDS = (
    Field.THIRD_PARTY_IMAGE,
    Field.THIRD_PARTY_IMAGE_IDS,
    Field.THIRD_PARTY_CLASSES,
    Field.THIRD_PARTY_DEPTH,
    Field.THIRD_PARTY_NORMALS,
)


def make_session(
    width: int, height: int, quality_number: int, headless: bool, every_color: bool
) -> Session:
    """As Unity's arguments say; quality_number: that of -screen-quality."""
    quality = QUALITIES[QUALITY_NAMES[quality_number]]
    return Session(width, height, quality=quality, draws=not headless, every_color=every_color)


def serve(wire: FifoWire | HttpWire, session: Session) -> None:
    """Serve one Controller until it hangs up."""
    session.load(PROCEDURAL)  # empty: the Controller asks for its scene at once
    gc.freeze()  # what is imported and built by now stays; an answer's dicts have no cycles
    gc.set_threshold(50_000)
    try:
        _answer(wire, session, 0, session.draws)
        while True:
            message = json.loads(wire.receive())
            if not isinstance(message, dict):
                raise Hangup("an action must be a JSON object")
            perform(session, message)
            _reply(wire, session, message)
    except (Hangup, json.JSONDecodeError):
        return


def _reply(wire: FifoWire | HttpWire, session: Session, message: Message) -> None:
    """A patch for a query, if that will do; else the whole answer."""
    if session.fast_emit and message.get("action") in QUERIES and isinstance(wire, FifoWire):
        wire.send_patch(msgpack.packb(metadata_patch(session), default=plain))
        return
    draw = session.draws and message.get("renderImage") is not False
    _answer(wire, session, message.get("sequenceId", 0), draw)


def _answer(wire: FifoWire | HttpWire, session: Session, sequence_id: object, draw: bool) -> None:
    metadata = _metadata(session, sequence_id, draw, packed=isinstance(wire, FifoWire))
    wire.send(metadata, _images(session) if draw else ())


def _metadata(session: Session, sequence_id: object, draw: bool, packed: bool) -> bytes:
    """Of all agents: by msgpack, or as JSON."""
    acted, agents = session.active_agent, []
    for number in range(len(session.agents)):
        session.active_agent = number
        agents.append(packed_agent(session, draw) if packed else agent_metadata(session, draw))
    session.active_agent = acted
    others = {
        "thirdPartyCameras": third_party_cameras(session),
        "activeAgentId": acted,
        "sequenceId": sequence_id,
    }
    if packed:
        return packed_answer(agents, others)
    return json.dumps({"agents": agents} | others, default=plain).encode()


def _images(session: Session) -> list[tuple[Field, bytes]]:
    """The pictures of each agent and of each third-party camera."""
    images: list[tuple[Field, bytes]] = []
    views = [(session.view(agent), agent, _AGENT_FIELDS) for agent in session.agents]
    views += [(camera, None, _CAMERA_FIELDS) for camera in session.cameras]
    palette = session.world.palette
    for view, agent, (color, ids, classes, depth, normals) in views:
        frame = session.draw(view, agent)
        images.append((color, frame.color.tobytes()))
        if session.ids_on:
            images.append((ids, palette.image(frame.geoms)))
        if session.classes_on:
            images.append((classes, palette.image(frame.geoms, by_type=True)))
        if session.depth_on:
            images.append((depth, frame.depth.tobytes()))
        if session.normals_on:
            images.append((normals, normals_image(frame.depth, view.fov_deg).tobytes()))
    return images
