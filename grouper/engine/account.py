"""The account of a grouped file: what was read, what came of it, and where it comes from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drg.provenance import record
from grouper.engine.reasons import REASONS, STATUSES
from grouper.scheme.model import Header


@dataclass
class Account:
    """What grouping a file came to.

    Attributes:
        scheme: the scheme's header.
        scheme_hash: SHA-256 of the scheme pack.
        input_name: name of the input file, without its folder.
        input_hash: SHA-256 of the input file.
        dataset: of a dataset instead, how many files it has and their bytes.
        cases: rows of the input, and of the output.
        statuses: cases by status.
        main_reasons: cases without a group by their first reason.
        reasons: cases by every reason said of them, grouped cases included.
        drg_cases: cases by DRG.
        scheme_drgs: how many DRGs the scheme has.
        compared: cases whose input had a DRG of its own.
        agreeing: those of them whose DRG is the same.
        rejects: entries in the reject file.
        reject_path: the reject file.
        seconds: wall time.
        columns: part of a case -> the input's columns that hold it.
        not_found: parts that the scheme's rules use and the input does not have.
        resembling: columns that are not read and look like a part -> that part.
        dialect: layout of the input, where its headers mean something only together.
        mapping_hash: SHA-256 of the mapping file, empty without one.
        sheet: the sheet that was asked for, empty for the first.
        codes: edition of the input's codes.
        converted: uses of codes that were converted to the scheme's edition.
        converted_path: the list of conversions, made when there are any.
        unmapped: uses of codes that are unknown.
        unmapped_codes: how many unknown codes there are.
        unmapped_path: the list of unknown codes, made when there are any.
    """

    scheme: Header
    scheme_hash: str
    input_name: str
    reject_path: Path
    scheme_drgs: int
    input_hash: str = ""
    dataset: dict[str, int] = field(default_factory=dict)
    cases: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    main_reasons: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    drg_cases: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    agreeing: int = 0
    rejects: int = 0
    seconds: float = 0.0
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    not_found: tuple[str, ...] = ()
    resembling: dict[str, str] = field(default_factory=dict)
    dialect: str = ""
    mapping_hash: str = ""
    sheet: str = ""
    codes: str = "insurance"
    converted: int = 0
    converted_path: Path | None = None
    unmapped: int = 0
    unmapped_codes: int = 0
    unmapped_path: Path | None = None

    def document(self) -> dict[str, Any]:
        """The account as a provenance record; the same for the same input."""
        return record(
            scheme={
                "id": self.scheme.id, "version": self.scheme.version, "sha256": self.scheme_hash,
            },
            input={
                "name": self.input_name, **(self.dataset or {"sha256": self.input_hash}),
                **({"sheet": self.sheet} if self.sheet else {}),
                **({"mapping_sha256": self.mapping_hash} if self.mapping_hash else {}),
            },
            columns={part: list(columns) for part, columns in self.columns.items()},
            not_found=list(self.not_found),
            **({"resembling": self.resembling} if self.resembling else {}),
            **({"layout": self.dialect} if self.dialect else {}),
            cases=self.cases,
            statuses={s: self.statuses[s] for s in STATUSES},
            without_group_by_first_reason=_counts(self.main_reasons),
            reasons=_counts(self.reasons),
            drgs_covered=len(self.drg_cases),
            drg_input={"compared": self.compared, "agreeing": self.agreeing},
            rejects=self.rejects,
            codes={
                "edition": self.codes, "converted": self.converted, "unmapped": self.unmapped,
                "unmapped_codes": self.unmapped_codes,
            },
        )  # fmt: skip


def _counts(reasons: Counter[str]) -> dict[str, int]:
    return {reason.code: reasons[reason.code] for reason in REASONS if reasons[reason.code]}
