"""Hand-made rounds for the tests of the minutes: entries as on record, small and hostile."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from budget.cases.hospitals import hospitals_of
from budget.impact.tables import summary
from budget.impact.weights import Impacts
from budget.policy import load_policy
from drg.negotiate.round.state import State, replay
from drg.record.entry import Entry, seal
from drg.record.plain import plain
from drg.report.minutes.data import Minutes
from tests.budget.region import HOSPITALS, WEIGHTS, YEAR, claims_of, many, weight_table
from weights.negotiation.experts.panels import Panel, draw_panel
from weights.negotiation.experts.roster import Expert, Roster
from weights.negotiation.experts.tally import tally
from weights.negotiation.experts.votes import Vote
from weights.negotiation.proposals.proposal import Proposal
from weights.negotiation.rules import Rules
from weights.table import WeightTable

HOSTILE = (
    "<script>alert(1)</script> =cmd|' /C calc'!A0",
    '@SUM(1+1)*cmd \u202e院医民人\u202c & "quoted" </td></table><img src=x onerror=alert(1)>',
)
IDENTITY, MOBILE, CASE = "11010519491231002X", "13800138000", "C20250314001"
DRAFT = {str(d): float(w) for d, w in zip(WEIGHTS["drg"], WEIGHTS["weight"], strict=True)}
NAMES = {"AA19": "心脏移植", "BB19": "脑血管介入治疗，伴严重并发症或合并症", "CC19": "晶体手术",
         "DD19": "鼻成形术", "EE19": "呼吸系统感染"}  # fmt: skip
FEW = "FF19"  # a group with 3 cases
ROSTER = Roster(tuple(
    Expert(f"E{i:03d}", f"专家{'甲乙丙丁戊己庚辛壬癸'[i % 10]}{i}", "ABCDE"[i % 5],
           (3, 3, 2, 2, 1)[i % 5], "东县" if i % 5 > 2 else "市区", "内科", ("*",), 1 + i % 2)
    for i in range(60)
))  # fmt: skip


@cache
def impacts(size: int = 3000) -> Impacts:
    """A year in which one group has 3 cases."""
    frame = many(size, 3)
    frame.loc[frame["drg"] == FEW, "drg"] = "EE19"
    frame.loc[:2, ["drg", "hospital_id"]] = [FEW, "B"]
    policy, held = load_policy("national-default"), hospitals_of(HOSPITALS)
    named = WEIGHTS.assign(name=WEIGHTS["drg"].map(NAMES).fillna(""))
    table = weight_table(named)
    pools = {p.name: 3e6 for p in policy.pools if p.basis == "growth" and p.last_year is None}
    return Impacts(claims_of(frame, policy, held, table), table, policy, held, YEAR,
                   last_year=pools)  # fmt: skip


def proposal(number: int, hospital: str, drg: str, asked: float, **parts: Any) -> Proposal:
    """One proposal."""
    basis = {"draft": DRAFT[drg], "factor": asked / DRAFT[drg], "outside_corridor": False}
    given = {
        "what": "weight", "value": f"{asked:g}", "least": None, "most": None,
        "reason": "新技术使耗材费用上升", "evidence": "附件1",
    } | parts  # fmt: skip
    given["basis"] = basis | parts.get("basis", {})
    party = "hospital" if hospital else parts.get("party", "bureau")
    return Proposal(**{"id": f"P{number:03d}", "party": party, "hospital_id": hospital, "drg": drg,
                       "asked": asked} | given)  # fmt: skip


def proposals() -> list[Proposal]:
    """Proposals of every kind, hostile texts among them."""
    return [
        proposal(1, "A", "BB19", 1.15, least=1.05, value="+15%"),
        proposal(2, "B", "DD19", 2.6, reason=HOSTILE[0], evidence=HOSTILE[1]),
        proposal(3, "", "GG19", 0.85, what="class", value="基础病组 0.9444",
                 basis={"class": "basic", "class_factor": 0.9444}),
        proposal(4, "C", "EE19", 2.4, what="trim", value="四分位距法",
                 basis={"trim": "iqr", "parameters": {}, "read_as": "iqr", "cases_before": 240,
                        "cases_after": 231, "mean_before": 22000.0, "mean_after": 21120.0}),
        proposal(5, "D", "CC19", 1.6, what="exclude", value=f"case_id in {CASE}|C2",
                 basis={"read_as": f"case_id in {CASE}|C2 and cost>200000", "cases_excluded": 2,
                        "cases_before": 177, "cases_after": 175, "mean_before": 31313.0,
                        "mean_after": 32323.0}),
        proposal(6, "D", FEW, 6.6),
        proposal(7, "A", "AA19", 0.33, reason="重复提交"),
        proposal(8, "", "BB19", 1.1, party="panel", what="exclude", value="医疗机构 = B",
                 basis={"read_as": "hospital_id = B", "cases_excluded": 77, "cases_before": 257,
                        "cases_after": 180, "mean_before": 41414.0, "mean_after": 42424.0}),
    ]  # fmt: skip


class Book:
    """A record while it is written."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, kind: str, body: Any, actor: str = "市医保局") -> None:
        """One more entry, an hour after the last."""
        number = len(self.entries)
        at = f"2026-03-{1 + number // 24:02d}T{number % 24:02d}:00:00+08:00"
        before = self.entries[-1].digest if number else ""
        self.entries.append(seal(number, at, actor, kind, plain(body), before))

    @property
    def state(self) -> State:
        """What stands."""
        return replay(self.entries)


def begin(rules: Rules, title: str = "示范市 2026 年 DRG 权重论证谈判") -> Book:
    """A record with its first entry."""
    book = Book()
    book.add("init", {
        "round": "round-2026", "title": title, "year": YEAR, "rules": rules.to_body(),
        "weights": {"id": "draft-2026", "sha256": "ab" * 32},
        "policy": {"id": "national-default", "title": "国家示范政策", "sha256": "cd" * 32,
                   "file": ""},
        "cases": {"rows": 3000, "sha256": "ef" * 32}, "hospitals_sha256": "12" * 32,
        "roster_sha256": ROSTER.sha256, "last_year": {}, "files": {},
    })  # fmt: skip
    return book


def played(*, close: bool = True, offer: bool = False, rules: Rules | None = None) -> Minutes:
    """A round from proposals to its end."""
    rules = rules or Rules(sources={"quorum": "示范市谈判办法第十条"})
    held, book = impacts(), begin(rules)
    asked = proposals()
    for one in asked:
        book.add("proposal", one.body(), one.hospital_id or one.party)
    book.add("withdraw", {"proposal": "P007", "reason": f"重复，联系 {MOBILE}"}, "A")
    standing = [one for one in asked if one.id != "P007"]
    first = held.at({one.drg: one.asked for one in standing}, neutral=rules.neutral)
    book.add("impact", {"weights_sha256": "aa" * 32, "proposals": [one.id for one in standing],
                        "summary": summary(first)})  # fmt: skip
    panel = draw_panel(ROSTER, standing[:5], rules, 7, panel="Z01",
                       declared={"E004": "与申请人有亲属关系"})  # fmt: skip
    book.add("panel", panel.to_body())
    votes = _votes(panel, standing[:5])
    for vote in votes:
        book.add("vote", vote.to_body(), "记录员")
    for one in standing[:5]:
        book.add("decision", tally(panel, votes, rules, one, DRAFT[one.drg]).to_body())
    decisions = [one for one in book.state.decisions.values() if one.accepted]
    changes = {one.drg: one.weight for one in decisions}
    impact = held.at(changes, neutral=rules.neutral, fixed=rules.frozen)
    if offer:
        impact = _offers(book, held, changes)
    if close:
        new = _changed(impact)
        book.add("close", {
            "offer": "O01" if offer else None, "weights_sha256": digest(impact), "changes": new,
            "file": "weights-final.csv", "scale": impact.scale, "decimals": None,
            "before_digest": "",
        })  # fmt: skip
    return Minutes(book.state, impact, ROSTER)


def _votes(panel: Panel, before: list[Proposal]) -> list[Vote]:
    """Accepted above the corridor, accepted, turned down by a tie, no quorum, all abstain."""
    one, two, three, four, five = panel.members
    names = [each.id for each in before]
    votes = [Vote("Z01", names[0], who, "for", w) for who, w in ((one, 1.3), (two, 1.5))]
    votes += [Vote("Z01", names[0], three, "against", None, f"身份证 {IDENTITY}"),
              Vote("Z01", names[0], three, "for", 1.4, HOSTILE[0]),
              Vote("Z01", names[0], four, "abstain")]  # fmt: skip
    votes += [Vote("Z01", names[1], who, "for", 2.2) for who in (one, two, three, four, five)]
    votes += [Vote("Z01", names[2], who, "for") for who in (one, two)]
    votes += [Vote("Z01", names[2], who, "against") for who in (three, four)]
    votes += [Vote("Z01", names[3], one, "for"), Vote("Z01", names[3], two, "for")]
    votes += [Vote("Z01", names[4], who, "abstain") for who in (one, two, three, four, five)]
    return votes


def _offers(book: Book, held: Impacts, changes: dict[str, float]) -> Any:
    impact = held.at(changes, neutral="yuan")
    constraint = {
        "kind": "loss", "key": "D", "text_zh": "D 损失不超过其收入的 2.00%（20,000 元）",
        "text_en": "D loses no more than 2.00% of its revenue (20,000 yuan)", "value": -1.0,
        "limit": -1.0, "slack": 0.0, "unit": "yuan", "shadow_price": 0.31, "step": 1e4,
        "relax_zh": "允许多损失 10,000 元", "relax_en": "may lose 10,000 yuan more", "gain": 3100.0,
    }  # fmt: skip
    for name, objective in (("O01", "closest"), ("O02", "fairest")):
        book.add("offer", {
            "id": name, "objective": objective, "weights_sha256": digest(impact),
            "changes": _changed(impact), "gap": 1e-9, "status": "optimal",
            "satisfaction": {"P001": 0.8, "P002": 0.4}, "disagreement_yuan": 123456.0,
            "moved_yuan": 65432.0, "largest_loss": {"D": 0.0123},
            "constraints": [constraint], "solvers": ["made-up 1.0"],
            "remarks": [{"zh": "一处说明", "en": "a remark"}],
        })  # fmt: skip
    book.add("accept", {"offer": "O01", "reason": "各方同意"})
    return impact


def _changed(impact: Any) -> dict[str, float]:
    new = impact.after.weight
    return {g: float(w) for g, w, old in zip(impact.cells.groups, new, impact.before.weight,
                                             strict=False)
            if np.isfinite(w) and w != old}  # fmt: skip


def digest(impact: Any) -> str:
    """Digest of the weights after."""
    frame = pd.DataFrame({"drg": impact.cells.groups[:-1], "weight": impact.after.weight})
    return WeightTable("final", frame).digest
