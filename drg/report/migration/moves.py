"""The table of a migration (换组明细) as a workbook, with names beside the codes."""

from __future__ import annotations

from pathlib import Path

from drg.report.migration.picture import Names
from drg.tables.excel.sheets import write_sheets
from grouper.engine.migration import Migration

HEADINGS = {
    "drg_old": "原病组", "name_old": "原病组名称", "drg_new": "新病组", "name_new": "新病组名称",
    "moved": "换组", "cases": "病例数", "share_of_old": "占原病组",
    "total_cost": "总费用（元）",
}  # fmt: skip


def write_moves(path: Path, found: Migration, names: Names) -> None:
    """Write which cases and how much cost move, one row a pair of groups.

    Raises:
        DrgError: the file cannot be written.
    """
    frame = found.table().to_pandas()
    for place, (which, held) in enumerate(zip(("old", "new"), names, strict=True)):
        texts = frame[f"drg_{which}"].map(lambda drg, held=held: held.get(drg, ""))
        frame.insert(2 * place + 1, f"name_{which}", texts)
    about = [("原方案", found.old), ("新方案", found.new), ("病例数", f"{found.total:,}"),
             ("换组病例", f"{found.moved:,}")]  # fmt: skip
    write_sheets(path, {"换组明细": frame}, HEADINGS, about=about, counts=("cases",),
                 formats={"share_of_old": "0.0%"}, values={"moved": {"yes": "是"}})  # fmt: skip
