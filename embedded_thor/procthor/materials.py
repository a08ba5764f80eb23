"""The materials of a house's floors and walls, by name and colour."""

import zlib

import numpy as np

from embedded_thor.procthor.schema import MaterialEntry
from embedded_thor.records import Material
from embedded_thor.things.materials import Look, materials_of

_LOOK = Look(
    floor=("planks", (0.62, 0.46, 0.30), 1.0),
    wall=("plaster", (0.86, 0.84, 0.79)),
    wood=(0.56, 0.38, 0.22),
    fabric=(0.42, 0.48, 0.56),
    cabinet=(0.86, 0.85, 0.80),
    picture=(0.5, 0.5, 0.4),
    rug=(0.5, 0.3, 0.3),
)
_TEXTURES = {  # by a word in the material's name; the first that is there counts
    "carpet": "carpet",
    "rug": "carpet",
    "fabric": "carpet",
    "tile": "tiles",
    "ceramic": "tiles",
    "marble": "marble",
    "wood": "planks",
    "plank": "planks",
}
_FLOOR_TINTS = (
    (0.62, 0.46, 0.30),
    (0.48, 0.33, 0.21),
    (0.72, 0.58, 0.42),
    (0.66, 0.64, 0.60),
    (0.55, 0.52, 0.50),
)
_WALL_PAINTS = (
    (0.86, 0.84, 0.79),
    (0.78, 0.82, 0.84),
    (0.80, 0.84, 0.76),
    (0.88, 0.80, 0.74),
    (0.76, 0.76, 0.80),
)


class HouseMaterials:
    """What the floors and walls of one house ask for; two that look the same are one material."""

    def __init__(self) -> None:
        self._made: dict[str, Material] = {}

    def of(self, asked: MaterialEntry | str | None, kind: str) -> str:
        """The name of a material for {"name", "color"} or a name; kind: "floor" or "wall"."""
        asked = asked if isinstance(asked, dict) else {"name": asked or ""}
        name, color = str(asked.get("name") or ""), asked.get("color")
        palette = _FLOOR_TINTS if kind == "floor" else _WALL_PAINTS
        rgb = (
            tuple(float(np.clip(color[c], 0, 1)) for c in "rgb")
            if isinstance(color, dict)
            else palette[zlib.crc32(name.encode()) % 5]
        )
        textures = [look for word, look in _TEXTURES.items() if word in name.lower()]
        texture = textures[0] if textures else ("planks" if kind == "floor" else "plaster")
        key = f"house-{texture}-" + "-".join(f"{round(255 * c)}" for c in rgb)
        self._made.setdefault(key, Material(key, rgb, texture, 1.0, specular=0.2, shininess=0.3))
        return key

    def all(self) -> dict[str, Material]:
        """Theirs, and those of furniture and objects."""
        return materials_of(_LOOK) | self._made
