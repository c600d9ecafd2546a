"""Fitting responses (反应拟合): the smallest response that reproduces published means.

A model says what comes out under given parameters; with all of them zero it says what the payment
rule does alone. The fit looks for the parameters nearest to zero, each measured by its known
range, at which the model gives the published means. It shows what would have to be true. It does
not show that it is: a mean before and a mean after are no effect (docs/projection/before-after.md).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares, minimize

from budget.behaviour.responses import drivers, limits, ranges
from drg.errors import DrgError, problem
from drg.language import say

Floats = npt.NDArray[np.float64]
Values = Mapping[str, float]
Model = Callable[[Values], Values]
RULE = "rule"
_REACHED = 1e-8
_NOTHING = 1e-7
_CORNERS = 4
_KINDS = {
    "rule": ("支付规则本身", "the payment rule alone"),
    "response": ("行为反应", "response"),
    "coding": ("编码", "coding"),
    "case_mix": ("病例组合", "case mix"),
    "price": ("投入价格", "prices"),
}
_BASES = {
    "published": ("已发表范围", "the published range"),
    "direction": ("逻辑范围（研究只知方向）", "what it can be (studies tell its sign only)"),
    "logical": ("逻辑范围（无研究）", "what it can be (no study at hand)"),
    "assumed": ("假设范围", "the assumed range"),
}


@dataclass(frozen=True)
class Parameter:
    """A parameter to be found.

    Attributes:
        key: its name for the model. ``intensity.level@tier3`` is ``intensity.level`` of one tier.
        low: lower end of what is known of it.
        high: upper end.
        least: smallest value that can be.
        most: largest value that can be.
        basis: ``published``, ``direction``, ``logical`` or ``assumed``.
        kind: what it counts as in the shares: ``response``, ``coding``, ``case_mix``, ``price``.
        source: who says so.
    """

    key: str
    low: float
    high: float
    least: float = -np.inf
    most: float = np.inf
    basis: str = "published"
    kind: str = "response"
    source: str = ""

    @classmethod
    def known(cls, key: str) -> Parameter:
        """A parameter with what is known of it.

        Raises:
            DrgError: nothing is.
        """
        name = key.split("@")[0]
        found = ranges().get(name) or drivers().get(name)
        if found is None:
            raise problem(say("对此参数没有任何资料", "nothing is known of this parameter"),
                          key="parameters", found=key,
                          expected=", ".join([*ranges(), *drivers()]))  # fmt: skip
        least, most = limits(name)
        kind = name.split(".")[0]
        kind = kind if kind in ("coding", "case_mix", "price") else "response"
        return cls(key, found.low, found.high, least, most, found.basis, kind, found.source)

    @property
    def scale(self) -> float:
        """What counts as one: the end of the known range that is farther from zero."""
        return max(abs(self.low), abs(self.high)) or 0.01

    def holds(self, value: float) -> bool:
        """Whether a value lies in the known range, or between it and zero."""
        slack = 1e-9 * self.scale
        return min(self.low, 0.0) - slack <= value <= max(self.high, 0.0) + slack


@dataclass(frozen=True)
class Fit:
    """The smallest response that reproduces published means.

    Attributes:
        parameters: what was looked for.
        values: value of each.
        interval: least and largest value as the means vary inside their uncertainty.
        before: means before.
        after: means after, as published.
        outcomes: what the model gives.
        explained: change of each outcome by what does it, in the outcome's unit; the parts add up
            to the model's change. ``rule`` is the payment rule alone, with every parameter zero;
            the others are Shapley values.
        size: norm of the parameters, each divided by its scale; 1 is one parameter at the far end
            of its known range.
    """

    parameters: tuple[Parameter, ...]
    values: dict[str, float]
    interval: dict[str, tuple[float, float]]
    before: dict[str, float]
    after: dict[str, float]
    outcomes: dict[str, float]
    explained: dict[str, dict[str, float]]
    size: float

    @property
    def outside(self) -> tuple[str, ...]:
        """Parameters outside what is known of them."""
        return tuple(one.key for one in self.parameters if not one.holds(self.values[one.key]))

    def shares(self, outcome: str) -> dict[str, float]:
        """What explains how much of the published change of an outcome; NaN without change."""
        change = self.after[outcome] - self.before[outcome]
        return {
            kind: part / change + 0.0 if change else np.nan
            for kind, part in self.explained[outcome].items()
        }

    def sentences(self, lang: str = "en") -> list[str]:
        """What the fit says and does not say, in plain words.

        Args:
            lang: ``en`` or ``zh``.
        """
        return sentences(self, lang)


class Unreachable(DrgError):  # noqa: N818
    """No value of the parameters gives the means; ``nearest`` is the best there is."""

    def __init__(self, message: str, nearest: Fit) -> None:
        super().__init__(message)
        self.nearest = nearest


def fit_response(
    model: Model,
    before: Values,
    after: Values,
    parameters: Sequence[Parameter | str],
    *,
    uncertainty: float | Values = 0.0,
) -> Fit:
    """Find the smallest response that reproduces means after a reform.

    Args:
        model: from parameters by key to outcomes; keys that are not given are zero.
        before: published means before, by outcome.
        after: published means after, by outcome.
        parameters: what may move; a key alone takes what is known of it.
        uncertainty: by how much a mean after may be off, such as half its last digit, for all or
            by outcome, in the outcome's unit.

    Raises:
        Unreachable: no value of the parameters gives the means.
        DrgError: there is nothing to fit, or the model fails.
    """
    return _Fitting(model, before, after, parameters, uncertainty).run()


class _Fitting:
    def __init__(
        self,
        model: Model,
        before: Values,
        after: Values,
        parameters: Sequence[Parameter | str],
        uncertainty: float | Values,
    ) -> None:
        self.model = model
        self.parameters = tuple(
            Parameter.known(one) if isinstance(one, str) else one for one in parameters
        )
        self.names = tuple(after)
        keys = [one.key for one in self.parameters]
        if not keys or not self.names:
            raise problem(say("没有可拟合的内容", "there is nothing to fit"),
                          key="parameters" if self.names else "after")  # fmt: skip
        if len(set(keys)) < len(keys):
            raise problem(say("重复出现", "stands twice"), key="parameters",
                          found=next(key for key in keys if keys.count(key) > 1))  # fmt: skip
        for name in self.names:
            if name not in before:
                raise problem(say("没有之前的均值", "no mean before"), key="before", found=name)
        self.before = {name: float(before[name]) for name in self.names}
        self.after = {name: float(after[name]) for name in self.names}
        bad = [name for held in (self.before, self.after) for name, value in held.items()
               if not np.isfinite(value)]  # fmt: skip
        if bad:
            raise problem(say("不是数", "not a number"), key="before or after", found=bad[0])
        self.wanted = np.array([self.after[name] for name in self.names])
        self.unit = np.where(self.wanted != 0, np.abs(self.wanted), 1.0)
        self.slack = self._slack(uncertainty)
        self.scale = np.array([one.scale for one in self.parameters])
        ends = np.array([(one.least, one.most) for one in self.parameters]) / self.scale[:, None]
        self.ends = ends[:, 0], ends[:, 1]
        self.asked: dict[bytes, Floats] = {}

    def _slack(self, uncertainty: float | Values) -> Floats:
        if isinstance(uncertainty, Mapping):
            slack = np.array([float(uncertainty.get(name, 0.0)) for name in self.names])
        else:
            slack = np.full(len(self.names), float(uncertainty))
        if not (np.isfinite(slack) & (slack >= 0)).all():
            raise problem(say("不得小于 0", "must not be below 0"), key="uncertainty",
                          found=slack.min())  # fmt: skip
        return slack

    def run(self) -> Fit:
        found = self._smallest(self.wanted)
        if found is None and (self.slack > 0).any():
            found = self._smallest(self.wanted, self.slack)
        if found is None:
            nearest = self._nearest(self.wanted, np.zeros(len(self.scale)))
            raise Unreachable(self._why(nearest), self._fit(nearest, nearest[None, :]))
        return self._fit(found, self._around(found))

    def _outcomes(self, x: Floats) -> Floats:
        """What the model gives; the solvers ask twice for many a point."""
        key = x.tobytes()
        if key not in self.asked:
            self.asked[key] = self._ask(x)
        return self.asked[key]

    def _ask(self, x: Floats) -> Floats:
        values = {
            one.key: float(held)
            for one, held in zip(self.parameters, x * self.scale, strict=True)
        }  # fmt: skip
        found = self.model(values)
        missing = [name for name in self.names if name not in found]
        if missing:
            raise problem(say("模型不给出此结果", "the model does not give this outcome"),
                          key="model", found=missing[0], expected=", ".join(found))  # fmt: skip
        held = np.array([float(found[name]) for name in self.names])
        if not np.isfinite(held).all():
            place = int(np.flatnonzero(~np.isfinite(held))[0])
            raise problem(say("模型给出的不是数", "the model gives no number"), key="model",
                          found=self.names[place])  # fmt: skip
        return held

    def _off(self, x: Floats, wanted: Floats) -> Floats:
        return (self._outcomes(np.clip(x, *self.ends)) - wanted) / self.unit

    def _smallest(self, wanted: Floats, slack: Floats | None = None,
                  near: Floats | None = None) -> Floats | None:  # fmt: skip
        """The point nearest to zero at which the means come out; None where there is none."""
        room = np.full(len(wanted), 0.0) if slack is None else slack / self.unit
        if slack is None:
            held = [{"type": "eq", "fun": lambda x: self._off(x, wanted)}]
        else:
            held = [
                {"type": "ineq", "fun": lambda x: room - self._off(x, wanted)},
                {"type": "ineq", "fun": lambda x: room + self._off(x, wanted)},
            ]
        best: Floats | None = None
        for start in self._starts(wanted) if near is None else [near]:
            done = minimize(
                lambda x: float(x @ x), start, jac=lambda x: 2 * x, method="SLSQP",
                bounds=list(zip(*self.ends, strict=True)), constraints=held,
                options={"ftol": 1e-15, "maxiter": 100},
            )  # fmt: skip
            plain = np.where(np.abs(done.x) < _NOTHING, 0.0, done.x)  # what is next to nothing
            for x in (plain, done.x, start):
                point = np.clip(x, *self.ends)
                if not np.isfinite(point).all() or self._misses(point, wanted, room):
                    continue
                if best is None or point @ point < best @ best - 1e-12:
                    best = point
        return best

    def _misses(self, x: Floats, wanted: Floats, room: Floats) -> bool:
        return bool((np.abs(self._off(x, wanted)) > room + _REACHED).any())

    def _starts(self, wanted: Floats) -> list[Floats]:
        """Where to look from: nothing, ends and middles of what is known, and what is nearest."""
        known = np.array([(one.low, one.high) for one in self.parameters]) / self.scale[:, None]
        plain = [np.zeros(len(self.scale)), known[:, 0], known[:, 1], known.mean(axis=1)]
        plain = [np.clip(one, *self.ends) for one in plain]
        return [*plain, self._nearest(wanted, plain[0])]

    def _nearest(self, wanted: Floats, start: Floats) -> Floats:
        low, high = self.ends
        inside = np.clip(start, low + 1e-9, high - 1e-9)
        done = least_squares(
            lambda x: self._off(x, wanted), inside, bounds=(low, high), xtol=1e-12, ftol=1e-12,
            gtol=1e-12, max_nfev=100,
        )  # fmt: skip
        return np.asarray(done.x, np.float64)

    def _around(self, found: Floats) -> Floats:
        """Smallest responses at the corners of the means' uncertainty. Shape (corners, P)."""
        unsure = np.flatnonzero(self.slack > 0)
        signs: list[tuple[float, ...]] = []
        if len(unsure) <= _CORNERS:
            signs = list(itertools.product((-1.0, 1.0), repeat=len(unsure)))
        else:
            eye = np.eye(len(unsure))
            signs = [tuple(row * side) for row in eye for side in (-1.0, 1.0)]
        corners = [found]
        for sign in signs if len(unsure) else ():
            wanted = self.wanted.copy()
            wanted[unsure] += self.slack[unsure] * sign
            one = self._smallest(wanted, near=found)
            if one is not None:
                corners.append(one)
        around = np.array(corners)
        if len(unsure) > _CORNERS:  # one mean at a time; together they may add up
            off = np.abs(around - found).sum(axis=0) / 2
            around = np.clip(np.array([found - off, found, found + off]), *self.ends)
        return around

    def _fit(self, found: Floats, around: Floats) -> Fit:
        values, spread = found * self.scale, around * self.scale
        keys = [one.key for one in self.parameters]
        outcomes = self._outcomes(found)
        return Fit(
            self.parameters,
            dict(zip(keys, values.tolist(), strict=True)),
            {key: (float(spread[:, p].min()), float(spread[:, p].max()))
             for p, key in enumerate(keys)},
            self.before,
            self.after,
            dict(zip(self.names, outcomes.tolist(), strict=True)),
            self._explained(found),
            float(np.linalg.norm(found)),
        )  # fmt: skip

    def _explained(self, found: Floats) -> dict[str, dict[str, float]]:
        """Change by kind: the rule first, then Shapley values of what moves on top of it."""
        kinds = list(dict.fromkeys(one.kind for one in self.parameters))
        owner = np.array([kinds.index(one.kind) for one in self.parameters])
        count = len(kinds)
        with_: dict[frozenset[int], Floats] = {}
        for size in range(count + 1):
            for chosen in itertools.combinations(range(count), size):
                moved = np.where(np.isin(owner, chosen), found, 0.0)
                with_[frozenset(chosen)] = self._outcomes(moved)
        start = np.array([self.before[name] for name in self.names])
        parts = {RULE: with_[frozenset()] - start}
        for place, kind in enumerate(kinds):
            part = np.zeros(len(self.names))
            for others, outcome in with_.items():
                if place not in others:
                    ways = factorial(len(others)) * factorial(count - len(others) - 1)
                    part += (with_[others | {place}] - outcome) * ways / factorial(count)
            parts[kind] = part
        return {
            name: {kind: float(part[at]) for kind, part in parts.items()}
            for at, name in enumerate(self.names)
        }

    def _why(self, nearest: Floats) -> str:
        outcomes = self._outcomes(nearest)
        off = int(np.argmax(np.abs(outcomes - self.wanted) / self.unit))
        at = ", ".join(
            f"{one.key} {value:.4g}"
            for one, value in zip(self.parameters, nearest * self.scale, strict=True)
        )  # fmt: skip
        return str(problem(say(f"参数取任何值都达不到该均值；最接近的是 {outcomes[off]:,.7g}，此时 "
                               f"{at}",
                               "no value of the parameters gives this mean; the nearest is "
                               f"{outcomes[off]:,.7g} with {at}"), key=self.names[off],
                           found=f"{self.wanted[off]:,.7g}"))  # fmt: skip


def sentences(fit: Fit, lang: str) -> list[str]:
    """Sentences about a fit.

    Raises:
        DrgError: there is no such language.
    """
    if lang not in ("zh", "en"):
        raise problem(say("没有此语言", "no such language"), key="lang", found=lang,
                      expected=say("zh 或 en", "zh or en"))  # fmt: skip
    chinese = lang == "zh"
    lines = [_outcome(fit, name, chinese) for name in fit.after]
    lines += [_parameter(fit, one, chinese) for one in fit.parameters]
    lines.append(
        "以上是使模型得到公布数字所需的最小反应，不是对改革效果的估计。"
        if chinese
        else "This is the smallest response at which the model gives the published means, "
        "not an estimate of what the reform did."
    )
    return lines


def _outcome(fit: Fit, name: str, chinese: bool) -> str:
    before, after = fit.before[name], fit.after[name]
    change = f" ({after / before - 1:+.1%})" if before else ""
    shares = fit.shares(name)
    parts = [
        f"{_KINDS.get(kind, (kind, kind))[0 if chinese else 1]} {share:.1%}".replace(
            "-0.0%", "0.0%"
        )
        for kind, share in shares.items()
        if np.isfinite(share)
    ]
    if chinese:
        return f"{name}：{before:,.0f} → {after:,.0f}{change}；" + "，".join(parts) + "。"
    return f"{name}: {before:,.0f} -> {after:,.0f}{change}; " + ", ".join(parts) + "."


def _parameter(fit: Fit, one: Parameter, chinese: bool) -> str:
    value, (low, high) = fit.values[one.key], fit.interval[one.key]
    spread = f" ({low:.4g}, {high:.4g})" if low < high else ""
    basis = _BASES.get(one.basis, (one.basis, one.basis))[0 if chinese else 1]
    inside = one.holds(value)
    if chinese:
        where = "在" if inside else "超出"
        end = " 之内" if inside else ""
        return f"{one.key} = {value:.4g}{spread}，{where}{basis} {one.low:g} 至 {one.high:g}{end}。"
    where = "within" if inside else "OUTSIDE"
    return f"{one.key} = {value:.4g}{spread}, {where} {basis}, {one.low:g} to {one.high:g}."
