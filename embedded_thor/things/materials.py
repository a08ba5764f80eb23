"""The materials that meshes name: those of every room, a room's own, and the colours of objects."""

from dataclasses import dataclass

from embedded_thor.records import Material, Vector3

COLORS: dict[str, Vector3] = {
    "Red": (0.80, 0.07, 0.06),
    "Green": (0.08, 0.52, 0.13),
    "Blue": (0.06, 0.20, 0.78),
    "Yellow": (0.95, 0.74, 0.05),
    "Purple": (0.48, 0.10, 0.62),
}
_OF_FURNITURE = (  # metal and dark are of objects, too
    Material("white", (0.93, 0.93, 0.91), specular=0.3, shininess=0.4),
    Material("metal", (0.72, 0.73, 0.75), specular=0.9, shininess=0.8),
    Material("dark", (0.10, 0.10, 0.11), specular=0.5, shininess=0.6),
    Material("dark_gloss", (0.05, 0.05, 0.06), specular=0.9, shininess=0.9),
    Material("enamel", (0.93, 0.94, 0.94), specular=0.6, shininess=0.7),
    Material("enamel_door", (0.88, 0.90, 0.91), specular=0.6, shininess=0.7),
    Material("leaf", (0.16, 0.36, 0.12), specular=0.3, shininess=0.3),
    Material("terracotta", (0.66, 0.36, 0.24), "plaster", 0.4),
    Material("lampshade", (0.98, 0.92, 0.76), emission=0.5),
    Material("lampshade_off", (0.80, 0.76, 0.64)),
    Material("pane", (0.72, 0.86, 1.0), "sky", 1.2, emission=0.75),
    Material("linen", (0.92, 0.90, 0.86), "fabric", 0.25),
    Material("ceiling", (0.95, 0.95, 0.93), "plaster", 2.0, emission=0.12),
    Material("ring_hot", (0.95, 0.25, 0.08), emission=0.8),
    Material("skirting", (0.90, 0.89, 0.86)),
)
_OF_OBJECTS = (
    Material("paper", (0.93, 0.91, 0.85)),
    Material("cork", (0.66, 0.50, 0.32)),
    Material("flame", (1.0, 0.85, 0.45), emission=0.9),
    Material("fur", (0.93, 0.84, 0.70)),
    Material("bottle_glass", (0.07, 0.17, 0.08), specular=0.9, shininess=0.9),
    Material("wine", (0.42, 0.05, 0.10), specular=0.5, shininess=0.5),
    Material("salt", (0.95, 0.95, 0.94), specular=0.6, shininess=0.7),
    Material("pepper", (0.22, 0.18, 0.16), specular=0.6, shininess=0.7),
    Material("sponge", (0.95, 0.80, 0.30), specular=0.0),
    Material("scourer", (0.15, 0.42, 0.22), specular=0.0),
    Material("bark", (0.30, 0.20, 0.11)),
    Material("tomato", (0.80, 0.13, 0.07), specular=0.6, shininess=0.7),
    Material("leaf_green", (0.24, 0.48, 0.13)),
    Material("lettuce", (0.52, 0.72, 0.28)),
    Material("potato", (0.70, 0.54, 0.33)),
    Material("egg", (0.95, 0.87, 0.76), specular=0.3, shininess=0.4),
    Material("crust", (0.74, 0.47, 0.20)),
    Material("crumb", (0.92, 0.78, 0.52)),
    Material("soap", (0.94, 0.78, 0.82), specular=0.5, shininess=0.6),
    Material("rubber", (0.55, 0.14, 0.10), specular=0.2),
    Material("stick", (0.78, 0.58, 0.36), specular=0.3, shininess=0.4),
    Material("screen", (0.08, 0.13, 0.24), specular=0.9, shininess=0.9, emission=0.10),
    Material("screen_on", (0.55, 0.68, 0.80), "picture", 0.5, specular=0.2, emission=0.7),
    Material("stone", (0.74, 0.72, 0.66), specular=0.1),
    Material("leather", (0.36, 0.21, 0.11), specular=0.4, shininess=0.5),
)


@dataclass(frozen=True)
class Look:
    """The colours from which a room's own materials follow.

    Attributes:
        floor: texture, colour, metres a tile. wall: texture, colour.
    """

    floor: tuple[str, Vector3, float]
    wall: tuple[str, Vector3]
    wood: Vector3
    fabric: Vector3
    cabinet: Vector3
    picture: Vector3
    rug: Vector3


def materials_of(look: Look) -> dict[str, Material]:
    """Every material that may occur in a room, by name."""
    everywhere = (*_OF_FURNITURE, *_OF_OBJECTS)
    colors = (color_material(color) for color in COLORS)
    return {material.name: material for material in (*everywhere, *_own(look), *colors)}


def color_material(color: str) -> Material:
    """In which an object of a colour is drawn."""
    return Material(f"color-{color}", COLORS[color], specular=0.45, shininess=0.55)


def _own(look: Look) -> tuple[Material, ...]:
    wood, fabric, cabinet = look.wood, look.fabric, look.cabinet
    texture, color, metres = look.floor
    return (
        Material("floor", color, texture, metres, specular=0.3, shininess=0.4),
        Material("wall", look.wall[1], look.wall[0], 1.6),
        Material("wood", wood, "wood", 0.7, specular=0.3, shininess=0.4),
        Material("wood_dark", _shaded(wood, 0.62), "wood", 0.7),
        Material("wood_back", _shaded(wood, 0.85), "wood", 0.9),
        Material("fabric", fabric, "fabric", 0.22, specular=0.0),
        Material("fabric_light", _shaded(fabric, 1.18), "fabric", 0.22, specular=0.0),
        Material("cabinet", cabinet, specular=0.3, shininess=0.4),
        Material("cabinet_door", _shaded(cabinet, 1.08), specular=0.3, shininess=0.4),
        Material("marble", (0.82, 0.81, 0.78), "marble", 0.9, specular=0.5, shininess=0.6),
        Material("picture", look.picture, "picture", 0.6),
        Material("rug", look.rug, "woven", 0.8, specular=0.0),
    )


def _shaded(rgb: Vector3, factor: float) -> Vector3:
    return tuple(min(1.0, factor * c) for c in rgb)
