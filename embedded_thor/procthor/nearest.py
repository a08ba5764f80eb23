"""What we have that is nearest to what a house asks for."""

import re
import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from embedded_thor.procthor.schema import Color, ObjectEntry
from embedded_thor.records import Asset, Furniture
from embedded_thor.things import assets, fixtures
from embedded_thor.things import furniture as f
from embedded_thor.things.materials import COLORS
from embedded_thor.things.meshes import scaled, scaled_opening, scaled_part, scaled_surface

_STRETCHED = (0.6, 1.7)  # how much lower or higher furniture may be made
# Each is made at least as wide and deep (metres) as what stands on it needs; some have one size.
_FURNITURE: dict[str, Callable[[float, float], Furniture]] = {
    "ArmChair": lambda w, d: f.sofa(0.9, seats=1),
    "Bathtub": lambda w, d: fixtures.bathtub(),
    "Bed": lambda w, d: f.bed(max(1.4, w)),
    "Cabinet": lambda w, d: f.dresser("Cabinet", max(0.8, w), max(0.45, d), 0.9),
    "Chair": lambda w, d: f.chair(),
    "ClothesDryer": lambda w, d: f.dresser("ClothesDryer", 0.65, 0.65, 0.9),
    "CoffeeTable": lambda w, d: f.table("CoffeeTable", max(0.9, w), max(0.55, d), 0.42),
    "CounterTop": lambda w, d: f.counter(max(1.2, w), max(0.62, d)),
    "Desk": lambda w, d: f.table("Desk", max(1.1, w), max(0.6, d), 0.74),
    "DiningTable": lambda w, d: f.table("DiningTable", max(1.2, w), max(0.8, d), 0.75),
    "Dresser": lambda w, d: f.dresser("Dresser", max(1.0, w), max(0.45, d), 0.85),
    "FloorLamp": lambda w, d: f.floor_lamp(),
    "Fridge": lambda w, d: fixtures.fridge(),
    "GarbageCan": lambda w, d: f.bin_(),
    "HousePlant": lambda w, d: f.plant(),
    "LaundryHamper": lambda w, d: f.bin_(),
    "Ottoman": lambda w, d: f.stool(),
    "Safe": lambda w, d: f.dresser("Safe", 0.45, 0.45, 0.5),
    "Shelf": lambda w, d: f.shelving_unit(max(0.9, w), max(0.32, d), (0.4, 0.8, 1.2), 1.5),
    "ShelvingUnit": lambda w, d: f.shelving_unit(max(0.9, w), max(0.32, d), (0.4, 0.8, 1.2), 1.5),
    "SideTable": lambda w, d: f.table("SideTable", max(0.45, w), max(0.4, d), 0.55),
    "Sink": lambda w, d: fixtures.sink_cabinet(),
    "SinkBasin": lambda w, d: fixtures.sink_cabinet(),
    "Sofa": lambda w, d: f.sofa(max(1.7, w)),
    "Stool": lambda w, d: f.stool(),
    "Stove": lambda w, d: fixtures.stove(),
    "StoveBurner": lambda w, d: fixtures.stove(),
    "TVStand": lambda w, d: f.dresser("TVStand", max(1.2, w), max(0.4, d), 0.5),
    "Television": lambda w, d: f.television(),
    "Toilet": lambda w, d: fixtures.toilet(),
    "WashingMachine": lambda w, d: f.dresser("WashingMachine", 0.65, 0.65, 0.9),
}
_NEAREST_OBJECT = {
    "BasketBall": "BasketBall",
    "HandTowel": "Cloth",
    "Towel": "Cloth",
    "Watch": "KeyChain",
    "TableTopDecor": "Statue",
    "DeskLamp": "Candle",
    "GarbageBag": "Box",
    "Bag": "Box",
    "RoomDecor": "Statue",
    "VacuumCleaner": "Box",
    "Footstool": "Box",
    "Tray": "Plate",
    "Glass": "Cup",
}
# Asset ids that do not name their type.
_ASSET_WORDS = {"bin": "GarbageCan", "walldecor": "Painting", "cart": "SideTable"}


def type_of(entry: ObjectEntry) -> str:
    """ProcTHOR's ids begin with the type ("Bed|2|0|1"); else the longest of ours in the asset's id.

    Returns: "" if that names none.
    """
    first = str(entry["id"]).split("|")[0]
    known = {*_FURNITURE, *assets.ASSET_TYPES, *_NEAREST_OBJECT, "Painting", "Window"}
    if first in known:
        return first
    words = str(entry.get("assetId", "")).replace("_", "").lower()
    named = {name.lower(): name for name in known} | _ASSET_WORDS
    return named.get(max((word for word in named if word in words), key=len, default=""), "")


def is_furniture(type_: str) -> bool:
    return type_ in _FURNITURE


def furniture_of(type_: str, width: float, depth: float) -> Furniture:
    """A piece of that type, so wide and deep (metres) at least."""
    return replace(_FURNITURE[type_](width, depth), type=type_)


def object_of(type_: str, entry: ObjectEntry) -> tuple[Asset, str] | None:
    """A shape and its colour ("" where it has its own); None if there is nothing near the type."""
    type_ = _NEAREST_OBJECT.get(type_, type_)
    if type_ not in assets.ASSET_TYPES:
        return None
    code = zlib.crc32(str(entry["id"]).encode())
    colors = assets.colors_of(type_)
    color = _nearest_color(entry.get("color"), colors)
    if not color and colors:
        color = colors[code % len(colors)]
    number = re.search(r"_(\d+)$", str(entry.get("assetId", "")))  # "Mug_2" is our second shape
    variant = int(number[1]) - 1 if number else code // 8
    return assets.asset(type_, variant % assets.VARIANTS), color


def _nearest_color(rgb: Color | None, colors: tuple[str, ...]) -> str:
    if not isinstance(rgb, dict) or not colors:
        return ""
    wanted = np.array([float(rgb[c]) for c in "rgb"])
    return min(colors, key=lambda name: float(np.linalg.norm(wanted - np.array(COLORS[name]))))


def as_high(piece: Furniture, height: float) -> Furniture:
    """Stretched or lowered to a height (metres).

    Left as it is where that would not be the same thing any more.
    """
    factor = height / (piece.bottom + piece.size[1])
    if not _STRETCHED[0] <= factor <= _STRETCHED[1]:
        return piece
    scale, none = np.array([1.0, factor, 1.0]), np.zeros(3)
    return replace(
        piece,
        meshes=scaled(piece.meshes, scale, none),
        size=(piece.size[0], piece.size[1] * factor, piece.size[2]),
        surfaces=tuple(scaled_surface(surface, scale, none) for surface in piece.surfaces),
        bottom=piece.bottom * factor,
        opening=scaled_opening(piece.opening, scale, none),
        parts=tuple(scaled_part(part, scale) for part in piece.parts),
        carcass=scaled(piece.carcass, scale, none),
    )
