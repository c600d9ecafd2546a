"""A person planted in every free text of every command: found in person-level files alone."""

from __future__ import annotations

import csv
import gzip
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.fuzz.commands import COMMANDS
from tests.fuzz.run import call
from tests.fuzz.world import make
from tests.once import once

NAME, IDENTITY, MOBILE = "王小二", "110101199003077715", "13812345678"
SAID = f"{NAME} {IDENTITY} {MOBILE}"
GOOD = {"n": "2", "dialect": "canonical", "format": "csv", "explain": "json", "trim": "ratio",
        "scheme": "chs-drg-2.0", "policy": "national-default", "method": "mean", "of": "accepted",
        "objective": "closest", "stage": "settle", "ending": ".xlsx", "odd": SAID}  # fmt: skip
# Cells of these columns, and columns that no header is known for; in all rows or in the third.
CASES = ("cases.csv", "grouped.csv", "came.csv")
EVERY_ROW, EXTRA = ("patient_id", "department"), ("姓名", "联系电话", "备注")
TEXTS = {"hospitals.csv": ("hospital_name", "county"), "weights.csv": ("name", "status"),
         "roster.csv": ("name",), "grey.csv": ("name",), "votes.csv": ("说明",),
         "proposals.csv": ("理由", "依据"), "items.csv": ("集采批次", "品种"),
         "bills.csv": ("item", "category"), "deduction-07.csv": ("违规规则", "申诉结果"),
         "review-10.csv": ("申请理由", "评审结论"), "spend.csv": ("area",)}  # fmt: skip
SPOILT = ("insurance", "sex", "discharge_mode", "diagnoses", "total_cost", "hospital_id")
WRITTEN = re.compile(
    r'^((?:name|title|source|notes?|description|reason|document)\s*=\s*")', re.MULTILINE
)
PERSON_LEVEL = re.compile(
    r"(.*\.)?(rejects|unmapped|codes|trimmed|findings)\.csv|cases(-\w+)?\.(csv|parquet)|hang\.csv"
    r"|out\.(csv|xlsx|parquet)"
)


@pytest.fixture(scope="module")
def world() -> Path:
    return once("fuzz-world", make)


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


def _plant(path: Path) -> str:
    """Put the person into a file; where, for messages."""
    if path.is_dir():
        return "".join(_plant(one) for one in path.glob("scheme.toml"))
    if path.suffix == ".toml":
        text, count = WRITTEN.subn(rf"\g<1>{SAID} ", path.read_text("utf-8"))
        path.write_text(text, "utf-8")
        return f"{count} texts" if count else ""
    if path.suffix != ".csv":
        return ""
    rows = _rows(path)
    places = [(2, name) for name in TEXTS.get(path.name, ()) if name in rows[0]]
    if path.name in CASES:
        places += [(i, name) for name in EVERY_ROW for i in range(1, len(rows))]
        places += [(i, name) for i, name in enumerate(SPOILT, 5)]
    for i, name in places:
        place = rows[0].index(name)
        said = IDENTITY if name == "hospital_id" else SAID  # an id is shown, its numbers masked
        rows[i][place] = f"{rows[i][place]}|{said}" if name == "diagnoses" else said
    if path.name in CASES:
        rows = [[*rows[0], *EXTRA], *([*row, *[SAID] * len(EXTRA)] for row in rows[1:])]
    if places:
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(rows)
    return f"{len(places)} cells" if places else ""


def _text(path: Path) -> str:
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data[:2] != b"PK":
        return data.decode("utf-8", "replace")
    with zipfile.ZipFile(path) as book:
        return "\n".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())


def _runs() -> list[tuple[str, str]]:
    """Each command with all that it may be given, and each file that may hold a person."""
    found = []
    for _, words in COMMANDS:
        whole = words.replace("[", "").replace("]", "")
        files = re.findall(r"\{@?([\w.-]+\.\w+|tiny-pack)\}", whole)
        if words.startswith("policy search"):  # which is long, and reads cases as `project` does
            files = [one for one in files if one not in CASES]
        options = ["{odd}"] if "{odd}" in whole else []
        found += [(whole, one) for one in dict.fromkeys([*files, *options])]
    return found


@pytest.mark.parametrize(("words", "file"), _runs())
def test_planted_person(words: str, file: str, world: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    shutil.copytree(world, folder)
    shutil.copy(folder / "national-default.toml", folder / "policy.toml")
    if file != "{odd}" and not _plant(folder / file):
        pytest.skip("no free text in it")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    named = {**GOOD, **({} if file == "{odd}" else {"odd": "1"})}
    argv = []
    for word in words.split():
        filled = re.sub(r"\{@?([\w.-]+)\}", lambda m: named.get(m[1], str(folder / m[1])), word)
        argv.append(str(tmp_path / filled[1:]) if filled.startswith(">") else filled)
    status, _, err = call(argv)
    assert status in (0, 1, 2), (argv, status, err)
    for path in tmp_path.rglob("*"):
        if not path.is_file() or PERSON_LEVEL.fullmatch(path.name):
            continue
        if before.get(path) == path.stat().st_mtime_ns:
            continue
        text = _text(path)
        planted = [one for one in (IDENTITY, MOBILE) if one in text]
        if file in CASES and NAME in text:
            planted.append(NAME)
        assert not planted, (path, text[max(0, text.find(planted[0]) - 80) :][:160])
