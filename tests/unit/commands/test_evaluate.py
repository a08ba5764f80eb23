"""Evaluations of a tiny random model: on the project's benchmarks and on one of the user's own."""

import json

import pytest
from PIL import Image

from rls3.commands.document import json_text
from rls3.commands.evaluate import main
from rls3.dataset.sample import write_samples
from rls3.errors import DataError, ParamsError
from tests.conftest import make_params, many_samples

SLICE = {"accuracy", "count", "low", "high"}


def evaluate(root, here, model, split=None, benchmark=None, images=None):
    params = make_params(evaluation__bootstrap=20)
    return main(root, params, here, str(model), split, benchmark, images)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    (root / "benchmark").mkdir()
    write_samples(many_samples(24), root / "benchmark" / "val.parquet")
    return root


def test_a_benchmark_of_the_project_by_term_and_by_slice(project, tmp_path, tiny_clip):
    answer = evaluate(project, tmp_path, tiny_clip)
    assert answer.lines[0] == f"{tiny_clip} on val, 24 items"
    rows = {line[2:31].strip(): line[31:] for line in answer.lines[1:]}
    assert {"accuracy (macro over terms)", "left", "complexity 1", "strict"} <= set(rows)
    document = json.loads(json_text(answer.document))
    assert document["items"] == 24 and document["benchmark"] == "val"
    assert set(document["accuracy"]) == set(document["by_term"]["left"]) == SLICE
    assert set(document["slices"]) == {"complexity", "room type"}
    share = document["strict"]["accuracy"]
    assert rows["strict"].startswith(f"{100 * share:5.1f} %")
    assert evaluate(project, tmp_path, tiny_clip, split="val") == answer


@pytest.fixture
def own(tmp_path):
    """A benchmark of the user's own, with its pictures in another folder."""
    (tmp_path / "pictures").mkdir()
    lines = []
    for number, relation in enumerate(("left", "left", "near")):
        Image.new("RGB", (40, 40), (80 * number, 90, 60)).save(
            tmp_path / "pictures" / f"{number}.png"
        )
        line = {
            "image": f"{number}.png",
            "options": ["The mug is left.", "The mug is right."],
            "answer": number % 2,
            "slices": {"relation": relation},
        }
        lines.append(json.dumps(line))
    (tmp_path / "own.jsonl").write_text("\n".join(lines))
    return tmp_path


def test_a_benchmark_of_ones_own_is_found_from_where_the_command_is_typed(project, own, tiny_clip):
    answer = evaluate(project, own, tiny_clip, benchmark="jsonl:own.jsonl", images=own / "pictures")
    assert answer.lines[0] == f"{tiny_clip} on jsonl:own.jsonl, 3 items"
    assert [line[2:31].strip() for line in answer.lines[1:]] == [
        "accuracy",
        "relation left",
        "relation near",
    ]
    document = json.loads(json_text(answer.document))
    assert document["slices"]["relation"]["left"]["count"] == 2
    # what was never asked for is null, not NaN, which is no JSON
    assert document["by_term"] == {} and document["strict"]["accuracy"] is None


def test_a_benchmark_without_its_pictures_says_where_they_were_looked_for(project, own, tiny_clip):
    with pytest.raises(DataError, match="3 of 3 pictures are missing"):
        evaluate(project, own, tiny_clip, benchmark="jsonl:own.jsonl")


@pytest.mark.parametrize(
    "options, said",
    [
        ({"split": "exam"}, "--split 'exam' is unknown; choose from val, test, unseen"),
        ({"benchmark": "own.jsonl"}, "--benchmark 'own.jsonl' is not FORMAT:PATH with a format of"),
        ({"benchmark": "csv:own.csv"}, "--benchmark 'csv:own.csv' is not FORMAT:PATH"),
        ({"benchmark": "jsonl:"}, "--benchmark 'jsonl:' is not FORMAT:PATH"),
        ({"benchmark": "jsonl:x", "split": "val"}, "--split val .*; leave one of them out"),
        ({"images": "pictures"}, "--images pictures is for --benchmark FORMAT:PATH"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(project, tmp_path, options, said):
    with pytest.raises(ParamsError, match=said):
        evaluate(project, tmp_path, "base", **options)
