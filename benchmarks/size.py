"""`python -m benchmarks.size [ROOT]`: files and lines by folder, and how long files and functions
are (median, 90th percentile, most)."""

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

PARTS = ("rls3", "embedded_thor", "flows, tasks", "tests")


def files_of(root: Path, part: str) -> list[Path]:
    """Python files of a part; embedded_thor counts as itself wherever it lies."""
    own = {
        "rls3": [p for p in root.glob("rls3/**/*.py") if "embedded_thor" not in p.parts],
        "embedded_thor": [
            *root.glob("embedded_thor/**/*.py"),
            *root.glob("rls3/embedded_thor/**/*.py"),
        ],
        "flows, tasks": [*root.glob("flows/*.py"), *root.glob("tasks/*.py")],
        "tests": [*root.glob("tests/**/*.py")],
    }
    return sorted(own[part])


def function_lengths(path: Path) -> list[int]:
    """Lines of each function, from `def` to its end."""
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [n.end_lineno - n.lineno + 1 for n in ast.walk(tree) if isinstance(n, kinds)]


def spread(lengths: Sequence[int]) -> str:
    """median/p90/max."""
    middle, long = np.percentile(lengths, [50, 90])
    return f"{middle:.0f}/{long:.0f}/{max(lengths)}"


def folders(paths: Sequence[Path], root: Path) -> dict[str, tuple[int, int]]:
    """(files, lines) of each folder two levels deep."""
    found: dict[str, tuple[int, int]] = {}
    for path in paths:
        folder = "/".join(path.relative_to(root).parent.parts[:2])
        files, lines = found.get(folder, (0, 0))
        found[folder] = (files + 1, lines + path.read_text().count("\n"))
    return found


def main() -> None:
    """Of the given folder, or of this one."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    for part in PARTS:
        paths = files_of(root, part)
        lines = [path.read_text().count("\n") for path in paths]
        functions = [n for path in paths for n in function_lengths(path)]
        print(
            f"{part:14} {len(paths):3} files {sum(lines):6} lines; "
            f"files {spread(lines)}, functions {spread(functions)}"
        )
        for folder, (n, total) in sorted(folders(paths, root).items()):
            print(f"    {folder:24} {n:3} {total:6}")


if __name__ == "__main__":
    main()
