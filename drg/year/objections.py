"""Objections (意见反馈): what those that were approved make of their cases, as corrections.

Corrected codes are grouped anew by the scheme that the cases were grouped by, or by the one that
the policy names; a group that the bureau decided itself stands as it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from drg.switch.origin import scheme_of_weights
from drg.year.cases import Standing, discharge_months
from drg.year.folder import Files, rows_in, unread
from drg.year.state import State
from grouper import group, shipped_schemes
from grouper.engine.results import RESULT_COLUMNS
from weights.negotiation.forms.rows import RowError

_FIRST_ROW = 1  # of a Parquet file, as rejects count


def corrected(
    files: Files, state: State, held: Standing, rows: Sequence[Mapping[str, str]]
) -> tuple[pa.Table | None, list[tuple[int, RowError]]]:
    """Cases as approved objections correct them.

    Args:
        files: of the book.
        state: of the book.
        held: the cases.
        rows: objections, decided or not; only approved ones count.

    Returns:
        The corrected cases, None without any; and places of rows that cannot be done, with why.
    """
    places = held.places(row["case_id"] for row in rows)
    groups = set(files.weights.frame["drg"].astype(str))
    last: dict[str, int] = {}
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
            own = {**own, row["field"]: row["value"]}
        else:
            for name in ("diagnoses", "procedures"):
                if row[name]:
                    own = {**own, name: row[name]}
            if row["drg"]:
                if row["drg"] not in groups:
                    lost.append((place, RowError("drg", row["drg"], "不是权重表中的病组",
                                                 "is no group of the weight table")))  # fmt: skip
                    continue
                own = {**own, "drg": row["drg"], "adrg": None, "status": "grouped"}
            else:
                regroup[case] = place
        changed[case], last[case] = own, place
    for case, drg in _grouped(files, {c: changed[c] for c in regroup}).items():
        if drg is None or drg not in groups:
            lost.append((regroup[case], RowError("diagnoses", "",
                         "无法按更正后的编码重新分组，请填更正后病组",
                         "cannot be grouped by the corrected codes; give the group")))  # fmt: skip
            del changed[case]
        else:
            changed[case] |= {"drg": drg, "adrg": None, "status": None}
    table = _table(changed)
    for case, why in _unusable(files, state, table):
        if case in changed:
            lost.append((last[case], why))
            del changed[case]
    return (_table(changed) if changed else None), lost


def _table(cases: Mapping[str, Mapping[str, Any]]) -> pa.Table:
    names = list(dict.fromkeys(name for one in cases.values() for name in one))
    return pa.table({name: pa.array([one.get(name) for one in cases.values()], pa.string())
                     for name in names})  # fmt: skip


def _unusable(files: Files, state: State, table: pa.Table) -> Iterator[tuple[str, RowError]]:
    """Corrected cases that could not be settled by now, with why."""
    if not table.num_rows:
        return
    ids = table.column("case_id").to_pylist()
    months = discharge_months(table, state.year)
    late = (months < 1) | (months > min(state.open_month, 12))
    for row in np.flatnonzero(late):
        said = table.column("discharge_date")[int(row)].as_py() or ""
        yield ids[row], RowError("value", said, "出院日期不在本年度截至当月",
                                 "not discharged in the year up to the open month")  # fmt: skip
    if late.all():
        return
    timely = np.flatnonzero(~late)
    content, _ = unread(files, state.year, table.take(timely), files.folder)
    for number, column, value, reason in rows_in(content) if content else ():
        case = ids[timely[int(number) - _FIRST_ROW]]
        yield case, RowError("value", value, f"{column}：{reason}", f"{column}: {reason}")


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
