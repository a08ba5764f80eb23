"""Imports go one way, and each heavy library has one home."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOMES = {
    "prefect": ("flows/", "tasks/"),
    "mlflow": ("tasks/tracking.py", "tasks/served_model.py"),
    "dvc": ("tasks/versioning.py",),
    "great_expectations": ("rls3/dataset/expectations.py",),
    "stable_baselines3": ("rls3/agents/ppo.py",),
    "transformers": ("rls3/vlm/",),
    "mujoco": ("embedded_thor/",),
    "ai2thor": ("rls3/thor/",),
}


def _imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def _files() -> list[tuple[str, set[str]]]:
    paths = [
        p for folder in ("flows", "tasks", "rls3") for p in sorted((ROOT / folder).rglob("*.py"))
    ]
    return [(str(p.relative_to(ROOT)), _imports(p)) for p in paths]


def test_heavy_libraries_stay_at_home():
    wrong = [
        (file, lib)
        for file, names in _files()
        for lib, homes in HOMES.items()
        if any(n.split(".")[0] == lib for n in names) and not file.startswith(homes)
    ]
    assert not wrong


def test_rings_point_inwards():
    wrong = []
    for file, names in _files():
        for name in names:
            top = name.split(".")[0]
            if file.startswith("tasks/") and top == "flows":
                wrong.append((file, name))
            if file.startswith("rls3/") and top in ("flows", "tasks") and file != "rls3/cli.py":
                wrong.append((file, name))
    assert not wrong


def test_the_executable_stands_alone():
    wrong = [
        (file, n)
        for file, names in _files()
        for n in names
        if n.startswith("embedded_thor") != file.startswith("embedded_thor/")
        and n.startswith("rls3")
    ]
    assert not [
        w for w in wrong if w[0].startswith("embedded_thor/") or w[1].startswith("embedded_thor")
    ]


def test_scene_language_and_thor_do_not_look_up():
    allowed = {
        "rls3/scene/": ("rls3.scene",),
        "rls3/language/": ("rls3.scene", "rls3.language", "rls3.errors"),
        "rls3/thor/": (
            "rls3.thor",
            "rls3.scene",
            "rls3.errors",
            "rls3.params",
            "rls3.language.caption",
        ),
    }
    wrong = [
        (file, n)
        for file, names in _files()
        for folder, ok in allowed.items()
        if file.startswith(folder)
        for n in names
        if n.startswith("rls3.") and not n.startswith(ok)
    ]
    assert not wrong
