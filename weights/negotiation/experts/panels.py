"""Panels of experts (专家组): drawn by lot with a seed, no interested hospital, verifiable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd

from drg.errors import DrgError, problem
from drg.language import say
from drg.provenance import hash_text
from weights.negotiation.experts.roster import Expert, Roster
from weights.negotiation.experts.seats import allot, draw_seats, fair_shares, hospitals_of
from weights.negotiation.rules import Rules

DECLARED = "declared: "
_TRIES = 200


class Asked(Protocol):
    """What a panel needs to know of a proposal."""

    @property
    def id(self) -> str:
        """The proposal's id."""

    @property
    def drg(self) -> str:
        """The group that it would change."""

    @property
    def hospital_id(self) -> str:
        """The hospital that proposes, "" for a panel or the bureau."""


@dataclass(frozen=True)
class Panel:
    """A panel as it was drawn.

    Attributes:
        id: such as Z01.
        proposals: ids of the proposals that it votes on.
        mdcs: MDCs of their groups, sorted.
        seed: of the draw.
        size: number of members.
        roster_sha256: ``Roster.sha256`` of the roster that it was drawn from.
        members: expert ids in draw order.
        substitutes: expert ids in the order in which they step in.
        recused: expert -> why, of those who cover the MDCs and may not sit.
        strata: ``eligible``, ``covering``, ``tiers`` (eligible, fair share, members), ``counties``
            and ``mdcs`` (members), ``fallback`` in words or "".
        vote_weights: expert -> votes that a weighted vote counts, of members and substitutes.
    """

    id: str
    proposals: tuple[str, ...]
    mdcs: tuple[str, ...]
    seed: int
    size: int
    roster_sha256: str
    members: tuple[str, ...]
    substitutes: tuple[str, ...] = ()
    recused: Mapping[str, str] = field(default_factory=dict, hash=False)
    strata: Mapping[str, Any] = field(default_factory=dict, hash=False)
    vote_weights: Mapping[str, float] = field(default_factory=dict, hash=False)

    def to_body(self) -> dict[str, Any]:
        """The panel as plain data for the ledger."""
        body = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in body.items()}

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Panel:
        """The panel from plain data."""
        parts: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in body.items()}
        return cls(**parts)


@dataclass(frozen=True)
class PanelVerdict:
    """What drawing a panel again shows.

    Attributes:
        panel: its id.
        faults: what differs, one line each; none when the panel is as it was drawn.
    """

    panel: str
    faults: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.faults


def mdcs_of(proposals: Iterable[Asked]) -> tuple[str, ...]:
    """MDCs of the groups, by the first character of their codes, sorted."""
    return tuple(sorted({proposal.drg[:1].upper() for proposal in proposals}))


def interested(
    proposals: Iterable[Asked], rules: Rules, cases: pd.DataFrame | None = None
) -> dict[str, str]:
    """Hospitals with an interest in proposals (利害关系医疗机构), and why.

    Args:
        proposals: what is voted on.
        rules: ``interest_share``; without it only the hospital that proposes is interested.
        cases: ``drg``, ``hospital_id`` and, where a row is several cases, ``cases``.

    Raises:
        DrgError: ``interest_share`` is set and there are no cases.
    """
    proposals = list(proposals)
    found: dict[str, str] = {}
    for proposal in proposals:
        if proposal.hospital_id:
            found.setdefault(proposal.hospital_id, f"proposes {proposal.id}")
    if rules.interest_share is None:
        return found
    if cases is None:
        raise problem(say("计算各医疗机构在病组中的占比需要病例数据",
                          "shares of hospitals in the groups need the cases"), key="interest_share",
                      found=rules.interest_share)  # fmt: skip
    counted = cases["cases"] if "cases" in cases else pd.Series(1.0, index=cases.index)
    for proposal in proposals:
        here = cases["drg"] == proposal.drg
        by_hospital = counted[here].groupby(cases.loc[here, "hospital_id"]).sum()
        shares = by_hospital / by_hospital.sum()
        for hospital, share in shares[shares > rules.interest_share].items():
            found.setdefault(str(hospital), f"{share:.1%} of the cases of {proposal.drg}")
    return found


def draw_panel(
    roster: Roster,
    proposals: Sequence[Asked],
    rules: Rules,
    seed: int,
    *,
    panel: str = "Z01",
    mdcs: Sequence[str] | None = None,
    size: int | None = None,
    cases: pd.DataFrame | None = None,
    declared: Mapping[str, str] | None = None,
) -> Panel:
    """Draw a panel and its substitutes.

    The same roster, proposals, rules, seed and id give the same panel, in whatever order the
    roster stands. Panels with other ids are drawn independently from the same seed.

    Args:
        roster: the experts.
        proposals: what the panel will vote on.
        rules: of the round.
        seed: 0 or more.
        panel: its id.
        mdcs: MDCs to cover; by default the first characters of the groups.
        size: members, odd and at least 5; by default the rules' ``panel_size``.
        cases: for ``interest_share``, see :func:`interested`.
        declared: expert -> reason, of those who recuse themselves (申请回避).

    Raises:
        DrgError: there are too few experts, with how many there are and why others are not.
    """
    rules = rules if size is None else replace(rules, panel_size=size)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise problem(say("不是随机种子", "not a seed"), key="seed", found=seed,
                      expected=say("不小于 0 的整数", "a whole number of 0 or more"))  # fmt: skip
    ids = tuple(proposal.id for proposal in proposals)
    if not ids or len(set(ids)) < len(ids):
        raise problem(say("专家组至少表决一项申请，且每项只出现一次",
                          "a panel votes on at least one proposal, each once"), key=panel,
                      found=", ".join(ids))  # fmt: skip
    wanted = mdcs_of(proposals) if mdcs is None else tuple(sorted(set(mdcs)))
    hospitals = interested(proposals, rules, cases)
    pool = _pool(roster, wanted, rules, hospitals, declared or {}, panel)
    rng = np.random.default_rng([seed, int(hash_text(panel)[:15], 16)])
    members, substitutes = _draw_until_covered(pool, wanted, rules, rng)
    return Panel(
        panel, ids, wanted, seed, rules.panel_size, roster.sha256,
        tuple(e.expert_id for e in members),
        tuple(e.expert_id for e in substitutes),
        pool.recused,
        _strata(pool, wanted, members),
        {e.expert_id: e.vote_weight for e in (*members, *substitutes)},
    )  # fmt: skip


def verify_panel(
    panel: Panel,
    roster: Roster,
    proposals: Iterable[Asked],
    rules: Rules,
    *,
    cases: pd.DataFrame | None = None,
) -> PanelVerdict:
    """Draw a panel again and say exactly what differs from the record.

    Args:
        panel: as it is on record; its declared recusals are taken as they are.
        roster: the roster.
        proposals: at least those of the panel; others are passed over.
        rules: of the round at the time of the draw.
        cases: for ``interest_share``.
    """
    faults = []
    if roster.sha256 != panel.roster_sha256:
        faults.append("the roster has changed since the draw: its sha256 is "
                      f"{roster.sha256}, at the draw it was {panel.roster_sha256}")  # fmt: skip
    by_id = {proposal.id: proposal for proposal in proposals}
    missing = [name for name in panel.proposals if name not in by_id]
    if missing:
        return PanelVerdict(
            panel.id, (*faults, f"no such proposal: {', '.join(missing)}; not drawn again")
        )
    declared = {
        expert: reason.removeprefix(DECLARED)
        for expert, reason in panel.recused.items()
        if reason.startswith(DECLARED)
    }
    try:
        again = draw_panel(
            roster, [by_id[name] for name in panel.proposals], rules, panel.seed, panel=panel.id,
            mdcs=panel.mdcs, size=panel.size, cases=cases, declared=declared,
        )  # fmt: skip
    except DrgError as error:
        return PanelVerdict(panel.id, (*faults, f"cannot be drawn again: {error}"))
    return PanelVerdict(panel.id, (*faults, *_differences(panel, again)))


def _differences(panel: Panel, again: Panel) -> list[str]:
    faults = []
    for name in ("members", "substitutes", "mdcs"):
        held, drawn = getattr(panel, name), getattr(again, name)
        if held == drawn:
            continue
        gone, new = sorted(set(drawn) - set(held)), sorted(set(held) - set(drawn))
        what = f"on record {', '.join(held) or 'none'}; drawn again {', '.join(drawn) or 'none'}"
        if new:
            what += f"; not drawn: {', '.join(new)}"
        if gone:
            what += f"; drawn but not on record: {', '.join(gone)}"
        faults.append(f"{name} differ: {what}")
    for name in ("recused", "vote_weights", "strata"):
        held, drawn = getattr(panel, name), getattr(again, name)
        faults += [
            f"{name} of {key} differs: on record {held.get(key)}, drawn again {drawn.get(key)}"
            for key in sorted({*held, *drawn})
            if held.get(key) != drawn.get(key)
        ]
    return faults


@dataclass(frozen=True)
class _Pool:
    """Who may be drawn, in order of ids: those who cover an MDC of the panel, and others."""

    covering: tuple[Expert, ...]
    others: tuple[Expert, ...]
    recused: Mapping[str, str]
    fallback: str

    @property
    def experts(self) -> tuple[Expert, ...]:
        return (*self.covering, *self.others)


def _pool(
    roster: Roster,
    mdcs: tuple[str, ...],
    rules: Rules,
    hospitals: Mapping[str, str],
    declared: Mapping[str, str],
    panel: str,
) -> _Pool:
    for expert in declared:
        if expert not in roster:
            raise problem(say("申请回避者不在专家库中",
                              "a recusal of someone who is not on the roster"), key=panel,
                          found=expert)  # fmt: skip
    active = [expert for expert in roster.experts if expert.active]
    recused = {e.expert_id: f"works at {e.hospital_id}, which {_why(hospitals[e.hospital_id])}"
               for e in active if e.hospital_id in hospitals}  # fmt: skip
    recused |= {expert: DECLARED + reason for expert, reason in declared.items()}
    covering = [e for e in active if any(e.covers(mdc) for mdc in mdcs)]
    free = [e for e in covering if e.expert_id not in recused]
    known = {e.expert_id for e in covering} | set(declared)
    others: list[Expert] = []
    fallback = ""
    if len(free) < rules.panel_size and rules.fallback == "all":
        chosen = {e.expert_id for e in covering}
        others = [e for e in active if e.expert_id not in chosen and e.expert_id not in recused]
        known |= set(recused)
        fallback = (f"only {len(free)} eligible experts cover MDC {', '.join(mdcs)}; "
                    "other specialties were drawn after them")  # fmt: skip
    if len(free) + len(others) < rules.panel_size:
        off = sum(not e.active and any(e.covers(mdc) for mdc in mdcs) for e in roster.experts)
        lost = [e.expert_id for e in covering if e.expert_id in recused]
        asked = sum(recused[expert].startswith(DECLARED) for expert in lost)
        where = ", ".join(sorted(hospitals))
        raise problem(say(f"MDC {', '.join(mdcs)} 专家组的专家不足：专家库 {len(roster)} 人中 "
                          f"{len(covering) + off} 人属该专业，其中 {off} 人停用，"
                          f"{len(lost) - asked} 人在利害关系医疗机构（{where or '无'}）任职，"
                          f"{asked} 人自行回避",
                          f"too few experts for a panel on MDC {', '.join(mdcs)}: of {len(roster)} "
                          f"on the roster {len(covering) + off} cover it; of these {off} are not "
                          f"active, {len(lost) - asked} work at interested hospitals "
                          f"({where or 'none'}), {asked} recused themselves"), key=panel,
                      found=say(f"{len(free) + len(others)} 人符合条件",
                                f"{len(free) + len(others)} eligible"),
                      expected=say(f"不少于 {rules.panel_size} 人",
                                   f"at least {rules.panel_size}"))  # fmt: skip
    kept = {expert: reason for expert, reason in sorted(recused.items()) if expert in known}
    return _Pool(tuple(free), tuple(others), kept, fallback)


def _why(reason: str) -> str:
    return reason if reason.startswith("proposes") else f"has {reason}"


def _draw_until_covered(
    pool: _Pool, mdcs: tuple[str, ...], rules: Rules, rng: np.random.Generator
) -> tuple[list[Expert], list[Expert]]:
    """Draw until every MDC that can be is covered; of many draws the first that covers most.

    For one MDC the first draw stands.
    """
    possible = _covered(pool.experts, mdcs)
    best: tuple[list[Expert], list[Expert]] = ([], [])
    for _ in range(_TRIES):
        members = _draw(pool, rules.panel_size, rng, [])
        count = min(rules.substitutes, len(pool.experts) - len(members))
        drawn = members, _draw(pool, count, rng, members)
        if not best[0] or _covered(members, mdcs) > _covered(best[0], mdcs):
            best = drawn
        if _covered(best[0], mdcs) == min(possible, len(mdcs)):
            break
    return best


def _covered(experts: Sequence[Expert], mdcs: tuple[str, ...]) -> int:
    return sum(any(expert.covers(mdc) for expert in experts) for mdc in mdcs)


def _draw(
    pool: _Pool, seats: int, rng: np.random.Generator, before: Sequence[Expert]
) -> list[Expert]:
    """Experts for the seats, in random order, none of those drawn before."""
    gone = {expert.expert_id for expert in before}
    left = [[e for e in part if e.expert_id not in gone] for part in (pool.covering, pool.others)]
    counts = Counter(expert.tier for part in left for expert in part)
    taken = hospitals_of(before)
    drawn: list[Expert] = []
    for tier, share in sorted(allot(counts, seats).items(), reverse=True):
        rest = share
        for part in left:
            here = [expert for expert in part if expert.tier == tier]
            found = draw_seats(here, min(rest, len(here)), rng, taken)
            taken += hospitals_of(found)
            drawn += found
            rest -= len(found)
    return [drawn[i] for i in rng.random(len(drawn)).argsort(kind="stable")]


def _strata(pool: _Pool, mdcs: tuple[str, ...], members: Sequence[Expert]) -> dict[str, Any]:
    eligible = Counter(expert.tier for expert in pool.experts)
    seated = Counter(expert.tier for expert in members)
    fair = fair_shares(eligible, len(members))
    return {
        "eligible": len(pool.experts),
        "covering": len(pool.covering),
        "tiers": {
            str(tier): {"eligible": eligible[tier], "fair": float(fair[tier]),
                        "members": seated[tier]}
            for tier in sorted(eligible, reverse=True)
        },
        "counties": dict(sorted(Counter(expert.county for expert in members).items())),
        "mdcs": {mdc: sum(expert.covers(mdc) for expert in members) for mdc in mdcs},
        "fallback": pool.fallback,
    }  # fmt: skip
