"""The house keeps its shape: who may import whom, and what is imported only when it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GROUND = {"cases", "tables", "money", "errors", "provenance", "progress", "lazy", "terminal"}
ROOF = {"cli", "sample", "report", "plots", "negotiate"}
ENGINES = {"grouper", "weights", "budget"}
PACKAGES = {"drg", *ENGINES}
FILES = [path for package in sorted(PACKAGES) for path in sorted((ROOT / package).rglob("*.py"))]


def imports(path: Path, *, top_only: bool) -> set[str]:
    """Dotted names of project modules that a file imports; type-only imports do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and top_only:
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports go by full name"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(tree)
    return {name for name in found if name.split(".")[0] in PACKAGES}


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path: Path) -> None:
    parts = path.relative_to(ROOT).with_suffix("").parts
    package, own_room = parts[0], parts[1] if len(parts) > 1 else ""
    for name in imports(path, top_only=False):
        other = name.split(".")[0]
        if package == "drg" and own_room in ROOF:
            continue
        if package == "drg":
            assert other == "drg", f"the ground floor imports {name}"
            assert room(name) not in ROOF, f"the ground floor imports the roof: {name}"
        elif other == "drg":
            assert room(name) in GROUND | {"__version__"}, f"{package} imports {name}"
        else:
            assert other == package or (package, other) == ("budget", "weights"), (
                f"{package} imports {name}"
            )


@pytest.mark.parametrize("path", [p for p in FILES if "cli" in p.parts], ids=lambda p: p.name)
def test_the_command_line_imports_lazily(path: Path) -> None:
    for name in imports(path, top_only=True):
        light = ("drg.cli", "drg.errors", "drg.terminal", "drg.__version__")
        assert name.startswith(light) or name == "drg", name


def test_importing_the_packages_is_cheap() -> None:
    code = (
        "import sys, drg, grouper, weights, budget, drg.cli\n"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'scipy', 'matplotlib', 'rich'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"imported: {done.stderr}"


def test_the_house_has_its_rooms() -> None:
    for name in ("drg", "grouper", "weights", "budget", "notebooks", "tests", "data_samples"):
        assert (ROOT / name).is_dir(), name
