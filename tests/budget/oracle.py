"""A settlement case by case in plain fractions, written from docs/payment and docs/policies.md.

Slow, without arrays and without floats: the cases are rows of a frame as a file would have them,
the policy is read key by key. Patients are those of ``fund_paid`` in the file.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

BY_STANDARD = ("transfer", "low", "high", "normal")


def exact(value: Any) -> Fraction:
    return Fraction(str(value))


def half_up(number: Fraction, digits: int = 0) -> Fraction:
    """To so many decimals, halves away from zero (四舍五入)."""
    unit = 10**digits
    size = floor(abs(number) * unit + Fraction(1, 2))
    return Fraction(size if number >= 0 else -size, unit)


def fen(yuan: Fraction) -> int:
    return int(half_up(yuan * 100))


SELECTORS = ("hospital", "population", "hospital_class", "county", "level", "tier", "insurance")


def asks(row: Any) -> list[str]:
    return [name for name in SELECTORS if getattr(row, name)]


def fits(row: Any, who: dict[str, Any]) -> bool:
    return all(who.get(name) in getattr(row, name) for name in asks(row))


def chosen(rows: Any, who: dict[str, Any]) -> Any:
    """The row that applies: the first selector that only one of two rows names decides."""
    found = [row for row in rows if fits(row, who)]
    return max(found, key=lambda row: [name in asks(row) for name in SELECTORS], default=None)


def in_band(bands: Any, number: Fraction, who: dict[str, Any] | None = None) -> Any:
    best = chosen(bands, who or {})
    if best is None:
        return None
    for band in bands:
        if any(getattr(band, name) != getattr(best, name) for name in SELECTORS):
            continue
        if band.upto is not None and number > exact(band.upto):
            continue
        if band.below is not None and number >= exact(band.below):
            continue
        return band
    raise AssertionError(number)


@dataclass
class Answer:
    """What the oracle says of a case: branch, standard in yuan, points, fund money in fen."""

    branch: str = ""
    standard: Fraction | None = None
    worth: Fraction = Fraction(0)  # reference yuan
    points: int = 0
    fund: int = 0


class Oracle:
    """A year settled."""

    def __init__(self, frame, policy, hospitals, weights, year, last_year):
        self.policy, self.year = policy, year
        self.rows = frame.to_dict("records")
        self.hospitals = {row["hospital_id"]: row for row in hospitals.to_dict("records")}
        self.weights = weights.set_index("drg").to_dict("index")
        self.read()
        self.means()
        self.answers = [self.first(i) for i in range(len(self.rows))]
        self.second()
        self.pay(last_year)

    # What the file says

    def read(self) -> None:
        self.cases: list[dict[str, Any]] = []
        for row in self.rows:
            out = datetime.date.fromisoformat(row["discharge_date"])
            drg = row["drg"]
            home = self.hospitals.get(row["hospital_id"])
            weight = self.weights.get(drg, {}).get("weight")
            self.cases.append(row | {
                "cost": exact(row["total_cost"]), "out": out,
                "in": datetime.date.fromisoformat(row["admission_date"]), "home": home,
                "kind": "ungrouped" if drg in ("", "0000") else
                "ambiguous" if drg.endswith("QY") else "grouped",
                "known": drg in self.weights,
                "weight": None if weight is None or weight != weight else exact(weight),
                "who": {
                    "hospital": row["hospital_id"], "insurance": row["insurance"],
                    "population": row["population"],
                    **({} if home is None else {
                        "hospital_class": home["class"], "county": home["county"],
                        "level": home["level"], "tier": home["tier"]}),
                },
                "settles": out.year == self.year and home is not None,
            })  # fmt: skip
        for case in self.cases:
            case["pool"] = chosen(self.policy.pools, self.no_person(case))

    def no_person(self, case) -> dict[str, Any]:
        return {name: held for name, held in case["who"].items() if name != "population"}

    def means(self) -> None:
        """Mean costs of the region, of groups, of groups in hospitals."""
        held: dict[Any, list[Fraction]] = {}
        for case in self.cases:
            if case["settles"] and case["known"]:
                for key in ("all", case["drg"], (case["hospital_id"], case["drg"])):
                    held.setdefault(key, []).append(case["cost"])
        self.count = {key: len(costs) for key, costs in held.items()}
        self.mean = {key: sum(costs) / len(costs) for key, costs in held.items()}
        given = self.policy.standard.mean_cost
        self.regional = exact(given) if given is not None else self.mean.get("all")

    # The standard

    def sets(self, case, kind: str, *, personal: bool) -> list[Any]:
        groups = self.policy.groups
        found = []
        for row in getattr(groups, kind) if groups is not None else ():
            own = (
                bool(row.population)
                or getattr(row, "age_below", None) is not None
                or (getattr(row, "least_share", None) is not None)
            )
            who = case["who"] if row.population else self.no_person(case)
            if own is personal and self.member(row, case["drg"]) and fits(row, who):
                found.append(row)
        return found

    def member(self, row, drg: str) -> bool:
        column = self.weights.get(drg, {}).get(row.column) if row.column else None
        return drg in self.weights and bool(
            row.all_groups
            or drg in row.groups
            or any(drg.startswith(b) for b in row.adrgs)
            or (row.column and str(column) in row.values)
        )

    def figure(self, rows, case, of: str) -> Fraction | None:
        """A figure of rows by hospital and group."""
        who, found = self.no_person(case), []
        for row in rows:
            value = getattr(row, of)
            if row.figures is not None:
                value = self.weights.get(case["drg"], {}).get(row.figures)
            if (
                self.member(row, case["drg"])
                and fits(row, who)
                and value is not None
                and (value == value and value != "")
            ):
                found.append((row, value))
        best = chosen([row for row, _ in found], who)
        return next((exact(value) for row, value in found if row is best), None)

    def k(self, case) -> Fraction:
        held, who = self.policy.coefficients, self.no_person(case)
        found = None
        if held is not None:
            found = self.figure(held.by_group, case, "k")
            if found is None and (row := chosen(held.table, who)) is not None:
                found = exact(row.k)
            reached = [step for step in held.convergence if step.year <= self.year]
            if found is not None and reached:
                found += exact(reached[-1].share) * (1 - found)
        found = Fraction(1) if found is None else found
        for row in self.sets(case, "basic", personal=False):
            found = exact(row.k) if row.k is not None else Fraction(1)
        return found

    def own_k(self, case) -> Fraction:
        """The coefficient as thresholds see it: a rate for all hospitals leaves it alone."""
        groups = self.policy.groups
        basic = [row for row in self.sets(case, "basic", personal=False) if row.k is not None]
        if groups is None or basic or not self.sets(case, "basic", personal=False):
            return self.k(case)
        return self.k(case | {"drg": "\x00"})

    def unit(self, case) -> Fraction | None:
        """The standard of weight 1 before multipliers."""
        how, who = self.policy.standard, self.no_person(case)
        if how.kind == "points":
            return self.regional * self.k(case)
        row = chosen(how.rates, who)
        rate = None if row is None else exact(row.yuan)
        for one in self.sets(case, "basic", personal=False):
            if one.rate_of is not None:
                rate = exact(next(r.yuan for r in how.rates if r.name == one.rate_of))
        return None if rate is None else rate * self.k(case)

    def base(self, case) -> Fraction | None:
        how = self.policy.standard
        if not case["known"] or not case["settles"]:
            return None
        if how.kind == "own_mean":
            own = how.own_mean
            found = self.figure(own.published, case, "yuan")
            if found is not None:
                return found
            key = case["hospital_id"], case["drg"]
            if self.count.get(key, 0) >= own.least_cases:
                return self.mean[key]
            return self.mean.get(case["drg"]) if own.otherwise == "regional_mean" else None
        unit = self.unit(case)
        return None if unit is None or case["weight"] is None else unit * case["weight"]

    def rounded(self, yuan: Fraction) -> Fraction:
        how = self.policy.standard
        return yuan if how.kind == "points" else half_up(yuan, how.decimals)

    def standard(self, case) -> Fraction | None:
        found = self.base(case)
        if found is None:
            return None
        for kind in ("tcm", "incentive", "watched", "multiplier"):
            for row in self.sets(case, kind, personal=False):
                found *= exact(row.factor)
        found = self.rounded(found)
        moved = found
        for kind in ("tcm", "incentive", "watched", "multiplier"):
            for row in self.sets(case, kind, personal=True):
                if getattr(row, "age_below", None) and not case["age"] < row.age_below:
                    continue
                if getattr(row, "least_share", None) is not None and (
                    exact(case["tcm_share"]) < exact(row.least_share)
                ):
                    continue
                moved *= exact(row.factor)
        day = self.policy.special.day_surgery
        if day is not None and case["day_surgery"] == "1":
            moved *= exact(day.factor)
        return self.rounded(moved)

    def by_weight(self, case, weight: Fraction) -> Fraction | None:
        """A weight that is no group's, at the middle of the hospital's prices of weight 1."""
        prices = []
        for drg, row in self.weights.items():
            one = case | {"drg": drg}
            if row["weight"] != row["weight"] or self.sets(one, "basic", personal=False):
                continue
            if self.policy.standard.kind == "own_mean":
                base = self.base(one | {"known": True})
                base = None if base is None else base / exact(row["weight"])
            else:
                base = self.unit(one)
            if base is not None:
                prices.append(half_up(base, 9))
        if not prices:
            return None
        prices.sort()
        middle = len(prices) // 2
        both = prices[middle] + prices[middle - (len(prices) % 2 == 0)]
        return self.rounded(half_up(both / 2, 10) * weight)

    # Branch and price

    def first(self, i: int, *, approved: bool = False, beyond: bool = False) -> Answer:
        case, special, answer = self.cases[i], self.policy.special, Answer()
        cost = case["cost"]
        answer.standard = standard = self.standard(case)
        for name, wrong in (
            ("bad_cost", cost <= 0), ("outside_year", case["out"].year != self.year),
            ("no_hospital", case["home"] is None), ("no_pool", case["pool"] is None),
        ):  # fmt: skip
            if wrong:
                answer.branch = name
                return answer

        def paid(branch: str, worth: Fraction) -> Answer:
            answer.branch, answer.worth = branch, worth
            return answer

        bed = special.day_bed
        if bed is not None and case["day_bed"] == "1":
            principal = case["diagnoses"].split("|")[0]
            for one in bed.diseases:
                if any(principal.startswith(code) for code in one.diagnoses):
                    return paid("day_bed", exact(one.quota))
        if approved:
            return paid("review", cost * (1 - exact(special.review.unreasonable)))
        new = special.new_technology
        if new is not None and new.pay == "by_item" and self.technology(case, new):
            return paid("new_technology", cost)
        for branch, here in (
            ("ungrouped", case["kind"] == "ungrouped"), ("ambiguous", case["kind"] == "ambiguous"),
            ("unpriced", case["kind"] == "grouped" and standard is None),
        ):  # fmt: skip
            if here:
                return self.without(case, branch, answer, beyond)
        if self.sets(case, "unstable", personal=False):
            return paid("unstable", cost)
        for branch in ("short_stay", "long_stay"):
            rule = getattr(special, branch)
            days = case["length_of_stay"]
            if rule is not None and (days <= rule.days if branch == "short_stay"
                                     else days >= rule.days):  # fmt: skip
                return paid(branch, cost if rule.pay == "by_item" else self.bed_days(days))
        rule = special.transfer
        if (
            rule is not None
            and case["discharge_mode"] in rule.modes
            and (rule.within_days is None or case["length_of_stay"] <= rule.within_days)
        ):
            if rule.pay == "by_item":
                return paid("transfer", cost)
            share = exact(rule.share or 0)
            if rule.pay == "proportional":
                mean = self.mean.get(case["drg"])
                share = Fraction(1) if mean is None else cost / mean
                share = share if rule.cap is None else min(share, exact(rule.cap))
            return paid("transfer", standard * share)
        answer.branch, answer.worth = self.by_ratio(case, standard, None, None, beyond)
        return answer

    def bed_days(self, days: int) -> Fraction:
        rule, total = self.policy.special.bed_day, Fraction(0)
        for day in range(1, days + 1):
            total += exact(in_band(rule.rates, Fraction(day)).value)
        return total if rule.unit == "yuan" else total / self.per_yuan()

    def technology(self, case, rule) -> bool:
        for one in rule.technologies:
            codes = case["procedures"].split("|")
            if any(code.startswith(b) for code in codes for b in one.procedures):
                begin = one.valid_from
                end = begin.replace(year=begin.year + rule.years)
                return begin <= case["out"] < end
        return False

    def without(self, case, branch: str, answer: Answer, beyond: bool) -> Answer:
        rule, cost = getattr(self.policy.special, branch), case["cost"]
        answer.branch = branch
        if rule.pay == "share_of_cost":
            answer.worth = cost * exact(rule.share)
        elif rule.pay == "by_item":
            answer.worth = cost
        elif rule.pay == "weight":
            answer.standard = self.by_weight(case, exact(rule.weight))
            answer.worth = cost if answer.standard is None else answer.standard
        elif answer.standard is None:
            answer.worth = cost
        else:
            _, answer.worth = self.by_ratio(case, answer.standard, rule.low, rule.high, beyond)
        return answer

    def by_ratio(self, case, standard, own_low, own_high, beyond) -> tuple[str, Fraction]:
        """Low, normal or high."""
        outliers, cost, who = self.policy.outliers, case["cost"], self.no_person(case)
        weight = Fraction(1) if case["weight"] is None else case["weight"]
        if outliers.ratio == "regional" and case["weight"] is None:
            return "normal", standard  # M x RW is not there: no ratio
        base = standard if outliers.ratio == "standard" else self.regional * weight
        r, low, high = cost / base, outliers.low, outliers.high
        if low is not None:
            band = in_band(low.thresholds, weight, who)
            limit = None if band is None else exact(band.value)
            if limit is not None and low.times_k:
                limit *= min(Fraction(1), self.own_k(case))
            limit = limit if own_low is None else exact(own_low)
            if limit is not None and (r < limit or (low.included and r == limit)):
                return "low", cost * exact(low.share)
        if high is not None:
            band = in_band(high.thresholds, weight, who)
            limit = None if band is None else exact(band.value)
            limit = limit if own_high is None else exact(own_high)
            if limit is not None and (r > limit or (high.included and r == limit)):
                if beyond:
                    return "high", standard
                return "high", self.high(high, cost, standard, r, limit, base)
        if low is not None and low.band is not None and r < exact(low.band.upto):
            return "normal", cost * exact(low.band.cost) + standard * exact(low.band.standard)
        return "normal", standard

    def high(self, rule, c, s, r, t, base) -> Fraction:
        if rule.rule == "banded":
            band = in_band(rule.bands, r)
            return exact(band.cost) * c + exact(band.standard) * s
        share, step, part = (exact(getattr(rule, name) or 0) for name in ("share", "step", "part"))
        return {
            "standard": s, "cost": c, "excess_points": s + base * (r - t),
            "cost_minus": c - (t - 1) * s, "cost_minus_standard": c - s,
            "excess_share": s * (1 + share * (r - t)), "step_share": s * (step + share * (r - t)),
            "cost_minus_part": c - part * s, "cap": t * s,
        }[rule.rule]  # fmt: skip

    # What other cases say

    def second(self) -> None:
        special, high = self.policy.special, self.policy.outliers.high
        order = sorted(range(len(self.cases)), key=lambda i: self.cases[i]["case_id"])
        approved: set[int] = set()
        if special.review is not None:
            wanted = [
                i
                for i in order
                if self.cases[i]["special_review"] == "1"
                and (special.review.eligible == "all" or self.answers[i].branch == "high")
            ]
            approved, _ = self.quota(wanted, special.review.quotas, Fraction(0))
        beyond: set[int] = set()
        if high is not None and high.quotas:
            wanted = [i for i in order if self.answers[i].branch == "high" and i not in approved]
            _, beyond = self.quota(wanted, high.quotas, Fraction(1))
        for i in approved | beyond:
            self.answers[i] = self.first(i, approved=i in approved, beyond=i in beyond)
        for i in range(len(self.cases)):
            answer, factor = self.answers[i], self.readmitted(i) * self.over_cap(i)
            if answer.branch in BY_STANDARD and factor != 1:
                answer.worth = self.rounded(answer.worth * factor)
                answer.standard = self.rounded(answer.standard * factor)

    def drg_discharge(self, i: int) -> bool:
        case = self.cases[i]
        return case["settles"] and case["cost"] > 0 and case["kind"] == "grouped"

    def quota(self, wanted, rows, otherwise: Fraction) -> tuple[set[int], set[int]]:
        """The largest overruns of each hospital first."""
        by_insurance = any(row.insurance for row in rows)

        def unit(i):
            case = self.cases[i]
            return case["hospital_id"], case["insurance"] if by_insurance else ""

        inside: set[int] = set()
        beyond: set[int] = set()
        for place in sorted({unit(i) for i in wanted if self.drg_discharge(i)}):
            mine = [i for i in wanted if unit(i) == place and self.drg_discharge(i)]
            all_cases = [i for i in range(len(self.cases))
                         if self.drg_discharge(i) and unit(i) == place]  # fmt: skip
            who = self.no_person(self.cases[mine[0]])
            row = chosen(rows, who if by_insurance else who | {"insurance": "employee"})
            most = floor(len(all_cases) * (otherwise if row is None else exact(row.share)))
            mine.sort(key=lambda i: -(self.cases[i]["cost"] - (self.answers[i].standard or 0)))
            inside |= set(mine[:most])
            beyond |= set(mine[most:])
        return inside, beyond

    def readmitted(self, i: int) -> Fraction:
        rule, case = self.policy.special.readmission, self.cases[i]
        if rule is None or not self.counts(case, rule):
            return Fraction(1)
        size = len(case["drg"]) if rule.same == "drg" else 3
        mine = [
            (other["out"], other["in"], other["case_id"]) for other in self.cases
            if self.counts(other, rule) and other["patient_id"] == case["patient_id"]
            and other["hospital_id"] == case["hospital_id"]
            and other["drg"][:size] == case["drg"][:size]
        ]  # fmt: skip
        later = [one for one in mine if one > (case["out"], case["in"], case["case_id"])]
        if later and 0 <= (min(later)[1] - case["out"]).days <= rule.days:
            return exact(rule.factor)
        return Fraction(1)

    def counts(self, case, rule) -> bool:
        return bool(case["patient_id"] and case["known"] and case["home"]) and not any(
            case["drg"].startswith(begin) for begin in rule.exempt_adrgs
        )

    def over_cap(self, i: int) -> Fraction:
        rule, case = self.policy.special.caseload, self.cases[i]
        caps = {} if rule is None else {cap.name: cap.cases for cap in rule.caps}
        if not case["settles"] or case["drg"] not in caps:
            return Fraction(1)
        mine = sorted(
            (other["out"], other["case_id"]) for other in self.cases
            if other["settles"] and other["drg"] == case["drg"] and (
                rule.per == "region" or other["hospital_id"] == case["hospital_id"])
        )  # fmt: skip
        place = mine.index((case["out"], case["case_id"]))
        return exact(rule.beyond) if place >= caps[case["drg"]] else Fraction(1)

    # The pools

    def per_yuan(self) -> Fraction:
        points = self.policy.standard.points
        return Fraction(1) if points is None else exact(points.per_weight) / self.regional

    def pay(self, last_year) -> None:
        kind = self.policy.standard.kind
        least = fen(exact(self.policy.benefit.fund_floor))
        for pool in self.policy.pools:
            mine = [i for i, answer in enumerate(self.answers)
                    if self.cases[i]["pool"] is pool and self.cases[i]["settles"]]  # fmt: skip
            inside = [i for i in mine if self.answers[i].branch not in pool.outside]
            open_cases = []
            for i in mine:
                answer, case = self.answers[i], self.cases[i]
                worth = fen(answer.worth)
                row = chosen(self.policy.standard.point_values, self.no_person(case))
                if kind != "rate" and i in inside:
                    answer.points = int(half_up(answer.worth * self.per_yuan() * 10_000))
                    if row is None or row.given is None:
                        open_cases.append(i)
                        continue
                    worth = fen(Fraction(answer.points, 10_000) * exact(row.given))
                    answer.standard = self.shown(answer.standard, exact(row.given))
                elif kind != "rate":
                    answer.standard = self.shown(answer.standard, 1 / self.per_yuan())
                answer.fund = max(worth - self.beside(i), least)
            if open_cases:
                rest = self.amount(pool, last_year) - sum(
                    self.answers[i].fund for i in inside if i not in open_cases
                )
                self.share_out(pool, open_cases, rest, least)

    def shown(self, standard, point_value: Fraction):
        if standard is None:
            return None
        return half_up(standard * self.per_yuan() * point_value, self.policy.standard.decimals)

    def beside(self, i: int) -> int:
        case = self.cases[i]
        return fen(case["cost"]) - min(fen(exact(case["fund_paid"])), fen(case["cost"]))

    def amount(self, pool, last_year) -> int:
        budget = (
            fen(exact(pool.budget))
            if pool.basis == "given"
            else int(
                half_up(
                    fen(exact(pool.last_year or last_year[pool.name])) * (1 + exact(pool.growth))
                )
            )
        )
        aside = sum(
            fen(exact(one.amount))
            if one.amount is not None
            else int(half_up(budget * exact(one.share)))
            for one in pool.carve_outs
        )
        return budget - aside - int(half_up((budget - aside) * exact(pool.reserve)))

    def share_out(self, pool, cases, amount: int, least: int) -> None:
        """The value of a point at which the pool is used up, then the largest remainders."""
        held = list(cases)
        while True:
            points = sum(self.answers[i].points for i in held)
            money = amount - least * (len(cases) - len(held)) + sum(map(self.beside, held))
            value = Fraction(money, points)
            above = [i for i in cases if self.answers[i].points * value - self.beside(i) > least]
            if above == held or not above:
                break
            held = above
        row = chosen(self.policy.standard.point_values, self.no_person(self.cases[cases[0]]))
        low, high = (None, None) if row is None else (row.floor, row.ceiling)
        yuan = value * 100
        bound = (
            low
            if low is not None and yuan < exact(low)
            else (high if high is not None and yuan > exact(high) else None)
        )
        if bound is not None:
            for i in cases:
                worth = fen(Fraction(self.answers[i].points, 10_000) * exact(bound))
                self.answers[i].fund = max(worth - self.beside(i), least)
            return
        rests = []
        for i in cases:
            worth = self.answers[i].points * value
            whole = floor(worth)
            floored = whole - self.beside(i) < least
            self.answers[i].fund = max(whole - self.beside(i), least)
            rests.append(
                (Fraction(0) if floored else -(worth - whole), self.cases[i]["case_id"], i)
            )
        left = amount - sum(self.answers[i].fund for i in cases)
        for _, _, i in sorted(rests)[:left]:
            self.answers[i].fund += 1
