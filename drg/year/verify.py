"""Verification of a year's book (年度账册核验): chain, files, every closed month anew."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import pyarrow as pa

from drg.errors import DrgError
from drg.language import say
from drg.record.ledger import Ledger
from drg.record.receipt import held_against
from drg.record.verdict import Check, Verification
from drg.tables import write_table
from drg.tables.held import scratch
from drg.year.book import Book
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
    first = Check(f"记录链，{chain.entries} 条记录以哈希相连",
                  f"record, {chain.entries} entries chained by hash",
                  (*map(str, chain.faults), *chain.back), chain.remarks)  # fmt: skip
    if chain.faults:
        return Verification((first,))
    try:
        book = Book(folder)
        _ = book.files.policy  # that of its beginning
    except DrgError as error:
        second = Check("文件与记录回放", "files, and replay of the record", (str(error),))
        return Verification((first, second), chain.digest)
    checks = [first, Check("文件与记录回放", "files, and replay of the record")]
    entries, name = book.state.entries, str(book.state.init["book"])
    checks += [held_against(entries, name, one) for one in receipts]
    if book.state.findings:
        checks.append(_findings(book))
    checks += [_month(book, place) for place in range(len(book.state.closed))]
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
