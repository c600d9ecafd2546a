"""Cost basis (费用口径): which cost of a case its weight is fitted from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from drg.errors import problem
from drg.language import say
from weights.cases.observations import COMPONENTS, Floats, Observations
from weights.cases.statistics import ratio

_FACTOR = (0.01, 100.0)


@dataclass(frozen=True)
class Costs:
    """From what was billed to what is compared.

    Attributes:
        basis: ``total`` the billed total (总费用); ``components`` the five component costs, each
            times its ratio.
        ratios: cost over charge (成本收费比) of the components medical, nursing, technology, drugs
            and materials, management.
        prices: year -> price index; costs of the year are multiplied by it (价格指数).
        year_weights: year -> weight of the year in a group's mean, e.g. 1, 2, 7 for three years
            (default in China, no single source). A group's mean is then the weighted mean of its
            yearly means.
        hospital_factors: hospital -> factor by which its costs are divided before anything else,
            such as a wage index (Virginia, 12VAC30-70-381, standardises so).

    Raises:
        DrgError: the basis is not known, or a ratio, index or weight is out of its range.
    """

    basis: str = "total"
    ratios: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0)
    prices: Mapping[int, float] = field(default_factory=dict)
    year_weights: Mapping[int, float] = field(default_factory=dict)
    hospital_factors: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.basis not in ("total", "components"):
            raise problem(say("不是可用的取值", "not known"), key="cost basis", found=self.basis,
                          expected=say("total 或 components", "total or components"))  # fmt: skip
        if len(self.ratios) != len(COMPONENTS):
            raise problem(say("须为每一成分给出比值", "needs a ratio for each component"),
                          key="ratios", found=self.ratios,
                          expected=", ".join(COMPONENTS))  # fmt: skip
        if self.basis == "total" and any(ratio != 1 for ratio in self.ratios):
            raise problem(say("只用于分项费用", "are for component costs only"), key="ratios",
                          expected=say('口径 "components"', 'basis "components"'))  # fmt: skip
        named: list[tuple[str, float, float]] = [
            *((f"ratio of {c}", r, 0.0) for c, r in zip(COMPONENTS, self.ratios, strict=True)),
            *((f"price index {year}", p, _FACTOR[0]) for year, p in self.prices.items()),
            *((f"year weight {year}", w, 0.0) for year, w in self.year_weights.items()),
            *((f"factor of {h}", f, _FACTOR[0]) for h, f in self.hospital_factors.items()),
        ]
        for key, value, least in named:
            if not least <= value <= _FACTOR[1]:
                raise problem(say("超出范围", "out of range"), key=key, found=value,
                              expected=say(f"{least:g} 至 {_FACTOR[1]:g}",
                                           f"{least:g} to {_FACTOR[1]:g}"))  # fmt: skip
        for key, values in (("ratios", self.ratios), ("year weights", self.year_weights.values())):
            if values and not any(value > 0 for value in values):
                raise problem(say("全部为 0", "are all 0"), key=key)

    @property
    def components(self) -> bool:
        """Component costs are read."""
        return self.basis == "components"

    @property
    def years(self) -> bool:
        """The year of discharge is read."""
        return bool(self.prices or self.year_weights)

    @property
    def plain(self) -> bool:
        """Costs stay as they were billed."""
        return self.basis == "total" and not (self.prices or self.hospital_factors)

    def apply(self, observed: Observations) -> Observations:
        """The cases at the cost they are compared by.

        Raises:
            DrgError: a year has no index, a hospital no factor, or a case comes to a cost of 0.
        """
        if self.plain:
            return observed
        cost = observed.cost
        if self.components:
            assert observed.components is not None
            cost = observed.components @ np.asarray(self.ratios)
        if self.prices:
            cost = cost * self._by_year(observed, self.prices, ("价格指数", "price index"))
        if self.hospital_factors:
            cost = cost / self._by_hospital(observed)[observed.hospital]
        if not (cost > 0).all():
            raise problem(
                say(f"{int((cost <= 0).sum()):,} 例的费用折算为 0",
                    f"{int((cost <= 0).sum()):,} cases come to a cost of 0"), key="cost basis",
                expected=say("每例都有的成分，其比值大于 0",
                             "a ratio above 0 for a component that every case has"),
            )  # fmt: skip
        return replace(observed, cost=cost)

    def case_weights(self, observed: Observations) -> Floats | None:
        """Weights of cases by year that keep the number of cases of each group. Shape (N,).

        Raises:
            DrgError: a year has no weight, or all have weight 0.
        """
        if not self.year_weights:
            return None
        assert observed.year is not None
        wanted = self._by_year(observed, self.year_weights, ("年度权重", "year weight"))
        if not wanted.any():
            raise problem(say("各年度权重均为 0，没有病例计入测算",
                              "the years of all cases have weight 0"), key="year weight",
                          expected=say("大于 0", "above 0"))  # fmt: skip
        _, place = np.unique(observed.year, return_inverse=True)
        count = 1.0 if observed.cases is None else observed.cases
        shape = len(observed.groups), int(place.max()) + 1
        cell = observed.drg.astype(np.int64) * shape[1] + place
        cases = np.bincount(cell, np.broadcast_to(count, cell.shape), shape[0] * shape[1])
        cases = cases.reshape(shape)
        weight = np.zeros(shape)
        weight.ravel()[cell] = wanted
        # 0 for a group that has cases in years of weight 0 only
        below = weight.sum(axis=1, keepdims=True) * cases
        share = np.divide(weight * cases.sum(axis=1, keepdims=True), below,
                          out=np.zeros(shape), where=below > 0)  # fmt: skip
        return np.asarray(share.ravel()[cell])

    def _by_year(
        self, observed: Observations, table: Mapping[int, float], what: tuple[str, str]
    ) -> Floats:
        assert observed.year is not None
        known, place = np.unique(observed.year, return_inverse=True)
        missing = [int(year) for year in known if int(year) not in table]
        if missing:
            cases = int(np.isin(observed.year, missing).sum())
            zh, en = what
            unknown = say("未知", "unknown")
            raise problem(say(f"{cases:,} 例所在年度没有{zh}",
                              f"no {en} for the year of {cases:,} cases"), key=en,
                          found=", ".join(unknown if y < 0 else str(y) for y in missing),
                          expected=", ".join(map(str, sorted(table))))  # fmt: skip
        return np.array([table[int(year)] for year in known], np.float64)[place]

    def _by_hospital(self, observed: Observations) -> Floats:
        missing = [h for h in observed.hospitals if h not in self.hospital_factors]
        if missing or not observed.hospitals:
            raise problem(say("医疗机构缺少系数", "no factor for a hospital"),
                          key="hospital factors",
                          found=", ".join(missing[:5]) or say("没有 hospital_id 列",
                                                              "no column hospital_id"))  # fmt: skip
        return np.array([self.hospital_factors[h] for h in observed.hospitals], np.float64)


def component_means(observed: Observations) -> Floats:
    """Mean component costs of each group in yuan, NaN without cases. Shape (G, 5)."""
    assert observed.components is not None
    drg, parts = observed.drg, observed.components
    count = np.ones(len(observed)) if observed.cases is None else observed.cases
    size = len(observed.groups)
    cases: Floats = np.asarray(np.bincount(drg, count, size), np.float64)
    sums = [np.bincount(drg, part * count, size) for part in parts.T]
    return ratio(np.stack(sums, axis=1), cases[:, None])
