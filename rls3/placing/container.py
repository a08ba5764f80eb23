"""The object container: which of a room's objects may be placed."""

from collections.abc import Sequence
from dataclasses import replace

from rls3.errors import ParamsError
from rls3.params import SamplingParams
from rls3.scene.records import RoomSurvey, Simulator


def surveys_of(
    simulator: Simulator,
    floor_plans: Sequence[str],
    params: SamplingParams,
    with_held_out: bool = False,
) -> dict[str, RoomSurvey]:
    """Rooms with the kinds of `sampling.types` alone (of all types if it is empty), with or without those held out.

    Raises: ParamsError if a room has fewer such kinds than a scene needs.
    """
    surveys = {}
    for name in floor_plans:
        survey = simulator.survey(name)
        allowed = set(params.types or {kind.type for kind in survey.kinds}) - set(
            params.held_out_types
        )
        allowed |= set(params.held_out_types if with_held_out else ())
        kinds = {kind: size for kind, size in survey.kinds.items() if kind.type in allowed}
        if len(kinds) < params.objects:
            raise ParamsError(
                f"{name} has {len(kinds)} kinds of sampling.types, and a scene needs {params.objects}; it has "
                f"{', '.join(sorted({kind.type for kind in survey.kinds}))}"
            )
        surveys[name] = replace(survey, kinds=kinds)
    return surveys
