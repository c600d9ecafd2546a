"""Impact of weights (权重调整影响测算): what other weights would do to a settled year, at once.

The answers are those of a full settlement, to the fen; they come from sums by cell
(:mod:`budget.impact.sums`), and from settling anew where the policy lets more than sums decide.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from budget.cases.claims import Claims
from budget.cases.hospitals import Hospitals
from budget.impact.sums import Sums
from budget.policy.document import Policy
from budget.pools.money import LastYear
from budget.pools.sharing import NotBySumsError
from budget.projection.cells import Cells, cell_of
from budget.settlement.files import claims_of, documents
from budget.settlement.settled import Settlement, close, settle
from drg.errors import DrgError, problem
from drg.language import say
from weights.table import WeightTable

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Floats = npt.NDArray[np.float64]
Fen = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
NEUTRAL = ("none", "weights", "yuan")
_TURNS = 12


@dataclass(frozen=True)
class Outcome:
    """What a year comes to at some weights; money in fen.

    Attributes:
        weight: the weights. Shape (G,), NaN where a group has none.
        fund: fund money by the DRG rules by hospital, group and insurance, the last group for
            cases without one. Shape (H, G + 1, 2).
        payable: the same by hospital and pool. Shape (H, P).
        cut: what the global budget takes off. Shape (H, P).
        final: what the fund pays after the year end and the cut. Shape (H, P).
        point_value: yuan per point of pools whose money decides it, by place.
    """

    weight: Floats
    fund: Fen
    payable: Fen
    cut: Fen
    final: Fen
    point_value: Mapping[int, float]


@dataclass(frozen=True)
class Impact:
    """The difference that weights make.

    Attributes:
        cells: the settled year by hospital, group and insurance.
        before: at the draft weights.
        after: at the new ones.
        scale: what the weights of groups that nobody fixed were multiplied by, to be neutral.
    """

    cells: Cells
    before: Outcome
    after: Outcome
    scale: float = 1.0


def none_settled(file: PathLike[str] | None = None) -> DrgError:
    """The error of a year without a single case that can be settled."""
    return problem(say("没有一例可以清算", "not a single case can be settled"), file=file,
                   expected=say("病组、医疗机构、险种、出院日期和总费用均可用的病例",
                                "cases whose group, hospital, insurance, day of discharge and "
                                "total cost can be used"))  # fmt: skip


class Impacts:
    """A settled year that answers what other weights would do (权重影响测算器).

    Args:
        claims: the year's cases as read.
        weights: draft weights.
        policy: the policy.
        hospitals: the hospitals.
        year: settlement year.
        last_year: last year's fund spend in yuan by pool, or by pool and hospital.

    Attributes:
        settled: the year at the draft weights.
        cells: its sums.
        draft: what it comes to.
        by_sums: answers come from sums; else every answer settles the year anew.

    Raises:
        DrgError: not a single case can be settled.
    """

    def __init__(
        self,
        claims: Claims,
        weights: WeightTable,
        policy: Policy,
        hospitals: Hospitals,
        year: int,
        *,
        last_year: LastYear | None = None,
    ) -> None:
        self._claims, self._last_year = claims, last_year
        self.settled = settle(claims, weights, policy, hospitals, year, last_year=last_year)
        self.cells = Cells.of(self.settled)
        if not self.cells.cases.any():
            raise none_settled()
        self.draft = _outcome(self.settled)
        self._sums: Sums | None = None
        try:
            self._sums = Sums(self.settled, claims)
            if not np.array_equal(self._sums.at(self.draft.weight)[0], self.draft.fund):
                self._sums = None
        except NotBySumsError:
            pass

    @classmethod
    def of(
        cls,
        grouped: pd.DataFrame | pa.Table,
        weights: WeightTable | str | PathLike[str],
        policy: Policy | str | PathLike[str],
        hospitals: pd.DataFrame | pa.Table | Hospitals | str | PathLike[str],
        year: int,
        *,
        last_year: LastYear | None = None,
    ) -> Self:
        """The same from tables, files or ids; the arguments are those of ``budget.settle``.

        Raises:
            DrgError: a column is missing, or the policy asks for what is not there.
        """
        table, rules, held = documents(weights, policy, hospitals)
        claims = claims_of(grouped, table, rules, held, year)
        return cls(claims, table, rules, held, year, last_year=last_year)

    @property
    def by_sums(self) -> bool:
        """Whether answers come from sums."""
        return self._sums is not None

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups, in the order of weights. Length G."""
        return self.settled.grid.groups

    @property
    def cases(self) -> Floats:
        """Cases paid of each group. Shape (G,)."""
        return np.asarray(self.cells.cases[:, :-1].sum(axis=(0, 2)))

    def vector(self, changes: Mapping[str, float]) -> Floats:
        """The draft weights with some changed. Shape (G,).

        Raises:
            DrgError: a group is not known or has no weight, or a weight is not above 0.
        """
        place = {group: i for i, group in enumerate(self.groups)}
        found = self.draft.weight.copy()
        for group, weight in changes.items():
            at = place.get(group)
            if at is None or np.isnan(found[at]):
                raise problem(say("该病组的权重不能改动", "no weight of this group can be changed"),
                              key="drg", found=group,
                              expected=say("草案中有权重的病组",
                                           "a group with a weight in the draft"))  # fmt: skip
            if not (np.isfinite(weight) and weight > 0):
                raise problem(say(f"病组 {group} 的权重无效", f"not a weight for group '{group}'"),
                              key="weight", found=weight,
                              expected=say("大于 0 的数", "a number above 0"))  # fmt: skip
            found[at] = weight
        return found

    def at(
        self,
        weights: Mapping[str, float] | Floats,
        *,
        neutral: str = "none",
        fixed: Collection[str] = (),
    ) -> Impact:
        """What weights do.

        Args:
            weights: changed weights by group, or all of them. Shape (G,).
            neutral: ``weights`` multiplies all other groups so that the sum of weights over cases
                stays, ``yuan`` so that what the fund owes stays, ``none`` changes nothing else.
            fixed: groups that are not multiplied, besides those that ``weights`` names.

        Raises:
            DrgError: a group or weight is not right, or nothing is left to be multiplied.
        """
        if neutral not in NEUTRAL:
            raise problem(say("不是可用的取值", "not known"), key="neutral", found=neutral,
                          expected=", ".join(NEUTRAL))  # fmt: skip
        named: Collection[str] = ()
        if isinstance(weights, Mapping):
            named, weights = set(weights), self.vector(weights)
        scale = 1.0
        if neutral != "none":
            free = np.isfinite(weights) & ~np.isin(self.groups, [*named, *fixed])
            weights, scale = self._neutral(np.asarray(weights), free, neutral)
        return Impact(self.cells, self.draft, self.outcome(weights), scale)

    def outcome(self, weight: Floats) -> Outcome:
        """What the year comes to at weights. Shape (G,).

        Raises:
            DrgError: a group gains or loses its weight altogether, or a pool has no money.
        """
        if not np.array_equal(np.isnan(weight), np.isnan(self.draft.weight)):
            raise problem(say("有权重的病组必须保持不变",
                              "the groups that have a weight must stay the same"),
                          key="weight")  # fmt: skip
        if self._sums is not None:
            try:
                fund, outside, values = self._sums.at(weight)
            except NotBySumsError:
                pass
            else:
                return self._closed(weight, fund, outside, values)
        return _outcome(self._anew(weight))

    def _anew(self, weight: Floats) -> Settlement:
        """The year settled anew."""
        held = self.settled
        table = WeightTable(held.weights.id, held.weights.frame.assign(weight=weight))
        return settle(self._claims, table, held.policy, held.hospitals, held.year,
                      last_year=self._last_year)  # fmt: skip

    def _closed(
        self, weight: Floats, fund: Fen, outside: Fen, values: Mapping[int, float]
    ) -> Outcome:
        """The year end over new fund money."""
        held = self.settled
        payable, beside = (self._by_pool(part) for part in (fund, outside))
        yearly = held.sums.yearly()
        closing, cut = close(
            held.policy, held.hospitals, np.array([one.amount for one in held.money], np.int64),
            beside, payable=payable, item=yearly.item, cost=yearly.cost,
            patient=yearly.patient, other=yearly.other,
        )  # fmt: skip
        return Outcome(weight, fund, payable, cut, closing.final - cut, values)

    def _by_pool(self, fund: Fen) -> Fen:
        """Fund money by hospital and pool. (H, G + 1, 2) -> (H, P)."""
        held, pool = fund.sum(axis=1), self.cells.pool
        return np.stack(
            [np.where(pool == p, held, 0).sum(axis=1) for p in range(len(self.settled.money))], 1
        )  # fmt: skip

    def _neutral(self, weight: Floats, free: Bools, basis: str) -> tuple[Floats, float]:
        """Weights whose free groups are multiplied so that the year is as dear as before."""
        before, cases = self.draft.weight, self.cases
        part = np.where(free, np.nan_to_num(weight) * cases, 0.0)
        if not part.any():
            raise problem(say("没有可按比例调整的病组：有病例的病组都已设定；请留出一个，"
                              "或不作中性调整",
                              "no group is left that could be multiplied: every group with cases "
                              "is set; leave one free, or take none"), key="neutral",
                          found=basis)  # fmt: skip
        more = float((np.nan_to_num(weight - before) * cases).sum())
        scale = 1.0 - more / float(part.sum())
        if basis == "weights":
            return np.where(free, weight * scale, weight), scale
        slope = float((self.slopes().sum(axis=0) * np.where(free, np.nan_to_num(weight), 0)).sum())
        target, scale = int(self.draft.payable.sum()), 1.0
        for _ in range(_TURNS):
            found = np.where(free, weight * scale, weight)
            excess = int(self.outcome(found).payable.sum()) - target
            step = excess / 100.0 / slope if slope > 0 else 0.0
            if abs(excess) < 100 or abs(step) < 1e-12:
                break
            scale -= step
        return np.where(free, weight * scale, weight), scale

    def slopes(self, *, shared: bool = False) -> Floats:
        """Yuan that a hospital is owed more per unit of a group's weight. Shape (H, G).

        Near the draft, as long as no case crosses a threshold.

        Args:
            shared: what one gets of a pool that pays out its money, the others lose.
        """
        cells, grid = self.cells, self.settled.grid
        decided = np.array([one.point_value for one in self.settled.paid.pools])
        value = np.where(np.isfinite(grid.point_value), grid.point_value, decided[grid.pool])
        rate = np.nan_to_num(value * grid.per_yuan)[:, None, :]
        worth = cells.by_standard[:, :-1] * rate
        by_cell = np.nan_to_num(worth / self.draft.weight[None, :, None])
        if shared:
            owed = (cells.worth * rate).sum(axis=1)
            for place in self.draft.point_value:
                mine = grid.pool == place
                share = np.where(mine, owed, 0.0) / owed[mine].sum()
                taken = np.where(mine[:, None, :], by_cell, 0.0).sum(axis=(0, 2))
                by_cell = by_cell - share[:, None, :] * taken[None, :, None]
        return np.asarray(by_cell.sum(axis=2))


def _outcome(settled: Settlement) -> Outcome:
    """What a settlement comes to."""
    claims, paid = settled.claims, settled.paid
    shape = len(settled.hospitals), len(settled.grid.groups) + 1, 2
    rows = np.flatnonzero(paid.pool >= 0)
    cell = cell_of(claims.hospital[rows], claims.group[rows], claims.insurance[rows], shape[1])
    fund = np.bincount(cell, paid.fund[rows].astype(np.float64), int(np.prod(shape)))
    values = {
        place: one.point_value for place, one in enumerate(paid.pools) if one.by_money
    }  # fmt: skip
    return Outcome(
        settled.grid.weight, np.rint(fund).astype(np.int64).reshape(shape),
        settled.sums.yearly().fund, settled.cut, settled.closing.final - settled.cut, values,
    )  # fmt: skip
