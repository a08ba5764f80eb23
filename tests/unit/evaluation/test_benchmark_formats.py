import json
import logging

import pytest

from rls3.dataset.sample import write_samples
from rls3.errors import DataError
from rls3.evaluation.benchmarks import (
    BENCHMARKS,
    benchmark_path,
    formats,
    open_benchmark,
    read_benchmark,
    read_items,
)
from rls3.evaluation.item import item_of
from tests.conftest import many_samples

LINE = {"image": "a.png", "options": ["left", "right"], "answer": 1}


@pytest.fixture
def pictures(tmp_path):
    for name in ("a.png", "deep/b.png"):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "pictures"


def _write(folder, *lines):
    path = folder / "mine.jsonl"
    path.write_text(
        "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    )
    return path


def test_our_benchmarks_are_their_samples(tmp_path):
    samples = many_samples(4)
    write_samples(samples, benchmark_path(tmp_path, "val"))
    assert read_benchmark(tmp_path, "val") == [item_of(sample) for sample in samples]
    assert open_benchmark("val", tmp_path) == read_benchmark(tmp_path, "val")
    path = benchmark_path(tmp_path, "val")
    assert open_benchmark(f"ours:{path}", tmp_path) == read_benchmark(tmp_path, "val")
    with pytest.raises(DataError, match="holds its pictures itself"):
        read_items("ours", path, tmp_path)
    with pytest.raises(DataError, match=r"test\.parquet is missing; fetch it with `dvc pull`"):
        read_benchmark(tmp_path, "test")
    with pytest.raises(DataError, match="unknown benchmark 'vall'; choose from val, test, unseen"):
        open_benchmark("vall", tmp_path)
    assert BENCHMARKS == ("val", "test", "unseen")


def test_formats_are_found_by_name(tmp_path):
    assert {"ours", "jsonl"} <= set(formats())
    with pytest.raises(DataError, match=r"unknown benchmark format 'vrs'; known are .*jsonl.*ours"):
        open_benchmark("vrs:file.json", tmp_path)
    for name in ("os", "..item", ""):
        with pytest.raises(DataError, match="unknown benchmark format"):
            read_items(name, tmp_path)
    with pytest.raises(DataError, match="names no file; write jsonl:PATH"):
        open_benchmark("jsonl:", tmp_path)


def test_json_lines_are_items(tmp_path, pictures):
    more = {
        "image": "deep/b.png",
        "options": ["on", "under", "beside", "near"],
        "answer": 0,
        "id": 17,
        "slices": {"relation": "on", "difficulty": 2},
        "contrasts": ["", "flip:above", "swap", ""],
    }
    path = _write(tmp_path, "\ufeff" + json.dumps(LINE), "", more, "  ")
    first, second = read_items("jsonl", path, pictures)
    assert (first.item_id, first.image, first.captions) == ("1:a.png", b"a.png", ("left", "right"))
    assert first.answer == 1 and first.slices == {} and first.contrasts == ()
    assert (second.item_id, second.image) == ("17", b"deep/b.png")
    assert second.slices == {"relation": "on", "difficulty": "2"}
    assert second.contrasts == ("", "flip:above", "swap", "")


def test_pictures_lie_in_their_folder_or_beside_the_file_or_where_the_line_says(tmp_path, pictures):
    (tmp_path / "a.png").write_bytes(b"beside")
    elsewhere = dict(LINE, image=str(pictures / "deep" / "b.png"))
    path = _write(tmp_path, LINE, elsewhere)
    assert [i.image for i in read_items("jsonl", path)] == [b"beside", b"deep/b.png"]
    assert [i.image for i in read_items("jsonl", path, pictures)] == [b"a.png", b"deep/b.png"]


def test_a_picture_is_read_when_it_is_asked_for(tmp_path, pictures):
    one, other = read_items("jsonl", _write(tmp_path, LINE, LINE | {"answer": 0}), pictures)
    assert one.image == other.image == b"a.png" and one.item_id != other.item_id
    (pictures / "a.png").unlink()
    with pytest.raises(DataError, match=r"the picture .*a\.png cannot be read \(No such file"):
        _ = one.image


def test_missing_pictures_are_counted_and_named(tmp_path, pictures, caplog):
    gone = [LINE | {"image": f"gone{i}.png"} for i in range(5)]
    with caplog.at_level(logging.WARNING):
        items = read_items("jsonl", _write(tmp_path, *gone, LINE, gone[0]), pictures)
    assert [item.item_id for item in items] == ["6:a.png"]
    assert "5 of 6 pictures are missing" in caplog.text and "gone0.png, gone1.png" in caplog.text
    path = _write(tmp_path, *gone, LINE | {"image": "x" * 5000})
    with pytest.raises(DataError, match=r"mine\.jsonl: 6 of 6 pictures are missing in .*pictures"):
        read_items("jsonl", path, pictures)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"image": "a.png", ', "invalid JSON"),
        ("[1, 2]", "should be an object"),
        ({"image": "a.png", "answer": 0}, "the key 'options' is missing"),
        (LINE | {"slice": {}}, "unknown key 'slice'; known are image, options"),
        (LINE | {"options": ["one"]}, "options = .*at least 2"),
        (LINE | {"options": "left"}, "options = 'left'"),
        (LINE | {"options": ["left", 3]}, "options.1 = 3"),
        (LINE | {"answer": 2}, "the answer 2 is none of its 2 captions"),
        (LINE | {"answer": -1}, "answer = -1"),
        (LINE | {"answer": True}, "answer = True"),
        (LINE | {"answer": "0"}, "answer = '0'"),
        (LINE | {"image": ""}, "image = ''"),
        (LINE | {"options": ["left", "left"]}, "more than once"),
        (LINE | {"slices": {"relation": None}}, "slices.relation"),
        (LINE | {"contrasts": ["flip:left"]}, "1 contrasts for 2 captions"),
        (LINE | {"contrasts": ["nearer", ""]}, "unknown contrast 'nearer'"),
        (LINE | {"id": "7"}, "the id '7' is there twice"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, pictures, line, told):
    path = _write(tmp_path, LINE | {"id": "7"}, "", line)
    with pytest.raises(DataError, match=rf"mine\.jsonl, line 3: .*{told}") as failure:
        read_items("jsonl", path, pictures)
    assert "\n" not in str(failure.value)


def test_files_that_hold_no_items(tmp_path):
    with pytest.raises(DataError, match=r"none\.jsonl does not exist"):
        read_items("jsonl", tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="holds no items"):
        read_items("jsonl", _write(tmp_path, "", " "))
    (tmp_path / "latin.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read as UTF-8"):
        read_items("jsonl", tmp_path / "latin.jsonl")
    with pytest.raises(DataError, match="cannot be read"):
        read_items("jsonl", tmp_path)
