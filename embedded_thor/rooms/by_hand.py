"""The four floor plans that are laid out by hand: the first of each room type."""

from collections.abc import Callable

from embedded_thor.rooms.layout import HEIGHT_M, Plan, against, free
from embedded_thor.things import fixtures
from embedded_thor.things import furniture as f
from embedded_thor.things.materials import Look


def _kitchen() -> Plan:
    corner = (2.3, HEIGHT_M, 2.0)
    layout = [
        against("north", -0.15, f.counter(2.0), corner),
        against("north", 1.2, fixtures.stove(), corner),
        against("north", -1.75, fixtures.fridge(), corner),
        against("north", -0.15, f.wall_shelf(1.9, 0.30, (1.28, 1.62)), corner),
        against("east", -0.3, f.shelving_unit(1.0, 0.34, (0.12, 0.50, 0.90, 1.28), 1.5), corner),
        free(-0.55, -0.45, f.table("DiningTable", 1.3, 0.85, 0.74)),
        free(-0.55, -1.12, f.chair(), 0.0),
        free(0.45, -1.45, f.stool()),
        against("west", -1.45, f.bin_(), corner),
        against("west", 0.2, f.window(1.3, 1.0, 1.0), corner),
        against("south", 0.6, f.painting(0.7, 0.5, 1.35), corner),
    ]
    look = Look(
        floor=("tiles", (0.80, 0.76, 0.68), 0.8),
        wall=("plaster", (0.86, 0.84, 0.74)),
        wood=(0.72, 0.53, 0.34),
        fabric=(0.5, 0.5, 0.55),
        cabinet=(0.62, 0.68, 0.66),
        picture=(0.55, 0.68, 0.80),
        rug=(0.45, 0.5, 0.52),
    )
    return Plan("Kitchen", corner, layout, look, sun=(0.75, -1.0, -0.45))


def _living_room() -> Plan:
    corner = (2.6, HEIGHT_M, 2.2)
    layout = [
        against("south", -0.5, f.sofa(2.0, seats=2), corner),
        free(-0.5, -0.35, f.table("CoffeeTable", 1.15, 0.65, 0.42, shelf=True)),
        against("north", -0.4, f.dresser("TVStand", 1.7, 0.42, 0.52, 2), corner),
        against("west", 0.1, f.shelving_unit(1.3, 0.34, (0.10, 0.48, 0.86, 1.24), 1.55), corner),
        against("east", 0.9, f.table("SideTable", 0.6, 0.5, 0.62), corner),
        against("east", -0.6, f.table("Desk", 1.2, 0.6, 0.75), corner),
        against("east", -0.6, f.wall_shelf(1.1, 0.26, (1.25,)), corner),
        free(1.25, 1.85, f.floor_lamp()),
        free(1.05, -1.8, f.plant()),
        against("north", 1.0, f.window(1.1, 1.1, 0.95), corner),
        against("north", -0.5, f.painting(1.0, 0.6, 1.3), corner),
        against("south", -0.5, f.painting(0.8, 0.55, 1.35), corner),
    ]
    look = Look(
        floor=("planks", (0.60, 0.42, 0.26), 1.3),
        wall=("stripes", (0.78, 0.80, 0.78)),
        wood=(0.62, 0.43, 0.27),
        fabric=(0.34, 0.40, 0.47),
        cabinet=(0.8, 0.8, 0.78),
        picture=(0.75, 0.55, 0.42),
        rug=(0.62, 0.55, 0.48),
    )
    return Plan("LivingRoom", corner, layout, look, sun=(-0.55, -1.0, -0.7))


def _bedroom() -> Plan:
    corner = (2.3, HEIGHT_M, 2.1)
    layout = [
        against("south", 0.35, f.bed(1.5), corner),
        against("south", -0.75, f.table("SideTable", 0.48, 0.42, 0.55), corner),
        against("south", 1.55, f.table("SideTable", 0.48, 0.42, 0.55), corner),
        against("west", 0.95, f.table("Desk", 1.3, 0.62, 0.76), corner),
        against("west", 0.95, f.wall_shelf(1.2, 0.26, (1.22, 1.55)), corner),
        against("north", 0.9, f.dresser("Dresser", 1.2, 0.48, 0.86, 4), corner),
        against("north", -0.55, f.shelving_unit(0.9, 0.34, (0.10, 0.46, 0.82, 1.18), 1.4), corner),
        against("west", -0.6, f.window(1.2, 1.1, 0.9), corner),
        against("north", 0.9, f.painting(0.8, 0.5, 1.45), corner),
        against("east", 0.2, f.painting(0.6, 0.8, 1.1), corner),
        against("west", -1.3, f.bin_(), corner),
    ]
    look = Look(
        floor=("carpet", (0.66, 0.62, 0.56), 1.0),
        wall=("plaster", (0.72, 0.78, 0.80)),
        wood=(0.80, 0.66, 0.48),
        fabric=(0.45, 0.48, 0.58),
        cabinet=(0.8, 0.8, 0.78),
        picture=(0.80, 0.66, 0.55),
        rug=(0.50, 0.45, 0.50),
    )
    return Plan("Bedroom", corner, layout, look, sun=(0.7, -1.0, 0.5))


def _bathroom() -> Plan:
    corner = (2.0, HEIGHT_M, 1.8)
    layout = [
        against("north", -0.9, fixtures.bathtub(), corner),
        against("east", 0.9, fixtures.toilet(), corner),
        against("east", -0.45, fixtures.sink_cabinet(1.3), corner),
        against("east", -0.45, f.wall_shelf(1.1, 0.24, (1.30,)), corner),
        against("west", -0.75, f.shelving_unit(0.95, 0.36, (0.12, 0.50, 0.88, 1.26), 1.5), corner),
        against("south", 0.25, f.dresser("Dresser", 1.1, 0.45, 0.80, 3), corner),
        free(-0.2, 0.15, f.table("SideTable", 0.75, 0.55, 0.48)),
        against("south", -0.95, f.stool(), corner),
        against("north", 0.9, f.window(0.8, 0.8, 1.25), corner),
        against("south", 0.25, f.painting(0.7, 0.5, 1.3), corner),
    ]
    look = Look(
        floor=("tiles", (0.55, 0.62, 0.66), 0.6),
        wall=("tiles", (0.82, 0.88, 0.89)),
        wood=(0.74, 0.58, 0.42),
        fabric=(0.5, 0.5, 0.55),
        cabinet=(0.78, 0.80, 0.80),
        picture=(0.50, 0.70, 0.78),
        rug=(0.40, 0.55, 0.60),
    )
    return Plan("Bathroom", corner, layout, look, sun=(-0.5, -1.0, -0.6))


BY_HAND: dict[str, Callable[[], Plan]] = {
    "FloorPlan1": _kitchen,
    "FloorPlan201": _living_room,
    "FloorPlan301": _bedroom,
    "FloorPlan401": _bathroom,
}
