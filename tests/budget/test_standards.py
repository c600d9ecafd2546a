"""Payment standards by class of hospital: rates, coefficients, basic groups, multipliers, years."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from itertools import product

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from budget import load_policy, policies
from budget.cases.hospitals import hospitals_of
from budget.price.standards import standards
from drg.cli.policy.show import app
from drg.errors import DrgError
from tests.budget.region import WEIGHTS, cases_of, rows, settled, weight_table

RATES = {
    (tier, insurance, kind): Decimal(4000) + 1111 * tier
    + (Decimal("333.33") if insurance == "employee" else 0)
    + (Decimal("77.07") if kind == "甲等" else 0)
    for tier, insurance, kind in product((1, 2, 3), ("employee", "resident"), ("甲等", "乙等"))
}  # fmt: skip


def document(write):
    lines = ["[standard.rates]", 'source = "made up"']
    for (tier, insurance, kind), yuan in RATES.items():
        name = f"r{tier}_{insurance}_{'a' if kind == '甲等' else 'b'}"
        lines.append(
            f'{name} = {{ tier = {tier}, insurance = "{insurance}", hospital_class = "{kind}", '
            f"yuan = {yuan} }}"
        )
    head = 'id = "made-up-city"\ntitle = "某市"\nsource = "notice"\nvalid_from = 2025-01-01\n'
    head += 'extends = "national-default"\nremove = ["standard.rates", "coefficients"]\n'
    return load_policy(write("\n".join(lines), head=head))


def half_up(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_a_made_up_city_with_rates_by_tier_insurance_and_class(write):
    policy = document(write)
    frame = standards(policy, weight_table(), 2025)
    assert set(frame["hospital_class"]) == {f"tier{t}_{c}" for t in (1, 2, 3)
                                            for c in ("甲等", "乙等")}  # fmt: skip
    held = frame.set_index(["drg", "hospital_class", "insurance"])["standard"]
    for (tier, insurance, kind), yuan in RATES.items():
        for group, weight in WEIGHTS[["drg", "weight"]].itertuples(index=False):
            ours = held[group, f"tier{tier}_{kind}", insurance]
            if np.isnan(weight):
                assert np.isnan(ours)
            else:
                assert Decimal(repr(float(ours))) == half_up(yuan * Decimal(repr(weight)))


def test_its_cases_are_paid_those_standards(write):
    policy = document(write)
    hospitals = pd.DataFrame([
        (f"{tier}{kind}", tier, kind) for tier in (1, 2, 3) for kind in ("甲等", "乙等")
    ], columns=["hospital_id", "tier", "class"])  # fmt: skip
    frame = cases_of(*(
        {"hospital_id": f"{tier}{kind}", "insurance": insurance, "drg": "CC19",
         "total_cost": 9000.0} for tier, insurance, kind in RATES
    ))  # fmt: skip
    done = rows(settled(frame, policy, hospitals))
    assert list(done["standard"]) == [float(half_up(yuan * Decimal("1.5")))
                                      for yuan in RATES.values()]  # fmt: skip
    assert list(done["payment"]) == list(done["standard"])


@pytest.mark.parametrize("name", [n for n in policies() if n != "huaibei-2025"])
def test_classes_have_the_standards_of_hospitals_of_that_class(name):
    """What the table says of a class is what a hospital of that class is paid."""
    policy = load_policy(name)
    frame = standards(policy, weight_table(), 2025)
    where = {"tier3_a_plus": ("a_plus", ""), "tier3_甲等": ("甲等", "")}
    classes = frame["hospital_class"].unique()
    table = pd.DataFrame([
        {"hospital_id": one,
         "tier": one[4] if one.startswith("tier") else "",
         "class": where.get(one, ("", ""))[0],
         "level": one.split("_")[1] if one.endswith(("city", "county")) else ""}
        for one in classes
    ])  # fmt: skip
    priced = frame[frame["standard"].notna()]
    groups = priced["drg"].unique()
    cases = cases_of(*(
        {"hospital_id": h, "insurance": i, "drg": g, "total_cost": 5000.0}
        for h, i, g in product(classes, ("employee", "resident"), groups)
    ))  # fmt: skip
    done = rows(settled(cases, policy, table)).assign(drg=cases["drg"])
    ours = done.set_index(["hospital_id", "insurance", "drg"])["standard"].dropna().to_dict()
    theirs = priced.set_index(["hospital_class", "insurance", "drg"])["standard"].to_dict()
    if any(h not in classes for h, _, _ in ours):
        pytest.fail("another hospital")
    assert ours
    for key, standard in ours.items():
        # the table of cases keeps four decimals where a point is worth fractions of a fen
        assert standard == pytest.approx(theirs[key], abs=0.0051 if name[:4] == "hang" else 1e-9)


def test_own_means_are_no_table():
    with pytest.raises(DrgError, match=r"standard.kind.*own_mean"):
        standards(load_policy("huaibei-2025"), weight_table(), 2025)


def test_points_stand_beside_the_standard_of_a_given_value():
    frame = standards(load_policy("hangzhou-type"), weight_table(), 2025)
    held = frame[(frame["hospital_class"] == "tier2") & (frame["drg"] == "CC19")].iloc[0]
    assert held["points"] == 150
    assert held["standard"] == 150 * 92


def test_basic_groups_have_a_fixed_k_or_the_rate_of_a_tier():
    lanzhou = standards(load_policy("lanzhou-2023"), weight_table(), 2025)
    basic = lanzhou[lanzhou["drg"] == "GG19"]
    assert set(basic["coefficient"]) == {0.722}  # basic groups have the k of level 2
    employee = basic[basic["insurance"] == "employee"]
    assert set(employee["standard"]) == {4599.25}  # 6370.155 x .722 = 4599.25191
    changzhi = standards(load_policy("changzhi"), weight_table(), 2025)
    tiered = changzhi[changzhi["drg"] == "GT19"]
    assert set(tiered["standard"]) == {round(0.8 * 5136.37, 2)}
    assert len(tiered) == len(changzhi["hospital_class"].unique()) * 2 > 6


@given(st.lists(st.floats(0, 1), min_size=1, max_size=4), st.integers(2020, 2030))
def test_coefficients_converge_towards_one_by_year(shares, year):
    shares = sorted(round(s, 4) for s in shares)
    steps = [{"year": 2022 + 2 * i, "share": s} for i, s in enumerate(shares)]
    policy = load_policy().replace("coefficients.convergence", steps)
    frame = standards(policy, weight_table(), year)
    share = next((one["share"] for one in reversed(steps) if one["year"] <= year), 0.0)
    for name, k in (("tier3", 1.2), ("tier2", 1.0), ("tier1", 0.82)):
        ours = frame[frame["hospital_class"] == name]["coefficient"]
        assert np.allclose(ours, k + share * (1 - k), atol=1e-12)


def test_hospitals_without_tier_have_a_class_of_their_own_only_where_a_rule_applies_to_them():
    held = hospitals_of(pd.DataFrame({"hospital_id": ["x"]}))
    assert held.tier[0] == -1
    frame = standards(load_policy("luan-2025"), weight_table(), 2025)
    assert set(frame["hospital_class"]) == {"tier1", "tier2", "tier3"}


@pytest.mark.parametrize(
    ("policy", "classes"),
    [("qingdao-2023", ["三级", "三级上档", "二级", "一级"]),
     ("changzhi", ["三级", "二级市级", "二级县级", "一级"]),
     ("hangzhou-type", ["三级", "二级", "一级"])],
)  # fmt: skip
def test_the_workbook_is_a_matrix_of_the_long_table(policy, classes, tmp_path):
    out, table = tmp_path / "standards.xlsx", tmp_path / "standards.csv"
    weights = ["--weights", "qingdao-2023"] if policy == "hangzhou-type" else []
    for path in (out, table):
        done = CliRunner().invoke(app, ["standards", "--policy", policy, "--out", str(path),
                                        *weights])  # fmt: skip
        assert done.exit_code == 0, done.output
    long = pd.read_csv(table, encoding="utf-8-sig", dtype={"drg": str})
    names = dict(zip(long["hospital_class"].unique(), classes, strict=True))
    book, seen = openpyxl.load_workbook(out), 0
    for title, insurance in (("职工医保", "employee"), ("居民医保", "resident")):
        for measure, column in (("支付标准", "standard"), ("点数", "points")):
            if column not in long:
                continue
            sheet = book[f"{title}{measure}"]
            rows = list(sheet.iter_rows(values_only=True))
            assert policy in rows[0][0]
            assert "权重表" in rows[0][0]
            assert "（元/例）" in rows[0][0] or column == "points"
            assert list(rows[1]) == ["病组编码", "病组名称", "权重", *classes]
            assert (sheet.page_setup.paperSize, sheet.page_setup.fitToWidth or 1) == (9, 1)
            assert sheet.print_title_rows == "$2:$2"
            held = {row[0]: dict(zip(rows[1], row, strict=True)) for row in rows[2:]}
            for row in long[long["insurance"] == insurance].to_dict("records"):
                ours = held[row["drg"]]
                cell = ours[names[row["hospital_class"]]]
                assert (cell is None) == np.isnan(row[column])
                assert cell is None or cell == row[column]
                assert (ours["病组名称"] or "") == (
                    row["name"] if row["name"] == row["name"] else ""
                )
                seen += 1
    assert seen == len(long) * (1 + ("points" in long))
