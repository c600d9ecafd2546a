"""Words and numbers of reports (报告用词) in Chinese and English: how each kind of cell is said."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable

from drg import language
from drg.cases.choices import INSURANCES_ZH
from drg.page.blocks import Cell, Kept
from drg.page.small_cells import few
from drg.persons import masked

MINUS = "\N{MINUS SIGN}"
DASH = "—"
_LONGEST = 160
_WAN, _THOUSAND = 10_000.0, 1_000.0
_UNSEEN = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
SIGNED = ("gain", "change", "yuan_change", "fen_change")
_DECIMALS = {"cases": 0, "count": 0, "yuan": 0, "yuan_change": 0, "fen": 2, "fen_change": 2,
             "ratio": 2, "index": 3, "weight": 4, "value": 4, "points": 0}  # fmt: skip
INSURANCES = {
    "employee": (INSURANCES_ZH["employee"], "employees"),
    "resident": (INSURANCES_ZH["resident"], "residents"),
    "all": ("全部", "all"),
}
TIERS = {1: ("一级", "tier 1"), 2: ("二级", "tier 2"), 3: ("三级", "tier 3")}
BRANCHES_EN = {
    "bad_cost": "cost not valid", "outside_year": "outside the year",
    "no_hospital": "hospital not registered", "no_insurance": "insurance unknown",
    "no_pool": "in no pool", "fixed_price": "fixed price", "day_bed": "day-bed quota",
    "review": "special review",
    "new_technology": "new technology", "ungrouped": "ungrouped", "ambiguous": "ambiguous",
    "unpriced": "no weight or no rate", "unstable": "unstable group",
    "short_stay": "short stay", "long_stay": "long stay",
    "transfer": "transfer or against advice", "low": "low outlier", "high": "high outlier",
    "normal": "normal",
}  # fmt: skip
EFFECTS = {
    "price": ("投入价格", "input prices"), "case_mix": ("病例组合", "case mix"),
    "intensity": ("服务强度", "intensity"), "volume": ("服务量", "volume"),
}  # fmt: skip
DECIDED = {
    "rate": ("按费率支付，不设点值", "paid by rates, without a point value"),
    "pool": ("基金池总额除以总点数", "the pool's money divided by its points"),
    "given": ("政策规定的点值", "set by the policy"),
    "floor": ("受点值下限约束", "held at its floor"),
    "ceiling": ("受点值上限约束", "held at its ceiling"),
}  # fmt: skip


class Words(language.Words):
    """The language of a report and its way of writing numbers."""

    def insurance(self, code: str) -> str:
        """Name of an insurance or of a pool."""
        return self.of(INSURANCES[code]) if code in INSURANCES else clean(code)

    def tier(self, tier: object) -> str:
        """Name of a tier of hospitals; 0 and ``all`` are the region."""
        if str(tier) in ("all", "0", "0.0"):
            return self("全统筹区", "region")
        number = _whole(tier)
        return self("未定级", "no tier") if number is None else self.of(
            TIERS.get(number, (f"{number} 级", f"tier {number}"))
        )  # fmt: skip

    def branch(self, code: str, zh: str) -> str:
        """Name of the way in which a case was priced."""
        return (clean(zh) or clean(code)) if self.zh else BRANCHES_EN.get(code, clean(code))

    def decided(self, code: str) -> str:
        """What decided a point value."""
        return self.of(DECIDED[code]) if code in DECIDED else clean(code)

    @property
    def unit(self) -> str:
        """Unit of sums of money in tables."""
        return self("万元", "thousand yuan")

    def units(self, kind: str) -> str:
        """Unit of a kind of column, as the page writes its numbers; empty without one."""
        return {
            "cases": self("例", "cases"), "money": self.unit, "gain": self.unit,
            "yuan": self("元/例", "yuan a case"), "yuan_change": self("元/例", "yuan a case"),
            "fen": self("元", "yuan"), "fen_change": self("元", "yuan"),
            "share": "%", "change": "%", "points": self("点", "points"),
            "value": self("元/点", "yuan a point"),
        }.get(kind, "")  # fmt: skip

    def scaled(self, yuan: float) -> float:
        """Yuan in the unit of sums of money."""
        return yuan / (_WAN if self.zh else _THOUSAND)

    def number(self, value: Cell, kind: str, digits: int | None = None) -> str:
        """A cell of a column of numbers, with its sign where the kind is a change."""
        if isinstance(value, Kept):
            return value.value
        if isinstance(value, str):
            return clean(value)
        if value is None or not math.isfinite(value):
            return DASH
        if kind == "year":
            return str(round(value))
        if kind == "plain":
            text = fixed(value, 4 if digits is None else digits)
            return text.rstrip("0").rstrip(".") if "." in text else text
        if kind in ("money", "gain"):
            value, usual = self.scaled(value), 2 if self.zh else 1
        elif kind in ("share", "change"):
            value, usual = 100 * value, 1
        else:
            usual = _DECIMALS[kind]
        text = fixed(value, usual if digits is None else digits, signed=kind in SIGNED)
        return text + "%" * (kind in ("share", "change"))

    def money(self, yuan: float, *, signed: bool = False) -> str:
        """An amount of money in running text, with its unit."""
        if not self.zh:
            if abs(yuan) >= 1e6:
                return fixed(yuan / 1e6, 2, signed=signed) + " million yuan"
            return fixed(yuan, 0, signed=signed) + " yuan"
        if abs(yuan) >= 1e8:
            return fixed(yuan / 1e8, 2, signed=signed) + " 亿元"
        return fixed(yuan / _WAN, 1 if abs(yuan) >= 1e6 else 2, signed=signed) + " 万元"

    def share(self, value: float, digits: int = 1, *, signed: bool = False) -> str:
        """A share as a percentage."""
        return fixed(100 * value, digits, signed=signed) + "%" if math.isfinite(value) else DASH

    def joined(self, texts: Iterable[str]) -> str:
        """A list in running text."""
        return self("、", ", ").join(texts)

    def few(self, value: float) -> str:
        """A number of cases in running text, untold when it is small."""
        return Kept.FEW.value if few(value) else f"{value:,.0f}"


def fixed(value: float, decimals: int, *, signed: bool = False) -> str:
    """A number with thousands separators and a true minus sign; -0 is 0."""
    text = f"{abs(value):,.{decimals}f}"
    if not any(c in "123456789" for c in text):
        return text
    return (MINUS if value < 0 else "+" if signed else "") + text


def clean(text: object, longest: int = _LONGEST) -> str:
    """A text of the data in one line: nothing unseen in it, cut when very long.

    Marks that turn the direction of writing and characters without width are left out, so that a
    name reads as it is written and cannot turn what stands beside it. Identity and mobile numbers
    are asterisks.
    """
    if text is None or (isinstance(text, float) and math.isnan(text)):
        return ""
    whole = unicodedata.normalize("NFC", _UNSEEN.sub("", str(text)[: 8 * longest]))
    whole = "".join(c if c.isprintable() else " " for c in whole)
    whole = masked(" ".join(whole.split()))
    return whole if len(whole) <= longest else whole[: longest - 1] + "…"


def without_few(text: str) -> str:
    """A sentence without numbers of cases from 1 to 4, and without the money beside them."""
    text = re.sub(r"(?<![\d,.])[1-4] cases?\b(, [\d,.]+ yuan)?", "fewer than 5 cases", text)
    return re.sub(r"(?<![\d,.])[1-4] ?例", "不足 5 例", text)


def _whole(value: object) -> int | None:
    if isinstance(value, int | float) and math.isfinite(value):
        return int(value)
    text = str(value).strip()
    return int(float(text)) if re.fullmatch(r"\d+(\.0+)?", text) else None


def plural(count: int, one: str, more: str) -> str:
    """A count with its noun (and verb) in English: ``1 hospital gains``, ``2 hospitals gain``."""
    return f"{count:,} {one if count == 1 else more}"
