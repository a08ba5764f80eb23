"""What the renderer draws depends on nothing that it drew before."""

import numpy as np
import pytest

from embedded_thor.render import Frame, Renderer, View
from embedded_thor.rooms import room
from embedded_thor.world import World

WIDTH_PX, HEIGHT_PX = 96, 72


@pytest.fixture(scope="module")
def worlds() -> tuple[World, World]:
    return World(room("FloorPlan1")), World(room("FloorPlan401"))


def _draw(renderer: Renderer, world: World, quality: str = "dataset") -> Frame:
    """From where its agent starts, as it looks at first."""
    x, _, z = world.room.agent_position
    view = View(np.array([x, 1.575, z]), world.room.agent_yaw_deg, 20.0, 60.0)
    return renderer.draw(world, view, WIDTH_PX, HEIGHT_PX, quality, ids=True, depth=True)


def _same(one: Frame, other: Frame) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("color", "geoms", "depth")
    )


@pytest.mark.parametrize("quality", ["observation", "dataset"])
def test_a_world_that_is_returned_to_looks_as_it_did(worlds, quality):
    renderer, (one, other) = Renderer(), worlds
    first = _draw(renderer, one, quality)
    between = _draw(renderer, other, quality)
    assert _same(_draw(renderer, one, quality), first)
    assert not np.array_equal(between.color, first.color)


def test_another_size_or_quality_in_between_changes_nothing(worlds):
    renderer, (one, other) = Renderer(), worlds
    first = _draw(renderer, one)
    _draw(renderer, one, "observation")
    view = View(np.array([0.0, 1.5, 0.0]), 0.0, 0.0, 90.0)
    renderer.draw(other, view, 160, 40, "dataset", ids=False, depth=False)
    renderer.draw(one, view, 200, 50, "dataset", ids=False, depth=False)
    assert _same(_draw(renderer, one), first)


def test_two_renderers_of_one_process_do_not_meet(worlds):
    one, other = worlds
    first_renderer = Renderer()
    first = _draw(first_renderer, one)
    second_renderer = Renderer()
    _draw(second_renderer, other)
    assert _same(_draw(first_renderer, one), first)
    assert _same(_draw(second_renderer, one), first)
