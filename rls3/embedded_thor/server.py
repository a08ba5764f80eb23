"""The loop: read an action, perform it, answer with metadata and pictures."""

import json
from typing import Any

import msgpack
import numpy as np

from rls3.embedded_thor.actions import perform
from rls3.embedded_thor.metadata import agent_metadata
from rls3.embedded_thor.render import QUALITIES, QUALITY_NAMES
from rls3.embedded_thor.rooms import SCENE_NAMES
from rls3.embedded_thor.session import Session
from rls3.embedded_thor.wire import Field, FifoWire, Hangup


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be sent")


def _answer(session: Session, sequence_id: int, draw: bool) -> list[tuple[Field, bytes]]:
    metadata = agent_metadata(session)
    message = {
        "agents": [metadata],
        "thirdPartyCameras": metadata["thirdPartyCameras"],
        "activeAgentId": 0,
        "sequenceId": sequence_id,
    }
    fields = [(Field.METADATA, msgpack.packb(message, default=_plain))]
    if not draw:
        return fields
    kinds = [(session.view(), Field.RGB_IMAGE, Field.IDS_IMAGE, Field.DEPTH_IMAGE)]
    kinds += [
        (c, Field.THIRD_PARTY_IMAGE, Field.THIRD_PARTY_IMAGE_IDS, Field.THIRD_PARTY_DEPTH) for c in session.cameras
    ]
    for view, color, ids, depth in kinds:
        frame = session.draw(view)
        fields.append((color, frame.color.tobytes()))
        if session.ids_on:
            fields.append((ids, session.id_image(frame.geoms)))
        if session.depth_on:
            fields.append((depth, frame.depth.tobytes()))
    return fields


def serve(wire: FifoWire, width: int, height: int, quality_index: int, headless: bool) -> None:
    """Serve one Controller until it hangs up."""
    quality = QUALITIES[QUALITY_NAMES[quality_index]]
    session = Session(width, height, quality=quality, draws=not headless)
    session.load(f"{SCENE_NAMES[0]}_physics")
    try:
        wire.send(_answer(session, 0, session.draws))
        while True:
            message = json.loads(wire.receive())
            if not isinstance(message, dict):
                raise Hangup("an action must be a JSON object")
            perform(session, message)
            wire.send(
                _answer(
                    session, message.get("sequenceId", 0), session.draws and message.get("renderImage") is not False
                )
            )
    except (Hangup, json.JSONDecodeError):
        return
