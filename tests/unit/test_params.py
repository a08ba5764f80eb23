import re

import pytest
from pydantic import BaseModel

from rls3.errors import ParamsError
from rls3.params import Params, load_params, with_overrides
from rls3.seeds import generator, integer_seed
from tests.conftest import ROOT, make_params


def test_the_repositorys_own_file_is_valid():
    assert load_params(ROOT / "params.yaml").campaign.name == "default"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("campain.rounds=2", "unknown group 'campain'; did you mean 'campaign'"),
        ("campaign.round=2", "unknown key 'campaign.round' .value 2.; did you mean 'rounds'"),
        (
            "campaign.rounds=many",
            "campaign.rounds = 'many' is not allowed: input should be a valid integer",
        ),
        (
            "campaign.rounds=0",
            "campaign.rounds = 0 is not allowed: input should be greater than or equal to 1",
        ),
        ("vlm.family=blip", "vlm.family = 'blip' is not allowed: input should be 'clip' or 'vilt'"),
        ("campaign", "not of the form group.key=value"),
        ("sampling.min_visible_px=100000", "sampling.min_visible_px=100000 is more than a quarter"),
        ("campaign.name=../x", "campaign.name"),
        ("simulator.floor_plans=[FloorPlan9-7]", "'FloorPlan9-7' runs backwards"),
        (
            "simulator.floor_plans=[FloorPlan1, FloorPlan226]",
            "'FloorPlan226', a room of the benchmarks",
        ),
        ("sampling.held_out_types=[Book, Mug]", "names 'Mug', which sampling.types names too"),
        ("agent.pop.epochs=2", "unknown group 'agent.pop'; did you mean 'ppo'"),
        ("agent.ppo.epoch=2", "unknown key 'agent.ppo.epoch' .value 2.; did you mean 'epochs'"),
        ("agent.epochs=2", "unknown key 'agent.epochs' .value 2.; did you mean 'ppo.epochs'"),
        ("agent.ppo.a.b=2", "unknown group 'agent.ppo.a'; known are batch_size, clip_range"),
        ("agent.name.x=2", "'agent.name' is a value, not a group; leave out what follows it"),
        (
            "agent.ppo=2",
            "agent.ppo = 2 is not allowed: it is a group; name a key of it: agent.ppo.",
        ),
        ("agent.ppo.gamma=2", "agent.ppo.gamma = 2 is not allowed: input should be less than or"),
        ("agent.name=sac", "should be 'ppo', 'random', 'stratified' or 'failure'"),
        (
            "agent.failure.axes=[cel]",
            "agent.failure.axes.0 = 'cel' is not allowed: input should be",
        ),
        ("agent.failure.axes=[room]", r"axes = \['room'\] leaves nothing to choose"),
        (
            "agent.failure.floor=0",
            "agent.failure.floor = 0 is not allowed: input should be greater",
        ),
    ],
)
def test_a_bad_value_is_one_sentence_that_names_it(override, message):
    with pytest.raises(ParamsError, match=message) as caught:
        load_params(ROOT / "params.yaml", [override])
    assert "\n" not in str(caught.value)


def test_a_key_of_an_inner_group_can_be_set():
    params = load_params(ROOT / "params.yaml", ["agent.ppo.epochs=9", "agent.failure.axes=[view]"])
    assert params.agent.ppo.epochs == 9 and params.agent.failure.axes == ("view",)


def _float_keys(model, prefix=""):
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _float_keys(field.annotation, f"{prefix}{name}.")
        elif field.annotation is float:
            yield f"{prefix}{name}"


@pytest.mark.parametrize("key", _float_keys(Params))
def test_every_number_is_finite(key):
    for value in ("inf", "-inf", "nan", ".inf", ".nan"):
        with pytest.raises(ParamsError, match=re.escape(f"{key} = ")):
            load_params(ROOT / "params.yaml", [f"{key}={value}"])


def test_ranges_of_rooms_are_taken_in_turn_and_no_room_is_in_two_splits():
    params = load_params(
        ROOT / "params.yaml", ["simulator.floor_plans=[FloorPlan1-3, FloorPlan201-202, FloorPlan7]"]
    )
    wanted = (
        "FloorPlan1",
        "FloorPlan201",
        "FloorPlan7",
        "FloorPlan2",
        "FloorPlan202",
        "FloorPlan3",
    )
    assert params.simulator.floor_plans == wanted
    own = load_params(ROOT / "params.yaml")
    splits = [
        own.simulator.floor_plans,
        own.evaluation.val_floor_plans,
        own.evaluation.test_floor_plans,
    ]
    assert [len(rooms) for rooms in splits] == [80, 20, 20] and len(
        {room for rooms in splits for room in rooms}
    ) == 120


def test_missing_file_and_broken_yaml(tmp_path):
    with pytest.raises(ParamsError, match="does not exist"):
        load_params(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("campaign: [")
    with pytest.raises(ParamsError, match="not valid YAML"):
        load_params(tmp_path / "bad.yaml")


def test_an_unknown_group_in_the_file_is_named(tmp_path):
    text = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("agent:", "agnet:"))
    with pytest.raises(ParamsError, match="'agent' is missing"):
        load_params(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text(text + "\nagnet:\n  name: ppo\n")
    with pytest.raises(ParamsError, match="unknown key 'agnet' .*; did you mean 'agent'?"):
        load_params(tmp_path / "params.yaml")


def test_records_are_frozen():
    with pytest.raises(Exception, match="frozen"):
        make_params().campaign.rounds = 3


def test_streams_are_independent_and_repeatable():
    draws = {(r, s): generator(7, r, s).random() for r in (1, 2) for s in ("sample", "share")}
    assert len(set(draws.values())) == 4
    assert draws[1, "sample"] == generator(7, 1, "sample").random()
    assert (
        integer_seed(7, 1, "sample") == integer_seed(7, 1, "sample") != integer_seed(8, 1, "sample")
    )


def test_overrides_are_checked_again_and_leave_the_rest():
    params = load_params(ROOT / "params.yaml")
    changed = with_overrides(params, {"campaign.rounds": 3, "campaign.name": "other"})
    assert (changed.campaign.rounds, changed.campaign.name) == (3, "other")
    assert with_overrides(changed, {"campaign.rounds": 8, "campaign.name": "default"}) == params
    for key, value, said in (
        ("campaign.rounds", 0, "campaign.rounds = 0 is not allowed"),
        ("campaign.round", 3, "unknown key 'campaign.round'.*did you mean 'rounds'"),
        ("campain.rounds", 3, "there is no group 'campain' for 'campain.rounds'"),
        ("campaign.name.first", "a", "there is no group 'campaign.name'"),
    ):
        with pytest.raises(ParamsError, match=said):
            with_overrides(params, {key: value})
