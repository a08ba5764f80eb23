"""Predictions of a tiny random model on real picture files."""

import json

import pytest
from PIL import Image

from rls3.commands.document import json_text
from rls3.commands.predict import main
from rls3.errors import DataError, ModelError, ParamsError
from tests.conftest import make_params

LEFT = "The red mug is to the left of the blue bowl."
RIGHT = "The red mug is to the right of the blue bowl."


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "x.png"
    Image.new("RGB", (48, 32), "teal").save(path)
    return path


def predict(folder, image, captions, model="base"):
    return main(folder, make_params(), folder, image, captions, str(model))


def test_captions_come_best_first_with_their_scores(tmp_path, picture, tiny_clip, caplog):
    answer = predict(tmp_path, picture, [LEFT, RIGHT], tiny_clip)
    document = json.loads(json_text(answer.document))
    assert set(document) == {"image", "model", "captions", "unknown_words"}
    assert document["image"] == str(picture) and document["unknown_words"] == []
    scores = [entry["score"] for entry in document["captions"]]
    assert scores == sorted(scores, reverse=True)
    assert {entry["caption"] for entry in document["captions"]} == {LEFT, RIGHT}
    for line, entry in zip(answer.lines, document["captions"], strict=True):
        assert float(line[:8]) == pytest.approx(entry["score"], abs=1e-3)
        assert line[10:] == entry["caption"]
    assert not caplog.records


def test_words_that_the_model_does_not_know_are_named(tmp_path, picture, tiny_clip, caplog):
    answer = predict(tmp_path, picture, ["杯子", "The red zebra is left of the mug."], tiny_clip)
    assert answer.document.unknown_words == ("杯子", "zebra")
    assert "the model does not know '杯子', 'zebra'" in caplog.text


@pytest.mark.parametrize(
    "captions, said",
    [
        (["a"], "'a' is the only caption; give two or more"),
        (["a", "  "], "caption 2 is empty"),
        (["a", "b", "a"], "the caption 'a' is there twice; give different ones"),
    ],
)
def test_captions_without_a_choice_are_refused(tmp_path, picture, captions, said):
    with pytest.raises(ParamsError, match=said):
        predict(tmp_path, picture, captions)


def test_pictures_that_cannot_be_read_are_one_sentence(tmp_path):
    Image.new("L", (14000, 14000)).save(tmp_path / "large.png")
    Image.effect_noise((400, 400), 90).save(tmp_path / "half.png")
    whole = (tmp_path / "half.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "params.yaml").write_text("campaign: {}")
    for name, said in (
        ("large.png", "large.png has 196.0 megapixels"),
        ("half.png", "half.png is damaged"),
        ("params.yaml", "params.yaml is not a picture"),
        ("nothing.png", "nothing.png does not exist"),
    ):
        with pytest.raises(DataError, match=said):
            predict(tmp_path, tmp_path / name, [LEFT, RIGHT])


def test_a_model_is_named_by_folder_from_where_the_command_is_typed(tmp_path, picture, tiny_clip):
    project = tmp_path / "project"
    project.mkdir()
    lines = predict(tmp_path, picture, [LEFT, RIGHT], tiny_clip).lines
    answer = main(project, make_params(), tiny_clip.parent, picture, [LEFT, RIGHT], "clip")
    assert answer.lines == lines
    answer = main(tiny_clip.parent, make_params(), project, picture, [LEFT, RIGHT], "clip")
    assert answer.lines == lines  # or as the project's parameters name it


@pytest.mark.parametrize(
    "model, said",
    [
        ("mine", "the model 'mine' is not a folder, and a name on the hub has the form OWNER/NAME"),
        ("./mine", "'./mine' is not a folder"),
        ("base", "base model .* is missing; fetch it with `dvc pull`"),
        ("", "there is no model models:/rls3-vlm@champion"),  # the default
    ],
)
def test_models_that_are_none_are_one_sentence(tmp_path, picture, model, said):
    with pytest.raises(ModelError, match=said):
        predict(tmp_path, picture, [LEFT, RIGHT], model)
