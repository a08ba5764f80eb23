"""Rejected samples lie apart with their reasons, and read like any shard."""

import pandas as pd
import pytest

from rls3.dataset.quarantine import read_quarantine, write_quarantine
from rls3.dataset.sample import read_samples, write_samples
from rls3.errors import DataError
from tests.conftest import many_samples


def test_what_and_why_come_back(tmp_path):
    rejected = [(sample, f"reason {sample.step}") for sample in many_samples(5)]
    write_quarantine(rejected, tmp_path / "rejected.parquet")
    assert read_quarantine(tmp_path / "rejected.parquet") == rejected
    assert read_samples(tmp_path / "rejected.parquet") == [sample for sample, _ in rejected]
    plain = pd.read_parquet(tmp_path / "rejected.parquet")
    assert plain["why"].tolist() == [why for _, why in rejected]
    assert plain["image"][0]["bytes"] == rejected[0][0].image


@pytest.mark.parametrize("n", [0, 1001])
def test_none_and_more_than_a_row_group(tmp_path, n):
    rejected = [(sample, "odd") for sample in many_samples(1) * n]
    write_quarantine(rejected, tmp_path / "r.parquet")
    assert [why for _, why in read_quarantine(tmp_path / "r.parquet")] == ["odd"] * n


def test_shards_from_before_there_were_reasons_are_read(tmp_path):
    samples = many_samples(2)
    write_samples(samples, tmp_path / "old.parquet")
    assert read_quarantine(tmp_path / "old.parquet") == [(samples[0], ""), (samples[1], "")]


def test_a_damaged_one_is_one_sentence(tmp_path):
    (tmp_path / "r.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"r\.parquet is damaged"):
        read_quarantine(tmp_path / "r.parquet")
