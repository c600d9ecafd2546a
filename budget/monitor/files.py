"""Monitoring files (监测结果): the months' grouped cases in, tables and their record out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from budget.cases.claims import joined
from budget.cases.hospitals import read_hospitals
from budget.fund.retention import Retention
from budget.fund.tables import read_procurement
from budget.monitor.forecast import DRAWS, MONTHS, SEED
from budget.monitor.history import History, read_history
from budget.monitor.levels import Levels, read_levels
from budget.monitor.performance import performance, score
from budget.monitor.quotas import day_beds, retained, retention_frame
from budget.monitor.spend import Spend, spend_of
from budget.monitor.watch import NO_GROUP, Watch, trial_frame, watch
from budget.policy.document import Policy
from budget.pools.money import LastYear
from budget.settlement.files import read_claims
from drg.money import to_yuan
from drg.provenance import file_name, hash_file, record
from drg.tables import RejectFile, whole_folder, write_table
from drg.tables.atomic import write_record
from drg.tables.derived import without_formulas
from weights.table import WeightTable

RECORD = "monitor.json"
TABLES = ("months", "forecast", "warnings", "drivers", "performance", "trials", "history",
          "day_beds", "retention")  # fmt: skip
PAGES = ("monitor.html", "monitor.docx", "monitor.xlsx")  # what the caller writes beside them
RESULTS = (*(f"{name}.csv" for name in TABLES), "rejects.csv", *PAGES, RECORD)


@dataclass(frozen=True)
class Monitored:
    """What a run of the monitor found.

    Attributes:
        watch: the months.
        levels: the document.
        tables: all tables by name, money in yuan.
        score: of the performance summary, of 100; NaN where nothing can be told.
    """

    watch: Watch
    levels: Levels
    tables: Mapping[str, pd.DataFrame]
    score: float


def monitor_files(
    sources: Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    weights: WeightTable,
    policy: Policy,
    hospitals: str | PathLike[str],
    year: int,
    *,
    months: int | None = None,
    history: str | PathLike[str] | None = None,
    before: str | PathLike[str] | None = None,
    last_year: LastYear | None = None,
    levels: str | PathLike[str] | None = None,
    balances: Mapping[str, float] | None = None,
    items: str | PathLike[str] | None = None,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    inputs: Mapping[str, str | PathLike[str] | None] | None = None,
    pages: Callable[[Path, Monitored], None] | None = None,
) -> Monitored:
    """Watch the months so far and write the tables.

    Args:
        sources: grouped cases of the year so far, one file or one a month.
        out: folder; it gets :data:`TABLES` as CSV and ``monitor.json``.
        weights: relative weights.
        policy: the policy.
        hospitals: table of hospitals.
        year: the year.
        months: how many months count, from January; by default to the last one with a case.
        history: ``month, pool, spend`` of earlier years.
        before: grouped cases of the year before, to compare with and for indicative budgets.
        last_year: last year's fund spend in yuan by pool, or by pool and hospital; by default that
            of the history.
        levels: the monitor's own document.
        balances: pool -> balance at the start of the year in yuan, where the document has none.
        items: items of centralised procurement.
        mapping: mapping file for headers that are not recognised.
        sheet: sheet of a workbook.
        inputs: other files that were read, by what they are; hashed for the record.
        pages: writes :data:`PAGES` into the folder.

    Raises:
        DrgError: a file or document cannot be used.
    """
    files = [Path(one) for one in sources]
    given = {"hospitals": hospitals, "history": history, "before": before, "levels": levels,
             "items": items, "mapping": mapping, **(inputs or {})}  # fmt: skip
    read = {name: Path(path) for name, path in given.items() if path is not None}
    pools = tuple(pool.name for pool in policy.pools)
    with whole_folder(out, RESULTS, (*files, *read.values())) as folder:
        table = read_hospitals(hospitals)
        document = read_levels(levels, pools)
        document = replace(document, balances={**(balances or {}), **document.balances})
        past = History(year, {}) if history is None else read_history(history, pools, year)
        spent = dict(last_year or {})
        for name in pools:
            if name not in spent and (whole := past.whole(name, year - 1)) is not None:
                spent[name] = whole / 100
        with RejectFile(folder / "rejects.csv") as rejects:
            claims = joined([
                read_claims(one, weights, policy, table, year, mapping=mapping, sheet=sheet,
                            rejects=rejects) for one in files
            ])  # fmt: skip
        own = spend_of(claims, weights, policy, table, year, months=months,
                       last_year=spent or None, values=document.values)  # fmt: skip
        base = None if before is None else spend_of(
            read_claims(Path(before), weights, policy, table, year - 1, mapping=mapping,
                        sheet=sheet),
            weights, policy, table, year - 1, months=MONTHS, last_year=spent or None,
            values=document.values,
        )  # fmt: skip
        found = watch(own, document, past, before=base, last_year=last_year)
        tables = _tables(found, document, past, items)
        written = []
        for name, frame in tables.items():
            written.append(folder / f"{name}.csv")
            write_table(written[-1], without_formulas(pa.Table.from_pandas(
                frame, preserve_index=False)))  # fmt: skip
        points = score(tables["performance"])
        result = Monitored(found, document, tables, points)
        if pages is not None:
            pages(folder, result)
            written += [folder / name for name in PAGES]
        write_record(folder / RECORD, record(
            kind="monitor", year=year, months=own.months, seed=SEED, draws=DRAWS,
            policy={"id": policy.id, "sha256": policy.digest},
            weights={"id": weights.id, "sha256": weights.digest},
            levels={"id": document.id, "sha256": document.digest},
            inputs={file_name(one): hash_file(one) for one in files},
            files={name: hash_file(path) for name, path in read.items() if path.is_file()},
            cases=len(own.done.claims),
            unsettled={code: {"cases": n, "cost_fen": fen}
                       for code, (n, fen) in own.done.unsettled.items()},
            base=None if found.base is None else found.base.kind,
            pools=[{
                "name": pool.name, "amount_fen": pool.amount, "reserve_fen": pool.reserve,
                "spent_fen": int(pool.spent.sum()),
                "expected": None if pool.ahead is None else round(pool.ahead.year, 2),
                "point_value": None if pool.value != pool.value else pool.value,
                "projected_point_value": None if pool.projected != pool.projected
                else round(pool.projected, 6),
                "months_left": None if pool.months_left != pool.months_left
                else round(pool.months_left, 4),
            } for pool in found.pools],
            score=None if points != points else round(points, 2),
            notes={name: en for name, (_, en) in found.notes.items()},
            warnings=own.done.warnings,
            hashes={path.name: hash_file(path) for path in written},
        ))  # fmt: skip
        return result


def _tables(
    found: Watch, levels: Levels, past: History, items: str | PathLike[str] | None
) -> dict[str, pd.DataFrame]:
    done, own = found.spend.done, found.spend
    tables = {
        "months": found.months, "forecast": found.ahead, "warnings": found.warned,
        "drivers": driver_frame(found),
        "performance": performance(levels, found.measures, over=own.months == MONTHS),
        "trials": trial_frame(found.pools), "history": _history(past, own),
    }  # fmt: skip
    beds = day_beds(done, levels.levels["day_bed"])
    if beds is not None:
        tables["day_beds"] = beds
    if items is not None:
        kept: Retention = retained(done, read_procurement(items))
        tables["retention"] = retention_frame(kept)
    return tables


def driver_frame(found: Watch) -> pd.DataFrame:
    """The change of each pool's spend: parts, groups and hospitals, each adding up to the change.

    ``pool, against, part, key, before, change``; part is ``all``, ``cases``, ``mix``, ``price``,
    ``group`` or ``hospital``; yuan.
    """
    ids, groups, rows = found.spend.done.hospitals.ids, found.spend.groups, []
    for pool in found.pools:
        held = pool.drivers
        if held is None or found.base is None:
            continue
        against = found.base.kind
        told = [("all", "", held.change), ("cases", "", held.cases), ("mix", "", held.mix),
                ("price", "", held.price)]  # fmt: skip
        told += [("group", groups[one] or NO_GROUP, fen) for one, fen in held.groups.items()]
        told += [("hospital", ids[one], fen) for one, fen in held.hospitals.items()]
        rows += [{"pool": pool.name, "against": against, "part": part, "key": key,
                  "change": float(to_yuan(fen))} for part, key, fen in told]  # fmt: skip
    return pd.DataFrame(rows, columns=["pool", "against", "part", "key", "change"])


def _history(past: History, own: Spend) -> pd.DataFrame:
    """Earlier months and those of this year, as the next year's ``--history``."""
    rows = []
    for place, name in enumerate(own.pools):
        held = {**past.spent.get(name, {}), own.done.year: own.by_month(place)}
        rows += [
            {"month": f"{year}-{month + 1:02d}", "pool": name, "spend": float(to_yuan(fen))}
            for year in sorted(held) for month, fen in enumerate(np.asarray(held[year]))
            if fen >= 0
        ]  # fmt: skip
    return pd.DataFrame(rows, columns=["month", "pool", "spend"])
