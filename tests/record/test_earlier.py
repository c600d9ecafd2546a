"""Rounds and books that earlier versions wrote are read, verify and go on.

Each version leaves its own in ``tests/data/earlier`` when it is released, made by
``python -m tests.record.test_earlier`` and never made again: a round whose votes are counted, the
same one closed, and a book with two months closed, a list handed in and a finding in appeal.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from drg import __version__
from drg.negotiate.round.act import Round
from drg.negotiate.round.verify import verify as verify_round
from drg.record import clock
from drg.report.minutes.write import write_minutes
from drg.year.book import Book
from drg.year.findings import docket
from drg.year.hearing import add
from drg.year.verify import verify as verify_book
from tests.fonts import without_font
from tests.negotiate.small import AT, REHEARSAL, WHO, files, played
from tests.once import begin
from tests.year.small import book_of, form, month_file
from tests.year.test_findings import START, alerts, audit_of, decide

FOLDER = Path(__file__).parents[1] / "data" / "earlier"
LATER = "2026-12-01T09:00:00+08:00"
OF_A = {"hospital_id": "A", "insurance": "employee", "discharge_mode": "1", "drg": "BB19"}


def kept(folder: Path, name: str) -> list[Path]:
    """Folders of that name, one of each version."""
    for archive in FOLDER.glob("*.tar.xz"):
        shutil.unpack_archive(archive, folder / archive.name.removesuffix(".tar.xz"), filter="data")
    found = sorted(folder.glob(f"*/{name}"))
    assert found
    return found


@pytest.fixture(autouse=True)
def _later():
    with clock.given(LATER):
        yield


def test_a_round_goes_on_to_its_end(tmp_path):
    for folder in kept(tmp_path, "voted"):
        held = Round(folder)
        assert held.state.closed is None
        assert held.state.decisions
        assert verify_round(folder).ok
        offer, _ = held.solve("closest", actor=WHO, at=AT)
        held.accept(offer, "同意", WHO, AT)
        held.close(WHO, AT, decimals=4)
        assert verify_round(folder).ok


def test_a_closed_round_verifies_and_gives_a_receipt(tmp_path):
    for folder in kept(tmp_path, "closed"):
        held = Round(folder)
        assert held.state.closed is not None
        final = (folder / "weights-final.csv").read_bytes()
        held.write_final()
        assert (folder / "weights-final.csv").read_bytes() == final
        held.receipt(WHO, AT)
        assert verify_round(folder).ok


def test_a_book_takes_another_month(tmp_path):
    for folder in kept(tmp_path, "book"):
        held = Book(folder)
        assert len(held.state.closed) == 2
        assert verify_book(folder).ok
        held.add_month(month_file(tmp_path, 3, 40, **OF_A), month=3, actor=WHO)
        rows = [{"医疗机构代码": "A", "病例号": "03-3", "违规规则": "upcoding",
                 "涉及基金金额": "500", "扣款倍数": "1", "申诉结果": ""}]  # fmt: skip
        assert held.hand_in("deduction", form(tmp_path, "d", rows), actor=WHO).rows
        assert docket(held.files, held.state).findings["F000"].history[-1].step == "appeal"
        decide(held, tmp_path, "second_review", ["F000"], "upheld", "审理一", amount="800")
        held.close_month(actor=WHO)
        assert len(Book(folder).state.closed) == 3
        assert verify_book(folder).ok


def make_round(folder: Path, voted: Path, closed: Path) -> None:
    """A round whose votes are counted, and the same one closed."""
    cases = pd.read_csv(files()[0], dtype=str)
    asked = set(pd.read_csv(REHEARSAL / "proposals.csv", dtype=str)["病组编码"])
    few = cases[cases["drg"].isin(asked) | (cases.index % 40 == 0)]
    few.drop(columns=["diagnoses", "procedures"]).to_csv(folder / "few.csv", index=False)
    rules = (REHEARSAL / "rules.toml").read_text("utf-8")
    (folder / "rules.toml").write_text(rules.replace("loss = 0.02", "loss = 0.5"), "utf-8")
    held = played(closed, cases=folder / "few.csv", rules=folder / "rules.toml")
    shutil.copytree(closed, voted)
    offer, _ = held.solve("closest", actor=WHO, at=AT)
    held.accept(offer, "同意", WHO, AT)
    held.close(WHO, AT, decimals=4)
    with without_font():
        write_minutes(held, closed / "minutes.html", "zh")


def make_book(folder: Path) -> Path:
    """A book of two months with a deduction and a finding that the hospital appealed."""
    with clock.given(START):
        held = book_of(folder)
        held.add_month(month_file(folder, 1, 40, **OF_A), actor=WHO)
        rows = [{"医疗机构代码": "A", "病例号": "01-3", "违规规则": "upcoding",
                 "涉及基金金额": "1000", "扣款倍数": "2", "申诉结果": ""}]  # fmt: skip
        held.hand_in("deduction", form(folder, "d", rows), actor=WHO)
        held.close_month(actor=WHO)
        held.add_month(month_file(folder, 2, 40, **OF_A), actor=WHO)
        add(held, audit_of(folder / "audit", alerts(2)), actor="稽核一")
        decide(held, folder, "first_review", ["F000"], "upheld", "稽核一", amount="900.05")
        decide(held, folder, "appeal", ["F000"], "appealed", "A", reason="有医嘱")
        held.close_month(actor=WHO)
    return held.folder


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place), Path(place) / "out"
        begin(folder / "once")
        with clock.given(AT):
            make_round(folder, out / "voted", out / "closed")
        make_book(folder / "year").rename(out / "book")
        FOLDER.mkdir(exist_ok=True)
        shutil.make_archive(str(FOLDER / __version__), "xztar", out)
