"""Files of votes (表决票): a template for a panel, and what comes back filled in."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from drg.errors import problem
from drg.language import say
from drg.tables import write_table
from drg.tables.excel.book import new_book
from weights.negotiation.experts.panels import Panel
from weights.negotiation.experts.roster import Roster
from weights.negotiation.experts.tally import Proposed
from weights.negotiation.experts.votes import CHOICES, HIGHEST_WEIGHT, Vote, check_vote, is_weight
from weights.negotiation.forms.rows import RowError, read_form
from weights.negotiation.rules import Rules
from weights.table.text import guarded

HEADERS: dict[str, tuple[str, ...]] = {
    "panel": ("专家组", "专家组编号", "panel_id"),
    "proposal": ("申请编号", "申请", "proposal_id"),
    "expert": ("专家编号", "专家编码", "专家代码", "expert_id"),
    "choice": ("意见", "表决意见", "表决", "vote"),
    "weight": ("建议权重", "权重"),
    "note": ("说明", "备注", "理由", "reason"),
}
_GROUP = {"drg": ("病组编码",)}  # as the template has it, to tell the sheet of another round
REQUIRED = ("panel", "proposal", "expert", "choice")
_CHOICES = {
    "for": "for", "yes": "for", "赞成": "for", "同意": "for", "赞同": "for",
    "against": "against", "no": "against", "反对": "against", "不同意": "against",
    "不赞成": "against", "abstain": "abstain", "弃权": "abstain",
}  # fmt: skip
# Column of the template -> its width in characters. The last three are for the expert.
_COLUMNS = {"专家组": 8, "申请编号": 10, "病组编码": 10, "草案权重": 10, "申请权重": 10,
            "最低": 10, "最高": 10, "专家编号": 10, "姓名": 10, "席位": 8, "意见": 10,
            "建议权重": 10, "说明": 40}  # fmt: skip
_HELP = (
    "每行是一位专家对一项申请的表决票，请只填“意见”“建议权重”“说明”三栏。",
    "意见：赞成、反对或弃权。空白表示尚未表决。",
    "建议权重：可不填；赞成而未填的，按申请权重计。",
    "最低、最高为本轮规则允许的范围，超出范围的结果取边界值。",
    "同一专家对同一申请只能表决一次，计票后不再接收表决票。",
    "候补专家的表决票只在有正式成员未表决时按顺序计入。",
)


def read_votes(
    source: str | PathLike[str] | pd.DataFrame,
    panels: Sequence[Panel] | None = None,
    sheet: str | None = None,
    *,
    check: Callable[[Vote], None] | None = None,
    groups: Mapping[str, str] | None = None,
) -> tuple[tuple[Vote, ...], pd.DataFrame]:
    """Read votes from CSV, Excel or Parquet, or take them from a frame.

    Rows without a choice, a weight and a note are votes not cast and are passed over. A row that
    cannot be used is listed and left out.

    Args:
        source: the file.
        panels: the panels of the round; with them a vote of someone who is neither member nor
            substitute, or on a proposal that is not the panel's, is a reject.
        sheet: of a workbook; the first one by default.
        check: raises :class:`RowError` for a vote that cannot be cast.
        groups: proposal -> group; a row that names another group is of another round's sheet.

    Returns:
        The votes in the order of the file, and rejects as ``row, column, value, reason``.

    Raises:
        DrgError: the file cannot be read, or a column is missing.
    """
    form = read_form(source, {**HEADERS, **_GROUP}, REQUIRED, sheet)
    known = None if panels is None else {panel.id: panel for panel in panels}

    def parse(cells: Mapping[str, str]) -> Vote | None:
        vote = _vote(cells)
        if vote is None:
            return None
        if known is not None:
            check_vote(vote, known)
        group, here = cells.get("drg", ""), (groups or {}).get(vote.proposal, "")
        if group and here and group != here:
            raise RowError("drg", group, f"申请 {vote.proposal} 的病组为 {here}：表决票不是本轮的",
                           f"{vote.proposal} is about {here}: a row of another sheet")  # fmt: skip
        if check is not None:
            check(vote)
        return vote

    votes = tuple(vote for _, vote in form.parsed(parse) if vote is not None)
    return votes, form.reject_frame()


def _vote(cells: Mapping[str, str]) -> Vote | None:
    if not any(cells.get(name) for name in ("choice", "weight", "note")):
        return None
    for name in ("panel", "proposal", "expert", "choice"):
        if not cells[name]:
            raise RowError(name, "", "为空", "is blank")
    choice = _CHOICES.get(unicodedata.normalize("NFKC", cells["choice"]).strip().lower())
    if choice is None:
        raise RowError("choice", cells["choice"],
                       "既不是赞成（for）、反对（against），也不是弃权（abstain）",
                       "neither for (赞成), against (反对) nor abstain (弃权)")  # fmt: skip
    weight = _weight(cells.get("weight", ""))
    panel, proposal, expert = (
        unicodedata.normalize("NFKC", cells[name]).strip()
        for name in ("panel", "proposal", "expert")
    )
    return Vote(panel, proposal, expert, choice, weight, cells.get("note", ""))


def _weight(text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(unicodedata.normalize("NFKC", text))
    except ValueError:
        value = math.nan
    if not is_weight(value):
        raise RowError("weight", text, f"不是大于 0、不大于 {HIGHEST_WEIGHT:g} 的权重",
                       f"not a weight above 0, at most {HIGHEST_WEIGHT:g}")  # fmt: skip
    return value


def write_votes_template(
    path: str | PathLike[str],
    panels: Sequence[Panel],
    proposals: Iterable[Proposed],
    drafts: Mapping[str, float],
    rules: Rules,
    roster: Roster | None = None,
) -> None:
    """Write the sheet on which experts vote: one row a proposal and expert, substitutes last.

    Args:
        path: ``.xlsx``, with a drop-down list of choices and an explaining sheet, or ``.csv``.
        panels: the panels that vote.
        proposals: with ``id, drg, asked``; at least those before the panels.
        drafts: group -> draft weight.
        rules: of the round, for the corridor.
        roster: for names of experts.

    Raises:
        DrgError: a panel's proposal or a group's draft is not there, or the file cannot be written.
    """
    rows = _rows(panels, {p.id: p for p in proposals}, drafts, rules, roster)
    path = Path(path)
    if path.suffix.lower() != ".xlsx":
        columns = zip(*rows, strict=True) if rows else [() for _ in _COLUMNS]
        table = {name: _column(name, cells)
                 for name, cells in zip(_COLUMNS, columns, strict=True)}  # fmt: skip
        write_table(path, pa.table(table))
        return
    with new_book(path) as book:
        _fill(book, rows)


def _rows(
    panels: Sequence[Panel],
    proposals: Mapping[str, Proposed],
    drafts: Mapping[str, float],
    rules: Rules,
    roster: Roster | None,
) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for panel in panels:
        for name in panel.proposals:
            proposal = proposals.get(name)
            if proposal is None:
                raise problem(say("没有此申请", "no such proposal"), key=panel.id, found=name)
            draft = drafts.get(proposal.drg)
            if draft is None:
                raise problem(say("该病组没有草案权重", "no draft weight for the group"), key=name,
                              found=proposal.drg)  # fmt: skip
            low, high = rules.corridor(draft)
            seats = [
                *((e, "成员") for e in panel.members),
                *((e, "候补") for e in panel.substitutes),
            ]
            for expert, seat in seats:
                shown = roster[expert].name if roster is not None and expert in roster else ""
                rows.append((panel.id, name, proposal.drg, float(draft), float(proposal.asked),
                             low, high, expert, shown, seat, "", None, ""))  # fmt: skip
    return rows


def _column(name: str, cells: Sequence[Any]) -> pa.Array:
    if name in ("草案权重", "申请权重", "最低", "最高", "建议权重"):
        return pa.array(list(cells), pa.float64())
    return pa.array([guarded(cell) for cell in cells], pa.string())


def _fill(book: Any, rows: Sequence[tuple[Any, ...]]) -> None:
    head = book.add_format({"bold": True, "bg_color": "#D9E1F2", "border": 1})
    given = book.add_format({"font_color": "#595959", "num_format": "0.0000"})
    open_cell = book.add_format({"bg_color": "#FFF9E5", "border": 1, "text_wrap": True,
                                 "num_format": "0.0000"})  # fmt: skip
    sheet = book.add_worksheet("表决票")
    sheet.freeze_panes(1, 0)
    sheet.set_paper(9)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    for column, (name, width) in enumerate(_COLUMNS.items()):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, name, head)
    first_open = list(_COLUMNS).index("意见")
    for number, cells in enumerate(rows, 1):
        for column, cell in enumerate(cells):
            style = open_cell if column >= first_open else given
            if isinstance(cell, float):
                sheet.write_number(number, column, cell, style)
            elif cell:
                sheet.write_string(number, column, cell, style)
            else:
                sheet.write_blank(number, column, None, style)
    if rows:
        _validate(sheet, len(rows), first_open)
    _explain(book)


def _validate(sheet: Any, count: int, column: int) -> None:
    sheet.data_validation(1, column, count, column, {
        "validate": "list", "source": list(CHOICES.values()),
        "error_title": "意见", "error_message": "请选择：赞成、反对或弃权",
    })  # fmt: skip
    sheet.data_validation(1, column + 1, count, column + 1, {
        "validate": "decimal", "criteria": "between", "minimum": 1e-6, "maximum": HIGHEST_WEIGHT,
        "error_title": "建议权重", "error_message": "请填写大于0的数，或留空",
    })  # fmt: skip


def _explain(book: Any) -> None:
    sheet = book.add_worksheet("填写说明")
    sheet.set_column(0, 0, 90)
    for row, line in enumerate(_HELP):
        sheet.write_string(row, 0, line)
