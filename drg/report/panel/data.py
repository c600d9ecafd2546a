"""What the panel report tells: the tables of a settlement and, when there, of a projection."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from drg.errors import DrgError, problem
from drg.language import say
from drg.page.small_cells import Mask, Untold, few, untold
from drg.page.words import clean
from drg.provenance import hash_file
from drg.report.panel.agree import SEARCH, agree, on_record, same_year, searched
from drg.report.panel.cases import CaseSums, read_cases
from drg.report.panel.cubes import cubes, kind_of
from drg.tables.results import read_any, read_frame, read_record, whole

if TYPE_CHECKING:
    from budget.policy import Policy

_MONEY = ("cost", "patient", "other", "item", "payable", "surplus_returned", "overrun_borne",
          "capped", "assessment_withheld", "penalty", "budget_cut", "final", "prepaid",
          "year_end")  # fmt: skip
# file -> its columns of text, of numbers, and those that may be missing
_SETTLED: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "hospitals": (("hospital_id", "hospital_name", "class", "pool"),
                  ("tier", "cases", "case_mix_index", "assessment", *_MONEY, "gain"), ()),
    "pools": (("pool", "decided_by"),
              ("budget", "carve_outs", "reserve", "amount", "cases", "points", "point_value",
               *_MONEY, "outside_pool", "balance"), ()),
    "months": (("hospital_id", "pool"),
               ("month", "cases", "cost", "patient", "other", "payable", "advance",
                "quality_held", "remainder"), ()),
    "branches": (("hospital_id", "branch", "branch_zh", "settled"),
                 ("cases", "cost", "patient", "other", "fund"), ()),
}  # fmt: skip
_RANGE = ("average_cost_low", "average_cost_high")
MEASURES = ("cases", "cost", "average_cost", "payable", "budget_cut", "final", "patient", "gain")
_COMPARED = tuple(
    f"{name}_{part}" for name in MEASURES for part in ("baseline", "scenario", "difference")
)
_PARTED = tuple(f"{name}_{part}" for name in MEASURES for part in ("by_drivers", "by_policy"))
_PROJECTED: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "projection_hospitals": (
        ("scenario", "hospital_id", "hospital_name"),
        ("year", "tier", "cases", "case_mix_index", "cost", "average_cost", "patient",
         "average_patient", "payable", "budget_cut", "final", "gain", "gain_share",
         "change_final", "low", "high", "loss_probability"),
        ("low", "high", "loss_probability", "case_mix_index", "average_patient", "gain_share",
         "change_final", "budget_cut", "patient", "payable")),
    "projection_tiers": (
        ("scenario", "insurance", "tier"),
        ("year", "cases", "average_cost", "average_patient", "average_fund", "case_mix_index",
         "change_average_cost", *_RANGE),
        ("average_fund", "case_mix_index", "change_average_cost", *_RANGE)),
    "projection_pools": (
        ("scenario", "pool"),
        ("year", "amount", "payable", "outside", "final_before_cut", "budget_cut", "final",
         "balance_before_cut", "balance", "point_value", "balance_before_cut_low",
         "balance_before_cut_high", "overrun_probability"),
        ("payable", "outside", "final_before_cut", "budget_cut", "balance_before_cut",
         "point_value", "balance_before_cut_low", "balance_before_cut_high",
         "overrun_probability")),
    "projection_difference": (
        ("scenario", "level", "key", "name"), ("year", *_COMPARED, *_PARTED), _PARTED),
    "projection_groups": (
        ("scenario", "drg", "name"),
        ("year", "cases", "average_cost", "weight", "change_average_cost", *_RANGE),
        ("name", "weight", "change_average_cost", *_RANGE)),
    "decomposition": (
        ("scenario", "level", "key", "measure"),
        ("year", "from", "to", "price", "case_mix", "intensity", "volume", "total"), ("measure",)),
    "sensitivity": (
        ("scenario", "outcome", "parameter", "zh", "en", "unit"),
        ("first_order", "total", "total_low", "total_high", "first_low", "first_high", "centre",
         "low", "high"),
        ("scenario", "zh", "en", "unit", "first_order", "total_low", "total_high", "first_low",
         "first_high", "centre", "low", "high")),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class PanelData:
    """What a report tells.

    Attributes:
        settlement: the record of the settlement.
        settled: its tables by name; months and branches may be missing.
        cases: sums over its cases; None without the case table.
        projection: the record of the projection; None without one.
        projected: its tables by name.
        policy: the policy, when it is one of the installed ones; None otherwise.
        hashes: SHA-256 of every file that was read, by its name.
        search: the record of a policy search; None without one.
        tell: id of the scenario whose story is told; the first that is not the baseline when empty.
    """

    settlement: dict[str, Any]
    settled: dict[str, pd.DataFrame]
    cases: CaseSums | None
    projection: dict[str, Any] | None
    projected: dict[str, pd.DataFrame]
    policy: Policy | None
    hashes: dict[str, str]
    search: dict[str, Any] | None = None
    tell: str = ""

    @property
    def year(self) -> int:
        """The settled year."""
        return int(self.settlement.get("year") or 0)

    @property
    def pools(self) -> pd.DataFrame:
        """One row a pool."""
        return self.settled["pools"]

    @property
    def branches(self) -> pd.DataFrame | None:
        """Cases by hospital and branch; without those not settled, where these are few."""
        frame = self.settled.get("branches")
        if frame is None:
            return None
        open_ = frame["settled"].str.lower() == "false"
        found = frame[~open_] if few(float(frame.loc[open_, "cases"].sum())) else frame
        return found if len(found) else None

    @property
    def hospitals(self) -> pd.DataFrame:
        """One row a hospital and pool."""
        return self.settled["hospitals"]

    @cached_property
    def by_hospital(self) -> pd.DataFrame:
        """One row a hospital, in the order of the settlement, ``hidden`` when not to be told."""
        frame = self.hospitals
        weighted = frame["case_mix_index"] * frame["cases"]
        frame = frame.assign(
            _weight=weighted.fillna(0.0), weighed=frame["cases"].where(weighted.notna(), 0.0)
        )
        how = dict.fromkeys(("cases", *_MONEY, "gain", "_weight", "weighed"), "sum")
        how |= dict.fromkeys(("hospital_name", "tier", "class", "assessment"), "first")
        found = frame.groupby("hospital_id", sort=False).agg(how).reset_index()
        found["case_mix_index"] = found["_weight"] / found["weighed"].where(found["weighed"] > 0)
        if self.cases is not None:  # not all cases have a weight
            own = self.cases.hospitals.reindex(found["hospital_id"])
            found["case_mix_index"] = own["case_mix_index"].to_numpy(float)
            found["weighed"] = own["weighed"].fillna(0.0).to_numpy(float)
        found["gain_share"] = found["gain"] / found["cost"].where(found["cost"] > 0)
        found["hidden"] = found["hospital_id"].isin(self.hidden)
        names = zip(found["hospital_name"], found["hospital_id"], strict=True)
        return found.assign(hospital=[clean(name) or clean(code) or "—" for name, code in names])

    @cached_property
    def untold(self) -> Untold:
        """What is not told of all the tables: few cases, and what would give them away."""
        settled = {name: frame for name, frame in self.settled.items() if name != "branches"}
        if self.branches is not None:
            settled["branches"] = self.branches
        return untold(cubes(settled, self.cases, self.projected))

    @cached_property
    def kind(self) -> str:
        """The key of an insurance in :attr:`untold`."""
        return kind_of(self.settled, self.cases, self.projected)

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Hospitals of which no number is told."""
        return self.untold.of("hospital")

    @cached_property
    def hidden_pools(self) -> frozenset[str]:
        """Pools of which no number is told, as they have few cases or cover one that has."""
        return self.untold.of("pool")

    def hides(self, level: str, keys: Iterable[object]) -> Mask:
        """Which parts of a level (region, tier, pool, insurance or hospital) are not told."""
        held = list(keys)
        if level == "region":
            return np.zeros(len(held), np.bool_)
        return self.untold.rows((self.kind if level == "insurance" else level,), held)

    def hides_tiers(self, frame: pd.DataFrame) -> Mask:
        """Which rows of a table by tier and insurance are not told.

        Args:
            frame: columns tier, insurance and cases; insurance is ``all`` in totals.
        """
        tiers = [-1 if tier is None or tier != tier else tier for tier in frame["tier"]]
        kinds = frame["insurance"].tolist()
        both = self.untold.rows(("tier", self.kind), tiers, kinds)
        both |= self.hides("tier", tiers) | self.hides("insurance", kinds)
        small: Mask = frame["cases"].map(few).to_numpy(bool)
        return both | small

    @property
    def scenarios(self) -> list[dict[str, Any]]:
        """Scenarios of the projection, the baseline first."""
        held = (self.projection or {}).get("scenarios")
        listed = [s for s in held if isinstance(s, dict) and s.get("id")] if isinstance(
            held, list) else []  # fmt: skip
        if not listed:
            names = {n for frame in self.projected.values() if "scenario" in frame
                     for n in frame["scenario"]}  # fmt: skip
            listed = [{"id": name} for name in sorted(names)]
        return sorted(listed, key=lambda s: s.get("id") != "baseline")

    @property
    def told(self) -> str:
        """The scenario whose story is told: as asked, or the first that is not the baseline."""
        if self.tell:
            return self.tell
        codes = [str(s.get("id")) for s in self.scenarios]
        return next((c for c in codes if c != "baseline"), codes[0] if codes else "")

    @property
    def last(self) -> int:
        """The last projected year of the scenario told; the settled year without one."""
        frame = self.projected.get("projection_hospitals")
        own = None if frame is None else frame[frame["scenario"] == self.told]["year"]
        return self.year if own is None or own.empty else int(own.max())

    def at(self, table: str, scenario: str, year: int) -> pd.DataFrame:
        """Rows of a projected table for a scenario and year; none when they are not there."""
        frame = self.projected.get(table)
        if frame is None:
            texts, numbers, _ = _PROJECTED.get(table, ((), (), ()))
            return pd.DataFrame({n: pd.Series(dtype=object if n in texts else float)
                                 for n in ("scenario", "year", *texts, *numbers)})  # fmt: skip
        return frame[(frame["scenario"] == scenario) & (frame["year"] == year)]


def read_panel(folder: Path, projection: Path | None = None, tell: str = "") -> PanelData:
    """Read what ``drg settle`` and ``drg project`` wrote.

    Args:
        folder: results folder of a settlement.
        projection: folder of a projection; by default the same.
        tell: id of the scenario whose story is told.

    Raises:
        DrgError: the folder or a table of the settlement is missing, a file cannot be used, or
            no such scenario was projected.
    """
    for place in (folder, projection):
        if place is not None and not place.is_dir():
            raise problem(
                say("没有这个文件夹", "no such folder")
                if not place.exists()
                else say("不是文件夹", "is not a folder"),
                file=place,
                expected=_settled(),
            )
    record = folder / "settlement.json"
    for path in (record, folder / "hospitals.csv", folder / "pools.csv"):
        if not path.is_file():
            raise problem(say("没有这个文件", "no such file"), file=path, expected=_settled())
    settlement = read_record(record)
    hashes = {record.name: hash_file(record)}
    settled = _tables(folder, _SETTLED, hashes)
    tables = {name: digest for name, digest in hashes.items() if name != record.name}
    cases = _cases_in(folder)
    if cases is not None:
        tables[cases.name] = hash_file(cases)
    on_record(folder, settlement, tables, [f"{name}.csv" for name in _SETTLED], record.name,
              "drg settle")  # fmt: skip
    if settled["hospitals"].empty:
        raise problem(say("没有医疗机构", "has no hospital"), file=folder / "hospitals.csv")
    future = projection or folder
    document = None
    if (future / "projection.json").is_file():
        document = read_record(future / "projection.json")
        hashes["projection.json"] = hash_file(future / "projection.json")
    elif projection is not None:
        raise problem(
            say("没有这个文件", "no such file"),
            file=future / "projection.json",
            expected=say("drg project 写出的文件夹", "a folder that drg project wrote"),
        )
    if document is not None:
        agree(settlement, document)
    projected: dict[str, pd.DataFrame] = {}
    read: dict[str, str] = {}
    search = None
    if document is not None:
        projected = _tables(future, _PROJECTED, read)
        on_record(future, document, read, [f"{name}.csv" for name in _PROJECTED])
        first = [f for n, f in projected.items() if n == "projection_hospitals" and len(f)]
        same_year(int(settlement.get("year") or 0), first, future / "projection_hospitals.csv")
        if (future / SEARCH[0]).is_file():
            projected["policy_search"] = read_any(future / SEARCH[0])
            search = searched(future, settlement, projected["policy_search"])
            own = {name: hash_file(future / name) for name in SEARCH}
            on_record(future, search, {SEARCH[0]: own[SEARCH[0]]}, SEARCH[:1], SEARCH[1],
                      "drg policy search")  # fmt: skip
            read |= own
    hashes |= read
    found = PanelData(settlement, settled, _cases(folder, settled["hospitals"], hashes), document,
                      {n: f for n, f in projected.items() if len(f)}, _policy(settlement),
                      hashes, search, tell)  # fmt: skip
    codes = [str(one.get("id")) for one in found.scenarios]
    if tell and tell not in codes:
        raise problem(say("没有预测这个方案", "no such scenario was projected"), key="--tell",
                      found=tell, expected=", ".join(codes) or "drg project")  # fmt: skip
    return found


def _settled() -> str:
    return say("drg settle 写出的文件夹", "a folder that drg settle wrote")


def _tables(
    folder: Path,
    wanted: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]],
    hashes: dict[str, str],
) -> dict[str, pd.DataFrame]:
    found = {}
    for name, (texts, numbers, optional) in wanted.items():
        path = folder / f"{name}.csv"
        if path.is_file():
            frame = read_frame(path, texts, numbers, optional)
            for row in frame.index[frame["year"].isna()][:1] if "year" in numbers else ():
                raise problem(say("为空", "is blank"), file=path, row=int(row) + 2, key="year",
                              expected=say("年份", "a year"))  # fmt: skip
            missing = {n: "" if n in texts else math.nan for n in optional if n not in frame}
            found[name] = frame.assign(**missing)
            hashes[path.name] = hash_file(path)
    return found


def _cases(folder: Path, hospitals: pd.DataFrame, hashes: dict[str, str]) -> CaseSums | None:
    tiers = dict(zip(hospitals["hospital_id"], whole(hospitals["tier"]), strict=True))
    path = _cases_in(folder)
    if path is None:
        return None
    hashes[path.name] = hash_file(path)
    return read_cases(path, tiers)


def _cases_in(folder: Path) -> Path | None:
    """The table of cases in a folder of results; None when there is none."""
    names = ("cases.parquet", "cases.csv")
    return next((path for name in names if (path := folder / name).is_file()), None)


def _policy(settlement: dict[str, Any]) -> Policy | None:
    """The installed policy by which the year was settled; None when it was another document."""
    from budget.policy import load_policy

    said = settlement.get("policy")
    if not isinstance(said, dict) or not re.fullmatch(r"[\w+-]+", str(said.get("id", ""))):
        return None
    try:
        policy = load_policy(str(said["id"]))
    except DrgError:
        return None
    return policy if policy.digest == said.get("sha256") else None
