"""RoomSurvey as a file: a floor plan is surveyed once per simulator, then read."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np

from rls3.errors import DataError
from rls3.files import read_errors, read_json, write_text
from rls3.scene.records import Box, Kind, RoomSurvey, Surface


def survey_path(folder: Path, label: str, floor_plan: str) -> Path:
    """Below the runtime folder; label: of the simulator that was asked."""
    label, floor_plan = (re.sub(r"[^A-Za-z0-9.]+", "-", name) for name in (label, floor_plan))
    return folder / "surveys" / label / f"{floor_plan}.json"


def save_survey(survey: RoomSurvey, path: Path) -> None:
    """Raises: StorageError."""
    raw = {
        "floor_plan": survey.floor_plan,
        "minimum": survey.minimum,
        "maximum": survey.maximum,
        "surfaces": [
            {"id": s.receptacle_id, "type": s.receptacle_type, "points": s.points.tolist()}
            for s in survey.surfaces
        ],
        "standpoints": survey.standpoints.tolist(),
        "furniture": [asdict(box) for box in survey.furniture],
        "kinds": [[kind.type, kind.color, size] for kind, size in survey.kinds.items()],
        "eye_heights": survey.eye_heights,
    }
    write_text(path, json.dumps(raw))


def load_survey(path: Path) -> RoomSurvey | None:
    """None if there is none, or none that can be read (it is then made again)."""
    try:
        with read_errors(path):
            raw = read_json(path)
            return RoomSurvey(
                raw["floor_plan"],
                tuple(raw["minimum"]),
                tuple(raw["maximum"]),
                tuple(Surface(s["id"], s["type"], np.array(s["points"])) for s in raw["surfaces"]),
                np.array(raw["standpoints"]),
                tuple(
                    Box(tuple(b["center"]), tuple(b["size"]), b["yaw_deg"])
                    for b in raw["furniture"]
                ),
                {Kind(type_, color): tuple(size) for type_, color, size in raw["kinds"]},
                tuple(raw["eye_heights"]),
            )
    except DataError:
        return None
