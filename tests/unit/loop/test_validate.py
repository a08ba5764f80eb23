"""The stage that decides what is trained on: what stops a round, and what only warns."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from rls3.dataset.sample import Provenance
from rls3.loop.stages import RefusedSamples, validate
from tests.conftest import ROOT, make_params, many_samples

OTHERWISE = [{"term": {"above": 500}, "kind": {"red pan": 500}, "brightness": {"0 to 15": 9}}]


LOOSE = {"max_term_drift": 1.0, "max_kind_drift": 1.0, "max_brightness_drift": 1.0}


def run(samples, earlier=(), **validation):
    params = make_params(**{f"validation__{key}": value for key, value in validation.items()})
    return validate(
        rendered=samples,
        benchmark_ids=frozenset({"leaked"}),
        earlier_balance=list(earlier),
        quarantine="data/unit/round-0001/rejected.parquet",
        docs_page="runs/unit/data-docs/round-0001/index.html",
        round_folder="runs/unit/rounds/0001",
        provenance=Provenance("unit", 1, 1, "train"),
        sampling_params=params.sampling.model_copy(update={"share": 0.5, "min_visible_px": 24}),
        validation_params=params.validation,
        share_rng=np.random.default_rng(1),
    )


def spoiled(samples):
    return [replace(s, caption=s.flip(s.terms[0])) for s in samples]


def test_rejected_samples_are_kept_apart_with_their_reasons():
    samples = many_samples(20)
    record, train, rejected, docs = run(spoiled(samples[:2]) + samples[2:])
    assert record.accepted == 18 and record.kept == len(train) == 9
    assert [why for _, why in rejected] == list(record.rejected.values())
    assert docs.rejected == len(docs.set_aside) == 2


def test_everything_rejected_stops_even_if_any_share_may_be():
    refused = r"round 1: all 5 samples fail validation, which leaves none .*: not: caption .*; see "
    with pytest.raises(RefusedSamples, match=refused) as told:
        run(spoiled(many_samples(5)), max_rejected_share=1.0)
    assert "\n" not in str(told.value)
    assert (
        set(told.value.kept) == {"rejected", "data_docs"} and len(told.value.kept["rejected"]) == 5
    )


def test_drift_warns_and_changes_no_sample():
    samples = many_samples(30)
    calm, train, *_ = run(samples)
    record, same, *_ = run(samples, OTHERWISE)
    assert set(record.drifted) == {"term", "kind", "brightness"} and not calm.drift
    assert same == train


def test_drift_stops_if_that_is_asked_for():
    with pytest.raises(
        RefusedSamples, match=r"drifted .*max_term_drift = 0.3, .*\); .*on_drift=warn; see"
    ):
        run(many_samples(30), OTHERWISE, on_drift="stop", max_term_drift=0.3)
    record, *_ = run(many_samples(30), OTHERWISE, on_drift="stop", **LOOSE)
    assert record.drift["term"] > 0.3 and not record.drifted


AHEAD = """
import sys
import rls3.dataset.data_docs, rls3.dataset.quarantine
from rls3.dataset.deferred import expectations, load_ahead
assert "great_expectations" not in sys.modules, "it costs every command seconds"
load_ahead()
assert expectations().validate is sys.modules["rls3.dataset.expectations"].validate
"""


def test_great_expectations_is_loaded_when_it_is_needed_and_not_before():
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", AHEAD], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-1500:]
