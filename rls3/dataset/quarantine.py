"""The quarantine of a round: rejected samples as whole rows, each with its reasons, in a shard of
their own that nothing trains on.

It is versioned with the data, and reads like every shard (`datasets`, pandas, `read_samples`), with
one column more: `why`.
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from rls3.dataset.sample import Sample, read_samples, row_groups, sample_schema, to_table
from rls3.files import read_errors, whole_file

Rejected = tuple[Sample, str]
"""A sample and why it was rejected; reasons are separated by "; "."""
_WHY = pa.field("why", pa.string())


def write_quarantine(rejected: Sequence[Rejected], path: Path) -> None:
    """Raises: StorageError if the disk is full or the folder cannot be written."""
    schema = sample_schema().append(_WHY)
    reasons = iter([why for _, why in rejected])
    with (
        whole_file(path) as temporary,
        temporary.open("wb") as file,
        pq.ParquetWriter(file, schema, compression="zstd", compression_level=1) as writer,
    ):
        for group in row_groups(sample for sample, _ in rejected):
            why = pa.array(islice(reasons, len(group)), _WHY.type)
            writer.write_table(to_table(group).append_column(_WHY, why).cast(schema))


def read_quarantine(path: Path) -> list[Rejected]:
    """Shards that were written before reasons lay in them have "" instead.

    Raises: DataError if the shard is missing or damaged.
    """
    samples = read_samples(path)
    with read_errors(path, pa.ArrowException):
        known = _WHY.name in pq.read_schema(path).names
        # without `partitioning`, a folder named like "a=b" would add a column
        column = pq.read_table(path, columns=[_WHY.name], partitioning=None) if known else None
    reasons = column[_WHY.name].to_pylist() if column else [""] * len(samples)
    return list(zip(samples, reasons, strict=True))
