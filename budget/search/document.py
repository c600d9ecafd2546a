"""Search documents (寻优设定): which figures may change, which targets hold, what is traded."""

from __future__ import annotations

from os import PathLike
from typing import Any, Literal

from pydantic import PrivateAttr, ValidationError, model_validator

from budget.policy.document import Leaf, Policy
from budget.policy.faults import one_line
from budget.policy.fields import Many, Part, PolicyError, Row, Rows, figure, rows, section, words
from budget.projection.scenario import Scenario, load_scenario
from budget.search.policy import changed, figure_of
from drg.documents import named_file, read_document
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
_SUMS = ("fund", *_BY_POOL, "budget_cut")  # what adds up over years
_MOST_FIGURES, _MOST_STEPS, _MOST_POINTS = 12, 10_000, 100
_YEARS, _DRAWS = 20, 500


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
    year: int | None = figure("年份", "the year ahead in which it must hold, 1 for the next; the "
                              "settled year when left out", "years", low=1, high=_YEARS,
                              optional=True)  # fmt: skip
    years: int | None = figure("年数", "it must hold over so many years ahead", "years", low=1,
                               high=_YEARS, optional=True)  # fmt: skip
    over: Literal["each", "sum"] | None = figure(
        "多年口径", "of several years: in each of them, or their sum; each when left out",
        optional=True,
    )  # fmt: skip
    at_most_share: float | None = figure(
        "未达到的抽样占比上限", "share of draws that may miss it", "share", low=0, high=0.99,
        optional=True,
    )  # fmt: skip
    quantile: float | None = figure(
        "分位数", "it must hold for this quantile of the draws", "share", low=0.001, high=0.999,
        optional=True,
    )  # fmt: skip

    @model_validator(mode="after")
    def _ahead(self) -> Goal:
        if self.year is not None and self.years is not None:
            raise PolicyError(say("与 year 不能同时填写", "does not go with year"), "years",
                              found=self.years,
                              expected=say("year 或 years 之一",
                                           "one of year and years"))  # fmt: skip
        if self.over is not None and self.years is None:
            raise PolicyError(say("仅适用于 years", "goes with years"), "over", found=self.over,
                              expected=say("同时填写 years", "years beside it"))  # fmt: skip
        if self.over == "sum" and self.outcome not in _SUMS:
            raise PolicyError(say("不能跨年相加", "does not add up over years"), "over",
                              found=f"sum, {self.outcome}",
                              expected=say(f"each；sum 仅适用于 {', '.join(_SUMS)}",
                                           "each; sum goes with "
                                           f"{', '.join(_SUMS)}"))  # fmt: skip
        for name in ("at_most_share", "quantile"):
            if getattr(self, name) is not None and not self.ahead:
                raise PolicyError(say("清算年度没有抽样", "the settled year is not drawn"), name,
                                  found=getattr(self, name),
                                  expected=say("同时填写 year 或 years",
                                               "year or years beside it"))  # fmt: skip
        if self.at_most_share is not None and self.quantile is not None:
            raise PolicyError(say("与 at_most_share 不能同时填写",
                                  "does not go with at_most_share"), "quantile",
                              found=self.quantile,
                              expected=say("二者之一", "one of the two"))  # fmt: skip
        if self.at_most_share is not None and None not in (self.low, self.high):
            raise PolicyError(say("有两个界限时不适用", "does not go with two bounds"),
                              "at_most_share", found=self.at_most_share,
                              expected=say("只有 low 或 high 的目标",
                                           "a target with low or high"))  # fmt: skip
        return self

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

    @property
    def held(self) -> str:
        """Name of what is held against its bounds: the outcome, or its own for years ahead."""
        return f"target_{self.name}" if self.ahead else self.key

    @property
    def ahead(self) -> tuple[int, ...]:
        """Years ahead in which it must hold, from 1; none for the settled year."""
        if self.year is not None:
            return (self.year,)
        return tuple(range(1, (self.years or 0) + 1))

    @property
    def drawn(self) -> bool:
        """Whether it is set for draws of the years ahead."""
        return self.at_most_share is not None or self.quantile is not None

    def when(self, year: int) -> tuple[str, str]:
        """When it must hold, in Chinese and English, seen from a settled year."""
        if not self.ahead:
            return str(year), str(year)
        first, last = year + self.ahead[0], year + self.ahead[-1]
        span = f"{first}" if first == last else f"{first}-{last}"
        if self.years is None or first == last:
            return span, span
        return (f"{span}合计", f"{span} in sum") if self.over == "sum" else (
            f"{span}各年", f"{span} each")  # fmt: skip


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
    scenario: str | None = figure(
        "情景", "what is assumed of the years ahead: a scenario, beside the document or by its "
        "path; nothing moves when left out", optional=True,
    )  # fmt: skip
    draws: int | None = figure("抽样次数", f"draws of the years ahead; {_DRAWS} when left out",
                               low=100, high=10_000, optional=True)  # fmt: skip
    seed: int | None = figure("随机种子", "of the draws; 0 when left out", low=0, high=2**63 - 1,
                              optional=True)  # fmt: skip
    figures: Rows[Figure] = rows("可调数值", "what may change", optional=False)
    targets: Rows[Goal] = rows("目标", "what must hold", optional=False)
    curve: Curve | None = section("权衡曲线", "which target's bound moves, over what")

    _file: str = PrivateAttr("")

    @property
    def place(self) -> str:
        """Where it stands, for messages: its file, or its id."""
        return self._file or f"search {self.id}"

    @property
    def years(self) -> int:
        """How many years ahead are looked at, one at least."""
        return max((max(goal.ahead, default=1) for goal in self.targets), default=1)

    @property
    def sampled(self) -> tuple[int, int] | None:
        """Draws and their seed; None where no target is set for draws."""
        if not any(goal.drawn for goal in self.targets):
            return None
        return (_DRAWS if self.draws is None else self.draws), self.seed or 0

    def assumed(self) -> Scenario | None:
        """The scenario that it names.

        Raises:
            DrgError: it cannot be read.
        """
        if self.scenario is None:
            return None
        try:
            return load_scenario(named_file(self.scenario, self._file, "scenario"))
        except DrgError as error:
            raise DrgError(f"{self.place}: scenario: {error}") from None

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
        for key in ("draws", "seed"):
            if getattr(self, key) is not None and self.sampled is None:
                raise PolicyError(say("没有以抽样为准的目标", "no target is set for draws"), key,
                                  found=getattr(self, key),
                                  expected=say("目标含 at_most_share 或 quantile",
                                               "a target with at_most_share or "
                                               "quantile"))  # fmt: skip
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
