"""What a compromise must keep (约束): each demand as rows ``low <= a w <= high`` with a text."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import sparse

from weights.cases.observations import Bools, Floats, Ints
from weights.negotiation.compromise.problem import Problem

STEP_WEIGHT = 0.01
STEP_SHARE = 0.01
STEP_YUAN = 10_000.0
STEP_CASES = 1.0
_BOUNDS = ("decided", "frozen", "corridor")  # of one group by itself


@dataclass(frozen=True)
class Demand:
    """One demand (约束).

    Attributes:
        kind: corridor, decided, frozen, equal, order, neutral or loss.
        key: group, set, pair or hospital that it is about.
        zh: what it says, in Chinese.
        en: what it says, in English.
        step: one practical step by which it could be relaxed, in the unit of its rows.
        relax_zh: that step in words, in Chinese.
        relax_en: that step in words, in English.
    """

    kind: str
    key: str
    zh: str
    en: str
    step: float
    relax_zh: str
    relax_en: str


@dataclass(frozen=True)
class Demands:
    """All demands of a problem as rows over the groups that have a weight.

    Attributes:
        items: the demands. Length D.
        places: group of each column. Shape (n,).
        matrix: one row a condition. Shape (R, n).
        low: least value of a row, -inf for none. Shape (R,).
        high: largest value of a row, inf for none. Shape (R,).
        demand: place of each row's demand in ``items``. Shape (R,).
        single: column of a row that bounds one group by itself, -1 for other rows. Shape (R,).
        remarks: what was left out or softened, and why; in Chinese and English.
    """

    items: tuple[Demand, ...]
    places: Ints
    matrix: sparse.csr_array
    low: Floats
    high: Floats
    demand: Ints
    single: Ints
    remarks: tuple[tuple[str, str], ...]


@dataclass
class _Rows:
    """Rows while they are collected."""

    columns: int
    items: list[Demand] = field(default_factory=list)
    data: list[Floats] = field(default_factory=list)
    index: list[Ints] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    demand: list[int] = field(default_factory=list)

    def add(self, columns: npt.ArrayLike, values: npt.ArrayLike, low: float,
            high: float) -> None:  # fmt: skip
        """One row of the demand added last."""
        self.index.append(np.asarray(columns, np.int32))
        self.data.append(np.asarray(values, np.float64))
        self.low.append(low)
        self.high.append(high)
        self.demand.append(len(self.items) - 1)

    def matrix(self) -> sparse.csr_array:
        ends = np.concatenate([[0], np.cumsum([len(row) for row in self.index])])
        data = np.concatenate(self.data) if self.data else np.zeros(0)
        index = np.concatenate(self.index) if self.index else np.zeros(0, np.int32)
        return sparse.csr_array((data, index, ends), shape=(len(self.index), self.columns))


def demands(problem: Problem) -> Demands:
    """All demands of a problem.

    Decided bounds come first, then frozen groups, equal sets, order, neutrality, losses of
    hospitals and corridors: where two say the same, the first is the one that is named.
    """
    places = np.flatnonzero(problem.weighed).astype(np.int32)
    column = np.full(len(problem.groups), -1, np.int32)
    column[places] = np.arange(len(places))
    rows = _Rows(len(places))
    remarks: list[tuple[str, str]] = []
    _decided(problem, column, rows)
    _frozen(problem, column, rows)
    _equal(problem, column, rows, remarks)
    if problem.order:
        _order(problem, column, rows, remarks)
    _neutral(problem, places, rows)
    if problem.largest_loss is not None:
        _losses(problem, places, rows)
    _corridors(problem, column, rows)
    _remark_asks(problem, remarks)
    single = [
        int(columns[0]) if rows.items[demand].kind in _BOUNDS else -1
        for columns, demand in zip(rows.index, rows.demand, strict=True)
    ]
    return Demands(
        tuple(rows.items), places, rows.matrix(), np.array(rows.low, np.float64),
        np.array(rows.high, np.float64), np.array(rows.demand, np.int32),
        np.array(single, np.int32), tuple(remarks),
    )  # fmt: skip


def _decided(problem: Problem, column: Ints, rows: _Rows) -> None:
    for place, low, high, source in problem.decided:
        group, draft = problem.groups[place], float(problem.draft[place])
        rows.items.append(Demand(
            "decided", f"{group} {source}".strip(),
            f"专家组决定（{source}）：{group} 权重在 {low:.4f} 至 {high:.4f} 之间",
            f"panel decision ({source}): weight of {group} from {low:.4f} to {high:.4f}",
            STEP_SHARE * draft, "决定的界限放宽草案权重的 1%", "bounds wider by 1% of the draft",
        ))  # fmt: skip
        rows.add([column[place]], [1.0], low, high)


def _frozen(problem: Problem, column: Ints, rows: _Rows) -> None:
    for place in np.flatnonzero(problem.weighed & problem.frozen):
        group, draft = problem.groups[place], float(problem.draft[place])
        rows.items.append(Demand(
            "frozen", group, f"{group} 冻结，保持草案权重 {draft:.4f}",
            f"{group} is frozen at its draft weight {draft:.4f}",
            STEP_WEIGHT, "允许变动 0.01", "may move by 0.01",
        ))  # fmt: skip
        rows.add([column[place]], [1.0], draft, draft)


def _equal(problem: Problem, column: Ints, rows: _Rows, remarks: list[tuple[str, str]]) -> None:
    for places in problem.equal:
        known = [place for place in places if problem.weighed[place]]
        names = [problem.groups[place] for place in known]
        if len(known) < len(places):
            left = ", ".join(problem.groups[p] for p in places if not problem.weighed[p])
            zh, en = "同权重组中没有草案权重、未计入", "left out of an equal set, without a weight"
            remarks.append((f"{zh}：{left}", f"{en}: {left}"))
        if len(set(known)) < 2:
            continue
        rows.items.append(Demand(
            "equal", " = ".join(names), f"{'、'.join(names)} 权重相同",
            f"{', '.join(names)} have one weight",
            STEP_WEIGHT, "允许相差 0.01", "may differ by 0.01",
        ))  # fmt: skip
        for place in dict.fromkeys(known[1:]):
            if place != known[0]:
                rows.add([column[known[0]], column[place]], [1.0, -1.0], 0.0, 0.0)


def _order(problem: Problem, column: Ints, rows: _Rows, remarks: list[tuple[str, str]]) -> None:
    """Graver groups weigh no less. Where nobody asks about a disordered ADRG, it gets no worse."""
    spoken = np.zeros(len(problem.groups), bool)
    spoken[[ask.group for ask in problem.asks]] = True
    for decided in problem.decided:  # a draft that stays is nothing that anybody asked for
        stays = decided.low == decided.high == problem.draft[decided.group]
        spoken[decided.group] |= not stays
    draft, families = problem.draft, problem.families
    for ladder in families.ladders:
        steps = [int(place) for place in ladder if problem.weighed[place]]
        pairs = list(pairwise(steps))
        disordered = any(draft[a] < draft[b] for a, b in pairs)
        soft = disordered and not spoken[steps].any()
        if soft:
            name = families.names[families.family[steps[0]]]
            remarks.append((f"{name} 草案已有倒挂且无人提出诉求：只要求不加重",
                            f"{name} is out of order in the draft and nobody asks about it: "
                            "it only gets no worse"))  # fmt: skip
            pairs = [(a, b) for i, a in enumerate(steps) for b in steps[i + 1 :]]
        for a, b in pairs:
            slack = min(0.0, float(draft[a] - draft[b])) if soft else 0.0
            rows.items.append(_order_demand(problem.groups[a], problem.groups[b], slack))
            rows.add([column[a], column[b]], [1.0, -1.0], slack, np.inf)


def _order_demand(graver: str, lighter: str, slack: float) -> Demand:
    return Demand(
        "order", f"{graver} >= {lighter}",
        f"{graver} 权重不低于 {lighter}" if slack == 0 else
        f"{graver} 低于 {lighter} 不超过草案的 {-slack:.4f}",
        f"{graver} weighs no less than {lighter}" if slack == 0 else
        f"{graver} is below {lighter} by no more than the draft's {-slack:.4f}",
        STEP_WEIGHT, "允许倒挂 0.01", "may be out of order by 0.01",
    )  # fmt: skip


def _neutral(problem: Problem, places: Ints, rows: _Rows) -> None:
    if problem.neutral == "none":
        return
    yuan = problem.neutral == "yuan"
    values = (problem.value if yuan else problem.volume)[places]
    counted = np.flatnonzero(values > 0)
    if len(counted) == 0:
        return
    total = float(values @ problem.draft[places])
    rows.items.append(Demand(
        "neutral", problem.neutral,
        "预算中性：支付总额不变" if yuan else f"总权重保持 {total:,.2f}",
        "budget neutral: what is paid in all stays" if yuan else
        f"the sum of weights stays at {total:,.2f}",
        STEP_YUAN if yuan else STEP_CASES,
        "总额允许偏离 10,000 元" if yuan else "总权重允许偏离 1",
        "total off by 10,000 yuan" if yuan else "sum of weights off by 1",
    ))  # fmt: skip
    end = total - problem.bend_total if yuan else total
    rows.add(counted, values[counted], end, end)


def _losses(problem: Problem, places: Ints, rows: _Rows) -> None:
    share = float(problem.largest_loss or 0.0)
    effect = problem.effect[:, places]
    for hospital, name in enumerate(problem.hospitals):
        touched = np.flatnonzero(effect[hospital])
        if len(touched) == 0:
            continue
        values = effect[hospital, touched]
        allowed = share * float(problem.revenue[hospital])
        rows.items.append(Demand(
            "loss", name, f"{name} 损失不超过其收入的 {share:.2%}（{allowed:,.0f} 元）",
            f"{name} loses no more than {share:.2%} of its revenue ({allowed:,.0f} yuan)",
            STEP_YUAN, "允许多损失 10,000 元", "may lose 10,000 yuan more",
        ))  # fmt: skip
        start = float(values @ problem.draft[places[touched]]) - float(problem.bends[hospital])
        rows.add(touched, values, start - allowed, np.inf)


def _corridors(problem: Problem, column: Ints, rows: _Rows) -> None:
    """Corridors of the groups that may move; a frozen group stays where it is anyway."""
    for place in np.flatnonzero(problem.free):
        group, draft = problem.groups[place], float(problem.draft[place])
        low, high = float(problem.low[place]), float(problem.high[place])
        rows.items.append(Demand(
            "corridor", group, f"{group} 权重在浮动区间 {low:.4f} 至 {high:.4f} 之内",
            f"weight of {group} stays in its corridor, {low:.4f} to {high:.4f}",
            STEP_SHARE * draft, "浮动区间放宽 1 个百分点", "corridor wider by one percent point",
        ))  # fmt: skip
        rows.add([column[place]], [1.0], low, high)


def _remark_asks(problem: Problem, remarks: list[tuple[str, str]]) -> None:
    """Say which asks cannot be met however the others are treated."""
    frozen: Bools = problem.frozen
    for ask in problem.asks:
        group = problem.groups[ask.group]
        if frozen[ask.group]:
            remarks.append((f"{ask.proposal} 的病组 {group} 已冻结",
                            f"{ask.proposal} asks about {group}, which is frozen"))  # fmt: skip
        elif not problem.low[ask.group] <= ask.weight <= problem.high[ask.group]:
            remarks.append((f"{ask.proposal} 对 {group} 的诉求 {ask.weight:.4f} 在浮动区间之外",
                            f"{ask.proposal} asks {ask.weight:.4f} of {group}, which is outside "
                            "its corridor"))  # fmt: skip
