"""The only home of DVC: each campaign's data is versioned after each round, published files are
fetched, versions are pushed and brought back by their digest."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import yaml
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.scm import SCMError
from dvc_data.hashfile.db import add_update_tree
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.tree import Tree

from rls3.errors import DataError, RLS3Error, StorageError, first_line
from rls3.files import copy_file, read_errors, storage_sentence, write_text
from rls3.loop.records import Manifest, read_record
from rls3.loop.store import Campaign, Project, Round

logging.getLogger("dvc").setLevel(logging.ERROR)
T = TypeVar("T")
_WITHOUT_GIT = {"core": {"no_scm": True, "analytics": False, "check_update": False}}
_IGNORED = "# what a killed process left of a file that it was writing\n.*.tmp\n"
_HASH = "md5"
_WAIT_S = 120.0
"""For another DVC command that holds the repository."""


@contextmanager
def _repo(project: Project) -> Iterator[Repo]:
    """The DVC repository at a project's root, held against other campaigns; made where there is
    none. Git is not needed: a downloaded archive of the project has none."""
    with project.locked("data"):
        root = str(project.root)
        config = None
        if not project.dvc_folder.is_dir():
            config = _WITHOUT_GIT
            Repo.init(root, no_scm=True).close()
            write_text(project.root / ".dvcignore", _IGNORED)
        try:
            repo = Repo(root, config=config)
        except SCMError:
            repo = Repo(root, config=_WITHOUT_GIT)
        with repo:
            yield repo


def _patiently(do: Callable[[], T]) -> T:
    """Wait while another DVC command, of whoever works in this folder, holds its lock.

    Raises: DataError after _WAIT_S; whatever else `do` raises.
    """
    ends = time.monotonic() + _WAIT_S
    while True:
        try:
            return do()
        except LockError as error:
            if time.monotonic() > ends:
                raise DataError(
                    f"another DVC command has held this project for {_WAIT_S:.0f} s; wait for it, "
                    "or end it, and run again"
                ) from error
            time.sleep(0.2)


@contextmanager
def _told(sentence: str) -> Iterator[None]:
    """Whatever goes wrong in the block is a DataError; `sentence` has a place for the reason."""
    try:
        yield
    except RLS3Error:
        raise
    except Exception as error:  # DVC's storages raise what they like
        if full := storage_sentence(error, "DVC's cache"):
            raise StorageError(full) from error
        raise DataError(sentence.format(first_line(error)[:160])) from error


def fetch_published(project: Project) -> list[str]:
    """Bring what the project publishes (base models, benchmarks, a small dataset) and is not here
    yet.

    Returns: names of what was brought.
    Raises: DataError if the remote does not have it.
    """
    if not project.dvc_lock.exists():
        return []
    missing: list[str] = []
    try:
        with _repo(project) as repo:
            outs = [out for out in repo.index.outs if out.use_cache]
            missing = [project.relative(Path(out.fs_path)) for out in outs if not out.exists]
            if missing:
                targets = [str(project.root / name) for name in missing]
                _patiently(lambda: repo.pull(targets=targets))
    except RLS3Error:
        raise
    except Exception as error:  # DVC's storages raise what they like
        raise DataError(
            f"{', '.join(missing) or 'what is published'} cannot be fetched from the DVC remote "
            f"({first_line(error)[:160]}); check `dvc remote list`, or make it with `dvc repro`"
        ) from error
    return missing


def changed_published(project: Project) -> list[str]:
    """Names of published files (base models, benchmarks) that are not what dvc.lock records: made
    anew, or damaged. Raises: DataError."""
    if not project.dvc_lock.exists():
        return []
    failed = "published files cannot be compared with dvc.lock ({}); mend that and run again"
    with _told(failed), _repo(project) as repo:
        outs = [out for out in repo.index.outs if out.use_cache and out.exists and out.hash_info]
        places = ((out, Path(out.fs_path)) for out in outs)
        published = [(o, p) for o, p in places if not p.is_relative_to(project.data)]
        return [project.relative(place) for out, place in published if out.changed_checksum()]


def version_data(campaign: Campaign) -> str:
    """Put `data/<campaign>` into the version of `data/`, as it is now; other campaigns stay in it
    as they last put themselves there, however far they are.

    Returns: the digest in `data.dvc` (the version).
    Raises: DataError.
    """
    project = campaign.project
    if project.data_file.exists():
        _check_data_file(project.data_file)
    failed = "data/ cannot be versioned ({}); mend it and run again, what is finished is kept"
    with _told(failed), _repo(project) as repo:
        if not project.data_file.exists():
            _begin(repo, project)
        (stage,) = _patiently(lambda: repo.add(str(campaign.data)))
        return str(stage.outs[0].hash_info.value)


def _check_data_file(path: Path) -> None:
    way_out = (
        f"restore it with `git checkout {path.name}`, or delete {path} and run again: "
        "each campaign puts its own data into the new one"
    )
    with read_errors(path, yaml.YAMLError, way_out=way_out):
        yaml.safe_load(path.read_text())["outs"]


def _begin(repo: Repo, project: Project) -> None:
    """The version of no data, to which campaigns add theirs."""
    nothing = Tree()
    nothing.digest()
    add_update_tree(repo.cache.local, nothing)
    write_text(project.data_file, _data_file(nothing))


def _data_file(tree: Tree) -> str:
    """`data.dvc` of a version."""
    out = {"md5": tree.oid, "nfiles": len(tree), "hash": _HASH, "path": "data"}
    return yaml.safe_dump({"outs": [out]}, sort_keys=False)


def bring_back(campaign: Campaign) -> list[str]:
    """The data of finished rounds that is no longer there (`dvc checkout` of an older version takes
    it away): from DVC's cache, or its remote, by the version that the round's manifest names.

    Returns: names of the rounds' folders that were brought back.
    Raises: DataError, before anything is changed, if a file is to be had nowhere.
    """
    gaps = [r for r in campaign.rounds_done() if _gaps(r)]
    found = [(r, _files(r)) for r in gaps]
    for round_, files in found:
        for path in _gaps(round_):
            copy_file(files[path], path)
    return [campaign.project.relative(r.data) for r in gaps]


def _gaps(round_: Round) -> list[Path]:
    return [p for p in (round_.path("train"), round_.path("rejected")) if not p.exists()]


def _files(round_: Round) -> dict[Path, Path]:
    """Where DVC keeps the files of a round, by where they belong."""
    project, campaign = round_.campaign.project, round_.campaign
    version = read_record(round_.manifest, Manifest).data_version
    way_out = (
        f"put it back with `git checkout COMMIT -- {project.data_file.name} && dvc checkout`, or "
        f"delete {campaign.folder} to begin that campaign anew"
    )
    kept = _kept(project, version, project.relative(round_.data), campaign.name, way_out)
    files = {project.data.joinpath(*key): path for key, path in kept.items()}
    for path in _gaps(round_):
        if path not in files:
            raise DataError(f"{path} is missing, and version {version} has none; {way_out}")
    return files


def check_out(project: Project, version: str, name: str, into: Project) -> None:
    """`data/<name>` of a version of the data, into another project's folder.

    Raises: DataError if neither DVC's cache nor its remote has it.
    """
    way_out = "run `dvc push` where the campaign ran, or set campaign.publish to push there"
    for key, path in _kept(project, version, f"data/{name}", name, way_out).items():
        copy_file(path, into.data.joinpath(*key))


def _kept(
    project: Project, version: str, what: str, name: str, way_out: str
) -> dict[tuple[str, ...], Path]:
    """The files of a campaign in a version of the data: name (in parts) to the file in DVC's cache,
    to which they are brought from the remote if need be."""
    lost = (
        f"{what} is not here, and version {version} of the data is neither in DVC's cache nor on "
        f"its remote ({{}}); {way_out}"
    )
    with _told(lost), _repo(project) as repo:
        tree = _tree(repo, version)
        parts = {key: info for key, (_, info) in tree.iteritems() if key[0] == name}
        if not parts:
            raise FileNotFoundError(f"it has no campaign {name!r}")
        cache = repo.cache.local
        lacking = [i for i in parts.values() if not cache.exists(i.value)]
        if lacking:
            repo.cloud.pull(lacking)
        paths = {key: Path(cache.oid_to_path(info.value)) for key, info in parts.items()}
        for key, path in paths.items():
            if not path.exists():
                raise FileNotFoundError(f"it lacks {'/'.join(key)}")
            _check(path, parts[key].value)
        return paths


def _check(path: Path, digest: str) -> None:
    """Raises: DataError if a file in DVC's cache is not what its name says."""
    with path.open("rb") as file:
        if hashlib.file_digest(file, _HASH).hexdigest() != digest:
            raise DataError(
                f"{path} in DVC's cache is damaged; delete it and run again to fetch it from "
                "the DVC remote"
            )


def _tree(repo: Repo, version: str) -> Tree:
    """The files of a version; the list of them comes from the remote if it is not in the cache."""
    info = HashInfo(_HASH, version)
    if not repo.cache.local.exists(version):
        remote = repo.cloud.get_remote_odb(command="pull")
        raw = remote.get(version)
        repo.cache.local.add(raw.path, raw.fs, version)
    return Tree.load(repo.cache.local, info)


def push_data(project: Project, version: str) -> str:
    """Bring a version of the data to the DVC remote.

    Returns: its `data.dvc`.
    Raises: DataError if there is no remote, it cannot be reached, or a file is to be had nowhere.
    """
    with (
        _told(
            f"version {version} of the data cannot be pushed to the DVC remote ({{}}); check "
            "`dvc remote list`, then `dvc push`, or set campaign.publish to none"
        ),
        _repo(project) as repo,
    ):
        tree = _tree(repo, version)
        files = {info for _, _, info in tree}
        for objects in (files, {HashInfo(_HASH, version)}):  # the list of files last
            if failed := repo.cloud.push(objects).failed:
                raise OSError(f"{len(failed)} files did not arrive")
        return _data_file(tree)


def remote_folder(project: Project) -> Path | None:
    """The DVC remote, if it is a folder."""
    with _repo(project) as repo:
        remote = repo.cloud.get_remote()
        return Path(remote.path) if remote.fs.protocol == "local" else None
