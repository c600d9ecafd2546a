"""Hidden figures hold against arithmetic: all that is published, by linear programming."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget.cases.hospitals import hospitals_of
from budget.impact.weights import Impacts
from budget.policy import load_policy
from drg.page import small_cells
from drg.page.small_cells import Cube, untold
from drg.page.words import BRANCHES_EN
from drg.report.minutes.data import Minutes
from drg.report.minutes.write import write
from drg.report.panel import data as panel_data
from drg.report.panel.write import write_report
from tests.budget.region import HOSPITALS, WEIGHTS, YEAR, claims_of, many, weight_table
from tests.once import once
from tests.report import minutes_round, planted
from tests.report.attack import Attack, rows_of
from tests.report.test_same_figures import in_book
from weights.negotiation.rules import Rules

POOLS = {"employees": "employee", "residents": "resident"}
BRANCHES = {said: code for code, said in BRANCHES_EN.items()}
MONEY = {"Cases": "cases", "Cost": "cost", "Patients": "patient", "Payable by DRG": "fund",
         "Paid": "paid", "Budget cut": "cut"}  # fmt: skip
NO_GROUP = ("ambiguous", "ungrouped")
CARD = re.compile(r"<h3>([^<]+) <span>(?:(?!<h3>).)*?Priced as \(cases\): ([^<]*)\.</p>", re.DOTALL)


def test_what_is_not_told_stands_last_by_its_key() -> None:
    frame = pd.DataFrame({"pool": ["b", "a", "a", "a", "b"], "id": ["5", "4", "3", "2", "1"],
                          "money": [1.0, 2.0, 9.0, 5.0, 7.0],
                          "hidden": [False, False, True, True, False]})  # fmt: skip
    rows = small_cells.told_first(frame, "money", "id", ascending=False)
    assert rows["id"].tolist() == ["1", "4", "5", "2", "3"]
    assert rows["money"].tolist() == [7.0, 2.0, 1.0, 5.0, 9.0]
    rows = small_cells.told_first(frame, "money", "id", within=["pool"])
    assert rows["id"].tolist() == ["4", "2", "3", "5", "1"]


def region() -> Path:
    """The planted region, settled and projected once."""
    return once("small-cells", planted.make) / "out"


def panel_attack(folder: Path, book: dict[str, list[list[Any]]], annex: str) -> Attack:
    """All that the workbook and the annex of a report tell of the settled year."""
    cases = pd.read_csv(folder / "cases.csv", encoding="utf-8-sig")
    homes = planted.NAMES.set_index("hospital_id")
    cases["tier"] = cases["hospital_id"].map(homes["tier"])
    cases["grouped"] = ~cases["branch"].isin(NO_GROUP)
    keys = ["hospital_id", "tier", "pool", "branch", "month", "drg", "grouped"]
    atoms = cases.assign(cases=1.0).groupby(keys)[["cases", "cost", "patient", "fund"]].sum()
    atoms = atoms.reset_index().rename(columns={"hospital_id": "hospital"})
    pools = pd.read_csv(folder / "pools.csv", encoding="utf-8-sig").set_index("pool")
    rate = pools["budget_cut"] / (pools["final"] + pools["budget_cut"])
    paid = pd.read_csv(folder / "hospitals.csv", encoding="utf-8-sig")
    share = paid.set_index(["hospital_id", "pool"])["final"]
    parts = atoms.groupby(["hospital", "pool"])["cases"].transform("sum")
    atoms["owed"] = [share[h, p] / (1 - rate[p]) for h, p in zip(atoms["hospital"], atoms["pool"],
                                                              strict=True)]  # fmt: skip
    atoms["owed"] *= atoms["cases"] / parts
    cut = atoms["pool"].map(rate).to_numpy(float)
    found, ids = Attack(atoms), dict(zip(homes["hospital_name"], homes.index, strict=True))

    def read(where: dict[str, object], row: dict[str, Any]) -> None:
        for head, measure in MONEY.items():
            if head in row:
                of = {"paid": 1 - cut, "cut": cut}.get(measure)
                name = "owed" if of is not None else measure
                slack = 0.006 * (1 if of is None else len(ids))
                found.read(where, name, row[head], of=of, slack=slack)

    def mean(where: dict[str, object], measure: str, cases: object, value: object) -> None:
        known = isinstance(cases, int | float) and isinstance(value, int | float)
        if known or value == "*":
            told = float(cases) * float(value) if known else "*"  # type: ignore[arg-type]
            found.read(where, measure, told, slack=0.006 * float(cases) if known else 0)  # type: ignore[arg-type]

    def place(row: dict[str, Any]) -> dict[str, object]:
        tier, kind = str(row["Tier"]), str(row["Insurance"])
        where: dict[str, object] = {} if tier == "region" else {"tier": tier[-1]}
        return where if kind == "all" else where | {"pool": POOLS[kind]}

    for row in rows_of(book["Hospitals settled, 2025"]):
        read({"hospital": ids[row["Hospital"]]} if row["Hospital"] in ids else {}, row)
    for row in rows_of(book["Hospitals by pool"]):
        read({"hospital": row["Id"], "pool": POOLS[row["Pool"]]}, row)
    for row in rows_of(book["Budget, payment and balance of the pools"]):
        read({"pool": POOLS[row["Pool"]]} if row["Pool"] in POOLS else {}, row)
    for row in rows_of(book["Average cost and patients, 2025"]):
        where = place(row)
        found.read(where, "cases", row["Cases"])
        for head, measure in (("Cost", "cost"), ("Fund", "fund"), ("Patient", "patient")):
            mean(where, measure, row["Cases"], row[head])
    for row in rows_of(book["How cases were priced, 2025"]):
        code = BRANCHES.get(str(row["How priced"]))
        read({"branch": code} if code else {}, row)
    for row in rows_of(book["Payable and advance by month, 2025"]):
        read({} if row["Month"] == "Total" else {"month": int(row["Month"])}, row)
    sizes = {row["Hospital"]: row["Cases"] for row in rows_of(book["By hospital"])}
    for row in rows_of(book["By hospital"]):
        where = {"hospital": ids[row["Hospital"]], "grouped": True}
        mean(where, "cases", row["Cases"], row["Grouped"])
        found.read(where | {"grouped": False}, "cases", "*" if row["Grouped"] == "*" else None)
    for hospital, said in CARD.findall(annex):
        at, told = {"hospital": ids[hospital]}, set()
        for part in said.split(", "):
            name, _, count = re.sub(r" \([\d.]+%\)", "", part).rpartition(" ")
            if name != "others":
                told.add(BRANCHES[name])
                found.read(at | {"branch": BRANCHES[name]}, "cases", float(count.replace(",", "")))
        own = atoms[(atoms["hospital"] == at["hospital"]) & ~atoms["branch"].isin(told)]
        for branch in own["branch"].unique():
            found.read(at | {"branch": branch}, "cases", "*")
    assert len([one for one in sizes.values() if isinstance(one, int)]) >= 3
    if "Scenarios less baseline" not in book:
        return found
    cuts = {
        (row["Year"], POOLS[row["Pool"]]): row["Budget cut"] / (row["Budget cut"] + row["Paid"])
        for row in rows_of(book["Pools, every scenario"])
        if row["Scenario"] == "As it is"
    }
    for row in rows_of(book["Scenarios less baseline"]):  # the baseline has the cases of the year
        names = {"hospital": ids, "pool": POOLS, "insurance": POOLS}.get(str(row["Level"]), {})
        key = "pool" if row["Level"] == "insurance" else str(row["Level"])
        code = str(row["For"])[-1] if key == "tier" else names.get(str(row["For"]))
        where = {} if key == "region" else {key: code}
        found.read(where, "cases", row["Cases, baseline"])
        found.read(where, "cost", row["Cost, baseline"])
        if row["Level"] != "insurance":
            cut = np.array([cuts[row["Year"], pool] for pool in atoms["pool"]])
            for head, of in (("Paid", 1 - cut), ("Budget cut", cut)):
                found.read(where, "owed", row[f"{head}, baseline"], of=of, slack=0.1)
    for row in rows_of(book["Average cost, every scenario and year"]):
        found.read(place(row), "cases", row["Cases"])
    groups = list(rows_of(book["Groups in 2027, those with most cost first"]))
    for row in groups:
        found.read({"drg": row["Group"]}, "cases", row["Cases"])
    told = {row["Group"] for row in groups}
    for drg in set(atoms["drg"]) - told - {"0000", "BQY"}:
        found.read({"drg": drg}, "cases", "*")
    return found


def written(folder: Path, place: Path) -> Attack:
    made = write_report(folder, place / "r.html", "en", annex=place / "a.html")
    return panel_attack(folder, in_book(made.book), (place / "a.html").read_text(encoding="utf-8"))


@pytest.mark.usefixtures("plain")
def test_no_hidden_figure_follows_from_a_report(tmp_path):
    """Small hospitals, groups, months and branches, and cuts that tell two pools apart."""
    found = written(region(), tmp_path)
    assert found.check() > 250
    assert {"hospital=E", "month=2", "drg=DD19"} <= set(found.hidden["cases"])
    assert {"cost", "owed"} <= set(found.hidden)
    assert found.follow() == []


WEAK = {
    "no linear programming": (small_cells._System, "loosen", lambda *_: []),
    "small numbers only": (small_cells._System, "cover", lambda *_: None),
    "hospitals only": (panel_data, "cubes", lambda *given, of=panel_data.cubes: of(*given)[:1]),
}


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("weak", WEAK)
def test_the_attack_finds_what_is_not_covered(tmp_path, monkeypatch, weak):
    monkeypatch.setattr(*WEAK[weak])
    if weak == "small numbers only":
        monkeypatch.setattr(*WEAK["no linear programming"])
    found = written(region(), tmp_path)
    found.check()
    assert found.follow() != []


def minutes_attacks(data: Minutes, book: dict[str, list[list[Any]]]) -> list[Attack]:
    """All that the workbook of minutes tells: cases and what DRG owes, then what is paid."""
    cells, held = data.impact.cells, {"before": data.impact.before, "after": data.impact.after}
    ids = dict(zip(cells.hospitals.names, map(str, cells.hospitals.ids), strict=True))
    tier = dict(zip(ids.values(), cells.hospitals.tier, strict=True))
    h, g, i = (one.ravel() for one in np.indices(cells.cases.shape))
    names = np.array(list(ids.values()))
    pools = [one.name for one in cells.settlement.money]
    atoms = pd.DataFrame({
        "hospital": names[h], "drg": np.array(cells.groups)[g], "insurance": i,
        "cases": cells.cases.ravel(), "cost": cells.cost.ravel(),
        **{f"fund {name}": one.fund.ravel() / 100 for name, one in held.items()},
    })  # fmt: skip
    atoms = atoms[atoms["cases"] > 0].assign(tier=lambda frame: frame["hospital"].map(tier))
    one = Attack(atoms.reset_index(drop=True))
    h, p = (at.ravel() for at in np.indices(held["before"].final.shape))
    owed = {f"owed {name}": (of.final + of.cut).ravel() / 100 for name, of in held.items()}
    two = Attack(pd.DataFrame({"hospital": names[h], "pool": np.array(pools)[p], **owed}).assign(
        tier=lambda frame: frame["hospital"].map(tier)))  # fmt: skip
    rate = {name: (of.cut.sum(axis=0) / (of.final + of.cut).sum(axis=0))[p]
            for name, of in held.items()}  # fmt: skip

    def paid(where: dict[str, object], row: dict[str, Any]) -> None:
        for name in held:
            two.read(where, f"owed {name}", row[f"Paid {name}"], of=1 - rate[name], slack=0.1)

    for row in rows_of(book["What each hospital is paid, ranked by the share of its change"]):
        where: dict[str, object] = {}
        if row["Hospital"] in ids:
            where = {"hospital": ids[row["Hospital"]]}
        one.read(where, "cases", row["Cases"])
        paid(where, row)
    for row in rows_of(book["By tier of hospitals"]):
        where = {"tier": str(row["Tier"])[-1]}
        one.read(where, "cases", row["Cases"])
        if isinstance(row["Mean cost"], int | float):
            one.read(where, "cost", row["Mean cost"] * row["Cases"], slack=0.006 * row["Cases"])
        else:
            one.read(where, "cost", "*")
        paid(where, row)
    for row in rows_of(book["By insurance (before clearing)"]):
        where = {"insurance": list(POOLS).index(str(row["Insurance"]))}
        one.read(where, "cases", row["Cases"])
        for name in held:
            one.read(where, f"fund {name}", row[f"Payable {name}"])
    for row in rows_of(book["Weights and payment of all groups"]):
        one.read({"drg": row["Group"]}, "cases", row["Cases"])
        for name in held:
            one.read({"drg": row["Group"]}, f"fund {name}", row[f"Payable {name}"])
    for row in rows_of(book["By pool"]):
        where = {"pool": POOLS[str(row["Pool"])]}
        paid(where, row)
        for name in held:
            two.read(where, f"owed {name}", row[f"Cut {name}"], of=rate[name], slack=0.1)
    return [one, two]


def minutes_of(few: dict[str, tuple[int, int]]) -> Minutes:
    """Minutes on a year in which hospitals have few cases of employees and residents."""
    frame = many(3000, 3)
    for hospital, counts in few.items():
        for insurance, count in zip(("employee", "resident"), counts, strict=True):
            own = frame.index[(frame["hospital_id"] == hospital)
                              & (frame["insurance"] == insurance)]  # fmt: skip
            frame = frame.drop(own[count:])
    frame = frame.drop(frame.index[frame["drg"] == "DD19"][2:])
    policy, table = load_policy("national-default"), weight_table(WEIGHTS)
    pools = {p.name: 3e6 for p in policy.pools if p.basis == "growth" and p.last_year is None}
    held = hospitals_of(HOSPITALS)
    year = Impacts(claims_of(frame, policy, held, table), table, policy, held, YEAR,
                   last_year=pools)  # fmt: skip
    return Minutes(minutes_round.begin(Rules()).state, year.at({"BB19": 1.15}, neutral="yuan"))


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("few", [
    {"A": (0, 3)}, {"A": (0, 3), "B": (9, 0)}, {"A": (0, 3), "C": (9, 0)},
    {"E": (1, 2), "D": (0, 7)},
])  # fmt: skip
def test_no_hidden_figure_follows_from_minutes(tmp_path, few):
    """Few cases in one pool, beside a hospital of the other pool, whose cut is another share."""
    data = minutes_of(few)
    cut = data.impact.before.cut.sum(axis=0) / data.impact.before.final.sum(axis=0)
    assert abs(cut[0] - cut[1]) > 0.01
    made = write(data, tmp_path / "m.html", "en")
    attacks = minutes_attacks(data, in_book(made.book))
    assert sum(one.check() for one in attacks) > 50
    small = {f"hospital={one}" for one, counts in few.items() if sum(counts) < 5}
    assert small | {"drg=DD19"} <= set(attacks[0].hidden["cases"])
    assert small <= set(attacks[1].hidden["owed after"])
    assert [found for one in attacks for found in one.follow()] == []


@pytest.mark.usefixtures("plain")
def test_the_attack_on_minutes_finds_what_is_not_covered(tmp_path, monkeypatch):
    monkeypatch.setattr(*WEAK["small numbers only"])
    monkeypatch.setattr(*WEAK["no linear programming"])
    data = minutes_of({"A": (0, 3), "B": (9, 0)})
    made = write(data, tmp_path / "m.html", "en")
    assert [found for one in minutes_attacks(data, in_book(made.book)) for found in one.follow()]


def test_two_hospitals_of_two_pools_follow_and_of_one_pool_do_not():
    cells = pd.DataFrame([("a", "e", 3, 15_600.0), ("b", "r", 10, 52_000.0),
                          ("c", "r", 18, 90_000.0), ("d", "e", 14, 70_000.0),
                          ("d", "r", 16, 80_000.0)],
                         columns=["hospital", "pool", "cases", "owed"])  # fmt: skip
    for other, count in ((0.12, 3), (0.05, 2)):
        cells["rate"] = np.where(cells["pool"] == "e", 0.05, other)
        found = untold([Cube(cells, (("hospital",), ()), ("cases",), ("owed",), {"owed": "rate"})])
        assert len(found.of("hospital")) == count


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(1, 3)),
                min_size=3, max_size=8), st.floats(0.01, 0.2), st.floats(0.0, 0.2))  # fmt: skip
def test_nothing_follows_when_the_pass_is_done(rows, one, other):
    """Whatever hospitals there are: an attack on what is told bounds nothing that is hidden."""
    cells = pd.DataFrame([(h, tier, p, n) for h, (*counts, tier) in enumerate(rows)
                          for p, n in enumerate(counts) if n],
                         columns=["hospital", "tier", "pool", "cases"])  # fmt: skip
    if cells.empty:
        return
    cells["owed"] = 5_000.0 * cells["cases"] * (1 + 0.1 * cells["hospital"])
    cells["rate"] = np.where(cells["pool"] == 0, one, other)
    told = (("hospital", "pool"), ("hospital",), ("tier",), ("pool",), ())
    hidden = untold([Cube(cells, told, ("cases",), ("owed",), {"owed": "rate"})])
    attack = Attack(cells)
    for keys in told:
        for values, own in cells.groupby(list(keys)) if keys else [((), cells)]:
            where = dict(zip(keys, values if isinstance(values, tuple) else (values,), strict=True))
            dark = hidden.rows(keys, *([value] for value in where.values()))[0] if keys else False
            assert dark or not 0 < own["cases"].sum() < 5 or not keys
            for measure in ("cases", "owed"):
                attack.read(where, measure, "*" if dark else float(own[measure].sum()))
            if not dark:
                cut = cells["rate"].to_numpy()
                attack.read(where, "owed", float(own["owed"] @ own["rate"]), of=cut)
    attack.check()
    alone = {f"{key}={value}" for key in ("hospital", "tier", "pool") for value, own in
             cells.groupby(key) if own["cases"].sum() == cells["cases"].sum()}  # fmt: skip
    if alone or cells["cases"].sum() < 5:  # the total is one hospital, tier or pool
        return
    visible = [one for one in attack.told["cases"] if one[0].sum() < len(cells)]
    assert attack.follow() == [] or not visible
