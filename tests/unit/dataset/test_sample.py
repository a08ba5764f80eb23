import pickle
import resource
import signal
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from rls3.dataset.sample import balance, decode, read_samples, to_table, write_samples
from rls3.dataset.stored import Store
from rls3.errors import DataError, StorageError
from tests.conftest import make_sample_of, make_scene, many_samples


def test_captions_come_from_measured_geometry():
    sample = make_sample_of(0, (0.4, 0.0, 0.4))
    assert sample.caption == "The red mug is behind and to the right of the blue bowl."
    assert sample.terms == ("behind", "right") and sample.complexity == 2
    assert sample.flip("right") == "The red mug is behind and to the left of the blue bowl."
    assert "green vase" not in " ".join(sample.negatives_of("object"))  # it is in the image
    assert (sample.campaign, sample.round, sample.split) == ("unit", 1, "train")


def test_parquet_gives_back_the_same_samples(tmp_path):
    samples = many_samples(12)
    write_samples(samples, tmp_path / "a.parquet")
    write_samples(iter(samples), tmp_path / "b.parquet")
    assert read_samples(tmp_path / "a.parquet") == samples
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert np.array_equal(decode(make_sample_of(3)), make_scene(3).image)
    write_samples([], tmp_path / "none.parquet")
    assert read_samples(tmp_path / "none.parquet") == []


def test_a_shard_of_one_row_group_has_the_bytes_that_arrow_writes_in_one_go(tmp_path):
    samples = many_samples(30)
    pq.write_table(to_table(samples), tmp_path / "once", compression="zstd", compression_level=1)
    write_samples(samples, tmp_path / "streamed")
    assert (tmp_path / "once").read_bytes() == (tmp_path / "streamed").read_bytes()


@pytest.mark.parametrize(
    ("limits", "groups"),
    [
        ({"most_rows": 5}, [5, 5, 2]),
        ({"most_rows": 12}, [12]),
        ({"most_bytes": 1}, [1] * 12),  # a group holds one sample at least
        ({"most_bytes": 10**9}, [12]),
    ],
)
def test_row_groups_are_bounded_by_rows_and_by_bytes(tmp_path, limits, groups):
    samples = many_samples(12)
    write_samples(samples, tmp_path / "x.parquet", **limits)
    metadata = pq.ParquetFile(tmp_path / "x.parquet").metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == groups
    assert read_samples(tmp_path / "x.parquet") == samples


def test_a_row_group_ends_before_its_bytes_exceed_the_limit(tmp_path):
    image = make_sample_of(0).image
    samples = [replace(make_sample_of(i), image=image) for i in range(7)]
    write_samples(samples, tmp_path / "x.parquet", most_bytes=3 * len(image))
    metadata = pq.ParquetFile(tmp_path / "x.parquet").metadata
    assert [metadata.row_group(i).num_rows for i in range(3)] == [3, 3, 1]


def test_a_row_group_of_many_bytes_is_read_in_several_batches(tmp_path):
    """Arrow's own writer makes one row group of any size; 40 MB are more than one batch."""
    noise = np.random.default_rng(0).bytes(2_000_000)
    samples = [replace(make_sample_of(i), image=noise[i:]) for i in range(20)]
    pq.write_table(to_table(samples), tmp_path / "x.parquet", compression="zstd")
    assert read_samples(tmp_path / "x.parquet") == samples


def test_images_wait_on_the_disk_and_everything_else_is_as_if_they_did_not(tmp_path):
    samples = many_samples(3)
    write_samples(samples, tmp_path / "x.parquet")
    first, second, _ = read_samples(tmp_path / "x.parquet")
    assert not any(isinstance(value, bytes) for value in vars(first).values())
    assert first.image == samples[0].image and first.picture_id == first.sample_id
    assert first == samples[0] and hash(first) == hash(samples[0]) and first != second
    assert replace(first, step=9) == replace(samples[0], step=9)
    assert pickle.loads(pickle.dumps(first)) == samples[0]
    (tmp_path / "x.parquet").unlink()
    assert first.image == samples[0].image


def test_shards_may_share_a_store(tmp_path):
    samples, store = many_samples(6), Store()
    write_samples(samples[:2], tmp_path / "a.parquet")
    write_samples(samples[2:], tmp_path / "b.parquet")
    a, b = (read_samples(tmp_path / f"{name}.parquet", store) for name in "ab")
    assert [s.image for s in [*b, *a]] == [s.image for s in [*samples[2:], *samples[:2]]]


def test_a_full_temporary_folder_is_not_called_a_damaged_shard(tmp_path):
    write_samples(many_samples(40), tmp_path / "x.parquet")
    with _file_size_limit(2000), pytest.raises(StorageError, match="no space left for /"):
        read_samples(tmp_path / "x.parquet")


def test_hugging_face_datasets_reads_it_with_decoded_images(tmp_path):
    datasets = pytest.importorskip("datasets")
    samples = many_samples(5)
    write_samples(samples, tmp_path / "train.parquet", most_rows=2)
    loaded = datasets.load_dataset(
        "parquet",
        data_files=str(tmp_path / "train.parquet"),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    assert np.array_equal(np.array(loaded[2]["image"]), decode(samples[2]))
    assert loaded[2]["caption"] == samples[2].caption
    assert loaded[2]["negatives"][0]["text"] == samples[2].negatives[0].text


def test_a_damaged_shard_is_one_sentence(tmp_path):
    write_samples(many_samples(3), tmp_path / "x.parquet")
    whole = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "x.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"x\.parquet is damaged .*dvc checkout"):
        read_samples(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="is missing; restore it with `dvc checkout`"):
        read_samples(tmp_path / "y.parquet")


def test_a_table_of_something_else_is_a_damaged_shard(tmp_path):
    pq.write_table(to_table(many_samples(2)).drop_columns(["camera"]), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"x\.parquet is damaged \('camera'\)"):
        read_samples(tmp_path / "x.parquet")


class _file_size_limit:
    """Writing more than so many bytes to a file fails, as on a full disk."""

    def __init__(self, size):
        self._size = size

    def __enter__(self):
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        self._handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._size, self._before[1]))

    def __exit__(self, *_):
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)
        signal.signal(signal.SIGXFSZ, self._handler)


def test_a_full_disk_leaves_nothing_half_written(tmp_path):
    path = tmp_path / "big.parquet"
    with _file_size_limit(2000), pytest.raises(StorageError) as full:
        write_samples(many_samples(40), path)
    assert list(tmp_path.iterdir()) == []
    assert str(full.value).startswith(f"no space left for {path} (File too large); free some")


def test_balance_counts_terms_cells_and_complexities():
    samples = [make_sample_of(0, (1, 0, 0)), make_sample_of(1, (1, 0, 1))]
    counts = balance(samples)
    assert counts["term"] == {"right": 2, "behind": 1} and counts["complexity"] == {"1": 1, "2": 1}
    assert counts["cell"]["behind + right"] == 1 and sum(counts["cell"].values()) == 2
