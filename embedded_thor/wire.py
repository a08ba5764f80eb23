"""AI2-THOR's two protocols, the executable's side.

The client's side is in ai2thor/fifo_server.py and wsgi_server.py.

FIFO: a message is a row of fields, each a header "!BI" (type, length) and a body; type 255 with
length 0 ends it. The two pipes are named by the environment. The server pipe must be opened before
anything slow or fallible: the Controller waits on it without a time limit.

WSGI: the executable posts each answer as a multipart form to the Controller, and the response is
the next action.

Standard library only: nothing slow is imported before the pipe is open.
"""

import contextlib
import fcntl
import http.client
import os
import struct
import uuid
from collections.abc import Iterable
from enum import IntEnum

_HEADER = struct.Struct("!BI")
_LONGEST_ACTION = 256 * 1024 * 1024
_PIPE_BYTES = 1024 * 1024  # Linux gives no more without privileges


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


Images = Iterable[tuple[Field, bytes]]


def wire_from_environment() -> "FifoWire | HttpWire":
    """The one that the Controller asks for.

    Raises: KeyError if no Controller started this process.
    """
    if os.environ.get("AI2THOR_SERVER_TYPE") == "WSGI":
        return HttpWire(
            os.environ["AI2THOR_HOST"],
            int(os.environ["AI2THOR_PORT"]),
            os.environ["AI2THOR_CLIENT_TOKEN"],
        )
    return FifoWire(
        os.environ["AI2THOR_FIFO_SERVER_PIPE_PATH"], os.environ["AI2THOR_FIFO_CLIENT_PIPE_PATH"]
    )


class FifoWire:
    """Both pipes. Opening blocks until the Controller opens its ends."""

    def __init__(self, server_pipe: str, client_pipe: str) -> None:
        self._out = open(server_pipe, "wb", buffering=0)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            # Linux: an answer goes out at once, not in turns of 64 KiB
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._out, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._client_pipe = client_pipe
        self._in = None

    def send(self, metadata: bytes, images: Images) -> None:
        """metadata: packed by msgpack."""
        self._send([(Field.METADATA, metadata), *images])

    def send_patch(self, patch: bytes) -> None:
        """Instead of an answer: what differs from the last one, packed by msgpack."""
        self._send([(Field.METADATA_PATCH, patch)])

    def _send(self, fields: list[tuple[Field, bytes]]) -> None:
        parts = [part for kind, body in fields for part in (_HEADER.pack(kind, len(body)), body)]
        view = memoryview(b"".join((*parts, _HEADER.pack(Field.END_OF_MESSAGE, 0))))
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


class HttpWire:
    """One connection, kept open."""

    _NAMES = {
        Field.RGB_IMAGE: "image",
        Field.DEPTH_IMAGE: "image_depth",
        Field.NORMALS_IMAGE: "image_normals",
        Field.CLASSES_IMAGE: "image_classes",
        Field.IDS_IMAGE: "image_ids",
        Field.THIRD_PARTY_IMAGE: "image-thirdParty-camera",
        Field.THIRD_PARTY_DEPTH: "image_thirdParty_depth",
        Field.THIRD_PARTY_NORMALS: "image_thirdParty_normals",
        Field.THIRD_PARTY_IMAGE_IDS: "image_thirdParty_image_ids",
        Field.THIRD_PARTY_CLASSES: "image_thirdParty_classes",
    }

    def __init__(self, host: str, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection(host, port)
        self._token, self._boundary = token.encode(), uuid.uuid4().hex.encode()
        self._response: http.client.HTTPResponse | None = None

    def send(self, metadata: bytes, images: Images) -> None:
        """metadata: as JSON."""
        parts = [
            self._part(b'"metadata"', b"text/plain; charset=utf-8", metadata),
            self._part(b'"token"', b"text/plain; charset=utf-8", self._token),
            *(
                self._part(f'"{self._NAMES[kind]}"; filename="image"'.encode(), b"image/raw", body)
                for kind, body in images
            ),
        ]
        body = b"".join(parts) + b"--" + self._boundary + b"--\r\n"
        headers = {"Content-Type": f"multipart/form-data; boundary={self._boundary.decode()}"}
        try:
            self._connection.request("POST", "/train", body, headers)
            self._response = self._connection.getresponse()
        except (OSError, http.client.HTTPException):
            raise Hangup("the Controller closed the connection") from None

    def _part(self, name: bytes, type_: bytes, body: bytes) -> bytes:
        # The client's parser wants these headers, spelled so, and nothing with a second colon.
        head = b"Content-disposition: form-data; name=" + name + b"\r\nContent-Type: " + type_
        return b"--" + self._boundary + b"\r\n" + head + b"\r\n\r\n" + body + b"\r\n"

    def receive(self) -> bytes:
        """The JSON body of the next action.

        Raises: Hangup if the Controller has gone, or says goodbye with {}.
        """
        try:
            action = self._response.read()
        except (OSError, http.client.HTTPException):
            raise Hangup("the Controller closed the connection") from None
        if self._response.status != 200 or action.strip() == b"{}":
            raise Hangup(f"the Controller answered {self._response.status}")
        return action
