"""Whatever moment a program is killed at, a book is as before or as after, and goes on."""

from __future__ import annotations

import contextlib
import os
import shutil

import pytest

from drg.year.book import Book
from drg.year.verify import verify
from tests.amount import FULL
from tests.year.small import book_of, form, month_file

CALLS = ("write", "fsync", "replace", "rename", "ftruncate")


class KilledError(BaseException):
    """The end of the process, at one call of the system."""


def killed_at(number: int, patch: pytest.MonkeyPatch) -> list[int]:
    left = [number]

    def wrapped(real):
        def call(*args, **more):
            left[0] -= 1
            if left[0] <= 0:
                raise KilledError
            return real(*args, **more)

        return call

    for name in CALLS:
        patch.setattr(os, name, wrapped(getattr(os, name)))
    return left


@pytest.mark.parametrize("act", ["add", "list", "close", "correct"])
def test_a_book_that_is_killed_goes_on(tmp_path, act):
    book = book_of(tmp_path / "first")
    one, two = month_file(tmp_path, 1), month_file(tmp_path, 2)
    if act != "add":
        book.add_month(one, actor="医保局")
    fixed = form(tmp_path, "fixed", [{"case_id": "01-0", "disease": "白内障", "kind": "单病种",
                                      "price": "4000"}])  # fmt: skip
    acts = {
        "add": lambda b: b.add_month(one, actor="医保局"),
        "list": lambda b: b.hand_in("fixed", fixed, actor="医保局"),
        "close": lambda b: b.close_month(actor="医保局"),
        "correct": lambda b: b.correct(one, actor="医保局"),
    }
    before = len(book.state.entries)
    number, seen = 1, set()
    while True:
        place = tmp_path / "again"
        shutil.copytree(tmp_path / "first" / "book", place)
        with pytest.MonkeyPatch.context() as patch:
            left = killed_at(number, patch)
            with contextlib.suppress(KilledError):
                acts[act](Book(place))
        done = left[0] > 0
        again = Book(place)
        count = len(again.state.entries) - before
        assert count in (0, 1)
        seen.add(count)
        if not count:
            acts[act](again)
        if again.state.open_month == 1:
            again.close_month(empty=True, actor="医保局")
        again.add_month(two, actor="医保局")
        assert verify(place).ok
        shutil.rmtree(place)
        if done:
            break
        number += 1 if FULL else 3
    assert seen == {0, 1}


def test_what_a_killed_run_left_in_a_room_is_taken_away(tmp_path):
    book = book_of(tmp_path)
    book.add_month(month_file(tmp_path, 1), actor="医保局")
    left = tmp_path / "book/cases/.02-cases.parquet.0123abcd.partial"
    left.touch()
    Book(tmp_path / "book")
    assert not left.exists()
