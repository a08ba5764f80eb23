"""The axes along which the VLM's failure is looked at, and along which scenes can be asked for.

Every axis is known before anything is placed, so a goal has a value on each as a sample has: what
fails can be asked for again. Their names are those of `agent.failure.axes` (`rls3.params.Axis`).

| axis | values |
|---|---|
| cell | one of the 26 relations, "above + left"; "any" for a goal that asks for none |
| subject, reference | object types |
| pair | both, "Mug, Bowl" |
| colors | whether subject and reference are of one colour: "same", "different" |
| view | "standing", "crouched" |
| distance | eye to reference: "near", "middle", "far" |
| room | "kitchen", "living room", "bedroom", "bathroom"; another scene's own name |
"""

import numpy as np

from rls3.dataset.sample import Sample
from rls3.language.relation import CELLS
from rls3.params import Axis, SamplingParams
from rls3.placing.goal import ANY_CELL, DISTANCES, VIEWS, Goal, distance_index
from rls3.scene.floor_plan import room_type
from rls3.scene.records import SceneSpec


def axes_of_goal(goal: Goal, floor_plan: str) -> dict[Axis, str]:
    """The value of every axis that a scene of this goal will have."""
    return {
        "cell": "any" if goal.cell == ANY_CELL else str(CELLS[goal.cell]),
        "subject": goal.subject.type,
        "reference": goal.reference.type,
        "pair": f"{goal.subject.type}, {goal.reference.type}",
        "colors": "same" if goal.subject.color == goal.reference.color else "different",
        "view": VIEWS[goal.view],
        "distance": DISTANCES[goal.distance],
        "room": room_type(floor_plan),
    }


def axes_of(sample: Sample, params: SamplingParams) -> dict[Axis, str]:
    """The value of every axis, as measured (view: as wanted)."""
    subject, reference = sample.objects[:2]
    eye_to_reference = np.subtract(reference.box.center, sample.camera.position)
    metres = float(np.linalg.norm(eye_to_reference))
    standing = SceneSpec.from_json(sample.spec).viewpoint.standing
    shown = Goal(
        subject.kind,
        reference.kind,
        sample.cell,
        VIEWS.index("standing" if standing else "crouched"),
        distance_index(metres, params.max_distance_m),
    )
    return axes_of_goal(shown, sample.floor_plan)
