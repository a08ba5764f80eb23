"""AI2-THOR's FIFO protocol, the executable's side (client's side: ai2thor/fifo_server.py). Standard library only.

A message is a row of fields, each a header "!BI" (type, length) and a body; type 255 with length 0 ends it. The two
pipes are named by the environment. The server pipe must be opened before anything slow or fallible: the Controller
waits on it without a time limit.
"""

import os
import struct
from collections.abc import Iterable
from enum import IntEnum

_HEADER = struct.Struct("!BI")
_LONGEST_ACTION = 256 * 1024 * 1024


class Field(IntEnum):
    """Field types, as in ai2thor.fifo_server.FieldType."""

    METADATA = 1
    ACTION = 2
    RGB_IMAGE = 4
    DEPTH_IMAGE = 5
    NORMALS_IMAGE = 6
    CLASSES_IMAGE = 8
    IDS_IMAGE = 9
    THIRD_PARTY_IMAGE = 10
    METADATA_PATCH = 11
    THIRD_PARTY_DEPTH = 12
    THIRD_PARTY_NORMALS = 13
    THIRD_PARTY_IMAGE_IDS = 14
    THIRD_PARTY_CLASSES = 15
    END_OF_MESSAGE = 255


class Hangup(Exception):
    """The Controller has gone, or sent what is no message."""


class FifoWire:
    """Both pipes. Opening blocks until the Controller opens its ends."""

    def __init__(self, server_pipe: str, client_pipe: str) -> None:
        self._out = open(server_pipe, "wb", buffering=0)
        self._client_pipe = client_pipe
        self._in = None

    @staticmethod
    def from_environment() -> "FifoWire":
        return FifoWire(os.environ["AI2THOR_FIFO_SERVER_PIPE_PATH"], os.environ["AI2THOR_FIFO_CLIENT_PIPE_PATH"])

    def send(self, fields: Iterable[tuple[Field, bytes]]) -> None:
        message = b"".join(part for kind, body in fields for part in (_HEADER.pack(kind, len(body)), body))
        view = memoryview(message + _HEADER.pack(Field.END_OF_MESSAGE, 0))
        try:
            while view:
                view = view[self._out.write(view) :]
        except BrokenPipeError:
            raise Hangup("the Controller closed the pipe") from None

    def receive(self) -> bytes:
        """The JSON body of the next action. Raises: Hangup at end of file or on garbage."""
        if self._in is None:
            self._in = open(self._client_pipe, "rb")
        action = b""
        while True:
            kind, length = _HEADER.unpack(self._read(_HEADER.size))
            if kind == Field.END_OF_MESSAGE:
                return action
            if kind != Field.ACTION or length > _LONGEST_ACTION:
                raise Hangup(f"field of type {kind} and length {length} is no action")
            action = self._read(length)

    def _read(self, size: int) -> bytes:
        body = self._in.read(size)
        if len(body) != size:
            raise Hangup("end of file")
        return body
