"""The shipped scheme as a workbook, imported again: the same groups for every case."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
import pytest

from grouper import Grouper, load_scheme
from grouper.importer import export_workbook, import_tables
from grouper.importer.export import read_marks
from grouper.importer.tables import Mark
from grouper.scheme.model import Scheme
from tests.importer.book import small_book, write_book, write_folder
from tests.once import once

OLD = "chs-drg-1.1"
LABELLED = Path(__file__).parents[1] / f"data/labelled-{OLD}.csv"
RESULTS = ["mdc", "adrg", "drg", "severity", "status", "reason"]


def same(left: Scheme, right: Scheme) -> bool:
    """Equal but for the header; a code twice in one list counts once."""
    lists = [{key: set(codes) for key, codes in s.lists.items()} for s in (left, right)]
    parts = ("mdcs", "adrgs", "drgs", "mcc", "cc", "exclusion", "trauma_sites",
             "grouping_procedures", "diagnosis_names", "procedure_names")  # fmt: skip
    return lists[0] == lists[1] and all(getattr(left, p) == getattr(right, p) for p in parts)


def _round(folder: Path) -> None:
    rows = export_workbook(load_scheme(OLD), folder / "scheme.xlsx")
    assert rows["DRG列表"] == 628
    assert sum(rows.values()) > 100_000
    done = import_tables(folder / "scheme.xlsx", folder / "pack")
    assert done.written, done.text
    assert not done.of("error")


@pytest.fixture(scope="module")
def again():
    return once("scheme-round", _round) / "pack"


def test_the_scheme_is_the_same(again):
    shipped, imported = load_scheme(OLD), load_scheme(again)
    assert same(shipped, imported)
    assert shipped.header == imported.header


def test_labelled_cases_get_their_groups(again):
    cases = pd.read_csv(LABELLED, dtype=str, keep_default_na=False)
    found = Grouper(again).group(cases)
    assert list(found["drg"]) == list(cases["drg"])


def test_random_cases_get_the_same_groups(again):
    rng = random.Random(20)
    grouper = Grouper(OLD)
    scheme = grouper.compiled
    listed = load_scheme(OLD)
    principal = [c for (_, n), codes in listed.lists.items() if n[0] in "MD" for c in codes]
    operations = [c for (_, n), codes in listed.lists.items() if n[0] == "P" for c in codes]
    others = [*listed.mcc, *listed.cc, *scheme.diagnoses[::50]]

    def case() -> tuple[str, ...]:
        days = rng.choice(["", "", "1", "28", "29"])
        diagnoses = [rng.choice(principal), *rng.choices(others, k=rng.randint(0, 4))]
        procedures = rng.choices(operations, k=rng.randint(0, 3))
        age = "0" if days else str(rng.randint(0, 90))
        weight = rng.choice(["", "1499", "1500", "2000", "2500"])
        return rng.choice("12"), age, days, weight, "|".join(diagnoses), "|".join(procedures)

    names = ["sex", "age", "age_days", "birth_weight", "diagnoses", "procedures"]
    cases = pd.DataFrame([case() for _ in range(20_000)], columns=names)
    left, right = grouper.group(cases)[RESULTS], Grouper(again).group(cases)[RESULTS]
    assert left.equals(right)
    assert left["drg"].nunique() > 400


def test_small_book_there_and_back(tmp_path):
    source = write_book(small_book(), tmp_path / "b.xlsx")
    assert import_tables(source, tmp_path / "one").written
    marks = read_marks(tmp_path / "one")
    assert marks == [Mark("EB1", "adrg", "达芬奇", ""), Mark("YR19", "drg", "", "试行")]
    export_workbook(load_scheme(tmp_path / "one"), tmp_path / "c.xlsx", marks)
    again = import_tables(tmp_path / "c.xlsx", tmp_path / "two")
    assert again.written
    for name in ("scheme.toml", "mdc.csv", "adrg.csv", "drg.csv", "diagnoses.csv",
                 "procedures.csv", "marks.csv"):  # fmt: skip
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_folder_of_tables_is_the_same_as_a_workbook(tmp_path):
    book = small_book()
    import_tables(write_book(book, tmp_path / "b.xlsx"), tmp_path / "one")
    done = import_tables(write_folder(book, tmp_path / "tables"), tmp_path / "two")
    assert done.written, done.text
    assert same(load_scheme(tmp_path / "one"), load_scheme(tmp_path / "two"))


def test_official_tables_without_rules(shared, tmp_path):
    done = import_tables(shared / "facts/chs-drg-1.1", tmp_path / "pack")
    assert done.written, done.text
    pack = load_scheme(tmp_path / "pack")
    assert (len(pack.mdcs), len(pack.adrgs), len(pack.drgs)) == (26, 376, 628)


def test_two_exports_are_equal(tmp_path):
    write_book(small_book(), tmp_path / "b.xlsx")
    import_tables(tmp_path / "b.xlsx", tmp_path / "p")
    for name in ("1.xlsx", "2.xlsx"):
        export_workbook(load_scheme(tmp_path / "p"), tmp_path / name)
    assert (tmp_path / "1.xlsx").read_bytes() == (tmp_path / "2.xlsx").read_bytes()
