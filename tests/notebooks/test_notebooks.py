from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from tests.amount import FULL
from tests.notebooks.refresh import METADATA, NOTEBOOKS, ROOT, execute, plain

LARGEST = 400_000
SAMPLES = "data_samples"
FORBIDDEN = {
    "an absolute path": re.compile(r"/(?:work|tmp|home|root|Users)\b|\b[A-Za-z]:\\\\"),
    "a patient id": re.compile(r"\bP\d{7}\b"),
    "a case id": re.compile(r"\bC\d{7}\b"),
    "an address in memory": re.compile(r"\bat 0x[0-9a-f]{6,}"),
}

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [out for cell in notebook.cells for out in cell.get("outputs", [])]


def faults(notebook: nbformat.NotebookNode) -> list[str]:
    """What saved results must not hold."""
    found = [out.ename for out in outputs(notebook) if out.output_type == "error"]
    for out in outputs(notebook):
        if out.get("name") == "stderr":
            found.append(f"a warning: {out.text}")
        text = json.dumps(out, ensure_ascii=False)
        found += [f"{what}: {m[0]}" for what, rule in FORBIDDEN.items() if (m := rule.search(text))]
    return found


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@each
def test_saved_results(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.stat().st_size < LARGEST
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert len([cell for cell in code if cell.outputs]) > len(code) / 2
    assert faults(notebook) == []
    assert notebook.metadata == METADATA
    assert all(not cell.metadata for cell in notebook.cells), "metadata changes from run to run"


@each
def test_sources_name_no_place(path: Path) -> None:
    text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    assert [what for what, rule in FORBIDDEN.items() if rule.search(text)] == []


@each
def test_links_lead_somewhere(path: Path) -> None:
    text = "\n".join(c.source for c in nbformat.read(path, as_version=4).cells)
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize(
    ("path", "start"),
    [(one, "notebooks") for one in NOTEBOOKS]
    + [(one, ".") for one in (NOTEBOOKS if FULL else NOTEBOOKS[:1])],
    ids=lambda given: given.stem if isinstance(given, Path) else given,
)
def test_runs(path: Path, start: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell runs, from either folder, and only the temporary folder is written to."""
    outside = tmp_path / "temporary"
    outside.mkdir()
    monkeypatch.setenv("TMPDIR", str(outside))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the checkout, as in the other tests
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / SAMPLES, copy / SAMPLES)
    (copy / "notebooks").mkdir()
    shutil.copy(path, copy / "notebooks")
    before = contents(copy)

    saved = nbformat.read(copy / "notebooks" / path.name, as_version=4)
    shown = [len(cell.get("outputs", [])) for cell in saved.cells]
    for cell in saved.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    ran = plain(execute(saved, copy / start))

    assert faults(ran) == []
    assert [len(cell.get("outputs", [])) for cell in ran.cells] == shown
    assert contents(copy) == before
    left = [found.name for found in outside.iterdir() if found.name.startswith("drg")]
    assert left == []


def test_faults_are_found() -> None:
    texts = ["saved in /home/someone", "P0000001", "C0000001", "<Thing at 0x7f00aa11bb22>"]
    cell = nbformat.v4.new_code_cell(
        outputs=[
            nbformat.v4.new_output("stream", text="入组 4,961 例"),
            nbformat.v4.new_output("error", ename="KeyError", evalue="", traceback=[]),
            *(nbformat.v4.new_output("stream", text=text) for text in texts),
            nbformat.v4.new_output("stream", name="stderr", text="Deprecated"),
        ]
    )
    found = faults(nbformat.v4.new_notebook(cells=[cell]))
    assert len(found) == len(texts) + 2
