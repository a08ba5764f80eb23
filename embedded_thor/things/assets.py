"""The pickupable objects: iTHOR's types, as smooth meshes in metres; each in three shapes, most in every colour of `COLORS`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from embedded_thor.records import Asset, Mesh, Opening, Surface, Switch
from embedded_thor.things import belongings as b
from embedded_thor.things import tableware as t
from embedded_thor.things import toiletries as w
from embedded_thor.things.materials import COLORS
from embedded_thor.things.meshes import merged, scaled, scaled_opening, scaled_surface


@dataclass(frozen=True)
class Entry:
    """A type of object.

    Attributes:
        shape: makes its meshes. mass_kg, salient_materials, flags: as AI2-THOR reports them.
        rooms: initials of the room types where one lies about (Kitchen, Living room, bEdroom, bAthroom).
        colors: those that it comes in; () where it has colours of its own.
        everywhere: whether every room has one of each colour if it is furnished so (-every-color): what a campaign
            arranges by default.
        on_floor: whether it may lie on the floor.
        opening: makes how it opens, before scaling. switch: what toggling changes. holds: half width and height of its
            inner floor, before scaling, if things can lie in it.
    """

    shape: Callable[[], list[Mesh]]
    mass_kg: float
    salient_materials: tuple[str, ...]
    flags: frozenset[str]
    rooms: str = ""
    colors: tuple[str, ...] = tuple(COLORS)
    everywhere: bool = False
    on_floor: bool = False
    opening: Callable[[], Opening] | None = None
    switch: Switch | None = None
    holds: tuple[float, float] | None = None


def _everywhere(
    shape: Callable[[], list[Mesh]],
    mass_kg: float,
    material: str,
    rooms: str,
    *flags: str,
    opening: Callable[[], Opening] | None = None,
    switch: Switch | None = None,
    holds: tuple[float, float] | None = None,
) -> Entry:
    return Entry(
        shape,
        mass_kg,
        tuple(material.split("/")),
        frozenset(flags),
        rooms,
        everywhere=True,
        on_floor=True,
        opening=opening,
        switch=switch,
        holds=holds,
    )


def _entry(
    shape: Callable[[], list[Mesh]],
    mass_kg: float,
    material: str,
    rooms: str,
    *flags: str,
    colors: tuple[str, ...] = tuple(COLORS),
    on_floor: bool = False,
    opening: Callable[[], Opening] | None = None,
    switch: Switch | None = None,
) -> Entry:
    return Entry(
        shape,
        mass_kg,
        tuple(material.split("/")),
        frozenset(flags),
        rooms,
        colors,
        on_floor=on_floor,
        opening=opening,
        switch=switch,
    )


_SCREEN = Switch("screen", on="screen_on", off="screen", at_first=False)
_CATALOGUE = {
    "Mug": _everywhere(
        t.mug, 0.4, "Ceramic", "KLE", "breakable", "canFillWithLiquid", holds=(0.025, 0.012)
    ),
    "Cup": _everywhere(t.cup, 0.2, "Plastic", "KA", "canFillWithLiquid", holds=(0.018, 0.020)),
    "Bowl": _everywhere(
        t.bowl, 0.5, "Ceramic", "KL", "breakable", "canFillWithLiquid", holds=(0.045, 0.016)
    ),
    "Plate": _everywhere(t.plate, 0.6, "Ceramic", "KL", "breakable", holds=(0.08, 0.010)),
    "Pot": _everywhere(t.pot, 1.5, "Metal", "K", "canFillWithLiquid"),
    "Pan": _everywhere(t.pan, 1.2, "Metal", "K", holds=(0.085, 0.009)),
    "Kettle": _everywhere(
        t.kettle, 1.3, "Metal", "K", "canFillWithLiquid", opening=t.kettle_opening
    ),
    "Vase": _everywhere(t.vase, 1.0, "Ceramic", "LEA", "breakable"),
    "Bottle": _everywhere(t.bottle, 0.7, "Glass", "KA", "breakable", "canFillWithLiquid"),
    "Book": _everywhere(b.book, 0.6, "Paper", "LE", opening=b.book_opening),
    "Candle": _everywhere(
        b.candle, 0.3, "Wax", "LA", switch=Switch("flame", on="flame", off="", at_first=True)
    ),
    "AlarmClock": _everywhere(b.alarm_clock, 0.5, "Metal/Plastic", "E"),
    "TeddyBear": _everywhere(b.teddy_bear, 0.4, "Fabric", "E"),
    "Box": _everywhere(b.box_carton, 0.5, "Paper", "LE", opening=b.box_opening),
    "BasketBall": _everywhere(b.basket_ball, 0.6, "Rubber", "E"),
    "Apple": _entry(t.apple, 0.2, "Food", "K", colors=("Red", "Green", "Yellow")),
    "BaseballBat": _entry(b.baseball_bat, 0.9, "Wood", "E", colors=(), on_floor=True),
    "Boots": _entry(b.boots, 1.2, "Leather", "LE", colors=(), on_floor=True),
    "Bread": _entry(t.bread, 0.7, "Food", "K", colors=()),
    "ButterKnife": _entry(t.butter_knife, 0.08, "Metal", "K", colors=()),
    "CD": _entry(b.compact_disc, 0.02, "Plastic", "E"),
    "CellPhone": _entry(b.cell_phone, 0.15, "Metal/Glass", "KLE", "breakable", switch=_SCREEN),
    "Cloth": _entry(w.cloth, 0.1, "Fabric", "EA"),
    "CreditCard": _entry(b.credit_card, 0.01, "Plastic", "KLE"),
    "DishSponge": _entry(t.dish_sponge, 0.03, "Sponge", "KA", colors=()),
    "Dumbbell": _entry(b.dumbbell, 3.0, "Metal", "E", on_floor=True),
    "Egg": _entry(t.egg, 0.06, "Food", "K", "breakable", colors=()),
    "Fork": _entry(t.fork, 0.05, "Metal", "K", colors=()),
    "KeyChain": _entry(b.key_chain, 0.05, "Metal", "LE"),
    "Knife": _entry(t.knife, 0.15, "Metal", "K", colors=()),
    "Ladle": _entry(t.ladle, 0.2, "Metal", "K", colors=()),
    "Laptop": _entry(
        b.laptop,
        1.8,
        "Metal",
        "LE",
        "breakable",
        colors=(),
        opening=b.laptop_opening,
        switch=_SCREEN,
    ),
    "Lettuce": _entry(t.lettuce, 0.5, "Food", "K", colors=()),
    "Newspaper": _entry(b.newspaper, 0.3, "Paper", "L", colors=()),
    "PaperTowelRoll": _entry(t.paper_towel_roll, 0.3, "Paper", "KA", colors=()),
    "Pen": _entry(b.pen, 0.02, "Plastic", "LE"),
    "Pencil": _entry(b.pencil, 0.01, "Wood", "LE"),
    "PepperShaker": _entry(t.pepper_shaker, 0.1, "Glass", "K", colors=()),
    "Pillow": _entry(b.pillow, 0.6, "Fabric", "LE"),
    "Plunger": _entry(w.plunger, 0.5, "Rubber/Wood", "A", colors=(), on_floor=True),
    "Potato": _entry(t.potato, 0.25, "Food", "K", colors=()),
    "RemoteControl": _entry(b.remote_control, 0.15, "Plastic", "L", colors=()),
    "SaltShaker": _entry(t.salt_shaker, 0.1, "Glass", "K", colors=()),
    "ScrubBrush": _entry(w.scrub_brush, 0.3, "Plastic", "A", on_floor=True),
    "SoapBar": _entry(w.soap_bar, 0.1, "Soap", "A", colors=()),
    "SoapBottle": _entry(w.soap_bottle, 0.4, "Plastic", "KA"),
    "Spatula": _entry(t.spatula, 0.12, "Plastic", "K"),
    "Spoon": _entry(t.spoon, 0.05, "Metal", "K", colors=()),
    "SprayBottle": _entry(w.spray_bottle, 0.4, "Plastic", "A"),
    "Statue": _entry(b.statue, 1.5, "Stone", "KLE", "breakable", colors=()),
    "TennisRacket": _entry(b.tennis_racket, 0.3, "Metal", "E", on_floor=True),
    "TissueBox": _entry(w.tissue_box, 0.2, "Paper", "LEA"),
    "ToiletPaper": _entry(w.toilet_paper, 0.15, "Paper", "A", colors=()),
    "Tomato": _entry(t.tomato, 0.15, "Food", "K", colors=()),
    "WateringCan": _entry(b.watering_can, 0.6, "Metal", "L", "canFillWithLiquid", on_floor=True),
    "WineBottle": _entry(
        t.wine_bottle, 1.1, "Glass", "K", "breakable", "canFillWithLiquid", colors=()
    ),
}
ASSET_TYPES = tuple(_CATALOGUE)
EVERYWHERE = tuple(name for name, entry in _CATALOGUE.items() if entry.everywhere)
_INITIALS = {"Kitchen": "K", "LivingRoom": "L", "Bedroom": "E", "Bathroom": "A"}


def colors_of(object_type: str) -> tuple[str, ...]:
    """The colours that a type comes in; () where it has colours of its own."""
    return _CATALOGUE[object_type].colors


def lying_about(room_kind: str) -> dict[str, bool]:
    """The types that lie about in rooms of a kind, beside those of every room; whether they may lie on the floor."""
    return {
        name: entry.on_floor
        for name, entry in _CATALOGUE.items()
        if _INITIALS[room_kind] in entry.rooms and not entry.everywhere
    }


def at_home(object_type: str, room_kind: str) -> bool:
    """Whether one would find the type in a room of this kind."""
    return _INITIALS[room_kind] in _CATALOGUE[object_type].rooms


VARIANTS = 3
_PROPORTIONS = ((1.0, 1.0, 1.0), (1.12, 0.88, 1.12), (0.90, 1.14, 0.90))  # as made, stout, slender
_SIZES = ((1.0, 1.0, 1.0), (0.86, 0.86, 0.86), (1.12, 1.12, 1.12))
_ROUND = {
    "BasketBall",
    "AlarmClock",
    "Apple",
    "Tomato",
    "Egg",
    "Lettuce",
    "Dumbbell",
    "TennisRacket",
    "CD",
}  # come in sizes, not in proportions


@cache
def asset(object_type: str, variant: int = 0) -> Asset:
    """The mesh of one type in one of its three shapes, its box standing on y = 0 with its centre above the pivot."""
    entry = _CATALOGUE[object_type]
    scale = np.array((_SIZES if object_type in _ROUND else _PROPORTIONS)[variant])
    meshes = merged(entry.shape())
    corners = np.concatenate([m.vertices for m in meshes]) * scale
    low, high = corners.min(axis=0), corners.max(axis=0)
    shift = -np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    size = tuple(round(float(v), 4) for v in high - low)
    opening = scaled_opening(entry.opening() if entry.opening else None, scale, shift)
    surfaces = ()
    if entry.holds:
        half, y = entry.holds
        surfaces = (scaled_surface(Surface(-half, -half, half, half, y), scale, shift),)
    return Asset(
        object_type,
        scaled(meshes, scale, shift),
        size,
        entry.mass_kg,
        entry.salient_materials,
        entry.flags,
        f"{object_type}_{variant + 1}",
        opening,
        entry.switch,
        surfaces,
    )
