"""Our own format: a Parquet shard of samples, pictures included."""

from pathlib import Path

from rls3.dataset.sample import read_samples
from rls3.errors import DataError
from rls3.evaluation.item import Item, item_of


def read(path: Path, images: Path | None) -> list[Item]:
    """See `rls3.evaluation.benchmarks.Format`."""
    if images is not None:
        raise DataError(f"{path} holds its pictures itself; leave out the images folder {images}")
    return [item_of(sample) for sample in read_samples(path)]
