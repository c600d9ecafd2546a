"""Billed items (费用明细): a table of items, joined to the cases."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
import pyarrow as pa

from budget.audit.columns import Columns
from budget.audit.facts import Facts
from budget.audit.world import Items
from drg.cases.columns import plain_header
from drg.cases.dates import read_dates
from drg.cases.keys import text_keys
from drg.cases.texts import as_text
from drg.cases.values import Number, read_number
from drg.errors import problem
from drg.language import say
from drg.tables import batches, open_table
from drg.tables.arrays import strings, text_scalar
from drg.tables.as_text import cell_text

_HEADERS = {
    "case_id": ("case_id", "病例号", "病案号", "就诊id", "mdtrt_id"),
    "name": ("item", "name", "code", "项目", "项目编码", "项目名称", "med_list_codg"),
    "category": ("category", "类别", "项目类别", "med_chrgitm_type"),
    "day": ("date", "day", "日期", "费用日期", "费用发生时间", "fee_ocur_time"),
    "quantity": ("quantity", "数量", "cnt"),
    "amount": ("amount", "金额", "明细项目费用总额", "det_item_fee_sumamt"),
}
_NUMBERS = ("day", "quantity", "amount")


def read_items(path: str | PathLike[str], facts: Facts, folder: Path) -> Items:
    """Read the items of the cases of a file.

    Args:
        path: CSV, Excel or Parquet: case, item, category, date, quantity, amount in yuan.
        facts: the cases.
        folder: to be made for the items; the caller removes it, when they are needed no more.

    Raises:
        DrgError: the file cannot be read, has no column of cases or items, or a number or date
            cannot be read; the message names the row.
    """
    path = Path(path)
    keys = np.concatenate([text_keys(part) for part in facts.ids.parts()])
    order = np.argsort(keys, kind="stable")  # of an id that comes twice, its first case
    keys = keys[order]
    held = Columns(folder)
    held.add("row", np.zeros(0, np.int32))
    for key in _NUMBERS:
        held.add(f"item.{key}", np.zeros(0))
    for key in ("name", "category"):
        held.add_texts(f"item.{key}", strings([]).dictionary_encode())
    lost, row = 0, 2
    with open_table(path) as source:
        by_header = {plain_header(name): name for name in reversed(source.schema.names)}
        columns = {key: next((by_header[h] for h in map(plain_header, names) if h in by_header),
                             None) for key, names in _HEADERS.items()}  # fmt: skip
        for key in ("case_id", "name"):
            if columns[key] is None:
                raise problem(say("缺少列", "a column is missing"), file=path, key=key,
                              found=", ".join(source.schema.names),
                              expected=", ".join(_HEADERS[key]))  # fmt: skip
        source.only([name for name in columns.values() if name is not None])
        for batch in batches(source):
            table = batch.table
            ids = as_text(table.column(columns["case_id"]))
            asked = text_keys(ids)
            at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
            there = (keys[at] == asked) & (asked != 0)
            lost += int((~there).sum())
            held.add("row", order[at[there]].astype(np.int32))
            only = pa.array(there)
            for key in ("name", "category"):
                column = columns[key]
                texts = (strings([""] * table.num_rows) if column is None
                         else as_text(table.column(column)).fill_null(text_scalar("")))  # fmt: skip
                held.add_texts(f"item.{key}", texts.filter(only).dictionary_encode())
            for key in _NUMBERS:
                column = columns[key]
                if column is None:
                    held.add(f"item.{key}", np.full(int(there.sum()), np.nan))
                    continue
                cells = table.column(column)
                read, bad = read_dates(cells) if key == "day" else read_number(cells, Number())
                if bad.any():
                    wrong = int(np.argmax(bad))
                    raise problem(say("无法识别", "cannot be read"), file=path, row=row + wrong,
                                  key=column, found=cell_text(cells, wrong))  # fmt: skip
                held.add(f"item.{key}", read[there].astype(np.float64))
            row += table.num_rows
    held.settle()
    missing = {f"item.{key}" for key in ("category", *_NUMBERS) if columns[key] is None}
    if columns["day"] is None:
        missing |= {"idle_days"}
    return Items(held, row - 2 - lost, lost, frozenset(missing))
