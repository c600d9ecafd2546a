"""Execute the notebooks and save their results: ``python -m tests.notebooks.refresh``.

What changes from run to run (times, counters of the kernel, versions) is not saved, so the same
code and the same data write the same file.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WIDGET = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def execute(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run all cells, started from a folder; raises at the first error."""
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    return client.execute()


def plain(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what differs between two runs."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        streams: dict[str, nbformat.NotebookNode] = {}
        kept = []
        for output in cell.get("outputs", []):
            # a stream may come in one part or in several
            name = output.get("name") if output.output_type == "stream" else None
            if name in streams:
                streams[name].text += output.text
                continue
            if name:
                streams[name] = output
            output.get("data", {}).pop(WIDGET, None)  # its id is another in every run
            kept.append(output)
        if "outputs" in cell:
            cell.outputs = kept
    return notebook


def main() -> None:
    """Execute and save every notebook."""
    for path in NOTEBOOKS:
        notebook = execute(nbformat.read(path, as_version=4), path.parent)
        nbformat.write(plain(notebook), path)


if __name__ == "__main__":
    main()
