"""A weight table (权重表): the relative weight of each group and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from drg.language import say
from drg.provenance import file_name, hash_text, read_beside, record_of, to_json
from drg.tables.atomic import write_text
from weights.table.audit import audit_text
from weights.table.frame import check, tidy
from weights.table.read import read_frame
from weights.table.write import write_frame


@dataclass(frozen=True, eq=False, repr=False)
class WeightTable:
    """Relative weights (相对权重) of groups.

    Attributes:
        id: a short name: of a published table, or the file's without its ending.
        frame: one row a group; ``drg`` (trimmed text) and ``weight`` (float64, NaN for a group
            without weight), where known ``name``, ``cases``, ``mean_cost`` (yuan), ``cv``,
            ``ci_low``, ``ci_high``, ``status``, ``source``, and any further columns. It is
            brought into this form when the table is made.
        record: where the weights come from: ``title``, ``source``, ``steps`` and so on.
        path: the file it was read from, or None.

    Raises:
        DrgError: a group is blank or stands twice, or a weight is not above 0.
    """

    id: str
    frame: pd.DataFrame
    record: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = None

    def __post_init__(self) -> None:
        frame = tidy(self.frame)
        check(frame)
        object.__setattr__(self, "frame", frame)

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return f"WeightTable({self._title()})"

    def _title(self) -> str:
        return say(f"{self.id}：病组 {len(self):,} 个，权重 {len(self.weights):,} 个",
                   f"{self.id}: {len(self):,} groups, {len(self.weights):,} weights")  # fmt: skip

    @property
    def scheme(self) -> str:
        """The grouping scheme of its groups as far as its record says it, else ""."""
        found = self.record.get("scheme")
        return found if isinstance(found, str) else ""

    @property
    def weights(self) -> pd.Series[float]:
        """The weights by group, of the groups that have one. Shape (groups with weight,)."""
        held = self.frame[self.frame["weight"].notna()]
        index = pd.Index(held["drg"], name="drg")
        return pd.Series(held["weight"].to_numpy(), index=index, name="weight")

    def by_group(self) -> dict[str, float]:
        """The same as a plain mapping."""
        return {str(group): float(weight) for group, weight in self.weights.items()}

    @property
    def digest(self) -> str:
        """SHA-256 over groups and weights, in the order of the groups' codes.

        Two tables with equal weights, bit for bit, have the same digest, whatever else they say.
        """
        pairs = sorted(self.by_group().items())
        return hash_text(*(f"{group}\t{weight!r}" for group, weight in pairs))

    def audit(self) -> str:
        """The audit trail: each step on record, what went in and what came out."""
        return audit_text(self._title(), self.record)

    @classmethod
    def read(cls, path: str | PathLike[str], sheet: str | None = None) -> WeightTable:
        """Read a table from CSV(.gz), Excel or Parquet.

        The record comes from a Parquet file itself, else from ``<file>.run.json`` beside it, if
        that was written for these very weights.

        Args:
            path: the file.
            sheet: of a workbook; the first one by default.

        Raises:
            DrgError: the file cannot be read, has no column of groups or of weights, a group
                stands twice, a weight is no number above 0, or there is no weight at all.
        """
        path = Path(path)
        frame, document = read_frame(path, sheet)
        name = file_name(path)
        table = cls(name.split(".")[0] or name, frame, path=path)
        record = document.get("record")
        if document.get("weights_sha256") != table.digest:
            document = record = read_beside(path)
            if document.get("weights_sha256") != table.digest:
                return table
        return replace(table, id=str(document.get("id", table.id)),
                       record=record if isinstance(record, dict) else {})  # fmt: skip

    def write(self, path: str | PathLike[str]) -> None:
        """Write the table as CSV(.gz), Excel (.xlsx) or Parquet, whole or not at all.

        A workbook shows the steps and the provenance on sheets of their own; a Parquet file
        keeps the record in its metadata. Texts that Excel could run get an apostrophe, which
        reading takes away again.

        Raises:
            DrgError: the file cannot be written.
        """
        document = {"id": self.id, "weights_sha256": self.digest, "record": dict(self.record)}
        write_frame(Path(path), self.frame, document)


def names_of(table: WeightTable) -> dict[str, str]:
    """Names of groups, as far as a table has them."""
    frame = table.frame
    if "name" not in frame:
        return {}
    return {
        str(drg): str(name) for drg, name in zip(frame["drg"], frame["name"], strict=True) if name
    }


def write_with_record(table: WeightTable, path: Path) -> None:
    """Write a table, and its record beside it.

    Raises:
        DrgError: a file cannot be written.
    """
    table.write(path)
    write_text(record_of(path), record_text(table))


def record_text(table: WeightTable) -> str:
    """The record of a table as it is written beside it."""
    return to_json({**table.record, "id": table.id, "weights_sha256": table.digest})
