"""What comes from outside (checkpoints, data, houses) is read as data: nothing in it runs, nothing
of it leads out of its folder, and nothing of it is larger than what memory holds."""

import ast
import io
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from embedded_thor.procthor.house import house_room
from embedded_thor.procthor.schema import BadHouse
from rls3 import files
from rls3.agents.episodes import load_rollout
from rls3.agents.make import make_agent
from rls3.dataset.sample import read_samples
from rls3.errors import DataError, ModelError, ParamsError, RLS3Error
from rls3.evaluation.benchmarks import read_items
from rls3.evaluation.gallery import load_gallery
from rls3.evaluation.predictions import Predictions
from rls3.files import read_json, write_json
from rls3.loop.records import GateRecord, read_record
from rls3.loop.reward import Rewards
from rls3.placing.goal import GoalSpace
from rls3.thor.survey import load_survey
from rls3.vlm.loading import load_vlm
from tests.conftest import ROOT, make_params, make_sample_of
from tests.test_layers import OURS


class Evil:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self):
        return Path.touch, (self.proof,)


@pytest.fixture
def proof(tmp_path):
    return tmp_path / "it was run"


@pytest.fixture(params=["pickle", "torch"])
def evil(request, proof):
    """Such a pickle, bare and as torch saves it; where pickles are read, it does run."""
    buffer = io.BytesIO()
    if request.param == "pickle":
        buffer.write(pickle.dumps({"weight": Evil(proof)}))
        pickle.loads(buffer.getvalue())
    else:
        torch.save({"weight": Evil(proof)}, buffer)
        buffer.seek(0)
        torch.load(buffer, weights_only=False)
    assert proof.exists()
    proof.unlink()
    return buffer.getvalue()


def load_policy(folder: Path) -> None:
    space = GoalSpace(("Bowl", "Mug"), ("blue", "red"))
    if not (folder / "policy.safetensors").exists():  # the other file is the pickle
        evil = (folder / "policy.json").read_bytes()
        make_agent(make_params().agent, space, ["FloorPlan1"], 1).save(folder)
        (folder / "policy.json").write_bytes(evil)
    make_agent(make_params().agent, space, ["FloorPlan1"], 1).load(folder)


def load_folder(folder: Path) -> None:
    load_vlm("clip", str(folder))


PLACES = {
    "train.parquet": read_samples,
    "val.parquet": Predictions.load,
    "gallery.parquet": load_gallery,
    "rewards.safetensors": Rewards.load,
    "gate.json": lambda path: read_record(path, GateRecord),
    "params.json": read_json,
    "rollout/rollout.safetensors": lambda path: load_rollout(path.parent),
    "rollout/steps.json": lambda path: load_rollout(path.parent),
    "policy/policy.safetensors": lambda path: load_policy(path.parent),
    "policy/policy.json": lambda path: load_policy(path.parent),
    "items.jsonl": lambda path: read_items("jsonl", path),
    "vlm/model.safetensors": lambda path: load_folder(path.parent),
    "vlm/config.json": lambda path: load_folder(path.parent),
    "vlm/tokenizer.json": lambda path: load_folder(path.parent),
    "vlm/preprocessor_config.json": lambda path: load_folder(path.parent),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_pickle_in_a_place_that_is_read_is_not_run(place, evil, proof, tmp_path, tiny_clip):
    path = tmp_path / place
    if path.parent.name == "vlm":
        shutil.copytree(tiny_clip, path.parent)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(evil)
    with pytest.raises(RLS3Error):
        PLACES[place](path)
    assert not proof.exists()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.bin", "adapter_model.bin"])
def test_weights_that_are_a_pickle_are_refused(name, evil, proof, tmp_path, tiny_clip):
    folder = tmp_path / "vlm"
    shutil.copytree(tiny_clip, folder)
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(evil)
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_folder(folder)
    assert not proof.exists()


def test_a_pickle_beside_the_weights_is_not_looked_at(evil, proof, tmp_path, tiny_clip):
    folder = tmp_path / "vlm"
    shutil.copytree(tiny_clip, folder)
    for name in ("pytorch_model.bin", "tokenizer.pkl", "optimizer.pt", "training_args.bin"):
        (folder / name).write_bytes(evil)
    load_folder(folder)
    assert not proof.exists()


def test_a_survey_that_is_a_pickle_is_made_again(evil, proof, tmp_path):
    (tmp_path / "FloorPlan1.json").write_bytes(evil)
    assert load_survey(tmp_path / "FloorPlan1.json") is None and not proof.exists()


def test_code_in_a_checkpoint_is_not_run(proof, tmp_path, tiny_clip):
    folder = tmp_path / "vlm"
    shutil.copytree(tiny_clip, folder)
    (folder / "evil.py").write_text(f"open({str(proof)!r}, 'w')\nclass Evil: ...\n")
    code = {"auto_map": {name: "evil.Evil" for name in ("AutoConfig", "AutoTokenizer")}}
    for name in ("config.json", "tokenizer_config.json"):
        write_json(folder / name, read_json(folder / name) | code)
    load_folder(folder)  # as if it were not there
    assert not proof.exists()


def test_nothing_of_ours_reads_pickles():
    """Neither by name nor through a library's door to them."""
    doors = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    for file in (p for folder in OURS for p in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                assert not doors & {alias.name.split(".")[0] for alias in node.names}, file
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in doors, file
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("torch.load", "eval", "exec", "yaml.load"), file
                assert not any(k.arg == "allow_pickle" for k in node.keywords), file


def test_a_hub_name_needs_the_commit_that_is_meant(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"'some/model' is no folder .* vlm.revision"):
        load_vlm("clip", "some/model")
    with pytest.raises(ModelError, match="'some/model' cannot be loaded"):
        load_vlm("clip", "some/model", revision="0" * 40)
    with pytest.raises(ParamsError, match="vlm.revision"):
        make_params(vlm__revision="main")
    assert make_params(vlm__revision="c0ffee" * 6 + "c0ff").vlm.revision


def picture_named(name: str, folder: Path) -> Path:
    file = folder / "items.jsonl"
    line = '{"image": "%s", "options": ["a", "b"], "answer": 0}\n'
    file.write_text(line % name)
    return file


def test_a_benchmark_cannot_show_files_from_elsewhere(tmp_path):
    (folder := tmp_path / "pictures").mkdir()
    image = make_sample_of().image
    (folder / "inside.png").write_bytes(image)
    (tmp_path / "secret.png").write_bytes(image)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    assert len(read_items("jsonl", picture_named("inside.png", folder))) == 1
    for name in ("../secret.png", str(tmp_path / "secret.png"), "link.png"):
        with pytest.raises(DataError, match="lies outside of .*pictures; put it there"):
            read_items("jsonl", picture_named(name, folder))


def test_a_campaign_cannot_name_another_folder():
    for name in ("../x", "/tmp/x", "a/b", "."):
        with pytest.raises(ParamsError, match="campaign.name"):
            make_params(campaign__name=name)
    for name in ("../x", "FloorPlan1/../../x"):
        with pytest.raises(ParamsError, match="simulator.floor_plans"):
            make_params(simulator__floor_plans=[name])


def test_a_huge_json_is_not_read(tmp_path, monkeypatch):
    write_json(tmp_path / "x.json", "x" * 1000)
    monkeypatch.setattr(files, "MAX_JSON_BYTES", 100)
    with pytest.raises(DataError, match="x.json is damaged .*more than a JSON file may have"):
        read_json(tmp_path / "x.json")


def house(**parts) -> dict:
    corners = [{"x": x, "y": 0, "z": z} for x, z in ((0, 0), (0, 4), (4, 4), (4, 0))]
    return {"rooms": [{"id": "room|1", "floorPolygon": corners}], **parts}


def test_a_house_is_no_larger_than_a_house():
    deep: list = []
    for number in range(3000):
        deep = [{"id": str(number), "assetId": "x", "children": deep}]
    corner = {"x": 0, "y": 0, "z": 0}
    for parts in (
        {"walls": [{}] * 2001},
        {"doors": [{}] * 2001},
        {"windows": [{}] * 2001},
        {"objects": [{"id": str(i)} for i in range(2001)]},
        {"objects": deep},
        {"rooms": [{"id": str(i), "floorPolygon": []} for i in range(2001)]},
        {"rooms": [{"id": "x", "floorPolygon": [corner] * 2001}]},
        {"rooms": [{"id": "x", "floorPolygon": [{"x": 1e9, "y": 0, "z": 0}] * 3}]},
    ):
        with pytest.raises(BadHouse):
            house_room(house(**parts))
    assert house_room(house())[1] == []


def test_bandit_has_nothing_against_the_code():
    command = [sys.executable, "-m", "bandit", "-q", "-c", "pyproject.toml", "-r", *OURS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
