"""Reading forms of proposals (权重调整申请表): each row a proposal, or rejects that say why.

Forms come as people leave them: a title above the headings, several sheets, blank rows, remarks
below, merged cells, full-width characters, headings in Chinese or English.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from drg.errors import problem
from drg.language import say
from drg.persons import masked
from drg.tables import RejectFile
from weights.negotiation.forms.rows import once_each
from weights.negotiation.forms.sheets import DEEPEST, Sheet, read_sheets
from weights.negotiation.proposals.context import Context
from weights.negotiation.proposals.faults import UnfitError
from weights.negotiation.proposals.judge import judged, numbered
from weights.negotiation.proposals.proposal import Proposal
from weights.negotiation.proposals.words import (
    KEYS,
    NEEDED,
    PARTY_WORDS,
    choice,
    columns_of,
    heading,
    heading_of,
    is_remark,
)
from weights.table.text import unguarded

REJECTS = ("sheet", "row", "column", "value", "reason")
_WEIGHTS = ("value", "least", "most")


@dataclasses.dataclass(frozen=True)
class _Table:
    """A sheet whose headings were found: column -> place, and the 0-based row of the headings."""

    sheet: Sheet
    columns: dict[str, int]
    header: int


def read_proposals(
    path: str | PathLike[str], context: Context, *, sheet: str | None = None, own: str = ""
) -> tuple[tuple[Proposal, ...], pd.DataFrame]:
    """Read proposals from a form.

    Rows that are blank, or that say nothing of group, change and value, are passed over, and so
    are remarks (合计, 备注). Ids go on from ``context.number``.

    Args:
        path: CSV (also .gz; UTF-8 or GB18030) or Excel.
        context: what they are judged against.
        sheet: the only sheet of a workbook to read; by default every sheet with the headings.
        own: the hospital whose form it is; rows in the name of others are rejects.

    Returns:
        The proposals in the order of the file, and a frame ``sheet, row, column, value, reason``
        with a line for everything that is wrong; personal numbers are masked in it.

    Raises:
        DrgError: the file cannot be read, or no sheet has the headings of a form.
    """
    path = Path(path)
    tables = _tables(path, sheet)
    several = len(tables) > 1
    places = {(*one.proposer, one.drg): one.id for one in context.earlier}
    found: list[Proposal] = []
    rejects: list[tuple[str, int, str, str, str]] = []
    for table in tables:
        for row, cells, faults in _rows(table):
            one = judged(cells, context, numbered(context.number + len(found)), places)
            if own and isinstance(one, Proposal) and one.hospital_id != own:
                one = [UnfitError("hospital_id", say(
                    f"{own} 只能为自己提出申请", f"{own} proposes for nobody else"),
                    one.hospital_id or one.party)]  # fmt: skip
            if isinstance(one, Proposal) and not faults:
                name = say(f"第 {row} 行", f"row {row}")
                if several:
                    name = say(f"“{table.sheet.name}”{name}", f"{name} of '{table.sheet.name}'")
                places[(*one.proposer, one.drg)] = name
                found.append(one)
                continue
            bad = {fault.column for fault in faults}
            others = [] if isinstance(one, Proposal) else one
            faults += [fault for fault in others if fault.column not in bad]
            rejects += [(table.sheet.name, row, _heading(table, fault.column), fault.found,
                         fault.reason) for fault in faults]  # fmt: skip
    return tuple(found), pd.DataFrame(rejects, columns=list(REJECTS))


def write_rejects(path: str | PathLike[str], rejects: pd.DataFrame) -> int:
    """Write rejects as the house's reject file (``row,column,value,reason``); none, no file.

    Where they come from several sheets the column says which.

    Returns:
        How many there are.

    Raises:
        DrgError: the file cannot be written.
    """
    several = len(set(rejects["sheet"])) > 1
    columns = [f"{one.sheet}: {one.column}" if several else str(one.column)
               for one in rejects.itertuples()]  # fmt: skip
    with RejectFile(path) as file:
        file.add_many(rejects["row"], columns, rejects["value"], rejects["reason"])
    return len(rejects)


def reject_lines(path: str, rejects: pd.DataFrame) -> list[str]:
    """Rejects as lines for a person: file, sheet, row, column, what is wrong, what was found."""
    lines = []
    for one in rejects.to_dict("records"):
        place = f"{path}: {one['sheet']}" if one["sheet"] else path
        lines.append(problem(str(one["reason"]), file=place, row=int(one["row"]),
                             key=str(one["column"]), found=one["value"] or None))  # fmt: skip
    return [str(line) for line in lines]


def _tables(path: Path, wanted: str | None) -> list[_Table]:
    sheets = read_sheets(path)
    if wanted is not None:
        sheets, all_sheets = [one for one in sheets if one.name == wanted], sheets
        if not sheets:
            raise problem(say("没有此工作表", "no such sheet"), file=path, found=wanted,
                          expected=", ".join(one.name for one in all_sheets))  # fmt: skip
    tables = [table for sheet in sheets if (table := _table(path, sheet)) is not None]
    if not tables:
        best = max((columns_of(_texts(row)) for sheet in sheets for row in sheet.rows[:DEEPEST]),
                   key=len, default={})  # fmt: skip
        raise problem(
            say("没有权重调整申请表的表头", "has no headings of a form of proposals"), file=path,
            found=", ".join(heading(name) for name in best) or say("均无", "none of them"),
            expected=", ".join(f"{heading(name)} {name}" for name in NEEDED),
        )  # fmt: skip
    return tables


def _table(path: Path, sheet: Sheet) -> _Table | None:
    for place, row in enumerate(sheet.rows[:DEEPEST]):
        columns = columns_of(_texts(row))
        if not set(KEYS) <= columns.keys():
            continue
        named = f"{path}: {sheet.name}" if sheet.name else path
        once_each([heading_of(cell) or "" for cell in _texts(row)], named, place + 1)
        for name in NEEDED:
            if name not in columns:
                raise problem(say(f"没有列“{heading(name)}”（{name}）",
                                  f"no column '{heading(name)}' ({name})"), file=named,
                              row=place + 1)  # fmt: skip
        if not {"party", "hospital_id"} & columns.keys():
            raise problem(
                say("没有说明提出方的列", "no column says who asks"), file=named, row=place + 1,
                expected=say(f"{heading('party')} party，或 {heading('hospital_id')} hospital_id",
                             f"{heading('party')} party, or {heading('hospital_id')} hospital_id"),
            )  # fmt: skip
        return _Table(sheet, columns, place)
    return None


def _rows(table: _Table) -> Iterator[tuple[int, dict[str, str], list[UnfitError]]]:
    """Row number as Excel counts it, texts by column, and faults of single cells."""
    for place, row in enumerate(table.sheet.rows[table.header + 1 :], table.header + 1):
        cells = {name: _text(row[at]) if at < len(row) else ""
                 for name, at in table.columns.items()}  # fmt: skip
        if not _passed_over(_texts(row), cells):
            yield place + 1, cells, list(_cell_faults(table, place, cells))


def _texts(row: list[str]) -> list[str]:
    return [_text(cell) for cell in row]


def _text(cell: str) -> str:
    return unguarded(cell.strip()).strip()


def _passed_over(row: list[str], cells: Mapping[str, str]) -> bool:
    """Whether a row is no proposal: blank, a remark, or the headings once more."""
    filled = [name for name in KEYS if cells[name]]
    first = next((cell for cell in row if cell), "")
    if not filled:
        meant = choice(PARTY_WORDS, cells.get("party", "")) is not None
        return not (meant and cells["reason"])
    if len(filled) < len(KEYS) and is_remark(first):
        return True
    return set(KEYS) <= columns_of(row).keys()


def _cell_faults(table: _Table, row: int, cells: Mapping[str, str]) -> Iterator[UnfitError]:
    for name, place in table.columns.items():
        text = cells[name]
        if text.startswith("#") and text.endswith(("!", "?", "/A")):
            yield UnfitError(name, say("单元格为错误值", "the cell holds an Excel error"), text)
        elif name in _WEIGHTS and (row, place) in table.sheet.unsure:
            yield UnfitError(name,
                             say("旧版工作簿中的小数可能是百分数",
                                 "a small number of an old workbook may be a percentage"), text,
                             say("文本，例如 +10%，或另存为 .xlsx 的申请表",
                                 "a text such as +10%, or the form saved as .xlsx"))  # fmt: skip


def _heading(table: _Table, name: str) -> str:
    """What the user reads above the column; the form's own heading where there is none."""
    place = table.columns.get(name)
    row: list[Any] = table.sheet.rows[table.header]
    return heading(name) if place is None else masked(_text(row[place]))
