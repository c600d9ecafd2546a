"""Objections (意见反馈): what those that were approved make of their cases, as corrections.

Corrected codes are grouped anew by the scheme that the cases were grouped by, or by the one that
the policy names; a group that the bureau decided itself stands as it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from drg.switch.origin import scheme_of_weights
from drg.year.cases import Standing
from drg.year.folder import Files
from drg.year.lists import CORRECTABLE
from grouper import group, shipped_schemes
from grouper.engine.results import RESULT_COLUMNS
from weights.negotiation.forms.rows import RowError


def corrected(
    files: Files, held: Standing, rows: Sequence[Mapping[str, str]]
) -> tuple[pa.Table | None, list[tuple[int, RowError]]]:
    """Cases as approved objections correct them.

    Args:
        files: of the book.
        held: the cases.
        rows: objections, decided or not; only approved ones count.

    Returns:
        The corrected cases, None without any; and places of rows that cannot be done, with why.
    """
    places = held.places
    changed: dict[str, dict[str, Any]] = {}
    lost: list[tuple[int, RowError]] = []
    regroup: dict[str, int] = {}
    for place, row in enumerate(rows):
        if row["decision"] != "approved" or row["about"] == "deduction":
            continue
        case = row["case_id"]
        own = changed.get(case) or {
            name: held.table.column(name)[places[case]].as_py() for name in held.table.column_names
        }
        if row["about"] == "branch":
            if row["field"] not in CORRECTABLE:
                lost.append((place, RowError("field", row["field"],
                             f"不能这样更正：{', '.join(CORRECTABLE)}",
                             f"cannot be corrected so: {', '.join(CORRECTABLE)}")))  # fmt: skip
                continue
            own = {**own, row["field"]: row["value"]}
        else:
            for name in ("diagnoses", "procedures"):
                if row[name]:
                    own = {**own, name: row[name]}
            if row["drg"]:
                own = {**own, "drg": row["drg"], "adrg": None, "status": "grouped"}
            else:
                regroup[case] = place
        changed[case] = own
    for case, drg in _grouped(files, {c: changed[c] for c in regroup}).items():
        if drg is None:
            lost.append((regroup[case], RowError("diagnoses", "",
                         "无法按更正后的编码重新分组，请填更正后病组",
                         "cannot be grouped by the corrected codes; give the group")))  # fmt: skip
            del changed[case]
        else:
            changed[case] |= {"drg": drg, "adrg": None, "status": None}
    if not changed:
        return None, lost
    names = list(dict.fromkeys(name for one in changed.values() for name in one))
    return pa.table({name: pa.array([one.get(name) for one in changed.values()], pa.string())
                     for name in names}), lost  # fmt: skip


def _grouped(files: Files, cases: Mapping[str, Mapping[str, Any]]) -> dict[str, str | None]:
    """The group of each case by its codes; None where it cannot be told."""
    if not cases:
        return {}
    scheme = scheme_of_weights(files.weights).scheme or files.policy.header.scheme
    if scheme not in shipped_schemes():
        return dict.fromkeys(cases)
    names = [name for name in dict.fromkeys(n for one in cases.values() for n in one)
             if name not in RESULT_COLUMNS]  # fmt: skip
    table = pa.table({name: pa.array([one.get(name) for one in cases.values()], pa.string())
                      for name in names})  # fmt: skip
    found = group(table, scheme).column("drg").to_pylist()
    return {case: drg or None for case, drg in zip(cases, found, strict=True)}
