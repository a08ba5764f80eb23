"""How floor plans are furnished: without a simulator's process, from the records alone."""

import numpy as np
import pytest

from embedded_thor.physics import settle
from embedded_thor.rooms import room
from embedded_thor.things.assets import EVERYWHERE
from embedded_thor.things.materials import COLORS
from embedded_thor.world import World


@pytest.mark.parametrize("name", ["FloorPlan1", "FloorPlan217", "FloorPlan310", "FloorPlan409"])
@pytest.mark.parametrize("every_color", [False, True])
def test_everything_that_is_let_go_at_reset_stays_where_it_is(name, every_color):
    world = World(room(name, every_color))
    things = [item for item in world.items.values() if item.pickupable]
    before = {item.name: (item.position, item.matrix) for item in things}
    settle(world, things)
    for item in things:
        position, matrix = before[item.name]
        assert np.linalg.norm(item.position - position) < 0.02, item.name
        assert (matrix.T @ item.matrix)[1, 1] > np.cos(np.radians(8)), item.name
        assert not item.moving, item.name


@pytest.mark.parametrize("name", ["FloorPlan5", "FloorPlan205", "FloorPlan305", "FloorPlan405"])
def test_a_floor_plan_holds_every_color_or_what_one_would_find_there(name):
    full, everyday = room(name, every_color=True), room(name)
    assert {(o.asset.type, o.color) for o in full.objects if o.asset.type in EVERYWHERE} == {
        (kind, color) for kind in EVERYWHERE for color in COLORS
    }
    assert 15 <= len(everyday.objects) < len(full.objects)
    assert full.agent_position == everyday.agent_position
    assert [(p.name, p.position, p.yaw_deg) for p in full.furniture] == [
        (p.name, p.position, p.yaw_deg) for p in everyday.furniture
    ]
    assert sum(o.position[1] == 0 for o in everyday.objects) <= 8
