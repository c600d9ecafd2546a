"""The folder of a year's book (年度账册文件夹): what it is made of, each file checked by its hash.

Files come before the entry that holds to them, under a name that carries their digest: whatever is
killed between the two leaves a file that nobody asks for, and none that is asked for is replaced.
"""

from __future__ import annotations

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
from budget.policy.load import load_policy, policies
from drg.documents import inside
from drg.provenance import hash_file, record_of
from drg.record.disk import sync
from drg.tables import read_table, write_table
from drg.tables.atomic import write_bytes
from drg.tables.derived import refuse_formulas, without_formulas
from drg.tables.held import scratch
from weights.table import WeightTable, open_weights
from weights.table.record import write_with_record

LEDGER = "ledger.jsonl"
WEIGHTS, HOSPITALS, POLICY = "weights.csv", "hospitals.csv", "policy"
CASES, LISTS, MONTHS = "cases", "lists", "months"
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
        name = self.init["policy"]["file"]
        if not name:
            return load_policy(self.init["policy"]["id"])
        home = self.folder / POLICY
        return load_policy(inside(home, name, self.folder / LEDGER, "policy.file"), within=home)

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
    said = {"id": held.id, "title": held.header.title, "sha256": held.digest, "file": ""}
    if str(policy) not in policies():
        found = copy_policy(Path(policy), folder / POLICY)
        said["file"] = found[0].name
        names += [f"{POLICY}/{path.name}" for path in found]
    return {
        "weights": {"id": weights.id, "sha256": weights.digest}, "policy": said,
        "files": {name: hash_file(folder / name) for name in names},
    }  # fmt: skip


def put_table(folder: Path, room: str, stem: str, table: pa.Table, ending: str) -> tuple[str, str]:
    """Put a table into a room of the book, under a name that carries its digest.

    Returns:
        Its place in the folder, and its SHA-256.

    Raises:
        DrgError: it cannot be written.
    """
    with scratch() as place:
        path = place / f"table{ending}"
        write_table(path, table)
        content = path.read_bytes()
    digest = sha256(content).hexdigest()
    name = f"{room}/{stem}-{digest[:_SHOWN]}{ending}"
    (folder / room).mkdir(exist_ok=True)
    write_bytes(folder / name, content)
    for place in (folder / name, folder / room, folder):  # down to the disk, as the record is
        sync(place)
    return name, digest
