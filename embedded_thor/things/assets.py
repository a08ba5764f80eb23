"""The catalogue of pickupable objects: iTHOR's types, as smooth meshes in metres.

Each comes in three shapes, most in every colour of `COLORS`.
"""

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
        shape: makes its meshes.
        mass_kg, materials ("Metal/Glass"), flags: as AI2-THOR reports them.
        rooms: initials of the room types where one lies about: Kitchen, Living room, bEdroom,
            bAthroom.
        colors: those that it comes in; () where it has colours of its own.
        everywhere: whether every room has one of each colour if it is furnished so
            (-every-color), which is what a campaign arranges by default.
        on_floor: whether it may lie on the floor; what is everywhere may.
        opening: makes how it opens, before scaling. switch: what toggling changes.
        holds: half width and height of its inner floor, before scaling, if things can lie in it.
    """

    shape: Callable[[], list[Mesh]]
    mass_kg: float
    materials: str
    rooms: str
    flags: tuple[str, ...] = ()
    everywhere: bool = False
    colors: tuple[str, ...] = tuple(COLORS)
    on_floor: bool = False
    opening: Callable[[], Opening] | None = None
    switch: Switch | None = None
    holds: tuple[float, float] | None = None


_BREAKS, _FILLS = ("breakable",), ("canFillWithLiquid",)
_FLAME = Switch("flame", on="flame", off="", at_first=True)
_SCREEN = Switch("screen", on="screen_on", off="screen", at_first=False)
_CATALOGUE = {
    "Mug": Entry(
        t.mug, 0.4, "Ceramic", "KLE", _BREAKS + _FILLS, everywhere=True, holds=(0.025, 0.012)
    ),
    "Cup": Entry(t.cup, 0.2, "Plastic", "KA", _FILLS, everywhere=True, holds=(0.018, 0.02)),
    "Bowl": Entry(
        t.bowl, 0.5, "Ceramic", "KL", _BREAKS + _FILLS, everywhere=True, holds=(0.045, 0.016)
    ),
    "Plate": Entry(t.plate, 0.6, "Ceramic", "KL", _BREAKS, everywhere=True, holds=(0.08, 0.01)),
    "Pot": Entry(t.pot, 1.5, "Metal", "K", _FILLS, everywhere=True),
    "Pan": Entry(t.pan, 1.2, "Metal", "K", everywhere=True, holds=(0.085, 0.009)),
    "Kettle": Entry(t.kettle, 1.3, "Metal", "K", _FILLS, everywhere=True, opening=t.kettle_opening),
    "Vase": Entry(t.vase, 1.0, "Ceramic", "LEA", _BREAKS, everywhere=True),
    "Bottle": Entry(t.bottle, 0.7, "Glass", "KA", _BREAKS + _FILLS, everywhere=True),
    "Book": Entry(b.book, 0.6, "Paper", "LE", everywhere=True, opening=b.book_opening),
    "Candle": Entry(b.candle, 0.3, "Wax", "LA", everywhere=True, switch=_FLAME),
    "AlarmClock": Entry(b.alarm_clock, 0.5, "Metal/Plastic", "E", everywhere=True),
    "TeddyBear": Entry(b.teddy_bear, 0.4, "Fabric", "E", everywhere=True),
    "Box": Entry(b.box_carton, 0.5, "Paper", "LE", everywhere=True, opening=b.box_opening),
    "BasketBall": Entry(b.basket_ball, 0.6, "Rubber", "E", everywhere=True),
    "Apple": Entry(t.apple, 0.2, "Food", "K", colors=("Red", "Green", "Yellow")),
    "BaseballBat": Entry(b.baseball_bat, 0.9, "Wood", "E", colors=(), on_floor=True),
    "Boots": Entry(b.boots, 1.2, "Leather", "LE", colors=(), on_floor=True),
    "Bread": Entry(t.bread, 0.7, "Food", "K", colors=()),
    "ButterKnife": Entry(t.butter_knife, 0.08, "Metal", "K", colors=()),
    "CD": Entry(b.compact_disc, 0.02, "Plastic", "E"),
    "CellPhone": Entry(b.cell_phone, 0.15, "Metal/Glass", "KLE", _BREAKS, switch=_SCREEN),
    "Cloth": Entry(w.cloth, 0.1, "Fabric", "EA"),
    "CreditCard": Entry(b.credit_card, 0.01, "Plastic", "KLE"),
    "DishSponge": Entry(t.dish_sponge, 0.03, "Sponge", "KA", colors=()),
    "Dumbbell": Entry(b.dumbbell, 3.0, "Metal", "E", on_floor=True),
    "Egg": Entry(t.egg, 0.06, "Food", "K", _BREAKS, colors=()),
    "Fork": Entry(t.fork, 0.05, "Metal", "K", colors=()),
    "KeyChain": Entry(b.key_chain, 0.05, "Metal", "LE"),
    "Knife": Entry(t.knife, 0.15, "Metal", "K", colors=()),
    "Ladle": Entry(t.ladle, 0.2, "Metal", "K", colors=()),
    "Laptop": Entry(
        b.laptop, 1.8, "Metal", "LE", _BREAKS, colors=(), opening=b.laptop_opening, switch=_SCREEN
    ),
    "Lettuce": Entry(t.lettuce, 0.5, "Food", "K", colors=()),
    "Newspaper": Entry(b.newspaper, 0.3, "Paper", "L", colors=()),
    "PaperTowelRoll": Entry(t.paper_towel_roll, 0.3, "Paper", "KA", colors=()),
    "Pen": Entry(b.pen, 0.02, "Plastic", "LE"),
    "Pencil": Entry(b.pencil, 0.01, "Wood", "LE"),
    "PepperShaker": Entry(t.pepper_shaker, 0.1, "Glass", "K", colors=()),
    "Pillow": Entry(b.pillow, 0.6, "Fabric", "LE"),
    "Plunger": Entry(w.plunger, 0.5, "Rubber/Wood", "A", colors=(), on_floor=True),
    "Potato": Entry(t.potato, 0.25, "Food", "K", colors=()),
    "RemoteControl": Entry(b.remote_control, 0.15, "Plastic", "L", colors=()),
    "SaltShaker": Entry(t.salt_shaker, 0.1, "Glass", "K", colors=()),
    "ScrubBrush": Entry(w.scrub_brush, 0.3, "Plastic", "A", on_floor=True),
    "SoapBar": Entry(w.soap_bar, 0.1, "Soap", "A", colors=()),
    "SoapBottle": Entry(w.soap_bottle, 0.4, "Plastic", "KA"),
    "Spatula": Entry(t.spatula, 0.12, "Plastic", "K"),
    "Spoon": Entry(t.spoon, 0.05, "Metal", "K", colors=()),
    "SprayBottle": Entry(w.spray_bottle, 0.4, "Plastic", "A"),
    "Statue": Entry(b.statue, 1.5, "Stone", "KLE", _BREAKS, colors=()),
    "TennisRacket": Entry(b.tennis_racket, 0.3, "Metal", "E", on_floor=True),
    "TissueBox": Entry(w.tissue_box, 0.2, "Paper", "LEA"),
    "ToiletPaper": Entry(w.toilet_paper, 0.15, "Paper", "A", colors=()),
    "Tomato": Entry(t.tomato, 0.15, "Food", "K", colors=()),
    "WateringCan": Entry(b.watering_can, 0.6, "Metal", "L", _FILLS, on_floor=True),
    "WineBottle": Entry(t.wine_bottle, 1.1, "Glass", "K", _BREAKS + _FILLS, colors=()),
}
ASSET_TYPES = tuple(_CATALOGUE)
EVERYWHERE = tuple(name for name, entry in _CATALOGUE.items() if entry.everywhere)
_INITIALS = {"Kitchen": "K", "LivingRoom": "L", "Bedroom": "E", "Bathroom": "A"}


def colors_of(object_type: str) -> tuple[str, ...]:
    """The colours that a type comes in; () where it has colours of its own."""
    return _CATALOGUE[object_type].colors


def lying_about(room_kind: str) -> dict[str, bool]:
    """The types that lie about in rooms of a kind, beside those of every room.

    Returns: for each whether it may lie on the floor.
    """
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
_ROUND = frozenset(  # these come in sizes, not in proportions
    [
        "AlarmClock",
        "Apple",
        "BasketBall",
        "CD",
        "Dumbbell",
        "Egg",
        "Lettuce",
        "TennisRacket",
        "Tomato",
    ]
)


@cache
def asset(object_type: str, variant: int = 0) -> Asset:
    """One type in one of its three shapes.

    Its box stands on y = 0 with its centre above the pivot.
    """
    entry = _CATALOGUE[object_type]
    scale = np.array((_SIZES if object_type in _ROUND else _PROPORTIONS)[variant])
    meshes = merged(entry.shape())
    corners = np.concatenate([m.vertices for m in meshes]) * scale
    low, high = corners.min(axis=0), corners.max(axis=0)
    shift = -np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    surfaces = ()
    if entry.holds:
        half, y = entry.holds
        surfaces = (scaled_surface(Surface(-half, -half, half, half, y), scale, shift),)
    return Asset(
        type=object_type,
        meshes=scaled(meshes, scale, shift),
        size=tuple(round(float(v), 4) for v in high - low),
        mass_kg=entry.mass_kg,
        salient_materials=tuple(entry.materials.split("/")),
        flags=frozenset(entry.flags),
        name=f"{object_type}_{variant + 1}",
        opening=scaled_opening(entry.opening() if entry.opening else None, scale, shift),
        switch=entry.switch,
        surfaces=surfaces,
    )
