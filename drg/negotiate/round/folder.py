"""The folder of a round (谈判轮次文件夹): what it is made of, copied once and checked by hash.

The round keeps its own copy of the draft, the cases, the policy, the hospitals and the roster, so
that what is negotiated cannot change under the negotiators. Patients' ids become running numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from budget.cases.claims import Claims
from budget.cases.hospitals import Hospitals, read_hospitals
from budget.impact.weights import none_settled
from budget.policy.copy import copy_policy
from budget.policy.document import Policy
from budget.policy.load import load_policy
from budget.settlement.files import read_claims
from drg.cases.canonical import canonical
from drg.cases.texts import texts_of
from drg.documents import inside
from drg.errors import DrgError, problem
from drg.language import say
from drg.persons import refuse_persons
from drg.provenance import hash_file, record_of
from drg.record.files import changed_files
from drg.tables import RejectFile, read_table, write_table
from drg.tables.derived import refuse_formulas, without_formulas
from grouper.scheme.name import DEFAULT
from weights.negotiation.experts.roster import Roster, read_roster
from weights.table import WeightTable, open_weights
from weights.table.model import write_with_record
from weights.trim import NoTrim, Trim, method

LEDGER = "ledger.jsonl"
WEIGHTS, CASES, ROSTER, HOSPITALS = "weights.csv", "cases.parquet", "roster.csv", "hospitals.csv"
POLICY = "policy"
_NEEDED = "drg", "hospital_id", "insurance", "discharge_date", "total_cost"
REJECTS = "rejects.csv"
FORMS = "proposals.xlsx", "votes.xlsx"


@dataclass(frozen=True)
class Files:
    """The files of a round.

    Attributes:
        folder: where they are.
        init: what the record says of them.
    """

    folder: Path
    init: Mapping[str, Any]

    def check(self) -> list[str]:
        """What is not as the record says; nothing when all is well."""
        files = self.init.get("files", {})
        faults = changed_files(self.folder, files, self.folder / LEDGER)
        if faults:
            return faults
        told = {
            "weights": {"id": self.weights.id, "sha256": self.weights.digest},
            "cases": {"rows": pq.read_metadata(self.folder / CASES).num_rows,
                      "sha256": files.get(CASES)},
            "hospitals_sha256": files.get(HOSPITALS),
            "roster_sha256": "" if self.roster is None else self.roster.sha256,
        }  # fmt: skip
        faults += [say(f"立项时所记的 {key} 与文件不符", f"{key}: not what was laid down")
                   for key, value in told.items() if self.init.get(key) != value]  # fmt: skip
        if self.policy.digest != self.init["policy"]["sha256"]:
            held, wanted = self.policy, self.init["policy"]["sha256"]
            faults.append(say(
                f"支付政策 {held.id}: 已改动：sha256 为 {held.digest}，记录为 {wanted}",
                f"policy {held.id}: has changed: sha256 {held.digest}, on record {wanted}",
            ))  # fmt: skip
        return faults

    @cached_property
    def weights(self) -> WeightTable:
        """The draft table."""
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
        """The hospitals."""
        return read_hospitals(self.folder / HOSPITALS)

    @cached_property
    def hospital_names(self) -> dict[str, str]:
        """Names of the hospitals by id."""
        return dict(zip(self.hospitals.ids, self.hospitals.names, strict=True))

    @cached_property
    def roster(self) -> Roster | None:
        """The experts, when the round has a roster."""
        path = self.folder / ROSTER
        return read_roster(path)[0] if path.is_file() else None

    @cached_property
    def cases(self) -> pa.Table:
        """The cases, for re-estimates."""
        wanted = ("drg", "hospital_id", "insurance", "total_cost", "length_of_stay", "case_id")
        table, _ = read_table(self.folder / CASES)
        return table.select([name for name in wanted if name in table.column_names])

    def claims(self) -> Claims:
        """The cases, for settling."""
        return read_claims(self.folder / CASES, self.weights, self.policy, self.hospitals,
                           int(self.init["year"]))  # fmt: skip


def own_files(folder: Path) -> list[Path]:
    """What stands in the folder of a round, the results apart that can be written again."""
    held = [folder / name for name in (WEIGHTS, CASES, ROSTER, HOSPITALS, REJECTS, *FORMS)]
    return [
        record_of(folder / WEIGHTS),
        *held,
        *folder.glob(f"{Path(LEDGER).stem}.*"),
        *(folder / POLICY).glob("*"),
    ]


def fill(
    folder: Path, *, weights: WeightTable, cases: str | PathLike[str],
    policy: str | PathLike[str], hospitals: str | PathLike[str],
    roster: str | PathLike[str] | None, mapping: str | PathLike[str] | None = None,
    sheet: str | None = None, year: int | None = None, accept_unreadable: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Copy what a round needs into its folder; what the record says of it.

    With the year, cells of the cases that cannot be read are listed in ``rejects.csv``.

    Raises:
        DrgError: a file cannot be used.
    """
    held = load_policy(policy)
    rows, first_row = _copy_cases(Path(cases), folder / CASES, mapping, sheet)
    write_with_record(named(weights), folder / WEIGHTS)
    table, _ = read_table(hospitals)
    places = read_hospitals(hospitals)
    refuse_formulas(pa.table({"hospital_id": pa.array(places.ids, pa.string())}), Path(hospitals))
    write_table(folder / HOSPITALS, without_formulas(table))
    read_hospitals(folder / HOSPITALS)  # as the round will read it
    if year is not None:
        with RejectFile(folder / REJECTS) as lost:
            try:
                claims = read_claims(folder / CASES, weights, held, read_hospitals(hospitals),
                                     year, rejects=lost, first_row=first_row,
                                     accept_unreadable=accept_unreadable)  # fmt: skip
                if not claims.whole().any():
                    raise none_settled(folder / CASES)
            except DrgError as error:  # the copy is not the user's file
                said = str(error).replace(str(folder / CASES), str(cases))
                raise DrgError(said) from None
    names = [WEIGHTS, record_of(folder / WEIGHTS).name, CASES, HOSPITALS]
    body: dict[str, Any] = {
        "weights": {"id": weights.id, "sha256": weights.digest},
        "policy": {"id": held.id, "title": held.header.title, "sha256": held.digest, "file": ""},
        "cases": {"rows": rows, "sha256": hash_file(folder / CASES)},
        "hospitals_sha256": hash_file(folder / HOSPITALS), "roster_sha256": "",
    }  # fmt: skip
    found = copy_policy(Path(policy), folder / POLICY)
    body["policy"]["file"] = found[0].name
    names += [f"{POLICY}/{path.name}" for path in found]
    if roster is not None:
        people, rejects = read_roster(roster)
        if len(rejects):
            first = rejects.iloc[0]
            raise problem(say(f"专家库有 {len(rejects)} 行无法使用，第一处：{first['reason']}",
                              f"{len(rejects)} rows of the roster cannot be used; the first: "
                              f"{first['reason']}"), file=roster, row=int(first["row"]),
                          key=str(first["column"]), found=first["value"])  # fmt: skip
        people = people.at(dict(zip(places.ids, places.names, strict=True)))
        table = pa.Table.from_pandas(people.frame(), preserve_index=False)
        refuse_formulas(table, Path(roster))
        _no_persons(table, Path(roster))
        write_table(folder / ROSTER, table)
        body["roster_sha256"] = people.sha256
        names.append(ROSTER)
    return {**body, "files": {name: hash_file(folder / name) for name in names}}


def named(weights: WeightTable) -> WeightTable:
    """The table with names of groups; where it says none, those of its scheme."""
    from drg.switch.origin import Origin, names_of, scheme_of_weights

    frame = weights.frame
    given = frame["name"].fillna("") if "name" in frame else frame["drg"].map(lambda _: "")
    known = names_of(scheme_of_weights(weights) or Origin(DEFAULT))
    found = given.where(given != "", frame["drg"].map(known).fillna(""))
    return WeightTable(weights.id, frame.assign(name=found), weights.record)


def trim_of(weights: WeightTable) -> Trim:
    """The trimming with which a table was fitted, as its record says; none when it does not."""
    recipe = weights.record.get("recipe")
    given = recipe.get("trim") if isinstance(recipe, Mapping) else None
    if not isinstance(given, Mapping) or "method" not in given:
        return NoTrim()
    try:
        return method(given["method"], **{k: v for k, v in given.items() if k != "method"})
    except (DrgError, TypeError):
        return NoTrim()


def _copy_cases(
    source: Path, target: Path, mapping: str | PathLike[str] | None, sheet: str | None
) -> tuple[int, int]:
    """Copy the parts of the cases that are known, under their canonical names.

    Returns:
        How many they are, and the row of the first one as a user counts.
    """
    table, first = canonical(source, _NEEDED, mapping=mapping, sheet=sheet)
    if (place := table.schema.get_field_index("patient_id")) >= 0:
        ids = table.column(place).combine_chunks()
        table = table.set_column(place, "patient_id", _numbers(ids))
    write_table(target, table)
    return int(table.num_rows), first


def _numbers(ids: pa.Array) -> pa.Array:
    """Running numbers in place of patients' ids, the same for the same patient; blanks stay."""
    known = pc.fill_null(ids, "")
    codes = pc.cast(known.dictionary_encode().indices, pa.string())
    return pc.if_else(pc.equal(known, ""), "", codes)


def _no_persons(table: pa.Table, file: Path) -> None:
    """Refuse identity and mobile numbers, since the record holds to the file for good.

    Raises:
        DrgError: there is one; it names the column and masks the number.
    """
    for name, column in zip(table.column_names, table.columns, strict=True):
        refuse_persons(texts_of(column), file=file, key=name, row=2)
