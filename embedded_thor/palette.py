"""The colours in which a world's objects are told apart.

One for each object (by its id), one for each type.
"""

import colorsys
import zlib
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from embedded_thor.item import Item
from embedded_thor.listing import Metadata

Color = tuple[int, int, int]
_NOTHING = (0, 0, 0)  # floor, walls, ceiling, agents


class Palette:
    """For the life of a world. item_of_geom: whose a drawn geom is; None: of the shell."""

    def __init__(self, items: Iterable[Item], item_of_geom: Sequence[Item | None]) -> None:
        self._item_of_geom, taken = item_of_geom, {_NOTHING}
        items = list(items)
        ids, types = (item.object_id for item in items), sorted({item.type for item in items})
        self.of_objects = {id_: _free(_of_object(id_), taken) for id_ in ids}
        self.of_types = {name: _free(_of_type(name), taken) for name in types}

    def table(self, items: Iterable[Item]) -> list[Metadata]:
        """`colors` of the metadata: of objects by id, and of their types."""
        named: dict[str, Color] = {}
        for item in items:
            named[item.object_id] = self.of_objects[item.object_id]
            named[item.type] = self.of_types[item.type]
        return [{"color": list(color), "name": name} for name, color in named.items()]

    def image(self, geoms: np.ndarray, by_type: bool = False) -> bytes:
        """RGBA32 with alpha 255: the colour of each pixel's object, or of its type.

        Args:
            geoms: (H, W), -1 where there is none.
        """
        return (self._types_by_geom if by_type else self._objects_by_geom)[geoms].tobytes()

    @cached_property
    def _objects_by_geom(self) -> np.ndarray:
        return self._by_geom(
            [item and self.of_objects[item.object_id] for item in self._item_of_geom]
        )

    @cached_property
    def _types_by_geom(self) -> np.ndarray:
        return self._by_geom([item and self.of_types[item.type] for item in self._item_of_geom])

    @staticmethod
    def _by_geom(colors: list[Color | None]) -> np.ndarray:
        """(geoms + 1,) RGBA in one number each; the last is for -1."""
        rgba = [(*(color or _NOTHING), 255) for color in [*colors, None]]
        return np.array(rgba, np.uint8).view(np.uint32).ravel()


def _of_object(object_id: str) -> Color:
    code = zlib.crc32(object_id.encode())
    rgb = colorsys.hsv_to_rgb(
        (code & 0xFFFF) / 65536,
        0.4 + 0.6 * ((code >> 16) & 0xFF) / 255,
        0.4 + 0.6 * (code >> 24) / 255,
    )
    return tuple(round(255 * v) for v in rgb)


def _of_type(name: str) -> Color:
    code = zlib.crc32(name.encode())
    return (code & 255, code >> 8 & 255, code >> 16 & 255)


def _free(color: Color, taken: set[Color]) -> Color:
    """That colour, or the next that is not taken; it is then."""
    while color in taken:
        color = (color[0], color[1], (color[2] + 1) % 256)
    taken.add(color)
    return color
