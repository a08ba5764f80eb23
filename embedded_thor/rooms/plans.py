"""The names of the 120 floor plans, and for each the plans that it may stand for."""

from collections.abc import Iterator

from embedded_thor.rooms.by_hand import BY_HAND
from embedded_thor.rooms.by_rule import by_rule
from embedded_thor.rooms.layout import Plan

_FIRST = {"Kitchen": 0, "LivingRoom": 200, "Bedroom": 300, "Bathroom": 400}
_MOST_ATTEMPTS = 200
SCENE_NAMES = tuple(f"FloorPlan{first + i}" for first in _FIRST.values() for i in range(1, 31))


def attempts(name: str) -> Iterator[Plan]:
    """Plans for a floor plan's name; the caller takes the first in which the objects fit."""
    if name in BY_HAND:
        yield BY_HAND[name]()
        return
    number = int(name.removeprefix("FloorPlan"))
    kind = next(k for k, first in _FIRST.items() if first < number <= first + 30)
    for attempt in range(_MOST_ATTEMPTS):
        plan = by_rule(kind, number, attempt)
        if plan is not None:
            yield plan
