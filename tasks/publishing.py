"""Publishing a campaign's data: to the DVC remote, and as a commit on a git branch of its own that
touches neither the index nor the work tree of whoever works in the folder."""

import os
import subprocess
import tempfile
import warnings
from pathlib import Path

from rls3.errors import DataError
from rls3.loop.store import Campaign, Project
from tasks.versioning import push_data, remote_folder

_AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "RLS3"), ("EMAIL", "rls3@localhost"))
}


def publish_round(campaign: Campaign, version: str) -> None:
    """After a round, unless campaign.publish is none: push the data. A remote that does not answer
    is a warning; the end of the campaign tries again."""
    if campaign.params.campaign.publish == "none":
        return
    try:
        push_data(campaign.project, version)
    except DataError as error:
        warnings.warn(str(error), stacklevel=1)


def publish_campaign(campaign: Campaign, version: str) -> str:
    """At a campaign's end: push the data; commit data.dvc, if campaign.publish is commit.

    Returns: the commit; "" if none was asked for.
    Raises: DataError if the remote or git cannot take it.
    """
    publish = campaign.params.campaign.publish
    if publish == "none":
        return ""
    data_file = push_data(campaign.project, version)
    return commit_data(campaign, data_file, version) if publish == "commit" else ""


def data_branch(campaign: Campaign) -> str:
    """Where the versions of a campaign's data are committed."""
    return f"rls3/data-{campaign.name}"


def commit_data(campaign: Campaign, data_file: str, version: str) -> str:
    """Commit a version's data.dvc, with the campaign's figures, upon the files of HEAD; with those
    of the DVC remote, if that lies in the repository. The same again is no new commit.

    Returns: the commit at the tip of the branch.
    Raises: DataError.
    """
    project, branch = campaign.project, f"refs/heads/{data_branch(campaign)}"
    prefix = _git(project, "rev-parse", "--show-prefix")
    head = _git(project, "rev-parse", "--verify", "-q", "HEAD", may_fail=True)
    tip = _git(project, "rev-parse", "--verify", "-q", branch, may_fail=True)
    blob = _git(project, "hash-object", "-w", "--stdin", stdin=data_file)
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        if head:
            _git(project, "read-tree", head, environment=index)
        entry = f"100644,{blob},{prefix}{project.data_file.name}"
        _git(project, "update-index", "--add", "--cacheinfo", entry, environment=index)
        beside = [str(path) for path in _beside(campaign) if path.exists()]
        if beside:
            _git(project, "add", "-f", "--", *beside, environment=index)
        tree = _git(project, "write-tree", environment=index)
    if tip and _git(project, "rev-parse", f"{tip}^{{tree}}") == tree:
        return tip
    parent = tip or head
    parents = ["-p", parent] if parent else []
    message = f"Data of campaign {campaign.name}: version {version}"
    commit = _git(
        project, "commit-tree", tree, *parents, "-m", message, environment=_author(project)
    )
    _git(project, "update-ref", branch, commit, tip or "0" * 40)
    return commit


def _beside(campaign: Campaign) -> list[Path]:
    """What is committed with data.dvc: the campaign's figures, and the DVC remote if it is a folder
    of this repository that git does not ignore."""
    project, beside = campaign.project, [campaign.metrics, campaign.curve]
    store = remote_folder(project)
    top = Path(_git(project, "rev-parse", "--show-toplevel")).resolve()
    if store is not None and store.resolve().is_relative_to(top):
        ignored = _git(project, "check-ignore", str(store), may_fail=True)
        beside += [] if ignored else [store]
    return beside


def _author(project: Project) -> dict[str, str]:
    """Whoever git knows; else RLS3 itself, so that a machine without a name can commit."""
    known = _git(project, "config", "user.email", may_fail=True)
    return {} if known else {name: os.environ.get(name, value) for name, value in _AUTHOR.items()}


def _git(
    project: Project,
    *arguments: str,
    stdin: str = "",
    environment: dict[str, str] | None = None,
    may_fail: bool = False,
) -> str:
    """What git says. Raises: DataError; not if it `may_fail`, which gives ""."""
    command = ["git", "-C", str(project.root), *arguments]
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            env=os.environ | (environment or {}),
        )
    except FileNotFoundError:
        raise DataError(_cannot(project, "there is no git")) from None
    if done.returncode and not may_fail:
        raise DataError(_cannot(project, (done.stderr.strip() or "it failed").splitlines()[-1]))
    return "" if done.returncode else done.stdout.strip()


def _cannot(project: Project, reason: str) -> str:
    return (
        f"data.dvc cannot be committed in {project.root} ({reason[:160]}); the data itself was "
        "pushed: make that folder a git repository, or set campaign.publish to push"
    )
