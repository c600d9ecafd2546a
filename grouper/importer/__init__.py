"""Import and export of schemes: official workbooks or folders of tables to packs and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drg.lazy import imported_on_use

if TYPE_CHECKING:
    from grouper.importer.export import export_workbook
    from grouper.importer.findings import Finding
    from grouper.importer.run import Imported, import_tables

__all__ = ["Finding", "Imported", "export_workbook", "import_tables"]

__getattr__ = imported_on_use(
    __name__,
    {
        "export_workbook": "grouper.importer.export",
        "Finding": "grouper.importer.findings",
        "Imported": "grouper.importer.run",
        "import_tables": "grouper.importer.run",
    },
)
