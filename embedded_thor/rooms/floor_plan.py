"""Floor plans: iTHOR's names, each a furnished room.

The split of AI2-THOR's users (first 20 rooms of a type train, next 5 val, last 5 test) is by the
number in the name.
"""

from functools import lru_cache

from embedded_thor.records import AGENT_HEIGHT_M, Mesh, Placed, Room, Vector3
from embedded_thor.rooms.filling import Filling, filled
from embedded_thor.rooms.layout import HEIGHT_M, Layout, Plan
from embedded_thor.rooms.plans import SCENE_NAMES, attempts
from embedded_thor.things.materials import materials_of
from embedded_thor.things.meshes import box

_AMBIENT = 0.42


@lru_cache(maxsize=4)  # a compiled world keeps its own
def room(name: str, every_color: bool = False) -> Room:
    """The floor plan of that name ("FloorPlan1", with or without "_physics").

    Args:
        every_color: with all types of `EVERYWHERE` in all colours, not only what one would find
            in such a room.
    Raises: KeyError if there is none of that name.
    """
    name = name.removesuffix("_physics")
    if name not in SCENE_NAMES:
        raise KeyError(name)
    for plan in attempts(name):
        placed = _named(plan.layout)
        filling = filled(name, plan, placed, every_color)
        if filling is not None:
            return _room(name, plan, placed, filling)
    raise RuntimeError(f"{name} cannot be furnished")


def _named(layout: Layout) -> tuple[Placed, ...]:
    """Each piece is called by its type and a number."""
    counts: dict[str, int] = {}
    placed = []
    for piece, position, yaw in layout:
        counts[piece.type] = counts.get(piece.type, 0) + 1
        placed.append(Placed(f"{piece.type}_{counts[piece.type]}", piece, position, yaw))
    return tuple(placed)


def _room(name: str, plan: Plan, placed: tuple[Placed, ...], filling: Filling) -> Room:
    high, low = plan.corner, (-plan.corner[0], 0.0, -plan.corner[2])
    has_rug = plan.kind in ("LivingRoom", "Bedroom")
    return Room(
        name=name,
        kind=plan.kind,
        minimum=low,
        maximum=high,
        shell=_shell(low, high),
        furniture=placed,
        objects=filling.objects,
        materials=materials_of(plan.look),
        sun=plan.sun,
        ambient=_AMBIENT,
        agent_position=(filling.start[0], AGENT_HEIGHT_M, filling.start[1]),
        agent_yaw_deg=180.0,
        rug=box((1.9, 0.008, 1.3), (0.1, 0.004, 0.2), "rug") if has_rug else None,
    )


def _shell(low: Vector3, high: Vector3) -> tuple[Mesh, ...]:
    """Floor, ceiling, walls and skirting boards."""
    width, depth, t = high[0] - low[0], high[2] - low[2], 0.1
    x, z, y = (low[0] + high[0]) / 2, (low[2] + high[2]) / 2, HEIGHT_M / 2
    sides = [
        ((width, HEIGHT_M, t), (x, y, high[2] + t / 2)),
        ((width, HEIGHT_M, t), (x, y, low[2] - t / 2)),
        ((t, HEIGHT_M, depth), (high[0] + t / 2, y, z)),
        ((t, HEIGHT_M, depth), (low[0] - t / 2, y, z)),
    ]
    boards = [
        ((width, 0.09, 0.012), (x, 0.045, high[2] - 0.006)),
        ((width, 0.09, 0.012), (x, 0.045, low[2] + 0.006)),
        ((0.012, 0.09, depth), (high[0] - 0.006, 0.045, z)),
        ((0.012, 0.09, depth), (low[0] + 0.006, 0.045, z)),
    ]
    return (
        box((width, t, depth), (x, -t / 2, z), "floor"),
        box((width, t, depth), (x, HEIGHT_M + t / 2, z), "ceiling"),
        *(box(size, center, "wall") for size, center in sides),
        *(box(size, center, "skirting") for size, center in boards),
    )
