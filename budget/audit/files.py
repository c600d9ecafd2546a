"""An audit of a file (审核): rules over its cases, and the tables that come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from budget.audit.credit import Credit, read_credit
from budget.audit.document import Rule
from budget.audit.expected import expected_cost
from budget.audit.expression import Coded
from budget.audit.facts import Facts, GroupBatch, read_facts
from budget.audit.indicators import Sums, indicator_table
from budget.audit.items import read_items
from budget.audit.judge import Findings, Ran, as_arrow, findings_of, run_rules
from budget.audit.standing import standing
from budget.audit.world import Cases, OfHospitals, is_grouped
from budget.cases.hospitals import Hospitals, read_hospitals
from drg.cases.columns import told_tiers
from drg.cases.opening import digest_of
from drg.persons import masked
from drg.provenance import file_name, hash_file, record
from drg.tables import RejectFile, write_table
from drg.tables.atomic import write_record
from drg.tables.derived import without_formulas
from drg.tables.held import scratch

RECORD = "audit.json"
TABLES = ("findings", "hospitals", "indicators", "tests")
PAGES = ("audit.html", "audit.docx", "audit.xlsx")
REJECTS = "rejects.csv"
RESULTS = (*(f"{name}.csv" for name in TABLES), REJECTS, *PAGES, RECORD)
_OF_CASES = ("cases", "before")


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        cases: how many cases were screened.
        malformed: rows that could not be read.
        unread: (part, column) -> cells that could not be read.
        ran: what became of each rule.
        findings: one row a case; person-level, for the caller alone.
        hospitals: one row a hospital.
        indicators: by level, month and indicator.
        credit: how the score was made.
        document: the record.
    """

    cases: int
    malformed: int
    unread: Mapping[tuple[str, str], int]
    ran: Sequence[Ran]
    findings: Findings
    hospitals: pd.DataFrame
    indicators: pd.DataFrame
    credit: Credit
    document: dict[str, Any]


def audit_file(
    source: str | PathLike[str],
    rules: Sequence[Rule],
    group: GroupBatch | None,
    *,
    weights: Mapping[str, float] | None = None,
    hospitals: str | PathLike[str] | None = None,
    before: str | PathLike[str] | None = None,
    items: str | PathLike[str] | None = None,
    credit: Credit | None = None,
    mapping: str | PathLike[str] | None = None,
    sheet: str | None = None,
    workers: int | None = None,
    inputs: Mapping[str, str | PathLike[str] | None] | None = None,
    rejects: RejectFile | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Audit:
    """Audit a file of cases.

    Args:
        source: discharge file, grouped or not.
        rules: what is looked for.
        group: groups a batch and finds what hangs on one code; None where the groups of the file
            are all that is known.
        weights: relative weight of each group; estimated from the file by default.
        hospitals: table of hospitals, for tiers and names.
        before: cases of the year before, for rules about change.
        items: billed items.
        credit: how findings come to a credit score.
        mapping: mapping file for headers that are not recognised.
        sheet: sheet of a workbook.
        workers: threads.
        inputs: further files that the record tells of.
        rejects: where cells and rows of ``source`` that cannot be read are listed.
        progress: called with units done and their total, when it is known.

    Raises:
        DrgError: a file cannot be used.
    """
    table = None if hospitals is None else read_hospitals(hospitals, tiers=told_tiers(mapping))
    credit = read_credit() if credit is None else credit
    with scratch() as folder:
        facts = read_facts(source, group, folder / "cases", mapping=mapping, sheet=sheet,
                           workers=workers, rejects=rejects, progress=progress)  # fmt: skip
        cases = _cases(facts, table, weights)
        if items is not None:
            cases.items = read_items(items, facts, folder / "items")
        sums, earlier = Sums.of(cases), None
        lost = {f"unreadable.{name}": text for name, text in facts.unread.told().items()}
        if before is not None:
            old = _cases(read_facts(before, group, folder / "before", mapping=mapping,
                                    workers=workers), table, weights)  # fmt: skip
            lost |= {f"unreadable.before.{name}": f"the year before: {text}"
                     for name, text in old.facts.unread.told().items()}  # fmt: skip
            earlier = _aligned(Sums.of(old).by_hospital(), old, cases)
        ran = run_rules(rules, cases, OfHospitals(sums.by_hospital(), earlier, cases.peers))
        findings = findings_of(ran, cases)
        families = list(dict.fromkeys(one.rule.family for one in ran if not one.skipped))
        by_id = {} if table is None else dict(zip(table.ids, table.names, strict=True))
        names = [by_id.get(one, one) for one in cases.hospitals]
        found = standing(cases, findings, families, names, credit)
        given = {"cases": source, "hospitals": hospitals, "before": before, "items": items,
                 **(inputs or {})}  # fmt: skip
        document = _document(cases, ran, findings, credit, given, lost)
        return Audit(len(facts), facts.malformed, facts.unread.cells, ran, findings, found,
                     indicator_table(cases, sums), credit, document)  # fmt: skip


def _cases(facts: Facts, table: Hospitals | None, weights: Mapping[str, float] | None) -> Cases:
    tiers = {} if table is None else dict(zip(table.ids, table.tier.tolist(), strict=True))
    tier = np.array([float(tiers.get(one, -1)) for one in facts.texts("hospital")])
    tier[tier < 0] = np.nan
    drg, fen = facts.text("drg"), facts.number("fen")
    valid = is_grouped(drg) & (fen > 0)
    expected = expected_cost(Coded(drg.codes[valid], drg.texts), fen[valid] / 100, weights)
    return Cases(facts, expected, tier)


def _aligned(sums: Mapping[str, np.ndarray], old: Cases, cases: Cases) -> dict[str, np.ndarray]:
    """Figures of the year before in the order of this year's hospitals, NaN for new ones."""
    place = {name: i for i, name in enumerate(old.hospitals)}
    at = np.array([place.get(name, -1) for name in cases.hospitals])
    return {name: np.where(at >= 0, values[at], np.nan) for name, values in sums.items()}


def _document(
    cases: Cases, ran: Sequence[Ran], findings: Findings, credit: Credit,
    given: Mapping[str, str | PathLike[str] | None], lost: Mapping[str, str],
) -> dict[str, Any]:  # fmt: skip
    table = findings.table
    families = table.groupby("family", sort=True)
    rules = [
        {
            "id": one.rule.id, "family": one.rule.family, "severity": one.rule.severity,
            "title": one.rule.said("title", zh=True), "title_en": one.rule.said("title", zh=False),
            "source": one.rule.texts["source"], "where": one.rule.where.text,
            "cases": len(one.rows), "hospitals": len(one.hospitals),
            **({"not_run_without": list(one.skipped)} if one.skipped else {}),
            **({"amount_unknown": one.unknown} if one.unknown else {}),
        }
        for one in ran
    ]  # fmt: skip
    return record(
        inputs={name: {"name": file_name(path), **(
                    digest_of(path) if name in _OF_CASES else {"sha256": hash_file(path)})}
                for name, path in given.items()
                if path is not None and (name in _OF_CASES or Path(path).is_file())},
        cases=len(cases.facts), malformed=cases.facts.malformed,
        items_without_case=0 if cases.items is None else cases.items.lost,
        alerts=int((findings.rows >= 0).sum()), hospital_alerts=int((findings.rows < 0).sum()),
        amount=_yuan(table["amount"]),
        families={name: {"findings": len(held), "amount": _yuan(held["amount"])}
                  for name, held in families},
        rules=rules, credit=credit.id,
        warnings={
            **lost,
            **{f"amount_unknown.{one.rule.id}": f"rule {one.rule.id}: the amount of {one.unknown} "
               f"of {len(one.amount)} found cannot be worked out and counts as 0"
               for one in ran if one.unknown},
        },
    )  # fmt: skip


def _yuan(amounts: pd.Series) -> str:
    fen = int(amounts.sum())
    return f"{fen // 100}.{fen % 100:02d}"


def write_tables(audit: Audit, folder: Path) -> None:
    """Write the tables of an audit and its record, with a digest of each, into a folder."""
    tables = {
        "findings": as_arrow(audit.findings.table),
        "hospitals": _unnamed(audit.hospitals, "hospital_id", "hospital_name", "peers"),
        "indicators": _unnamed(audit.indicators, "id"),
        "tests": _unnamed(cells_table(audit), "hospital_id", "within"),
    }
    hashes = {}
    for name, table in tables.items():
        path = folder / f"{name}.csv"
        write_table(path, without_formulas(table))
        hashes[path.name] = hash_file(path)
    write_record(folder / RECORD, audit.document | {"hashes": hashes})


def _unnamed(frame: pd.DataFrame, *texts: str) -> pa.Table:
    """A table in whose texts of the data identity and mobile numbers are masked."""
    shown = frame.assign(**{name: [masked(str(one)) for one in frame[name]] for name in texts})
    return pa.Table.from_pandas(shown, preserve_index=False)


def cells_table(audit: Audit) -> pd.DataFrame:
    """Hospitals that a test held against their peers, and stood out: effects with intervals."""
    names = audit.hospitals["hospital_id"].to_numpy()
    parts = []
    for one in audit.ran:
        if one.cells is None:
            continue
        cells, some = one.cells, np.flatnonzero(one.cells.found)
        parts.append(pd.DataFrame({
            "rule": one.rule.id, "hospital_id": names[cells.hospital[some]],
            "within": [cells.key[i] for i in some], "cases": cells.cases[some],
            "expected": cells.expected[some],
            "ratio": (cells.cases / np.maximum(cells.expected, 1e-12))[some],
            "ratio_low": cells.low[some], "ratio_high": cells.high[some],
            "p": cells.p[some], "q": cells.q[some],
        }))  # fmt: skip
    columns = ["rule", "hospital_id", "within", "cases", "expected", "ratio", "ratio_low",
               "ratio_high", "p", "q"]  # fmt: skip
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    for name in ("expected", "ratio", "ratio_low", "ratio_high"):
        found[name] = found[name].astype(np.float64).round(4)
    for name in ("p", "q"):
        found[name] = [float(f"{one:.6g}") for one in found[name]]
    return found.sort_values(["rule", "q", "hospital_id", "within"], kind="stable",
                             ignore_index=True)  # fmt: skip
