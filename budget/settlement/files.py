"""Settling a file: grouped cases in, the tables of a settled year out, with their record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from budget.cases.claims import ClaimReader, Claims, Gathering, as_texts, joined
from budget.cases.cluster import OnCluster
from budget.cases.faults import Entry, faults, with_broken
from budget.cases.hospitals import Hospitals, hospitals_of, read_hospitals
from budget.cases.parts import OnDisk
from budget.cases.tally import Tally
from budget.policy.document import Policy
from budget.policy.load import load_policy
from budget.pools.money import LastYear
from budget.settlement.cash_flow import Through
from budget.settlement.checks import in_year
from budget.settlement.settled import Kept, Rows, SettledYear, Settlement, settle_cases
from budget.settlement.settled import settle as settle_claims
from budget.settlement.tables import CASES, encoded, plain_rows, write_tables
from budget.settlement.workbook import SHEETS
from drg.cases import recognise
from drg.cases.cells import Cells
from drg.cases.columns import told_tiers
from drg.cases.keys import Keys, text_keys
from drg.cases.opening import CaseSource, open_cases
from drg.cases.unread import Counted, UnreadCount, counted
from drg.errors import DrgError, problem
from drg.language import say
from drg.money import Fen, to_fen
from drg.provenance import hash_file, record
from drg.spark.place import placed
from drg.tables import RejectFile, open_sink, whole_folder
from drg.tables.atomic import write_record
from drg.tables.batches import Block
from drg.tables.held import scratch
from weights.table import WeightTable, open_weights

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, int | None], None]
KEPT = ("case_id", "drg", "hospital_id")
RECORD = "settlement.json"
RESULTS = ("cases.csv", "cases.parquet", "rejects.csv", "settlement.xlsx",
           *(f"{name}.csv" for name in SHEETS), RECORD)  # fmt: skip


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
    opening: Mapping[str, float] | None = None,
    cases: str | None = None,
    inputs: Mapping[str, str | PathLike[str] | None] | None = None,
    accept_unreadable: bool = True,
    progress: Progress | None = None,
    rows: bool = False,
) -> SettledYear:
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
        opening: balance of each pool before January (期初余额) in yuan, where it is known of all.
        cases: ending of the case table, ``parquet`` or ``csv``; by default that of the input.
        inputs: other files that were read, by what they are; hashed for the record.
        accept_unreadable: settle also where more than 1% of a column that money hangs on cannot
            be read; such cases are listed and not settled.
        progress: called with units done and their total, when it is known.
        rows: keep all cases in memory too, to give a :class:`Settlement`; without, the file may be
            of any length.

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
        unread, ids, table = UnreadCount(), Ids(), folder / f"cases.{ending}"
        halves = _Halves(progress)
        gathering = Gathering() if rows else None
        with scratch() as place, open_sink(table, CASES) as sink:
            with RejectFile(folder / "rejects.csv") as rejects:
                held = OnDisk(place, len(hospitals), len(weights.frame))
                for claims, texts in _parts(
                    source, weights, policy, hospitals, year, mapping=mapping, sheet=sheet,
                    progress=halves.reading, rejects=rejects, unread=unread,
                    accept_unreadable=accept_unreadable, ids=ids,
                ):  # fmt: skip
                    held.add(claims, texts)
                    if gathering is not None:
                        gathering.add(claims)
            in_year(held.tally, year, source)
            kept = Kept(len(held)) if rows else None

            def each(some: Rows) -> tuple[int, list[Any]]:
                if kept is not None:
                    kept.keep(some)
                return len(some.part.claims), encoded(some, sink)

            def put(some: tuple[int, list[Any]]) -> None:
                count, parts = some
                for part in parts:
                    sink.append(part)
                halves.settling(count, len(held))

            with ThreadPoolExecutor() as pool:
                twice = pool.submit(ids.twice)
                settled = settle_cases(held, weights, policy, hospitals, year, each, put,
                                       last_year=last_year, through=through,
                                       opening=opening_of(policy, opening))  # fmt: skip
        if kept is not None and gathering is not None:
            settled = kept.settlement(settled, gathering.claims())
        _told(settled, policy, year, twice.result(), unread, rejects)
        with ThreadPoolExecutor() as pool:  # Python writes workbooks on one core only
            large = [pool.submit(hash_file, path) for path in (source, table)]
            small = write_tables(folder, settled)
            read, written = (one.result() for one in large)
        write_record(folder / RECORD, _document(
            settled, source, {"sha256": read}, others, last_year, opening, table, small,
            {table.name: written} | {path.name: hash_file(path) for path in small},
        ))  # fmt: skip
        return settled


def settle_dataset(
    source: str | PathLike[str],
    out: str | PathLike[str],
    weights: WeightTable,
    policy: Policy,
    hospitals: str | PathLike[str] | Hospitals,
    year: int,
    *,
    mapping: str | PathLike[str] | None = None,
    last_year: LastYear | None = None,
    opening: Mapping[str, float] | None = None,
    inputs: Mapping[str, str | PathLike[str] | None] | None = None,
    accept_unreadable: bool = True,
) -> SettledYear:
    """Settle a year of grouped cases that are a dataset on Spark; as :func:`settle_file` does.

    The case table, ``cases.parquet``, is a dataset too, and has no digest in the record.

    Args:
        source: a folder of Parquet files.
        out: folder on Spark's file system.
        weights: as of :func:`settle_file`, likewise the rest.
        policy: the policy.
        hospitals: the hospitals.
        year: the year.
        mapping: mapping file.
        last_year: last year's spend.
        opening: balances of the pools.
        inputs: other files.
        accept_unreadable: settle though more than 1% cannot be read.

    Raises:
        DrgError: as :func:`settle_file`, or Spark could not do it.
    """
    source = Path(source)
    others = {name: Path(path) for name, path in (inputs or {}).items() if path is not None}
    if not isinstance(hospitals, Hospitals):
        others["hospitals"] = Path(hospitals)
        hospitals = read_hospitals(hospitals, tiers=told_tiers(mapping))
    size = len(hospitals), len(weights.frame)
    with (
        placed(out, RESULTS, (source,)) as results,
        open_cases(source, mapping=mapping) as table,
    ):
        folder, unread, ids = results.here, UnreadCount(), Ids()
        reading = Reading(table, weights, policy, hospitals, year, listed=True)
        dataset = table.dataset
        assert dataset is not None

        def read(block: Block) -> tuple[Any, tuple[Found, Tally]]:
            (claims, texts), found = reading(block)
            tally = Tally(*size)
            tally.add(claims)
            return (claims, texts), (found, tally)

        with closing(dataset.keep(read)) as kept:
            tally = Tally(*size)
            with RejectFile(folder / "rejects.csv") as rejects:
                noted = Noted(table, reading, rejects, unread, ids)
                for _, (found, own) in kept.told():
                    noted.add(found)
                    tally.merge(own)
                noted.close(accept_unreadable=accept_unreadable)
            in_year(tally, year, source)
            cases = OnCluster(kept, tally, CASES, results.dataset("cases.parquet"))
            settled = settle_cases(cases, weights, policy, hospitals, year, plain_rows,
                                   last_year=last_year,
                                   opening=opening_of(policy, opening))  # fmt: skip
        _told(settled, policy, year, ids.twice(), unread, rejects)
        small = write_tables(folder, settled)
        write_record(folder / RECORD, _document(
            settled, source, dataset.about(), others, last_year, opening, Path("cases.parquet"),
            small,
            {path.name: hash_file(path) for path in small},
        ))  # fmt: skip
    return settled


def _told(
    settled: SettledYear, policy: Policy, year: int, twice: dict[str, str], unread: UnreadCount,
    rejects: RejectFile,
) -> None:  # fmt: skip
    """Put what is wrong with the file before what came of it."""
    told = twice | _in_force(policy, year)
    told |= {f"unreadable.{name}": text for name, text in unread.told().items()}
    if unread.percent:
        told["tcm_share_percent"] = (
            f"{unread.percent:,} cells of tcm_share are above 1 and are taken for percentages"
        )
    if rejects.count:
        told["rejects"] = f"{rejects.count:,} cells are listed in {rejects.path.name}"
    later = dict(settled.warnings)
    settled.warnings.clear()
    settled.warnings.update(told | later)


def _document(
    settled: SettledYear, source: Path, digest: Mapping[str, Any], others: Mapping[str, Path],
    last_year: LastYear | None, opening: Mapping[str, float] | None, table: Path,
    small: Sequence[Path], hashes: Mapping[str, str],
) -> dict[str, Any]:  # fmt: skip
    """The record of a settlement."""
    policy, weights = settled.policy, settled.weights
    return record(
        kind="settlement", year=settled.year,
        input={"file": source.name, **digest},
        files={name: hash_file(path) for name, path in others.items() if path.is_file()},
        policy={"id": policy.id, "sha256": policy.digest, "chain": list(policy.header.chain),
                "source": policy.header.source},
        weights={"id": weights.id, "sha256": weights.digest},
        last_year=dict(last_year or {}), **({"opening": dict(opening)} if opening else {}),
        patient_basis=settled.patient_basis,
        cases=settled.cases,
        unsettled={code: {"cases": n, "cost_fen": fen}
                   for code, (n, fen) in settled.unsettled.items()},
        pools=[{"name": one.name, "amount_fen": one.amount, "points": one.points,
                "point_value": None if one.point_value != one.point_value else one.point_value,
                "decided_by": one.bound, "paid_fen": one.paid, "outside_fen": one.outside}
               for one in settled.pools],
        warnings=settled.warnings,
        tables=[path.name for path in (table, *small)],
        hashes=dict(hashes),
    )  # fmt: skip


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
    rejects: RejectFile | None = None,
    unread: UnreadCount | None = None,
    accept_unreadable: bool = True,
    first_row: int | None = None,
) -> Claims:
    """Read a file of grouped cases as claims; the arguments are those of :func:`settle_file`.

    ``rejects`` is filled with the rows that are not settled and the cells that cannot be read,
    ``unread`` with how many these are. ``first_row`` is the row of the first case as faults name
    it, where the file is a copy of the user's.
    """
    gathering = Gathering()
    for claims, _ in _parts(
        source, weights, policy, hospitals, year, mapping=mapping, sheet=sheet, progress=progress,
        rejects=rejects, unread=unread, accept_unreadable=accept_unreadable, first_row=first_row,
    ):  # fmt: skip
        gathering.add(claims)
    claims = gathering.claims()
    tally = Tally(len(hospitals), len(weights.frame))
    tally.add(claims)
    in_year(tally, year, source)
    return claims


def _parts(
    source: Path,
    weights: WeightTable,
    policy: Policy,
    hospitals: Hospitals,
    year: int,
    *,
    mapping: str | PathLike[str] | None,
    sheet: str | None,
    progress: Progress | None,
    rejects: RejectFile | None,
    unread: UnreadCount | None,
    accept_unreadable: bool,
    first_row: int | None = None,
    ids: Ids | None = None,
) -> Iterator[tuple[Claims, list[pa.Array | None]]]:
    """A file's cases part by part, with the texts of :data:`KEPT`."""
    unread = UnreadCount() if unread is None else unread
    with open_cases(source, mapping=mapping, sheet=sheet) as table:
        reading = Reading(table, weights, policy, hospitals, year, listed=rejects is not None)
        noted = Noted(table, reading, rejects, unread, ids, first_row)
        with closing(table.each(reading)) as parts:
            for (claims, texts), found in parts:
                noted.add(found)
                yield claims, texts
                if progress is not None:
                    progress(found.progress, table.total)
    noted.close(accept_unreadable=accept_unreadable)


@dataclass(frozen=True)
class Found:
    """What is to be told of a block: faults, unreadable cells, shares above 1, ids, rows, units."""

    faults: list[Entry]
    lost: Counted
    percent: int
    ids: Keys | None
    rows: int
    progress: int


class Reading:
    """Reads blocks of grouped cases as claims, with the texts of :data:`KEPT`; it may travel.

    Args:
        table: the open file.
        weights: as of :func:`settle_file`, likewise the rest.
        policy: the policy.
        hospitals: the hospitals.
        year: the year.
        listed: whether faults and ids are told.

    Raises:
        DrgError: a column that is needed was not found.
    """

    def __init__(
        self, table: CaseSource, weights: WeightTable, policy: Policy, hospitals: Hospitals,
        year: int, *, listed: bool,
    ) -> None:  # fmt: skip
        self._columns, self._listed = table.columns, listed
        try:
            self.reader = ClaimReader.of(policy, self._columns, hospitals, weights, year)
        except DrgError as error:
            raise DrgError(f"{table.path}: {error}") from None
        self._own = [self._columns.column(name) for name in KEPT]
        table.only([*self.reader.names, *(name for name in self._own if name is not None)])

    def __call__(self, block: Block) -> tuple[tuple[Claims, list[pa.Array | None]], Found]:
        """One block."""
        loaded, columns = block.load(), self._columns
        batch = loaded.table
        texts = [None if name is None else as_texts(batch.column(name)) for name in self._own]
        cells = Cells(batch, columns)
        claims = self.reader.read(batch, cells)
        broken = {m.row: m for m in loaded.malformed if not m.column}
        if broken:
            rows = list(broken)
            claims.cost[rows], claims.hospital[rows] = 0, -1
            if claims.unread is not None:
                claims.unread[rows] = False
        found = with_broken(faults(columns, claims, cells), broken) if self._listed else []
        ids = text_keys(texts[0]) if self._listed and texts[0] is not None else None
        told = Found(found, counted(cells), cells.percent, ids, len(claims), block.progress)
        return (claims, texts), told


class Noted:
    """Takes what is to be told of the blocks of a file, in order."""

    def __init__(
        self, table: CaseSource, reading: Reading, rejects: RejectFile | None,
        unread: UnreadCount, ids: Ids | None = None, first_row: int | None = None,
    ) -> None:  # fmt: skip
        self._path, self._reading = table.path, reading
        self._rejects, self._unread, self._ids = rejects, unread, ids
        self._row = table.header_rows + 1 if first_row is None else first_row
        self._count = 0

    def add(self, found: Found) -> None:
        """Take in the next block."""
        self._unread.add(found.lost, found.rows, found.percent)
        if self._rejects is not None and found.faults:
            places, names, cells, reasons = zip(*found.faults, strict=True)
            first = self._row + self._count
            self._rejects.add_many([first + one for one in places], names, cells, reasons)
        if self._ids is not None and found.ids is not None:
            self._ids.keys.append(found.ids)
        self._count += found.rows

    def close(self, *, accept_unreadable: bool) -> None:
        """There are no more.

        Raises:
            DrgError: there was no case, or too many cells cannot be read.
        """
        if not self._count:
            raise problem(say("没有病例", "has no case"), file=self._path)
        if not accept_unreadable:
            self._unread.refuse(self._reading.reader.money, self._path, self._row)


def opening_of(policy: Policy, given: Mapping[str, float] | None) -> Fen | None:
    """Balances of the pools in fen; None where one of them is not known. Shape (P,)."""
    names = [pool.name for pool in policy.pools]
    if given is None or not given.keys() >= set(names):
        return None
    return np.asarray(to_fen([given[name] for name in names]))


def _in_force(policy: Policy, year: int) -> dict[str, str]:
    """A warning when a policy does not hold in the year it is applied to."""
    first, last = policy.header.valid_from, policy.header.valid_to
    if (first is None or first.year <= year) and (last is None or last.year >= year):
        return {}
    return {"policy_not_in_force": f"policy {policy.id} holds from {first or '...'} to "
                                   f"{last or '...'}, not in {year}"}  # fmt: skip


class _Halves:
    """Progress of a file that is gone through twice, each time in the file's own units."""

    def __init__(self, progress: Progress | None) -> None:
        self._tell = progress or (lambda _units, _total: None)
        self._read, self._settled = 0, 0

    def reading(self, units: int, total: int | None) -> None:
        """Some units were read."""
        self._read += units
        self._tell(units, None if total is None else 2 * total)

    def settling(self, cases: int, of: int) -> None:
        """Some of all cases were settled."""
        before = self._read * self._settled // of
        self._settled += cases
        self._tell(self._read * self._settled // of - before, 2 * self._read)


class Ids:
    """Ids of cases by their keys, to tell how many are there twice: they would be paid twice."""

    def __init__(self) -> None:
        self.keys: list[Keys] = []

    def twice(self) -> dict[str, str]:
        """A warning when cases have the id of another one."""
        keys = np.concatenate([np.zeros(0, np.uint64), *self.keys])
        self.keys.clear()
        keys = keys[keys != 0]
        keys.sort()
        more = int(np.count_nonzero(keys[1:] == keys[:-1]))
        if not more:
            return {}
        return {"case_ids_twice": f"{more:,} cases have the case_id of another one; "
                                  "drg check lists them"}  # fmt: skip
