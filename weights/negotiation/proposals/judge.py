"""Judging proposals (申请受理): what someone asks becomes a proposal, or all its faults.

::

    context = Context(weights=draft, hospitals={"H01": "市一院"}, cases=cases)
    one = propose(context, party="hospital", hospital_id="H01", drg="ES23", what="weight",
                  value="+8%", least=1.02, reason="新技术使耗材费用上升", evidence="附件1")
    one.asked, one.basis["outside_corridor"]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drg.cases.blanks import BLANKS
from drg.language import say
from weights.negotiation.proposals.asked import Asked, asked_weight, check_sane, read_weight
from weights.negotiation.proposals.context import Context, code_of, hospital_of
from weights.negotiation.proposals.faults import UnfitError
from weights.negotiation.proposals.proposal import Proposal, check_order, check_party, check_text
from weights.negotiation.proposals.words import (
    COLUMNS,
    PARTY_WORDS,
    WHAT_WORDS,
    choice,
    seen,
)
from weights.table.text import visible


def propose(
    context: Context,
    *,
    party: str,
    drg: str,
    what: str,
    value: str | float,
    reason: str,
    hospital_id: str = "",
    least: str | float | None = None,
    most: str | float | None = None,
    evidence: str = "",
    id: str | None = None,  # noqa: A002
) -> Proposal:
    """Make a proposal; it is judged as one that was read from a file.

    Args:
        context: draft, hospitals, cases, and proposals that stand already.
        party: ``hospital, panel, bureau``, or a word of the form for it.
        drg: a group of the draft, in any case of letters.
        what: ``weight, class, trim, exclude``, or a word of the form for it.
        value: as in the form (``"+10%"``); a number is a weight.
        reason: why.
        hospital_id: id or name of the hospital that asks.
        least: lowest weight that is acceptable, or a change such as ``"+2%"``.
        most: highest weight that is acceptable.
        evidence: what supports it.
        id: by default ``P`` and the next number.

    Raises:
        DrgError: it cannot be accepted; the message names the first part at fault.
    """
    given = {
        "party": party, "hospital_id": hospital_id, "drg": drg, "what": what, "value": value,
        "least": least, "most": most, "reason": reason, "evidence": evidence,
    }  # fmt: skip
    places = {(*one.proposer, one.drg): one.id for one in context.earlier}
    found = judged({name: _given(name, held) for name, held in given.items()}, context,
                   id or numbered(context.number), places)  # fmt: skip
    if isinstance(found, Proposal):
        return found
    raise found[0]


def judged_again(one: Proposal, context: Context) -> Proposal:
    """A proposal on record judged again from its own words; its bounds stand there as weights.

    Raises:
        DrgError: it could not have been accepted.
    """
    texts = ("party", "hospital_id", "drg", "what", "value", "reason", "evidence")
    found = judged({name: getattr(one, name) for name in texts}, context, one.id, {})
    if not isinstance(found, Proposal):
        raise found[0]
    for name, held in (("least", one.least), ("most", one.most)):
        if held is not None:
            check_sane(held, context.draft[one.drg], name)
    return replace(found, least=one.least, most=one.most)


def numbered(number: int) -> str:
    """The id of a proposal by its number."""
    return f"P{number:03d}"


def judged(
    given: Mapping[str, str], context: Context, id: str, places: Mapping[tuple[str, str, str], str]  # noqa: A002
) -> Proposal | list[UnfitError]:  # fmt: skip
    """A proposal from texts, or all that is wrong with them.

    Args:
        given: texts by column; columns that are not there are blank.
        context: what it is judged against.
        id: the id that it gets.
        places: (party, hospital, group) -> where that proposer asked for that group already.
    """
    cells = {name: _cell(name, given.get(name, "")) for name in COLUMNS}
    faults: list[UnfitError] = []
    who = _noted(faults, lambda: _who(cells, context))
    drg = _noted(faults, lambda: _group(cells["drg"], context))
    what = _noted(faults, lambda: _what(cells["what"]))
    for name in ("value", "reason", "evidence"):
        _noted(faults, lambda name=name: check_text(name, cells[name]))
    if who and drg and (place := places.get((*who, drg))):
        faults.append(UnfitError("drg",
                                 say(f"同一提出方已在 {place} 对该病组提出申请",
                                     f"this proposer asks for the group already in {place}"),
                                 drg))  # fmt: skip
    elif who and drg:
        _noted(faults, lambda: check_taken(who, drg, context.taken))
    asked = bounds = None
    if drg and not any(fault.column == "value" for fault in faults):
        if what:
            asked = _noted(faults, lambda: asked_weight(what, cells["value"], drg, context))
        bounds = _noted(faults, lambda: _bounds(cells, context.draft[drg], asked))
    if faults or not (who and drg and what and asked and bounds):
        return faults
    (party, hospital), (least, most) = who, bounds
    return Proposal(id, party, hospital, drg, what, cells["value"], asked.weight, least, most,
                    cells["reason"], cells["evidence"], asked.basis)  # fmt: skip


def check_taken(
    who: tuple[str, str], drg: str, taken: Mapping[tuple[str, ...], str]
) -> None:  # fmt: skip
    """Refuse to ask anew for what a panel has or had; ``taken`` as in :class:`Context`.

    Raises:
        UnfitError: a panel has decided on the group, or this proposer has had a panel for it.
    """
    held = taken.get((*who, drg)) or taken.get((drg,))
    if held is not None:
        raise UnfitError("drg",
                         say(f"{held} 已交专家组，该病组不再另提；对决定可在异议期内提出异议",
                             f"a panel has {held} on this group; object to its decision, there is "
                             "no other proposal"), drg)  # fmt: skip


def _noted(faults: list[UnfitError], check: Any) -> Any:
    """What a check gives; None, and a fault more, when it finds something unfit."""
    try:
        return check()
    except UnfitError as fault:
        faults.append(fault)
        return None


def _given(name: str, held: object) -> str:
    """A value from Python as a form would hold it."""
    if held is None:
        return ""
    if isinstance(held, bool) or not isinstance(held, str | int | float):
        raise UnfitError(name, say("不是文本或数", "not a text or a number"), held)
    return held if isinstance(held, str) else repr(float(held))


def _cell(name: str, text: str) -> str:
    """A text on one line; blank where a form says that there is nothing."""
    tidy = visible(" ".join(seen(text.encode("utf-8", "replace").decode()).split()))
    # ``none`` is a way to trim.
    return "" if tidy.lower() in BLANKS and name != "value" else tidy


def _who(cells: Mapping[str, str], context: Context) -> tuple[str, str]:
    """Party and hospital; a hospital's name instead of the party, or its id alone, will do."""
    text, hospital = cells["party"], cells["hospital_id"]
    party = choice(PARTY_WORDS, text) or ("hospital" if hospital and not text else None)
    named = None if party else hospital_of(text, context.hospital_names)
    if party is None and named is None:
        raise UnfitError("party", say("提出方无法识别", "not known who asks"), text,
                         say("hospital（医疗机构）、panel（专家组）或 bureau（医保局）",
                             "hospital 医疗机构, panel 专家组 or bureau 医保局"))  # fmt: skip
    if party in ("panel", "bureau"):
        check_party(party, hospital)
        return party, ""
    known = hospital_of(hospital, context.hospital_names) if hospital else named
    if (hospital and known is None) or (named and known != named):
        raise UnfitError("hospital_id", say("医疗机构不存在", "no such hospital"), hospital,
                         named or say("本轮医疗机构的代码",
                                      "the id of a hospital of the round"))  # fmt: skip
    check_party("hospital", known or "")
    return "hospital", known or ""


def _group(text: str, context: Context) -> str:
    if not text:
        raise UnfitError("drg", say("缺少病组编码", "is missing"),
                         expected=say("病组编码", "the code of a group"))  # fmt: skip
    found = code_of(text, context.draft)
    if found is None:
        without = code_of(text, [str(code) for code in context.weights.frame["drg"]])
        if without is not None:
            raise UnfitError("drg", say("病组没有草案权重", "the group has no draft weight"), text,
                             say("有权重的病组", "a group with a weight"))  # fmt: skip
        raise UnfitError("drg", say("病组不存在", "no such group"), text,
                         say("草案权重表中的病组", "a group of the draft table"))  # fmt: skip
    if found in context.frozen:
        raise UnfitError("drg", say("病组已冻结", "the group is frozen in this round"), text)
    return found


def _what(text: str) -> str:
    found = choice(WHAT_WORDS, text)
    if found is None:
        raise UnfitError("what", say("调整事项无法识别", "not known what is to change"), text,
                         say("weight（权重）、class（类别）、trim（裁剪）或 exclude（剔除病例）",
                             "weight 权重, class 类别, trim 裁剪 or exclude 剔除病例"))  # fmt: skip
    return found


def _bounds(
    cells: Mapping[str, str], draft: float, asked: Asked | None
) -> tuple[float | None, float | None]:
    found: dict[str, float | None] = {"least": None, "most": None}
    for name in found:
        if cells[name]:
            weight, _ = read_weight(cells[name], draft, name)
            check_sane(weight, draft, name)
            found[name] = weight
    if asked is not None:
        check_order(asked.weight, found["least"], found["most"])
    return found["least"], found["most"]
