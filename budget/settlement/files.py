"""Settling a file: grouped cases in, the tables of a settled year out, with their record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from budget.cases.claims import ClaimReader, Claims, Gathering, joined
from budget.cases.faults import Entry, faults
from budget.cases.hospitals import Hospitals, hospitals_of, read_hospitals
from budget.policy.document import Policy
from budget.policy.load import load_policy
from budget.pools.money import LastYear
from budget.settlement.cash_flow import Through
from budget.settlement.checks import in_year
from budget.settlement.settled import Settlement
from budget.settlement.settled import settle as settle_claims
from budget.settlement.tables import write_cases, write_tables
from budget.settlement.workbook import SHEETS
from drg.cases import recognise
from drg.cases.cells import Cells
from drg.cases.columns import told_tiers
from drg.cases.opening import open_cases
from drg.cases.texts import as_text
from drg.cases.unread import Counted, UnreadCount, counted
from drg.errors import DrgError, problem
from drg.language import say
from drg.provenance import hash_file, record
from drg.tables import RejectFile, in_order, whole_folder
from drg.tables.atomic import write_record
from drg.tables.batches import Block
from weights.table import WeightTable, open_weights

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, int | None], None]
KEPT = ("case_id", "drg", "hospital_id")
RECORD = "settlement.json"
RESULTS = ("cases.csv", "cases.parquet", "rejects.csv", "settlement.xlsx",
           *(f"{name}.csv" for name in SHEETS), RECORD)  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """Texts of the input that the case table repeats, batch by batch.

    Attributes:
        case_id: ids of the cases; empty where the input has none.
        drg: groups as the input writes them.
        hospital_id: hospitals as the input writes them, those that are not in the table too.
    """

    case_id: list[pa.Array]
    drg: list[pa.Array]
    hospital_id: list[pa.Array]


def settle_file(
    source: str | PathLike[str],
    out: str | PathLike[str],
    weights: WeightTable,
    policy: Policy,
    hospitals: str | PathLike[str] | Hospitals,
    year: int,
    *,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    last_year: LastYear | None = None,
    through: Through | None = None,
    cases: str | None = None,
    inputs: Mapping[str, str | PathLike[str] | None] | None = None,
    accept_unreadable: bool = True,
    progress: Progress | None = None,
) -> Settlement:
    """Settle a year of grouped cases and write its tables into a folder.

    The folder gets ``cases`` (as the input: .parquet or .csv), ``hospitals.csv``, ``pools.csv``,
    ``months.csv``, ``branches.csv``, ``fund.csv``, ``settlement.xlsx`` and ``settlement.json``.

    Args:
        source: grouped cases: CSV, Excel or Parquet.
        out: folder, made when it is not there.
        weights: relative weights.
        policy: the policy.
        hospitals: table of hospitals, or its file.
        year: settlement year.
        mapping: mapping file for headers that are not recognised.
        sheet: sheet of a workbook.
        last_year: last year's fund spend in yuan by pool, or by pool and hospital.
        through: what was paid through the year, where a book kept it.
        cases: ending of the case table, ``parquet`` or ``csv``; by default that of the input.
        inputs: other files that were read, by what they are; hashed for the record.
        accept_unreadable: settle also where more than 1% of a column that money hangs on cannot
            be read; such cases are listed and not settled.
        progress: called with units done and their total, when it is known.

    Raises:
        DrgError: a file cannot be used, or the policy asks for what is not there.
    """
    source, out = Path(source), Path(out)
    ending = cases or ("parquet" if source.suffix.lower() == ".parquet" else "csv")
    others = {name: Path(path) for name, path in (inputs or {}).items() if path is not None}
    if not isinstance(hospitals, Hospitals):
        others["hospitals"] = Path(hospitals)
        hospitals = read_hospitals(hospitals, tiers=told_tiers(mapping))
    with whole_folder(out, RESULTS, (source, mapping, *others.values())) as folder:
        kept, unread = Kept([], [], []), UnreadCount()
        with RejectFile(folder / "rejects.csv") as rejects:
            # no name is given to the claims, so that what is read goes as it is used
            settled = settle_claims(
                read_claims(source, weights, policy, hospitals, year, mapping=mapping, sheet=sheet,
                            progress=progress, kept=kept, rejects=rejects, unread=unread,
                            accept_unreadable=accept_unreadable),
                weights, policy, hospitals, year, last_year=last_year, through=through,
            )  # fmt: skip
        told = _twice(kept.case_id) | _in_force(policy, year)
        told |= {f"unreadable.{name}": text for name, text in unread.told().items()}
        if unread.percent:
            told["tcm_share_percent"] = (
                f"{unread.percent:,} cells of tcm_share are above 1 and are taken for percentages"
            )
        if rejects.count:
            told["rejects"] = f"{rejects.count:,} cells are listed in {rejects.path.name}"
        later = dict(settled.warnings)
        settled.warnings.clear()  # what is wrong with the file comes before what came of it
        settled.warnings.update(told | later)
        table = folder / f"cases.{ending}"
        write_cases(table, settled, kept.case_id or None, kept.drg, kept.hospital_id)
        written = write_tables(folder, settled)
        document = record(
            kind="settlement", year=year,
            input={"file": source.name, "sha256": hash_file(source)},
            files={name: hash_file(path) for name, path in others.items() if path.is_file()},
            policy={"id": policy.id, "sha256": policy.digest, "chain": list(policy.header.chain),
                    "source": policy.header.source},
            weights={"id": weights.id, "sha256": weights.digest},
            last_year=dict(last_year or {}),
            patient_basis=settled.patient_basis,
            cases=len(settled.claims),
            unsettled={code: {"cases": n, "cost_fen": fen}
                       for code, (n, fen) in settled.unsettled.items()},
            pools=[{"name": one.name, "amount_fen": one.amount, "points": one.points,
                    "point_value": None if one.point_value != one.point_value else one.point_value,
                    "decided_by": one.bound, "paid_fen": one.paid, "outside_fen": one.outside}
                   for one in settled.paid.pools],
            warnings=settled.warnings,
            tables=[path.name for path in (table, *written)],
            hashes={path.name: hash_file(path) for path in (table, *written)},
        )  # fmt: skip
        write_record(folder / RECORD, document)
        return settled


def settle(
    grouped: pd.DataFrame | pa.Table,
    weights: WeightTable | str | PathLike[str],
    policy: Policy | str | PathLike[str],
    hospitals: pd.DataFrame | pa.Table | Hospitals | str | PathLike[str],
    year: int,
    *,
    last_year: LastYear | None = None,
) -> Settlement:
    """Settle a year of cases in memory.

    Args:
        grouped: grouped cases, one row a case, with the columns of the case table.
        weights: relative weights, their file, or the id of a published table.
        policy: the policy, its file, or the id of a shipped one.
        hospitals: table of hospitals, or its file.
        year: settlement year.
        last_year: last year's fund spend in yuan by pool, or by pool and hospital.

    Raises:
        DrgError: a column is missing, or the policy asks for what is not there.
    """
    table, rules, held = documents(weights, policy, hospitals)
    claims = claims_of(grouped, table, rules, held, year)
    return settle_claims(claims, table, rules, held, year, last_year=last_year)


def documents(
    weights: WeightTable | str | PathLike[str],
    policy: Policy | str | PathLike[str],
    hospitals: pd.DataFrame | pa.Table | Hospitals | str | PathLike[str],
) -> tuple[WeightTable, Policy, Hospitals]:
    """What a settlement goes by, from tables, files or ids.

    Raises:
        DrgError: one of them cannot be used.
    """
    table = weights if isinstance(weights, WeightTable) else open_weights(weights)
    rules = policy if isinstance(policy, Policy) else load_policy(policy)
    if isinstance(hospitals, str | PathLike):
        return table, rules, read_hospitals(hospitals)
    return table, rules, hospitals if isinstance(hospitals, Hospitals) else hospitals_of(hospitals)


def claims_of(
    grouped: pd.DataFrame | pa.Table,
    weights: WeightTable,
    policy: Policy,
    hospitals: Hospitals,
    year: int,
) -> Claims:
    """Grouped cases in memory as claims; the arguments are those of :func:`settle`.

    Raises:
        DrgError: a column is missing.
    """
    held = grouped if isinstance(grouped, pa.Table) else pa.Table.from_pandas(
        grouped, preserve_index=False
    )  # fmt: skip
    reader = ClaimReader.of(policy, recognise(held.schema.names), hospitals, weights, year)
    return joined([reader.read(batch) for batch in held.combine_chunks().to_batches()])


def read_claims(
    source: Path,
    weights: WeightTable,
    policy: Policy,
    hospitals: Hospitals,
    year: int,
    *,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    progress: Progress | None = None,
    kept: Kept | None = None,
    rejects: RejectFile | None = None,
    unread: UnreadCount | None = None,
    accept_unreadable: bool = True,
) -> Claims:
    """Read a file of grouped cases as claims; the arguments are those of :func:`settle_file`.

    ``kept`` is filled with the texts that the case table repeats, ``rejects`` with the rows that
    are not settled and the cells that cannot be read, ``unread`` with how many these are.
    """
    unread = UnreadCount() if unread is None else unread
    with open_cases(source, mapping=mapping, sheet=sheet) as table:
        columns = table.columns
        try:
            reader = ClaimReader.of(policy, columns, hospitals, weights, year)
        except DrgError as error:
            raise DrgError(f"{source}: {error}") from None
        own = [columns.column(name) for name in KEPT]
        table.only([*reader.names, *(name for name in own if name is not None)])

        row = table.header_rows + 1

        def work(
            block: Block,
        ) -> tuple[Claims, list[pa.Array | None], list[Entry], Counted, int, int]:
            loaded = block.load()
            batch = loaded.table
            texts = [None if name is None else _text(batch.column(name)) for name in own]
            cells = Cells(batch, columns)
            claims = reader.read(batch, cells)
            broken = {m.row: m for m in loaded.malformed if not m.column}
            if broken:
                rows = list(broken)
                claims.cost[rows], claims.hospital[rows] = 0, -1
                if claims.unread is not None:
                    claims.unread[rows] = False
            found = [] if rejects is None else [
                *(one for one in faults(columns, claims, cells) if one[0] not in broken),
                *((row, "", m.value, m.reason) for row, m in broken.items()),
            ]  # fmt: skip
            found.sort()
            return claims, texts, found, counted(cells), cells.percent, block.progress

        gathering = Gathering((table.total or 0) if table.unit == "rows" else 0)
        count = 0
        for claims, texts, found, lost, percent, units in in_order(table.blocks(), work):
            gathering.add(claims)
            unread.add(lost, len(claims), percent)
            count += len(claims)
            if kept is not None:
                kept.case_id.extend(text for text in texts[:1] if text is not None)
                kept.drg.append(texts[1])
                kept.hospital_id.append(texts[2])
            if rejects is not None and found:
                rows, names, cells, reasons = zip(*found, strict=True)
                first = row + count - len(claims)
                rejects.add_many([first + one for one in rows], names, cells, reasons)
            if progress is not None:
                progress(units, table.total)
    if not count:
        raise problem(say("没有病例", "has no case"), file=source)
    if not accept_unreadable:
        unread.refuse(reader.money, source, row)
    claims = gathering.claims()
    in_year(claims, year, source)
    return claims


def _text(column: pa.Array) -> pa.Array:
    return column if pa.types.is_dictionary(column.type) else as_text(column)


def _in_force(policy: Policy, year: int) -> dict[str, str]:
    """A warning when a policy does not hold in the year it is applied to."""
    first, last = policy.header.valid_from, policy.header.valid_to
    if (first is None or first.year <= year) and (last is None or last.year >= year):
        return {}
    return {"policy_not_in_force": f"policy {policy.id} holds from {first or '...'} to "
                                   f"{last or '...'}, not in {year}"}  # fmt: skip


def _twice(ids: list[pa.Array]) -> dict[str, str]:
    """A warning when cases have the id of another one: they would be paid twice."""
    if not ids:
        return {}
    column = pa.chunked_array([as_text(part) for part in ids])
    named = column.filter(pc.not_equal(column, ""))
    more = len(named) - pc.count_distinct(named).as_py()
    if not more:
        return {}
    return {"case_ids_twice": f"{more:,} cases have the case_id of another one; "
                              "drg check lists them"}  # fmt: skip
