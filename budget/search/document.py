"""Search documents (寻优设定): which figures may change, which targets hold, what is traded."""

from __future__ import annotations

from os import PathLike
from typing import Any, Literal

from pydantic import PrivateAttr, ValidationError, model_validator

from budget.policy.document import Leaf, Policy
from budget.policy.faults import one_line
from budget.policy.fields import Many, Part, PolicyError, Row, Rows, figure, rows, section, words
from budget.search.policy import changed, figure_of
from drg.documents import read_document
from drg.errors import DrgError, problem
from drg.language import say

Outcome = Literal[
    "fund", "balance", "balance_before_cut", "budget_cut", "largest_loss", "patient_share",
    "average_payment",
]  # fmt: skip
OUTCOMES: dict[str, tuple[str, str, str]] = {
    "fund": ("基金支付", "what the fund pays", "yuan"),
    "balance": ("基金结余", "pool money less what it pays after the cap", "yuan"),
    "balance_before_cut": ("总额控制前结余", "pool money less what it pays before the cap", "yuan"),
    "budget_cut": ("总额控制扣减", "what the cap takes off", "yuan"),
    "largest_loss": ("医院最大亏损率", "largest loss of any hospital over its cost", "share"),
    "patient_share": ("患者负担占比", "what patients bear of the cost", "share"),
    "average_payment": ("次均结算额", "what a hospital gets for a case", "yuan"),
}
_BY_POOL = ("balance", "balance_before_cut")
_MOST_FIGURES, _MOST_STEPS, _MOST_POINTS = 12, 10_000, 100


class Figure(Row):
    """A figure of the policy that may change, or several that have one value."""

    keys: Many[str] = words("键", "its key in the policy; of several, all get the same value")
    low: float = figure("下限", "least value to consider")
    high: float = figure("上限", "greatest value to consider")
    step: float = figure("步长", "only multiples of it, and the value in force", above=0)
    scale: float | None = figure("尺度", "a change that counts as 1; a tenth of the range when "
                                 "left out", above=0, optional=True)  # fmt: skip
    weight: float = figure("权数", "how much its change counts; 1 when left out", above=0,
                           optional=True)  # fmt: skip

    @model_validator(mode="after")
    def _range(self) -> Figure:
        if not self.keys:
            raise PolicyError(say("缺失", "is missing"), "keys",
                              expected=say("政策的键", "a key of the policy"))  # fmt: skip
        if not self.low < self.high:
            raise PolicyError(say("不大于 low", "not above low"), "high", found=self.high,
                              expected=say(f"大于 {self.low:g}",
                                           f"above {self.low:g}"))  # fmt: skip
        if self.high - self.low > self.step * _MOST_STEPS:
            raise PolicyError(say("相对范围过小", "too small for the range"), "step",
                              found=self.step,
                              expected=say(f"不超过 {_MOST_STEPS:,} 步",
                                           f"at most {_MOST_STEPS:,} steps"))  # fmt: skip
        return self


class Goal(Row):
    """A target (目标)."""

    outcome: Outcome = figure("指标", "what it is set for")
    pool: str | None = figure("基金池", "of one pool (balances); of all when left out",
                              optional=True)  # fmt: skip
    low: float | None = figure("至少", "least value", optional=True)
    high: float | None = figure("至多", "greatest value", optional=True)

    @model_validator(mode="after")
    def _bounds(self) -> Goal:
        if self.low is None and self.high is None:
            raise PolicyError(say("缺失", "is missing"), "low",
                              expected=say("low、high 或二者", "low, high or both"))  # fmt: skip
        if self.low is not None and self.high is not None and self.low > self.high:
            raise PolicyError(say("大于 high", "above high"), "low", found=self.low,
                              expected=say(f"不大于 {self.high:g}",
                                           f"at most {self.high:g}"))  # fmt: skip
        if self.pool is not None and self.outcome not in _BY_POOL:
            raise PolicyError(say("没有分基金池的结果", "is not known by pool"), "pool",
                              found=self.pool,
                              expected=say(f"不填；仅适用于 {', '.join(_BY_POOL)}",
                                           "none; it goes with "
                                           f"{', '.join(_BY_POOL)}"))  # fmt: skip
        return self

    @property
    def key(self) -> str:
        """Name of the outcome in :func:`budget.search.policy.outcomes`."""
        return self.outcome if self.pool is None else f"{self.outcome}.{self.pool}"


class Curve(Part):
    """The trade-off curve (权衡曲线): the least change for each bound of one target."""

    target: str = figure("目标", "name of the target whose bound moves")
    bounds: tuple[float, ...] = rows("界限", "its bounds, in order", optional=False)


class SearchDocument(Part):
    """What is looked for in a policy."""

    id: str = figure("编号", "short name")
    title: str = figure("标题", "title in Chinese")
    title_en: str | None = figure("英文标题", "title in English", optional=True)
    source: str = figure("来源", "who asks, on what ground")
    figures: Rows[Figure] = rows("可调数值", "what may change", optional=False)
    targets: Rows[Goal] = rows("目标", "what must hold", optional=False)
    curve: Curve | None = section("权衡曲线", "which target's bound moves, over what")

    _file: str = PrivateAttr("")

    @property
    def place(self) -> str:
        """Where it stands, for messages: its file, or its id."""
        return self._file or f"search {self.id}"

    @model_validator(mode="after")
    def _whole(self) -> SearchDocument:
        for name, held in (("figures", self.figures), ("targets", self.targets)):
            if not held:
                raise PolicyError(say("为空", "is empty"), name,
                                  expected=say("至少一个", "at least one"))  # fmt: skip
        if len(self.figures) > _MOST_FIGURES:
            raise PolicyError(say("过多，无法寻优", "too many to search"), "figures",
                              found=len(self.figures),
                              expected=say(f"不超过 {_MOST_FIGURES} 个",
                                           f"at most {_MOST_FIGURES}"))  # fmt: skip
        seen: set[str] = set()
        for row in self.figures:
            for key in row.keys:
                if key in seen:
                    raise PolicyError(say("重复出现", "is there twice"), "figures", row.name,
                                      "keys", found=key)  # fmt: skip
                seen.add(key)
        if self.curve is not None:
            self._curve(self.curve)
        return self

    def _curve(self, curve: Curve) -> None:
        goal = next((one for one in self.targets if one.name == curve.target), None)
        if goal is None:
            raise PolicyError(say("没有此目标", "no such target"), "curve", "target",
                              found=curve.target,
                              expected=", ".join(one.name for one in self.targets))  # fmt: skip
        if goal.low is not None and goal.high is not None:
            raise PolicyError(say("有两个界限，只能移动其中一个",
                                  "has two bounds, of which only one can move"), "curve", "target",
                              found=curve.target,
                              expected=say("只有 low 或 high 的目标",
                                           "a target with low or high"))  # fmt: skip
        if not 1 <= len(curve.bounds) <= _MOST_POINTS:
            raise PolicyError(say("点数不符", "not a number of points"), "curve", "bounds",
                              found=len(curve.bounds),
                              expected=say(f"1 至 {_MOST_POINTS}",
                                           f"1 to {_MOST_POINTS}"))  # fmt: skip


def load_search(source: str | PathLike[str]) -> SearchDocument:
    """Read a search document from a TOML file.

    Raises:
        DrgError: the file cannot be read, a key is not known, or a value is out of range.
    """
    held = {key: _tuples(value) for key, value in read_document(source).items()}
    try:
        found = SearchDocument.model_validate(held)
    except ValidationError as error:
        raise one_line(error, SearchDocument, held, lambda _: str(source)) from None
    found._file = str(source)
    return found


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(held) for key, held in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def check(document: SearchDocument, policy: Policy) -> dict[str, Leaf]:
    """Hold a search against a policy; the figure in force by the name of each row.

    Raises:
        DrgError: a figure or pool is not the policy's, a range leaves what the figure may be, or
            leaves out what is in force.
    """
    found = {row.name: _in_force(document, row, policy) for row in document.figures}
    pools = [pool.name for pool in policy.pools]
    for goal in document.targets:
        if goal.pool is not None and goal.pool not in pools:
            raise problem(say("不是政策中的基金池", "not a pool of the policy"),
                          file=document.place, key=f"targets.{goal.name}.pool", found=goal.pool,
                          expected=", ".join(pools))  # fmt: skip
    for end in ("low", "high"):
        try:
            changed(policy, {key: getattr(row, end) for row in document.figures
                             for key in row.keys})  # fmt: skip
        except DrgError as error:
            at = say(f"参数取 {end} 时", f"figures at their {end}")
            raise DrgError(f"{document.place}: {at}: {error}") from None
    return found


def _in_force(document: SearchDocument, row: Figure, policy: Policy) -> Leaf:
    where = f"figures.{row.name}"
    leaves = []
    for key in row.keys:
        try:
            leaves.append(figure_of(policy, key))
        except DrgError as error:
            raise DrgError(f"{document.place}: {where}.keys: {error}") from None
    first = leaves[0]
    for leaf in leaves:
        if leaf.value != first.value:
            raise problem(say(f"{leaf.key} 为 {leaf.value:g}，而 {first.key} 为 {first.value:g}",
                              f"{leaf.key} is {leaf.value:g} and {first.key} is {first.value:g}"),
                          file=document.place, key=f"{where}.keys",
                          expected=say("取值相同的参数",
                                       "figures that have one value"))  # fmt: skip
        low, high = leaf.about.low, leaf.about.high
        for end, value in (("low", row.low), ("high", row.high)):
            below = low is not None and (value < low or (leaf.about.open_low and value == low))
            if below or (high is not None and value > high):
                open_low = leaf.about.open_low
                least, most = (say("不限", "any") if one is None else f"{one:g}"
                               for one in (low, high))  # fmt: skip
                raise problem(say(f"{leaf.key} 不能取此值", f"{leaf.key} may not be this"),
                              file=document.place, key=f"{where}.{end}", found=value,
                              expected=say(f"{'大于 ' if open_low else ''}{least} 至 {most}",
                                           f"{'above ' if open_low else ''}{least} to "
                                           f"{most}"))  # fmt: skip
    if not row.low <= first.value <= row.high:
        raise problem(say(f"{first.key} 的现行值不在范围内",
                          f"{first.key} in force is not inside the range"), file=document.place,
                      key=where, found=first.value,
                      expected=say(f"low（{row.low:g}）与 high（{row.high:g}）之间包含现行值",
                                   f"low {row.low:g} and high {row.high:g} around it"))  # fmt: skip
    return first
