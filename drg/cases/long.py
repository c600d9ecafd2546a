"""Long tables (长表): a row a code, with a mark on the principal one; put together to cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from drg.cases.choices import mark_of
from drg.cases.columns import CaseColumns, plain_header, recognise
from drg.cases.texts import as_text, text_list
from drg.cases.values import Number as _Number
from drg.cases.values import by_distinct, read_number, read_text
from drg.tables.arrays import numbers, strings, values
from drg.tables.as_text import LIST_SEPARATOR

MARKS = ("maindiag_flag", "主诊断标志", "主要诊断标志", "主诊断标识", "是否主诊断", "是否主要诊断",
         "是否为主要诊断")  # fmt: skip
_ORDERS = ("diag_srt_no", "诊断序号", "诊断排序", "诊断顺序", "诊断次序")
_KINDS = ("diag_type", "诊断类别", "诊断类型")
_WESTERN = ("", "1", "01", "西医诊断", "西医")
_OF_A_CODE = ("diag_name", "诊断名称", "adm_cond_type", "adm_cond", "入院病情", "diag_dept",
              "diag_dr_code", "diag_dr_name", "diag_time", "inout_diag_type",
              "vali_flag")  # fmt: skip
_BARE = ("diag_code", "诊断编码", "诊断代码", "疾病编码", "疾病诊断编码", "出院诊断编码", "icd10",
         "icd-10", "icd编码")  # fmt: skip
_FEWEST, _SHARE = 4, 0.2


def mark_column(columns: CaseColumns) -> str | None:
    """The column that marks principal diagnoses, of a table with a row a code; else None."""
    if "case_id" not in columns or len(columns.columns("diagnoses")) != 1:
        return None
    return _named(columns.header, MARKS)


def assembled(table: pa.Table, columns: CaseColumns, mark: str) -> pa.Table:
    """A long table as cases, in the order in which they first appear.

    Each case has its codes in ``diagnoses``, the marked one first, then in their order; diagnoses
    of Chinese medicine are left out. A case in which none or several are marked has no principal
    diagnosis. Other columns have what stands in the case's first row.
    """
    code = columns.columns("diagnoses")[0]
    ids = read_text(_whole(table.column(columns.column("case_id") or "")))
    first, case = _in_order(values(ids.indices).astype(np.int64))
    marked = by_distinct(_whole(table.column(mark)), mark_of("special_review"))[0] == 1.0
    order = _named(columns.header, _ORDERS)
    place = np.arange(len(case), dtype=np.float64)
    if order is not None:
        said = read_number(_whole(table.column(order)), _Number())[0]
        place = np.where(np.isnan(said), np.inf, said)
    codes = [text or "" for text in text_list(as_text(_whole(table.column(code))))]
    keep = np.array([bool(text.strip()) for text in codes], np.bool_)
    if (kind := _named(columns.header, _KINDS)) is not None:
        kinds = read_text(_whole(table.column(kind)))
        western = np.array([str(text) in _WESTERN for text in kinds.dictionary.to_pylist()])
        keep &= western[values(kinds.indices)]
    many = np.bincount(case[marked & keep], minlength=len(first)) != 1
    rows = np.lexsort((np.arange(len(case)), place, ~marked, case))
    rows = rows[keep[rows]]
    lists: list[list[str]] = [[""] if none else [] for none in many.tolist()]
    for row in rows.tolist():
        lists[case[row]].append(codes[row].strip())
    joined = [LIST_SEPARATOR.join(one) for one in lists]
    own = {code, mark, order, kind}
    own |= {name for name in table.column_names if plain_header(name) in _OF_A_CODE}
    kept = table.select([name for name in table.column_names if name not in own])
    kept = kept.take(numbers(first))
    return kept.append_column("diagnoses", strings(joined))


def is_long(batch: pa.RecordBatch, columns: CaseColumns) -> bool:
    """Whether rows seem to be codes, not cases: ids that come again with other codes.

    Asked of a table whose one column of diagnoses is not named a principal one or a list.
    """
    headers = columns.columns("diagnoses")
    number = columns.column("case_id")
    bare = len(headers) == 1 and plain_header(headers[0]) in _BARE
    if not bare or number is None or batch.num_rows < _FEWEST:
        return False
    ids = values(read_text(batch.column(number)).indices).astype(np.int64)
    codes = values(read_text(batch.column(headers[0])).indices).astype(np.int64)
    again = len(ids) - len(np.unique(ids))
    pairs = len(ids) - len(np.unique(ids << 32 | codes))
    stays = ids
    for part in ("admission_date", "discharge_date"):
        if (header := columns.column(part)) is not None:
            day = values(read_text(batch.column(header)).indices).astype(np.int64)
            stays = np.unique(stays << 32 | day, return_inverse=True)[1].reshape(-1)
    within = len(ids) - len(np.unique(stays))
    return again > _SHARE * len(ids) and pairs < again / 2 and within > again / 2


def _in_order(ids: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First row of each id and the number of each row's id, by first appearance."""
    _, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return first[order].astype(np.int64), rank[inverse.reshape(-1)]


def _named(header: Sequence[str], wanted: Sequence[str]) -> str | None:
    return next((name for name in header if plain_header(name) in wanted), None)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def of_cases(table: pa.Table, columns: CaseColumns) -> CaseColumns:
    """Where the parts stand in an assembled table."""
    return recognise(table.column_names, {"values": columns.values} if columns.values else None)
