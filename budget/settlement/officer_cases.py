"""Officer's cases (病例测试): worked cases beside a policy, settled by the engine and compared.

A TOML file names a policy, hospitals and cases, each with what a person who knows the rule expects
of it. The cases of a file are settled together as one small year.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from budget.cases.claims import ClaimReader
from budget.cases.hospitals import Hospitals, hospitals_of
from budget.policy import Policy, load_policy, policies
from budget.settlement.settled import Settlement, settle
from budget.settlement.tables import CASES, case_rows, hospital_frame, pool_frame
from drg.cases import recognise
from drg.documents import Model, fit, named_file, read_document
from drg.errors import DrgError, one_of, problem
from drg.language import say
from weights.table import WeightTable, open_weights

TOLERANCE = 0.01
_FINE = 0.0001  # of what is no money: ratios, weights, values of a point
_FINE_KEYS = ("weight", "ratio", "point_value", "case_mix_index", "assessment")

_COMPARED: dict[str, Model] = {"expect": {"*": (str, float)}, "why": str, "tolerance": float}
# key of a case -> its column of the case table, and what may stand there
_PARTS: dict[str, tuple[str, type]] = {
    "drg": ("drg", str), "hospital": ("hospital_id", str), "insurance": ("insurance", str),
    "cost": ("total_cost", float), "discharge": ("discharge_date", dt.date),
    "admission": ("admission_date", dt.date), "person": ("patient_id", str),
    "stay": ("length_of_stay", int), "age": ("age", int), "mode": ("discharge_mode", int),
    "population": ("population", str), "tcm_share": ("tcm_share", float),
    "diagnoses": ("diagnoses", str), "procedures": ("procedures", str),
    "fund_paid": ("fund_paid", float), "other_paid": ("other_paid", float),
    "out_of_scope": ("patient_out_of_scope", float), "deductible": ("patient_deductible", float),
    "copay": ("patient_copay", float),
}  # fmt: skip
_MODEL: dict[str, Model] = {
    "policy": str, "weights": str, "year": int, "tolerance": float, "title": str,
    "patient_paid": float, "overlay": dict, "last_year": {"*": float},
    "hospital": [{"id": str, "name": str, "tier": int, "class": str, "county": str, "level": str,
                  "score": float, "credit": float, "penalty": float, "expect": {"*": (str, float)},
                  "why": str}],
    "weight": [{"drg": str, "weight": float, "*": (str, float)}],
    "case": [{"name": str, "flags": [str], "patient_paid": float, "repeat": int, **_COMPARED,
              **{key: kind for key, (_, kind) in _PARTS.items()}}],
    "pool": [{"name": str, **_COMPARED}],
}  # fmt: skip
_NEEDED = {"hospital": ("id",), "case": ("cost",), "pool": ("name",), "weight": ("drg", "weight")}
_FLAGS = ("special_review", "day_surgery", "day_bed")


@dataclass(frozen=True)
class Compared:
    """One case, pool or hospital that was compared.

    Attributes:
        kind: ``case``, ``pool`` or ``hospital``.
        name: its name in the file.
        faults: what differs, one text a key; empty when all is as expected.
        why: the file's own words on why it must be so.
    """

    kind: str
    name: str
    faults: tuple[str, ...]
    why: str

    @property
    def ok(self) -> bool:
        """Whether all is as expected."""
        return not self.faults


def compare(path: str | PathLike[str]) -> tuple[Compared, ...]:
    """Settle the cases of a file and compare them with what it expects.

    Args:
        path: a TOML file; docs/payment/README.md says what stands in it.

    Raises:
        DrgError: the file, its policy or a case is wrong; one line with file and key.
    """
    source = Path(path)
    document = _read(source)
    try:
        policy = _policy(document, source)
        weights = _weights(document, policy, source)
        hospitals = _hospitals(document, source)
        settled, first = _settled(document, policy, weights, hospitals, source)
    except DrgError as error:
        text = str(error)
        raise error if text.startswith(str(source)) else DrgError(f"{source}: {text}") from None
    tolerance = float(document.get("tolerance", TOLERANCE))
    return tuple(_compared(document, settled, first, tolerance, source))


def _read(path: Path) -> dict[str, Any]:
    document = read_document(path)
    fit(document, _MODEL, path, (), "policy", "hospital", "case")
    for key, needed in _NEEDED.items():
        for place, row in enumerate(document.get(key, [])):
            fit(row, dict, path, (key, place), *needed)
    for place, row in enumerate(document["case"], 1):
        if row.get("repeat", 1) < 1:
            raise problem(say("小于 1", "below 1"), file=path, key=f"case[{place}].repeat",
                          found=row["repeat"])  # fmt: skip
    for key in ("policy", "hospital", "case"):
        if not document[key]:
            raise problem(say("缺失", "is missing"), file=path, key=key)
    return document


def _policy(document: Mapping[str, Any], source: Path) -> Policy:
    """The policy with the file's own changes; a path is looked for beside the file first."""
    name = document["policy"]
    found = name if name in policies() else named_file(name, source, "policy")
    changes = document.get("overlay")
    if changes is None:
        return load_policy(found)
    said = {
        key: {"source": source.name, **value} if isinstance(value, dict) else value
        for key, value in changes.items()
    }
    return load_policy(found, said)


def _weights(document: Mapping[str, Any], policy: Policy, source: Path) -> WeightTable:
    """The file's rows of weights, over the table that it or its policy names."""
    rows = document.get("weight")
    name = document.get("weights") or ("" if rows else policy.header.weights)
    if not name and not rows:
        raise problem(say("没有权重", "no weights"), file=source, key="weights",
                      expected=say("权重表的编号或文件，或 [[weight]] 各行",
                                   "a table's id or file, or [[weight]] rows"))  # fmt: skip
    own = pd.DataFrame(rows or [], columns=None if rows else ["drg", "weight"])
    if not name:
        return WeightTable(source.stem, own)
    table = open_weights(named_file(name, source, "weights"))
    if not rows:
        return table
    below = table.frame[~table.frame["drg"].isin(own["drg"])]
    return WeightTable(f"{table.id}+{source.stem}", pd.concat([below, own], ignore_index=True))


def _hospitals(document: Mapping[str, Any], source: Path) -> Hospitals:
    rows = [
        {"hospital_id" if key == "id" else key: str(value) for key, value in row.items()
         if key not in ("expect", "why")}
        for row in document["hospital"]
    ]  # fmt: skip
    try:
        return hospitals_of(pd.DataFrame(rows).astype(object).where(lambda held: held.notna(), ""))
    except DrgError as error:
        raise DrgError(f"{source}: hospital: {error}") from None


def _settled(
    document: Mapping[str, Any],
    policy: Policy,
    weights: WeightTable,
    hospitals: Hospitals,
    source: Path,
) -> tuple[Settlement, list[int]]:
    """The cases settled as one year, and the row of each case of the file."""
    year = document.get("year") or (policy.header.valid_from or dt.date(2025, 1, 1)).year
    rows, first = _rows(document, hospitals, year, source)
    frame = pd.DataFrame(rows).astype(object)
    table = pa.table({
        name: pa.array([None if pd.isna(value) else value for value in frame[name]], pa.string())
        for name in frame.columns
    })  # fmt: skip
    reader = ClaimReader.of(policy, recognise(list(frame.columns)), hospitals, weights, year)
    claims = reader.read(table.combine_chunks().to_batches()[0])
    # Money enough: pools matter only where the file says what they have.
    plenty = sum(float(row["total_cost"]) for row in rows)
    spent = {held.name: plenty for held in policy.pools}
    for name in document.get("last_year", {}):
        if name not in spent:
            raise problem(say("没有此基金池", "no such pool"), file=source, key=f"last_year.{name}",
                          expected=", ".join(spent))  # fmt: skip
    spent |= document.get("last_year", {})
    return settle(claims, weights, policy, hospitals, year, last_year=spent), first


def _rows(
    document: Mapping[str, Any], hospitals: Hospitals, year: int, source: Path
) -> tuple[list[dict[str, str]], list[int]]:
    """Rows of a case table, as texts, and the row of each case of the file."""
    rows: list[dict[str, str]] = []
    first = []
    common = {key: document[key] for key in ("patient_paid",) if key in document}
    cases = [{**({} if "fund_paid" in case else common), **case} for case in document["case"]]
    by_item = ["patient_paid" in case or "fund_paid" in case for case in cases]
    for place, case in enumerate(cases, 1):
        here = f"case[{place}]"
        if any(by_item) and not by_item[place - 1]:
            raise problem(say("其他病例写明患者负担而本例没有",
                              "what the patient pays is said of other cases but not of this one"),
                          file=source, key=f"{here}.patient_paid")  # fmt: skip
        home = case.get("hospital", hospitals.ids[0])
        if "hospital" not in case and len(hospitals) > 1:
            raise problem(say("缺失", "is missing"), file=source, key=f"{here}.hospital",
                          expected=one_of(hospitals.ids))  # fmt: skip
        row = {"drg": "", "hospital_id": home, "insurance": "employee",
               "discharge_date": f"{year}-06-30"}  # fmt: skip
        row |= {column: str(case[key]) for key, (column, _) in _PARTS.items() if key in case}
        if "patient_paid" in case:
            left = case["cost"] - case["patient_paid"] - case.get("other_paid", 0)
            row["fund_paid"] = f"{left:.2f}"
        for flag in case.get("flags", []):
            if flag not in _FLAGS:
                raise problem(say("没有此标记", "no such flag"), file=source, key=f"{here}.flags",
                              found=flag, expected=one_of(_FLAGS))  # fmt: skip
            row[flag] = "1"
        first.append(len(rows))
        rows += [row] * case.get("repeat", 1)
    return rows, first


def _compared(
    document: Mapping[str, Any],
    settled: Settlement,
    first: Sequence[int],
    tolerance: float,
    source: Path,
) -> Iterator[Compared]:
    every = settled.rows(0, settled.cases)
    found = case_rows(every).to_pylist()
    keys = tuple(name for name in CASES.names if name not in ("case_id", "drg"))
    for place, (case, row) in enumerate(zip(document["case"], first, strict=True), 1):
        yield _one("case", case, case.get("name", f"case {place}"), found[row], keys, tolerance,
                   source)  # fmt: skip
    table = pool_frame(settled)
    columns = tuple(map(str, table.columns))
    held = [dict(zip(columns, row, strict=True)) for row in table.itertuples(index=False)]
    pools = {row["pool"]: row for row in held}
    for row in document.get("pool", []):
        if row["name"] not in pools:
            raise problem(say("没有此基金池", "no such pool"), file=source, key="pool.name",
                          found=row["name"], expected=", ".join(pools))  # fmt: skip
        yield _one("pool", row, row["name"], pools[row["name"]], columns, tolerance, source)
    frame = hospital_frame(settled)
    sums = frame.groupby("hospital_id").sum(numeric_only=True)
    for row in document["hospital"]:
        if row.get("expect"):
            held = sums.loc[row["id"]].to_dict() if row["id"] in sums.index else {}
            yield _one("hospital", row, row["id"], held, tuple(sums.columns), tolerance, source)


def _one(
    kind: str,
    row: Mapping[str, Any],
    name: str,
    found: Mapping[str, Any],
    keys: Sequence[str],
    tolerance: float,
    source: Path,
) -> Compared:
    faults = []
    within = float(row.get("tolerance", tolerance))
    for key, expected in row.get("expect", {}).items():
        if key not in keys:
            raise problem(say("没有此名称的内容", "nothing has that name"), file=source,
                          key=f"{kind} '{name}': {key}", expected=", ".join(keys))  # fmt: skip
        held = found.get(key)
        if not _same(held, expected, min(within, _FINE) if key in _FINE_KEYS else within):
            faults.append(f"{key}: found {_text(held)}, expected {_text(expected)}")
    return Compared(kind, name, tuple(faults), row.get("why", ""))


def _same(found: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, str):
        if expected == "none":
            return found is None or found != found
        return bool(found == expected)
    # nine decimals: 0.01 off is 0.01, whatever the floats make of it
    if found is None or isinstance(found, str):
        return False
    return bool(round(abs(found - expected), 9) <= tolerance)


def _text(value: Any) -> str:
    if value is None or value != value:
        return "none"
    return value if isinstance(value, str) else f"{value:,.10g}"
