"""The explanation of a case's money says what the settlement did, for every branch and policy."""

from __future__ import annotations

import datetime
import json
import math
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from budget.cases.hospitals import hospitals_of
from budget.explain.case import of_one, of_settlement, unknown_alone
from budget.explain.document import _leaves, document
from budget.explain.text import render
from budget.policy import load_policy, policies
from budget.price.branches import CODES
from budget.settlement.files import settle_file
from budget.settlement.settled import settle
from drg.cli.explain.case import explain as command
from drg.errors import DrgError
from tests.budget.region import (
    HOSPITALS,
    YEAR,
    cases_of,
    claims_of,
    many,
    odd,
    rows,
    weight_table,
)

MONEY = ("payment", "patient", "other", "fund", "gain")
EXAMPLE = ("--diagnoses", "K80.101|E87.600", "--procedures", "51.2300", "--sex", "1", "--age", "40")
app = typer.Typer(pretty_exceptions_enable=False)
app.command("explain")(command)

EVERYTHING = {
    "standard": {"kind": "points", "points": {"per_weight": 100}},
    "remove": ["standard.rates", "coefficients.table.tier3"],
    "coefficients": {
        "computed": {"by": "hospital", "new_group": 1.0, "least_cases": 2, "floor": 0.5,
                     "ceiling": 2.0},
        "convergence": [{"year": 2024, "share": 0.25}],
    },
    "groups": {
        "basic": {"one_price": {"column": "group_type", "values": "basic", "k": 0.85}},
        "tcm": {"tilt": {"groups": "DD19", "factor": 1.1, "least_share": 0.6,
                         "otherwise": "medical_group", "medical_group": "CC19"}},
        "incentive": {"more": {"column": "group_type", "values": "incentive", "factor": 1.04}},
        "unstable": {"by_item": {"groups": "UU19", "pay": "cost_points"}},
        "multiplier": {"child": {"all_groups": True, "age_below": 17, "factor": 1.1},
                       "poor": {"adrgs": "B", "population": "poor", "factor": 1.02}},
    },
    "outliers": {
        "low": {"band": {"upto": 0.8, "cost": 1.0, "standard": 0.1}},
        "high": {"rule": "banded", "bands": [
            {"upto": 4.0, "cost": 0.5, "standard": 0.4}, {"above": 4.0, "cost": 0, "standard": 3},
        ]},
    },
    "special": {
        "ungrouped": {"pay": "weight", "share": "none", "weight": 0.25},
        "short_stay": {"days": 2, "pay": "by_item"},
        "long_stay": {"days": 60, "pay": "bed_day"},
        "bed_day": {"unit": "points",
                    "rates": [{"upto": 30, "value": 6.0}, {"above": 30, "value": 4.0}]},
        "day_bed": {"deductible": False, "bed_and_nursing": 0.5, "reimbursed": 0.8, "diseases": {
            "back": {"title": "腰痛", "kind": "tcm", "diagnoses": ["M54"], "quota": 2500.0}}},
        "new_technology": {"pay": "by_item", "years": 2, "technologies": {
            "new": {"procedures": ["96.7"], "valid_from": datetime.date(2025, 3, 1)}}},
        "caseload": {"per": "region", "beyond": 0.5, "caps": {"BB19": {"cases": 3}}},
        "review": {"eligible": "all", "quotas": {"all": {"share": 0.2}}},
    },
    "pools": {"resident": {"outside": ["unstable", "day_bed"]}},
}  # fmt: skip


def sourced(**table):
    """A policy over the national one, every table with a source."""
    return load_policy("national-default", {
        "id": "mine", "title": "测试", "source": "made up",
        **{name: {"source": "made up", **held} if isinstance(held, dict) else held
           for name, held in table.items()},
    })  # fmt: skip


def year_of(frame, policy):
    hospitals = hospitals_of(HOSPITALS)
    claims = claims_of(frame, policy, hospitals)
    pools = [p.name for p in policy.pools if p.basis == "growth" and p.last_year is None]
    done = settle(claims, weight_table(), policy, hospitals, YEAR,
                  last_year=dict.fromkeys(pools, 3e6))  # fmt: skip
    return done, claims


def value(numbers: str) -> float:
    """The value of a formula in numbers."""
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", numbers).replace(" x ", " * ")
    assert re.fullmatch(r"[-+*/(). \de]+", plain), numbers
    return float(eval(plain, {"__builtins__": {}}))


def agrees(case, row) -> str:
    """Compare an explanation with the case table of the settlement."""
    said = document(case, "en")
    branch = said["branch"]
    assert branch["code"] == row["branch"]
    for name in ("standard", "ratio"):
        found = said[name]["value"]
        assert (found is None) == (row[name] is None or math.isnan(row[name])), name
        if found is not None:
            assert found == pytest.approx(row[name], rel=1e-6, abs=1e-6), name
    for name in MONEY:
        assert said["money"][name] == row[name], name
    money = case.money
    if branch["settled"]:
        assert money["patient"] + money["fund"] + money["other"] - money["gain"] == money["cost"]
        amount = branch["whole_amount"]
        assert value(branch["numbers"]) == pytest.approx(amount, rel=2e-4, abs=0.02)
    looked = said["branch"]["looked_at"]
    assert [one["applies"] for one in looked] == [False] * (len(looked) - 1) + [True]
    order = [CODES.index(one["branch"]) for one in looked]
    assert order == sorted(order)
    assert looked[-1]["branch"] == row["branch"]
    keys = {leaf.key for leaf in _leaves(case.policy)}
    standard, terms = said["standard"], said["standard"]["terms"]
    assert bool(terms) == (standard["reference"] is not None)
    if terms:
        worth = standard["points" if standard["kind"] == "points" else "reference"]
        assert math.prod(term["value"] for term in terms) == pytest.approx(worth, abs=0.02)
    for term in terms:
        key = term["key"]
        assert not key or any(k == key or k.startswith(f"{key}.") for k in keys), key
    for lang, found in (("en", said), ("zh", document(case, "zh"))):
        text = render(found, lang)
        assert "secret" not in text
        assert "nan" not in text
        assert "None" not in text
    return str(branch["code"])


@pytest.mark.parametrize("name", policies())
def test_every_shipped_policy_is_explained_as_it_settles(name):
    done, claims = year_of(odd(200, seed=3), load_policy(name))
    table = rows(done)
    for row, expected in table.iterrows():
        agrees(of_settlement(done, claims, row), expected)


POOLED = sourced(**EVERYTHING)


def test_every_branch_is_explained():
    frame = odd(500, seed=5)
    decided = frame.index % 50 == 0
    frame = frame.assign(fixed_price=np.where(decided, "3000.5", ""),
                         review_amount=np.where(frame.index % 2 == 0, "9000.01", ""))  # fmt: skip
    done, claims = year_of(frame, POOLED)
    table = rows(done)
    seen = {agrees(of_settlement(done, claims, row), expected)
            for row, expected in table.iterrows()}  # fmt: skip
    assert seen == set(CODES) - {"no_pool"}
    assert {pool.bound for pool in done.paid.pools} == {"pool"}


def test_one_rate_for_all_hospitals_has_no_coefficient():
    basic = {"one": {"groups": "GG19", "rate_of": "base"}}
    done, claims = year_of(many(80, seed=4), sourced(groups={"basic": basic}))
    table = rows(done)
    for row in np.flatnonzero(table["drg"] == "GG19"):
        case = of_settlement(done, claims, int(row))
        agrees(case, table.iloc[row])
        terms = document(case)["standard"]["terms"]
        assert [term["symbol"] for term in terms] == ["RW", "rate"]
        assert terms[1]["key"] == "standard.rates.base.yuan"


@pytest.mark.parametrize("rule", ["excess_points", "cost_minus", "step_share", "cost_minus_part"])
def test_every_rule_of_high_outliers(rule):
    more = {"step_share": {"share": 0.5, "step": 1.7}, "cost_minus_part": {"part": 0.4}}
    high = {"rule": rule, **more.get(rule, {})}
    done, claims = year_of(many(120, seed=9), sourced(outliers={"high": high}))
    seen = [agrees(of_settlement(done, claims, row), expected)
            for row, expected in rows(done).iterrows()]  # fmt: skip
    assert "high" in seen


@pytest.mark.parametrize("name", [p for p in policies() if unknown_alone(load_policy(p)) is None])
def test_a_case_by_itself_is_priced_as_in_a_year(name):
    """Where nothing hangs on other cases: a case alone and settled as the only one of the year."""
    policy = load_policy(name)
    hospitals = hospitals_of(HOSPITALS)
    frame = odd(50, seed=11)
    claims = claims_of(frame, policy, hospitals)
    for row in range(len(frame)):
        done = settle(claims.slice(row, row + 1), weight_table(), policy, hospitals, YEAR,
                      last_year=dict.fromkeys([p.name for p in policy.pools], 3e6))  # fmt: skip
        alone = of_one(claims.slice(row, row + 1), hospitals, weight_table(), policy, YEAR)
        expected = rows(done).iloc[0]
        if expected["branch"] == "transfer":
            continue  # goes by the group's mean, which one case alone does not have
        agrees(alone, expected)


def test_point_values():
    points = {"kind": "points", "mean_cost": 9000.0, "points": {"per_weight": 100}}
    policy = sourced(remove=["standard.rates"], standard=points)
    hospitals = hospitals_of(HOSPITALS)
    claim = claims_of(cases_of({"drg": "BB19", "total_cost": 9000.0}), policy, hospitals)
    reference = of_one(claim, hospitals, weight_table(), policy, YEAR)
    assert reference.decided_by == "reference"
    assert reference.standard == pytest.approx(9000 * 1.2)
    assert "M/100" in render(document(reference), "zh")
    settled = of_one(claim, hospitals, weight_table(), policy, YEAR, {"employee": 80.0})
    assert settled.decided_by == "settlement"
    assert settled.money["payment"] == 120 * 80 * 100


def test_what_other_cases_decide_is_said():
    assert "own mean" in unknown_alone(load_policy("huaibei-2025"))[1]
    assert "computed" in unknown_alone(POOLED)[1]
    assert unknown_alone(load_policy("changzhi")) is None


def test_other_groups_are_priced_with_the_same_value_of_a_point():
    done, claims = year_of(many(200, seed=2), POOLED)
    place = int(np.flatnonzero((rows(done)["branch"] == "normal") & (claims.kind == 0))[0])
    case = of_settlement(done, claims, place)
    groups = [(case.group, "grouped"), ("0000", "ungrouped"), ("AA19", "grouped")]
    own, none, other = case.in_groups(groups)
    assert own["payment"] == pytest.approx(case.money["payment"] / 100, abs=0.011)
    assert own["standard"] == pytest.approx(case.standard, rel=1e-6)
    assert none["payment"] is not None
    assert other["standard"] < own["standard"] or case.group == "AA19"


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def region(tmp_path):
    """A grouped file with codes that explain can read."""
    frame = pd.DataFrame(
        [(f"C{i}", "HC23", "K80.101|E87.600", "51.2300", cost) for i, cost in
         enumerate((2000, 20000, 45000, 300000, 30000))],
        columns=["case_id", "drg", "diagnoses", "procedures", "total_cost"],
    ).assign(hospital_id="A", insurance="employee", discharge_date="2025-05-10", sex=1, age=40,
             length_of_stay=7, discharge_mode=1, patient_id="secret-1")  # fmt: skip
    frame.loc[3, "insurance"] = "resident"
    frame.to_csv(tmp_path / "cases.csv", index=False)
    HOSPITALS.to_csv(tmp_path / "hospitals.csv", index=False)
    return tmp_path


@pytest.mark.parametrize("policy", ["national-default", "hangzhou-type", "huaibei-2025"])
def test_the_command_agrees_with_the_settlement(region, policy):
    from weights.table import open_weights

    settle_file(region / "cases.csv", region / "out", open_weights("changzhi"),
                load_policy(policy), region / "hospitals.csv", YEAR)  # fmt: skip
    table = pd.read_csv(region / "out" / "cases.csv").set_index("case_id")
    for name, row in table.iterrows():
        done = run(region / "cases.csv", "--case", name, "--policy", policy, "--weights",
                   "changzhi", "--settlement", region / "out", "--format", "json")  # fmt: skip
        assert done.exit_code == 0, done.output
        said = json.loads(done.stdout)["money"]
        assert said["branch"]["code"] == row["branch"]
        assert {key: said["money"][key] for key in MONEY} == dict(row[list(MONEY)])
        assert said["standard"]["value"] == pytest.approx(row["standard"], rel=1e-6)
        assert "secret" not in done.stdout


def test_a_settlement_with_last_year_is_found_again(region, write):
    from weights.table import open_weights

    policy = write("""
remove = ["standard.rates"]
[standard]
kind = "points"
source = "made up"
[standard.points]
per_weight = 100
source = "made up"
""")
    spent = {"employee": 80_000.0, "resident": 200_000.0}
    settle_file(region / "cases.csv", region / "out", open_weights("changzhi"),
                load_policy(policy), region / "hospitals.csv", YEAR, last_year=spent)  # fmt: skip
    table = pd.read_csv(region / "out" / "cases.csv").set_index("case_id")
    words = ("--policy", policy, "--weights", "changzhi", "--format", "json")
    for name, row in table.iterrows():
        given = (region / "cases.csv", "--case", name, *words)
        said = json.loads(run(*given, "--settlement", region / "out").stdout)["money"]
        assert said["standard"]["decided_by"] == "pool"
        assert {key: said["money"][key] for key in MONEY} == dict(row[list(MONEY)])
        other = json.loads(run(*given).stdout)["money"]
        assert other["standard"]["point_value"] != said["standard"]["point_value"]
    frame = pd.read_csv(region / "cases.csv")
    frame.iloc[1:].to_csv(region / "fewer.csv", index=False)
    done = run(region / "fewer.csv", "--case", "C1", *words, "--settlement", region / "out")
    assert "the settlement is not one of this file" in str(done.exception)
    done = run(region / "cases.csv", "--case", "C1", "--policy", "changzhi",
               "--settlement", region / "out")  # fmt: skip
    assert "settled by another policy" in str(done.exception)


def test_the_command_without_a_file():
    done = run(*EXAMPLE, "--policy", "changzhi", "--tier", 3, "--insurance", "employee",
               "--cost", 12345, "--stay", 7, "--what-if", "--rate", 8000)  # fmt: skip
    assert done.exit_code == 0, done.output
    for part in ("为什么进入 HC23", "费率 8,727.60 (standard.rates.tier3.yuan [", "默认",
                 "个人 + 基金 + 其他 - 盈亏 = 费用", "-> HC25", "政策未知事项"):  # fmt: skip
        assert part in done.output, part
    english = run(*EXAMPLE, "--policy", "changzhi", "--tier", 3, "--insurance", "employee",
                  "--cost", 50000, "--lang", "en")  # fmt: skip
    assert "patient + fund + other - gain = cost" in english.output


def test_what_is_not_known_is_one_line():
    done = run(*EXAMPLE, "--policy", "huaibei-2025", "--tier", 3, "--insurance", "employee",
               "--cost", 12345)  # fmt: skip
    assert done.exit_code == 0
    assert "支付标准未知" in done.output


def test_a_file_that_is_not_grouped(region):
    frame = pd.read_csv(region / "cases.csv").drop(columns="drg")
    frame.to_csv(region / "raw.csv", index=False)
    done = run(region / "raw.csv", "--case", "C1", "--policy", "changzhi")
    assert done.exit_code == 0, done.output
    assert "单个病例" in done.output
    assert "HC23" in done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--tier", 3), "--tier needs --policy"),
        (("--cost", 5), "--cost needs --policy"),
        (("--policy", "changzhi", "--cost", 5), "needs --insurance"),
        (("--policy", "changzhi", "--insurance", "employee"), "needs --cost"),
    ],
)
def test_options_that_do_not_fit(words, message):
    done = run(*EXAMPLE, *words)
    assert done.exit_code == 2
    assert message in re.sub(r"[\s│]+", " ", done.output)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--policy", "nowhere"), "no such policy"),
        (("--policy", "national-default"), "names no weight table"),
        (("--policy", "changzhi", "--insurance", "商业"), "no such insurance"),
        (("--policy", "changzhi", "--cost", 0), "not an amount above 0"),
        (("--policy", "changzhi", "--population", "x"), "no such category of people"),
        (("--policy", "changzhi", "--settlement", "gone"), "gone/settlement.json: cannot be read"),
    ],
)
def test_errors_are_one_line(words, message):
    done = run(*EXAMPLE, "--insurance", "employee", "--cost", 100, *words)
    assert isinstance(done.exception, DrgError)
    assert message in str(done.exception)
    assert "\n" not in str(done.exception)


def test_without_a_policy_nothing_of_it_is_imported():
    code = (
        "import sys\nfrom drg.cli import main\n"
        f"sys.argv = ['drg', 'explain', *{list(EXAMPLE)!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "sys.exit(', '.join(n for n in ('budget.explain.case', 'budget.policy', "
        "'budget.cases.claims') "
        "if n in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "HC23" in done.stdout
