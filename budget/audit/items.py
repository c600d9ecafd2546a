"""Billed items (费用明细): a table of items, joined to the cases."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from budget.audit.facts import Facts, coded
from budget.audit.world import Items
from drg.cases.columns import plain_header
from drg.cases.dates import read_dates
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


def read_items(path: str | PathLike[str], facts: Facts) -> Items:
    """Read the items of the cases of a file.

    Args:
        path: CSV, Excel or Parquet: case, item, category, date, quantity, amount in yuan.
        facts: the cases.

    Raises:
        DrgError: the file cannot be read, has no column of cases or items, or a number or date
            cannot be read; the message names the row.
    """
    path = Path(path)
    place = pd.Index(facts.case_id.to_pandas())
    place = place[~place.duplicated()] if not place.is_unique else place
    first = pd.Series(np.arange(len(facts)), facts.case_id.to_pandas())
    first = first[~first.index.duplicated()]
    held: dict[str, list[pa.Array]] = {name: [] for name in _HEADERS}
    numbers: dict[str, list[np.ndarray]] = {"day": [], "quantity": [], "amount": []}
    rows: list[np.ndarray] = []
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
            at = place.get_indexer(pd.Index(ids.to_pandas()))
            there = at >= 0
            lost += int((~there).sum())
            rows.append(first.to_numpy()[at[there]])
            only = pa.array(there)
            for key in ("name", "category"):
                column = columns[key]
                texts = (strings([""] * table.num_rows) if column is None
                         else as_text(table.column(column)).fill_null(text_scalar("")))  # fmt: skip
                held[key].append(texts.filter(only).dictionary_encode())
            for key, found in numbers.items():
                column = columns[key]
                if column is None:
                    found.append(np.full(int(there.sum()), np.nan))
                    continue
                cells = table.column(column)
                read, bad = read_dates(cells) if key == "day" else read_number(cells, Number())
                if bad.any():
                    wrong = int(np.argmax(bad))
                    raise problem(say("无法识别", "cannot be read"), file=path, row=row + wrong,
                                  key=column, found=cell_text(cells, wrong))  # fmt: skip
                found.append(read[there].astype(np.float64))
            row += table.num_rows
    missing = {f"item.{key}" for key in ("category", *numbers) if columns[key] is None}
    if columns["day"] is None:
        missing |= {"idle_days"}
    return Items(
        np.concatenate([np.zeros(0, np.int64), *rows]),
        {f"item.{key}": np.concatenate([np.zeros(0), *found]) for key, found in numbers.items()},
        {f"item.{key}": coded(held[key]) for key in ("name", "category")}, lost,
        frozenset(missing),
    )  # fmt: skip
