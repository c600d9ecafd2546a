"""The desk with the minutes at its end (会议纪要): a page and a workbook of the round."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from drg.negotiate.workbench.offers import Bargain
from drg.report.minutes.write import write_minutes

PAGE = "minutes.html"


class Table(Bargain):
    """All that the workbench can do, without a widget."""

    def export(self, folder: str | PathLike[str] | None = None) -> list[Path]:
        """Write the minutes of the round as it stands.

        Args:
            folder: where to; by default the round's own.

        Returns:
            The page and the workbook.

        Raises:
            DrgError: they cannot be written.
        """
        target = Path(folder) if folder is not None else self.round.folder
        target.mkdir(parents=True, exist_ok=True)
        found = write_minutes(self.round, target / PAGE, self.words.lang)
        return [found.page, found.book]
