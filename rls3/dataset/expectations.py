"""The quality gate before fine-tuning: Great Expectations suites over a round's samples and over
its drift.

Importing the library takes seconds: `rls3.dataset.deferred` does it in the background.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import great_expectations as gx
import pandas as pd
from great_expectations.core import (
    ExpectationSuite,
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
)
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import (
    Expectation,
    MulticolumnMapExpectation,
)
from great_expectations.expectations.metrics.map_metric_provider import (
    MulticolumnMapMetricProvider,
    multicolumn_condition_partial,
)

from rls3.dataset.drift import MEASURES, Counts, Drift, drifts, shown
from rls3.dataset.quality import MOST_IDS, Check
from rls3.dataset.rules import CAPTION_REGEX, RULE_COLUMNS, RULE_WORDS, RULES, flat_table
from rls3.dataset.sample import Sample, balance
from rls3.errors import DataError

for _name in ("great_expectations", "great_expectations.data_context.types.base"):
    logging.getLogger(_name).setLevel(logging.ERROR)
_LEAKED = "in_benchmark"
_UNIQUE = "expect_column_values_to_be_unique"
_REASONS = {
    _UNIQUE: "duplicate of an earlier sample",
    "expect_column_values_to_match_regex": "caption is not of the grammar",
    "expect_column_values_to_not_be_in_set": "spec is in a benchmark",
    "expect_column_values_to_not_be_null": "a field is empty",
    "expect_column_values_to_be_between": "too few visible pixels",
    "expect_column_values_to_be_in_set": "complexity is not 1, 2 or 3",
}
_RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": ["row", "sample_id"],
}
_names = count(1)  # of what Great Expectations wants named


@dataclass(frozen=True)
class ValidationReport:
    """accepted: row numbers. rejected: (row number, reasons). statistics: counts of the accepted
    (see `balance` and `rls3.dataset.drift.shown`). outcomes: Great Expectations' own results, by
    suite."""

    accepted: tuple[int, ...]
    rejected: tuple[tuple[int, str], ...]
    statistics: dict[str, dict[str, int]]
    drift: tuple[Drift, ...]
    checks: tuple[Check, ...]
    outcomes: dict[str, object]


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
        holds = [RULES[rule](row) for row in column_list.to_dict("records")]
        return pd.Series(holds, index=column_list.index, dtype=bool)


class ExpectRowsToSatisfy(MulticolumnMapExpectation):
    """Every row satisfies a named rule of `rls3.dataset.rules`."""

    rule: str
    map_metric = "multicolumn_values.satisfy_rule"
    success_keys = ("rule", "mostly")
    args_keys = ("column_list", "rule")


def validate(
    samples: Sequence[Sample],
    min_visible_px: int,
    benchmark_ids: Collection[str],
    earlier: Sequence[Mapping[str, Counts]] = (),
    max_drift: Mapping[str, float] | None = None,
) -> ValidationReport:
    """Check samples and keep apart what fails; compare what is left with the campaign so far.

    Args:
        benchmark_ids: sample ids that must not occur (leakage).
        earlier: `statistics` of the rounds before.
        max_drift: the largest distance that is no drift, by measure (see
            `rls3.dataset.drift.Drift`); None calls nothing drift.
    Raises: DataError if the table as a whole is not what it should be.
    """
    frame = flat_table(samples)
    # a flag, since Great Expectations copies a set of a thousand ids many times
    frame[_LEAKED] = frame["sample_id"].isin(benchmark_ids)
    found = _check(_suite(list(frame.columns), min_visible_px, benchmark_ids), frame)
    rejected = _rejected(found, frame)
    accepted = tuple(i for i in range(len(samples)) if i not in rejected)
    good = [samples[i] for i in accepted]
    statistics = balance(good) | shown(good)
    drift = tuple(drifts(statistics, earlier))
    outcomes = {"samples": found.to_json_dict()}
    checks = [_row_check(outcome) for outcome in found.results]
    if drift:
        measured = pd.DataFrame([{d.measure: d.distance for d in drift}])
        moved = _check(_drift_suite(drift, max_drift or {}), measured)
        outcomes["drift"] = moved.to_json_dict()
        checks += [_drift_check(outcome, d) for outcome, d in zip(_in_order(moved, drift), drift)]
    reasons = tuple((row, "; ".join(dict.fromkeys(why))) for row, why in sorted(rejected.items()))
    return ValidationReport(accepted, reasons, statistics, drift, tuple(checks), outcomes)


def _suite(columns: list[str], min_visible_px: int, forbidden: Collection[str]) -> ExpectationSuite:
    """Each expectation says in its description what it wants, in words."""
    e = gx.expectations
    named = ("sample_id", "caption", "subject", "reference", "simulator")
    expectations: list[Expectation] = [
        e.ExpectTableColumnsToMatchSet(
            column_set=columns, description="The table has the columns of a sample, no others."
        ),
        *(
            e.ExpectColumnValuesToNotBeNull(
                column=column, description=f"Every sample has a {column.replace('_', ' ')}."
            )
            for column in named
        ),
        e.ExpectColumnValuesToBeUnique(
            column="sample_id", description="No sample is there twice; the first one stays."
        ),
        e.ExpectColumnValuesToMatchRegex(
            column="caption",
            regex=CAPTION_REGEX,
            description="Every caption is a sentence of the grammar: "
            "The A is (above, below, behind, in front, to the left, to the right) of the B.",
        ),
        e.ExpectColumnValuesToBeInSet(
            column="complexity",
            value_set=[1, 2, 3],
            description="Every caption states one, two or three terms.",
        ),
        *(
            e.ExpectColumnValuesToBeBetween(
                column=f"{column}_px",
                min_value=min_visible_px,
                description=f"At least {min_visible_px} pixels of the {column} can be seen.",
            )
            for column in ("subject", "reference")
        ),
        *(
            ExpectRowsToSatisfy(
                column_list=RULE_COLUMNS[rule], rule=rule, description=RULE_WORDS[rule]
            )
            for rule in RULES
        ),
    ]
    if forbidden:
        leaked = e.ExpectColumnValuesToNotBeInSet(
            column=_LEAKED,
            value_set=[True],
            description=f"No scene is one of the {len(forbidden):,} of the benchmarks.",
        )
        expectations.append(leaked)
    return ExpectationSuite(name=f"samples {next(_names)}", expectations=expectations)


def _drift_suite(drift: Sequence[Drift], limits: Mapping[str, float]) -> ExpectationSuite:
    return ExpectationSuite(
        name=f"drift {next(_names)}",
        expectations=[
            gx.expectations.ExpectColumnMaxToBeBetween(
                column=d.measure,
                max_value=limits.get(d.measure, 1.0),
                description=f"The {MEASURES[d.measure]} are spread as in the campaign so far: "
                f"beyond chance, at most {100 * limits.get(d.measure, 1.0):.0f} % moved.",
            )
            for d in drift
        ],
    )


def _check(suite: ExpectationSuite, frame: pd.DataFrame) -> ExpectationSuiteValidationResult:
    """Run a suite; failing rows are named by number and sample id. Nothing is left behind."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("round").add_dataframe_asset(suite.name)
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    named = [n for n in _RESULT_FORMAT["unexpected_index_column_names"] if n in frame.columns]
    return batch.validate(
        suite, result_format=_RESULT_FORMAT | {"unexpected_index_column_names": named}
    )


def _in_order(
    found: ExpectationSuiteValidationResult, drift: Sequence[Drift]
) -> list[ExpectationValidationResult]:
    by_column = {outcome.expectation_config.kwargs["column"]: outcome for outcome in found.results}
    return [by_column[d.measure] for d in drift]


def _row_check(outcome: ExpectationValidationResult) -> Check:
    ids = [str(row["sample_id"]) for row in outcome.result.get("unexpected_index_list") or []]
    named = tuple(dict.fromkeys(ids))
    failed = len(ids)
    if outcome.expectation_config.type == _UNIQUE:  # the first of them is no duplicate
        failed -= len(named)
    words = outcome.expectation_config.description
    return Check(words, bool(outcome.success), failed, named[:MOST_IDS])


def _drift_check(outcome: ExpectationValidationResult, drift: Drift) -> Check:
    observed = f"{100 * drift.distance:.0f} % moved; most: {drift.change}"
    words = outcome.expectation_config.description
    return Check(words, bool(outcome.success), 0, warns=True, observed=observed)


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
