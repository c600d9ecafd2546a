"""Writing an imported scheme as a pack: complete, checked, or not at all."""

from __future__ import annotations

import csv
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from drg.tables.atomic import writing
from drg.tables.held import scratch
from grouper.importer.findings import Findings, Place
from grouper.importer.tables import Tables, list_order
from grouper.scheme.model import MDC_LIST, holds_procedures, is_free
from grouper.scheme.pack import read_header
from grouper.scheme.tables import read_tables

MARKS = "marks.csv"
PACK = ("scheme.toml", "mdc.csv", "adrg.csv", "drg.csv", "diagnoses.csv", "procedures.csv", MARKS)
MARK_COLUMNS = ("code", "kind", "mark", "note")


def can_be_read(tables: Tables, findings: Findings) -> bool:
    """Whether the loader takes the pack, which is written aside for it; what it refuses is found.

    Raises:
        DrgError: nothing can be written aside.
    """
    with writing(Path(tempfile.gettempdir())), scratch() as aside:
        write_pack(tables, aside)
        _, faults = read_tables(aside, read_header(aside))
    refused = [fault for fault in faults if fault.level == "error"]
    for fault in refused:
        name = Path(fault.file).name
        findings.add("pack_refused", Place(name, fault.row), found=fault.en, zh=fault.zh)
    return not refused


def write_pack(tables: Tables, folder: Path) -> None:
    """Write the pack's files into a folder, ``marks.csv`` with them."""
    header = "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in tables.header.items()
    )
    (folder / "scheme.toml").write_text(header, encoding="utf-8", newline="\n")
    _csv(folder / "mdc.csv", ("mdc", "name", "rule"),
         ((g.code, g.name, g.rule) for g in tables.mdcs.values()))  # fmt: skip
    _csv(folder / "adrg.csv", ("adrg", "mdc", "name", "rule"),
         ((g.code, g.parent, g.name, g.rule) for g in tables.adrgs.values()))  # fmt: skip
    _csv(folder / "drg.csv", ("drg", "adrg", "name", "rule"),
         ((g.code, g.parent, g.name, g.rule) for g in tables.drgs.values()))  # fmt: skip
    places = _places(tables)
    _csv(
        folder / "diagnoses.csv",
        ("code", "name", "mdc", "trauma_site", "lists", "complication", "complication_table",
         "exclusion_table"),
        (_diagnosis(tables, places, code, name) for code, name in tables.diagnoses.names.items()),
    )  # fmt: skip
    valid = tables.valid or set()
    _csv(
        folder / "procedures.csv",
        ("code", "name", "valid", "lists"),
        (
            (code, name, "yes" if code in valid else "", _joined(places, code, procedures=True))
            for code, name in tables.procedures.names.items()
        ),
    )
    if tables.marks:
        _csv(folder / MARKS, MARK_COLUMNS,
             ((m.code, m.kind, m.mark, m.note) for m in tables.marks))  # fmt: skip


def _csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


_Places = dict[str, list[tuple[str, str]]]


def _places(tables: Tables) -> _Places:
    found: _Places = defaultdict(list)
    adrgs = {code: i for i, code in enumerate([*tables.mdcs, *tables.adrgs])}
    keys = sorted(tables.lists, key=lambda k: (adrgs.get(k[0], -1), *_order(k[1])))
    for key in keys:
        for code in tables.lists[key]:
            found[code].append(key)
    return found


def _order(name: str) -> tuple[int, int, str]:
    """Where a list stands among those of its owner; lists of no group by their names."""
    return (0, 0, name) if name == MDC_LIST or is_free(name) else (*list_order(name), name)


def _joined(places: _Places, code: str, *, procedures: bool) -> str:
    return "|".join(
        f"{owner}:{name}" if owner else name
        for owner, name in places.get(code, ())
        if name != MDC_LIST and holds_procedures(name) == procedures
    )


def _diagnosis(tables: Tables, places: _Places, code: str, name: str) -> tuple[str, ...]:
    mdcs = "|".join(owner for owner, listed in places.get(code, ()) if listed == MDC_LIST)
    complication = tables.complications.get(code)
    return (
        code,
        name,
        mdcs,
        tables.sites.get(code, ""),
        _joined(places, code, procedures=False),
        complication.level if complication else "",
        complication.table if complication else "",
        tables.exclusions[code][0] if code in tables.exclusions else "",
    )
