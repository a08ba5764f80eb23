"""The quality gate before fine-tuning: a Great Expectations suite and checkpoint over a round's
samples.

Importing the library takes seconds, so only who validates imports this module.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import great_expectations as gx
import pandas as pd
from great_expectations.checkpoint.checkpoint import CheckpointResult
from great_expectations.core import (
    ExpectationSuite,
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
)
from great_expectations.data_context import EphemeralDataContext
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import (
    Expectation,
    MulticolumnMapExpectation,
)
from great_expectations.expectations.metrics.map_metric_provider import (
    MulticolumnMapMetricProvider,
    multicolumn_condition_partial,
)

from rls3.dataset.rules import CAPTION_REGEX, RULE_COLUMNS, RULES, flat_table
from rls3.dataset.sample import Sample, balance
from rls3.errors import DataError

for _name in ("great_expectations", "great_expectations.data_context.types.base"):
    logging.getLogger(_name).setLevel(logging.ERROR)
_UNIQUE = "expect_column_values_to_be_unique"
_REASONS = {
    _UNIQUE: "duplicate of an earlier sample",
    "expect_column_values_to_match_regex": "caption is not of the grammar",
    "expect_column_values_to_not_be_in_set": "spec is in a benchmark",
    "expect_column_values_to_not_be_null": "a field is empty",
    "expect_column_values_to_be_between": "too few visible pixels",
    "expect_column_values_to_be_in_set": "complexity is not 1, 2 or 3",
}


@dataclass(frozen=True)
class ValidationReport:
    """accepted: row numbers. rejected: (row number, reasons). docs: index of the Data Docs.
    statistics: of the accepted, see `balance`."""

    accepted: tuple[int, ...]
    rejected: tuple[tuple[int, str], ...]
    statistics: dict[str, dict[str, int]]
    docs: Path


class MulticolumnRowSatisfies(MulticolumnMapMetricProvider):
    """The metric behind `ExpectRowsToSatisfy`; its class registers it."""

    condition_metric_name = "multicolumn_values.satisfy_rule"
    condition_domain_keys = (
        *("batch_id", "table", "column_list"),
        *("row_condition", "condition_parser", "ignore_row_if"),
    )
    condition_value_keys = ("rule",)

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, rule: str, **_: object) -> pd.Series:
        return column_list.apply(RULES[rule], axis=1)


class ExpectRowsToSatisfy(MulticolumnMapExpectation):
    """Every row satisfies a named rule of `rls3.dataset.rules`."""

    rule: str
    map_metric = "multicolumn_values.satisfy_rule"
    success_keys = ("rule", "mostly")
    args_keys = ("column_list", "rule")


def validate(
    samples: Sequence[Sample], min_visible_px: int, benchmark_ids: Collection[str], docs_dir: Path
) -> ValidationReport:
    """Check samples, keep apart what fails, build Data Docs.

    Args:
        benchmark_ids: sample ids that must not occur (leakage).
    Raises: DataError if the table as a whole is not what it should be.
    """
    frame = flat_table(samples)
    context = _context(docs_dir)
    suite = _suite(list(frame.columns), min_visible_px, benchmark_ids)
    result = _check(context, suite, frame)
    context.build_data_docs(site_names=["samples"])
    (outcomes,) = result.run_results.values()
    rejected = _rejected(outcomes, frame)
    accepted = tuple(i for i in range(len(samples)) if i not in rejected)
    reasons = tuple((row, "; ".join(dict.fromkeys(why))) for row, why in sorted(rejected.items()))
    statistics = balance([samples[i] for i in accepted])
    return ValidationReport(accepted, reasons, statistics, docs_dir / "index.html")


def _context(docs_dir: Path) -> EphemeralDataContext:
    """A context that leaves nothing behind but the Data Docs."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    store = {
        "class_name": "TupleFilesystemStoreBackend",
        "base_directory": str(docs_dir.resolve()),
    }
    site = {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": store,
    }
    context.add_data_docs_site("samples", site)
    return context


def _suite(columns: list[str], min_visible_px: int, forbidden: Collection[str]) -> ExpectationSuite:
    e = gx.expectations
    named = ("sample_id", "caption", "subject", "reference", "simulator")
    expectations: list[Expectation] = [
        e.ExpectTableColumnsToMatchSet(column_set=columns),
        *(e.ExpectColumnValuesToNotBeNull(column=column) for column in named),
        e.ExpectColumnValuesToBeUnique(column="sample_id"),
        e.ExpectColumnValuesToMatchRegex(column="caption", regex=CAPTION_REGEX),
        e.ExpectColumnValuesToBeInSet(column="complexity", value_set=[1, 2, 3]),
        *(
            e.ExpectColumnValuesToBeBetween(column=column, min_value=min_visible_px)
            for column in ("subject_px", "reference_px")
        ),
        *(ExpectRowsToSatisfy(column_list=RULE_COLUMNS[rule], rule=rule) for rule in RULES),
    ]
    if forbidden:
        leaked = e.ExpectColumnValuesToNotBeInSet(column="sample_id", value_set=sorted(forbidden))
        expectations.append(leaked)
    return ExpectationSuite(name="samples", expectations=expectations)


def _check(
    context: EphemeralDataContext, suite: ExpectationSuite, frame: pd.DataFrame
) -> CheckpointResult:
    """Run the suite as a checkpoint that names failing rows by their number."""
    asset = context.data_sources.add_pandas("samples").add_dataframe_asset("samples")
    definition = gx.ValidationDefinition(
        name="samples",
        data=asset.add_batch_definition_whole_dataframe("round"),
        suite=context.suites.add(suite),
    )
    checkpoint = gx.Checkpoint(
        name="samples",
        validation_definitions=[context.validation_definitions.add(definition)],
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["row"]},
    )
    return context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": frame})


def _rejected(
    outcomes: ExpectationSuiteValidationResult, frame: pd.DataFrame
) -> dict[int, list[str]]:
    """Row number to reasons. Raises: DataError for a failure that no rows explain."""
    rejected: dict[int, list[str]] = {}
    for outcome in outcomes.results:
        if outcome.success:
            continue
        rows = [entry["row"] for entry in outcome.result.get("unexpected_index_list") or []]
        kind = outcome.expectation_config.type
        if not rows:
            why = outcome.exception_info or outcome.result
            raise DataError(f"the samples fail {kind} as a whole: {why}")
        if kind == _UNIQUE:  # the first of them is no duplicate
            rows = frame.index[frame["sample_id"].duplicated()].tolist()
        for row in rows:
            rejected.setdefault(int(row), []).append(_reason(outcome))
    return rejected


def _reason(outcome: ExpectationValidationResult) -> str:
    config = outcome.expectation_config
    if rule := config.kwargs.get("rule"):
        return f"not: {rule.replace('_', ' ')}"
    return _REASONS.get(config.type, config.type)
