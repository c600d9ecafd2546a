"""How hospitals may react (行为反应): the responses, their parameters and published ranges.

All are off unless a scenario turns them on. Ranges and sources are data, in ``responses.toml``. A
parameter is a number, or an array that broadcasts against (H, G), such as (D, 1, 1) for D draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from drg.documents import read_document
from drg.errors import problem
from drg.language import say

Floats = npt.NDArray[np.float64]
Value: TypeAlias = float | Floats
_FILE = Path(__file__).with_name("responses.toml")
# Smallest and largest value that means anything; all others are shares.
_LIMITS = {
    "volume.medical": (-1.0, np.inf),
    "volume.surgical": (-1.0, np.inf),
    "volume.procedure": (-1.0, np.inf),
    "coding.step": (0.0, np.inf),
    "coding.creep": (0.0, np.inf),
    "intensity.level": (-0.99, np.inf),
    "intensity.stay": (-0.99, np.inf),
    "intensity.follow": (0.0, np.inf),
    "substitution.weight_below": (0.0, np.inf),
    "refusal.weight_above": (0.0, np.inf),
    "case_mix.change": (-0.99, np.inf),
    "price.change": (-0.99, np.inf),
}
# Limits of the groups that react: the response that they go with, Chinese, English, unit.
_GROUPS = {
    "substitution.weight_below": (
        "substitution.share", "转门诊病组的权重上限", "groups below this weight", "weight"),
    "refusal.loss_above": (
        "refusal.share", "推诿病组的亏损率下限", "groups that lose more of their cost", "share"),
    "refusal.weight_above": (
        "refusal.share", "推诿病组的权重下限", "groups above this weight", "weight"),
}  # fmt: skip


@dataclass(frozen=True)
class Range:
    """What is known of a parameter.

    Attributes:
        key: response and parameter, such as ``volume.medical``.
        zh: what it is, in Chinese.
        en: the same in English.
        unit: ``share``, ``elasticity`` or ``share per unit``.
        low: lower end.
        high: upper end.
        basis: ``published``, ``direction`` (sign known, not size), ``logical`` (what it can be)
            or ``assumed``.
        source: who found it.
    """

    key: str
    zh: str
    en: str
    unit: str
    low: float
    high: float
    basis: str
    source: str

    @property
    def middle(self) -> float:
        """Middle of the range."""
        return (self.low + self.high) / 2

    def holds(self, value: float) -> bool:
        """Whether a value lies in the range, or between it and no response."""
        return min(self.low, 0.0) - 1e-12 <= value <= max(self.high, 0.0) + 1e-12


class _Response:
    """A response; its name is that of its class in small letters."""

    def __post_init__(self) -> None:
        for key, value in self.values():
            least, most = limits(key)
            held = np.asarray(value)
            if held.dtype.kind not in "fiu" or not np.all((held >= least) & (held <= most)):
                expected = say(f"不小于 {least:g}", f"at least {least:g}")
                if np.isfinite(most):
                    expected += say(f"、不大于 {most:g}", f" and at most {most:g}")
                raise problem(say("不是可能的反应参数", "not a possible response"),
                              key=f"behaviour.{key}", found=value, expected=expected)  # fmt: skip

    def values(self) -> Iterator[tuple[str, Any]]:
        """Keys such as ``volume.medical`` with their values."""
        for part in fields(self):  # type: ignore[arg-type]
            yield f"{type(self).__name__.lower()}.{part.name}", getattr(self, part.name)


@dataclass(frozen=True)
class Volume(_Response):
    """Cases react to the price of their group: ``n' = n * (1 + price)^elasticity``.

    Attributes:
        medical: elasticity of medical groups (内科组), 0.08 to 0.13 in Norway.
        surgical: of surgical groups (外科手术组), 0 in Norway.
        procedure: of groups with a procedure outside the operating room (非手术室操作组).
    """

    medical: Value = 0.0
    surgical: Value = 0.0
    procedure: Value = 0.0


@dataclass(frozen=True)
class Coding(_Response):
    """Cases move one severity up (编码反应).

    Attributes:
        step: share of the cases of two neighbouring severities that moves up, per unit of relative
            rise of their price ratio; down when it falls. Norway 0.03 to 0.04. All of it is
            coding: the case costs what it cost.
        creep: yearly relative rise of each hospital's case-mix index, whatever the prices do.
        true_share: part of ``creep`` that is true: the case costs what the graver group costs.
    """

    step: Value = 0.0
    creep: Value = 0.0
    true_share: Value = 0.0


@dataclass(frozen=True)
class Intensity(_Response):
    """Cost per case and length of stay react (服务强度).

    Attributes:
        loss: part of a group's loss per case that is saved by a lower cost.
        gain: part of a group's gain per case that is spent.
        level: relative change of cost per case everywhere.
        stay: relative change of length of stay everywhere.
        follow: elasticity of length of stay to what cost per case changes by ``loss`` and ``gain``.
    """

    loss: Value = 0.0
    gain: Value = 0.0
    level: Value = 0.0
    stay: Value = 0.0
    follow: Value = 0.0


@dataclass(frozen=True)
class Substitution(_Response):
    """Light admissions move to outpatient care (住院转门诊).

    Attributes:
        share: share of admissions that move.
        weight_below: of groups with a relative weight below this.
    """

    share: Value = 0.0
    weight_below: float = 0.5


@dataclass(frozen=True)
class Refusal(_Response):
    """Costly cases are turned away (推诿重症).

    Attributes:
        share: share of the cases turned away where the group loses enough.
        loss_above: groups whose loss is above this share of their cost.
        weight_above: and whose relative weight is above this.
        up: part of those turned away that the next tier treats; the others leave the region.
    """

    share: Value = 0.0
    loss_above: float = 0.2
    weight_above: float = 0.0
    up: Value = 0.0


@dataclass(frozen=True)
class Bunching(_Response):
    """Cases just below a threshold move past it (倍率卡线).

    Attributes:
        low: share of the cases just below L that move past it.
        high: share of the cases just below T that move past it.
    """

    low: Value = 0.0
    high: Value = 0.0


@dataclass(frozen=True)
class Responses:
    """All responses; off by default."""

    volume: Volume = field(default_factory=Volume)
    coding: Coding = field(default_factory=Coding)
    intensity: Intensity = field(default_factory=Intensity)
    substitution: Substitution = field(default_factory=Substitution)
    refusal: Refusal = field(default_factory=Refusal)
    bunching: Bunching = field(default_factory=Bunching)

    @classmethod
    def of(cls, document: Mapping[str, Mapping[str, Any]]) -> Responses:
        """Responses from a document such as ``{"volume": {"medical": 0.1}}``.

        Raises:
            DrgError: there is no such response or parameter, or a value cannot be.
        """
        kinds = {part.name: type(getattr(cls(), part.name)) for part in fields(cls)}
        made: dict[str, Any] = {}
        for name, values in document.items():
            if name not in kinds:
                raise problem(say("没有此行为反应", "no such response"), key="behaviour",
                              found=name, expected=", ".join(kinds))  # fmt: skip
            if not isinstance(values, Mapping):
                raise problem(say("不是参数表", "not a table of parameters"),
                              key=f"behaviour.{name}", found=values)  # fmt: skip
            known = [part.name for part in fields(kinds[name])]
            for key, value in values.items():
                if key not in known:
                    raise problem(say("没有此参数", "no such parameter"), key=f"behaviour.{name}",
                                  found=key, expected=", ".join(known))  # fmt: skip
                if isinstance(value, bool):
                    raise problem(say("不是数", "not a number"), key=f"behaviour.{name}.{key}",
                                  found=value)  # fmt: skip
            made[name] = kinds[name](**values)
        return cls(**made)

    @classmethod
    def at(cls, values: Mapping[str, Any]) -> Responses:
        """Responses from parameters by key, such as ``{"volume.medical": 0.1}``.

        Raises:
            DrgError: as :meth:`of`.
        """
        document: dict[str, dict[str, Any]] = {}
        for key, value in values.items():
            response, _, name = key.partition(".")
            document.setdefault(response, {})[name] = value
        return cls.of(document)

    def values(self) -> dict[str, Any]:
        """All parameters by key, such as ``volume.medical``."""
        return {
            key: value for part in fields(self) for key, value in getattr(self, part.name).values()
        }

    @property
    def off(self) -> bool:
        """Whether nothing reacts."""
        held = ranges()
        quiet = ("coding.true_share", "intensity.follow")  # which do nothing on their own
        return not any(
            on(value) for key, value in self.values().items() if key in held and key not in quiet
        )


def on(value: Value) -> bool:
    """Whether a parameter differs from zero anywhere."""
    return bool(np.any(np.asarray(value) != 0.0))


@cache
def _document() -> dict[str, Any]:
    return read_document(_FILE)


@cache
def ranges() -> dict[str, Range]:
    """What is known of every parameter that has a source, by key."""
    return _ranges("parameters")


@cache
def drivers() -> dict[str, Range]:
    """What else moves a mean between two years, with a size to weigh it by, by key."""
    return _ranges("drivers")


def _ranges(part: str) -> dict[str, Range]:
    return {
        f"{subject}.{name}": Range(f"{subject}.{name}", **held)
        for subject, parameters in _document()[part].items()
        for name, held in parameters.items()
    }


def limits(key: str) -> tuple[float, float]:
    """Smallest and largest value of a parameter that means anything."""
    return _LIMITS.get(key, (0.0, 1.0))


def references() -> Mapping[str, Mapping[str, Any]]:
    """Published means before and after, by name."""
    return dict(_document()["references"])


def assumptions(responses: Responses) -> list[dict[str, Any]]:
    """The responses that are on, as rows ``key, zh, en, value, low, high, unit, basis, source``.

    Where a value lies outside its range, ``outside`` is true; for draws it is their mean. A limit
    that says which groups react has no range and stands beside its response.
    """
    rows: list[dict[str, Any]] = []
    given = responses.values()
    for key, known in ranges().items():
        if not on(given[key]):
            continue
        value = float(np.mean(given[key]))
        rows.append({
            "key": f"behaviour.{key}", "zh": known.zh, "en": known.en, "value": value,
            "low": known.low, "high": known.high, "unit": known.unit, "basis": known.basis,
            "outside": not known.holds(value), "source": known.source,
        })  # fmt: skip
        rows += [
            {"key": f"behaviour.{limit}", "zh": zh, "en": en, "value": float(given[limit]),
             "low": None, "high": None, "unit": unit, "basis": "scenario", "outside": False}
            for limit, (of, zh, en, unit) in _GROUPS.items() if of == key
        ]  # fmt: skip
    return rows
