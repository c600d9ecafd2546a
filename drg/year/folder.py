"""The folder of a year's book (年度账册文件夹): what it is made of, each file checked by its hash.

Files come before the entry that holds to them, under a name that carries their digest: whatever is
killed between the two leaves a file that nobody asks for, and none that is asked for is replaced.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any

import pyarrow as pa

from budget.cases.hospitals import Hospitals, read_hospitals
from budget.policy.copy import copy_policy
from budget.policy.document import Policy
from budget.policy.load import load_policy
from budget.settlement.files import read_claims
from drg.cases.unread import UnreadCount
from drg.documents import inside
from drg.errors import DrgError, problem
from drg.language import say
from drg.provenance import hash_file, record_of
from drg.record.disk import sync
from drg.tables import RejectFile, read_table, write_table
from drg.tables.atomic import write_bytes
from drg.tables.derived import refuse_formulas, without_formulas
from drg.tables.held import scratch
from weights.table import WeightTable, open_weights
from weights.table.model import write_with_record

LEDGER = "ledger.jsonl"
WEIGHTS, HOSPITALS, POLICY = "weights.csv", "hospitals.csv", "policy"
CASES, LISTS, MONTHS = "cases", "lists", "months"
FINDINGS, EVIDENCE, PROCEDURE = "findings", "evidence", "procedure"
ROOMS = (CASES, LISTS, MONTHS, POLICY, FINDINGS, EVIDENCE, PROCEDURE)
_SHOWN = 12  # characters of a digest in a file's name


@dataclass(frozen=True)
class Files:
    """What a book goes by: laid down at its start.

    Attributes:
        folder: where they are.
        init: what the record says of them.
    """

    folder: Path
    init: Mapping[str, Any]

    @cached_property
    def weights(self) -> WeightTable:
        """The weights."""
        return open_weights(self.folder / WEIGHTS)

    @cached_property
    def policy(self) -> Policy:
        """The policy."""
        said = self.init["policy"]
        if not said["file"]:
            found = load_policy(said["id"])
        else:
            home = self.folder / POLICY
            place = inside(home, said["file"], self.folder / LEDGER, "policy.file")
            found = load_policy(place, within=home)
        if found.digest != said["sha256"]:
            raise problem(say(f"支付政策 {said['id']} 已不是开账时的那一份（本程序换了版本？）",
                              f"the policy {said['id']} is no longer that of the book's beginning "
                              "(another version of this program?)"), file=self.folder / LEDGER,
                          key="policy.sha256", found=found.digest[:12],
                          expected=said["sha256"][:12])  # fmt: skip
        return found

    @cached_property
    def hospitals(self) -> Hospitals:
        """The hospitals, as they were at the start."""
        return read_hospitals(self.folder / HOSPITALS)

    @cached_property
    def places(self) -> dict[str, int]:
        """Place of each hospital by its id."""
        return {name: place for place, name in enumerate(self.hospitals.ids)}


def fill(
    folder: Path, *, weights: WeightTable, policy: str | PathLike[str],
    hospitals: str | PathLike[str],
) -> dict[str, Any]:  # fmt: skip
    """Copy what a year goes by into its folder; what the record says of it.

    Raises:
        DrgError: a file cannot be used.
    """
    held = load_policy(policy)
    write_with_record(weights, folder / WEIGHTS)
    places = read_hospitals(hospitals)
    refuse_formulas(pa.table({"hospital_id": pa.array(places.ids, pa.string())}), Path(hospitals))
    write_table(folder / HOSPITALS, without_formulas(read_table(hospitals)[0]))
    read_hospitals(folder / HOSPITALS)  # as the book will read it
    names = [WEIGHTS, record_of(folder / WEIGHTS).name, HOSPITALS]
    found = copy_policy(Path(policy), folder / POLICY)
    said = {"id": held.id, "title": held.header.title, "sha256": held.digest,
            "file": found[0].name}  # fmt: skip
    names += [f"{POLICY}/{path.name}" for path in found]
    return {
        "weights": {"id": weights.id, "sha256": weights.digest}, "policy": said,
        "files": {name: hash_file(folder / name) for name in names},
    }  # fmt: skip


def unread(
    files: Files, year: int, table: pa.Table, file: str | PathLike[str], *, first_row: int = 1,
    accept: bool = True,
) -> tuple[bytes, dict[str, str]]:  # fmt: skip
    """Cells that cannot be read, and cases that cannot be settled, as a file of rejects.

    Args:
        files: of the book.
        year: settlement year.
        table: cases, texts under canonical names.
        file: what errors call it.
        first_row: row of the first case in it, as a user counts.
        accept: list them also where they are more than 1% of a column that money hangs on.

    Returns:
        The file's content, empty without any; and column -> how many of its cells, in English.

    Raises:
        DrgError: they are too many, or no case is of the year.
    """
    with scratch() as place:
        copy = place / "cases.parquet"
        write_table(copy, table)
        count = UnreadCount()
        try:
            with RejectFile(place / "rejects.csv") as lost:
                read_claims(copy, files.weights, files.policy, files.hospitals, year, rejects=lost,
                            unread=count, first_row=first_row,
                            accept_unreadable=accept)  # fmt: skip
        except DrgError as error:  # the copy is not the user's file
            raise DrgError(str(error).replace(str(copy), str(file))) from None
        content = (place / "rejects.csv").read_bytes() if lost.count else b""
        return content, count.told()


def rows_in(rejects: bytes) -> list[list[str]]:
    """The rows ``row, column, value, reason`` of a file of rejects."""
    return list(csv.reader(rejects.decode("utf-8-sig").splitlines()))[1:]


@dataclass(frozen=True)
class Made:
    """A table that is ready to be put into a room of the book, under a name with its digest.

    Attributes:
        name: its place in the folder.
        digest: its SHA-256.
        content: its bytes.
    """

    name: str
    digest: str
    content: bytes

    def put(self, folder: Path) -> None:
        """Put it there, down to the disk, as the record is.

        Raises:
            DrgError: it cannot be written.
        """
        target = folder / self.name
        target.parent.mkdir(exist_ok=True)
        write_bytes(target, self.content)
        for place in (target, target.parent, folder):
            sync(place)


def made(room: str, stem: str, table: pa.Table, ending: str) -> Made:
    """A table as a file of a room of the book."""
    with scratch() as place:
        path = place / f"table{ending}"
        write_table(path, table)
        content = path.read_bytes()
    digest = sha256(content).hexdigest()
    return Made(f"{room}/{stem}-{digest[:_SHOWN]}{ending}", digest, content)
