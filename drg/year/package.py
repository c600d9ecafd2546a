"""The data group's package (数据工作组资料包): what each hospital may see of the year so far.

A hospital sees its own figures exactly, and beside them those of its tier and the region, in which
small cells and what would give them away are hidden. A figure is told to all alike, so it must
leave enough when any one hospital takes its own part off: 5 cases and three other hospitals.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from budget.settlement.indicators import case_frame, indicators
from drg.cases.privacy import FEWEST
from drg.page.blocks import Column, Kept, Report, Section, Table
from drg.page.small_cells import Cube, few, untold
from drg.page.words import Words
from drg.page.write import write_report
from drg.report.year.payment import INDICATORS
from drg.tables import whole_folder
from drg.year.book import Book
from drg.year.month import priced, to_price

RESULTS = ("hospitals/", "region.xlsx")
_LEAST_OTHERS = 3  # hospitals beside the one that reads
_SHARES = ("grouped_share", "high_share", "low_share")
_DIGITS = {
    **dict.fromkeys(_SHARES, 3),
    "cost_index": 3,
    "time_index": 3,
    "case_mix_index": 4,
    "weight": 4,
}  # as a page shows them
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
    done = priced(book.files, state, to_price(book.files, state))
    cases = case_frame(done)
    cases = cases.assign(yuan=cases["cost"] / 100)
    groups = np.array([*(str(one) for one in book.files.weights.frame["drg"]), "0000"], object)
    cases["drg"] = groups[cases["group"]]  # -1 is the last one
    tiers, region = shared(cases)
    by_tier, by_region = groups_of(cases)
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


def bare(parts: pd.DataFrame) -> bool:
    """Whether a sum tells too much to one of the hospitals behind it, which knows its own part.

    Args:
        parts: ``hospital_id, cases``, any number of rows a hospital.
    """
    own = parts.groupby("hospital_id")["cases"].sum()
    own = own[own > 0]
    return len(own) <= _LEAST_OTHERS or own.sum() - own.max() < FEWEST


def _covered(parts: pd.DataFrame, across: str, along: str, hidden: set[Any]) -> None:
    """Hide more cells of a line until what is left of its total is not :func:`bare`.

    Args:
        parts: ``hospital_id, cases`` and both keys.
        across: key of the lines whose totals are told.
        along: key of the cells in a line.
        hidden: pairs ``(across, along)`` of hidden cells; the smallest others are added.
    """
    for line, mine in parts.groupby(across):
        order = mine.groupby(along)["cases"].sum().sort_values(kind="stable").index
        off = [one for one in order if (line, one) in hidden]
        more = [one for one in order if (line, one) not in hidden]
        while off and more and bare(mine[mine[along].isin(off)]):
            off.append(more.pop(0))
        hidden.update((line, one) for one in off)


def shared(cases: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Indicators of tiers and region as all may see them; ``hidden`` rows are not told.

    A share is not told where its numerator, or what is not in it, is 1 to 4, as it stands or
    without one hospital; then no tier tells that share. Figures are rounded as a page shows them.
    """
    own = indicators(cases, ["tier", "hospital_id"])
    hidden = {(0, tier) for tier, mine in own.groupby("tier") if bare(mine)}
    _covered(own.assign(region=0), "region", "tier", hidden)
    tiers, region = indicators(cases, ["tier"]), indicators(cases, [])
    tiers = tiers.assign(hidden=[(0, one) in hidden for one in tiers["tier"]])
    region = region.assign(hidden=bare(own))
    told = []
    for frame, parts in ((tiers, [own[own["tier"] == one] for one in tiers["tier"]]),
                         (region, [own])):  # fmt: skip
        frame = frame.round(_DIGITS)
        for name in _SHARES:
            if any(_tells_few(one, name) for one in parts):
                frame[name] = np.full(len(frame), Kept.BACK, object)
        told.append(frame)
    return told[0], told[1]


def _tells_few(own: pd.DataFrame, share: str) -> bool:
    """Whether a share of a sum of hospitals tells 1 to 4 cases, to all or to one of them."""
    inside = (own[share].astype(float) * own["cases"]).round()
    for part in (inside, own["cases"] - inside):
        whole = float(part.sum())
        if few(whole) or any(few(whole - one) for one in part):
            return True
    return False


def groups_of(cases: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cases and means by tier and group, and by group; ``hidden`` rows are not told."""
    cells = cases.groupby(["tier", "drg"]).agg(cases=("row", "size"), cost=("yuan", "sum"))
    whole = cases.groupby("drg").agg(cases=("row", "size"), cost=("yuan", "sum"))
    dark = untold([Cube(cells.reset_index(), [("tier", "drg"), ("drg",)], ("cases",), ("cost",))])
    found = []
    for frame in (cells.reset_index(), whole.reset_index()):
        keys = tuple(name for name in ("tier", "drg") if name in frame)
        hidden = dark.rows(keys, *(frame[name] for name in keys))
        found.append(frame.assign(mean=(frame["cost"] / frame["cases"]).round(2), hidden=hidden))
    by_tier, by_region = found
    own = cases.groupby(["tier", "drg", "hospital_id"]).agg(cases=("row", "size")).reset_index()
    thin = {(group, tier) for (tier, group), mine in own.groupby(["tier", "drg"]) if bare(mine)}
    dim = by_tier[by_tier["hidden"]]
    off = thin | set(zip(dim["drg"], dim["tier"], strict=True))
    gone = {(0, group) for group, mine in own.groupby("drg") if bare(mine)}
    gone |= {(0, group) for group in by_region.loc[by_region["hidden"], "drg"]}
    before = (-1, -1)
    while before != (len(off), len(gone)):
        before = (len(off), len(gone))
        _covered(own, "drg", "tier", off)
        turned = {(tier, group) for group, tier in off}
        _covered(own, "tier", "drg", turned)
        off = {(group, tier) for tier, group in turned}
        _covered(own.assign(region=0), "region", "drg", gone)
        off |= {pair for pair in zip(by_tier["drg"], by_tier["tier"], strict=True)
                if (0, pair[0]) in gone}  # fmt: skip
    by_tier["hidden"] = [pair in off for pair in zip(by_tier["drg"], by_tier["tier"], strict=True)]
    by_region["hidden"] = [(0, group) in gone for group in by_region["drg"]]
    return by_tier, by_region


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
        indicators(own, ["hospital_id"]).round({"cost_index": 3, "time_index": 3}).assign(
            who=words("本院", "This hospital"), hidden=False),  # its index holds others' means
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
