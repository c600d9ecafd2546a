"""A new workbook: whole or not at all, the same bytes each time, and no text becomes a formula."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException

from drg.tables.atomic import atomic_path, writing

EPOCH = dt.datetime(2000, 1, 1)  # the time of writing would make two equal runs differ


@contextmanager
def new_book(path: str | PathLike[str], **properties: str) -> Iterator[Any]:
    """An xlsxwriter workbook, written when the block ends.

    Args:
        path: the workbook.
        properties: what it says of itself, such as ``title``.

    Raises:
        DrgError: the file cannot be written.
    """
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
               "strings_to_numbers": False}  # fmt: skip
    with atomic_path(path) as partial, writing(Path(path), XlsxWriterException):
        book = xlsxwriter.Workbook(str(partial), options)
        book.set_properties({"created": EPOCH, **properties})
        yield book
        book.close()
