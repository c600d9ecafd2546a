"""The table of hospitals (医疗机构目录): tier, class and what else a policy asks of a hospital."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from drg.cases.choices import tier_of
from drg.cases.columns import plain_header
from drg.cases.texts import as_text, text_list
from drg.cases.values import folded, meant
from drg.errors import problem
from drg.language import say
from drg.persons import refuse_persons
from drg.tables import read_table

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]

_HEADERS: dict[str, tuple[str, ...]] = {
    "hospital_id": ("hospital_id", "hospital", "医疗机构代码", "医疗机构编码", "定点医药机构编号",
                    "医院编码", "医院代码", "fixmedins_code"),
    "hospital_name": ("hospital_name", "name", "医疗机构名称", "医院名称", "fixmedins_name"),
    "tier": ("tier", "医院级别", "级别", "医院等级", "hosp_lv"),
    "class": ("class", "hospital_class", "医院等次", "等次", "类别"),
    "county": ("county", "县区", "区县", "所属区县"),
    "level": ("level", "隶属层级", "层级"),
    "score": ("score", "assessment_score", "考核得分", "年度考核得分"),
    "credit": ("credit", "credit_score", "信用得分", "信用评分"),
    "penalty": ("penalty", "违规扣款", "扣款金额"),
}  # fmt: skip
_LEVELS = {"town": "town", "乡镇": "town", "county": "county", "县": "county", "县级": "county",
           "city": "city", "市": "city", "市级": "city", "province": "province", "省": "province",
           "省级": "province"}  # fmt: skip


@dataclass(frozen=True)
class Hospitals:
    """Hospitals of a region (定点医疗机构).

    Attributes:
        ids: hospital ids, any text. Length H.
        names: names, the id where there is none.
        tier: 3, 2, 1, 0 for none, -1 where the table does not say. Shape (H,).
        hospital_class: class such as 甲等, "" where unknown.
        county: county, "" where unknown.
        level: ``town, county, city, province`` or "".
        score: score of the yearly assessment (年度考核得分), NaN without one.
        credit: credit score (信用评分), NaN without one.
        penalty: fund money concerned by confirmed violations in yuan. Shape (H,).
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    tier: npt.NDArray[np.int8]
    hospital_class: Texts
    county: Texts
    level: Texts
    score: Floats
    credit: Floats
    penalty: Floats

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Sequence[int]) -> Hospitals:
        """Some of them, by their places."""
        parts: dict[str, Any] = {}
        for one in fields(self):
            held = getattr(self, one.name)
            parts[one.name] = (
                tuple(held[i] for i in rows) if isinstance(held, tuple) else held[list(rows)]
            )
        return Hospitals(**parts)

    def and_(self, other: Hospitals) -> Hospitals:
        """These hospitals and then others.

        Raises:
            DrgError: a hospital stands in both.
        """
        twice = [name for name in other.ids if name in set(self.ids)]
        if twice:
            raise problem(say("已在医疗机构表中", "is in the table of hospitals already"),
                          key="hospital_id", found=", ".join(twice[:5]))  # fmt: skip
        parts: dict[str, Any] = {}
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(other, one.name)
            parts[one.name] = (
                (*mine, *theirs) if isinstance(mine, tuple) else np.concatenate([mine, theirs])
            )
        return Hospitals(**parts)

    @property
    def attributes(self) -> dict[str, npt.NDArray[Any]]:
        """The hospitals' selectors of a policy, each of shape (H,)."""
        return {
            "hospital": np.array(self.ids, object),
            "hospital_class": self.hospital_class,
            "county": self.county,
            "level": self.level,
            "tier": self.tier,
        }


def read_hospitals(
    path: str | PathLike[str], sheet: str | None = None, tiers: Mapping[str, str] | None = None
) -> Hospitals:
    """Read a table of hospitals from CSV, Excel or Parquet.

    Args:
        path: the file.
        sheet: sheet of a workbook.
        tiers: word -> tier, of words that are not the national ones (a mapping file's
            ``[values.tier]``).

    Raises:
        DrgError: the file cannot be read, has no column of ids, a hospital stands twice, or a tier
            or score cannot be read; the message names the row.
    """
    table, _ = read_table(path, sheet=sheet)
    if tiers:
        headers = _HEADERS["tier"]
        for place, name in enumerate(table.column_names):
            if plain_header(name) in headers:
                column = meant(as_text(table.column(name).combine_chunks()), tiers)
                table = table.set_column(place, name, as_text(column))
    return _hospitals(table, str(path), first_row=2)


def hospitals_of(frame: pd.DataFrame | pa.Table) -> Hospitals:
    """The same from a table in memory; rows in messages are counted from 1."""
    table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(
        frame, preserve_index=False
    )  # fmt: skip
    return _hospitals(table, None, first_row=1)


def _hospitals(table: pa.Table, file: str | None, first_row: int) -> Hospitals:
    columns = _columns(table, file)
    count = table.num_rows
    ids = columns.get("hospital_id", [])
    seen: dict[str, int] = {}
    for place, name in enumerate(ids):
        if not name:
            raise problem(say("缺少代码", "no id"), file=file, row=place + first_row,
                          key="hospital_id")  # fmt: skip
        if name in seen:
            raise problem(say("医疗机构重复出现", "hospital stands twice"), file=file,
                          row=place + first_row, found=name)  # fmt: skip
        seen[name] = place
    if not count:
        raise problem(say("没有医疗机构", "has no hospital"), file=file)
    for key in ("hospital_name", "class", "county"):
        refuse_persons(columns.get(key, ()), file=file, key=key, row=first_row)
    empty = [""] * count
    names = columns.get("hospital_name", empty)
    levels = columns.get("level", empty)
    return Hospitals(
        tuple(ids),
        tuple(name or ids[i] for i, name in enumerate(names)),
        np.array(
            [_tier(text, file, i + first_row) for i, text in enumerate(columns.get("tier", empty))],
            np.int8,
        ),
        np.array(columns.get("class", empty), object),
        np.array(columns.get("county", empty), object),
        np.array([_LEVELS.get(text.lower(), text) for text in levels], object),
        *(
            np.array([
                _number(text, key, missing, file, i + first_row)
                for i, text in enumerate(columns.get(key, empty))
            ])
            for key, missing in (("score", np.nan), ("credit", np.nan), ("penalty", 0.0))
        ),
    )  # fmt: skip


def _columns(table: pa.Table, file: str | None) -> dict[str, list[str]]:
    by_header: dict[str, str] = {}
    for name in table.column_names:
        by_header.setdefault(plain_header(name), name)
    found = {}
    for key, headers in _HEADERS.items():
        header = next((h for h in headers if h in by_header), None)
        if header is not None:
            column = as_text(table.column(by_header[header]).combine_chunks())
            found[key] = [(text or "").strip() for text in text_list(column)]
    if "hospital_id" not in found:
        raise problem(say("没有医疗机构代码列", "no column of hospital ids"), file=file,
                      found=", ".join(table.column_names),
                      expected=say("hospital_id（医疗机构代码）",
                                   "hospital_id (医疗机构代码)"))  # fmt: skip
    return found


def _tier(text: str, file: str | None, row: int) -> int:
    if not text:
        return -1
    found = tier_of(folded(text))
    if found is None:
        raise problem(say("不是级别", "not a tier"), file=file, row=row, key="tier", found=text,
                      expected=say("3、2、1 或 0（三级、二级、一级、未定级）",
                                   "3, 2, 1 or 0 (三级, 二级, 一级, 未定级)"))  # fmt: skip
    return found


def _number(text: str, key: str, missing: float, file: str | None, row: int) -> float:
    if not text:
        return missing
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not 0 <= value < 1e12:
        raise problem(say("不是不小于 0 的数", "not a number of 0 or more"), file=file, row=row,
                      key=key, found=text)  # fmt: skip
    return value
