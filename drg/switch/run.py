"""A switch from beginning to end (方案切换测算): cases under both schemes, weights, money."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from budget.settlement.files import RESULTS as SETTLED
from budget.settlement.files import settle_file
from budget.settlement.settled import Settlement
from drg.errors import problem
from drg.language import say
from drg.money import to_yuan
from drg.provenance import file_name, hash_file, record, record_of
from drg.switch.both import Both, Ints, pairs_of, read_both
from drg.switch.carry import Carried, carry
from drg.tables import whole_folder, write_table
from drg.tables.atomic import write_record
from drg.tables.derived import without_formulas
from grouper.codes.editions import INSURANCE
from grouper.compare.groups import GroupComparison, compare_groups
from grouper.engine.files import BESIDE, group_file
from grouper.scheme.model import Scheme
from grouper.scheme.pack import load_scheme
from weights.cases.intake import observe_file
from weights.table import WeightTable
from weights.table.columns import ORDER
from weights.table.model import write_with_record

if TYPE_CHECKING:
    from budget.policy.document import Policy

Progress = Callable[[str], None]
PAGES = ("switch.html", "switch.xlsx")  # what the caller may write beside the tables
WEIGHTS = "weights.csv"
KNOWN_COLUMNS = (*ORDER, "adrg", "old_groups", "raw_weight", "draft_weight", "previous_weight")
MONEY = ("cost", "fund_old", "fund_new", "final_old", "final_new", "change", "by_groups",
         "by_year_end")  # fmt: skip
TABLES = ("moves.csv", "moves-by-hospital.csv", "hospitals.csv", WEIGHTS,
          record_of(Path(WEIGHTS)).name)  # fmt: skip
RECORD = "switch.json"
RESULTS = (
    *TABLES, *PAGES, RECORD,
    *(f"cases-{one}.{ending}{beside}" for one in ("old", "new") for ending in ("csv", "parquet")
      for beside in ("", *BESIDE)),
    *(f"settlement-{one}/{name}" for one in ("old", "new") for name in SETTLED),
)  # fmt: skip


@dataclass(frozen=True)
class Switched:
    """What a switch comes to.

    Attributes:
        old: the scheme before.
        new: the scheme after.
        both: the cases under both.
        carried: the weights carried over, with how.
        weights: the same as a weight table.
        before: the weight table before.
        compared: the groups of both schemes side by side.
        moves: sums by hospital, old and new group: ``cases, cost`` and, with a policy, ``fund_old,
            fund_new`` in fen.
        hospitals: one row a hospital: ``hospital_id, hospital_name, tier, cases, weighed_old,
            weighed_new`` (cases with a weight), ``weight_old, weight_new`` (their sums) and, with
            a policy, ``final_old, final_new, change, by_groups, by_year_end`` in fen, the change
            split into what the groups of its cases do and what budgets and year end do.
        settled: the year settled before and after; None without a policy.
    """

    old: Scheme
    new: Scheme
    both: Both
    carried: Carried
    weights: WeightTable
    before: WeightTable
    compared: GroupComparison
    moves: pd.DataFrame
    hospitals: pd.DataFrame
    settled: tuple[Settlement, Settlement] | None


def switch_file(
    cases: Path,
    old: str,
    new: str,
    weights: WeightTable,
    out: Path,
    *,
    policy: Policy | None = None,
    hospitals: Path | None = None,
    year: int | None = None,
    last_year: Mapping[str, Any] | None = None,
    mapping: Path | None = None,
    sheet: str | None = None,
    codes: str = INSURANCE,
    accept_unreadable: bool = True,
    tell: Progress | None = None,
) -> Switched:
    """Work out what a switch does to groups, weights and every hospital's payment.

    The folder gets the cases under both schemes (``cases-old``, ``cases-new``: .parquet or .csv as
    the input), ``moves.csv``, ``moves-by-hospital.csv``, ``hospitals.csv``, ``weights.csv``,
    ``switch.json``, and with a policy both settlements (``settlement-old``, ``settlement-new``).

    Args:
        cases: discharge file of a year, with cost.
        old: scheme before, a shipped id or a folder.
        new: scheme after.
        weights: weights of the old scheme.
        out: folder, made when it is not there.
        policy: how the year is paid; None to look at groups and weights only.
        hospitals: table of hospitals, for the policy.
        year: settlement year, for the policy.
        last_year: last year's fund spend in yuan by pool, for the policy.
        mapping: mapping file for headers that are not recognised.
        sheet: sheet of a workbook.
        codes: edition of the codes.
        accept_unreadable: as in ``settle_file``, for costs without a policy too.
        tell: called with what is being done.

    Raises:
        DrgError: a file, a scheme or the policy cannot be used.
    """
    tell = tell or (lambda _: None)
    before, after = load_scheme(old), load_scheme(new)
    ending = ".parquet" if cases.suffix.lower() == ".parquet" else ".csv"
    with whole_folder(out, RESULTS, (cases, mapping, hospitals, weights.path)) as folder:
        grouped = folder / f"cases-old{ending}", folder / f"cases-new{ending}"
        for scheme, path in zip((old, new), grouped, strict=True):
            tell(say(f"按 {scheme} 分组", f"grouping by {scheme}"))
            group_file(cases, path, scheme=scheme, mapping=mapping, sheet=sheet, codes=codes)
        both = read_both(*grouped, mapping)
        compared = compare_groups(before, after)
        tell(say("结转权重", "carrying weights over"))
        carried = carry(
            weights.by_group(), pairs_of(both.sums()),
            [(drg.code, drg.adrg) for drg in after.counted_drgs],
            observe_file(grouped[1], mapping=mapping, accept_unreadable=accept_unreadable),
            {drg.code: compared.old_of(drg.code) for drg in after.counted_drgs},
        )  # fmt: skip
        table = _table(carried, after, weights, old)
        settled = None
        if policy is not None:
            settled = _settle(grouped, (weights, table), policy, hospitals, year, folder, mapping,
                              tell, last_year, accept_unreadable)  # fmt: skip
        found = _summed(before, after, both, carried, table, weights, compared, settled)
        _write(found, cases, folder, policy)
        return found


def _table(carried: Carried, new: Scheme, weights: WeightTable, old: str) -> WeightTable:
    """The carried weights as a table with names and a record of how."""
    names = {drg.code: drg.name for drg in new.drgs}
    frame = carried.frame.rename(columns={"how": "status", "from": "old_groups"})
    frame.insert(1, "name", frame["drg"].map(names))
    for name, tags in _tags(carried, weights).items():
        frame[name] = tags
    how = carried.frame["how"].value_counts()
    steps = [
        {"step": "结转 carry", "method": f"{old} -> {new.id}",
         "note": ", ".join(f"{name} {how[name]:,}" for name in sorted(how.index))},
        {"step": "次序 order", "changed": len(carried.moved)},
        {"step": "标化 normalise", "method": "neutral", "note": f"x {carried.factor:.8f}"},
    ]  # fmt: skip
    document = record(
        kind="weight table", title=f"{weights.id}: {old} -> {new.id}", scheme=new.id,
        previous={"id": weights.id, "sha256": weights.digest, "scheme": old},
        factor=carried.factor, old_sum=carried.old_sum, new_sum=carried.new_sum, steps=steps,
    )  # fmt: skip
    return WeightTable(f"{weights.id}-{new.id}", frame, document)


def _tags(carried: Carried, weights: WeightTable) -> dict[str, list[str]]:
    """Further columns of texts of the old table, such as kinds of groups (病组类别).

    A new group takes what is said of the old group that most of its cases come from, or of the
    one whose weight it took: a policy pays groups by such columns.
    """
    held = weights.frame.set_index("drg")
    own = [name for name in weights.frame if name not in KNOWN_COLUMNS
           and weights.frame[name].map(lambda one: isinstance(one, str)).any()]  # fmt: skip
    first = [str(source).split(" ")[0] for source in carried.frame["from"]]
    return {str(name): [str(held[name].get(code, "") or "") for code in first] for name in own}


def _settle(
    grouped: tuple[Path, Path], weights: tuple[WeightTable, WeightTable], policy: Policy,
    hospitals: Path | None, year: int | None, out: Path, mapping: Path | None, tell: Progress,
    last_year: Mapping[str, Any] | None, accept_unreadable: bool,
) -> tuple[Settlement, Settlement]:  # fmt: skip
    if hospitals is None or year is None:
        raise problem(say("按政策测算需要医疗机构表和清算年度",
                          "a policy needs the table of hospitals and the year"),
                      key="policy")  # fmt: skip
    settled = []
    for name, path, table in zip(("old", "new"), grouped, weights, strict=True):
        tell(say(f"清算 {path.name}", f"settling {path.name}"))
        found = settle_file(path, out / f"settlement-{name}", table, policy, hospitals, year,
                            mapping=mapping, last_year=last_year, rows=True,
                            accept_unreadable=accept_unreadable)  # fmt: skip
        assert isinstance(found, Settlement)
        settled.append(found)
    return settled[0], settled[1]


def _summed(
    before: Scheme, after: Scheme, both: Both, carried: Carried, table: WeightTable,
    weights: WeightTable, compared: GroupComparison,
    settled: tuple[Settlement, Settlement] | None,
) -> Switched:  # fmt: skip
    amounts: dict[str, Ints] = {"cost": both.cost}
    if settled is not None:
        amounts |= {f"fund_{name}": one.paid.fund.astype(np.int64)
                    for name, one in zip(("old", "new"), settled, strict=True)}  # fmt: skip
    moves = both.sums(**amounts)
    return Switched(before, after, both, carried, table, weights, compared, moves,
                    _hospitals(moves, weights, table, settled), settled)  # fmt: skip


def _hospitals(
    moves: pd.DataFrame, before: WeightTable, after: WeightTable,
    settled: tuple[Settlement, Settlement] | None,
) -> pd.DataFrame:  # fmt: skip
    """One row a hospital, in the order of their ids."""
    weight = pd.DataFrame({
        "hospital_id": moves["hospital_id"], "cases": moves["cases"], "cost": moves["cost"],
    })  # fmt: skip
    for side, table in (("old", before), ("new", after)):
        each = moves[f"drg_{side}"].map(table.by_group())
        weight[f"weighed_{side}"] = moves["cases"].where(each.notna(), 0)
        weight[f"weight_{side}"] = (moves["cases"] * each).fillna(0.0)
    frame = weight.groupby("hospital_id", sort=True, as_index=False).sum()
    if settled is None:
        return frame
    known = settled[0].hospitals
    place = {one: i for i, one in enumerate(known.ids)}
    at = frame["hospital_id"].map(place)
    final = [one.cash.final.sum(axis=1) for one in settled]
    due = [one.sums.yearly().fund.sum(axis=1) for one in settled]
    inside = at.notna()
    rows = at[inside].astype(int)
    for name, held in (
        ("final_old", final[0]),
        ("final_new", final[1]),
        ("change", final[1] - final[0]),
        ("by_groups", due[1] - due[0]),
        ("by_year_end", (final[1] - due[1]) - (final[0] - due[0])),
    ):
        frame[name] = 0
        frame.loc[inside, name] = held[rows]
    frame.insert(1, "hospital_name", "")
    frame.insert(2, "tier", -1)
    frame.loc[inside, "hospital_name"] = [known.names[i] for i in rows]
    frame.loc[inside, "tier"] = [int(known.tier[i]) for i in rows]
    return frame


def _write(found: Switched, cases: Path, out: Path, policy: Policy | None) -> None:
    pairs = pairs_of(found.moves)
    whole = pairs.groupby("drg_old")["cases"].transform("sum")
    pairs.insert(3, "share_of_old", (pairs["cases"] / whole).round(4))
    for name, frame in (("moves", pairs), ("moves-by-hospital", found.moves),
                        ("hospitals", found.hospitals)):  # fmt: skip
        table = pa.Table.from_pandas(in_yuan(frame), preserve_index=False)
        write_table(out / f"{name}.csv", without_formulas(table))
    write_with_record(found.weights, out / WEIGHTS)
    tables = sorted(one for one in out.rglob("*") if one.suffix in (".csv", ".parquet"))
    hashes = {one.relative_to(out).as_posix(): hash_file(one) for one in tables}
    write_record(out / RECORD, _record(found, cases, policy) | {"hashes": hashes})


def in_yuan(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of the switch with its amounts in yuan."""
    return frame.assign(**{name: to_yuan(frame[name]) for name in MONEY if name in frame})


def _record(found: Switched, cases: Path, policy: Policy | None) -> dict[str, object]:
    both = found.both
    moved = sum(int(n) for old, new, n in zip(
        found.moves["drg_old"], found.moves["drg_new"], found.moves["cases"], strict=True)
        if old != new)  # fmt: skip
    money: dict[str, object] = {}
    if policy is not None and found.settled is not None:
        totals = [int(one.cash.final.sum()) for one in found.settled]
        money = {"policy": {"id": policy.id, "sha256": policy.digest},
                 "final_old_fen": totals[0], "final_new_fen": totals[1]}  # fmt: skip
    return record(
        kind="scheme switch",
        input={"file": file_name(cases), "sha256": hash_file(cases)},
        old={"id": found.old.id, "sha256": found.old.content_hash},
        new={"id": found.new.id, "sha256": found.new.content_hash},
        weights={"before": found.before.digest, "after": found.weights.digest},
        factor=found.carried.factor,
        cases=len(both), another_code=moved, cost_fen=int(both.cost.sum()),
        costs_unread=both.unread,
        how={str(k): int(v) for k, v in
             found.carried.frame["how"].value_counts().sort_index().items()},
        **money,
    )  # fmt: skip
