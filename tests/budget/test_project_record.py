"""What a projection rests on: assumptions with their basis, hashes, names, what does nothing."""

from __future__ import annotations

import hashlib
import json

import pandas as pd
import pytest

from budget.forecast.files import check, project_file
from budget.policy import load_policy
from budget.projection.assumptions import assumptions
from budget.projection.cells import Cells
from budget.projection.equilibrium import reactions
from budget.projection.policy import changed_policy, new_rows
from budget.projection.scenario import BASELINE, load_scenario
from budget.projection.warnings import chinese
from budget.projection.years import project
from drg.errors import DrgError
from drg.language import is_default
from tests.budget.region import HOSPITALS, WEIGHTS, YEAR, many, settled
from weights.table import WeightTable

HEAD = 'id = "mine"\ntitle = "t"\nsource = "meeting of 12 March"\nyears = 3\n'
POLICY = load_policy()


@pytest.fixture
def load(tmp_path):
    def read(text):
        path = tmp_path / "my.toml"
        path.write_text(HEAD + text, encoding="utf-8")
        return load_scenario(path)

    return read


def rows_of(scenario, policy=POLICY):
    rows = assumptions(scenario, policy, YEAR, WeightTable("now", WEIGHTS))
    return {row["key"]: row for row in rows}


# Faults of a scenario's policy, and what it removes


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[change.1.policy.standard.rates.base]\nyuan = -1",
         "change.1.policy.standard.rates.base.yuan: not allowed: found '-1'"),
        ("[change.2.policy.outliers.hihg]\nshare = 1",
         "change.2.policy.outliers.hihg: unknown key, expected one of ratio, low, high"),
        ('[change.2.policy.standard]\nkind = "points"', "change.2.policy.standard.rates: belongs"),
        ('[change.1.policy]\nremove = ["outliers.hihg"]',
         "change.1.policy.remove: removes what is not there: found 'outliers.hihg'"),
        ('[change.1.policy]\nremove = "outliers.high"', "change.1.policy.remove: must be an array"),
        ('[change.1.policy]\nremove = ["a..b"]', "change.1.policy: a..b: no key path"),
        ('[change.1.policy.outliers]\nhihg = "none"',
         "change.1.policy.outliers.hihg: deletes what is not there"),
        ('[change.1.policy]\nremove = ["standard"]', "change.1.policy.standard: is missing"),
        ("[change.1.policy.x]\na = [[1]]", "change.1.policy.x.a: array of mixed"),
        ("[change.1.policy.pools.staff]\ngrowth = 0.02",
         "change.1.policy.pools.staff.basis: is missing, expected one of given, growth "
         "(and 1 more); the policy has: employee, resident"),
        ("[change.1.policy.standard.rates.bse]\nyuan = 8000",
         "change.1.policy.standard.rates.bse: applies to the same cases as 'base', expected "),
    ],
)  # fmt: skip
def test_a_fault_names_the_file_the_year_and_the_key(load, tmp_path, text, line):
    with pytest.raises(DrgError) as wrong:
        check(POLICY, [load(text)])
    assert str(wrong.value).startswith(f"{tmp_path / 'my.toml'}: {line}")


def test_a_misspelt_row_is_told_what_there_is(load):
    with pytest.raises(DrgError, match=r"; the policy has: base$"):
        check(POLICY, [load("[change.1.policy.standard.rates.bse]\nyuan = 8000")])


def test_a_new_row_is_told_beside_those_that_there_are(load):
    """A misspelt row that is complete by itself stands at the end and may meet no case."""
    rules = changed_policy(POLICY, load("[change.1.policy.coefficients.table.tier33]\nk = 1.1"), 1)
    rows = ("tier3", "tier2", "tier1")
    assert [*new_rows(POLICY.tree, rules.tree)] == [(("coefficients", "table", "tier33"), rows)]
    assert chinese(f"a row that the policy does not have; it has {', '.join(rows)}").endswith(
        "已有：tier3, tier2, tier1"
    )


def test_another_encoding_is_told(tmp_path):
    path = tmp_path / "my.toml"
    path.write_bytes((HEAD + "note = '收紧'").encode("gb18030"))
    with pytest.raises(DrgError, match=r"my\.toml: is not UTF-8 but GB18030; save it as UTF-8$"):
        load_scenario(path)


@pytest.mark.parametrize("text", ['[change.2.policy]\nremove = ["outliers.high", "coefficients"]',
                                  '[change.2.policy]\ncoefficients = "none"\n'
                                  '[change.2.policy.outliers]\nhigh = "none"'])  # fmt: skip
def test_what_is_removed_is_gone_from_that_year_on(load, text):
    scenario = load(text)
    assert changed_policy(POLICY, scenario, 1).digest == POLICY.digest
    for year in (2, 3):
        rules = changed_policy(POLICY, scenario, year)
        assert rules.outliers.high is None
        assert rules.coefficients is None
        assert rules.header == POLICY.header
    gone = rows_of(scenario)
    assert set(gone) == {"outliers.high", "coefficients"}
    assert {row["value"] for row in gone.values()} == {"无 | none"}
    assert gone["outliers.high"]["zh"].endswith("·高倍率")
    assert gone["outliers.high"]["before"] == "8项 | 8 values"


def test_another_method_in_place_of_what_is_removed(load):
    scenario = load('[change.1.policy]\nremove = ["standard.rates", "coefficients"]\n'
                    '[change.1.policy.standard]\nkind = "points"\n'
                    "[change.1.policy.standard.points]\nper_weight = 100.0\n")  # fmt: skip
    assert changed_policy(POLICY, scenario, 1).standard.kind == "points"


# Assumptions


def test_a_pool_has_the_chinese_name_of_its_insurance(load):
    rows = rows_of(load("[change.1.policy.pools.employee]\ngrowth = 0.02"))
    assert rows["pools.employee.growth"]["zh"] == "基金池·职工·增长率"
    rows = rows_of(load("[change.1.policy]\nsharing.overrun = [{ value = 0.5 }]"))
    assert rows["sharing.overrun[0].value"]["zh"] == "结余与超支·超支分担·第1段·比例"


def test_assumptions_say_basis_year_and_what_was_before(load):
    rows = rows_of(load(
        "[drivers]\nvolume = 0.02\ncase_mix = 0.0\n"
        '[drivers.groups.cataract]\nadrgs = ["CB3"]\ninput_cost = 0.1\n'
        "[[drivers.flows]]\nfrom_tier = 3\nto_tier = 2\nshare = 0.01\n"
        "[change.1.policy.standard.rates.base]\nyuan = 8000\n"
        '[change.2]\nweights = "changzhi"\n[change.2.policy.standard.rates.base]\nyuan = 8100\n'
        "[behaviour.refusal]\nshare = 0.1\nloss_above = 0.3\n"
    ))  # fmt: skip
    assert set(rows) == {
        "drivers.volume", "drivers.groups.cataract.input_cost", "drivers.flows[0].share",
        "standard.rates.base.yuan", "change.2.weights", "behaviour.refusal.share",
        "behaviour.refusal.loss_above", "behaviour.refusal.weight_above",
    }  # fmt: skip
    assert len({tuple(sorted(set(row) - {"outside"})) for row in rows.values()}) == 1
    volume = rows["drivers.volume"]
    assert (volume["basis"], volume["value"], volume["unit"]) == ("scenario", 0.02, "share a year")
    zh = "支付标准·费率·基准·费率"
    rate = rows["standard.rates.base.yuan"]  # the later one
    assert (rate["year"], rate["before"], rate["value"]) == (YEAR + 2, 8000, 8100)
    assert (rate["basis"], rate["zh"], rate["unit"]) == ("policy", zh, "yuan")
    assert rate["source"] == "meeting of 12 March"
    table = rows["change.2.weights"]
    assert (table["before"], table["value"], table["year"]) == ("now", "changzhi", YEAR + 2)
    refusal = rows["behaviour.refusal.share"]
    assert (refusal["basis"], refusal["low"], refusal["high"]) == ("direction", 0.0, 1.0)
    assert "Jian" in refusal["source"]
    assert rows["behaviour.refusal.loss_above"]["value"] == 0.3


# What does nothing


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[drivers.groups.x]\ngroups = ["ZZ99"]\nvolume = 0.1', "drivers.groups.x"),
        ('[drivers.groups.x]\nall_groups = true\nhospital = "Q"\nvolume = 0.1', "drivers.groups.x"),
        ('[drivers.groups.x]\ncolumn = "no"\nvalues = ["a"]\nvolume = 0.1', "drivers.groups.x"),
        ("[[drivers.flows]]\nfrom_tier = 3\nto_tier = 0\nshare = 0.1", "drivers.flows[0].to_tier"),
        ("[[drivers.flows]]\nfrom_tier = 0\nshare = 0.1", "drivers.flows[0].from_tier"),
        ("[drivers]\ncase_mix = 0.1", "drivers.case_mix"),
        ("[behaviour.coding]\ncreep = 0.01", "behaviour.coding.creep"),
        ("[behaviour.substitution]\nshare = 0.1\nweight_below = 0.1", "behaviour.substitution"),
        ("[behaviour.refusal]\nshare = 0.1\nloss_above = 1.0", "behaviour.refusal"),
        ("[behaviour.intensity]\nfollow = 0.1", "behaviour.intensity.follow"),
    ],
)
def test_what_meets_no_case_is_told(load, text, key):
    scenario = load(text)
    held = project(Cells.of(settled(many(300))), scenario, react=reactions(scenario.behaviour))
    assert list(held.warnings) == [key]


def test_what_meets_cases_is_not(load):
    scenario = load('[drivers.groups.x]\nadrgs = ["BB"]\nvolume = 0.1\n'
                    "[[drivers.flows]]\nfrom_tier = 3\nto_tier = 2\nshare = 0.1\n"
                    "[behaviour.intensity]\nloss = 0.1\nfollow = 0.5\n"
                    "[behaviour.bunching]\nhigh = 0.1\n[behaviour.refusal]\nshare = 0.01\n"
                    "[behaviour.volume]\nmedical = 0.1\nsurgical = 0.1\n")  # fmt: skip
    held = project(Cells.of(settled(many(300))), scenario, react=reactions(scenario.behaviour))
    assert held.warnings == {}


# The record and the names


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("region")
    many(500).to_csv(folder / "cases.csv", index=False)
    HOSPITALS.to_csv(folder / "hospitals.csv", index=False)
    (folder / "my.toml").write_text(
        HEAD + '[drivers]\nvolume = 0.02\n[drivers.groups.x]\ngroups = ["ZZ99"]\nvolume = 0.1\n'
        "[change.2.policy.standard.rates.base]\nyuan = 8000\n"
        '[change.3]\nweights = "next.csv"\n',
        encoding="utf-8",
    )
    WEIGHTS.to_csv(folder / "next.csv", index=False)
    frame = WEIGHTS.assign(name=["own name" if one == "BB19" else "" for one in WEIGHTS["drg"]])
    table = WeightTable("made-up", frame, {"title": "权重表"})
    project_file(
        folder / "cases.csv", folder / "out", table, POLICY, folder / "hospitals.csv", YEAR,
        [BASELINE, load_scenario(folder / "my.toml")], names={"BB19": "scheme", "CC19": "scheme"},
        last_year={"employee": 1e7, "resident": 1e7}, draws=50,
    )  # fmt: skip
    return folder, json.loads((folder / "out" / "projection.json").read_text(encoding="utf-8"))


def test_every_file_has_its_hash(done):
    folder, record = done
    held = record["hashes"]
    read = {"cases: cases.csv": "cases.csv", "hospitals: hospitals.csv": "hospitals.csv",
            "scenario mine: my.toml": "my.toml",
            "scenario mine, change.3.weights: next.csv": "next.csv"}  # fmt: skip
    written = {one.name: f"out/{one.name}" for pattern in ("projection_*.csv", "decomposition.csv",
               "sensitivity.csv") for one in (folder / "out").glob(pattern)}  # fmt: skip
    assert len(written) == 7
    for name, file in (read | written).items():
        assert held[name] == hashlib.sha256((folder / file).read_bytes()).hexdigest(), name
    assert set(held) == {*read, *written}
    assert record["weights"] == {"id": "made-up", "title": "权重表",
                                 "sha256": record["weights"]["sha256"]}  # fmt: skip


def test_the_record_names_no_folder(done):
    folder, record = done
    assert record["scenarios"][1]["change"]["3"]["weights"] == "next.csv"
    assert str(folder) not in json.dumps(record)


def test_the_record_warns_and_has_ranges(done):
    _, record = done
    assert record["warnings"] == {"mine.drivers.groups.x": "chooses no case, so it does nothing"}
    rows = {row["key"]: row for row in record["assumptions"]}
    volume = rows["drivers.volume"]
    assert volume["low"] < 0.02 < volume["high"]
    assert rows["standard.rates.base.yuan"]["low"] is None
    keys = {(row["scenario"], row["key"]) for row in record["doubts"]}
    assert {("baseline", "uncertain.volume"), ("mine", "uncertain.group_cost")} <= keys
    basis = {row["key"]: row["basis"] for row in record["doubts"]}
    assert basis.pop("uncertain.sampling") == "data"  # who falls ill is chance, not assumed
    assert set(basis.values()) == {"assumed"}
    assert not {"uncertain.pool_growth", "uncertain.weights", "uncertain.rate"} & {
        key for _, key in keys
    }  # decided by the policy and its weights
    held = {row["key"]: row for row in record["doubts"]}
    assert held["uncertain.volume"]["value"] == "正态分布 0，0.02 | normal 0, 0.02"
    by_group = "对数正态分布 0.05，按病组 | lognormal 0.05, by group"
    assert held["uncertain.group_cost"]["value"] == by_group
    assert is_default(held["uncertain.volume"]["source"])


def test_names_of_groups(done):
    rows = pd.read_csv(done[0] / "out" / "projection_groups.csv", encoding="utf-8-sig",
                       keep_default_na=False, dtype={"drg": str})  # fmt: skip
    for _, one in rows.groupby(["scenario", "year"]):
        names = one.set_index("drg")["name"]
        assert names["BB19"] == "own name"
        assert names["CC19"] == "scheme"
        assert names["DD19"] == ""
        assert names["0000"] == "未入组"
