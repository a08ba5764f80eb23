"""`dvc.yaml` names all that a stage depends on, so that it never says "up to date" falsely."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.test_layers import OURS, ROOT, modules_named

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def file_of(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    return path / "__init__.py" if (path / "__init__.py").is_file() else None


def closure(entry: str) -> set[Path]:
    """All files of ours that a module imports, directly or not; a package that imports its modules
    by name counts whole."""
    found: set[Path] = set()
    ahead = [entry]
    while ahead:
        module = ahead.pop()
        parents = [module.rsplit(".", n)[0] for n in range(1, module.count(".") + 1)]
        path = file_of(module)
        if path is None or path in found:
            continue
        found.add(path)
        ahead += parents + [n for n in modules_named(path) if n.split(".")[0] in OURS]
        if "import_module" in path.read_text():
            package = path.parent.relative_to(ROOT).parts
            ahead += [".".join((*package, p.stem)) for p in path.parent.glob("*.py")]
    return found


def entries(command: str | list[str]) -> list[str]:
    lines = [command] if isinstance(command, str) else command
    return [line.split(" -m ")[1].split()[0] for line in lines]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_all_code_that_it_runs(stage):
    deps = [ROOT / dep for dep in STAGES[stage]["deps"]]
    code = {path for entry in entries(STAGES[stage]["cmd"]) for path in closure(entry)}
    missing = [
        str(path.relative_to(ROOT))
        for path in sorted(code)
        if not any(dep == path or dep in path.parents for dep in deps)
    ]
    assert not missing
    assert "requirements.lock" in STAGES[stage]["deps"]
    assert not STAGES[stage].get("frozen"), "a frozen stage is up to date whatever changes"


def test_what_is_drawn_depends_on_who_draws():
    for stage in ("scenes", "base-clip", "base-vilt"):
        assert "embedded_thor" in STAGES[stage]["deps"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The code and dvc.yaml as they are, with small outputs, committed to DVC as up to date."""
    root = tmp_path_factory.mktemp("dvc")
    for name in ("rls3", "embedded_thor"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "params.yaml", "requirements.lock", "data.dvc"):
        shutil.copy(ROOT / name, root / name)
    for out in (
        "benchmark/val",
        "base/clip/model",
        "base/vilt/model",
        "data/published/x",
        "build/replay/model",
        "replay.json",
        "replay-curve.json",
    ):
        (root / out).parent.mkdir(parents=True, exist_ok=True)
        (root / out).write_text("small")
    dvc(root, "init", "--no-scm", "-q")
    dvc(root, "add", "-q", "data")
    dvc(root, "commit", "-q", "-f")
    assert stale(root) == set()
    return root


def dvc(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def stale(root: Path) -> set[str]:
    status = dvc(root, "status", "--json")
    return set(yaml.safe_load(status or "{}"))


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (
            "rls3/vlm/clip.py",
            "loss = weights.hard_negative * hard",
            "loss = 2 * weights.hard_negative * hard",
            {"base-clip", "base-vilt", "replay"},
        ),
        (
            "rls3/placing/clearance.py",
            "_FRAME = 0.82",
            "_FRAME = 0.83",
            {"scenes", "base-clip", "base-vilt"},
        ),
        ("params.yaml", "  seed: 7", "  seed: 8", {"scenes", "base-clip", "base-vilt"}),
        ("params.yaml", "  width: 128", "  width: 64", {"base-clip", "base-vilt"}),
        ("params.yaml", "  warmup_share: 0.03", "  warmup_share: 0.2", {"replay"}),
        ("params.yaml", "  campaign: published", "  campaign: other", {"replay"}),
        ("rls3/report/page.py", '"""', '"""A word more. ', set()),
    ],
)
def test_a_changed_constant_makes_the_right_stages_stale(project, file, old, new, expected):
    path = project / file
    before = path.read_text()
    assert old in before
    path.write_text(before.replace(old, new, 1))
    try:
        assert stale(project) == expected
    finally:
        path.write_text(before)


def in_git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no history: a downloaded archive")
def test_every_commit_of_the_data_comes_with_the_files_that_it_names():
    """So `git checkout COMMIT -- data.dvc store && dvc pull data.dvc` works from any clone."""
    for commit in in_git("log", "--format=%H", "--", "data.dvc").split():
        (out,) = yaml.safe_load(in_git("show", f"{commit}:data.dvc"))["outs"]
        kept = set(in_git("ls-tree", "-r", "--name-only", commit, "store/files/md5").split())
        listed = f"store/files/md5/{out['md5'][:2]}/{out['md5'][2:]}"
        assert listed in kept, commit
        for entry in yaml.safe_load(in_git("show", f"{commit}:{listed}")):
            assert f"store/files/md5/{entry['md5'][:2]}/{entry['md5'][2:]}" in kept, commit
