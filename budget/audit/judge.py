"""Rules over cases (规则运算): which rows each rule finds, what is at stake, how sure it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from budget.audit import evidence
from budget.audit.document import SEVERITIES, Rule, Test
from budget.audit.expression import Array, Coded, Scope
from budget.audit.world import Cases, OfHospitals, OfItems, Pairs
from drg.tables.arrays import blocks

COLUMNS = ("finding", "rule", "family", "hospital_id", "case_id", "drg", "amount", "strength",
           "severity", "also", "other_case_id")  # fmt: skip
Rows = npt.NDArray[np.int64]
_STRENGTH_DIGITS = 4
_MOST_YUAN = 1e9  # no amount of a row is more, so that 64 bits hold the sum over all
_MOST_OF_HOSPITAL = 1e12
_PAIRED = frozenset({"admission", "discharge", "person"})  # no pair of stays without these


@dataclass(frozen=True)
class Ran:
    """What became of a rule.

    Attributes:
        rule: the rule.
        skipped: facts that are missing, so that it did not run.
        rows: cases that it found, ascending. Shape (F,).
        hospitals: hospitals that it found as such. Shape (K,).
        amount: fen at stake, of the cases and then of the hospitals. Shape (F + K,).
        strength: from 0 to 1, likewise. Shape (F + K,).
        cells: what its test said; None without one.
        unknown: of how many of these the amount, or a part of it, is not known and counts as 0.
        other: the row of the other stay of each case's pair. Shape (F,); None without pairs.
    """

    rule: Rule
    skipped: tuple[str, ...] = ()
    rows: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    hospitals: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    amount: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    strength: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    cells: evidence.Cells | None = None
    unknown: int = 0
    other: npt.NDArray[np.int64] | None = None


def run_rules(rules: Sequence[Rule], cases: Cases, hospitals: OfHospitals) -> list[Ran]:
    """Run every rule that the file has the facts for.

    Args:
        rules: the rules.
        cases: the cases.
        hospitals: the hospitals.
    """
    lags = max((rule.lags for rule in rules if rule.over == "pairs"), default=0)
    pairs: Pairs | None = None
    found = []
    for rule in rules:
        missing = lacking(rule, cases, hospitals)
        if missing:
            found.append(Ran(rule, tuple(sorted(missing))))
            continue
        if rule.over == "pairs" and pairs is None:
            pairs = Pairs.of(cases, lags)
        if rule.over == "hospitals":
            found.append(_over_hospitals(rule, hospitals))
        elif rule.over == "pairs":
            assert pairs is not None
            found.append(_over_pairs(rule, pairs))
        elif rule.over == "items":
            assert cases.items is not None
            found.append(_over_items(rule, OfItems(cases, cases.items)))
        else:
            found.append(_over_cases(rule, cases))
    return found


def lacking(rule: Rule, cases: Cases, hospitals: OfHospitals) -> set[str]:
    """Facts that a rule asks for and nobody told."""
    asked = {name.removeprefix("other.") for name in rule.uses}
    missing = set(cases.facts.missing)
    found = asked & missing if rule.over != "hospitals" else set()
    if cases.items is None:
        found |= asked & {"idle_days"}
        if rule.over == "items":
            found |= {"items"}
    elif rule.over == "items":
        found |= asked & cases.items.missing
    if rule.over == "pairs":
        found |= _PAIRED & missing
    if rule.over == "hospitals":
        if hospitals.before is None and any(name.startswith("before.") for name in asked):
            found |= {"before"}
        needs = {"transfer_share": "transfer", "self_pay_share": "self_pay",
                 "drugs_tests_share": "drugs_tests", "time_index": "los"}  # fmt: skip
        found |= {needs[name] for name in asked if name in needs} & missing
    return found


def _over_cases(rule: Rule, cases: Cases) -> Ran:
    hit, cells = rule.where(cases), None
    if rule.test is None:
        rows = np.flatnonzero(hit)
        strength = _strength(rule, cases, rows)
    else:
        cells, rows, cell, likely = _tested(rule.test, cases, hit)
        kept = cells.found[cell]
        rows = rows[kept]
        strength = likely[kept] if rule.strength is None else _strength(rule, cases, rows)
    amount, unknown = _fen(rule, cases, rows)
    return Ran(rule, (), rows, amount=amount, strength=strength, cells=cells,
               unknown=int(unknown.sum()))  # fmt: skip


def _tested(
    test: Test, cases: Cases, hit: Array
) -> tuple[evidence.Cells, Rows, Rows, npt.NDArray[np.float64]]:
    """What a test says: its cells, cases in them, the cell of each, how likely it is one."""
    if test.kind == "bunching":
        some = np.flatnonzero(hit)
        error = np.nan_to_num(np.asarray(cases.fact("ratio_error", some)))
        cells, place, cell, likely = evidence.bunching(
            cases.facts.text("hospital", some), test.of(cases, some), error, test.thresholds,
            width=test.width, likely=test.likely, fdr=test.fdr, least=test.least,
        )  # fmt: skip
        return cells, some[place], cell, likely
    cells, rows, cell = _beyond(test, cases, hit)
    return cells, rows, cell, cells.excess[cell]


def _beyond(test: Test, scope: Cases | Pairs, hit: Array) -> tuple[evidence.Cells, Rows, Rows]:
    """Hospitals with more of the rows that were hit than their peers."""
    cases = scope.cases if isinstance(scope, Pairs) else scope
    of, size = test.of(scope), (len(cases.hospitals), len(cases.facts.texts("mdc")))
    base = np.zeros(size[0] * size[1], np.int64)
    for part in blocks(scope.rows):
        place = scope.group("hospital", part).astype(np.int64) * size[1]
        base += np.bincount((place + scope.group("mdc", part))[of[part]], minlength=len(base))
    rows = np.flatnonzero(hit & of)
    within = scope.fact(test.within, rows) if test.within else None
    assert within is None or isinstance(within, Coded)
    cells, cell = evidence.excess(
        scope.group("hospital", rows), within, scope.group("mdc", rows),
        base.reshape(size).astype(np.float64), cases.peers,
        fdr=test.fdr, least=test.least, ratio=test.ratio,
    )  # fmt: skip
    return cells, rows, cell


def _over_pairs(rule: Rule, pairs: Pairs) -> Ran:
    hit, cells = rule.where(pairs), None
    found = np.flatnonzero(hit)
    if rule.test is not None:
        cells, found, cell = _beyond(rule.test, pairs, hit)
        found = found[cells.found[cell]]
    (amount, unknown), strength = _fen(rule, pairs, found), _strength(rule, pairs, found)
    rows, other = (side[found].astype(np.int64) for side in (pairs.later, pairs.earlier))
    if rule.marks == "both":  # what is at stake is shared by the two, to the fen
        rows, other = np.concatenate([rows, other]), np.concatenate([other, rows])
        amount = np.concatenate([amount - amount // 2, amount // 2])
        strength = np.concatenate([strength, strength])
        unknown = np.concatenate([unknown, unknown])
    most = np.lexsort((-amount, rows))  # of several pairs that with most at stake is named
    first = most[np.flatnonzero(np.diff(rows[most], prepend=-1))]
    return replace(_once(rule, rows, amount, unknown, strength, cells), other=other[first])


def _over_items(rule: Rule, items: OfItems) -> Ran:
    hit = np.flatnonzero(rule.where(items))
    rows = items.group("case", hit).astype(np.int64)
    return _once(rule, rows, *_fen(rule, items, hit), _strength(rule, items, hit), None, add=True)


def _once(
    rule: Rule, rows: Array, amount: Array, unknown: Array, strength: Array,
    cells: evidence.Cells | None, *, add: bool = False,
) -> Ran:  # fmt: skip
    """Each case once, with the largest amount, or the sum of its items, and the most strength."""
    found, place = np.unique(rows, return_inverse=True)
    sums, most = np.zeros(len(found), np.int64), np.zeros(len(found))
    (np.add if add else np.maximum).at(sums, place, amount)
    np.maximum.at(most, place, strength)
    return Ran(rule, (), found, amount=sums, strength=most, cells=cells,
               unknown=len(np.unique(place[unknown])))  # fmt: skip


def _over_hospitals(rule: Rule, hospitals: OfHospitals) -> Ran:
    hit = np.array(rule.where(hospitals))
    cells = None
    if rule.test is not None:
        before = hospitals.before or {}
        (name,) = rule.test.of.uses
        p = evidence.fell(hospitals.sums[name], hospitals.sums["cases"],
                          before.get(name, np.full(len(hit), np.nan)),
                          before.get("cases", np.zeros(len(hit))))  # fmt: skip
        q = evidence.controlled(p)
        hit = hit & (q <= rule.test.fdr) & (hospitals.sums["cases"] >= rule.test.least)
    place = np.flatnonzero(hit)
    amount, unknown = _fen(rule, hospitals, place)
    return Ran(rule, (), hospitals=place, amount=amount,
               strength=_strength(rule, hospitals, place), cells=cells,
               unknown=int(unknown.sum()))  # fmt: skip


def _fen(
    rule: Rule, scope: Scope, rows: Array
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """What is at stake in some rows, and of which it is not known, so that it counts as 0."""
    yuan = rule.amount(scope, rows)
    unknown = ~(yuan <= (_MOST_OF_HOSPITAL if rule.over == "hospitals" else _MOST_YUAN))
    found: npt.NDArray[np.int64] = np.round(
        np.where(unknown, 0.0, np.maximum(yuan, 0.0)) * 100
    ).astype(np.int64)
    return found, unknown


def _strength(rule: Rule, scope: Scope, rows: Array) -> npt.NDArray[np.float64]:
    if rule.strength is None:
        return np.ones(len(rows))
    found: npt.NDArray[np.float64] = np.clip(np.nan_to_num(rule.strength(scope, rows)), 0, 1)
    return found


@dataclass(frozen=True)
class Findings:
    """What the rules found, one row a case (and one a hospital that was found as such).

    Attributes:
        table: :data:`COLUMNS`; money in fen. ``case_id`` is blank where a hospital was found.
        rows: row of each finding's case, -1 for a hospital. Shape (F,).
        hospital: place of each finding's hospital. Shape (F,).
    """

    table: pd.DataFrame
    rows: npt.NDArray[np.int64]
    hospital: npt.NDArray[np.int64]


def findings_of(ran: Sequence[Ran], cases: Cases) -> Findings:
    """One finding a case: of its rules the gravest, then the strongest; the others beside it.

    Ids hang on rule, hospital and case alone, so that another run, or the same cases in another
    order, gives the same.
    """
    rows = np.concatenate([np.zeros(0, np.int64), *(one.rows for one in ran)])
    rule = np.repeat(np.arange(len(ran)), [len(one.rows) for one in ran])
    amount = np.concatenate([np.zeros(0, np.int64),
                             *(one.amount[: len(one.rows)] for one in ran)])  # fmt: skip
    strength = np.concatenate([np.zeros(0), *(one.strength[: len(one.rows)] for one in ran)])
    strength = np.round(strength, _STRENGTH_DIGITS)
    grave = np.array([SEVERITIES.index(one.rule.severity) for one in ran] or [0])
    order = np.lexsort((rule, -strength, grave[rule] if len(rule) else rule, rows))
    first = order[np.flatnonzero(np.diff(rows[order], prepend=-1))]
    also = _others(ran, rows[order], rule[order])
    hospitals, drg = cases.hospitals, cases.facts.text("drg", rows[first])
    place = cases.group("hospital", rows[first]).astype(np.int64)
    other = np.concatenate([np.zeros(0, np.int64), *(
        np.full_like(one.rows, -1) if one.other is None else one.other for one in ran
    )])  # fmt: skip
    ids, others = _ids(cases, rows[first]), _ids(cases, other[first])
    parts = [pd.DataFrame({
        "rule": [ran[i].rule.id for i in rule[first]],
        "family": [ran[i].rule.family for i in rule[first]],
        "severity": [ran[i].rule.severity for i in rule[first]],
        "hospital_id": [hospitals[i] for i in place], "case_id": ids,
        "drg": [drg.texts[i] for i in drg.codes],
        "amount": amount[first], "strength": strength[first], "also": also,
        "other_case_id": others,
    })]  # fmt: skip
    homes = [place]
    for one in ran:
        if len(one.hospitals):
            homes.append(one.hospitals)
            parts.append(pd.DataFrame({
                "rule": one.rule.id, "family": one.rule.family, "severity": one.rule.severity,
                "hospital_id": [hospitals[i] for i in one.hospitals], "case_id": "",
                "drg": "", "amount": one.amount[len(one.rows):],
                "strength": np.round(one.strength[len(one.rows):], _STRENGTH_DIGITS), "also": "",
                "other_case_id": "",
            }))  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    at = np.concatenate([rows[first], np.full(len(table) - len(first), -1, np.int64)])
    home = np.concatenate(homes)
    keys = table[["rule", "hospital_id", "case_id"]]
    again = keys.groupby(list(keys.columns)).cumcount()
    table.insert(0, "finding", [
        _name(*one) for one in zip(*(keys[name] for name in keys), again, strict=True)
    ])  # fmt: skip
    sort = table.sort_values(
        ["severity", "strength", "amount", "finding"], ascending=[True, False, False, True],
        key=lambda c: c.map(SEVERITIES.index) if c.name == "severity" else c, kind="stable",
    ).index.to_numpy()  # fmt: skip
    return Findings(table.iloc[sort].reset_index(drop=True), at[sort], home[sort])


def _ids(cases: Cases, rows: Array) -> list[str]:
    """Ids of cases by their rows, blank for row -1 and where the file has none."""
    found = np.full(len(rows), "", object)
    found[rows >= 0] = [text or "" for text in cases.facts.ids.take(rows[rows >= 0]).to_pylist()]
    return found.tolist()


def _others(ran: Sequence[Ran], rows: Array, rule: Array) -> list[str]:
    """Of each case, in the order of rows, the further rules that found it."""
    start = np.flatnonzero(np.diff(rows, prepend=-1))
    if len(start) == len(rows):
        return [""] * len(start)
    ends = np.append(start[1:], len(rows))
    return ["|".join(ran[i].rule.id for i in rule[a + 1 : b])
            for a, b in zip(start, ends, strict=True)]  # fmt: skip


def _name(rule: str, hospital: str, case: str, again: int) -> str:
    text = "\0".join((rule, hospital, case, str(again)))
    return "F" + hashlib.sha256(text.encode()).hexdigest()[:15].upper()


def as_arrow(table: pd.DataFrame) -> pa.Table:
    """The findings as they are written: money in yuan."""
    shown = table.assign(amount=table["amount"] / 100)[list(COLUMNS)]
    return pa.Table.from_pandas(shown, preserve_index=False)
