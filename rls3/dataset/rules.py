"""What every sample must satisfy over several of its fields: a flat row in, true or false out.

The relation is recomputed here from the stored geometry, by a second route: from box centres and
heading to the caption's text, not to the record's own `cell`.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from rls3.dataset.sample import Sample
from rls3.errors import DataError
from rls3.language.caption import Caption, kind_of, object_name, parse
from rls3.language.relation import relation

CAPTION_REGEX = (
    r"^The [a-z ]+ is (?:above|below|behind|in front|to the left|to the right)"
    r"[a-z, ]* the [a-z ]+\.$"
)
Row = Mapping[str, object]
"""One line of `flat_table`."""


def flat_table(samples: Sequence[Sample]) -> pd.DataFrame:
    """One flat row a sample: what the expectations look at. `row` is its number."""
    return pd.DataFrame([_flat_row(index, sample) for index, sample in enumerate(samples)])


def _flat_row(index: int, s: Sample) -> dict[str, object]:
    seen = [item.box_px for item in s.objects if item.box_px is not None]
    boxes = np.array(seen or [(-1, -1, -1, -1)])
    subject, reference = s.objects[:2]
    return {
        "row": index,
        "sample_id": s.sample_id,
        "caption": s.caption,
        "subject": s.subject,
        "reference": s.reference,
        "terms": ", ".join(s.terms),
        "complexity": s.complexity,
        "floor_plan": s.floor_plan,
        "simulator": s.simulator,
        "subject_center": subject.box.center,
        "reference_center": reference.box.center,
        "yaw_deg": s.camera.yaw_deg,
        "subject_px": subject.visible_px,
        "reference_px": reference.visible_px,
        "left_px": boxes[:, 0].min(),
        "top_px": boxes[:, 1].min(),
        "right_px": boxes[:, 2].max(),
        "bottom_px": boxes[:, 3].max(),
        "width_px": s.width_px,
        "height_px": s.height_px,
        "negatives": tuple((n.kind, n.text) for n in s.negatives),
        "names": tuple(object_name(item.kind) for item in s.objects),
    }


def _said(text: str) -> Caption | None:
    try:
        return parse(text)
    except DataError:
        return None


def caption_matches_fields(row: Row) -> bool:
    """The text parses back to subject, terms and reference."""
    said = _said(row["caption"])
    return (
        said is not None
        and said.subject == kind_of(row["subject"])
        and said.reference == kind_of(row["reference"])
        and ", ".join(said.cell.terms) == row["terms"]
    )


def caption_matches_geometry(row: Row) -> bool:
    """The relation recomputed from the stored box centres and heading is the one that the text
    states."""
    said = _said(row["caption"])
    measured = relation(row["subject_center"], row["reference_center"], row["yaw_deg"])
    return said is not None and measured == said.cell


def boxes_inside_image(row: Row) -> bool:
    """Every mask lies in the picture and has an extent."""
    return (
        0 <= row["left_px"] < row["right_px"] <= row["width_px"]
        and 0 <= row["top_px"] < row["bottom_px"] <= row["height_px"]
    )


def negatives_are_false(row: Row) -> bool:
    """There are negatives, and each contradicts the geometry or names an object that is not
    there."""
    return len(row["negatives"]) > 0 and all(_is_false(text, row) for _, text in row["negatives"])


def _is_false(text: str, row: Row) -> bool:
    said = _said(text)
    if said is None:
        return False
    pair = object_name(said.subject), object_name(said.reference)
    if not set(pair) <= set(row["names"]):
        return True
    true_cell = relation(row["subject_center"], row["reference_center"], row["yaw_deg"])
    if pair == (row["subject"], row["reference"]):
        return said.cell != true_cell
    if pair == (row["reference"], row["subject"]):
        return said.cell != true_cell.opposite
    return False  # about a pair whose relation nobody checked


RULES: dict[str, Callable[[Row], bool]] = {
    rule.__name__: rule
    for rule in (
        caption_matches_fields,
        caption_matches_geometry,
        boxes_inside_image,
        negatives_are_false,
    )
}
RULE_COLUMNS = {
    "caption_matches_fields": ["caption", "subject", "reference", "terms"],
    "caption_matches_geometry": ["caption", "subject_center", "reference_center", "yaw_deg"],
    "boxes_inside_image": [
        *("left_px", "top_px", "right_px", "bottom_px"),
        *("width_px", "height_px"),
    ],
    "negatives_are_false": [
        *("subject", "reference", "subject_center", "reference_center"),
        *("yaw_deg", "negatives", "names"),
    ],
}
"""What each rule looks at."""
RULE_WORDS = {
    "caption_matches_fields": "The caption names the sample's subject, terms and reference.",
    "caption_matches_geometry": "The caption states the relation that the measured places of "
    "subject and reference have, worked out again.",
    "boxes_inside_image": "What is seen of every object lies in the picture and has an extent.",
    "negatives_are_false": "There are false captions, and each contradicts the measured places or "
    "names an object that is not there.",
}
"""What each rule wants, as pages say it."""
