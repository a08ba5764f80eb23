"""Versions of data/: two campaigns side by side, data that a checkout took away, publishing to a
remote and back in a clone. Real DVC, real git, small files."""

import multiprocessing
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from rls3.errors import DataError
from rls3.loop.records import Manifest, write_record
from rls3.loop.store import Campaign, Project
from tasks.publishing import data_branch, publish_campaign, publish_round
from tasks.versioning import bring_back, changed_published, check_out, version_data
from tests.conftest import make_params


def campaign_in(root: Path, name: str, publish: str = "none") -> Campaign:
    return Campaign(Project(root), make_params(campaign__name=name, campaign__publish=publish))


def make_data(campaign: Campaign, number: int) -> None:
    round_ = campaign.round(number)
    round_.data.mkdir(parents=True, exist_ok=True)
    for artefact in ("train", "rejected"):
        round_.path(artefact).write_text(f"{artefact} of {campaign.name}, {number}")


def finish(campaign: Campaign, number: int) -> str:
    """A round as far as versions go: its data, its version, its manifest."""
    make_data(campaign, number)
    version = version_data(campaign)
    nothing: dict = dict(seed=1, code_commit="", params={}, sha256={}, vlm_before="", vlm="")
    told = dict(libraries={}, python="", machine="", mlflow_run_id="", seconds={})
    record = Manifest(campaign.name, number, data_version=version, **nothing, **told)
    write_record(record, campaign.round(number).manifest)
    return version


def files_of(root: Path, version: str) -> set[str]:
    """In a version, as DVC keeps it."""
    listed = root / ".dvc/cache/files/md5" / version[:2] / version[2:]
    return {entry["relpath"] for entry in yaml.safe_load(listed.read_text())}


def command(root: Path, *arguments: str) -> str:
    done = subprocess.run(arguments, cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-1500:]
    return done.stdout.strip()


def dvc(root: Path, *arguments: str) -> str:
    return command(root, sys.executable, "-m", "dvc", *arguments)


def git(root: Path, *arguments: str) -> str:
    as_me = ("-c", "user.name=me", "-c", "user.email=me@example.org")
    return command(root, "git", *as_me, *arguments)


@pytest.fixture
def with_git(tmp_path) -> Path:
    """A project in a folder of a git repository, with a DVC remote beside it; one commit."""
    top = tmp_path / "repository"
    root = top / "a project"
    root.mkdir(parents=True)
    git(top, "init", "-q")
    dvc(root, "init", "-q", "--subdir")
    dvc(root, "remote", "add", "-q", "-d", "store", str(tmp_path / "remote"))
    (root / "params.yaml").write_text("mine: 1\n")
    (root / ".gitignore").write_text("/runs/\n/.rls3/\n/data\n")
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "Begun")
    return root


def test_a_version_holds_no_half_finished_round_of_another_campaign(tmp_path):
    one, other = campaign_in(tmp_path, "one"), campaign_in(tmp_path, "other")
    make_data(other, 1)  # is still at work on it
    (one.round(1).data).mkdir(parents=True)
    (one.round(1).data / ".train.parquet.7.tmp").write_text("left by a killed process")
    version = finish(one, 1)
    assert files_of(tmp_path, version) == {
        "one/round-0001/train.parquet",
        "one/round-0001/rejected.parquet",
    }
    both = finish(other, 1)
    assert len(files_of(tmp_path, both)) == 4
    assert both in (tmp_path / "data.dvc").read_text()


def test_a_damaged_data_file_says_how_it_is_made_anew(tmp_path):
    campaign = campaign_in(tmp_path, "one")
    finish(campaign, 1)
    for damage in (b"\xff\xfe", b"outs: [", b"", b"mine: 1"):
        (tmp_path / "data.dvc").write_bytes(damage)
        with pytest.raises(DataError, match=r"data\.dvc is damaged .*delete .*data\.dvc and run"):
            version_data(campaign)
    (tmp_path / "data.dvc").unlink()
    assert len(files_of(tmp_path, version_data(campaign))) == 2


def work(root: Path, name: str) -> None:
    for number in (1, 2, 3):
        finish(campaign_in(root, name), number)


def test_campaigns_at_once_in_a_fresh_project_all_get_into_its_version(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    at_work = [spawn.Process(target=work, args=(tmp_path, name)) for name in ("a", "b")]
    for process in at_work:
        process.start()
    for process in at_work:
        process.join(60)
    assert [process.exitcode for process in at_work] == [0, 0]
    (out,) = yaml.safe_load((tmp_path / "data.dvc").read_text())["outs"]
    assert len(files_of(tmp_path, out["md5"])) == 12


def test_a_published_model_that_is_not_what_was_recorded_is_named(tmp_path):
    project = Project(tmp_path)
    assert changed_published(project) == []
    make_data(campaign_in(tmp_path, "a"), 1)
    version_data(campaign_in(tmp_path, "a"))
    for name in ("clip", "vilt"):
        (tmp_path / "base" / name).mkdir(parents=True)
        (tmp_path / "base" / name / "model").write_text("weights of " + name)
    stages = {name: {"cmd": "true", "outs": [f"base/{name}"]} for name in ("clip", "vilt")}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    with Repo(str(tmp_path), config={"core": {"no_scm": True}}) as repo:
        repo.commit(force=True)
    assert changed_published(project) == []
    model = tmp_path / "base/clip/model"
    model.unlink()  # DVC may have linked it
    model.write_text("weights of clap")
    assert changed_published(project) == ["base/clip"]


def test_another_dvc_command_is_waited_for(tmp_path):
    campaign = campaign_in(tmp_path, "one")
    finish(campaign, 1)
    hold = (
        "import sys, time; from dvc.repo import Repo\n"
        "with Repo(sys.argv[1]).lock: print('held', flush=True); time.sleep(5)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    started = time.monotonic()
    version = finish(campaign, 2)
    assert time.monotonic() - started > 3 and len(files_of(tmp_path, version)) == 4
    assert holder.wait(10) == 0


def test_data_that_no_commit_names_comes_back_from_the_cache(with_git):
    first = campaign_in(with_git, "first")
    finish(first, 1)
    git(with_git, "add", "data.dvc")
    git(with_git, "commit", "-q", "-m", "The first campaign's data")
    second = campaign_in(with_git, "second")
    finish(second, 1)
    git(with_git, "checkout", "HEAD", "--", "data.dvc")
    dvc(with_git, "checkout", "-q")
    train = second.round(1).path("train")
    assert not train.exists() and bring_back(first) == []
    assert bring_back(second) == ["data/second/round-0001"]
    assert train.read_text() == "train of second, 1"
    version = finish(second, 2)
    assert len(files_of(with_git, version)) == 6

    shutil.rmtree(second.round(1).data)
    shutil.rmtree(with_git / ".dvc" / "cache")
    lost = r"round-0001 is not here, and version \w+.dir .* `git checkout COMMIT -- data.dvc &&"
    with pytest.raises(DataError, match=lost):
        bring_back(second)
    assert not train.exists()


def test_a_published_campaign_comes_back_in_a_clone_at_every_commit(with_git, tmp_path):
    campaign, user = campaign_in(with_git, "night", "commit"), with_git.parent
    (with_git / "params.yaml").write_text("mine: 2\n")  # staged, and changed once more since
    git(user, "add", "-A")
    (with_git / "params.yaml").write_text("mine: 3\n")
    before = git(user, "status", "--porcelain"), git(user, "rev-parse", "HEAD", "HEAD^{tree}")
    commits = []
    for night in (1, 2):
        version = finish(campaign, night)
        publish_round(campaign, version)
        commits.append(publish_campaign(campaign, version))
        assert publish_campaign(campaign, version) == commits[-1], "nothing new, no new commit"
    (with_git / "data.dvc").unlink()
    after = git(user, "status", "--porcelain"), git(user, "rev-parse", "HEAD", "HEAD^{tree}")
    assert after == before
    assert git(user, "rev-parse", data_branch(campaign)) == commits[-1]
    assert git(user, "show", f"{commits[-1]}:a project/params.yaml") == "mine: 1"

    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", user.as_uri(), str(clone))
    for night, commit in enumerate(commits, 1):
        root = clone / "a project"
        git(root, "checkout", commit, "--", "data.dvc")
        dvc(root, "pull", "-q", "data.dvc")
        found = sorted(path.name for path in (root / "data/night").iterdir())
        assert found == [f"round-{n:04d}" for n in range(1, night + 1)]
        assert (
            (root / f"data/night/round-{night:04d}/train.parquet")
            .read_text()
            .endswith(f"night, {night}")
        )


def test_a_remote_within_the_repository_is_committed_with_the_data(tmp_path):
    campaign = campaign_in(tmp_path / "here", "night", "commit")
    root = campaign.project.root
    root.mkdir()
    git(root, "init", "-q")
    dvc(root, "init", "-q")
    dvc(root, "remote", "add", "-q", "-d", "store", "store")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "Begun")
    commit = publish_campaign(campaign, finish(campaign, 1))
    git(tmp_path, "clone", "-q", root.as_uri(), "there")
    git(tmp_path / "there", "checkout", commit, "--", "data.dvc", "store")
    dvc(tmp_path / "there", "pull", "-q", "data.dvc")
    assert (tmp_path / "there/data/night/round-0001/train.parquet").exists()


def test_a_version_is_found_by_its_digest_where_no_data_is(with_git, tmp_path):
    campaign = campaign_in(with_git, "night", "push")
    version = finish(campaign, 1)
    publish_campaign(campaign, version)
    finish(campaign, 2)
    shutil.rmtree(with_git / ".dvc" / "cache")
    check_out(campaign.project, version, "night", Project(tmp_path / "there"))
    assert [p.name for p in (tmp_path / "there/data/night").iterdir()] == ["round-0001"]
    unknown = "0123456789abcdef0123456789abcdef.dir"
    with pytest.raises(DataError, match=f"version {unknown} of the data is neither in DVC's cache"):
        check_out(campaign.project, unknown, "night", Project(tmp_path / "there"))


def test_a_remote_that_is_not_there_warns_after_a_round_and_stops_the_end(tmp_path):
    campaign = campaign_in(tmp_path, "night", "push")
    version = finish(campaign, 1)
    with pytest.warns(UserWarning, match="cannot be pushed to the DVC remote"):
        publish_round(campaign, version)
    with pytest.raises(DataError, match="cannot be pushed to the DVC remote .*campaign.publish"):
        publish_campaign(campaign, version)
