"""The clearing of a year (年度清算): one settlement of its final cases, less what was paid.

The cases as they stand at the end are settled like any finished year, so the clearing is the same
to the fen as one settlement of them; what the months were paid is taken off what it comes to.
"""

from __future__ import annotations

import shutil
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from budget.settlement.cash_flow import MONTHS, Advances, Through
from budget.settlement.files import RECORD, RESULTS, opening_of, settle_file
from budget.settlement.settled import SettledYear, Settlement
from drg.errors import problem
from drg.language import say
from drg.money import Fen, to_fen
from drg.provenance import hash_file
from drg.tables import whole_folder, write_table
from drg.tables.held import scratch
from drg.year.book import Book
from drg.year.cases import decided
from drg.year.cleared import Cleared
from drg.year.decisions import judged, rows_of
from drg.year.month import COUNTS, MONEY, closed_sums, month_frame, read_month, to_price
from drg.year.sheets import SHEETS, write_sheets_of
from drg.year.state import CLEARING, State

FINAL = "final-cases.parquet"


def through(book: Book, state: State) -> Through:
    """What was paid through the year, month by month."""
    files = book.files
    shape = len(files.hospitals), len(files.policy.pools), MONTHS
    held = {
        name: np.zeros(shape, np.int64)
        for name in ("payable", "paid", "quality_held", "remainder", "advance_money")
    }
    pools = {pool.name: place for place, pool in enumerate(files.policy.pools)}
    for place, one in enumerate(state.closed):
        frame = read_month(files.folder / one.file)
        at = [files.places[str(name)] for name in frame["hospital_id"]]
        in_pool = [pools[str(name)] for name in frame["pool"]]
        for name, fen in held.items():
            fen[at, in_pool, place] = to_fen(frame[name].to_numpy())
    lent, fund = held["advance_money"], state.init["fund"]
    opening = opening_of(files.policy, {name: held["opening"] for name, held in fund.items()
                                      if "opening" in held})  # fmt: skip
    advances = Advances(held["payable"], held["paid"] - lent, held["quality_held"],
                        held["remainder"])  # fmt: skip
    return Through(advances, lent, opening, lambda settled: months_of(book, state, settled))


def months_of(book: Book, state: State, settled: SettledYear) -> pd.DataFrame:
    """The closed months, and as a thirteenth what the clearing changes; money in yuan."""
    frames = [read_month(book.folder / one.file) for one in state.closed]
    frames.append(month_frame(book.files, CLEARING, _last(book, state, settled)))
    return pd.concat([one for one in frames if len(one)] or frames, ignore_index=True)


def _last(book: Book, state: State, settled: SettledYear) -> dict[str, Fen]:
    """What the clearing changes of what the months came to."""
    before, sums = closed_sums(book.files, state), settled.sums.yearly()
    now = {"cases": sums.cases, "cost": sums.cost, "patient": sums.patient, "other": sums.other,
           "payable": sums.fund}  # fmt: skip
    nothing = np.zeros_like(sums.fund)
    parts = dict.fromkeys((*COUNTS, *MONEY), nothing)
    parts |= {name: held - before[name] for name, held in now.items()}
    return parts | {"remainder": parts["payable"]}


def settle_final(book: Book, state: State, out: Path) -> Settlement:
    """Settle the final cases into a folder, with what was paid through the year."""
    files, init = book.files, state.init
    lists = rows_of(files.folder, state)
    hospitals = judged(files.hospitals, files.policy, lists)
    table = decided(to_price(files, state), lists)
    with scratch() as place:
        source = place / FINAL
        write_table(source, table)
        settled = settle_file(
            source, out, files.weights, files.policy, hospitals, state.year,
            last_year=init["last_year"] or None, through=through(book, state), cases="csv",
            rows=True,
        )  # fmt: skip
    assert isinstance(settled, Settlement)
    return settled


def final_of(settled: SettledYear) -> dict[str, int]:
    """Pool -> what it comes to at the clearing, in fen."""
    final = settled.cash.final.sum(axis=0)
    return {pool.name: int(final[place]) for place, pool in enumerate(settled.policy.pools)}


def clear(
    book: Book, out: str | PathLike[str], *, early: bool = False, sheets: bool = True,
    kinds: tuple[str, ...] = ("xlsx",), lang: str = "zh", actor: str, at: str | None = None,
) -> Cleared:  # fmt: skip
    """Clear a year: the tables of a settlement, its months, and the sheets.

    Args:
        book: the book.
        out: folder, made when it is not there.
        early: clear it although months are open, to see where the year stands; nothing goes on
            record then.
        sheets: write the sheets to sign and send beside the tables.
        kinds: of the sheets: ``xlsx``, ``html``, ``docx``.
        lang: of the sheets: ``zh`` or ``en``.
        actor: who clears it.
        at: a time to be stated beside the machine's.

    Raises:
        DrgError: months are open, or the cases cannot be settled.
    """
    seen = book.state
    if seen.open_month != CLEARING and not early:
        raise problem(say("尚有月份未结账；只试算请加 --early",
                          "months are open; say --early to see where the year stands"),
                      file=book.folder, found=seen.open_month,
                      expected=say("先结清十二个月", "twelve months closed"))  # fmt: skip
    out = Path(out)
    with whole_folder(out, (*RESULTS, *SHEETS)) as folder:
        settled = settle_final(book, seen, folder / "tables")
        for path in sorted((folder / "tables").iterdir()):
            shutil.move(path, folder / path.name)
        (folder / "tables").rmdir()
        found = Cleared(settled, book, months_of(book, seen, settled))
        if sheets:
            write_sheets_of(found, seen, folder, kinds, lang)
        if not early:
            book.add("clear", {
                "settlement": hash_file(folder / RECORD),
                "final_fen": final_of(settled),
                "hashes": {name: hash_file(folder / name)
                           for name in ("hospitals.csv", "pools.csv", "months.csv")},
            }, actor, at, seen)  # fmt: skip
    return found
