"""Spoils files of every kind: bytes, cells, columns, encodings, documents."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import random
import re
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from tests.fuzz.workbooks import SPOILT

Rows = list[list[str]]

ODD = [
    "", " ", "-", "—", "无", "NULL", "nan", "inf", "-inf", "0", "-0", "-1", "1", "2", "0.5",
    "1e308", "1e400", "-1e400", "9" * 30, "9" * 400, "12,345.67", "￥5000", "5000元",
    "１２３", "١٢", "0x10",
    "1_000", "2025-02-30", "2025/3/1", "45658", "0000-00-00", "9999-12-31", "20250301",
    "I10.x00x002", "I10.", "i10", "47.01", "I50.900|zz", "|", "||", ";,;", "0000", "ES23", "HQY",
    "职工", "310",
    "医嘱转院", "√", "81%", "true", "=1+1", '="I50.900"', "=cmd|'/c calc'", "'", '"', '""', "a\nb",
    "a\r\nb", "\t", "\x00", "\x1b[31m", "\ufeff", "\u202e", "\ud7ff", "😀" * 3, "e\u0301",
    "中" * 300, "x" * 40_000, "[]", "{}", "['I10']", "../../etc", "a/b", "None", "H0001", "C000001",
    "3:1", "15/30", "{x}", "{{ 7*7 }}", "%s%n", "<script>",
]  # fmt: skip
HEADS = [
    "", " ", "drg", "case_id", "total_cost", "总费用", "其他诊断1编码", "diagnoses", "cases",
    "weight", "status", "reason", "merge", "index", "x" * 500, "a\nb",
    "__index_level_0__", "hospital_id",
]  # fmt: skip
NUMBERS = [
    "0", "-1", "1", "0.0", "-0.0", "1e400", "-1e400", "nan", "inf", "-inf", "9" * 40, "1e-320",
    "true", '""', '"x"', "[]", "[[]]", "{}", "2025-02-28", '"2025"', "0.1", "5.5", "1_0", "99999",
]  # fmt: skip


def table_of(path: Path) -> Rows:
    """The rows of a CSV, header first."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return list(csv.reader(file.read().replace("\x00", "").splitlines(keepends=True)))


# --- tables -----------------------------------------------------------------------------------


def _cells(rows: Rows, rng: random.Random) -> None:
    column = rng.randrange(max(1, len(rows[0]))) if rng.random() < 0.6 else None
    for _ in range(rng.choice([1, 1, 3, 20])):
        row = rows[rng.randrange(min(1, len(rows) - 1), len(rows))]
        if row:
            row[rng.randrange(len(row)) if column is None else min(column, len(row) - 1)] = (
                rng.choice(ODD)
            )


def _whole_column(rows: Rows, rng: random.Random) -> None:
    at, value = rng.randrange(max(1, len(rows[0]))), rng.choice(ODD)
    for row in rows[1:]:
        if at < len(row):
            row[at] = value


def _drop(rows: Rows, rng: random.Random) -> None:
    at = rng.randrange(max(1, len(rows[0])))
    for row in rows:
        del row[at : at + 1]


def _rename(rows: Rows, rng: random.Random) -> None:
    if rows[0]:
        rows[0][rng.randrange(len(rows[0]))] = rng.choice([*HEADS, *rows[0]])


def _twice(rows: Rows, rng: random.Random) -> None:
    at = rng.randrange(max(1, len(rows[0])))
    for row in rows:
        row.extend(row[at : at + 1])


def _swap(rows: Rows, rng: random.Random) -> None:
    if len(rows[0]) > 1:
        a, b = rng.sample(range(len(rows[0])), 2)
        rows[0][a], rows[0][b] = rows[0][b], rows[0][a]


def _ragged(rows: Rows, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 5])):
        row = rows[rng.randrange(len(rows))]
        row[:] = row[: rng.randrange(len(row) + 1)] if rng.random() < 0.5 else [*row, "x", ""]


def _some_rows(rows: Rows, rng: random.Random) -> None:
    keep = rng.choice([0, 0, 1, 2, 5])
    body = rows[1:]
    rng.shuffle(body)
    rows[1:] = body[:keep]


def _again(rows: Rows, rng: random.Random) -> None:
    if len(rows) > 1:
        rows.extend([list(rng.choice(rows[1:])) for _ in range(rng.choice([1, 10]))])
    rng.shuffle(rows[1:])


def _above_and_below(rows: Rows, rng: random.Random) -> None:
    wide = len(rows[0])
    above: Rows = [["某市2025年病案"] + [""] * (wide - 1), [""] * wide, []]
    rows[:0] = above[: rng.randrange(4)]
    below: Rows = [["合计"] + ["1"] * (wide - 1), ["注：本表"] + [""] * (wide - 1)]
    rows.extend(below[: rng.randrange(3)])


def _no_header(rows: Rows, _rng: random.Random) -> None:
    del rows[:1]


TABLE: list[Callable[[Rows, random.Random], None]] = [
    _cells, _cells, _cells, _cells, _whole_column, _whole_column, _drop, _rename, _twice, _swap,
    _ragged, _some_rows, _again, _above_and_below, _no_header,
]  # fmt: skip


def as_csv(rows: Rows, path: Path, rng: random.Random) -> None:
    """Written as CSV of some encoding, separator and line ending."""
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=rng.choice(",,,,;\t"), lineterminator=rng.choice(["\n", "\r\n", "\r"]),
        quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), escapechar="\\",
    )  # fmt: skip
    writer.writerows(rows)
    encoding = rng.choice(["utf-8"] * 4 + ["utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
    path.write_bytes(text.getvalue().encode(encoding, "replace"))


def _typed(text: str, rng: random.Random) -> object:
    if rng.random() < 0.3 and re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]+)?", text):
        return float(text)
    if rng.random() < 0.3 and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        try:
            return dt.datetime.fromisoformat(text)
        except ValueError:
            return text
    return text


def as_xlsx(rows: Rows, path: Path, rng: random.Random) -> None:
    """Written as a workbook, with typed cells among the texts."""
    book = xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet()
    odd = rng.random() < 0.3
    for y, row in enumerate(rows):
        for x, text in enumerate(row):
            value = _typed(text, rng)
            if odd and rng.random() < 0.01:
                sheet.write_formula(y, x, "=1/0", None, rng.choice(["#DIV/0!", "#N/A", 3]))
            elif odd and rng.random() < 0.01:
                sheet.write_boolean(y, x, True)
            elif isinstance(value, dt.datetime):
                sheet.write_datetime(y, x, value, day)
            elif isinstance(value, float):
                sheet.write_number(y, x, value)
            else:
                sheet.write_string(y, x, str(value)[:32_000])
    if rng.random() < 0.2 and len(rows) > 3:
        sheet.merge_range(0, 0, 1, 1, "合并")
    if rng.random() < 0.2:
        book.add_worksheet("说明").write_string(0, 0, "x")
    book.close()


_TYPES: dict[str, tuple[list[object], pa.DataType]] = {
    "decimal": ([Decimal("5000.50"), Decimal("-0.01")], pa.decimal128(38, 2)),
    "wide decimal": ([Decimal(10) ** 60], pa.decimal256(76, 0)),
    "uint64": ([(1 << 64) - 1, 5], pa.uint64()), "half": ([np.float16(1.5)], pa.float16()),
    "bool": ([True, False], pa.bool_()), "large text": (["1", "I50.900"], pa.large_string()),
    "zoned": ([dt.datetime(2025, 3, 1, 23)], pa.timestamp("ns", "Asia/Shanghai")),
    "moment": ([dt.datetime(2025, 3, 1)], pa.timestamp("s")),
    "time": ([dt.time(9)], pa.time32("s")),
    "long": ([dt.timedelta(days=3)], pa.duration("us")), "view": (["x" * 20], pa.string_view()),
    "large list": ([["I50.900"], []], pa.large_list(pa.string())),
    "struct": ([{"a": 1}], pa.struct([("a", pa.int8())])),
    "map": ([[("a", 1)]], pa.map_(pa.string(), pa.int8())), "lists": ([[[1]]], pa.list_(pa.list_(
        pa.int8()))), "fixed": ([b"ab"], pa.binary(2)), "nan": ([float("nan"), float("inf")],
                                                                 pa.float64()),
}  # fmt: skip


def as_parquet(rows: Rows, path: Path, rng: random.Random) -> None:
    """Written as Parquet, some columns of another type."""
    kinds = ["", "", "", "", "number", "null", "dictionary", "bytes", "list", "day", *_TYPES]
    wide = max(map(len, rows), default=0)
    head = (rows[0] if rows else []) + [f"c{i}" for i in range(wide)]
    arrays, body = [], [row + [""] * (wide - len(row)) for row in rows[1:]]
    for x in range(wide):
        texts = [row[x].encode("utf-8", "replace").decode() for row in body]
        array = pa.array(texts, pa.string())
        kind = rng.choice(kinds)
        if kind == "number":
            array = pa.array([float(t) if re.fullmatch(r"[0-9.]{1,9}", t) and t.count(".") < 2
                              and t != "." else None for t in texts], pa.float64())  # fmt: skip
        elif kind == "null":
            array = pa.nulls(len(texts))
        elif kind == "dictionary":
            array = array.dictionary_encode()
        elif kind == "bytes":
            array = array.cast(pa.binary())
        elif kind == "list":
            array = pa.array([t.split("|") if t else None for t in texts], pa.list_(pa.string()))
        elif kind == "day":
            array = pa.array([rng.choice([None, 0, 20_089, -800_000]) for _ in texts], pa.date32())
        elif kind in _TYPES:
            one, kept = _TYPES[kind]
            array = pa.array([rng.choice([None, *one]) for _ in texts], kept)
        arrays.append(array)
    names = [name.encode("utf-8", "replace").decode() for name in head[:wide]]
    pq.write_table(pa.Table.from_arrays(arrays, names), path)


WRITERS = {".csv": as_csv, ".xlsx": as_xlsx, ".parquet": as_parquet}


# the others take long to make and to refuse; tests/tables/test_workbook_door.py has them all
_BROKEN = sorted(SPOILT.keys() - {"spaces", "spaces in strings", "cells", "one text often",
                                  "nested", "many parts"})  # fmt: skip


def broken(name: str, world: Path) -> Path:
    """A workbook that is made to break its reader, kept in the world once it is made."""
    place = world / "broken"
    place.mkdir(exist_ok=True)
    kept = place / f"{name}.xlsx"
    if not kept.exists():
        SPOILT[name][0](part := place / f"{os.getpid()}.xlsx")
        part.replace(kept)
    return kept


def spoil_table(source: Path, folder: Path, rng: random.Random, *, spoilt: bool) -> Path:
    """A copy of a CSV in some format, spoilt in one or more ways.

    Args:
        source: a good CSV.
        folder: where the copy goes.
        rng: what is drawn.
        spoilt: whether anything is wrong with it besides its format.
    """
    rows = table_of(source)
    for _ in range(rng.choice([1, 1, 1, 2, 4]) if spoilt else 0):
        if not rows:
            break
        rng.choice(TABLE)(rows, rng)
    ending = rng.choice([".csv", ".csv", ".xlsx", ".parquet"])
    if not spoilt and rng.random() < 0.8:
        return Path(shutil.copy(source, folder / source.name))
    path = folder / f"{source.stem}{ending}"
    if spoilt and ending == ".xlsx" and rng.random() < 0.2:
        return Path(shutil.copy(broken(rng.choice(_BROKEN), source.parent), path))
    WRITERS[ending](rows, path, rng)
    if spoilt and rng.random() < 0.15:
        spoil_bytes(path, rng)
    return path


# --- bytes and documents ----------------------------------------------------------------------


def spoil_bytes(path: Path, rng: random.Random) -> None:
    """Flip, cut, insert, repeat or blank bytes of a file."""
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 1, 3, 10])):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0 if data:
                data[min(at, len(data) - 1)] ^= 1 << rng.randrange(8)
            case 1:
                del data[at:]
            case 2:
                data[at:at] = rng.choice(
                    [b"\x00", b"\xff\xfe", b'"', b"\n", b"\x81\x30", b"PK\x03\x04", b"\xed\xa0\x80"]
                )
            case 3:
                data[at:at] = data[at : at + rng.randrange(1, 200)]
            case 4:
                del data[at : at + rng.randrange(1, 50)]
            case _ if rng.random() < 0.2:
                data.clear()
    path.write_bytes(data)


def spoil_document(path: Path, rng: random.Random) -> None:
    """Spoil a TOML or JSON document: figures, keys, lines, depth, bytes."""
    text = path.read_text("utf-8", errors="replace")
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        text = _spoil_text(text, rng, path.suffix)
    path.write_text(text, "utf-8", errors="replace")
    if rng.random() < 0.1:
        spoil_bytes(path, rng)


def _spoil_text(text: str, rng: random.Random, ending: str) -> str:
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    match rng.randrange(10):
        case 0 | 1 | 2:
            return _one(text, r"(?<=[=\[,: ])-?[0-9][0-9_]*(\.[0-9]+)?", rng.choice(NUMBERS), rng)
        case 3:
            value = rng.choice([*NUMBERS, '"zz"', '"../x"', '"\\u0000"'])
            return _one(text, r'"[^"\n]*"', value, rng)
        case 4:
            del lines[at]
        case 5:
            lines.insert(rng.randrange(len(lines)), lines[at])
        case 6:
            return _one(text, r"(?m)^[A-Za-z_.\[]+", rng.choice(["zz", "id", "[x", "extends"]), rng)
        case 7:
            deep = "[" * rng.choice([3, 50, 5_000]) + "]" * rng.choice([3, 50, 5_000])
            lines[at] = lines[at].partition("=")[0] + "= " + deep
            if ending == ".json":
                return deep
        case 8:
            lines[at] = lines[at].partition("=")[0] + "= " + rng.choice(NUMBERS)
        case _:
            return json.dumps(rng.choice([None, [], {}, "x", 1e308, {"a": []}])) + (
                text if rng.random() < 0.3 else ""
            )
    return "\n".join(lines)


def _one(text: str, pattern: str, value: str, rng: random.Random) -> str:
    found = list(re.finditer(pattern, text))
    if not found:
        return text
    hit = rng.choice(found)
    return text[: hit.start()] + value + text[hit.end() :]


def spoil_folder(folder: Path, rng: random.Random) -> None:
    """Spoil one file of a folder, or take it away."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    if not files:
        return
    path = rng.choice(files)
    if rng.random() < 0.1:
        path.unlink()
    elif path.suffix in (".toml", ".json", ".jsonl") and rng.random() < 0.8:
        spoil_document(path, rng)
    elif path.suffix == ".csv" and rng.random() < 0.85:
        rows = table_of(path)
        if rows:
            rng.choice(TABLE)(rows, rng)
        as_csv(rows, path, rng)
    else:
        spoil_bytes(path, rng)
