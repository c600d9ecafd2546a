"""The data group's package (数据工作组资料包): what each hospital may see of the year so far.

A hospital sees its own figures exactly, and beside them those of its tier and the region, in which
small cells and what would give them away are hidden: so are groups that few cases, or the cases of
few other hospitals, stand behind.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from budget.settlement.indicators import case_frame, indicators
from drg.cases.privacy import FEWEST
from drg.page.blocks import Column, Report, Section, Table
from drg.page.small_cells import Cube, untold
from drg.page.words import Words
from drg.page.write import write_report
from drg.report.year.payment import INDICATORS
from drg.tables import whole_folder
from drg.year.book import Book
from drg.year.month import priced

RESULTS = ("hospitals/", "region.xlsx")
_LEAST_HOSPITALS = 3  # behind a mean that others may see
_OPEN = tuple(Column(c.field, c.zh, c.en, "cases" if c.field == "cases" else c.kind)
              for c in INDICATORS)  # fmt: skip
_OF_GROUP = (
    Column("drg", "病组", "Group", "code"),
    Column("cases", "本院病例", "Own cases", "count"),
    Column("mean", "本院次均费用", "Own mean cost", "yuan"),
    Column("stay", "本院平均住院日", "Own stay", "index"),
    Column("tier_cases", "同级病例", "Cases of the tier", "cases"),
    Column("tier_mean", "同级次均费用", "Mean of the tier", "yuan"),
    Column("region_cases", "全统筹区病例", "Cases of the region", "cases"),
    Column("region_mean", "全统筹区次均费用", "Mean of the region", "yuan"),
)


def write_package(book: Book, out: Path, lang: str) -> int:
    """Write the package: a workbook a hospital, and one of tiers and region for all.

    Returns:
        How many hospitals have one.

    Raises:
        DrgError: there is no case, or a file cannot be written.
    """
    state, words = book.state, Words(lang)
    done = priced(book.files, state, book.standing(state))
    cases = case_frame(done)
    cases = cases.assign(yuan=cases["cost"] / 100)
    groups = [str(one) for one in book.files.weights.frame["drg"]]
    cases["drg"] = [groups[i] if i >= 0 else "0000" for i in cases["group"]]
    tiers = _shared(cases, ["tier"])
    region = _shared(cases, [])
    by_tier, by_region = _groups(cases, ["tier", "drg"]), _groups(cases, ["drg"])
    count = 0
    with whole_folder(out, RESULTS) as folder:
        (folder / "hospitals").mkdir()
        write_report(folder / "region.xlsx", _region(tiers, region, by_tier, by_region, state.year,
                                                     words), words)  # fmt: skip
        for place, name in enumerate(book.files.hospitals.ids):
            own = cases[cases["hospital_id"] == name]
            if not len(own):
                continue
            count += 1
            report = _hospital(book, place, own, tiers, region, by_tier, by_region, words)
            stem = re.sub(r"[^\w-]", "_", name)
            write_report(folder / "hospitals" / f"{place + 1:03d}-{stem}.xlsx", report, words)
    return count


def _shared(cases: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Indicators that others may see; ``hidden`` where few cases or hospitals stand behind."""
    found = indicators(cases, keys)
    if not keys:
        return found.assign(hidden=len(cases) < FEWEST)
    behind = cases.groupby(keys)["hospital_id"].nunique().reset_index(name="hospitals")
    found = found.merge(behind, on=keys)
    return found.assign(hidden=(found["cases"] < FEWEST) | (found["hospitals"] < _LEAST_HOSPITALS))


def _groups(cases: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Cases and means by group, and whether they are hidden."""
    found = cases.groupby(keys).agg(cases=("row", "size"), cost=("yuan", "sum"),
                                    hospitals=("hospital_id", "nunique")).reset_index()  # fmt: skip
    told = [("drg",)] if keys == ["drg"] else [("tier", "drg"), ("drg",)]
    dark = untold(
        [
            Cube(
                cases.groupby(["tier", "drg"])
                .agg(cases=("row", "size"), cost=("yuan", "sum"))
                .reset_index(),
                told,
                ("cases",),
                ("cost",),
            )
        ]
    )
    hidden = dark.rows(tuple(keys), *(found[name] for name in keys))
    few = found["hospitals"] < _LEAST_HOSPITALS
    return found.assign(mean=(found["cost"] / found["cases"]).round(2), hidden=hidden | few)


def _hospital(
    book: Book, place: int, own: pd.DataFrame, tiers: pd.DataFrame, region: pd.DataFrame,
    by_tier: pd.DataFrame, by_region: pd.DataFrame, words: Words,
) -> Report:  # fmt: skip
    hospitals = book.files.hospitals
    tier = int(hospitals.tier[place])
    mine = own.groupby("drg").agg(cases=("row", "size"), mean=("yuan", "mean"),
                                  stay=("stay", "mean")).round(2).reset_index()  # fmt: skip
    others = by_tier[by_tier["tier"] == tier]
    for prefix, frame in (("tier", others), ("region", by_region)):
        shown = frame[~frame["hidden"]].set_index("drg")
        mine[f"{prefix}_cases"] = mine["drg"].map(shown["cases"])
        mine[f"{prefix}_mean"] = mine["drg"].map(shown["mean"])
    lines = pd.concat([
        indicators(own, ["hospital_id"]).assign(who=words("本院", "This hospital"), hidden=False),
        tiers[tiers["tier"] == tier].assign(who=words("同级", "Its tier")),
        region.assign(who=words("全统筹区", "Region")),
    ])  # fmt: skip
    who = Column("who", "范围", "Of")
    return Report(
        words(f"{book.state.year} 年数据工作组资料", f"Data group, {book.state.year}"),
        str(hospitals.names[place]),
        [Section("indicators", words("指标", "Indicators"), [
            Table("indicators", words("指标", "Indicators"), (who, *INDICATORS), lines)]),
         Section("groups", words("病组", "Groups"), [
             Table("groups", words("病组", "Groups"), _OF_GROUP, mine)])],
    )  # fmt: skip


def _region(
    tiers: pd.DataFrame, region: pd.DataFrame, by_tier: pd.DataFrame, by_region: pd.DataFrame,
    year: int, words: Words,
) -> Report:  # fmt: skip
    tier = Column("tier", "级别", "Tier", "tier")
    group = (Column("drg", "病组", "Group", "code"), Column("cases", "病例数", "Cases", "cases"),
             Column("mean", "次均费用", "Mean cost", "yuan"))  # fmt: skip
    return Report(
        words(f"{year} 年数据工作组资料：全统筹区", f"Data group, {year}: the region"), "",
        [Section("tiers", words("级别", "Tiers"), [
            Table("tiers", words("级别", "Tiers"), (tier, *_OPEN), tiers),
            Table("region", words("全统筹区", "Region"), _OPEN, region)]),
         Section("tier_groups", words("各级别病组", "Groups by tier"), [
             Table("tier_groups", words("各级别病组", "Groups by tier"), (tier, *group), by_tier)]),
         Section("groups", words("病组", "Groups"), [
             Table("groups", words("全统筹区病组", "Groups of the region"), group, by_region)])],
    )  # fmt: skip
