"""The fund's own payments from files (基金专项拨付): tables in, what is due out, with a record."""

from __future__ import annotations

import datetime as dt
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from budget.cases.hospitals import read_hospitals
from budget.fund.out_of_area import Prepayment, prepayment
from budget.fund.retention import Retention, retention
from budget.fund.tables import AREAS, read_out_of_area, read_procurement
from budget.policy.document import Policy
from drg.errors import problem
from drg.language import half, say
from drg.money import decimal, times, to_decimals, to_yuan
from drg.provenance import hash_file, record
from drg.tables import whole_folder, write_table
from drg.tables.atomic import write_record
from drg.tables.derived import without_formulas
from drg.tables.excel.sheets import write_sheets

Given = str | PathLike[str]
PREPAYMENT = ("prepayment.csv", "prepayment.xlsx", "prepayment.json")
RETENTION = ("retention.csv", "retention-items.csv", "retention.xlsx", "retention.json")
_FACTOR_DECIMALS = 12  # of the product of two coefficients, as at the year's end
_HEADINGS = {
    "area": "就医地", "quarter": "上年第四季度支出", "monthly_mean": "月均", "multiple": "倍数",
    "amount": "预付金额", "due": "拨付时限", "hospital_id": "医疗机构", "batch": "集采批次",
    "items": "品种数", "item": "品种", "volume": "约定采购量", "before": "集采前价格",
    "after": "集采后价格", "saving": "节约金额", "share": "留用比例", "assessment": "考核系数",
    "retained": "留用金额", "year": "预付年度", "received": "收到日期",
}  # fmt: skip
_FORMATS = {"before": "0.0000##", "after": "0.0000##", "assessment": "0.000###"}
_VALUES: dict[str, dict[Any, str]] = {"area": {"cross_province": "跨省", "in_province": "省内"}}


def prepay_file(
    source: Given, out: Given, policy: Policy, year: int, received: dt.date,
    *, sheet: str | None = None,
) -> Prepayment:  # fmt: skip
    """Work out the out-of-area prepayment (异地就医预付金) of a year from a table of spend.

    The folder gets ``prepayment.csv``, ``.xlsx`` and ``.json``.

    Args:
        source: table ``month, area, amount``; :func:`budget.fund.tables.read_out_of_area`.
        out: folder, made when it is not there.
        policy: the policy, with ``out_of_area``.
        year: year for which is prepaid.
        received: day on which the money is received.
        sheet: sheet of a workbook.

    Raises:
        DrgError: the policy has no such rule, or the table cannot be used.
    """
    rule = policy.out_of_area
    if rule is None:
        raise problem(say("政策没有异地就医预付规则", "the policy has no such rule"),
                      file=policy.id, key="out_of_area")  # fmt: skip
    with whole_folder(out, PREPAYMENT, (source,)) as folder:
        found = prepayment(read_out_of_area(source, sheet), rule, year, received,
                           policy.cash.holidays)  # fmt: skip
        frame = pd.DataFrame({
            "area": list(AREAS), "quarter": to_yuan(found.quarter),
            "monthly_mean": to_yuan(times(found.quarter, 1.0, per=3)),
            "multiple": [rule.cross_province, rule.in_province],
            "amount": to_yuan(found.amount), "due": [str(found.due)] * len(AREAS),
        })  # fmt: skip
        _write(folder, {"prepayment": ("异地就医预付", frame)}, policy, source, found.warnings,
               year=year, received=str(received), due=str(found.due),
               total_fen=found.total)  # fmt: skip
    return found


def retain_file(
    source: Given, out: Given, policy: Policy, hospitals: Given | None = None,
    *, sheet: str | None = None,
) -> Retention:  # fmt: skip
    """Work out the retention of procurement savings (集采结余留用) from a table of items.

    The folder gets ``retention.csv`` (a row a hospital and batch), ``retention-items.csv`` (a row
    an item), ``retention.xlsx`` and ``retention.json``.

    Args:
        source: table of items; :func:`budget.fund.tables.read_procurement`.
        out: folder, made when it is not there.
        policy: the policy, with ``procurement``.
        hospitals: table of hospitals, whose scores give the coefficients that items lack.
        sheet: sheet of a workbook.

    Raises:
        DrgError: the policy has no such rule, or a table cannot be used.
    """
    rule = policy.procurement
    if rule is None:
        raise problem(say("政策没有集采结余留用规则", "the policy has no such rule"),
                      file=policy.id, key="procurement")  # fmt: skip
    with whole_folder(out, RETENTION, (source, hospitals)) as folder:
        factors = None if hospitals is None else _factors(hospitals, policy)
        found = retention(read_procurement(source, sheet), rule, factors)
        sums, items = found.by_batch(), found.items
        tables = {
            "retention": ("按机构和批次", pd.DataFrame({
                "hospital_id": [key[0] for key in sums], "batch": [key[1] for key in sums],
                "items": [held[0] for held in sums.values()],
                "saving": to_yuan([held[1] for held in sums.values()]),
                "retained": to_yuan([held[2] for held in sums.values()]),
            })),
            "retention-items": ("按品种", pd.DataFrame({
                "hospital_id": items.hospital, "batch": items.batch, "item": items.item,
                "volume": items.volume, "before": items.before, "after": items.after,
                "saving": to_yuan(found.saving), "share": np.full(len(items.item), found.share),
                "assessment": found.assessment, "retained": to_yuan(found.retained),
            })),
        }  # fmt: skip
        _write(folder, tables, policy, source, found.warnings, hospitals=hospitals,
               total_fen=found.total)  # fmt: skip
    return found


def _factors(hospitals: Given, policy: Policy) -> dict[str, float]:
    """The coefficient of each hospital: of its score times of its credit."""
    held, rule = read_hospitals(hospitals), policy.assessment
    both = decimal(rule.coefficient(held.score)) * decimal(rule.credit_coefficient(held.credit))
    return dict(zip(held.ids, to_decimals(_FACTOR_DECIMALS, both).tolist(), strict=True))


def _write(
    folder: Path, tables: dict[str, tuple[str, pd.DataFrame]], policy: Policy, source: Given,
    warnings: dict[str, str], *, hospitals: Given | None = None, **said: Any,
) -> None:  # fmt: skip
    """The tables as CSV, all of them as a workbook, and the record."""
    written = []
    for name, (_, frame) in tables.items():
        written.append(folder / f"{name}.csv")
        rows = pa.Table.from_pandas(frame, preserve_index=False)
        write_table(written[-1], without_formulas(rows))
    kind = next(iter(tables))
    written.append(folder / f"{kind}.xlsx")
    told = ((_HEADINGS.get(name, name), str(value)) for name, value in said.items())
    about = [
        ("政策", f"{policy.id}  {policy.header.title}"),
        ("政策来源", half(policy.header.source, "zh")),
        ("金额单位", "元"),
        *((name, text) for name, text in told if name != "total_fen"),
    ]
    write_sheets(written[-1], dict(tables.values()), _HEADINGS, about=about, counts=("items",),
                 values=_VALUES, formats=_FORMATS)  # fmt: skip
    given = {"input": source, "hospitals": hospitals}
    write_record(folder / f"{kind}.json", record(
        kind=kind, **said,
        inputs={name: {"file": Path(path).name, "sha256": hash_file(path)}
                for name, path in given.items() if path is not None},
        policy={"id": policy.id, "sha256": policy.digest}, warnings=warnings,
        tables=[path.name for path in written],
        hashes={path.name: hash_file(path) for path in written},
    ))  # fmt: skip
