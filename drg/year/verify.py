"""Verification of a year's book (年度账册核验): chain, files, months and clearings anew."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import pyarrow as pa

from drg.errors import DrgError
from drg.language import say
from drg.provenance import hash_file
from drg.record.entry import Entry
from drg.record.ledger import Ledger
from drg.record.receipt import held_against
from drg.record.verdict import REPLAYED, Check, Verification, of_chain
from drg.tables import write_table
from drg.tables.held import scratch
from drg.year.book import Book
from drg.year.clear import final_of, settle_final
from drg.year.findings import docket
from drg.year.folder import LEDGER
from drg.year.month import figures, month_frame
from drg.year.state import replay


def verify(
    folder: str | PathLike[str], *, receipts: Sequence[str | PathLike[str]] = ()
) -> Verification:
    """Check a book from its record on.

    Args:
        folder: the book.
        receipts: receipts' files, or digests as they were printed.

    Raises:
        DrgError: there is no record at all.
    """
    folder = Path(folder)
    chain = Ledger(folder / LEDGER).verify()
    first = of_chain(chain)
    if chain.faults:
        return Verification((first,))
    try:
        book = Book(folder)
        _ = book.files.policy  # that of its beginning
    except DrgError as error:
        second = Check(*REPLAYED, (str(error),))
        return Verification((first, second), chain.digest)
    checks = [first, Check(*REPLAYED)]
    entries, name = book.state.entries, str(book.state.init["book"])
    checks += [held_against(entries, name, one) for one in receipts]
    if book.state.findings:
        checks.append(_findings(book))
    checks += [_month(book, place) for place in range(len(book.state.closed))]
    checks += [_clearing(book, entry) for entry in entries if entry.kind == "clear"]
    return Verification(tuple(checks), chain.digest)


def _findings(book: Book) -> Check:
    """Every step of the findings taken anew, and what was confirmed beside its deductions."""
    try:
        found = docket(book.files, book.state)
    except DrgError as error:
        return Check("疑点，逐步核对", "findings, step by step", (str(error),))
    count = len(found.findings)
    return Check(f"疑点 {count:,} 条，逐步核对", f"{count:,} findings, step by step")


def _month(book: Book, place: int) -> Check:
    """A closed month, worked out anew from what stood before it."""
    one = book.state.closed[place]
    names = f"{place + 1} 月，重新结算", f"month {place + 1}, settled anew"
    before = replay(book.state.entries[: one.seq], str(book.folder / LEDGER))
    found = figures(book.files, before)
    table = pa.Table.from_pandas(month_frame(book.files, place + 1, found.parts),
                                 preserve_index=False)  # fmt: skip
    with scratch() as spot:
        path = spot / "month.csv"
        write_table(path, table)
        same = path.read_bytes() == (book.folder / one.file).read_bytes()
    faults = [] if same else [say(f"{one.file} 与重新结算的结果不同",
                                  f"{one.file} is not what the record comes to")]  # fmt: skip
    if dict(one.point_values) != found.point_values:
        faults.append(
            say(
                f"点值与重新结算的不同：{found.point_values}",
                f"its point values are not what the record comes to: {found.point_values}",
            )
        )
    return Check(*names, tuple(faults))


def _clearing(book: Book, entry: Entry) -> Check:
    """A clearing, worked out anew from what stood before it."""
    names = f"第 {entry.seq} 条清算，重新结算", f"clearing of entry {entry.seq}, settled anew"
    before = replay(book.state.entries[: entry.seq], str(book.folder / LEDGER))
    with scratch() as spot:
        settled = settle_final(book, before, spot / "out")
        hashes = {name: hash_file(spot / "out" / name) for name in entry.body.get("hashes", {})
                  if (spot / "out" / name).is_file()}  # fmt: skip
    faults = []
    if final_of(settled) != entry.body["final_fen"]:
        faults.append(say(f"清算金额与重新结算的不同：{final_of(settled)}",
                          f"its finals are not what the record comes to: "
                          f"{final_of(settled)}"))  # fmt: skip
    faults += [say(f"{name} 与重新结算的结果不同", f"{name} is not what the record comes to")
               for name, digest in entry.body.get("hashes", {}).items()
               if hashes.get(name) != digest]  # fmt: skip
    return Check(*names, tuple(faults))
