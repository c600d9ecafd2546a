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


_POOL = ("pool", "基金池", "基金", "险种")
_HOSPITAL = ("hospital_id", "医疗机构代码", "医疗机构编码", "医院代码")
_AMOUNT = ("amount", "金额", "支出", "基金支出", "上年支出")


def last_year_of(path: Path, pools: list[str]) -> dict[str, float | dict[str, float]]:
    """Last year's fund spend in yuan by pool, from a table; by hospital where it names them."""
    from drg.cases.amounts import read_yuan
    from drg.cases.texts import texts_of
    from drg.errors import problem
    from drg.tables import read_table

    table, _ = read_table(path)
    headers = _headers(table.column_names)
    places = {names[0]: _header(headers, names) for names in (_POOL, _AMOUNT, _HOSPITAL)}
    for name in ("pool", "amount"):
        if places[name] is None:
            raise problem(say(f"缺少列“{_ZH[name]}”", f"no column '{name}'"), file=path,
                          found=", ".join(table.column_names),
                          expected=say("基金池、金额，可有医疗机构代码",
                                       "pool, amount and, where it is known, "
                                       "hospital_id"))  # fmt: skip
    amounts, bad = read_yuan(table.column(places["amount"]).combine_chunks())
    named = places["hospital_id"] is not None
    ids = texts_of(table.column(places["hospital_id"])) if named else [""] * table.num_rows
    found: dict[str, dict[str, float]] = {}
    for row, pool in enumerate(_pools(path, texts_of(table.column(places["pool"])), pools)):
        hospital = ids[row].strip()
        if hospital in found.get(pool, {}):
            raise problem(say("重复", "stands twice"), file=path, row=row + 2,
                          found=f"{pool} {hospital}".strip())  # fmt: skip
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
    names = {"opening": ("期初余额", "期初", "上年结余"),
             "surplus": ("历年累计结余", "累计结余", "历年累计"),
             "spend": ("上年支出", "上年基金支出")}  # fmt: skip
    return _by_pool(path, pools, names)


def balances_of(path: Path, pools: list[str]) -> dict[str, float]:
    """The opening balance of every pool (期初余额), in yuan.

    Raises:
        DrgError: the table cannot be used, or one is missing.
    """
    from drg.cases.choices import pools_said
    from drg.errors import problem

    held = {pool: one["opening"] for pool, one in fund_of(path, pools).items() if "opening" in one}
    for pool in pools:
        if pool not in held:
            raise problem(say("缺少期初余额", "no opening balance"), file=path,
                          key=pools_said([pool]), expected="opening")  # fmt: skip
    return held


def values_of(path: Path, pools: list[str]) -> dict[str, float]:
    """Last year's point values in yuan by pool, where a table has a column of them."""
    held = _by_pool(path, pools, {"point_value": ("点值", "上年点值")})
    return {pool: one["point_value"] for pool, one in held.items() if one}


_ZH = {"pool": "基金池", "amount": "金额"}


def _by_pool(
    path: Path, pools: list[str], names: dict[str, tuple[str, ...]]
) -> dict[str, dict[str, float]]:  # fmt: skip
    """Figures of pools from a table with a column ``pool``; blanks are left out."""
    from drg.cases.amounts import read_yuan
    from drg.cases.texts import texts_of
    from drg.errors import problem
    from drg.tables import read_table

    table, _ = read_table(path)
    headers = _headers(table.column_names)
    pool = _header(headers, _POOL)
    if pool is None:
        raise problem(say("缺少列“基金池”", "no column 'pool'"), file=path,
                      found=", ".join(table.column_names),
                      expected=", ".join(("pool", *names)))  # fmt: skip
    found: dict[str, dict[str, float]] = {}
    rows = _pools(path, texts_of(table.column(pool)), pools)
    for name, zh in names.items():
        header = _header(headers, (name, *zh))
        if header is None:
            continue
        amounts, bad = read_yuan(table.column(header).combine_chunks())
        for row, one in enumerate(rows):
            if bad[row] or amounts[row] < 0:
                raise problem(say("不是不小于 0 的数", "not a number of 0 or more"), file=path,
                              row=row + 2, key=header)  # fmt: skip
            if amounts[row] == amounts[row]:
                found.setdefault(one, {})[name] = float(amounts[row])
    return found


def _headers(names: list[str]) -> dict[str, str]:
    """Headers in plain form -> as the table has them."""
    from drg.cases.columns import plain_header

    return {plain_header(name): name for name in names}


def _header(headers: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((headers[name] for name in names if name in headers), None)


def _pools(path: Path, texts: list[str], pools: list[str]) -> list[str]:
    """The pool of each row."""
    from drg.cases.choices import pool_of, pools_said
    from drg.errors import problem

    found = []
    for row, text in enumerate(texts):
        pool = pool_of(text, pools)
        if pool is None:
            raise problem(say("不是政策的基金池", "not a pool of the policy"), file=path,
                          row=row + 2, found=text.strip(),
                          expected=pools_said(pools))  # fmt: skip
        found.append(pool)
    return found
