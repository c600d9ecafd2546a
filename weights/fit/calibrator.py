"""The calibrator (权重测算): from grouped cases with cost to a weight table, step by step."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from drg.errors import DrgError, one_of, problem
from drg.language import say
from weights.cases.costs import Costs, component_means
from weights.cases.intake import groups_of, observe
from weights.cases.observations import FAULTS, Floats, Intake, Observations
from weights.cases.statistics import connected_sets, reduce
from weights.estimate.rounds import Estimator, Fit
from weights.fit.adjust import Classes, CostStructure
from weights.fit.bootstrap import Bootstrap, Interval
from weights.fit.hold import FEW, TELLS, Singles, without_relatives
from weights.fit.limits import Corridor, LowVolume
from weights.fit.noise import Doubt, Noise, doubt, noise
from weights.fit.normalise import Normalise
from weights.fit.pipeline import Pipeline
from weights.fit.recipe import KEYS, PREVIOUS, step, steps, tags_of
from weights.fit.shrink import Prior, error_of_shrunk, prior, shrink, towards
from weights.fit.table import frame_of, record_of, status
from weights.fit.trail import Trail
from weights.table import WeightTable
from weights.table.families import families
from weights.trim import LogSd, Trim, Trimmed

if TYPE_CHECKING:
    import pyarrow as pa

_FEW_HOSPITALS = 10
_OFTEN = 0.9
_NOT_BELIEVED = float(np.log(2.0))
_MUCH = 0.01
_WIDE = 0.6  # logs: more is no ADRG that means anything


class Calibrator:
    """Fits relative weights from cost data (相对权重测算).

    The steps always run in this order; each is off, or what its argument says, and each is on
    record in ``table_``: cost basis, trim, estimate, shrink, low volume, order, cost structure,
    classes, normalise, corridor. The grammar is scikit-learn's: parameters in, :meth:`fit`,
    results in attributes that end in ``_``.

    Args:
        costs: cost basis.
        trim: method of trimming, by name or as an object of :mod:`weights.trim`.
        estimate: method of estimation, by name or as an ``Estimator``.
        shrink: draw weak groups to their ADRG (经验贝叶斯收缩); ``"previous"`` to last year's
            weight where there is one.
        low_volume: rule for groups with few cases, or None.
        order: put severities in order (消除倒挂).
        corridor: how far weights may move from ``previous``, or None.
        structure: adjustment of the cost structure, or None; needs component costs.
        classes: classes of groups, or None.
        normalise: scale of the weights, by name or as a :class:`~weights.fit.normalise.Normalise`.
        previous: last year's weights: a table, its file, or the id of a published one.
        families: group -> ADRG and severity, for codes that do not say so themselves.
        groups: groups that must stand in the table, with or without cases.
        bootstrap: how intervals are found, or the number of replicates; None for no intervals.

    Attributes:
        table_: the weight table with its record.
        weights_: weight by group, only of groups that have one (pandas Series).
        statistics_: sums by hospital and group after trimming.
        estimator_: the method of estimation, where it is ``judged`` the one that was chosen.
        fit_: levels and hospital factors of the estimate.
        trimmed_: what trimming did, bounds included.
        families_: ADRG and severity of the groups.
        noise_: how uncertain group means are, pooled; None without shrinkage.
        doubt_: how uncertain each level is; None without intervals.
        prior_: what shrinkage drew to, or None.
        interval_: replicates and intervals, or None.
        trail_: steps and warnings.

    Example:
        >>> import pandas as pd
        >>> cases = pd.DataFrame({"drg": ["ES11", "ES11", "ES13"], "hospital_id": ["A", "B", "A"],
        ...                       "total_cost": [9000.0, 7000.0, 5000.0]})
        >>> Calibrator().fit(cases).weights_.round(4).to_dict()
        {'ES11': 1.1429, 'ES13': 0.7143}
    """

    def __init__(
        self,
        *,
        costs: Costs | None = None,
        trim: str | Trim = "none",
        estimate: str | Estimator = "mean",
        shrink: bool | str = False,
        low_volume: LowVolume | None = None,
        order: bool = False,
        corridor: Corridor | None = None,
        structure: CostStructure | None = None,
        classes: Classes | None = None,
        normalise: str | Normalise = "cmi",
        previous: WeightTable | str | PathLike[str] | None = None,
        families: Mapping[str, tuple[str, float]] | None = None,
        groups: tuple[str, ...] = (),
        bootstrap: Bootstrap | int | None = None,
    ) -> None:
        self.costs = costs
        self.trim = trim
        self.estimate = estimate
        self.shrink = shrink
        self.low_volume = low_volume
        self.order = order
        self.corridor = corridor
        self.structure = structure
        self.classes = classes
        self.normalise = normalise
        self.previous = previous
        self.families = families
        self.groups = groups
        self.bootstrap = bootstrap

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name (scikit-learn)."""
        del deep
        return {name: getattr(self, name) for name in inspect.signature(Calibrator).parameters}

    def set_params(self, **parameters: Any) -> Calibrator:
        """Change parameters.

        Raises:
            DrgError: there is no such parameter.
        """
        known = self.get_params()
        for name, value in parameters.items():
            if name not in known:
                raise problem(say("没有此参数", "no such parameter"), key=name,
                              expected=", ".join(known))  # fmt: skip
            setattr(self, name, value)
        return self

    def fit(self, cases: pd.DataFrame | pa.Table | Observations, y: object = None) -> Calibrator:
        """Fit weights.

        Args:
            cases: grouped cases, or totals by hospital and group with the column ``cases``.
            y: ignored; scikit-learn passes it.

        Raises:
            DrgError: a step cannot be done with this data; the message names it.
        """
        del y
        self.estimator_, self._normaliser, self._trimmer, self.previous_, self.bootstrap_ = steps(
            self.get_params()
        )
        costs = self.costs or Costs()
        if isinstance(cases, Observations):
            observed = cases
        else:
            observed = observe(cases, components=costs.components, years=costs.years,
                               hospitals=self.needs_hospitals)  # fmt: skip
        self._check(observed)
        self.trail_ = Trail()
        self.trail_.of_input(observed)
        self._rejected(observed.intake)
        before = self._before()
        observed = self._cost(costs, observed.with_groups([*map(str, self.groups), *before.index]))
        kept = self._trim(observed)
        logs = self.estimator_.needs_logs or self.bootstrap_ is not None
        self.statistics_ = reduce(kept, logs=logs, case_weights=costs.case_weights(kept))
        if self.shrink:  # a wrong cost of one or two cases makes no hospital dear
            tells = self.statistics_.group_cases >= TELLS
            self.statistics_ = replace(self.statistics_, tells=tells)
        self._paid_cases = self._cases_by_hospital(observed)
        self.families_ = families(observed.groups, observed.adrgs, self.families)
        self._estimate()
        self._pipeline = self._make_pipeline(observed, kept)
        self._finish(observed)
        return self

    def predict(self, cases: pd.DataFrame) -> pd.Series[float]:
        """Weight of each case by its group, NaN where that has none; columns and codes as in fit.

        Raises:
            DrgError: the cases have no column of groups.
        """
        found = pd.Series(groups_of(cases), index=cases.index, dtype=object)
        return found.map(self.weights_).astype(np.float64).rename("weight")

    @property
    def needs_hospitals(self) -> bool:
        """A step looks at hospitals, so that a case without one cannot be used."""
        how = self.estimate if isinstance(self.estimate, str) else self.estimate.method
        return (how not in ("mean", "geometric") or bool(self.shrink) or self.bootstrap is not None
                or (self.costs is not None and bool(self.costs.hospital_factors)))  # fmt: skip

    def _before(self) -> pd.Series[float]:
        """Last year's weights, empty without any."""
        if self.previous_ is None:
            return pd.Series(dtype=np.float64)
        return self.previous_.weights

    def __getattr__(self, name: str) -> Any:
        if name.endswith("_") and not name.startswith("_"):
            raise AttributeError(f"{name} is there after fit() has run")
        raise AttributeError(f"Calibrator has no attribute {name!r}")

    def __repr__(self) -> str:
        default = Calibrator.__init__.__kwdefaults__ or {}
        given = [f"{k}={v!r}" for k, v in self.get_params().items() if v != default.get(k)]
        return f"Calibrator({', '.join(given)})"

    def _check(self, observed: Observations) -> None:
        """Refuse what cannot be done before anything is done.

        Raises:
            DrgError: a step needs what is not there.
        """
        if observed.aggregated and self._trimmer.name != "none":
            raise problem(
                say("裁剪需要单病例数据，此处为带例数列的汇总数据",
                    "trimming needs single cases; these are totals with the column cases"),
                key=f"trim {self._trimmer.name}", expected="trim none",
            )  # fmt: skip
        if self.estimator_.with_hospitals and not observed.hospitals:
            raise problem(say("需要 hospital_id（医疗机构）列", "needs the column hospital_id"),
                          key=f"method {self.estimator_.method}")  # fmt: skip
        if self.bootstrap_ is not None and len(observed.hospitals) < 2:
            raise problem(say("至少需要两家医疗机构才能抽样",
                              "needs at least two hospitals to draw from"), key="bootstrap",
                          found=say(f"{len(observed.hospitals)} 家医疗机构",
                                    f"{len(observed.hospitals)} hospitals"))  # fmt: skip
        for wanted, needed in (("corridor", self.corridor), ("shrink",
                               True if self.shrink == PREVIOUS else None), ("normalise neutral",
                               self._normaliser.method == "neutral" or None)):  # fmt: skip
            if needed is not None and self.previous_ is None:
                raise problem(say("需要上期权重", "needs last year's weights"), key=wanted,
                              expected="previous")  # fmt: skip
        components = (self.costs or Costs()).components
        if self.structure is not None and not components:
            raise problem(say("费用口径须为分项费用", "needs the component costs as cost basis"),
                          key="structure",
                          expected=say('costs 的口径 "components"',
                                       'costs basis "components"'))  # fmt: skip
        if components and observed.components is None:
            raise problem(say("需要分项费用", "needs the component costs"), key="cost basis",
                          expected=say("读取时包含分项费用",
                                       "observations read with components"))  # fmt: skip
        if (self.costs or Costs()).years and observed.year is None:
            raise problem(say("需要出院年份", "needs the year of discharge"), key="cost basis",
                          expected=say("读取时包含年份",
                                       "observations read with years"))  # fmt: skip

    def _cost(self, costs: Costs, observed: Observations) -> Observations:
        done = costs.apply(observed)
        changed = 0 if done is observed else int((done.cost != observed.cost).sum())
        ratios = " ".join(f"{r:g}" for r in costs.ratios) if costs.components else ""
        parts = [costs.basis, ratios, "price index" if costs.prices else "",
                 "hospital factors" if costs.hospital_factors else "",
                 "year weights " + ":".join(f"{w:g}" for _, w in sorted(costs.year_weights.items()))
                 if costs.year_weights else ""]  # fmt: skip
        self.trail_.of_cases("cost", ", ".join(filter(None, parts)), observed, done, changed)
        return done

    def _trim(self, observed: Observations) -> Observations:
        trim = self._trimmer
        if isinstance(trim, LogSd) and observed.stay is None:
            trim = replace(trim, rule="cost")  # what it does is what is on record
        self._left = 1.0
        if trim.name == "none":
            self.trimmed_: Trimmed | None = None
            self.trail_.of_cases("trim", "none", observed, observed, 0)
            return observed
        found = trim(observed.drg, observed.cost, observed.stay, len(observed.groups))
        self.trimmed_ = found
        self._left = 1.0 - (found.removed + found.changed) / len(observed)
        kept = observed if found.cost is observed.cost else replace(observed, cost=found.cost)
        kept = kept.select(found.keep)
        note = ""
        if found.unknown:
            note = f"{found.unknown:,} cases without a stay"
        emptied = np.isin(np.arange(len(observed.groups)), found.emptied)
        self.trail_.warn_of("groups_kept_whole", observed.groups, emptied,
                            "全部病例都在界限之外，因此全部保留",
                            "every case lies outside the bounds, so all are kept")  # fmt: skip
        if not len(kept):
            raise problem(say("全部病例都被裁剪", "all cases were trimmed"),
                          key=f"trim {trim.name}")  # fmt: skip
        self.trail_.of_cases("trim", _parameters(trim), observed, kept,
                             found.removed + found.changed, note)  # fmt: skip
        return kept

    def _cases_by_hospital(self, observed: Observations) -> Floats:
        """Cases to be paid, trimmed ones included. Shape (H, G)."""
        shape = max(1, len(observed.hospitals)), len(observed.groups)
        weighted = self.costs is not None and self.costs.year_weights
        if observed.cases is None and not weighted:
            gone = None if self.trimmed_ is None else np.flatnonzero(~self.trimmed_.keep)
            if gone is None or not len(gone):
                return self.statistics_.cases
            cell = observed.hospital[gone].astype(np.int64) * shape[1] + observed.drg[gone]
            lost = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
            return np.asarray(self.statistics_.cases + lost)
        cell = observed.hospital.astype(np.int64) * shape[1] + observed.drg
        found = np.bincount(cell, observed.cases, shape[0] * shape[1])
        return np.asarray(found, np.float64).reshape(shape)

    def _estimate(self) -> None:
        sums = self.statistics_
        how, judged = self.estimator_.settled(sums)
        self.estimator_ = how
        self.fit_: Fit = how.fit(sums)
        before = sums.mean_cost
        self.trail_.of_groups(
            "estimate", how.method + (f", smearing by {how.smearing}"
                                      if how.method == "regression" else ""),
            before, self.fit_.level, sums.group_cases, 1.0,
            "; ".join(filter(None, [
                f"{self.fit_.iterations} rounds" if how.with_hospitals else "",
                "chosen by its error in hospitals not seen: " + ", ".join(
                    f"{name} {error:.4f}" for name, error in judged.items()) if judged else "",
            ])),
        )  # fmt: skip
        if not how.with_hospitals:
            return
        if self.fit_.change > how.tolerance:
            self.trail_.warn("not_converged",
                             f"{self.fit_.iterations:,} 轮之后权重仍变动 {self.fit_.change:.2g}",
                             f"after {self.fit_.iterations:,} rounds weights still move by "
                             f"{self.fit_.change:.2g}")  # fmt: skip
        if len(sums.hospitals) == 1:
            self.trail_.warn("one_hospital", f"只有一家医疗机构，{how.method} 无从比较",
                             f"with one hospital {how.method} has none to compare")  # fmt: skip
        parts = connected_sets(sums.telling)
        if parts > 1:
            self.trail_.warn("disconnected",
                             f"医疗机构分为 {parts} 组，组间没有共同病组；"
                             "各组之间的权重依据其平均费用",
                             f"hospitals fall into {parts} sets that share no group; between the "
                             "sets weights rest on their mean costs")  # fmt: skip

    def _rejected(self, intake: Intake) -> None:
        """Say when more than a hundredth of rows or of yuan is not used for a fault of the data."""
        rows = intake.faulty
        cost = sum(abs(intake.excluded_cost.get(reason, 0.0)) for reason in FAULTS)
        if rows > _MUCH * intake.rows or cost > _MUCH * abs(intake.cost):
            self.trail_.warn("rejected",
                             f"因数据错误未使用 {rows:,} 行（{rows / max(intake.rows, 1):.1%}），"
                             f"{cost:,.0f} 元",
                             f"{rows:,} rows ({rows / max(intake.rows, 1):.1%}) with "
                             f"{cost:,.0f} yuan are not used for faults of the data")  # fmt: skip

    def _noise(self) -> Noise | None:
        try:
            return noise(self.statistics_, self.fit_)
        except DrgError:
            return None

    def _error(self, variance: Floats) -> Floats:
        """Standard error of the log of each weight. Shape (G,)."""
        assert self.doubt_ is not None
        # bounds are drawn from the cases too: Tukey and McLaughlin, Sankhya A 25:331 (1963)
        own, level = self.doubt_.variance / max(self._left, 0.5) ** 2, self.fit_.level
        if self.prior_ is not None:
            own = error_of_shrunk(
                level, variance, own, self.families_, self.prior_, self._paid_cases.sum(axis=0)
            )
        carried = np.zeros(len(own), np.bool_)
        if self.low_volume is not None and self.low_volume.action == "carry":
            carried = self.low_volume.few(self._paid_cases.sum(axis=0))
        return np.where(carried, np.nan, np.sqrt(own))

    def _make_pipeline(self, observed: Observations, kept: Observations) -> Pipeline:
        sums = self.statistics_
        size = len(observed.groups)
        self.noise_: Noise | None = None
        self.prior_: Prior | None = None
        if self.shrink:
            self.noise_ = noise(sums, self.fit_)
            self.prior_ = prior(
                self.fit_.level, self.noise_.variance(sums), self.families_, sums.group_cases
            )
            if self.prior_.spread > _WIDE or self.noise_.within > _WIDE**2 * 9:
                self.trail_.warn("wide_spread",
                                 f"病组偏离其 ADRG 达 {self.prior_.spread:.2f}（对数），组内变异"
                                 f"系数 {self.noise_.within**0.5:.2f}：收缩依据不足，请核对费用",
                                 f"groups stray from their ADRG by {self.prior_.spread:.2f} in "
                                 f"logs, costs inside groups by a CV of "
                                 f"{self.noise_.within**0.5:.2f}: shrinkage has little to go by; "
                                 "look at the costs")  # fmt: skip
            if not self.families_.known:
                self.trail_.warn("no_families",
                                 "编码不说明哪些病组同属一个 ADRG；病例少的病组向全体均值收缩",
                                 "the codes do not say which groups belong to one ADRG; weak "
                                 "groups are drawn to the mean of all")  # fmt: skip
        previous = np.full(size, np.nan)
        tags: dict[str, str] = {}
        if self.previous_ is not None:
            previous = self._before().reindex(list(observed.groups)).to_numpy(np.float64)
            tags = tags_of(self.previous_)
        if self.shrink == PREVIOUS and self.prior_ is not None and self.noise_ is not None:
            self.prior_ = towards(
                self.prior_, self.fit_.level, self.noise_.variance(sums), previous
            )
        factor = None if self.structure is None else self.structure.factor(
            observed.groups, component_means(kept) * np.asarray((self.costs or Costs()).ratios)
        )  # fmt: skip
        return Pipeline(
            self.families_, previous, self.prior_, self.low_volume, self.order, self.corridor,
            factor, self.classes, tags, self._normaliser,
            float(sums.cost.sum() / sums.cases.sum()),
            None if self.prior_ is None or not self.families_.known else self._singles(observed),
        )  # fmt: skip

    def _singles(self, observed: Observations) -> Singles:
        """Costs of the groups of few cases, cleared and on the scale of the levels."""
        assert self.noise_ is not None
        few = self._paid_cases.sum(axis=0) < FEW
        rows = np.flatnonzero(few.take(observed.drg)) if few.any() else np.empty(0, np.int64)
        cost = observed.cost[rows] / self.fit_.factor[observed.hospital[rows]]
        return Singles(observed.drg[rows], np.log(cost) + np.log1p(self.noise_.within) / 2)

    def _refit(self, drawn: Floats) -> Floats:
        """Weights of resampled hospitals, those without a case left aside. (R, H) to (R, G)."""
        sums = self.statistics_
        multiplicity = np.zeros((len(drawn), len(sums.cases)))
        multiplicity[:, sums.cases.any(axis=1)] = drawn
        quick = replace(self.estimator_, tolerance=max(self.estimator_.tolerance, 1e-7))
        levels = quick.fit(sums, multiplicity, self.fit_).level
        cases = multiplicity @ self._paid_cases
        variance = np.zeros_like(levels) if self.noise_ is None else self.noise_.variance(
            sums, multiplicity
        )  # fmt: skip
        mean = (multiplicity @ sums.cost.sum(axis=1)) / (multiplicity @ sums.cases.sum(axis=1))
        self._levels = levels / mean[:, None]
        steps = replace(self._pipeline, prior=None, singles=None)
        if self.prior_ is not None:
            levels = shrink(levels, variance, self.families_, self.prior_, cases)
        return np.stack([
            replace(steps, mean_cost=float(mean[i])).replicate(*of)
            for i, of in enumerate(zip(levels, cases, variance, strict=True))
        ])  # fmt: skip

    def _alone(self, weight: Floats, scale: float) -> Floats:
        """Tell of groups of one or two cases that nothing near tells right or wrong.

        Returns how far their costs lie from their weights in logs, 0 for all others. Shape (G,).
        """
        singles, groups = self._pipeline.singles, self.families_.groups
        if singles is None or self.prior_ is None:
            return np.zeros(len(weight))
        cases = self._paid_cases.sum(axis=0)
        lone = without_relatives(cases, self.families_, self.prior_.before)
        lone &= (cases > 0) & (cases < TELLS) & np.isfinite(weight)
        if self.low_volume is not None and self.low_volume.action != "keep":
            lone &= ~self.low_volume.few(cases)  # their own costs do not count
        self.trail_.warn_of("few_and_alone", groups, lone,
                            "只有一两例，同一 ADRG 其他病组合计不足 10 例，费用是否正确无从核对，"
                            "权重可能远低于或远高于费用；请人工核对，或作特病单议",
                            "of one or two cases, with fewer than ten of other groups in the "
                            "ADRG, so that nothing tells their costs right or wrong; weights "
                            "may lie far from costs: look at them by hand, or review them "
                            "case by case")  # fmt: skip
        number = np.maximum(np.bincount(singles.group, minlength=len(weight)), 1)
        own = np.bincount(singles.group, singles.logs, len(weight)) / number + np.log(scale)
        apart = np.where(lone, own - np.log(np.where(lone, weight, 1.0)), 0.0)
        named = tuple(f"{group} {at:.2f} ({by:.2f})" for group, at, by in
                      zip(groups, weight, np.exp(own), strict=True))  # fmt: skip
        self.trail_.warn_of("costs_not_believed", named, np.abs(apart) > _NOT_BELIEVED,
                            "其中权重与费用相差一倍以上的，先核对费用再定权重（括号内为按其费用"
                            "折合的权重）",
                            "of these, weights that are less than half or more than twice what "
                            "their own costs say (in brackets); look at the costs before the "
                            "weight is used")  # fmt: skip
        return apart

    def _finish(self, observed: Observations) -> None:
        sums, fit = self.statistics_, self.fit_
        cases = self._paid_cases.sum(axis=0)
        variance = np.zeros(len(cases)) if self.noise_ is None else self.noise_.variance(sums)
        weight, low, high = self._pipeline.run(fit.level, cases, variance, self.trail_)
        scale = self._normaliser.scale(
            fit.level, cases, self._pipeline.previous, self._pipeline.mean_cost
        )
        raw, apart = fit.level * scale, self._alone(weight, scale)
        self.interval_: Interval | None = None
        self.doubt_: Doubt | None = None
        if self.bootstrap_ is not None:
            count = int(sums.cases.any(axis=1).sum())
            self.interval_ = self.bootstrap_.run(self._refit, count, weight)
            self.doubt_ = doubt(sums, fit, self.noise_ or self._noise(), self._levels)
            # what a group's own cost says lies inside
            reach = np.abs(apart) / self.interval_.quantile(self.doubt_.freedom)
            self.interval_ = replace(
                self.interval_, error=np.maximum(self._error(variance), reach),
                freedom=self.doubt_.freedom, limits=(low, high),
            )  # fmt: skip
            if count < _FEW_HOSPITALS:
                self.trail_.warn("few_hospitals", f"区间仅依据 {count} 家医疗机构",
                                 f"intervals rest on {count} hospitals")  # fmt: skip
            if lost := int((~np.isfinite(self.interval_.replicates)).all(axis=1).sum()):
                self.trail_.warn("replicates_lost",
                                 f"{self.bootstrap_.replicates} 次重抽样中有 {lost} "
                                 "次被限制条件排除",
                                 f"the limits left no room in {lost} of "
                                 f"{self.bootstrap_.replicates} replicates")  # fmt: skip
            alone = np.isfinite(weight) & (self.doubt_.hospitals > 0) & (self.doubt_.hospitals < 3)
            self.trail_.warn_of("one_or_two_hospitals", observed.groups, alone,
                                "只有一两家医疗机构收治，区间主要依据其他病组的离散程度",
                                "treated in one or two hospitals, so that their intervals rest "
                                "mostly on the spread of other groups")  # fmt: skip
            rare = np.isfinite(weight) & (self.interval_.present() < _OFTEN)
            self.trail_.warn_of("rare_groups", observed.groups, rare,
                                "超过十分之一的重抽样中没有病例",
                                "missing in more than a tenth of the replicates")  # fmt: skip
        if observed.intake.assumed:
            self.trail_.warn("totals_as_means", "一行代表多例时，费用按例均计",
                             observed.intake.assumed)  # fmt: skip
        if self.previous_ is not None:
            new = (cases > 0) & np.isnan(self._pipeline.previous)
            self.trail_.warn_of("groups_without_previous", observed.groups, new,
                                f"{int(new.sum()):,} 个病组（{cases[new].sum():,.0f} 例）在 "
                                f"{self.previous_.id} 中没有权重",
                                f"{int(new.sum()):,} groups with {cases[new].sum():,.0f} cases "
                                f"have no weight in {self.previous_.id}")  # fmt: skip
        if sums.cost_squared is None:
            self.trail_.warn("no_spread", "带例数列的汇总数据：组内离散程度（CV、R2）无法计算",
                             "totals with the column cases: what needs the spread inside a group "
                             "(CV, R2) cannot be had")  # fmt: skip
        without = cases == 0
        for name, which, zh, en in (
            ("groups_without_cases", without, "没有病例，权重沿用上期或空缺",
             "no case, the weight is carried on or missing"),
            ("groups_without_weight", ~np.isfinite(weight) & ~without, "有病例而没有权重",
             "cases but no weight"),
        ):  # fmt: skip
            self.trail_.warn_of(name, observed.groups, which, zh, en)
        states = status(weight, cases, sums.group_cases, self.low_volume, self._pipeline.previous)
        frame = frame_of(
            observed.groups, sums, self.families_, weight=weight, raw=raw, cases=cases,
            states=states, interval=self.interval_, doubt=self.doubt_, trimmed=self.trimmed_,
            previous=None if self.previous_ is None else self._pipeline.previous,
        )  # fmt: skip
        record = record_of(
            observed, self.trail_, previous=self.previous_, noise=self.noise_, prior=self.prior_,
            bootstrap=self.bootstrap_,
        )  # fmt: skip
        self.table_ = WeightTable("fitted", frame, record)
        self.weights_ = self.table_.weights


def _parameters(trim: Trim) -> str:
    fields = [f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in vars(trim).items()]
    return f"{trim.name} ({', '.join(fields)})"


def calibrator(recipe: Mapping[str, Any], file: str | PathLike[str] | None = None) -> Calibrator:
    """Make a calibrator from a recipe.

    Args:
        recipe: keys of a recipe; a step is its name, true, or a table of its parameters.
        file: where it was read, for messages.

    Raises:
        DrgError: a key, a method or a value is not known or out of range; the message names it.
    """
    found: dict[str, Any] = {}
    for key, value in recipe.items():
        if key not in KEYS:
            raise problem(say("不是测算方案的键", "not known in a recipe"), key=key,
                          expected=one_of(KEYS))  # fmt: skip
        if value is None or value is False:
            continue
        try:
            found[key] = step(key, value)
        except DrgError as error:
            raise DrgError(f"{file}: {error}" if file is not None else str(error)) from None
    return Calibrator(**found)
