import numpy as np
import pytest

from rls3.dataset.sample import balance, decode, read_samples, write_samples
from rls3.errors import DataError, no_space
from tests.conftest import make_sample_of, make_scene, many_samples


def test_captions_come_from_measured_geometry():
    sample = make_sample_of(0, (0.4, 0.0, 0.4))
    assert sample.caption == "The red mug is behind and to the right of the blue bowl."
    assert sample.terms == ("behind", "right") and sample.complexity == 2
    assert sample.flip("right") == "The red mug is behind and to the left of the blue bowl."
    assert "green vase" not in " ".join(sample.negatives_of("object"))  # it is in the image


def test_parquet_gives_back_the_same_samples(tmp_path):
    samples = many_samples(12)
    write_samples(samples, tmp_path / "a.parquet")
    write_samples(samples, tmp_path / "b.parquet")
    assert read_samples(tmp_path / "a.parquet") == samples
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert np.array_equal(decode(make_sample_of(3)), make_scene(3).image)
    write_samples([], tmp_path / "none.parquet")
    assert read_samples(tmp_path / "none.parquet") == []


def test_hugging_face_datasets_reads_it_with_decoded_images(tmp_path):
    datasets = pytest.importorskip("datasets")
    samples = many_samples(5)
    write_samples(samples, tmp_path / "train.parquet")
    loaded = datasets.load_dataset(
        "parquet",
        data_files=str(tmp_path / "train.parquet"),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    assert np.array_equal(np.array(loaded[2]["image"]), decode(samples[2]))
    assert (
        loaded[2]["caption"] == samples[2].caption
        and loaded[2]["negatives"][0]["text"] == samples[2].negatives[0].text
    )


def test_a_damaged_shard_is_one_sentence(tmp_path):
    write_samples(many_samples(3), tmp_path / "x.parquet")
    whole = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "x.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"x\.parquet is damaged .*dvc checkout"):
        read_samples(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="is missing"):
        read_samples(tmp_path / "y.parquet")


def test_a_full_disk_leaves_nothing_half_written(tmp_path):
    import resource
    import signal

    path = tmp_path / "big.parquet"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        with pytest.raises(OSError) as full:
            write_samples(many_samples(40), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == []
    assert no_space(full.value).startswith(f"no space left for {path} (File too large); free some")
    wrapped = RuntimeError("a library's own")
    wrapped.__cause__ = full.value
    assert no_space(wrapped) == no_space(full.value) and no_space(RuntimeError("other")) is None


def test_balance_counts_terms_cells_and_complexities():
    samples = [make_sample_of(0, (1, 0, 0)), make_sample_of(1, (1, 0, 1))]
    counts = balance(samples)
    assert counts["term"] == {"right": 2, "behind": 1} and counts["complexity"] == {"1": 1, "2": 1}
    assert counts["cell"]["behind + right"] == 1 and sum(counts["cell"].values()) == 2
