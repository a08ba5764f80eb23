"""Which kinds a campaign may place."""

import pytest

from rls3.errors import ParamsError
from rls3.placing.container import surveys_of
from tests.conftest import make_params
from tests.unit.geometric_simulator import GeometricSimulator


def kinds_of(types, held_out=(), with_held_out=False):
    sampling = make_params(sampling__types=types, sampling__held_out_types=held_out).sampling
    return surveys_of(GeometricSimulator(), ["Room1"], sampling, with_held_out)["Room1"].kinds


@pytest.mark.parametrize(
    ("types", "held_out", "with_held_out", "expected"),
    [
        (["Mug", "Bowl"], ["Vase"], False, {"Mug", "Bowl"}),
        (["Mug", "Bowl"], ["Vase"], True, {"Mug", "Bowl", "Vase"}),
        ([], ["Vase"], False, {"Mug", "Bowl", "Pot"}),
        ([], [], False, {"Mug", "Bowl", "Pot", "Vase"}),
    ],
)
def test_only_the_types_of_the_campaign_are_in_the_container(
    types, held_out, with_held_out, expected
):
    assert {kind.type for kind in kinds_of(types, held_out, with_held_out)} == expected


@pytest.mark.parametrize(
    ("types", "held_out", "message"),
    [
        (["Mug", "Vaze"], [], "sampling.types names 'Vaze', which none of the rooms has; "),
        (["Mug", "Vaze"], [], "did you mean 'Vase'?"),
        (["Zebra"], [], "names 'Zebra', which none of the rooms has; they have Bowl, Mug, Pot"),
        ([], ["Muug"], "sampling.held_out_types names 'Muug', .* did you mean 'Mug'?"),
    ],
)
def test_a_type_that_no_room_has_is_an_error(types, held_out, message):
    with pytest.raises(ParamsError, match=message) as caught:
        kinds_of(types, held_out)
    assert "\n" not in str(caught.value)


def test_a_room_with_too_few_kinds_is_an_error():
    sampling = make_params(
        sampling__types=["Mug"], sampling__held_out_types=[], sampling__objects=4
    ).sampling
    with pytest.raises(ParamsError, match="Room1 has 3 kinds of sampling.types, .* needs 4"):
        surveys_of(GeometricSimulator(), ["Room1"], sampling)
