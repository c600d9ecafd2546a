"""Import and export of schemes: official workbooks or folders of tables to packs and back."""

# mypy: implicit-reexport
from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from grouper.importer.export import export_workbook
    from grouper.importer.findings import Finding
    from grouper.importer.official.choose import import_tables
    from grouper.importer.run import Imported
else:
    __getattr__, __dir__, __all__ = imported_on_use(
        __name__,
        {
            "grouper.importer.export": "export_workbook",
            "grouper.importer.findings": "Finding",
            "grouper.importer.official.choose": "import_tables",
            "grouper.importer.run": "Imported",
        },
    )
