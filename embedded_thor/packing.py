"""An answer as msgpack, put together from what was packed before.

From step to step most objects stay as they are. It reads as what `msgpack.packb` makes of the dicts
of metadata.py.
"""

import struct

import msgpack

from embedded_thor.listing import Metadata
from embedded_thor.metadata import all_but_objects, listing_of, seen_from_here
from embedded_thor.session import Session

_FLOAT = struct.Struct(">Bd")
_SEEN, _UNSEEN = (
    b"".join(map(msgpack.packb, ("visible", seen, "isInteractable", seen, "distance")))
    for seen in (True, False)
)


def plain(value: object) -> object:
    """NumPy's numbers as Python's. Raises: TypeError for what is no number."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be sent")


_PACKER = msgpack.Packer(default=plain)


def packed_answer(agents: list[bytes], others: Metadata) -> bytes:
    """A dict of `agents`, each of which is packed, and of `others`."""
    return b"".join(
        [
            _PACKER.pack_map_header(1 + len(others)),
            _PACKER.pack("agents"),
            _PACKER.pack_array_header(len(agents)),
            *agents,
            *(_PACKER.pack(part) for pair in others.items() for part in pair),
        ]
    )


def packed_agent(session: Session, with_images: bool) -> bytes:
    """What `agent_metadata` tells."""
    listing = listing_of(session)
    if not listing.packed:
        listing.packed.extend(_with_more(_PACKER.pack(entry), 3) for entry in listing.entries)
    parts = [
        _with_more(_PACKER.pack(all_but_objects(session, with_images)), 1),
        _PACKER.pack("objects"),
        _PACKER.pack_array_header(len(listing.packed)),
    ]
    for entry, (seen, distance) in zip(listing.packed, seen_from_here(session)):
        parts += (entry, _SEEN if seen else _UNSEEN, _FLOAT.pack(0xCB, distance))
    return b"".join(parts)


def _with_more(packed: bytes, pairs: int) -> bytes:
    """A packed dict of 16 to 65,535 pairs that says that there are some more than follow."""
    kind, count = struct.unpack_from(">BH", packed)
    assert kind == 0xDE, "a dict of that size"
    return struct.pack(">BH", kind, count + pairs) + packed[3:]
