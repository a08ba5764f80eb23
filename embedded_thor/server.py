"""The loop: read an action, perform it, answer with metadata and pictures."""

import gc
import json

import msgpack

from embedded_thor.actions import QUERIES, perform
from embedded_thor.metadata import agent_metadata, metadata_patch, third_party_cameras
from embedded_thor.packing import packed_agent, packed_answer, plain
from embedded_thor.procthor import PROCEDURAL
from embedded_thor.render import QUALITIES, QUALITY_NAMES, normals_image
from embedded_thor.session import Session
from embedded_thor.wire import Field, FifoWire, Hangup, HttpWire

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


def _metadata(session: Session, sequence_id: int, draw: bool, packed: bool) -> bytes:
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
    return (
        packed_answer(agents, others)
        if packed
        else json.dumps({"agents": agents} | others, default=plain).encode()
    )


def _images(session: Session) -> list[tuple[Field, bytes]]:
    """The pictures of each agent and of each third-party camera."""
    images: list[tuple[Field, bytes]] = []
    views = [(session.view(agent), agent, _AGENT_FIELDS) for agent in session.agents]
    views += [(camera, None, _CAMERA_FIELDS) for camera in session.cameras]
    for view, agent, (color, ids, classes, depth, normals) in views:
        frame = session.draw(view, agent)
        images.append((color, frame.color.tobytes()))
        if session.ids_on:
            images.append((ids, session.world.palette.image(frame.geoms)))
        if session.classes_on:
            images.append((classes, session.world.palette.image(frame.geoms, by_type=True)))
        if session.depth_on:
            images.append((depth, frame.depth.tobytes()))
        if session.normals_on:
            images.append((normals, normals_image(frame.depth, view.fov_deg).tobytes()))
    return images


def serve(
    wire: FifoWire | HttpWire,
    width: int,
    height: int,
    quality_index: int,
    headless: bool,
    every_color: bool,
) -> None:
    """Serve one Controller until it hangs up."""
    quality = QUALITIES[QUALITY_NAMES[quality_index]]
    session = Session(width, height, quality=quality, draws=not headless, every_color=every_color)
    session.load(PROCEDURAL)  # empty: the Controller asks for its scene at once
    gc.freeze()  # what is imported and built by now stays; an answer's dicts have no cycles
    gc.set_threshold(50_000)
    packed = isinstance(wire, FifoWire)

    def answer(sequence_id: int, draw: bool) -> None:
        wire.send(_metadata(session, sequence_id, draw, packed), _images(session) if draw else ())

    try:
        answer(0, session.draws)
        while True:
            message = json.loads(wire.receive())
            if not isinstance(message, dict):
                raise Hangup("an action must be a JSON object")
            perform(session, message)
            if session.fast_emit and message.get("action") in QUERIES and packed:
                wire.send_patch(msgpack.packb(metadata_patch(session), default=plain))
            else:
                answer(
                    message.get("sequenceId", 0),
                    session.draws and message.get("renderImage") is not False,
                )
    except (Hangup, json.JSONDecodeError):
        return
