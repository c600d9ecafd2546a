"""Whether the files of a results folder belong together (结果一致性); refused when not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from drg.errors import problem
from drg.language import say
from drg.tables.results import read_record

SEARCH = ("policy_search.csv", "policy_search.json")
_NAMED = {"cases": "病例", "hospitals": "医疗机构", "policy": "支付政策", "weights": "权重表"}
Record = Mapping[str, Any]


def _again() -> str:
    return say("同一次运行的结果；请重新运行 drg project，它的文件夹两者都有",
               "results of one run; run drg project again, its folder has both")  # fmt: skip


def agree(settlement: Record, projection: Record) -> None:
    """Check that a settlement and a projection stand on the same policy, weights and inputs.

    Raises:
        DrgError: a digest differs.
    """
    _documents(settlement, projection, "projection.json", "projected by", _again())
    hashes = _hashes(projection)
    for what, settled in (("cases", _input(settlement)), ("hospitals", _file(settlement))):
        for name, digest in hashes.items():
            if name.startswith(f"{what}: ") and settled and digest != settled:
                raise problem(
                    say(f"settlement.json 与 projection.json 的{_NAMED[what]}不是同一份",
                        f"settlement.json and projection.json differ in their {what}"),
                    key=name.partition(": ")[2],
                    found=f"settled {settled[:8]}, projected {digest[:8]}", expected=_again(),
                )  # fmt: skip


def on_record(
    folder: Path, record: Record, read: Mapping[str, str], known: Sequence[str] = (),
    file: str = "projection.json", command: str = "drg project",
) -> None:  # fmt: skip
    """Check that the tables of a projection, or a settlement, are those that its record tells of.

    Args:
        folder: of the projection.
        record: its record.
        read: SHA-256 of the tables that were read, by their file.
        known: files of tables that a report reads; one on record must be there.
        file: of the record.
        command: what writes it.

    Raises:
        DrgError: a table is of another run, or was changed by hand.
    """
    hashes = _hashes(record)
    for name in known:
        if name in hashes and name not in read:
            raise problem(
                say("没有这个文件", "no such file"),
                file=folder / name,
                expected=say(
                    f"{file} 记录的表；请重新运行 {command}",
                    f"the table on record in {file}; run {command} again",
                ),
            )
    for name, digest in read.items():
        told = hashes.get(name, "")
        if not told and name.startswith("cases."):  # of an older version
            continue
        if hashes and digest != told:
            raise problem(
                say(f"不是 {file} 记录的那张表", f"is not the table on record in {file}"),
                file=folder / name, found=digest[:8],
                expected=say(f"{told[:8] or '没有这张表'}；请重新运行 {command}",
                             f"{told[:8] or 'no such table'}; run {command} again"),
            )  # fmt: skip


def searched(folder: Path, settlement: Record, frame: pd.DataFrame) -> dict[str, Any]:
    """The record of a policy search, when it is one of the year and policy that were settled.

    Raises:
        DrgError: the record is missing, or is of another policy, weights, cases or table.
    """
    table, path = (folder / name for name in SEARCH)
    if not path.is_file():
        wanted = say(f"{table.name} 的记录；请重新运行 drg policy search，或移走该表",
                     f"the record of {table.name}; run drg policy search again, or take that "
                     "table away")  # fmt: skip
        raise problem(say("没有这个文件", "no such file"), file=path, expected=wanted)
    record = read_record(path)
    again = say("对已结算政策的寻优；请重新运行 drg policy search",
                "a search of the settled policy; run drg policy search again")  # fmt: skip
    _documents(settlement, record, path.name, "searched", again)
    ours, theirs = _input(settlement), _input(record)
    if ours and theirs and ours != theirs:
        raise problem(say(f"settlement.json 与 {path.name} 的病例不是同一份",
                          f"settlement.json and {path.name} differ in their cases"), file=path,
                      found=f"settled {ours[:8]}, searched {theirs[:8]}",
                      expected=again)  # fmt: skip
    for row in record.get("figures") or ():
        name = f"figure_{row.get('name')}"
        held = float(frame[name].iloc[0]) if name in frame and len(frame) else math.nan
        if not math.isclose(held, float(row.get("found", math.nan)), rel_tol=1e-9, abs_tol=1e-12):
            raise problem(
                say(f"不是 {path.name} 的那张表", f"is not the table of {path.name}"),
                file=table,
                key=name,
                found=held,
                expected=str(row.get("found")),
            )
    return record


def _documents(settlement: Record, other: Record, name: str, did: str, expected: str) -> None:
    for key in ("policy", "weights"):
        settled, ahead = (_document(record, key) for record in (settlement, other))
        if settled and ahead and settled[1] != ahead[1]:
            raise problem(
                say(f"settlement.json 与 {name} 的{_NAMED[key]}不是同一份",
                    f"settlement.json and {name} differ in their {key}"), key=key,
                found=f"settled by {settled[0]} ({settled[1][:8]}), "
                f"{did} {ahead[0]} ({ahead[1][:8]})",
                expected=expected,
            )  # fmt: skip


def _document(record: Record, key: str) -> tuple[str, str] | None:
    """Id and digest of a document that a record names; None without a digest."""
    held = record.get(key)
    if not isinstance(held, dict) or not held.get("sha256"):
        return None
    return str(held.get("id")), str(held["sha256"])


def _input(record: Record) -> str:
    held = record.get("input")
    return str(held.get("sha256") or "") if isinstance(held, dict) else ""


def _file(record: Record) -> str:
    held = record.get("files")
    return str(held.get("hospitals") or "") if isinstance(held, dict) else ""


def _hashes(record: Record) -> dict[str, str]:
    held = record.get("hashes")
    return {str(k): str(v) for k, v in held.items()} if isinstance(held, dict) else {}


def same_year(year: int, frames: Sequence[pd.DataFrame], path: Path) -> None:
    """Check that a projection starts from the settled year.

    Raises:
        DrgError: it starts from another one.
    """
    for frame in frames:
        first = frame["year"].min()
        if year and math.isfinite(first) and int(first) != year:
            raise problem(say("不是从结算年度开始测算的",
                              "starts from another year than the settlement"), file=path,
                          found=int(first), expected=str(year))  # fmt: skip
