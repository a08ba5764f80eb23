"""Imports go one way, each heavy library has one home, and only the store joins paths."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GROUND = ("rls3.errors", "rls3.files", "rls3.seeds", "rls3.telemetry", "rls3.params", "rls3.markup")
SCENE = (*GROUND, "rls3.scene", "rls3.language")
PLACING = (*SCENE, "rls3.dataset", "rls3.placing")
VLM = (*SCENE, "rls3.execution", "rls3.dataset", "rls3.vlm")
EVALUATION = (*VLM, "rls3.evaluation")
LOOP = (*EVALUATION, "rls3.thor", "rls3.placing", "rls3.agents", "rls3.loop")
MAY_SEE = {
    "embedded_thor/": ("embedded_thor",),
    "rls3/errors.py": (),
    "rls3/telemetry.py": (),
    "rls3/seeds.py": (),
    "rls3/files.py": ("rls3.errors",),
    "rls3/markup.py": (),
    "rls3/overrides.py": ("rls3.errors",),
    "rls3/params.py": ("rls3.errors", "rls3.overrides"),
    "rls3/__init__.py": (),
    "rls3/scene/": (*GROUND, "rls3.scene"),
    "rls3/language/": SCENE,
    "rls3/dataset/": (*SCENE, "rls3.dataset"),
    "rls3/execution/": (*GROUND, "rls3.execution"),
    "rls3/thor/": (
        *GROUND,
        "rls3.execution",
        "rls3.scene",
        "rls3.language.caption",
        "rls3.thor",
    ),
    "rls3/placing/": PLACING,
    "rls3/agents/": (*PLACING, "rls3.agents"),
    "rls3/vlm/": VLM,
    "rls3/evaluation/": EVALUATION,
    "rls3/loop/": LOOP,
    "rls3/report/": (*LOOP, "rls3.report"),
    "tasks/": ("rls3", "tasks"),
    "flows/": ("rls3", "tasks", "flows"),
    # the command line stands before the flows: it is what a person calls
    "rls3/cli.py": ("rls3", "tasks", "flows"),
    "rls3/doctor.py": ("rls3",),
    "rls3/commands/": ("rls3", "tasks", "flows"),
}
"""Each folder or module, and what of ours it may import."""
HOMES = {
    "prefect": (
        "flows/",
        "tasks/stages.py",
        "tasks/artifacts.py",
        "tasks/services.py",
        "tasks/watch.py",
    ),
    "mlflow": ("tasks/tracking.py", "tasks/registry.py", "tasks/served_model.py"),
    "dvc": ("tasks/versioning.py",),
    "great_expectations": ("rls3/dataset/expectations.py",),
    "stable_baselines3": ("rls3/agents/ppo.py",),
    "gymnasium": ("rls3/agents/ppo.py",),
    "transformers": ("rls3/vlm/",),
    "mujoco": ("embedded_thor/",),
    "ai2thor": ("rls3/thor/",),
    "distributed": ("rls3/execution/cluster.py",),
    "accelerate": ("rls3/vlm/team.py",),
}
OURS = ("rls3", "embedded_thor", "flows", "tasks")


def modules_named(path: Path) -> set[str]:
    """The modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _files() -> list[str]:
    found = [p for folder in OURS for p in sorted((ROOT / folder).rglob("*.py"))]
    return [str(p.relative_to(ROOT)) for p in found]


def _row_of(file: str) -> str:
    """The most special row of the table that covers a file."""
    rows = [row for row in MAY_SEE if file == row or (row.endswith("/") and file.startswith(row))]
    assert rows, f"{file} is in no row of MAY_SEE: say what it may import"
    return max(rows, key=len)


def _may(name: str, allowed: tuple[str, ...]) -> bool:
    """A package may be named on the way to an allowed module (`from rls3 import files`)."""
    return any(f"{name}.".startswith(f"{a}.") or f"{a}.".startswith(f"{name}.") for a in allowed)


@pytest.mark.parametrize("file", _files())
def test_imports_go_one_way(file):
    ours = {n for n in modules_named(ROOT / file) if n.split(".")[0] in OURS}
    allowed = MAY_SEE[_row_of(file)]
    assert not [name for name in sorted(ours) if not _may(name, allowed)]


@pytest.mark.parametrize("library", HOMES)
def test_a_heavy_library_has_one_home(library):
    users = [
        f for f in _files() if any(n.split(".")[0] == library for n in modules_named(ROOT / f))
    ]
    assert users and not [f for f in users if not f.startswith(HOMES[library])]


def test_the_library_imports_without_its_infrastructure():
    """Prefect, MLflow and DVC are named nowhere in rls3 but by the commands, which start flows."""
    for file in _files():
        if file.startswith("rls3/") and _row_of(file) not in ("rls3/cli.py", "rls3/commands/"):
            roots = {name.split(".")[0] for name in modules_named(ROOT / file)}
            assert not roots & {"prefect", "mlflow", "dvc", "flows", "tasks"}, file


PATH_NAMES = ("runs", ".rls3", "rounds", "train.parquet", "manifest.json", "campaign.json")


def test_only_the_store_knows_where_artefacts_lie():
    """Anyone else asks it: no other module names these folders and files in code."""
    wrong = []
    for file in _files():
        if file == "rls3/loop/store.py" or file.startswith("embedded_thor/"):
            continue
        tree = ast.parse((ROOT / file).read_text())
        joined = [
            n.right
            for n in ast.walk(tree)
            if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div)
        ]
        wrong += [
            (file, part.value)
            for part in joined
            if isinstance(part, ast.Constant) and part.value in PATH_NAMES
        ]
    assert not wrong


def test_no_file_is_long_without_a_reason():
    """400 lines; a longer one says in its docstring why it is one piece."""
    for file in _files():
        text = (ROOT / file).read_text()
        docstring = ast.get_docstring(ast.parse(text)) or ""
        assert text.count("\n") <= 400 or "one piece" in docstring, file
