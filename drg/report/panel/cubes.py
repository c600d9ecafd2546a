"""All that the panel report tells of cases and money, as cubes of one system (小样本抑制)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from drg.page.small_cells import Cube
from drg.report.panel.cases import CaseSums

Frames = Mapping[str, pd.DataFrame]
_HOME = (("hospital", "pool"), ("hospital",), ("tier", "pool"), ("tier",), ("pool",), ())
_AHEAD = (("hospital",), ("tier",), ())


def kind_of(settled: Frames, cases: CaseSums | None, projected: Frames) -> str:
    """The key of an insurance: ``pool`` where each insurance has its own pool, of its name."""
    pools, held = set(settled["pools"]["pool"]), set()
    if cases is not None:
        held |= set(cases.tiers["insurance"])
    if "projection_tiers" in projected:
        held |= set(projected["projection_tiers"]["insurance"])
    return "pool" if held - {"all"} <= pools else "insurance"


def cubes(settled: Frames, cases: CaseSums | None, projected: Frames) -> list[Cube]:
    """Every table of hospitals, tiers, pools, insurances, branches, months and groups.

    Args:
        settled: tables of the settled year.
        cases: sums over its cases.
        projected: tables of the projection.
    """
    kind = kind_of(settled, cases, projected)
    home = settled["hospitals"].rename(columns={"hospital_id": "hospital"})
    home = home.assign(tier=home["tier"].fillna(-1).astype(int), rate=_rates(home, settled))
    home["owed"] = home["final"] + home["budget_cut"]
    found = [Cube(home, _HOME, amounts=("cost", "patient", "payable", "owed"),
                  rates={"owed": "rate"})]  # fmt: skip
    if cases is not None:
        tiers = cases.tiers.rename(columns={"insurance": kind})
        tiers = tiers[(tiers["tier"] != 0) & (tiers[kind] != "all")]
        found.append(Cube(tiers, (("tier", kind), ("tier",), (kind,), ()),
                          amounts=("cost", "patient", "fund")))  # fmt: skip
        found.append(_grouped(cases.branches))
    if "branches" in settled:
        own = settled["branches"].rename(columns={"hospital_id": "hospital", "fund": "owing"})
        found.append(Cube(own, (("hospital", "branch"), ("hospital",), ("branch",), ())))
        own = own.groupby("branch")[["cases", "cost", "owing"]].sum().reset_index()
        found.append(Cube(own, (("branch",), ()), amounts=("cost", "owing")))
    if "months" in settled:
        own = settled["months"]
        own = own[own["month"].between(1, 12)].groupby("month")[
            ["cases", "cost", "payable", "advance"]].sum().reset_index()  # fmt: skip
        found.append(Cube(own, (("month",), ()), amounts=("cost", "payable", "advance")))
    return [*found, *_ahead(home, projected, kind)]


def _rates(home: pd.DataFrame, tables: Frames) -> pd.Series[Any]:
    """The share that the cut takes of what each pool owes; 0 where it takes nothing."""
    return home["pool"].map(_rate(tables["pools"])).fillna(0.0)


def _rate(pools: pd.DataFrame) -> pd.Series[Any]:
    sums = pools.groupby("pool")[["final", "budget_cut"]].sum()
    owed = sums["final"] + sums["budget_cut"]
    return (sums["budget_cut"] / owed.where(owed > 0)).fillna(0.0)


def _grouped(branches: pd.DataFrame) -> Cube:
    """Cases with a group and without one, which a grouping rate tells, by branch."""
    cells = branches.rename(columns={"hospital_id": "hospital"})
    cells = cells.assign(grouped=cells["grouped"].map({True: "yes", False: "no"}))
    return Cube(cells, (("hospital", "branch"), ("hospital", "grouped"), ("hospital",),
                        ("branch",), ("grouped",), ()))  # fmt: skip


def _ahead(home: pd.DataFrame, projected: Frames, kind: str) -> Iterator[Cube]:
    """Every scenario and year: figures of hospitals and tiers, what pools owe, groups.

    A projection tells what is owed by hospital; its pools stand as they do in the settled year.
    """
    share = home["owed"].clip(lower=0.0)
    whole = share.groupby(home["hospital"]).transform("sum")
    share = share / whole.where(whole > 0)
    empty = pd.DataFrame({"scenario": [], "year": []})
    pools = projected.get("projection_pools", empty)
    for (code, year), own in _of(projected, "projection_hospitals"):
        cases, cost, owed = (f"{name} {code} {year}" for name in ("cases", "cost", "owed"))
        own = own.rename(columns={"hospital_id": "hospital", "cases": cases, "cost": cost})
        own = own.assign(tier=own["tier"].fillna(-1).astype(int))
        own[owed] = own["final"] + own["budget_cut"].fillna(0.0)
        yield Cube(own, _AHEAD, (cases,), (cost,))
        here = pools[(pools["scenario"] == code) & (pools["year"] == year)]
        cells = home[["hospital", "tier", "pool"]].assign(rate=0.0)
        if len(here):
            cells["rate"] = home["pool"].map(_rate(here)).fillna(0.0)
        held = own.groupby("hospital")[owed].sum().clip(lower=0.0)
        cells[owed] = (share * home["hospital"].map(held)).fillna(0.0)
        yield Cube(cells, (*_AHEAD, ("pool",)), (), (owed,), {owed: "rate"})
    for (code, year), own in _of(projected, "projection_tiers"):
        cases, cost = (f"{name} {code} {year}" for name in ("cases", "cost"))
        own = own[(own["tier"] != "all") & (own["insurance"] != "all")]
        own = own.assign(**{cases: own["cases"], cost: own["cases"] * own["average_cost"]})
        if len(own):
            yield Cube(own.rename(columns={"insurance": kind}),
                       (("tier", kind), ("tier",), (kind,), ()), (cases,), (cost,))  # fmt: skip
    for (code, year), every in _of(projected, "projection_difference"):
        for level, own in every.groupby("level", sort=False):
            key = {"insurance": kind}.get(str(level), str(level))
            if level != "region":
                names = {f"cases_{side}": f"cases {code} {year} {level} {side}"
                         for side in ("baseline", "scenario")}  # fmt: skip
                own = own.rename(columns={**names, "key": key})
                yield Cube(own, ((key,), ()), tuple(names.values()))
    for (code, year), own in _of(projected, "projection_groups"):
        cases, cost = (f"{name} {code} {year}" for name in ("cases", "cost"))
        own = own.assign(**{cases: own["cases"], cost: own["cases"] * own["average_cost"]})
        yield Cube(own, (("drg",), ()), (cases,), (cost,))


def _of(projected: Frames, name: str) -> Iterator[tuple[tuple[str, int], pd.DataFrame]]:
    """Rows of a projected table by scenario and year."""
    frame = projected.get(name)
    if frame is not None:
        for (code, year), own in frame.groupby(["scenario", "year"], sort=False):
            yield (str(code), int(float(str(year)))), own
