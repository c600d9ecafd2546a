"""What a settlement needs beside the cases (清算年度): hospitals, the year, last year's spend."""

from __future__ import annotations

from pathlib import Path

from drg.language import say


def table_of_hospitals(file: Path, given: Path | None) -> Path:
    """The table of hospitals: as given, or beside the cases."""
    from drg.errors import problem

    if given is not None:
        return given
    for name in ("hospitals.csv", "hospitals.xlsx", "hospitals.parquet"):
        if (beside := file.parent / name).is_file():
            return beside
    raise problem(say("没有医疗机构表", "no table of hospitals"), key="--hospitals",
                  expected=say(f"文件，或 {file.parent} 中的 hospitals.csv",
                               f"a file, or hospitals.csv in {file.parent}"))  # fmt: skip


def year_of(file: Path, mapping: Path | None, sheet: str | None) -> int:
    """The year in which most cases of the first rows were discharged."""
    import numpy as np

    from drg.cases.cells import Cells
    from drg.cases.dates import months_of
    from drg.cases.opening import open_cases
    from drg.errors import problem
    from drg.tables import batches

    with open_cases(file, mapping=mapping, sheet=sheet, needed=("discharge_date",)) as table:
        table.only(table.columns.columns("discharge_date"))
        for batch in batches(table):
            months = months_of(Cells(batch.table, table.columns).day("discharge_date")[0])
            if (months >= 0).any():
                return int(np.bincount(months[months >= 0] // 12).argmax())
    raise problem(say("病例均无出院日期", "no case has a date of discharge"), file=file,
                  key="--year")  # fmt: skip


def last_year_of(path: Path, pools: list[str]) -> dict[str, float | dict[str, float]]:
    """Last year's fund spend in yuan by pool, from a table; by hospital where it names them."""
    from drg.cases.values import Number, read_number
    from drg.errors import problem
    from drg.tables import read_table

    table, _ = read_table(path)
    for name in ("pool", "amount"):
        if name not in table.column_names:
            raise problem(say(f"缺少列“{name}”", f"no column '{name}'"), file=path,
                          found=", ".join(table.column_names),
                          expected=say("pool、amount，可有 hospital_id",
                                       "pool, amount and, where it is known, "
                                       "hospital_id"))  # fmt: skip
    amounts, bad = read_number(table.column("amount").combine_chunks(), Number())
    named = "hospital_id" in table.column_names
    ids = table.column("hospital_id").to_pylist() if named else [""] * table.num_rows
    found: dict[str, dict[str, float]] = {}
    for row, name in enumerate(table.column("pool").to_pylist()):
        pool, hospital = str(name or "").strip(), str(ids[row] or "").strip()
        if pool not in pools or hospital in found.get(pool, {}):
            raise problem(say("不是政策的基金池，或重复", "not a pool of the policy, or twice"),
                          file=path, row=row + 2, found=f"{pool} {hospital}".strip(),
                          expected=", ".join(pools))  # fmt: skip
        if named and not hospital:
            raise problem(say("缺少代码", "no id"), file=path, row=row + 2,
                          key="hospital_id")  # fmt: skip
        if bad[row] or not amounts[row] >= 0:
            raise problem(say("应为以元计的金额", "not an amount in yuan"), file=path,
                          row=row + 2, key=pool)  # fmt: skip
        found.setdefault(pool, {})[hospital] = float(amounts[row])
    return {pool: held if named else held[""] for pool, held in found.items()}


def fund_of(path: Path, pools: list[str]) -> dict[str, dict[str, float]]:
    """The fund's opening balance, accumulated surplus and last year's spend by pool, in yuan."""
    names = {"opening": "期初余额", "surplus": "历年累计结余", "spend": "上年支出"}
    return _by_pool(path, pools, names)


def values_of(path: Path, pools: list[str]) -> dict[str, float]:
    """Last year's point values in yuan by pool, where a table has a column of them."""
    held = _by_pool(path, pools, {"point_value": "点值"})
    return {pool: one["point_value"] for pool, one in held.items() if one}


def _by_pool(path: Path, pools: list[str], names: dict[str, str]) -> dict[str, dict[str, float]]:
    """Figures of pools from a table with a column ``pool``; blanks are left out."""
    from drg.cases.values import Number, read_number
    from drg.errors import problem
    from drg.tables import read_table

    table, _ = read_table(path)
    headers = {name.strip(): name for name in table.column_names}
    pool = next((headers[name] for name in ("pool", "基金池", "基金") if name in headers), None)
    if pool is None:
        raise problem(say("缺少列“pool”", "no column 'pool'"), file=path,
                      found=", ".join(table.column_names),
                      expected=", ".join(("pool", *names)))  # fmt: skip
    found: dict[str, dict[str, float]] = {}
    rows = [str(one or "").strip() for one in table.column(pool).to_pylist()]
    for name, zh in names.items():
        header = headers.get(name, headers.get(zh))
        if header is None:
            continue
        amounts, bad = read_number(table.column(header).combine_chunks(), Number())
        for row, one in enumerate(rows):
            if one not in pools:
                raise problem(say("不是政策的基金池", "not a pool of the policy"), file=path,
                              row=row + 2, found=one, expected=", ".join(pools))  # fmt: skip
            if bad[row] or amounts[row] < 0:
                raise problem(say("应为不小于 0 的数", "not a number of 0 or more"), file=path,
                              row=row + 2, key=name)  # fmt: skip
            if amounts[row] == amounts[row]:
                found.setdefault(one, {})[name] = float(amounts[row])
    return found
