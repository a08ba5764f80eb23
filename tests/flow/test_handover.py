"""A registered model without this project: loaded and served from what lies beside it alone; asked
over HTTP, also what it should not be; promoted, taken back, exported; in a project that moved."""

import base64
import contextlib
import io
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from PIL import Image
from transformers import AutoTokenizer, CLIPModel

from rls3.commands import export as export_command
from rls3.commands import predict as predict_command
from rls3.commands import promote as promote_command
from rls3.commands import rollback as rollback_command
from rls3.errors import ModelError, StorageError
from rls3.loop.records import Registration
from rls3.loop.resources import Resources
from rls3.loop.store import Project, Round
from rls3.params import load_params
from tasks import handoff, registry, tracking
from tests.conftest import ROOT
from tests.flow.test_gate import evaluation_of, finished_round, folder, gate, project, register

__all__ = ["folder", "project"]  # fixtures
LEFT = "The red mug is to the left of the blue bowl."
RIGHT = "The red mug is to the right of the blue bowl."
AGREED = (
    "campaign round data_version code_commit family base_checkpoint model_sha256 val_accuracy "
    "test_accuracy gate against"
)


@pytest.fixture(scope="module")
def handed(folder, tmp_path_factory) -> Round:
    """A result in the registry of a project of its own."""
    root = tmp_path_factory.mktemp("handed") / "p"
    shutil.copytree(folder, root, symlinks=True)
    result = finished_round(Project(root), "first", 1.0)
    register(result)
    return result


@pytest.fixture(scope="module")
def model(handed) -> Path:
    """All of the registered model's files, and nothing else."""
    campaign = handed.campaign
    found = registry.download_model("models:/rls3-vlm/1", campaign.params, campaign.project)
    return found.folder.parents[1]


def picture(width: int = 48, height: int = 32, color: str = "teal") -> str:
    content = io.BytesIO()
    Image.new("RGB", (width, height), color).save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


def test_what_lies_beside_the_weights(handed, model):
    about = yaml.safe_load((model / "MLmodel").read_text())
    columns = [column["name"] for column in json.loads(about["signature"]["inputs"])]
    assert columns == ["image", "captions"] and about["metadata"]["license"] == "apache-2.0"
    example = json.loads((model / "input_example.json").read_text())
    assert len(example["data"][0]) == 2
    requirements = (model / "requirements.txt").read_text().split()
    assert all(re.fullmatch(r"[a-z0-9.-]+==[^+]+", line) for line in requirements)
    names = {line.partition("==")[0] for line in requirements}
    assert {"mlflow", "torch", "transformers", "pillow", "pyarrow"} <= names and "rls3" not in names
    card = (model / "artifacts/README.md").read_text()
    head = yaml.safe_load(card.split("---")[1])
    assert head["license"] == "apache-2.0" and head["library_name"] == "transformers"
    assert "| data_version | v1 |" in card and "## Limits" in card
    assert "Apache License" in (model / "artifacts/LICENSE").read_text()
    campaign = handed.campaign
    with tracking.server(campaign.params, campaign.project) as client:
        version = client.get_model_version_by_alias("rls3-vlm", "champion")
        assert set(AGREED.split()) <= set(version.tags) and version.tags["family"] == "clip"
        assert "two-way accuracy on test" in version.description


def test_every_file_may_be_read_by_others(handed, model):
    if handed.path("vlm").joinpath("model.safetensors").stat().st_mode & stat.S_IROTH:
        assert all(f.stat().st_mode & stat.S_IROTH for f in model.rglob("*") if f.is_file())


ALONE = """
import sys
from pathlib import Path
repository, model = sys.argv[1:]
sys.path = [p for p in sys.path if not Path(p or ".").resolve().is_relative_to(repository)
            or ".venv" in p]
sys.meta_path = [f for f in sys.meta_path if "editable" not in getattr(f, "__name__", "").lower()]
try:
    import rls3
    raise SystemExit("the repository is still there")
except ModuleNotFoundError:
    pass
import mlflow
loaded = mlflow.pyfunc.load_model(model)
import rls3
assert Path(rls3.__file__).is_relative_to(model), rls3.__file__
(answer,) = loaded.predict(loaded.input_example).to_dict("records")
assert answer["error"] is None and len(answer["scores"]) == 2, answer
print("best", answer["best"])
"""


def test_it_loads_from_its_own_code_alone(model, tmp_path):
    program = [sys.executable, "-I", "-W", "ignore", "-c", ALONE, str(ROOT), str(model)]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout.startswith("best "), done.stderr[-2000:]
    assert not list(tmp_path.iterdir())  # no stray mlflow.db


@pytest.fixture(scope="module")
def address(model, tmp_path_factory):
    """`mlflow models serve`, as a person would."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = tmp_path_factory.mktemp("served")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = "-m mlflow models serve --env-manager local --host 127.0.0.1 -w 1"
    with (place / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, *command.split(), "-p", str(port), "-m", str(model)],
            cwd=place,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        ends = time.monotonic() + 120
        while not answers(f"http://127.0.0.1:{port}/ping"):
            assert server.poll() is None and time.monotonic() < ends, (place / "log").read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=1).status == 200
    except OSError:
        return False


def post(address: str, body: object) -> tuple[int, object]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(address, content, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def ask(address: str, *rows: dict) -> list[dict]:
    code, told = post(address, {"dataframe_records": list(rows)})
    assert code == 200, told
    return told["predictions"]


def test_it_answers_over_http_as_it_does_here(address, handed, tmp_path):
    (told,) = ask(address, {"image": picture(), "captions": [LEFT, RIGHT]})
    assert told["error"] is None and told["unknown_words"] == []
    (tmp_path / "x.png").write_bytes(base64.b64decode(picture()))
    project, params = handed.campaign.project, handed.campaign.params
    here = predict_command.main(
        project.root, params, tmp_path, tmp_path / "x.png", [LEFT, RIGHT], ""
    ).document
    scores = dict(zip([LEFT, RIGHT], told["scores"]))
    assert {c.caption: c.score for c in here.captions} == pytest.approx(scores, abs=1e-5)


def bomb() -> str:
    """13,000 x 13,000 pixels in some kilobytes."""
    content = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


def test_a_bad_row_is_one_sentence_in_its_row(address):
    good = {"image": picture(), "captions": [LEFT, RIGHT]}
    bad = {
        "the image has 169.0 megapixels, more than the 32": {"image": bomb()},
        "the image is not a picture": {"image": base64.b64encode(b"hello").decode()},
        "the image is damaged": {"image": picture()[:80]},
        "image is not base64": {"image": "!"},
        "image is missing": {"image": None},
        "image is missing, or no text": {"image": 5},
        "captions holds 0 texts": {"captions": []},
        "captions holds 65 texts": {"captions": [LEFT] * 65},
        "captions is not a list": {"captions": "a"},
        "captions is not a list; give": {"captions": None},
        "caption 2 is empty": {"captions": [LEFT, " "]},
        "caption 1 is not a text": {"captions": [5]},
        "caption 1 has 2001 characters": {"captions": ["a" * 2001]},
    }
    began = time.monotonic()
    told = ask(address, good, *(good | row for row in bad.values()), good)
    assert time.monotonic() - began < 5
    assert told[0] == told[-1] and told[0]["error"] is None
    for sentence, row in zip(bad, told[1:-1], strict=True):
        assert row["error"].startswith(sentence) and "\n" not in row["error"], row
        assert row["scores"] is None and row["best"] is None


def test_words_that_it_does_not_know_are_told(address):
    (told,) = ask(address, {"image": picture(), "captions": ["The zebra is here.", RIGHT]})
    assert "zebra" in told["unknown_words"] and len(told["scores"]) == 2


@pytest.mark.parametrize(
    "body, said",
    [
        ({"dataframe_records": [{"image": "x"}]}, "the input has no column 'captions'"),
        ({"dataframe_records": [{"captions": ["a"]}]}, "the input has no column 'image'"),
        ({"dataframe_records": [{"image": "", "captions": ["a"]}] * 1025}, "has 1025 rows"),
        (b'{"dataframe_records": [', "valid JSON"),
        ({"rows": []}, "exactly one of the input fields"),
    ],
)
def test_a_bad_request_is_a_400_without_a_stack_trace(address, body, said):
    code, told = post(address, body)
    assert code == 400 and said in told["message"]
    assert "stack_trace" not in told and "Traceback" not in json.dumps(told)
    if said.startswith(("the input", "has")):
        assert "\n" not in told["message"]


def champion_of(project: Project) -> str:
    params = load_params(project.root / "params.yaml")
    return registry.champion(params, project).version


def test_promote_and_rollback(project):
    first = finished_round(project, "first", 1.0)
    register(first)
    params, root = first.campaign.params, project.root
    with pytest.raises(ModelError, match="version 1 of rls3-vlm followed no other champion"):
        rollback_command.main(root, params)
    second = finished_round(project, "second", 0.0)
    assert register(second, gate(second).decision).alias == "challenger"
    (said,) = promote_command.main(root, params, "").lines
    assert (
        said.startswith("champion is version 2 (it was version 1)") and champion_of(project) == "2"
    )
    third = finished_round(project, "third", 1.0)
    assert gate(third).against == "version 2"
    (said,) = rollback_command.main(root, params).lines
    assert said.startswith("champion is version 1 again") and champion_of(project) == "1"
    promote_command.main(root, params, "2")
    assert champion_of(project) == "2"
    for wrong in ("7", "models:/none@champion", "models:/rls3-vlm", "models:/rls3-vlm@none"):
        with pytest.raises(ModelError):
            promote_command.main(root, params, wrong)
    assert champion_of(project) == "2"


def test_weights_that_are_not_what_was_registered_are_refused(project):
    first = finished_round(project, "first", 1.0)
    register(first)
    (weights,) = project.tracking_artifacts.rglob("model.safetensors")
    content = bytearray(weights.read_bytes())
    content[-64:] = bytes(64)
    weights.write_bytes(content)
    params = first.campaign.params
    with pytest.raises(ModelError, match="not what was registered"):
        registry.download_model("models:/rls3-vlm@champion", params, project)
    with pytest.raises(ModelError, match="not what was registered"):
        promote_command.main(project.root, params, "1")


def test_an_export_is_a_folder_of_the_hub(handed, tmp_path):
    project, params = handed.campaign.project, handed.campaign.params
    place = tmp_path / "exported"
    export_command.main(project.root, params, place, "")
    exported = CLIPModel.from_pretrained(place)
    here = CLIPModel.from_pretrained(handed.path("vlm"))
    assert all(
        (a == b).all() for a, b in zip(exported.parameters(), here.parameters(), strict=True)
    )
    assert AutoTokenizer.from_pretrained(place)("the red mug")["input_ids"]
    assert {"README.md", "LICENSE", "model.safetensors"} <= {f.name for f in place.iterdir()}
    assert {stat.S_IMODE(f.stat().st_mode) for f in place.iterdir()} == {0o644}
    with pytest.raises(StorageError, match="exported is not empty"):
        export_command.main(project.root, params, place, "")
    with pytest.raises(ModelError, match="there is no model models:/rls3-vlm/9"):
        export_command.main(project.root, params, tmp_path / "other", "models:/rls3-vlm/9")


def test_two_families_under_one_name(project, tiny_vilt, tmp_path):
    """Compared on the same items, and told apart whatever vlm.family says."""
    register(finished_round(project, "first", 1.0))
    (project.base / "vilt").symlink_to(tiny_vilt)
    other = finished_round(project, "other", 1.0, "vlm.family=vilt")
    shutil.rmtree(other.path("vlm"))
    shutil.copytree(tiny_vilt, other.path("vlm"))
    assert gate(other).against == "version 1"
    assert register(other, against="version 1").version == "2"
    (tmp_path / "x.png").write_bytes(base64.b64decode(picture()))
    asked = (tmp_path, tmp_path / "x.png", [LEFT, RIGHT])
    for version, place in (("1", project.base / "clip"), ("2", tiny_vilt)):
        for family in ("clip", "vilt"):
            params = load_params(project.root / "params.yaml", [f"vlm.family={family}"])
            by_name, by_folder = (
                predict_command.main(project.root, params, *asked, name).lines
                for name in (f"models:/rls3-vlm/{version}", str(place))
            )
            assert by_name == by_folder
    with tracking.server(other.campaign.params, project) as client:
        tags = [client.get_model_version("rls3-vlm", v).tags["family"] for v in "12"]
    assert tags == ["clip", "vilt"]


def test_of_two_that_finish_at_once_the_later_meets_the_earlier(project):
    rounds = [finished_round(project, name, 1.0) for name in ("one", "two")]
    with tracking.server(rounds[0].campaign.params, project):
        pass
    assert [gate(r).against for r in rounds] == ["base", "base"]
    came: list[Registration] = []

    def finish(round_: Round) -> None:
        campaign = round_.campaign
        with Resources(campaign.params, project.simulators) as resources:
            came.append(handoff.hand_over(round_, resources, evaluation_of(round_), "v1")[1])

    threads = [threading.Thread(target=finish, args=(r,)) for r in rounds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(r.version for r in came) == ["1", "2"]
    assert sorted(gate(r).against for r in rounds) == ["base", "version 1"]


def snapshot(root: Path) -> dict[str, float]:
    return {str(f): f.stat().st_mtime for f in root.rglob("*") if f.is_file()}


def test_a_copied_project_keeps_to_itself_and_a_moved_one_finds_its_models(project):
    first = finished_round(project, "first", 1.0)
    register(first)
    params = first.campaign.params
    copy = Project(project.root.with_name("a copy"))
    shutil.copytree(project.root, copy.root, symlinks=True)
    before = snapshot(project.root)
    assert registry.champion(params, copy).folder.is_relative_to(copy.root)
    second = finished_round(copy, "second", 1.0)
    register(replace(second), against="version 1")
    assert registry.champion(params, copy).version == "2"
    assert snapshot(project.root) == before
    moved = Project(project.root.with_name("moved"))
    project.root.rename(moved.root)
    assert registry.champion(params, moved).folder.is_relative_to(moved.root)
    assert registry.champion(params, moved).version == "1"


def test_a_version_that_a_killed_process_made_is_used(project):
    first = finished_round(project, "first", 1.0)
    once = register(first)
    first.campaign.registered.unlink()
    assert register(first) == once
    with tracking.server(first.campaign.params, project) as client:
        assert len(client.search_model_versions("name = 'rls3-vlm'")) == 1
