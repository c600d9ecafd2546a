"""Findings of a year (疑点及其处理): from an audit's alert to its end, replayed from the record.

What was decided stands in the record alone; this works out how every finding stands, and refuses a
step that the procedure does not allow, on record or not yet.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from budget.fund.due_dates import WorkingDays
from budget.policy.document import Policy
from drg.errors import problem
from drg.language import say
from drg.record.entry import Entry
from drg.year.decisions import deducted, fallen, read_rows
from drg.year.folder import Files
from drg.year.lists import FALLEN, LISTS
from drg.year.procedure import (
    ALERT,
    Procedure,
    Step,
    read_procedure,
    same,
    shipped_procedure,
)
from drg.year.state import Handed, State
from weights.negotiation.forms.rows import RowError

SAID = ("finding", "decision", "amount", "times", "reason", "evidence")  # columns of a step's rows
ALERTS = ("finding", "rule", "family", "hospital_id", "case_id", "drg", "amount", "strength")
PAIRED = "other_case_id"  # a column that older audits, and records, do not have
DEDUCTED = (*(one.name for one in LISTS["deduction"].columns), "finding")


@dataclass(frozen=True)
class Done:
    """A step that was taken with a finding.

    Attributes:
        seq: number of its entry.
        step: its name; ``alert`` for the audit.
        decision: what was decided; "" for the audit.
        people: who took it: who entered it, and the members of a panel.
        day: when.
        amount: fund money concerned as it stands after it, in yuan.
        times: the multiple, "" for that of the policy.
        reason: why.
        evidence: files, by their place in the book.
    """

    seq: int
    step: str
    decision: str
    people: tuple[str, ...]
    day: dt.date
    amount: str
    times: str = ""
    reason: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A finding.

    Attributes:
        id: made from rule, hospital and case alone.
        rule: the rule that found it.
        family: of the rule.
        hospital: its hospital.
        case: its case; "" for a hospital as such.
        drg: its group.
        strength: of the alert, as the audit wrote it.
        history: what was done, the alert first.
        other: the other stay of a pair; "" without one.
    """

    id: str
    rule: str
    family: str
    hospital: str
    case: str
    drg: str
    strength: str
    history: tuple[Done, ...]
    other: str = ""

    @property
    def last(self) -> Done:
        """What was done last."""
        return self.history[-1]

    @property
    def status(self) -> str:
        """How it stands: ``alert``, or the last step and its decision."""
        return self.last.step if not self.last.decision else (
            f"{self.last.step}:{self.last.decision}")  # fmt: skip

    def deduction(self, appealed: bool) -> dict[str, str]:
        """The row of the list of deductions that it becomes, as it stands."""
        return dict(zip(DEDUCTED, (
            self.hospital, self.case, self.rule, self.last.amount, self.last.times,
            "maintained" if appealed else "", "", self.id,
        ), strict=True))  # fmt: skip


@dataclass(frozen=True)
class Docket:
    """All findings of a year, and what they go by.

    Attributes:
        procedure: the procedure in force.
        findings: by id, in the order in which they came.
        screened: hospital -> most cases that an audit screened of it.
        days: working days.
        fallen: cases that were withdrawn since, or corrected to another hospital. Nothing follows
            for their findings any more, and nothing is deducted of them.
        titles: rule -> its title in Chinese (``zh``) and English (``en``), as audits told it.
    """

    procedure: Procedure
    findings: Mapping[str, Finding]
    screened: Mapping[str, int]
    days: WorkingDays
    fallen: frozenset[str] = frozenset()
    titles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def title(self, rule: str) -> str:
        """What a rule is called in the reader's language; "" where no audit told it."""
        said = self.titles.get(rule, {})
        return say(said.get("zh", ""), said.get("en", ""))

    def due(self, one: Finding, step: Step) -> dt.date:
        """By when a step is to be taken with a finding as it stands."""
        first = _after(self.days, one.last.day, step.days)
        if one.status in step.after:
            return first
        waited = max(_after(self.days, one.last.day, self.procedure.steps[name].days)
                     for name in step.lapsed)  # fmt: skip
        return _after(self.days, waited, step.days)

    def waits(self, one: Finding, step: Step, day: dt.date) -> bool:
        """Whether a step may be taken with a finding as it stands, on a day."""
        if self.fell(one):
            return False
        if one.status in step.after:
            return not step.strict or day <= self.due(one, step)
        return any(
            one.status in other.after and day > _after(self.days, one.last.day, other.days)
            for other in map(self.procedure.steps.__getitem__, step.lapsed)
        )

    def next(self, one: Finding, day: dt.date) -> Step | None:
        """The step that is to come on a day; None when a finding has ended."""
        return next((step for step in self.procedure.steps.values() if self.waits(one, step, day)),
                    None)  # fmt: skip

    def confirmed(self, one: Finding) -> bool:
        """Whether a finding was confirmed; its money, if it has any, is deducted."""
        if self.fell(one):
            return False
        step = self.procedure.steps.get(one.last.step)
        return step is not None and step.confirms and one.last.decision == "upheld"

    def fell(self, one: Finding) -> bool:
        """Whether its case is not the hospital's any more."""
        return one.case in self.fallen

    def standing(self, one: Finding) -> str:
        """How a finding stands in this book: its status, or that its case is gone."""
        return FALLEN if self.fell(one) else one.status

    def ended(self, one: Finding) -> bool:
        """Whether nothing follows any more."""
        if self.fell(one):
            return True
        step = self.procedure.steps.get(one.last.step)
        return step is not None and one.last.decision in step.ends

    def taken(
        self, one: Finding, step: Step, row: Mapping[str, str], people: Sequence[str],
        day: dt.date, seq: int, hospitals: Container[str],
    ) -> Finding:  # fmt: skip
        """A finding after a step.

        Args:
            one: as it stands.
            step: the step.
            row: :data:`SAID` of it.
            people: who enters it, then the members of a panel.
            day: when.
            seq: number of its entry.
            hospitals: ids of hospitals.

        Raises:
            RowError: the procedure does not allow it.
        """
        self._in_turn(one, step, day)
        self._allowed(one, step, people, hospitals)
        decision = row["decision"]
        if decision not in step.decisions:
            raise RowError("decision", decision, f"{step.zh}不能这样决定",
                           f"is no decision of the {step.en}")  # fmt: skip
        standing = one.last.amount
        amount = row["amount"] or standing
        if len(one.history) > 1 and _fen(amount) > _fen(standing):
            raise RowError("amount", amount, f"不得高于前一步骤的 {standing} 元",
                           f"is above the {standing} yuan of the step before")  # fmt: skip
        if decision != "accepted" and not row["reason"]:
            raise RowError("reason", "", "须填理由", "a reason is needed")
        done = Done(seq, step.name, decision, tuple(people), day, amount,
                    row["times"] or one.last.times, row["reason"],
                    tuple(filter(None, row["evidence"].split(";"))))  # fmt: skip
        return replace(one, history=(*one.history, done))

    def _in_turn(self, one: Finding, step: Step, day: dt.date) -> None:
        """Refuse a step out of its turn."""
        if day < one.last.day:
            raise RowError("finding", one.id, f"早于前一步骤（{one.last.day}）",
                           f"is before the step before it ({one.last.day})")  # fmt: skip
        if self.waits(one, step, day):
            return
        if self.fell(one):
            raise RowError("finding", one.id, f"病例 {one.case} 已撤销或更正到其他医疗机构",
                           f"its case {one.case} was withdrawn, or corrected to another "
                           "hospital")  # fmt: skip
        if one.status in step.after:
            due = self.due(one, step)
            raise RowError("finding", one.id, f"{step.zh}期限 {due} 已过",
                           f"the {step.en} was due by {due}")  # fmt: skip
        stands = self.procedure.title(one.status)
        waiting = [self.procedure.steps[name] for name in step.lapsed
                   if one.status in self.procedure.steps[name].after]  # fmt: skip
        if waiting:
            until = max(self.due(one, other) for other in waiting)
            raise RowError("finding", one.id, f"{waiting[0].zh}期限 {until} 未过，不能{step.zh}",
                           f"the {waiting[0].en} may still come until {until}, before the "
                           f"{step.en}")  # fmt: skip
        raise RowError("finding", one.id, f"目前为“{stands}”，不能{step.zh}",
                       f"stands at '{stands}', from which no {step.en} comes")  # fmt: skip

    def _allowed(
        self, one: Finding, step: Step, people: Sequence[str], hospitals: Container[str]
    ) -> None:
        """Refuse people who may not take a step."""
        role = self.procedure.roles[step.role]
        for who in people:
            own = role.hospitals and who == one.hospital
            if who in hospitals and not own:
                raise RowError("finding", one.id, f"{who} 不能办理{step.zh}（{role.zh}）",
                               f"{who} may not take the {step.en} ({role.en})")  # fmt: skip
            if role.people and same(who) not in role.people and not own:
                raise RowError("finding", one.id, f"{who} 不在“{role.zh}”之列",
                               f"{who} does not have the role {role.en}")  # fmt: skip
        names = {same(who): who for who in people}
        for done in one.history:
            if done.step in step.apart:
                for who in done.people:
                    if same(who) in names:
                        what = self.procedure.title(done.step if done.step == ALERT else
                                                    f"{done.step}:{done.decision}")  # fmt: skip
                        raise RowError("finding", one.id,
                                       f"{who} 已办理“{what}”，不得办理{step.zh}",
                                       f"{who} took '{what}' and may not take the "
                                       f"{step.en}")  # fmt: skip


def _fen(yuan: str) -> int:
    return int(Decimal(yuan or "0") * 100)


@lru_cache(maxsize=4096)  # hundreds of findings are of one day
def _after(days: WorkingDays, day: dt.date, count: int) -> dt.date:
    return days.after(day, count)


def day_of(at: str) -> dt.date:
    """The day of a time as it is written."""
    return dt.date.fromisoformat(at[:10])


def _day(entry: Entry) -> dt.date:
    """The day that an entry says, which is that of its time."""
    try:
        day = dt.date.fromisoformat(entry.body["day"])
    except ValueError:
        day = dt.date.min
    apart = abs(day - day_of(entry.stated or entry.at)).days
    if apart > (0 if entry.stated else 1):  # midnight may pass while it is written
        raise problem(say("日期与记录时间不符", "is not the day of its entry"), key="day",
                      found=entry.body["day"], expected=entry.stated or entry.at)  # fmt: skip
    return day


def docket(files: Files, state: State) -> Docket:
    """Every finding as it stands.

    Raises:
        DrgError: the record has a step that the procedure does not allow, or deductions that are
            not what was confirmed.
    """
    found = Docket(shipped_procedure(), {}, {}, WorkingDays(files.policy.cash.holidays))
    for one in state.findings:
        found = _step(files, state.entries[one.seq], one, found)
    rows = [{"case_id": one.case, "hospital_id": one.hospital} for one in found.findings.values()]
    return replace(found, fallen=fallen(files.folder, state, rows))


def _step(files: Files, entry: Entry, one: Handed, before: Docket) -> Docket:
    """The findings after an entry."""
    body, rows = entry.body, read_rows(files.folder / one.file)
    day = _day(entry)
    found, screened, procedure = dict(before.findings), dict(before.screened), before.procedure
    if one.kind == ALERT:
        if said := body.get("procedure"):
            procedure = read_procedure(files.folder / said["file"], said["file"])
        for hospital, cases in body.get("screened", {}).items():
            screened[hospital] = max(screened.get(hospital, 0), cases)
        for row in rows:
            first = Done(entry.seq, ALERT, "", (entry.actor,), day, row["amount"])
            found[row["finding"]] = Finding(
                row["finding"], row["rule"], row["family"], row["hospital_id"], row["case_id"],
                row["drg"], row["strength"], (first,), row.get(PAIRED, ""))  # fmt: skip
        return replace(before, procedure=procedure, findings=found, screened=screened,
                       titles={**before.titles, **body.get("titles", {})})  # fmt: skip
    step = procedure.step(one.kind)
    people = (entry.actor, *body.get("members", ()))
    changed: list[Finding] = []
    for row in rows:
        if row["finding"] not in found:
            raise _not_allowed(one, row["finding"], say("没有此疑点", "there is no such finding"))
        try:
            new = before.taken(found[row["finding"]], step, row, people, day, entry.seq,
                               files.places)  # fmt: skip
        except RowError as error:
            raise _not_allowed(one, row["finding"], error.reason) from None
        found[new.id] = new
        changed.append(new)
    after = replace(before, findings=found)
    wanted = list(deductions(after, changed))
    held = read_rows(files.folder / body["deductions"]["file"]) if "deductions" in body else []
    if held != wanted:
        reason = say("扣款与认定不一致", "deductions are not what was confirmed")
        raise _not_allowed(one, step.name, reason)
    return after


def deductions(held: Docket, changed: Sequence[Finding]) -> Iterator[dict[str, str]]:
    """Rows of deductions that findings with money become which were confirmed just now."""
    for one in changed:
        if held.confirmed(one) and _fen(one.last.amount):
            appealed = any(done.decision == "appealed" for done in one.history)
            yield one.deduction(appealed)


def worth(policy: Policy, one: Finding) -> int:
    """What a confirmed finding deducts, amount times multiple, in fen."""
    return int(deducted(policy, one.deduction(False)) * 100)


def _not_allowed(one: Handed, finding: str, reason: str) -> Exception:
    return problem(reason, file=Path(one.file), key=finding)
