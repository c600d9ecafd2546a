"""How the comparison of two schemes is said (方案比对用词): kinds of change, levels, warnings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grouper.compare.complications import CC, MCC, NONE
from grouper.compare.groups import Match
from grouper.compare.summary import Comparison, Numbers

if TYPE_CHECKING:
    from drg.page.blocks import Pair

KINDS: dict[str, Pair] = {
    "kept": ("保留", "kept"), "renumbered": ("改编码", "renumbered"), "split": ("拆分", "split"),
    "merged": ("合并", "merged"), "regrouped": ("重组", "regrouped"), "new": ("新增", "new"),
    "gone": ("取消", "gone"),
}  # fmt: skip
LEVELS: dict[str, Pair] = {
    MCC: ("MCC", "MCC"), CC: ("CC", "CC"), NONE: ("非并发症", "no complication"),
}  # fmt: skip
NUMBERS: dict[str, Pair] = {
    "mdcs": ("MDC", "MDC"), "adrgs": ("ADRG", "ADRG"), "drgs": ("DRG", "DRG"),
    "mcc": ("MCC 编码", "MCC codes"), "cc": ("CC 编码", "CC codes"),
    "tables": ("排除表", "exclusion tables"), "operations": ("计入分组的手术操作",
                                                         "operations that count"),
}  # fmt: skip
ONLY_NAMES: Pair = (
    "一方只有病组目录、没有入组编码，只能按名称比对；并发症、排除表和编码未比对。",
    "One side lists groups without codes: only names could be compared, and neither complications, "
    "exclusion tables nor codes.",
)
NOT_TO_BE_USED: Pair = (
    "以下编码在两方案中指不同的病组：原权重、费率和历史数据不得按编码沿用。",
    "These codes mean another group now: old weights, rates and series must not be joined on them.",
)
HOW: Pair = (
    "病组按名称和入组的诊断、手术操作对应，不按病组编码对应。"
    "DRG 在对应的 ADRG 内按严重程度、年龄等分组条件对应。",
    "Groups are matched by name and by the codes that lead to them, not by their own code; DRGs "
    "inside matched ADRGs by what their rules ask for (severity, age).",
)


@dataclass(frozen=True)
class Compared:
    """A comparison and how its two schemes are called."""

    found: Comparison
    old: str
    new: str

    def numbers(self) -> Iterator[tuple[Pair, int | None, int | None]]:
        """What is counted, before and after."""
        before, after = self.found.numbers
        for field in Numbers.__dataclass_fields__:
            yield NUMBERS[field], getattr(before, field), getattr(after, field)


def changed(matches: Sequence[Match], *kinds: str) -> list[Match]:
    """Matches of some kinds, those of ambiguous groups left out."""
    return [match for match in matches if match.kind in kinds and not match.aside]


def aside(matches: Sequence[Match]) -> tuple[int, int]:
    """How many ambiguous groups and rows for no group came and went."""
    apart = [match.kind for match in matches if match.aside]
    return apart.count("new"), apart.count("gone")
