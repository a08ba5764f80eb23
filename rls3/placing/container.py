"""The object container (paper: data generation): which of a room's objects may be placed."""

import difflib
from collections.abc import Collection, Sequence
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
    """Rooms with the kinds of `sampling.types` alone (of all types if it is empty), with or without
    those held out.

    Raises: ParamsError if `sampling` names a type that none of these rooms has, or if a room has
        fewer kinds than a scene needs.
    """
    surveys = {name: simulator.survey(name) for name in floor_plans}
    known = {kind.type for survey in surveys.values() for kind in survey.kinds}
    _check_names("sampling.types", params.types, known)
    _check_names("sampling.held_out_types", params.held_out_types, known)
    return {name: _allowed(survey, params, with_held_out) for name, survey in surveys.items()}


def _check_names(key: str, types: Collection[str], known: Collection[str]) -> None:
    for name in types:
        if name not in known:
            close = difflib.get_close_matches(name, sorted(known), n=1)
            way_out = (
                f"did you mean {close[0]!r}?" if close else f"they have {', '.join(sorted(known))}"
            )
            raise ParamsError(f"{key} names {name!r}, which none of the rooms has; {way_out}")


def _allowed(survey: RoomSurvey, params: SamplingParams, with_held_out: bool) -> RoomSurvey:
    types = {kind.type for kind in survey.kinds}
    allowed = set(params.types or types) - set(params.held_out_types)
    if with_held_out:
        allowed |= set(params.held_out_types)
    kinds = {kind: size for kind, size in survey.kinds.items() if kind.type in allowed}
    if len(kinds) < params.objects:
        raise ParamsError(
            f"{survey.floor_plan} has {len(kinds)} kinds of sampling.types, and a scene needs "
            f"{params.objects}; it has {', '.join(sorted(types))}"
        )
    return replace(survey, kinds=kinds)
