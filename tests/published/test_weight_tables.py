"""What regions published of their weights, and what the program's own tables say."""

from __future__ import annotations

import csv
import tomllib
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pytest

import weights
from drg.errors import DrgError
from grouper import load_scheme

FOLDER = Path(weights.__file__).parent / "published"
SOURCES = tomllib.loads((FOLDER / "sources.toml").read_text(encoding="utf-8"))
COUNTS = {
    "changzhi": (740, 722),
    "huaibei-2025": (626, 156),
    "lanzhou-2023": (794, 772),
    "linfen-2022": (666, 666),
    "luan-2025": (655, 655),
    "qingdao-2023": (682, 682),
    "tongchuan-2022": (628, 596),
}


def rows(name):
    """The rows of a shipped table as texts, every digit as it stands."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_all_are_listed_and_shipped():
    assert tuple(t.id for t in weights.published()) == tuple(sorted(COUNTS)) == tuple(SOURCES)
    assert {path.stem for path in FOLDER.glob("*.csv")} == set(COUNTS)
    for table in weights.published():
        about = SOURCES[table.id]
        assert table.source == about["source"]
        assert "医疗保障局" in table.source
        assert about["year"] in table.id or about["year"] == "not known"
        assert "title and number" in about["not_known"] or "title, number" in about["not_known"]
    assert callable(weights.published)  # no package of that name hides it


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name):
    table = weights.load(name)
    (listed,) = (t for t in weights.published() if t.id == name)
    assert (len(table), len(table.weights)) == COUNTS[name] == (listed.groups, listed.weights)
    assert [table.id, table.record["id"]] == [name, name]
    assert table.record["title_en"] == listed.title_en
    assert listed.source in table.audit()
    assert (table.weights > 0).all()
    assert table.frame["name"].all()


@pytest.mark.parametrize("name", COUNTS)
def test_every_digit_is_read(name):
    table = weights.load(name)
    for row, weight in zip(rows(name), table.frame["weight"], strict=True):
        assert row["weight"] == ("" if np.isnan(weight) else repr(weight)), row


@pytest.mark.parametrize(
    ("name", "group", "weight"),
    [
        ("changzhi", "ZJ15", 2.576596),
        ("changzhi", "DT15", 0.158844),
        ("huaibei-2025", "AH29", 10.585),
        ("lanzhou-2023", "ZZ11", 0.8014),
        ("lanzhou-2023", "AB19", 1.0),
        ("linfen-2022", "AB19", 18.5242),
        ("linfen-2022", "OQY", 0.4552),
        ("linfen-2022", "LJ11", 0.8811),
        ("luan-2025", "0000", 0.2665),
        ("luan-2025", "000P", 0.7169),
        ("qingdao-2023", "AF19", 55.43719841),
        ("tongchuan-2022", "ZJ15", 3.8201),
    ],
)
def test_weights_as_published(name, group, weight):
    """The health security administration's own figures; sources in weights/published."""
    assert weights.load(name).by_group()[group] == weight


@pytest.mark.parametrize("given", ["qingdao", "qingdao-2023", "Qingdao", " luan ", "changzhi"])
def test_ids_with_and_without_the_year(given):
    assert weights.load(given).id.startswith(given.strip().lower())


@pytest.mark.parametrize("given", ["", "paris", "qingdao-2022", "2023", "qing", "../t"])
def test_an_unknown_id(given):
    with pytest.raises(DrgError, match=r"no such published weight table: .* expected one of "
                       r"changzhi, huaibei-2025, lanzhou-2023, .*tongchuan-2022"):  # fmt: skip
        weights.load(given)


# What the tables hold besides


def test_qingdao_s_payment_standards_to_the_cent():
    """12,000 yuan x coefficient of the class x weight (青岛市 2023), 682 groups x 4 classes."""
    cent = Decimal("0.01")
    coefficients = {"tier1": "0.58", "tier2": "0.80", "tier3": "1.00", "tier3_a_plus": "1.10"}
    off = [
        (row["drg"], tier)
        for row in rows("qingdao-2023")
        for tier, k in coefficients.items()
        if (12_000 * Decimal(k) * Decimal(row["weight"])).quantize(cent, ROUND_HALF_UP)
        != Decimal(row[f"standard_{tier}"]).quantize(cent, ROUND_HALF_UP)
    ]
    assert off == []
    assert len(rows("qingdao-2023")) * len(coefficients) == 2728


def test_tongchuan_s_payment_standards_to_the_cent():
    """7,126.63 yuan for employees and 6,956.38 for residents a unit of weight (铜川市 2022)."""
    for row in rows("tongchuan-2022"):
        for insurance, rate in (("employee", "7126.63"), ("resident", "6956.38")):
            standard = row[f"standard_{insurance}"]
            assert bool(standard) == bool(row["weight"])
            if standard:
                exact = Decimal(rate) * Decimal(row["weight"])
                assert abs(exact - Decimal(standard)) < Decimal("0.005"), row


def test_huaibei_s_weights_are_one_hospital_s():
    held = [row for row in rows("huaibei-2025") if row["weight"]]
    half = 0.00005
    pairs = [(float(row["mean_cost_hospital_a"]), float(row["weight"])) for row in held]
    bounds = [(cost / (weight + half), cost / (weight - half)) for cost, weight in pairs]
    low, high = max(low for low, _ in bounds), min(high for _, high in bounds)
    assert 4774.2585 < low < high < 4774.2620
    assert [row["drg"] for row in rows("huaibei-2025")
            if bool(row["weight"]) != bool(row["mean_cost_hospital_a"])] == []  # fmt: skip


def test_kinds_of_groups():
    kinds = {name: weights.load(name).frame for name in ("changzhi", "lanzhou-2023", "linfen-2022")}
    found = {name: frame["group_type"].value_counts().to_dict() for name, frame in kinds.items()}
    assert found == {
        "changzhi": {"": 640, "incentive": 50, "tiered_care": 18,
                     "watched_with_complication": 18, "watched_without_complication": 14},
        "lanzhou-2023": {"ordinary": 555, "unstable": 182, "basic": 35, "not_covered": 22},
        "linfen-2022": {"": 655, "tiered_care": 11},
    }  # fmt: skip
    changzhi = kinds["changzhi"]
    watched = changzhi[changzhi["group_type"] == "watched_with_complication"]["drg"].str[:3]
    plain = changzhi[changzhi["group_type"] == "watched_without_complication"]["drg"].str[:3]
    assert set(watched) == set(plain)
    lanzhou = kinds["lanzhou-2023"]
    assert lanzhou[lanzhou["weight"].isna()]["group_type"].unique().tolist() == ["not_covered"]
    ones = lanzhou[lanzhou["weight"] == 1.0]
    assert ones[ones["group_type"] != "unstable"]["drg"].tolist() == ["IJ15"]
    assert (lanzhou[lanzhou["group_type"] == "unstable"]["weight"] == 1.0).all()
    luan = weights.load("luan-2025").frame
    assert (luan["weight"] == 1.0).sum() == 22


@pytest.mark.parametrize(
    ("name", "scheme", "without_weight"),
    [
        ("lanzhou-2023", "lanzhou-2023", set()),
        ("linfen-2022", "linfen-2022", set()),
        ("tongchuan-2022", "chs-drg-1.1", set()),
        ("qingdao-2023", "qingdao-2023", {"AD1", "NG1", "PJ1", "RA4"}),
    ],
)
def test_groups_are_those_of_the_schemes(name, scheme, without_weight):
    """Four ADRGs of Qingdao's scheme have no DRG, so no weight."""
    codes = {drg.code for drg in load_scheme(scheme).drgs}
    assert codes - set(weights.load(name).frame["drg"]) == without_weight
    assert set(weights.load(name).frame["drg"]) <= codes


# The shared material from which the tables were restated

WORDS = {
    "普通病组": "ordinary", "不稳定病组": "unstable", "基础病组": "basic",
    "未覆盖组": "not_covered", "分级诊疗": "tiered_care",
}  # fmt: skip
COLUMNS = {
    "tag": "group_type",
    **{f"hospital_{h}_mean_cost": f"mean_cost_hospital_{h}" for h in "abc"},
}


@pytest.mark.parametrize("name", COUNTS)
def test_shipped_tables_equal_the_facts(shared, name):
    (path,) = (shared / "facts/regions").glob(f"{name}_weights*.tsv")
    with path.open(encoding="utf-8", newline="") as stream:
        facts = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    corrected = SOURCES[name].get("corrections", {})
    wanted = [
        {COLUMNS.get(key, key): WORDS.get(cell, cell) for key, cell in row.items()}
        | {"drg": corrected.get(row["drg"], row["drg"])}
        for row in facts
    ]
    assert rows(name) == wanted
    assert sum(row["drg"] in corrected for row in facts) == len(corrected)
