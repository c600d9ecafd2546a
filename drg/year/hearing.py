"""Steps of findings (疑点处理): an audit taken in, forms written to be filled, decisions taken in.

An office decides hundreds of findings at a time, so a step is a form: a row a finding, with its
decision, amount and reason, taken in as one entry. Rows without a decision wait.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from drg.cases.amounts import amount_of
from drg.documents import Model, fit, inside, read_document
from drg.errors import DrgError, problem
from drg.language import say, spoken
from drg.page.words import Words
from drg.provenance import hash_file
from drg.record import clock
from drg.record.entry import checked_time
from drg.report.audit.sections import family
from drg.tables.derived import without_formulas
from drg.tables.results import read_frame
from drg.year.book import Book
from drg.year.decisions import deducted, rows_of
from drg.year.findings import (
    ALERTS,
    DEDUCTED,
    PAIRED,
    SAID,
    Docket,
    Finding,
    day_of,
    deductions,
    docket,
)
from drg.year.folder import EVIDENCE, FINDINGS, LISTS, PROCEDURE, Made, made
from drg.year.forms import read_list, refuse_text, write_form
from drg.year.lists import Column, ListKind
from drg.year.procedure import ALERT, DECISIONS, Procedure, Step, read_procedure
from drg.year.state import State
from weights.negotiation.forms.rows import REJECTS, RowError

AUDIT = ("audit.json", "findings.csv", "hospitals.csv")
_LARGEST = 1 << 28  # bytes of a file of evidence
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}", re.ASCII)
_PARTS = re.compile(r"[;；,，、\n]")
_MOST = Decimal(10**11)


@dataclass(frozen=True)
class Taken:
    """What came of an audit or a form.

    Attributes:
        rows: rows that were taken.
        rejects: ``row, column, value, reason`` of those that were not.
        waiting: rows of a form without a decision, or findings that were known already.
        late: how many were decided after their day.
        decided: decision -> how many.
        fen: what was confirmed, amounts times multiples.
        told: what whoever takes the step must know of rows that were taken.
    """

    rows: list[dict[str, str]]
    rejects: pd.DataFrame
    waiting: int = 0
    late: int = 0
    decided: Mapping[str, int] | None = None
    fen: int = 0
    told: Sequence[str] = ()


def add(
    book: Book, folder: str | PathLike[str], *, procedure: str | PathLike[str] | None = None,
    actor: str, at: str | None = None,
) -> Taken:  # fmt: skip
    """Take the findings of an audit into a book; those that it knows already stay as they stand.

    Args:
        book: the book.
        folder: what ``drg audit`` wrote.
        procedure: document that is in force from now on; that before, or the shipped one, without.
        actor: who takes them in; for them the audit's finder.
        at: a time to be stated beside the machine's.

    Raises:
        DrgError: the folder is no audit, was changed since, or nothing of it can be taken.
    """
    folder, seen = Path(folder), book.state
    document = read_document(folder / AUDIT[0], "JSON")
    hashes = document.get("hashes")
    for name in AUDIT[1:]:
        if not (folder / name).is_file():
            raise problem(say("没有这个文件", "no such file"), file=folder / name)
        if not isinstance(hashes, dict) or hashes.get(name) != hash_file(folder / name):
            raise problem(say("不是审核记录所记的那一份", "is not the one that the audit wrote"),
                          file=folder / name, expected=AUDIT[0])  # fmt: skip
    if procedure is not None:
        read_procedure(procedure)
    known = docket(book.files, seen).findings
    frame = read_frame(folder / AUDIT[1], (*ALERTS, PAIRED), (), (PAIRED,))
    if PAIRED not in frame:
        frame[PAIRED] = ""
    homes = book.standing(seen).homes(frame["case_id"])
    rows: list[dict[str, str]] = []
    lost: list[tuple[int, str, str, str]] = []
    came: set[str] = set()
    old = 0
    for place, row in enumerate(frame[[*ALERTS, PAIRED]].to_dict("records")):
        if row["finding"] in known:
            old += 1
            continue
        try:
            if not row["finding"] or row["finding"] in came:
                raise RowError(
                    "finding", row["finding"], "缺少编号或重复", "has no number, or twice"
                )
            came.add(row["finding"])
            rows.append(_alert(book, homes, {str(name): one for name, one in row.items()}))
        except RowError as fault:
            lost.append((place + 2, fault.column, fault.value, fault.reason))
    rejects = pd.DataFrame(lost, columns=list(REJECTS))
    if not rows and (procedure is None or not len(frame)):
        return Taken([], rejects, old)
    sizes = read_frame(folder / AUDIT[2], ("hospital_id",), ("cases",))
    screened = {}
    for place, (name, count) in enumerate(zip(sizes["hospital_id"], sizes["cases"], strict=True)):
        if not (0 <= count < _LARGEST and float(count).is_integer()):
            raise problem(say("不是病例数", "is no count of cases"), file=folder / AUDIT[2],
                          row=place + 2, key="cases", found=count)  # fmt: skip
        if name in book.files.places:
            screened[name] = int(count)
    more: dict[str, Any] = {"audit": hash_file(folder / AUDIT[0]), "screened": screened,
                            "titles": _titles(document, folder, rows)}  # fmt: skip
    if procedure is not None:
        more["procedure"] = _kept(book.folder, PROCEDURE, Path(procedure).read_bytes(), ".toml")
    _put(book, seen, ALERT, rows, (*ALERTS, PAIRED), folder.name, more, _today(at), actor, at)
    return Taken(rows, rejects, old)


def _titles(
    document: Mapping[str, Any], folder: Path, rows: Sequence[Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Titles of the rules of some rows, as far as an audit's record tells them."""
    rule: dict[str, Model] = {"id": str, "title": str, "title_en": str, "*": object}
    fit(document, {"rules": [rule], "*": object}, folder / AUDIT[0])
    asked = {row["rule"] for row in rows}
    return {one["id"]: {"zh": one["title"], "en": one["title_en"]}
            for one in document.get("rules", ())
            if one.get("id") in asked and {"title", "title_en"} <= one.keys()}  # fmt: skip


def _alert(book: Book, homes: Mapping[str, str], row: Mapping[str, str]) -> dict[str, str]:
    """A row of an audit's findings, which fits the book."""
    for name in ("finding", "rule", "family", "drg", "strength"):
        refuse_text(name, row[name])
    if row["hospital_id"] not in book.files.places:
        raise RowError("hospital_id", row["hospital_id"], "不在医疗机构表中",
                       "is not in the table of hospitals")  # fmt: skip
    if row["case_id"] and (homes.get(row["case_id"]) or "").strip() != row["hospital_id"]:
        raise RowError("case_id", row["case_id"], "账册中没有该医疗机构的此病例",
                       "is no case of that hospital in the book")  # fmt: skip
    try:
        amount = Decimal(row["amount"] or "0")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not (amount.is_finite() and 0 <= amount < _MOST):
        raise RowError("amount", row["amount"], "不是金额", "is no amount")
    return {**row, "amount": f"{amount:.2f}"}


def form_of(held: Procedure, step: Step) -> ListKind:
    """The form of a step."""
    choices = {one: DECISIONS[one] for one in step.decisions}
    words = "、".join(zh for zh, _, _ in choices.values())
    english = ", ".join(en for _, en, _ in choices.values())
    role = held.roles[step.role]
    return ListKind(
        f"finding-{step.name}", f"疑点{step.zh}", f"Findings, {step.en}",
        (Column("finding", "疑点编号", "Finding", needed=True),
         Column("hospital_id", "医疗机构代码", "Hospital"),
         Column("case_id", "病例号", "Case"), Column(PAIRED, "另一次住院", "Other stay"),
         Column("rule", "违规规则", "Rule"), Column("title", "规则名称", "Title of the rule"),
         Column("family", "类型", "Family"),
         Column("drg", "病组", "Group"),
         Column("standing", "目前金额", "Amount so far"),
         Column("before", "前序意见", "So far"),
         Column("due", "期限", "Due"),
         Column("decision", "决定", "Decision", "choice", choices=choices),
         Column("amount", "核定金额", "Amount", "money", zero=True),
         Column("times", "扣款倍数", "Multiple", "number", also=("倍数",)),
         Column("reason", "理由", "Reason"),
         Column("evidence", "证据文件", "Evidence", also=("证据", "附件"))),
        ("finding",),
        (f"由{role.zh}办理。每行一个疑点，决定为：{words}；未填决定的暂不办理。"
         "金额不填的沿用目前金额，不涉及金额的填 0；证据填文件名，多个以分号分隔。",
         f"For {role.en}. A row a finding, decided as {english}; rows without a decision wait. "
         "Without an amount the one so far holds, 0 is a finding without money; evidence by names "
         "of files, parted by semicolons."),
    )  # fmt: skip


def write_step_form(
    book: Book, name: str, out: str | PathLike[str], *, hospital: str | None = None,
    at: str | None = None,
) -> int:  # fmt: skip
    """Write the form of a step with the findings that wait for it; how many there are.

    Args:
        book: the book.
        name: of the step.
        out: the workbook.
        hospital: only findings of this hospital.
        at: a time to be stated beside the machine's.

    Raises:
        DrgError: there is no such step or hospital, or the form cannot be written.
    """
    held, day = docket(book.files, book.state), _today(at)
    step = held.procedure.step(name)
    if hospital is not None and hospital not in book.files.places:
        raise problem(say("不在医疗机构表中", "is not in the table of hospitals"),
                      key="--hospital", found=hospital)  # fmt: skip
    rows = [
        _form_row(held, one, step)
        for one in held.findings.values()
        if held.waits(one, step, day) and hospital in (None, one.hospital)
    ]
    rows.sort(key=lambda row: (row["hospital_id"], row["due"], row["finding"]))
    write_form(out, form_of(held.procedure, step), book.files, rows=rows)
    return len(rows)


def _form_row(held: Docket, one: Finding, step: Step) -> dict[str, str]:
    before = "；".join(
        f"{held.procedure.title(f'{done.step}:{done.decision}')}：{done.reason}"
        for done in one.history if done.decision
    )  # fmt: skip
    return {"finding": one.id, "hospital_id": one.hospital, "case_id": one.case,
            PAIRED: one.other, "rule": one.rule, "title": held.title(one.rule),
            "family": family(one.family, Words(spoken())), "drg": one.drg,
            "standing": one.last.amount, "before": before,
            "due": held.due(one, step).isoformat(), "times": one.last.times}  # fmt: skip


def act(
    book: Book, name: str, file: str | PathLike[str], *,
    evidence: str | PathLike[str] | None = None, members: Sequence[str] = (),
    sheet: str | None = None, actor: str, at: str | None = None,
) -> Taken:  # fmt: skip
    """Take in a filled form: a step of every finding that it decides, as one entry.

    Args:
        book: the book.
        name: of the step.
        file: the filled form.
        evidence: folder of the files that it names.
        members: of the panel that decided, where the step needs one.
        sheet: of a workbook.
        actor: who takes the step.
        at: a time to be stated beside the machine's.

    Returns:
        Rows that were taken, and those that the procedure or the form does not allow.

    Raises:
        DrgError: the file is no such form, or the panel is not one.
    """
    seen, day = book.state, _today(at)
    held = docket(book.files, seen)
    step = held.procedure.step(name)
    people = (actor.strip(), *_panel(step, members))
    kind = form_of(held.procedure, step)
    form, found = read_list(kind, book.files.policy, file, sheet)
    by_hand = {key for key, row in rows_of(book.folder, seen)["deduction"].items()
               if not row.get("finding")}  # fmt: skip
    rows: list[dict[str, str]] = []
    changed: list[Finding] = []
    files: dict[str, str] = {}
    places: dict[str, int] = {}
    waiting = late = 0
    for number, row in found:
        if not row["decision"]:
            waiting += 1
            continue
        try:
            new, kept = _decided(book, held, step, row, people, day, evidence, by_hand, len(
                seen.entries))  # fmt: skip
            if (twice := places.setdefault(new.id, number)) != number:
                raise RowError("finding", new.id, f"与第 {twice} 行是同一项",
                               f"is the same as row {twice}")  # fmt: skip
        except RowError as fault:
            form.reject(number, fault)
            continue
        late += day > held.due(held.findings[new.id], step)
        files |= kept
        changed.append(new)
        rows.append({one: row[one] for one in SAID} | {"evidence": ";".join(new.last.evidence)})
    rejects = form.reject_frame()
    if not rows:
        return Taken([], rejects, waiting)
    more: dict[str, Any] = {"members": list(people[1:])} if step.members else {}
    if files:
        more["evidence"] = files
    taken, beside = list(deductions(held, changed)), []
    if taken:
        beside = [made(LISTS, f"{seen.open_month:02d}-deduction",
                       without_formulas(_texts(taken, DEDUCTED)), ".csv")]  # fmt: skip
        more["deductions"] = {"file": beside[0].name, "sha256": beside[0].digest,
                              "rows": len(taken)}  # fmt: skip
    _put(book, seen, step.name, rows, SAID, Path(file).name, more, day, actor, at, beside)
    policy = book.files.policy
    told = _dear(book, seen, Path(file).name, places, changed)
    if free := sum(map(held.confirmed, changed)) - len(taken):
        told.append(say(f"认定的 {free:,} 条不涉及金额，不扣款",
                        f"{free:,} were confirmed without money, and deduct nothing"))  # fmt: skip
    return Taken(rows, rejects, waiting, late, Counter(one.last.decision for one in changed),
                 sum(int(deducted(policy, row) * 100) for row in taken), told)  # fmt: skip


def _dear(
    book: Book, seen: State, file: str, places: Mapping[str, int], changed: Sequence[Finding]
) -> list[str]:
    """First amounts above what the case cost: a standard may be, but so is a slip of the pen."""
    some = [one for one in changed
            if one.case and len(one.history) == 2 and one.last.decision == "upheld"]  # fmt: skip
    costs = book.standing(seen).texts("total_cost", [one.case for one in some]) if some else {}
    found = []
    for one in some:
        cost = amount_of(costs.get(one.case, ""))
        if cost is not None and Decimal(one.last.amount) > Decimal(repr(cost)):
            found.append(str(problem(
                say("高于病例总费用，请核对", "is above what the case cost; look again"), file=file,
                row=places[one.id], key="amount", found=one.last.amount,
                expected=say(f"不超过 {cost:,.2f} 元", f"at most {cost:,.2f} yuan"))))  # fmt: skip
    return found


def _decided(
    book: Book, held: Docket, step: Step, row: Mapping[str, str], people: Sequence[str],
    day: dt.date, evidence: str | PathLike[str] | None, by_hand: set[tuple[str, ...]], seq: int,
) -> tuple[Finding, dict[str, str]]:  # fmt: skip
    """A finding after its row of a form, and the evidence that was kept with it."""
    one = held.findings.get(row["finding"])
    if one is None:
        raise RowError("finding", row["finding"], "没有此疑点", "there is no such finding")
    for name, own in (("case_id", one.case), ("hospital_id", one.hospital), ("rule", one.rule)):
        if row[name] and row[name] != own:
            raise RowError(name, row[name], f"该疑点为 {own}", f"the finding is of {own or '-'}")
    if held.procedure.roles[step.role].hospitals:
        for name in ("amount", "times"):
            if row[name] and row[name] != getattr(one.last, name):
                raise RowError(name, row[name], f"{step.zh}不改变金额和倍数",
                               f"the {step.en} changes neither amount nor multiple")  # fmt: skip
    plain = {name: row[name] for name in SAID} | {"evidence": ""}
    new = held.taken(one, step, plain, people, day, seq, book.files.places)
    if held.confirmed(new):
        taken = deducted(book.files.policy, new.deduction(False))
        if taken > _MOST or (Decimal(new.last.amount) > 0) != (taken > 0):
            raise RowError("times", row["times"] or row["amount"],
                           f"扣款金额为 {taken:,.2f} 元，应大于 0，不超过 {_MOST:,} 元",
                           f"deducts {taken:,.2f} yuan, not above 0 or over {_MOST:,}")  # fmt: skip
        if taken and (one.hospital, one.case, one.rule) in by_hand:
            raise RowError("finding", one.id, "违规扣款清单中已有此项",
                           "is in the list of deductions already")  # fmt: skip
    kept = _evidence(book.folder, row["evidence"], evidence)
    plain["evidence"] = ";".join(kept)
    return held.taken(one, step, plain, people, day, seq, book.files.places), kept


def _panel(step: Step, members: Sequence[str]) -> tuple[str, ...]:
    """The members of a panel, as the step needs them.

    Raises:
        DrgError: they are too few, even in number, or named where nobody is asked for.
    """
    names = tuple(dict.fromkeys(one.strip() for one in members if one.strip()))
    if step.members and (len(names) < step.members or len(names) % 2 == 0):
        raise problem(say(f"{step.zh}须有不少于 {step.members} 人的单数成员",
                          f"the {step.en} is of an odd number, at least {step.members}"),
                      key="--members", found=len(names))  # fmt: skip
    if names and not step.members:
        raise problem(say(f"{step.zh}不设合议成员", f"the {step.en} has no members"),
                      key="--members", found=", ".join(names))  # fmt: skip
    return names


def _evidence(folder: Path, cell: str, given: str | PathLike[str] | None) -> dict[str, str]:
    """Files of evidence that a cell names, kept in the book: place -> SHA-256."""
    found = {}
    for name in filter(None, map(str.strip, _PARTS.split(cell))):
        if given is None:
            raise RowError("evidence", name, "请用 --evidence 给出证据文件夹",
                           "its folder is given by --evidence")  # fmt: skip
        try:
            path = inside(Path(given), name, given, "evidence")
            if not path.is_file() or path.stat().st_size > _LARGEST:
                raise OSError
            content = path.read_bytes()
        except (DrgError, OSError):
            raise RowError(
                "evidence",
                name,
                f"在 {given} 中没有可用的此文件（不超过 256 MiB）",
                f"is no file in {given} that can be used (at most 256 MiB)",
            ) from None
        suffix = path.suffix.lower()
        kept = _kept(folder, EVIDENCE, content, suffix if _SUFFIX.fullmatch(suffix) else "")
        found[kept["file"]] = kept["sha256"]
    return found


def _kept(folder: Path, room: str, content: bytes, suffix: str) -> dict[str, str]:
    """A file kept in a room of the book under a name that carries its digest."""
    digest = sha256(content).hexdigest()
    name = f"{room}/{digest[:16]}{suffix}"
    Made(name, digest, content).put(folder)
    return {"file": name, "sha256": digest}


def _put(
    book: Book, seen: Any, step: str, rows: Sequence[Mapping[str, str]], columns: Sequence[str],
    source: str, more: Mapping[str, Any], day: dt.date, actor: str, at: str | None,
    beside: Sequence[Made] = (),
) -> None:  # fmt: skip
    month = seen.open_month
    own = made(FINDINGS, f"{month:02d}-{step}", without_formulas(_texts(rows, columns)), ".csv")
    book.add("finding", {"file": own.name, "sha256": own.digest, "month": month,
                         "rows": len(rows), "step": step, "day": day.isoformat(),
                         "source": source, **more}, actor, at, seen, (own, *beside))  # fmt: skip


def _texts(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in columns})


def _today(at: str | None) -> dt.date:
    """The day of a stated time, else the machine's."""
    return day_of(checked_time(at) or clock.now())
