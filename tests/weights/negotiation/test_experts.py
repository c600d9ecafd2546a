"""The roster: headers, encodings, rows that cannot be used, and its hash."""

import random
from pathlib import Path

import pandas as pd
import pytest

from drg.errors import DrgError
from drg.negotiate.rehearsal.roster import roster, roster_csv
from weights.negotiation.experts.roster import HEADERS, Roster, read_roster

SAMPLES = Path(__file__).parents[3] / "data_samples"
CHINESE = ("专家编号", "姓名", "医疗机构代码", "级别", "区县", "专业", "MDC", "表决权重", "在库")
ROWS = [
    ("E1", "甲", "H1", "三级", "市区", "心内科", "F", "1.5", "是"),
    ("E2", "乙", "H1", "3", "市区", "全科", "全部", "", ""),
    ("E3", "丙", "H2", "二", "东县", "外科", "MDCG、H", "1", "否"),
]


def frame(rows: list[tuple[str, ...]] = ROWS, columns: tuple[str, ...] = CHINESE) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns))


def write(path: Path, table: pd.DataFrame, encoding: str = "utf-8") -> Path:
    if path.suffix == ".xlsx":
        table.to_excel(path, index=False)
    else:
        table.to_csv(path, index=False, encoding=encoding)
    return path


@pytest.mark.parametrize("columns", [CHINESE, tuple(HEADERS)])
@pytest.mark.parametrize("name", ["utf-8", "utf-8-sig", "gb18030", "xlsx"])
def test_every_form_reads_the_same(tmp_path: Path, columns: tuple[str, ...], name: str) -> None:
    path = tmp_path / ("r.xlsx" if name == "xlsx" else "r.csv")
    write(path, frame(columns=columns), "utf-8" if name == "xlsx" else name)
    found, rejects = read_roster(path)
    assert rejects.empty
    first, second, third = found.experts
    assert (first.tier, first.mdcs, first.vote_weight, first.active) == (3, ("F",), 1.5, True)
    assert (second.mdcs, second.vote_weight) == (("*",), 1.0)
    assert second.covers("Q")
    assert (third.tier, third.mdcs, third.active) == (2, ("G", "H"), False)
    assert found.sha256 == read_roster(frame())[0].sha256


def test_defaults_of_columns_that_are_not_there() -> None:
    found, _ = read_roster(frame()[["专家编号", "医疗机构代码", "级别", "MDC"]])
    assert (found["E1"].name, found["E1"].vote_weight, found["E1"].active) == ("E1", 1.0, True)


def test_bad_rows_are_listed_and_good_ones_go_on(tmp_path: Path) -> None:
    bad = [
        ("", "丁", "H2", "2", "", "", "F", "", ""),
        ("E5", "丁", "", "2", "", "", "F", "", ""),
        ("E6", "丁", "H2", "四级", "", "", "F", "", ""),
        ("E7", "丁", "H2", "2", "", "", "F&", "", ""),
        ("E8", "丁", "H2", "2", "", "", "", "", ""),
        ("E9", "丁", "H2", "2", "", "", "F", "0", ""),
        ("E10", "丁", "H2", "2", "", "", "F", "1", "maybe"),
        ("E1", "另", "H1", "3", "", "", "F", "", ""),
        ("E2", *ROWS[1][1:]),
        ("E11", "戊", "H1", "2", "", "", "F", "", ""),
    ]
    found, rejects = read_roster(write(tmp_path / "r.csv", frame([*ROWS, *bad])))
    assert [e.expert_id for e in found.experts] == ["E2", "E3"]
    assert list(zip(rejects["row"], rejects["column"], strict=True)) == [
        (2, "expert_id"), (5, "expert_id"), (6, "hospital_id"), (7, "tier"), (8, "mdcs"),
        (9, "mdcs"), (10, "vote_weight"), (11, "active"), (12, "expert_id"), (13, "expert_id"),
        (14, "tier"),
    ]  # fmt: skip
    assert rejects["reason"].iloc[9] == "repeats row 3"


def test_malformed_rows_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("expert_id,hospital_id,tier,mdcs\nE1,H1,3,F\nE2,H1\nE3,H1,3,F\n", "utf-8")
    found, rejects = read_roster(path)
    assert (len(found), rejects["row"].tolist()) == (2, [3])


def test_errors_say_what_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", frame().drop(columns="级别"))
    with pytest.raises(DrgError, match=r"r\.csv: no column 'tier'.*级别"):
        read_roster(path)
    path = write(tmp_path / "r.csv", frame([("E1", "", "H1", "9", "", "", "F", "", "")]))
    with pytest.raises(DrgError, match=r"r\.csv: no expert .* row 2: tier: not a tier.*'9'"):
        read_roster(path)


def test_an_expert_twice_is_refused() -> None:
    expert = read_roster(frame())[0].experts[0]
    with pytest.raises(DrgError, match="stands twice"):
        Roster((expert, expert))


def test_the_hash_knows_content_and_not_order() -> None:
    rows = list(ROWS)
    random.Random(1).shuffle(rows)
    digest = read_roster(frame())[0].sha256
    assert read_roster(frame(rows))[0].sha256 == digest
    assert read_roster(frame([*ROWS[:2], (*ROWS[2][:-1], "是")]))[0].sha256 != digest


def test_a_roster_reads_back_from_its_own_table(tmp_path: Path) -> None:
    found, _ = read_roster(SAMPLES / "negotiation" / "roster.csv")
    assert read_roster(found.frame())[0] == found
    assert read_roster(write(tmp_path / "r.xlsx", found.frame()))[0].sha256 == found.sha256


def test_the_rehearsal_roster_is_made_again_byte_for_byte() -> None:
    hospitals = pd.read_csv(SAMPLES / "region-small" / "hospitals.csv")
    path = SAMPLES / "negotiation" / "roster.csv"
    assert path.read_bytes() == roster_csv(hospitals).encode("utf-8")
    found, rejects = read_roster(path)
    assert (len(found), len(rejects)) == (450, 0)
    assert {m for e in found.experts for m in e.mdcs} == set("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert {e.tier for e in found.experts} == {1, 2, 3}
    assert {e.county for e in found.experts} == set(hospitals["county"])
    assert len({e.name for e in found.experts}) == 450


def test_a_rehearsal_roster_of_any_region() -> None:
    hospitals = pd.DataFrame({"hospital_id": ["H1"], "tier": [2], "county": ["甲县"],
                              "beds": [100], "specialty": ["psychiatric"]})  # fmt: skip
    assert len(roster(hospitals, 1)) == 450
    assert not roster(hospitals, 1).equals(roster(hospitals, 2))


def test_one_person_or_hospital_in_two_spellings_is_one():
    rows = [("Ｅ１", *ROWS[0][1:]), ("e1", *ROWS[1][1:]),
            ("E3", "丙", "ｈ２", "二", "东县", "外科", "G", "1", "是"),
            ("E4", "丁", "市第二医院", "二", "东县", "外科", "G", "1", "是")]  # fmt: skip
    found, rejects = read_roster(frame(rows))
    assert list(rejects["value"]) == ["E1", "e1"]
    at = found.at({"H2": "市第二医院"})
    assert [one.hospital_id for one in at.experts] == ["H2", "H2"]
