"""Scenes without a policy: uniform over the 26 relations, for pre-training the base models and for
the benchmarks."""

from collections.abc import Iterator, Sequence

import numpy as np

from rls3.language.relation import CELLS
from rls3.params import SamplingParams
from rls3.placing.goal import DISTANCES, VIEWS, Goal
from rls3.placing.solver import solve
from rls3.placing.spots import spots_of
from rls3.scene.records import RoomSurvey, SceneSpec


def stratified_specs(
    surveys: Sequence[RoomSurvey], params: SamplingParams, rng: np.random.Generator
) -> Iterator[SceneSpec]:
    """Endless specs: rooms in turn, cells in turn, everything else drawn at random."""
    spots = [spots_of(survey) for survey in surveys]
    index = 0
    while True:
        survey, spot = surveys[index % len(surveys)], spots[index % len(surveys)]
        cell = (index // len(surveys)) % len(CELLS)
        index += 1
        kinds = list(survey.kinds)
        chosen = [kinds[i] for i in rng.choice(len(kinds), params.objects, replace=False)]
        view, distance = int(rng.integers(len(VIEWS))), int(rng.integers(len(DISTANCES)))
        goal = Goal(chosen[0], chosen[1], cell, view, distance)
        spec = solve(goal, survey, spot, rng, params, chosen[2:])
        if spec is not None:
            yield spec
