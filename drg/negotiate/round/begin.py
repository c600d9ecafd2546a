"""The folder and record of a round (谈判轮次): begun or opened, and what stands in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from budget.impact.tables import summary
from budget.impact.weights import Impact, Impacts
from budget.pools.money import LastYear
from drg.errors import DrgError, problem
from drg.language import say
from drg.negotiate.round.folder import FORMS, LEDGER, Files, fill, trim_of
from drg.negotiate.round.procedure import breach, who
from drg.negotiate.round.state import AFTER_CLOSE, MALFORMED, State, replay
from drg.record import clock
from drg.record.ledger import Entry, Ledger
from drg.record.plain import plain
from drg.tables import whole_folder
from weights.negotiation.proposals.context import Context
from weights.negotiation.proposals.template import write_template
from weights.negotiation.rules import Rules, read_rules
from weights.table import WeightTable, open_weights
from weights.table.moved import moved

Floats = npt.NDArray[np.float64]


class OpenRound:
    """A round in its folder.

    Args:
        folder: a folder that :meth:`create` made.

    Raises:
        DrgError: there is no record, it is damaged, or a file is not as the record says.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.folder = Path(folder)
        self._ledger = Ledger(self.folder / LEDGER)
        self._state = replay(self._ledger.entries(), str(self.folder / LEDGER))
        self.files = Files(self.folder, self._state.init)
        try:
            faults = self.files.check()
        except MALFORMED as error:
            faults = [f"init: {error}"]
        for fault in faults:
            raise problem(say(f"谈判文件与立项时不一致：{fault}",
                              f"the round is not as it was laid down: {fault}"),
                          file=self.folder)  # fmt: skip

    @classmethod
    def create(
        cls,
        folder: str | PathLike[str],
        *,
        weights: WeightTable | str | PathLike[str],
        cases: str | PathLike[str],
        policy: str | PathLike[str] = "national-default",
        hospitals: str | PathLike[str],
        roster: str | PathLike[str] | None = None,
        rules: Rules | str | PathLike[str] | None = None,
        title: str = "",
        year: int,
        actor: str,
        at: str | None = None,
        last_year: LastYear | None = None,
        mapping: str | PathLike[str] | None = None,
        sheet: str | None = None,
        accept_unreadable: bool = True,
        form: bool = False,
    ) -> Self:
        """Lay down a round; the folder appears whole or not at all.

        Args:
            folder: a new folder.
            weights: draft weights.
            cases: grouped cases of the year that impacts are worked out on.
            policy: how they are paid.
            hospitals: table of hospitals.
            roster: the experts; without it no panel can be drawn.
            rules: of the round, or their file.
            title: of the round.
            year: of the cases.
            actor: who lays it down.
            at: a time to be stated beside the machine's, ISO 8601 with offset.
            last_year: last year's fund spend in yuan by pool, or by pool and hospital.
            mapping: mapping file for headers of the cases that are not recognised.
            sheet: sheet of the cases' workbook.
            accept_unreadable: begin also where more than 1% of a column that money hangs on cannot
                be read; the cells are listed in ``rejects.csv`` of the folder.
            form: put the form for proposals into the folder too.

        Raises:
            DrgError: the folder is there already, or a file cannot be used.
        """
        folder = Path(folder)
        if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
            raise problem(say("已经存在，一轮谈判须建在新文件夹中",
                              "is there already; a round begins in a new folder"),
                          file=folder)  # fmt: skip
        held = (
            rules if isinstance(rules, Rules) else Rules() if rules is None else read_rules(rules)
        )
        table = weights if isinstance(weights, WeightTable) else open_weights(weights)
        with whole_folder(folder) as new:
            body = fill(new, weights=table, cases=cases, policy=policy, hospitals=hospitals,
                        roster=roster, mapping=mapping, sheet=sheet, year=year,
                        accept_unreadable=accept_unreadable)  # fmt: skip
            _known_groups(held, table)
            Ledger.create(new / LEDGER, actor, plain({
                "round": folder.name, "title": title, "year": year, "rules": held.to_body(),
                "last_year": dict(last_year or {}),
                **({"clock": "given"} if clock.is_given() else {}), **body,
            }), at)  # fmt: skip
            if form:
                write_template(new / FORMS[0], cls(new).context, title=title)
        return cls(folder)

    @property
    def state(self) -> State:
        """What stands on record now."""
        if self._ledger.digest != self._state.digest:
            self._state = replay(self._ledger.entries(), str(self.folder / LEDGER))
        return self._state

    @cached_property
    def impacts(self) -> Impacts:
        """The year at the draft weights, ready to say what others would do."""
        files, init = self.files, self._state.init
        return Impacts(files.claims(), files.weights, files.policy, files.hospitals,
                       int(init["year"]), last_year=init["last_year"] or None)  # fmt: skip

    def impact(self, changes: Mapping[str, float], neutral: str | None = None) -> Impact:
        """What weights do, to the fen.

        Args:
            changes: weights by group.
            neutral: ``yuan``, ``weights`` or ``none``; by default as the rules say.
        """
        basis = self.rules.neutral if neutral is None else neutral
        return self.impacts.at(changes, neutral=basis if changes else "none",
                               fixed=self.rules.frozen)  # fmt: skip

    def told(self, changes: Mapping[str, float]) -> dict[str, Any]:
        """What the year comes to at weights on record, and nothing else changed: its summary."""
        held = self.impacts
        return summary(Impact(held.cells, held.draft, held.outcome(held.vector(changes))))

    @property
    def rules(self) -> Rules:
        """Rules of the round."""
        return self._state.rules

    @cached_property
    def drafts(self) -> dict[str, float]:
        """Draft weights by group."""
        return self.files.weights.by_group()

    @cached_property
    def names(self) -> dict[str, str]:
        """Names of the groups, "" where none is known."""
        frame = self.files.weights.frame
        named = frame["name"] if "name" in frame else [""] * len(frame)
        return dict(zip(frame["drg"].astype(str), map(str, named), strict=True))

    def digest_of(self, weights: Mapping[str, float] | Floats) -> str:
        """Digest of a table with these weights, by group or in the draft's order. Shape (G,)."""
        groups = self.files.weights.frame[["drg"]]
        column = groups["drg"].map(weights) if isinstance(weights, Mapping) else weights
        return WeightTable("weights", groups.assign(weight=column)).digest

    def changed(self, weights: Mapping[str, float] | Floats) -> dict[str, float]:
        """Of weights, by group or in the draft's order, those that are not the draft's."""
        named = weights if isinstance(weights, Mapping) else dict(
            zip(self.files.weights.frame["drg"], weights, strict=True))  # fmt: skip
        return {drg: float(w) for drg, w in named.items()
                if drg in self.drafts and moved(w, self.drafts[drg])}  # fmt: skip

    @property
    def context(self) -> Context:
        """What proposals are judged against now."""
        return self.judging(self.state)

    def judging(self, state: State) -> Context:
        """What proposals are judged against when this stands on record."""
        rules = self.rules
        return Context(
            weights=self.files.weights,
            hospitals=self.files.hospital_names,
            cases=self.files.cases, corridor_fall=rules.corridor_fall,
            corridor_rise=rules.corridor_rise, least_cases=rules.least_cases,
            trim=trim_of(self.files.weights), frozen=rules.frozen,
            earlier=tuple(state.open.values()), taken=state.taken, first=len(state.proposals) + 1,
        )  # fmt: skip

    @property
    def going(self) -> State:
        """The state of a round to which something is to be added.

        Raises:
            DrgError: the round is closed.
        """
        return self.must_go_on(self.state)

    def must_go_on(self, seen: State) -> State:
        """A state, refused when it is the end.

        Raises:
            DrgError: the round is closed.
        """
        if seen.closed is not None:
            raise problem(say("本轮谈判已结束，不能再添加",
                              "the round is closed; nothing can be added"),
                          file=self.folder)  # fmt: skip
        return seen

    def add(
        self, kind: str, body: Mapping[str, Any], actor: str, at: str | None, *, seen: State,
        after: str = "",
    ) -> Entry:  # fmt: skip
        """Put an entry on record, unless another one came in between.

        Args:
            kind: what it is.
            body: what it says.
            actor: who does it.
            at: a time to be stated beside the machine's.
            seen: the state over which it was worked out.
            after: digest of the entry that it must follow, where that is a later one.

        Raises:
            DrgError: the procedure does not allow it now, or the record went on since ``seen``.
        """
        if kind not in AFTER_CLOSE:
            self.must_go_on(seen)
        held, names = plain(body), self.files.hospital_names
        breach(seen, kind, held, actor, clock.after(seen.entries[-1].at), names)
        actor = who(actor, names)
        return self._ledger.append(kind, held, actor=actor, at=at, expect=after or seen.digest)

    def add_all(
        self, kind: str, bodies: Iterable[Mapping[str, Any]], actor: str, at: str | None, *,
        seen: State,
    ) -> None:  # fmt: skip
        """Put entries on record that all were worked out over the same state.

        Raises:
            DrgError: the round is closed, or someone else wrote in between; what stands then stays.
        """
        digest = seen.digest
        for body in bodies:
            digest = self.add(kind, body, actor, at, seen=seen, after=digest).digest

    def add_over(
        self, kind: str, make: Callable[[State], Mapping[str, Any]], actor: str, at: str | None
    ) -> Mapping[str, Any]:
        """Put an entry on record that is made over whatever stands, again if someone was faster.

        Args:
            kind: what it is.
            make: the body, over a state.
            actor: who does it.
            at: a time to be stated beside the machine's.

        Returns:
            The body that is on record.

        Raises:
            DrgError: the round is closed, or the body cannot be made.
        """
        while True:
            seen = self.state
            body = make(seen)
            try:
                self.add(kind, body, actor, at, seen=seen)
            except DrgError:
                if self._ledger.digest == seen.digest:
                    raise
            else:
                return body


def _known_groups(rules: Rules, table: WeightTable) -> None:
    known = table.by_group()
    for group in (*rules.frozen, *(one for pair in rules.equal for one in pair)):
        if group not in known:
            raise problem(say("规则中的病组没有草案权重",
                              "a rule names a group without a draft weight"),
                          key="rules", found=group)  # fmt: skip
