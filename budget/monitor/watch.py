"""The monitor itself (基金运行监测): from priced months to budgets, forecast and warnings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from budget.monitor.drivers import Base, Drivers, drivers
from budget.monitor.forecast import ENDS, METHODS, MONTHS, Forecast, Trial, forecast, trials
from budget.monitor.history import History, budget_by_month
from budget.monitor.levels import Levels
from budget.monitor.spend import WEIGHT_UNIT, Spend, projected_value, within_months
from budget.pools.money import LastYear
from drg.cases.choices import INSURANCES_ZH
from drg.money import Fen, allocate, to_fen, to_yuan

Floats = npt.NDArray[np.float64]
# hospital or group -> place of a pool -> place -> budget by month in fen, shape (12,).
Shares: TypeAlias = Mapping[str, Mapping[int, Mapping[int, Fen]]]
NO_GROUP = "(none)"  # cases without a group that has a weight
LEVEL_KEYS = {"pool": (), "hospital": ("hospital",), "group": ("group",)}
_FALLS = 0.6  # of the mean of the months before: a last month below it may not be complete


@dataclass(frozen=True)
class PoolWatch:
    """A pool, watched.

    Attributes:
        name: of the pool.
        place: among the policy's pools.
        cells: its cells.
        amount: its money in fen (可分配额), None where it is not known.
        reserve: its reserve in fen.
        budget: the money by month in fen. Shape (12,); None likewise.
        spent: spend by month in fen. Shape (months,).
        ahead: forecast of the year; None where nothing was spent.
        trials: forecasts of earlier years at the same month.
        drivers: what drives the spend; None without a base.
        value: fixed value of a point in yuan, NaN where money does not value points.
        projected: projected point value, NaN likewise or without a budget.
        months_left: how many months the balance lasts, NaN where it is not known.
    """

    name: str
    place: int
    cells: pd.DataFrame
    amount: int | None
    reserve: int
    budget: Fen | None
    spent: Fen
    ahead: Forecast | None
    trials: tuple[Trial, ...]
    drivers: Drivers | None
    value: float
    projected: float
    months_left: float

    @property
    def by_points(self) -> bool:
        """Whether the pool's money values its points, so that it cannot be overspent."""
        return not math.isnan(self.value)

    @property
    def over(self) -> float:
        """Expected spend of the year over the pool's money in yuan; NaN where that is not known."""
        if self.amount is None or self.ahead is None:
            return math.nan
        return self.ahead.year - self.amount / 100


@dataclass(frozen=True)
class Watch:
    """Months watched.

    Attributes:
        spend: spend of the months.
        pools: the pools.
        base: what spend is compared with; None in the first month without last year's cases.
        shares: indicative budgets of hospitals and groups by month.
        months: the table of months.
        ahead: the table of the forecast.
        warned: the table of warnings.
        measures: figures of the performance summary.
        notes: name -> what a reader must know, Chinese and English.
    """

    spend: Spend
    pools: tuple[PoolWatch, ...]
    base: Base | None
    shares: Shares
    months: pd.DataFrame
    ahead: pd.DataFrame
    warned: pd.DataFrame
    measures: Mapping[str, float]
    notes: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def watch(
    spend: Spend, levels: Levels, history: History, *, before: Spend | None = None,
    last_year: LastYear | None = None,
) -> Watch:  # fmt: skip
    """Watch the months so far.

    Args:
        spend: of the months.
        levels: the monitor's document.
        history: spend of earlier years.
        before: last year's spend, all its months, priced by the same policy.
        last_year: last year's spend by pool, or by pool and hospital, in yuan.
    """
    notes: dict[str, tuple[str, str]] = {}
    base = _base(spend, before)
    pools = tuple(_pool(spend, place, levels, history, base, notes)
                  for place in range(len(spend.pools)))  # fmt: skip
    shares = _shares(spend, pools, before, last_year)
    if base is None:
        notes["no_base"] = ("只有一个月且没有上年病例，无法分解变动原因",
                            "one month and no cases of last year: nothing to compare "
                            "with")  # fmt: skip
    months = _months(spend, pools, shares)
    warned = _warnings(spend, pools, base, shares, levels)
    measures = _measures(spend, pools, base, history)
    return Watch(spend, pools, base, shares, months, _ahead(pools), warned, measures,
                 notes)  # fmt: skip


def _base(spend: Spend, before: Spend | None) -> Base | None:
    """Last year's same months where they are at hand, else the mean of the earlier months."""
    if before is not None:
        same = within_months(before, spend.months)
        return Base("last_year", same.cells, spend.cells, Fraction(1))
    if spend.months < 2:
        return None
    last = spend.cells["month"] == spend.months - 1
    return Base("earlier_months", spend.cells[~last], spend.cells[last],
                Fraction(1, spend.months - 1))  # fmt: skip


def _pool(
    spend: Spend, place: int, levels: Levels, history: History, base: Base | None,
    notes: dict[str, tuple[str, str]],
) -> PoolWatch:  # fmt: skip
    done, name = spend.done, spend.pools[place]
    said = INSURANCES_ZH.get(name, name)
    money = done.money[place]
    unknown = any(f"{what}_{name}" in done.warnings for what in ("no_money", "last_year_unknown"))
    amount = None if unknown else int(money.amount)
    if unknown:
        notes[f"no_budget.{name}"] = (
            f"{said}：上年支出未知，没有预算可比",
            f"{name}: last year's spend is not known, so there is no budget to hold it against",
        )
    spent = spend.by_month(place)
    season, earlier = history.season(name), history.earlier(name)
    budget = None if amount is None else budget_by_month(amount, season, done.year)
    if not np.isfinite(earlier).any():
        notes[f"no_history.{name}"] = (
            f"{said}：没有历年月度支出，季节未知，区间因此较宽",
            f"{name}: no earlier months, so its season is not known and intervals are wide",
        )
    if spend.months > 2 and spent[-1] < _FALLS * spent[:-1].mean():
        notes[f"last_month.{name}"] = (
            f"{said}：最近一个月的支出不足此前月均的 {_FALLS:.0%}，可能尚未报全；"
            "用 --month 可不计该月",
            f"{name}: the last month's spend is below {_FALLS:.0%} of the mean before it and may "
            "not be complete; --month leaves it out",
        )
    yuan = to_yuan(spent)
    ahead = forecast(yuan, earlier) if (spent > 0).any() else None
    shared = spend.shared.get(name)
    projected = months_left = math.nan
    if shared is not None and amount is not None and ahead is not None:
        projected = projected_value(shared, amount, ahead.year, int(spent.sum()))
    balance = levels.balances.get(name)
    if balance is not None and budget is not None and ahead is not None and ahead.year > 0:
        left = int(to_fen(balance)) + int(budget[: spend.months].sum()) - int(spent.sum())
        months_left = left / 100 / (ahead.year / MONTHS)
    own = None if base is None else drivers(base, pool=place)
    return PoolWatch(
        name, place, spend.cells[spend.cells["pool"] == place], amount, int(money.reserve), budget,
        spent, ahead, tuple(trials(history.years(name), spend.months)), own,
        math.nan if shared is None else shared.value, projected, months_left,
    )  # fmt: skip


def _shares(
    spend: Spend, pools: tuple[PoolWatch, ...], before: Spend | None, last_year: LastYear | None
) -> Shares:
    """Each pool's monthly budget by hospital and by group, by last year's spend where it is known.

    They are indicative: no policy gives them. In every month they add up to that of the pool.
    """
    found: dict[str, dict[int, dict[int, Fen]]] = {"hospital": {}, "group": {}}
    ids = {name: place for place, name in enumerate(spend.done.hospitals.ids)}
    for pool in pools:
        if pool.budget is None:
            continue
        given = (last_year or {}).get(pool.name)
        for key, held in found.items():
            weights: dict[int, int] = {}
            if before is not None:
                own = before.cells[before.cells["pool"] == pool.place].groupby(key)["spend"].sum()
                weights = dict(zip(own.index.tolist(), own.tolist(), strict=True))
            if key == "hospital" and isinstance(given, Mapping):
                weights = {ids[one]: int(to_fen(yuan)) for one, yuan in given.items() if one in ids}
            if sum(weights.values()) > 0:
                places = sorted(weights)
                parts = allocate(pool.budget, np.array([weights[one] for one in places]))
                held[pool.place] = dict(zip(places, parts.T, strict=True))
    return found


def _months(spend: Spend, pools: tuple[PoolWatch, ...], shares: Shares) -> pd.DataFrame:
    """Spend against budget by pool, then by hospital, then by group; each adds up to the pools."""
    ids, groups, parts = spend.done.hospitals.ids, spend.groups, []
    names = ("cases", "weight", "cost", "patient", "other", "spend", "outside")
    for level, more in LEVEL_KEYS.items():
        keys = ["pool", *more]
        sums = spend.cells.groupby([*keys, "month"])[list(names)].sum()
        held: dict[tuple[int, ...], Fen | None] = {tuple(one[:-1]): None for one in sums.index}
        for pool in pools:
            if not more:
                held[pool.place,] = pool.budget
            for place, budget in shares.get(level, {}).get(pool.place, {}).items():
                held[pool.place, place] = budget
        order = sorted(held)
        index = pd.MultiIndex.from_tuples(
            [(*one, month) for one in order for month in range(spend.months)],
            names=[*keys, "month"],
        )
        frame = sums.reindex(index, fill_value=0).reset_index()
        frame["budget"] = np.concatenate([_known(held[one], none=_none(level, one[0], shares))
                                          for one in order])[:, : spend.months].ravel()  # fmt: skip
        same = [frame[key] for key in keys]
        frame["to_date"] = frame.groupby(same)["spend"].cumsum()
        frame["budget_to_date"] = frame.groupby(same)["budget"].cumsum()
        parts.append(frame.assign(level=level))
    whole = pd.concat(parts, ignore_index=True)
    none = pd.Series(np.nan, whole.index)
    frame = pd.DataFrame({
        "level": whole["level"],
        "pool": [spend.pools[int(one)] for one in whole["pool"]],
        "hospital_id": ["" if one != one else ids[int(one)] for one in whole.get("hospital", none)],
        "drg": ["" if one != one else groups[int(one)] or NO_GROUP
                for one in whole.get("group", none)],
        "month": whole["month"].astype(np.int64) + 1,
        "cases": whole["cases"].astype(np.int64),
        "case_mix": np.round(whole["weight"] / WEIGHT_UNIT / whole["cases"].replace(0, np.nan), 4),
        **{name: to_yuan(whole[name].astype(np.int64)) for name in names[2:]},
        **{name: whole[name] / 100.0 for name in ("budget", "to_date", "budget_to_date")},
    })  # fmt: skip
    due = frame["budget_to_date"]
    frame["ratio"] = np.round(frame["to_date"] / due.where(due > 0), 4)
    return frame


def _none(level: str, pool: int, shares: Shares) -> float:
    """The budget of what last year had no spend: 0 where others of its kind have budgets."""
    return 0.0 if pool in shares.get(level, {}) else math.nan


def _known(budget: Fen | None, *, none: float) -> Floats:
    """A budget as floats, ``none`` in each month where there is none. Shape (1, 12)."""
    held = np.full(MONTHS, none) if budget is None else budget.astype(np.float64)
    return np.asarray(held[None, :])


def _ahead(pools: tuple[PoolWatch, ...]) -> pd.DataFrame:
    """Spend of the year to the end of each month, known ones as they came; and of the months."""
    rows = []
    for pool in pools:
        if pool.ahead is None:
            continue
        known = np.repeat(np.cumsum(pool.spent)[:, None] / 100, 5, axis=1)
        own = np.repeat(pool.spent[:, None] / 100, 5, axis=1)
        to_date = np.vstack([known, np.column_stack([pool.ahead.to_date, pool.ahead.ends])])
        of_month = np.vstack([own, np.column_stack([pool.ahead.expected, pool.ahead.of_month])])
        names = ("expected", *ENDS)
        rows += [
            {"pool": pool.name, "month": month + 1}
            | {name: round(float(to_date[month, i]), 2) for i, name in enumerate(names)}
            | {f"month_{name}": round(float(of_month[month, i]), 2)
               for i, name in enumerate(names)}
            for month in range(MONTHS)
        ]  # fmt: skip
    names = ("expected", *ENDS)
    return pd.DataFrame(rows, columns=["pool", "month", *names, *(f"month_{n}" for n in names)])


def _warnings(
    spend: Spend, pools: tuple[PoolWatch, ...], base: Base | None, shares: Shares, levels: Levels
) -> pd.DataFrame:
    ids, groups = spend.done.hospitals.ids, spend.groups
    rows: list[dict[str, object]] = []

    def add(pool: PoolWatch, what: str, value: float, amount: float, driven: Drivers | None,
            hospital: str = "", drg: str = "", chance: float = math.nan) -> None:  # fmt: skip
        level = levels.levels[what]
        found = "" if math.isnan(value) else level.of(value)
        if not found:
            return
        told: dict[str, object] = {
            "level": found, "kind": what, "pool": pool.name, "hospital_id": hospital, "drg": drg,
            "month": spend.months, "value": round(value, 4),
            "threshold": level.red if found == "red" else level.amber,
            "amount": round(amount, 2), "chance": round(chance, 4),
        }  # fmt: skip
        if driven is not None and base is not None:
            group, by_group = driven.most("groups")
            house, by_house = driven.most("hospitals")
            told |= {
                "against": base.kind,
                "change": driven.change / 100,
                "cases": driven.cases / 100,
                "mix": driven.mix / 100,
                "price": driven.price / 100,
                "top_drg": "" if group is None else groups[group] or NO_GROUP,
                "top_drg_change": by_group / 100,
                "top_hospital": "" if house is None else ids[house],
                "top_hospital_change": by_house / 100,
            }
        rows.append(told | {"source": level.source})

    for pool in pools:
        budget, so_far = pool.budget, int(pool.spent.sum())
        if budget is not None and pool.amount and pool.ahead is not None and not pool.by_points:
            chance = pool.ahead.above(pool.amount / 100)
            add(pool, "year_end", pool.ahead.year / (pool.amount / 100), pool.over, pool.drivers,
                chance=chance)  # fmt: skip
            due = int(budget[: spend.months].sum())
            add(pool, "to_date", so_far / due if due else math.nan, (so_far - due) / 100,
                pool.drivers)  # fmt: skip
            over = max(pool.over, 0.0)
            share = over / (pool.reserve / 100) if pool.reserve else math.nan
            add(pool, "reserve", share, over, pool.drivers, chance=chance)
        if pool.by_points:
            add(pool, "point_value", pool.projected / pool.value, math.nan, pool.drivers)
        add(pool, "months_left", pool.months_left, math.nan, pool.drivers)
        for key in ("hospital", "group"):
            sums = pool.cells.groupby(key)[["cases", "spend", "squares"]].sum()
            totals = dict(zip(sums.index.tolist(), sums.to_numpy().tolist(), strict=True))
            before = _squares(base, pool.place, key)
            for place, held in shares[key].get(pool.place, {}).items():
                cases, spent, squares = totals.get(place, (0, 0, 0))
                if cases < levels.least:
                    continue
                due = int(held[: spend.months].sum())
                by_chance = 100 * math.sqrt(squares + before.get(place, squares))
                if not due or spent - due <= levels.deviations * by_chance:
                    continue
                driven = None if base is None else drivers(base, pool=pool.place, **{key: place})
                home = key == "hospital"
                add(
                    pool,
                    key,
                    spent / due,
                    (spent - due) / 100,
                    driven,
                    ids[place] if home else "",
                    "" if home else groups[place] or NO_GROUP,
                )
    columns = ["level", "kind", "pool", "hospital_id", "drg", "month", "value", "threshold",
               "amount", "chance", "against", "change", "cases", "mix", "price", "top_drg",
               "top_drg_change", "top_hospital", "top_hospital_change", "source"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    order = pd.DataFrame({
        "level": frame["level"].map({"red": 0, "amber": 1}),
        "kind": frame["kind"].map({name: place for place, name in enumerate(levels.levels)}),
        "amount": -frame["amount"].fillna(0.0), "pool": frame["pool"],
        "key": frame["hospital_id"] + frame["drg"],
    })  # fmt: skip
    return frame.loc[
        order.sort_values(["level", "kind", "amount", "pool", "key"], kind="stable").index
    ].reset_index(drop=True)


def _squares(base: Base | None, pool: int, key: str) -> dict[int, int]:
    """How far chance moved last year's spend, on which indicative budgets rest, by place."""
    if base is None or base.kind != "last_year":
        return {}
    sums = base.cells[base.cells["pool"] == pool].groupby(key)["squares"].sum()
    return dict(zip(sums.index.tolist(), sums.tolist(), strict=True))


def _measures(
    spend: Spend, pools: tuple[PoolWatch, ...], base: Base | None, history: History
) -> dict[str, float]:
    """Figures of the performance summary, all pools together; NaN where one is not known."""
    done, cells = spend.done, spend.cells
    known = [pool for pool in pools if pool.amount is not None]
    sums = {name: int(cells[name].sum()) for name in ("cases", "cost", "patient", "spend",
            "outside", "weight")}  # fmt: skip
    whole = sum(int(done.money[pool.place].whole) for pool in known)
    reserve = sum(pool.reserve for pool in known)
    due = sum(int(pool.budget[: spend.months].sum()) for pool in known if pool.budget is not None)
    spent = sum(int(pool.spent.sum()) for pool in known)
    money = sum(pool.amount or 0 for pool in known)
    expected = sum(pool.ahead.year for pool in known if pool.ahead is not None)
    errors = [trial.off["model"] for pool in pools for trial in pool.trials]
    left = [pool.months_left for pool in pools if not math.isnan(pool.months_left)]
    years = [sum(bool(np.isfinite(months).all()) for _, months in history.years(pool.name))
             for pool in pools]  # fmt: skip

    def over(above: float, below: float) -> float:
        return above / below if below else math.nan

    found = {
        "budget_known": len(known) / len(pools), "history_years": float(min(years, default=0)),
        "reserve_share": over(reserve, whole), "settled_share": over(sums["cases"],
                                                                     len(done.claims)),
        "to_date": over(spent, due), "year_end": over(expected * 100, money),
        "forecast_error": float(np.mean(errors)) if errors else math.nan,
        "patient_share": over(sums["patient"], sums["cost"]),
        "cost_per_case": over(sums["cost"] / 100, sums["cases"]),
        "fund_per_case": over((sums["spend"] + sums["outside"]) / 100, sums["cases"]),
        "case_mix": over(sums["weight"] / WEIGHT_UNIT, sums["cases"]),
        "months_left": min(left) if left else math.nan,
        "case_mix_change": math.nan, "cost_change": math.nan,
    }  # fmt: skip
    if base is not None:
        for name, part in (("case_mix_change", "weight"), ("cost_change", "cost")):
            now, was = (over(int(held[part].sum()), int(held["cases"].sum()))
                        for held in (base.now, base.cells))  # fmt: skip
            found[name] = over(now, was) if was == was else math.nan
    return found


def trial_frame(pools: tuple[PoolWatch, ...]) -> pd.DataFrame:
    """Forecasts of earlier years at the same month, a row a pool and year."""
    rows = [
        {"pool": pool.name, "year": trial.year, "came": round(trial.came, 2),
         **{f"error_{name}": round(trial.off[name], 6) for name in METHODS},
         "inside80": trial.inside80, "inside95": trial.inside95}
        for pool in pools for trial in pool.trials
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["pool", "year", "came",
                                       *(f"error_{name}" for name in METHODS), "inside80",
                                       "inside95"])  # fmt: skip
