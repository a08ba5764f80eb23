"""Doors, drawers and knobs: shut, carcass and parts are the piece that is drawn as one."""

import numpy as np
import pytest

from embedded_thor.actions import perform
from embedded_thor.model import PARTS_GROUP, WHOLE_GROUP
from embedded_thor.procthor.nearest import as_high
from embedded_thor.render import View
from embedded_thor.session import Session
from embedded_thor.things import fixtures
from embedded_thor.things import furniture as f

PIECES = [
    f.counter(1.8),
    f.dresser("Dresser", 1.2, 0.45, 0.86, 4),
    fixtures.sink_cabinet(1.2),
    fixtures.stove(),
]


def _extent(meshes):
    points = np.concatenate([mesh.vertices for mesh in meshes])
    return points.min(axis=0), points.max(axis=0)


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: piece.type)
@pytest.mark.parametrize("height", [0.7, 1.0, 1.4])
def test_carcass_and_shut_parts_fill_the_piece_however_it_is_stretched(piece, height):
    piece = as_high(piece, height * (piece.bottom + piece.size[1]))
    assert piece.parts
    whole_low, whole_high = _extent(piece.meshes)
    for part in piece.parts:
        kind = part.furniture
        low, high = _extent(kind.opening.meshes(0.0) if kind.opening else kind.meshes)
        assert np.all(low + part.position >= whole_low - 1e-6) and np.all(
            high + part.position <= whole_high + 1e-6
        )
        for surface in kind.opening.inside if kind.opening else ():
            assert 0 <= surface.y < surface.y + surface.clearance <= kind.size[1] + 1e-6
    low, high = _extent(piece.carcass)
    assert np.allclose(low, whole_low) and np.allclose(high[:2], whole_high[:2]), (
        "only fronts are missing"
    )


@pytest.mark.parametrize("scene", ["FloorPlan1", "FloorPlan301", "FloorPlan401"])
def test_the_piece_drawn_as_one_and_in_parts_is_equally_far_away_everywhere(scene):
    session = Session(160, 160, quality="observation")
    session.load(f"{scene}_physics")
    perform(session, {"action": "Initialize", "renderDepthImage": True})
    groups, x_z = session.world.model.geom_group, session.agent.position[[0, 2]]
    for yaw in range(0, 360, 60):
        view = View(np.array([x_z[0], 1.4, x_z[1]]), float(yaw), 20.0, 90.0)
        in_parts = session.draw(view, session.agent).depth
        was = groups.copy()
        groups[was == WHOLE_GROUP], groups[was == PARTS_GROUP] = PARTS_GROUP, WHOLE_GROUP
        as_one = session.draw(view, session.agent).depth
        groups[:] = was
        differ = np.abs(in_parts - as_one) > 0.002
        assert differ.mean() < 0.002, f"{differ.sum()} pixels at yaw {yaw}"
