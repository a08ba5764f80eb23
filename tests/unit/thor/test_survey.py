"""A survey as a file: what is written is read, and what is not whole counts as none."""

from dataclasses import replace

import numpy as np
import pytest

from rls3.scene.records import Box, Kind, RoomSurvey, Surface
from rls3.thor.survey import load_survey, save_survey, survey_path

SURVEY = RoomSurvey(
    "FloorPlan1",
    (-2.0, 0.0, -1.5),
    (2.0, 2.6, 1.5),
    (Surface("Desk|1", "Desk", np.array([[0.1, 0.74, 0.2], [0.15, 0.74, 0.2]])),),
    np.array([[0.0, 0.25], [0.25, 0.25]]),
    (Box((0.1, 0.4, 0.2), (1.0, 0.8, 0.6), 90.0),),
    {Kind("Mug", "red"): (0.1, 0.11, 0.09), Kind("Bread"): (0.2, 0.1, 0.1)},
    (1.575, 0.901),
)


def test_what_is_written_is_read(tmp_path):
    path = survey_path(tmp_path, "embedded-thor 0.1.0", SURVEY.floor_plan)
    save_survey(SURVEY, path)
    read = load_survey(path)
    assert read == SURVEY
    assert np.array_equal(read.standpoints, SURVEY.standpoints)
    assert np.array_equal(read.surfaces[0].points, SURVEY.surfaces[0].points)
    assert [p.name for p in path.parent.iterdir()] == ["FloorPlan1.json"]


def test_simulators_and_floor_plans_do_not_share_a_file(tmp_path):
    labels, plans = ("embedded-thor 0.1.0", "embedded-thor 0.1.1", "../x y"), ("A", "B")
    paths = {survey_path(tmp_path, label, plan) for label in labels for plan in plans}
    assert len(paths) == 6
    assert all(path.resolve().is_relative_to(tmp_path) for path in paths)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"floor_plan": 3}', "\x00"])
def test_a_damaged_file_counts_as_none(tmp_path, text):
    path = tmp_path / "FloorPlan1.json"
    assert load_survey(path) is None
    path.write_text(text)
    assert load_survey(path) is None
    save_survey(replace(SURVEY, floor_plan="FloorPlan2"), path)
    assert load_survey(path).floor_plan == "FloorPlan2"
