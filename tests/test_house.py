"""The house keeps its shape: rooms by subject, imports that go down, nothing heavy at the door."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GROUND = {
    "cases",
    "tables",
    "money",
    "record",
    "datasets",
    "documents",
    "errors",
    "provenance",
    "progress",
    "lazy",
    "terminal",
    "language",
    "persons",
    "spark",
}
ROOF = {"cli", "sample", "report", "page", "plots", "negotiate", "switch", "year"}
DOOR = (
    "drg.cli", "drg.errors", "drg.language", "drg.terminal", "drg.__version__",
    "grouper.scheme.name",  # texts only: which scheme is the default
)  # fmt: skip
ENGINES = {"grouper", "weights", "budget"}
PACKAGES = {"drg", *ENGINES}
FILES = [path for package in sorted(PACKAGES) for path in sorted((ROOT / package).rglob("*.py"))]
FOLDERS = sorted({path.parent for path in FILES})
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in FILES
}
MOST_FILES, SHARED = 25, 3


@cache
def imported(path: Path) -> frozenset[tuple[str, str]]:
    """What a file imports of the house, with where: at the ``top``, in a ``def``, for ``types``."""
    found: set[tuple[str, str]] = set()

    def visit(node: ast.AST, where: str) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            where = "types"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and where == "top":
            where = "def"
        if isinstance(node, ast.Import):
            found.update((alias.name, where) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports go by full name"
            found.update((f"{node.module}.{alias.name}", where) for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child, where)

    visit(ast.parse(path.read_text(encoding="utf-8")), "top")
    return frozenset(one for one in found if one[0].split(".")[0] in PACKAGES)


def imports(path: Path, *places: str) -> set[str]:
    return {name for name, where in imported(path) if where in places}


def home(name: str) -> Path:
    """The file of a dotted name: the module itself, or the one that it is a name of."""
    while name not in MODULES:
        name = name.rpartition(".")[0]
    return MODULES[name]


@cache
def is_face(path: Path) -> bool:
    """Whether a file only hands on the names of a package."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.ClassDef
    return path.name == "__init__.py" and not any(isinstance(node, kinds) for node in tree.body)


def tangled(arrows: Mapping[Path, set[Path]]) -> list[str]:
    """Parts that stand in a circle, or between two: what is left when both ends are taken off."""
    left = {one: set(others) for one, others in arrows.items()}
    while True:
        aimed_at = set().union(*left.values()) if left else set()
        kept = {one: {o for o in others if o in left} for one, others in left.items()}
        kept = {one: others for one, others in kept.items() if others and one in aimed_at}
        if kept == left:
            return sorted(str(one.relative_to(ROOT)) for one in left)
        left = kept


def arrows_of(files: Mapping[Path, Path]) -> dict[Path, set[Path]]:
    """Who imports whom, files taken as the parts that they stand for."""
    found: dict[Path, set[Path]] = defaultdict(set)
    for path, part in files.items():
        if is_face(path):
            continue
        for name in imports(path, "top", "def", "types"):
            other = files[home(name)]
            if other != part and not is_face(home(name)):
                found[part].add(other)
    return found


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path: Path) -> None:
    parts = path.relative_to(ROOT).with_suffix("").parts
    package, own_room = parts[0], parts[1] if len(parts) > 1 else ""
    for name in imports(path, "top", "def"):
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


def test_no_two_files_import_each_other() -> None:
    assert not tangled(arrows_of({path: path for path in FILES}))


def test_no_two_folders_import_each_other() -> None:
    assert not tangled(arrows_of({path: path.parent for path in FILES}))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_folder_is_a_subject(folder: Path) -> None:
    """Few files, none named like the folder, no prefix that wants to be a folder."""
    names = [path.stem for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(names) <= MOST_FILES
    again = [name for name in names if name.split("_")[0] == folder.name and folder.name != "drg"]
    assert not again, f"repeat the folder's name: {again}"
    shared = [word for word, n in Counter(name.split("_")[0] for name in names).items()
              if n >= SHARED]  # fmt: skip
    assert not shared, f"three files want a folder: {shared}"


def test_every_room_says_what_it_is() -> None:
    for folder in FOLDERS:
        text = (folder / "__init__.py").read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(text)), folder


@pytest.mark.parametrize("path", [p for p in FILES if "cli" in p.relative_to(ROOT).parts],
                         ids=lambda p: str(p.relative_to(ROOT)))  # fmt: skip
def test_the_command_line_imports_lazily(path: Path) -> None:
    for name in imports(path, "top"):
        assert name.startswith(DOOR) or name == "drg", name


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
