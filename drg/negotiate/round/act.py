"""A round of weight negotiation (权重论证谈判轮次): from draft weights to a final table, on record.

Usage::

    round_ = Round.create("round-2026", weights="weights.csv", cases="grouped.csv",
                          policy="national-default", hospitals="hospitals.csv",
                          roster="roster.csv", year=2025)
    round_.propose_file("proposals.xlsx", actor="医保局")
    impact = round_.impact(round_.changes("asked"))
    round_.lot({"医保局": sealed("医保局", one), "H01": sealed("H01", two)}, actor="医保局")
    round_.reveal("医保局", one, actor="医保局")
    round_.reveal("H01", two, actor="H01")
    round_.draw(actor="医保局")
    round_.vote_file("votes.xlsx", actor="医保局")
    round_.tally(actor="医保局")
    offer, _ = round_.solve("closest", actor="医保局")
    round_.accept(offer, "各方同意", actor="医保局")
    round_.close(actor="医保局")

Whatever changes the round is an entry of its record; everything else is worked out from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from budget.impact.tables import summary
from budget.impact.weights import Impact
from drg.errors import problem
from drg.language import say
from drg.negotiate.round.begin import OpenRound
from drg.negotiate.round.close import breaches, final_table, final_weights, table_of
from drg.negotiate.round.folder import own_files
from drg.negotiate.round.offers import offer_body, problem_of, settled_offer
from drg.negotiate.round.procedure import cast, may_close, seed, sound, vote_fault, who
from drg.negotiate.round.state import State, known
from drg.provenance import record_of
from drg.record import clock
from drg.record.entry import checked_time
from drg.record.ledger import Entry
from drg.record.receipt import Receipt
from drg.record.receipt import of as receipt_of
from drg.tables import check_outputs, family
from weights.negotiation.compromise.problem import Problem
from weights.negotiation.experts.panels import Panel, draw_panel
from weights.negotiation.experts.plausible import doubts
from weights.negotiation.experts.tally import Decision, tally
from weights.negotiation.experts.votes import Vote
from weights.negotiation.experts.votes_file import read_votes
from weights.negotiation.forms.rows import RowError
from weights.negotiation.proposals.file import read_proposals
from weights.negotiation.proposals.judge import numbered, propose
from weights.negotiation.proposals.proposal import Proposal
from weights.table import WeightTable
from weights.table.model import write_with_record

if TYPE_CHECKING:  # the solvers take a second to load
    from weights.negotiation.compromise.conflict import Conflict
    from weights.negotiation.compromise.offer import Offer

FINAL, MOST_DECIMALS, MOST_SAID = "weights-final.csv", 12, 4


class Round(OpenRound):
    """A round: what people do in it. Begun by :meth:`create`, opened by its folder.

    Attributes:
        waiting: proposals with a vote in the last sheet that must be a slip of the pen; they are
            not counted before it is mended.
    """

    waiting: frozenset[str] = frozenset()

    def propose(self, *, actor: str, at: str | None = None, **parts: Any) -> Proposal:
        """Put a proposal on record; ``parts`` as in ``weights.negotiation.proposals``.

        Raises:
            DrgError: it cannot be accepted.
        """
        found = self.add_over(
            "proposal", lambda seen: propose(self.judging(seen), **parts).body(), actor, at
        )
        return Proposal.from_body(found)

    def propose_file(
        self, path: str | PathLike[str], actor: str, at: str | None = None
    ) -> tuple[tuple[Proposal, ...], pd.DataFrame]:
        """Put the proposals of a form on record; the rows that cannot be accepted come back.

        Raises:
            DrgError: the file cannot be read.
        """
        one = who(actor, self.files.hospital_names)
        own = one if one in self.files.hospital_names else ""
        read, rejects = read_proposals(path, self.context, own=own)
        return tuple(self._propose_as(one, actor, at) for one in read), rejects

    def _propose_as(self, one: Proposal, actor: str, at: str | None) -> Proposal:
        """Put a proposal that was read on record under the next id.

        Raises:
            DrgError: the proposer asked for the group in the meantime, or the round is closed.
        """

        def numbered_now(seen: State) -> Mapping[str, Any]:
            return replace(one, id=numbered(len(seen.proposals) + 1)).body()

        return Proposal.from_body(self.add_over("proposal", numbered_now, actor, at))

    def withdraw(self, proposal: str, reason: str, actor: str, at: str | None = None) -> None:
        """Withdraw a proposal.

        Raises:
            DrgError: it is not open, or somebody else proposed it.
        """
        seen = self.going
        self.add("withdraw", {"proposal": proposal, "reason": reason}, actor, at, seen=seen)

    def lot(
        self, seals: Mapping[str, str] | None = None, *, actor: str, at: str | None = None,
        time: str = "", proposals: Collection[str] | None = None, size: int | None = None,
        declared: Mapping[str, str] | None = None, reason: str = "",
    ) -> Mapping[str, Any]:  # fmt: skip
        """Open a lot (开签): lay down what is to be drawn, and where its seed will come from.

        Args:
            seals: party -> sealed number, of several parties; see ``experts.lot.sealed``.
            actor: who opens it.
            at: a time to be stated beside the machine's.
            time: in place of ``seals``, a time to come, ISO 8601 with offset: the seed is then the
                digest of the record at that time.
            proposals: only these, before one panel; by default a panel for each MDC that has open
                proposals without one, or with an objection that waits.
            size: members of a panel.
            declared: expert -> reason, of those who recuse themselves.
            reason: why a lot is opened again that was not drawn.

        Raises:
            DrgError: there is nothing to decide, or the procedure does not allow it.
        """
        seen = self.going
        if bool(seals) == bool(time):
            raise problem(say("须给出几方的承诺值，或公告的抽签时间",
                              "sealed numbers of several parties, or a time announced"),
                          key="lot")  # fmt: skip
        if time:
            checked_time(time)
        former = seen.lot["panels"] if seen.lot is not None else {}
        if proposals is not None:
            parts = [list(proposals)]
        elif former:
            parts = [names for panel, names in former.items() if panel not in seen.panels]
        else:
            by_mdc: dict[str, list[str]] = {}
            for one in seen.open.values():
                if seen.panel_of(one.id) is None or seen.objected(one.id):
                    by_mdc.setdefault(one.drg[:1], []).append(one.id)
            parts = [by_mdc[mdc] for mdc in sorted(by_mdc)]
        if not parts:
            raise problem(say("没有待抽取专家组的有效申请，请先用 drg negotiate propose 登记申请",
                              "no open proposal is without a panel; put one on record first, by "
                              "drg negotiate propose"), file=self.folder)  # fmt: skip
        names = {f"Z{len(seen.panels) + i:02d}": part for i, part in enumerate(parts, 1)}
        body = {"panels": names, "size": size or self.rules.panel_size, "seals": dict(seals or {}),
                "time": time, "declared": dict(declared or {}), "reason": reason}  # fmt: skip
        for panel in names:  # it can be drawn
            self._drawn(seen, panel, body, 0)
        self.add("lot", body, actor, at, seen=seen)
        return body

    def reveal(self, party: str, number: str, actor: str, at: str | None = None) -> None:
        """Tell the number that a party had sealed.

        Raises:
            DrgError: it is not the one that was sealed, or there is no lot.
        """
        self.add("reveal", {"party": party, "number": number}, actor, at, seen=self.going)

    def draw(self, actor: str, at: str | None = None) -> tuple[Panel, ...]:
        """Draw the panels of the lot that was opened.

        Raises:
            DrgError: there is no lot, its seed is not known yet, or there are too few experts.
        """
        seen = self.going
        number = seed(seen, clock.after(seen.entries[-1].at))
        lot = seen.lot
        assert lot is not None
        drawn = [self._drawn(seen, name, lot, number) for name in lot["panels"]
                 if name not in seen.panels]  # fmt: skip
        self.add_all("panel", [panel.to_body() for panel in drawn], actor, at, seen=seen)
        return tuple(drawn)

    def _drawn(self, seen: State, name: str, lot: Mapping[str, Any], number: int) -> Panel:
        roster = self.files.roster
        if roster is None:
            raise problem(say("本轮谈判没有专家库", "the round has no roster of experts"),
                          file=self.folder)  # fmt: skip
        for one in lot["panels"][name]:
            known(say("有效申请", "open proposal"), one, seen.open)
        cases = self.files.cases.to_pandas() if self.rules.interest_share is not None else None
        return draw_panel(roster, [seen.open[one] for one in lot["panels"][name]], self.rules,
                          number, panel=name, size=lot["size"], cases=cases,
                          declared=lot["declared"])  # fmt: skip

    def vote(self, vote: Vote, actor: str, at: str | None = None) -> None:
        """Put a vote on record.

        Raises:
            DrgError: it is not a vote of a member on a proposal of the panel.
        """
        seen = self.going
        try:
            sound(seen, vote)
        except RowError as fault:
            raise problem(fault.reason, key=fault.column, found=fault.value) from None
        self._cast(vote, actor, at)

    def doubts(self, votes: Iterable[Vote]) -> list[tuple[Vote, str]]:
        """Votes that count although they are odd, and what is odd about them."""
        asks, rules = self.state.proposals, self.rules
        told = [(one, doubts(one, asks[one.proposal], self.drafts[asks[one.proposal].drg], rules))
                for one in votes]  # fmt: skip
        return [(one, say("，", ", ").join(say(*what) for what in found))
                for one, found in told if found]  # fmt: skip

    def _cast(self, vote: Vote, actor: str, at: str | None) -> None:
        self.add_over("vote", lambda _: vote.to_body(), actor, at)

    def vote_file(
        self, path: str | PathLike[str], actor: str, at: str | None = None
    ) -> tuple[tuple[Vote, ...], pd.DataFrame]:
        """Put the votes of a sheet on record; the rows that are no votes come back.

        A row that says again what its expert has cast is passed over. A weight beyond 0.2 to 5
        times the draft must be a slip: the row comes back, and its proposal is not counted yet.

        Raises:
            DrgError: the file cannot be read.
        """
        seen = self.going
        here: set[tuple[str, str, str]] = set()
        waiting: set[str] = set()

        def check(vote: Vote) -> None:
            key = vote.panel, vote.proposal, vote.expert
            fault = vote_fault(seen, vote) if cast(seen, vote) != vote else None
            if key in here:
                fault = "该专家已就此申请表决", "this expert has voted on it"
            if fault is not None:
                raise RowError("proposal", vote.proposal, *fault)
            try:
                sound(seen, vote)
            except RowError:
                waiting.add(vote.proposal)
                raise
            here.add(key)

        groups = {name: one.drg for name, one in seen.proposals.items()}
        votes, rejects = read_votes(path, list(seen.panels.values()), check=check, groups=groups)
        self.waiting = frozenset(waiting)
        for one in votes:  # a vote hangs on no other entry than its panel's
            if cast(seen, one) is None:
                self._cast(one, actor, at)
        return votes, rejects

    def tally(self, actor: str, at: str | None = None) -> tuple[Decision, ...]:
        """Count the votes on every open proposal before a panel that has votes, and decide.

        What is decided is counted once; where the quorum is missing, votes may still come in.
        """
        seen = self.going
        found = []
        for one in seen.open.values():
            panel = seen.panel_of(one.id)
            if (
                one.id in self.waiting
                or panel is None
                or not any((vote.panel, vote.proposal) == (panel.id, one.id) for vote in seen.votes)
            ):
                continue
            before = seen.decisions.get(one.id)
            if before is not None and before.decided and before.panel == panel.id:
                continue
            decided = tally(panel, seen.votes, self.rules, one, self.drafts[one.drg])
            if before != decided:
                found.append(decided)
        self.add_all("decision", [one.to_body() for one in found], actor, at, seen=seen)
        return tuple(found)

    def object(
        self, proposal: str, reason: str, *, party: str, actor: str, at: str | None = None
    ) -> None:
        """Put an objection (异议) to the decision on a proposal on record; a second panel follows.

        Raises:
            DrgError: nothing is decided, or the period for objections is over.
        """
        seen = self.going
        known(say("有效申请", "open proposal"), proposal, seen.open)
        self.add("objection", {"proposal": proposal, "party": party, "reason": reason}, actor, at,
                 seen=seen)  # fmt: skip

    def weights_of(self, which: str | Collection[str] = "asked") -> tuple[dict[str, float], str]:
        """Weights that stand for something, and how all other groups are made neutral for them.

        An offer is a whole table that keeps the budget by itself, so nothing else is multiplied.

        Args:
            which: as for :meth:`changes`.

        Raises:
            DrgError: there is nothing of the kind yet; the line says what to do.
        """
        if (name := self._offer(which)) is not None:
            return {drg: float(w) for drg, w in self.state.offers[name]["changes"].items()}, "none"
        return self.changes(which), self.rules.neutral

    def _offer(self, which: str | Collection[str]) -> str | None:
        """The id of the offer that a word means, or None when it means something else."""
        state = self.state
        if which == "accepted":
            if state.accepted is None:
                first = ", ".join(state.offers) or say(
                    "用 drg negotiate solve 求得的方案", "an offer, by drg negotiate solve first"
                )
                raise problem(say("尚未采纳折中方案，请用 drg negotiate accept",
                                  "no offer was accepted; drg negotiate accept"),
                              file=self.folder, expected=first)  # fmt: skip
            return state.accepted
        return which if isinstance(which, str) and which in state.offers else None

    def changes(self, which: str | Collection[str] = "asked") -> dict[str, float]:
        """Weights by group that proposals, decisions or an offer come to.

        Args:
            which: ``asked`` by open proposals, ``decided`` by panels, ``accepted`` as an offer,
                an offer's id, or ids of proposals. Where several ask for one group, their mean.

        Raises:
            DrgError: there is no such proposal, or no offer was accepted.
        """
        if self._offer(which) is not None:
            return self.weights_of(which)[0]
        return self.state.changes(which)

    def record_impact(
        self, impact: Impact, proposals: Collection[str], actor: str, at: str | None = None
    ) -> Entry:
        """Put on record what was shown of an impact."""
        weight = impact.after.weight
        body = {"weights_sha256": self.digest_of(weight), "proposals": list(proposals),
                "changes": self.changed(weight), "summary": summary(impact)}  # fmt: skip
        return self.add("impact", body, actor, at, seen=self.state)

    def problem(self) -> Problem:
        """What a compromise has to settle."""
        return problem_of(self.state, self.impacts, self.files.weights)

    def solve(
        self, objective: str = "closest", *, actor: str, at: str | None = None
    ) -> tuple[str, Offer]:
        """Let the solver make an offer, and put it on record.

        Raises:
            DrgError: no weights satisfy all demands; the line names those that conflict.
        """
        seen = self.going
        held = settled_offer(self.problem(), self.impacts, objective)
        found = held.offer
        name = f"O{len(seen.offers) + 1:02d}"
        changes = self.changed(found.weight)
        body = offer_body(name, held.problem, found, changes, self.digest_of(found.weight))
        body |= {"exact": self.told(changes), "turns": held.turns}
        self.add("offer", body, actor, at, seen=seen)
        return name, found

    def conflict(self) -> Conflict | None:
        """The smallest set of demands that cannot hold together, or None when all can."""
        from weights.negotiation.compromise.conflict import conflict

        found = conflict(self.problem())
        return found or None

    def frontier(self, points: int = 9) -> pd.DataFrame:
        """How much satisfaction costs the hospital that loses most."""
        from weights.negotiation.compromise.frontier import frontier

        return frontier(self.problem(), points)

    def accept(self, offer: str, reason: str, actor: str, at: str | None = None) -> None:
        """Accept an offer.

        Raises:
            DrgError: there is no such offer.
        """
        seen = self.going
        how = say("用 drg negotiate solve 求得的方案", "one made by drg negotiate solve")
        known(say("折中方案", "offer"), offer, seen.offers, how)
        self.add("accept", {"offer": offer, "reason": reason}, actor, at, seen=seen)

    def final(self, decimals: int | None = None) -> tuple[dict[str, float], float]:
        """All weights as the round would end, by group, and what the others are multiplied by."""
        return final_weights(self.state, self, decimals)

    def close(
        self, actor: str, at: str | None = None, *, out: str | PathLike[str] | None = None,
        decimals: int | None = None, despite: str = "",
    ) -> WeightTable:  # fmt: skip
        """Close the round: its weights become final, and nothing more is added.

        The accepted offer stands; without one the panels' decisions, made neutral.

        Args:
            actor: who closes it.
            at: the time.
            out: the final table; by default in the round's folder.
            decimals: to which weights that change are rounded; None leaves them.
            despite: why the round ends so although a rule is broken; it goes on record with the
                rules that are.

        Raises:
            DrgError: an open proposal has no decision, or a rule is broken and nothing is said.
        """
        seen = self.going
        if decimals is not None and not 1 <= decimals <= MOST_DECIMALS:
            span = say(f"1 至 {MOST_DECIMALS}", f"1 to {MOST_DECIMALS}")
            raise problem(say("超出范围", "out of range"), key="decimals", found=decimals,
                          expected=span)  # fmt: skip
        may_close(seen, clock.after(seen.entries[-1].at))
        weights, scale = final_weights(seen, self, decimals)
        changed = self.changed(weights)
        broken = breaches(self, weights)
        if broken and not despite:
            raise problem(
                say("权重违反本轮谈判规则，请采纳折中方案、撤回申请，或以 --despite 说明理由",
                    "the weights break rules of the round; accept an offer, withdraw a proposal, "
                    "or say why with --despite"), file=self.folder,
                found=say("；", "; ").join(say(*pair) for pair in broken[:MOST_SAID]),
            )  # fmt: skip
        target = Path(out) if out is not None else self.folder / FINAL
        body = {"offer": seen.accepted, "weights_sha256": self.digest_of(weights),
                "changes": changed,
                "file": target.name, "scale": scale, "decimals": decimals,
                "despite": despite if broken else "",
                "breaches": [{"zh": zh, "en": en} for zh, en in broken],
                "before_digest": seen.digest}  # fmt: skip
        with self._beside(target) as new:
            # once before, so that a full disk does not close a round without its table
            write_with_record(table_of(self, seen, body, seen.entries), new)
            for one in (new, record_of(new)):
                one.unlink()
            self.add("close", body, actor, at, seen=seen)
            table = final_table(self)
            write_with_record(table, new)
        return table

    def write_final(
        self, out: str | PathLike[str] | None = None, decimals: int | None = None
    ) -> WeightTable:
        """Write the final table of a closed round again: the same bytes.

        Args:
            out: the final table; by default in the round's folder.
            decimals: as on record, or None.

        Raises:
            DrgError: the round is not closed, or was closed with other decimals.
        """
        table = final_table(self)
        said = table.record["decimals"]
        if decimals is not None and decimals != said:
            raise problem(say("本轮谈判已结束，保留的小数位不同",
                              "the round is closed, with other decimals"), key="decimals",
                          found=decimals, expected=str(said))  # fmt: skip
        with self._beside(Path(out) if out is not None else self.folder / FINAL) as new:
            write_with_record(table, new)
        return table

    @contextmanager
    def _beside(self, target: Path) -> Iterator[Path]:
        """Where the final table and its record are written, to appear at once."""
        record = record_of(target)
        check_outputs((target, record), own_files(self.folder))
        with family(target, record) as new:
            yield new

    def receipt(self, actor: str, at: str | None = None) -> Receipt:
        """A receipt of the record as it stands; that it was given out goes on record."""
        seen = self.state
        found = receipt_of(seen.entries, str(seen.init["round"]))
        body = {"entries": found.entries, "digest": found.digest}
        self.add("receipt", body, actor, at, seen=seen)
        return found

    def record_minutes(self, files: Mapping[str, str]) -> None:
        """Put minutes of the closed round on record: file name -> SHA-256.

        Raises:
            DrgError: other minutes of such a name are on record.
        """
        seen = self.state
        if any(seen.minutes.get(name) != digest for name, digest in files.items()):
            self.add("minutes", {"files": dict(files)}, seen.entries[0].actor, None, seen=seen)
