"""The quality gate before fine-tuning: a Great Expectations suite and checkpoint over a round's samples.

The relation is recomputed here from the stored geometry, by a second route: angles of this module against the caption's
text, not against the record's own `cell`.
"""

import logging
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rls3.dataset.sample import Sample, balance
from rls3.errors import DataError
from rls3.language.caption import kind_of, object_name, parse
from rls3.language.relation import Cell, relation
from rls3.scene.records import Kind

CAPTION_REGEX = r"^The [a-z ]+ is (?:above|below|behind|in front|to the left|to the right)[a-z, ]* the [a-z ]+\.$"


@dataclass(frozen=True)
class ValidationReport:
    """accepted: row numbers. rejected: (row number, reasons). docs: index of the Data Docs. statistics: see `balance`."""

    accepted: tuple[int, ...]
    rejected: tuple[tuple[int, str], ...]
    statistics: dict[str, dict[str, int]]
    docs: Path


def _frame(samples: Sequence[Sample]) -> pd.DataFrame:
    """One flat row a sample: what the expectations look at."""

    def row(index: int, s: Sample) -> dict[str, Any]:
        boxes = np.array(
            [o.box_px for o in s.objects if o.box_px is not None] or [(-1, -1, -1, -1)]
        )
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
            "subject_center": s.objects[0].box.center,
            "reference_center": s.objects[1].box.center,
            "yaw_deg": s.camera.yaw_deg,
            "subject_px": s.objects[0].visible_px,
            "reference_px": s.objects[1].visible_px,
            "left_px": boxes[:, 0].min(),
            "top_px": boxes[:, 1].min(),
            "right_px": boxes[:, 2].max(),
            "bottom_px": boxes[:, 3].max(),
            "width_px": s.width_px,
            "height_px": s.height_px,
            "negatives": tuple((n.kind, n.text) for n in s.negatives),
            "names": tuple(object_name(o.kind) for o in s.objects),
        }

    return pd.DataFrame([row(i, s) for i, s in enumerate(samples)])


# -- rules over several columns: a row in, true or false out -----------------------------------------------------------


def _caption_says(row: pd.Series) -> tuple[Kind, Cell, Kind] | None:
    try:
        caption = parse(row["caption"])
    except DataError:
        return None
    return caption.subject, caption.cell, caption.reference


def caption_matches_fields(row: pd.Series) -> bool:
    """The text parses back to subject, terms and reference."""
    said = _caption_says(row)
    return (
        said is not None
        and said[0] == kind_of(row["subject"])
        and said[2] == kind_of(row["reference"])
        and ", ".join(said[1].terms) == row["terms"]
    )


def caption_matches_geometry(row: pd.Series) -> bool:
    """The relation recomputed from the stored box centres and heading is the one that the text states."""
    said = _caption_says(row)
    return (
        said is not None
        and relation(row["subject_center"], row["reference_center"], row["yaw_deg"]) == said[1]
    )


def boxes_inside_image(row: pd.Series) -> bool:
    return (
        0 <= row["left_px"] < row["right_px"] <= row["width_px"]
        and 0 <= row["top_px"] < row["bottom_px"] <= row["height_px"]
    )


def negatives_are_false(row: pd.Series) -> bool:
    """There are negatives, and each contradicts the geometry or names an object that is not there."""
    true_cell = relation(row["subject_center"], row["reference_center"], row["yaw_deg"])
    for _, text in row["negatives"]:
        try:
            caption = parse(text)
        except DataError:
            return False
        subject, reference = object_name(caption.subject), object_name(caption.reference)
        if not {subject, reference} <= set(row["names"]):
            continue
        if (subject, reference) == (row["subject"], row["reference"]):
            holds = caption.cell == true_cell
        elif (subject, reference) == (row["reference"], row["subject"]):
            holds = caption.cell == true_cell.opposite
        else:
            return False  # about a pair whose relation nobody checked
        if holds:
            return False
    return len(row["negatives"]) > 0


RULES: dict[str, Callable[[pd.Series], bool]] = {
    rule.__name__: rule
    for rule in (
        caption_matches_fields,
        caption_matches_geometry,
        boxes_inside_image,
        negatives_are_false,
    )
}


@cache
def _great_expectations() -> Any:
    """Import the library (seconds), silence it, and register our expectation."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    for name in ("great_expectations", "great_expectations.data_context.types.base"):
        logging.getLogger(name).setLevel(logging.ERROR)
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation import MulticolumnMapExpectation
    from great_expectations.expectations.metrics.map_metric_provider import (
        MulticolumnMapMetricProvider,
        multicolumn_condition_partial,
    )

    class MulticolumnRowSatisfies(MulticolumnMapMetricProvider):
        condition_metric_name = "multicolumn_values.satisfy_rule"
        condition_domain_keys = (
            "batch_id",
            "table",
            "column_list",
            "row_condition",
            "condition_parser",
            "ignore_row_if",
        )
        condition_value_keys = ("rule",)

        @multicolumn_condition_partial(engine=PandasExecutionEngine)
        def _pandas(cls, column_list: pd.DataFrame, rule: str, **_: Any) -> pd.Series:
            return column_list.apply(RULES[rule], axis=1)

    class ExpectRowsToSatisfy(MulticolumnMapExpectation):
        """Every row satisfies a named rule of this module."""

        rule: str
        map_metric = "multicolumn_values.satisfy_rule"
        success_keys = ("rule", "mostly")
        args_keys = ("column_list", "rule")

    return gx, ExpectRowsToSatisfy


def _suite(
    gx: Any,
    rows_to_satisfy: Any,
    columns: list[str],
    min_visible_px: int,
    forbidden: Collection[str],
) -> Any:
    e = gx.expectations
    suite = gx.ExpectationSuite(name="samples")
    expectations = [
        e.ExpectTableColumnsToMatchSet(column_set=columns),
        *(
            e.ExpectColumnValuesToNotBeNull(column=c)
            for c in ("sample_id", "caption", "subject", "reference", "simulator")
        ),
        e.ExpectColumnValuesToBeUnique(column="sample_id"),
        e.ExpectColumnValuesToMatchRegex(column="caption", regex=CAPTION_REGEX),
        e.ExpectColumnValuesToBeInSet(column="complexity", value_set=[1, 2, 3]),
        *(
            e.ExpectColumnValuesToBeBetween(column=c, min_value=min_visible_px)
            for c in ("subject_px", "reference_px")
        ),
        rows_to_satisfy(
            column_list=["caption", "subject", "reference", "terms"], rule="caption_matches_fields"
        ),
        rows_to_satisfy(
            column_list=["caption", "subject_center", "reference_center", "yaw_deg"],
            rule="caption_matches_geometry",
        ),
        rows_to_satisfy(
            column_list=["left_px", "top_px", "right_px", "bottom_px", "width_px", "height_px"],
            rule="boxes_inside_image",
        ),
        rows_to_satisfy(
            column_list=[
                "subject",
                "reference",
                "subject_center",
                "reference_center",
                "yaw_deg",
                "negatives",
                "names",
            ],
            rule="negatives_are_false",
        ),
    ]
    if forbidden:
        expectations.append(
            e.ExpectColumnValuesToNotBeInSet(column="sample_id", value_set=sorted(forbidden))
        )
    for expectation in expectations:
        suite.add_expectation(expectation)
    return suite


_REASONS = {
    "expect_column_values_to_be_unique": "duplicate of an earlier sample",
    "expect_column_values_to_match_regex": "caption is not of the grammar",
    "expect_column_values_to_not_be_in_set": "spec is in a benchmark",
    "expect_column_values_to_not_be_null": "a field is empty",
    "expect_column_values_to_be_between": "too few visible pixels",
    "expect_column_values_to_be_in_set": "complexity is not 1, 2 or 3",
}


def validate(
    samples: Sequence[Sample], min_visible_px: int, benchmark_ids: Collection[str], docs_dir: Path
) -> ValidationReport:
    """Check samples, keep apart what fails, build Data Docs.

    Args:
        benchmark_ids: sample ids that must not occur (leakage).
    Raises: DataError if the table as a whole is not what it should be.
    """
    gx, rows_to_satisfy = _great_expectations()
    frame = _frame(samples)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    site = {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(docs_dir.resolve()),
        },
    }
    context.add_data_docs_site("samples", site)
    batch = (
        context.data_sources.add_pandas("samples")
        .add_dataframe_asset("samples")
        .add_batch_definition_whole_dataframe("round")
    )
    suite = context.suites.add(
        _suite(gx, rows_to_satisfy, list(frame.columns), min_visible_px, benchmark_ids)
    )
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name="samples", data=batch, suite=suite)
    )
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(
            name="samples",
            validation_definitions=[definition],
            result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["row"]},
        )
    )
    result = checkpoint.run(batch_parameters={"dataframe": frame})
    context.build_data_docs(site_names=["samples"])
    rejected: dict[int, list[str]] = {}
    for outcome in next(iter(result.run_results.values())).results:
        if outcome.success:
            continue
        config = outcome.expectation_config
        rows = [entry["row"] for entry in outcome.result.get("unexpected_index_list") or []]
        if not rows:
            raise DataError(
                f"the samples fail {config.type} as a whole: {outcome.exception_info or outcome.result}"
            )
        reason = str(config.kwargs.get("rule") or _REASONS.get(config.type, config.type)).replace(
            "_", " "
        )
        if config.type == "expect_column_values_to_be_unique":
            rows = frame.index[frame["sample_id"].duplicated()].tolist()
        elif "rule" in config.kwargs:
            reason = f"not: {reason}"
        for row in rows:
            rejected.setdefault(int(row), []).append(reason)
    accepted = tuple(i for i in range(len(samples)) if i not in rejected)
    reasons = tuple((row, "; ".join(dict.fromkeys(why))) for row, why in sorted(rejected.items()))
    return ValidationReport(
        accepted, reasons, balance([samples[i] for i in accepted]), docs_dir / "index.html"
    )
