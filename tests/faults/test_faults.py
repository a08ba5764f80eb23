"""A few of the faults of `python -m tests.faults`, in one campaign one after the other."""

import pytest

from tests.faults.cases import MORE, RUN, completed, nothing
from tests.faults.disks import zeroed
from tests.faults.project import make_project
from tests.faults.rig import Rig


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    """Before any campaign."""
    rig = Rig(tmp_path_factory.mktemp("faults"))
    for folder in (rig.project, rig.tmp):
        folder.mkdir()
    make_project(rig.project)
    rig.keep("pristine")
    return rig


@pytest.fixture(scope="module")
def undisturbed(rig):
    ended = rig.run(*RUN)
    assert ended.code == 0 and not ended.problems and not rig.left_behind(), ended
    return rig.table()


FAULTS = {
    "SIGKILL": {"kill": {"point": "finetune", "call": 1, "after_s": 0.0, "signal": "SIGKILL"}},
    "disk full": {"fsize": 20_000},
}


def test_killed_and_out_of_space_it_ends_as_if_nothing_had_been(rig, undisturbed):
    rig.go_back("pristine")
    for name, fault in FAULTS.items():
        ended = rig.run(*RUN, fault=fault)
        assert ended.code != 0 and not ended.problems, (name, ended)
    assert "no space left for" in ended.said
    last = rig.run(*RUN)
    assert last.code == 0 and not last.problems, last
    assert rig.table() == undisturbed and not rig.left_behind()


def test_a_damaged_model_stops_it_with_the_way_out(rig, undisturbed):
    round_ = rig.project / "runs/c/rounds/0002"
    zeroed(round_ / "vlm" / "model.safetensors")
    seen = completed(rig, "pristine", MORE, nothing)
    assert [ended.code for ended in seen] == [1, 0], seen
    assert "model.safetensors is damaged" in seen[0].said
    assert not [p for ended in seen for p in ended.problems]
    assert rig.table()[0][:2] == undisturbed[0] and not rig.left_behind()
