"""The roster of experts (专家库): who may sit on a panel, read from a table and checked."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from itertools import pairwise
from os import PathLike

import pandas as pd

from drg.errors import problem
from drg.language import say
from drg.provenance import hash_text
from weights.negotiation.forms.rows import Form, RowError, read_form
from weights.negotiation.proposals.context import hospital_of

ALL_MDCS = "*"
HEADERS: dict[str, tuple[str, ...]] = {
    "expert_id": ("专家编号", "专家编码", "专家代码", "expert", "id"),
    "name": ("姓名", "专家姓名", "expert_name"),
    "hospital_id": ("医疗机构代码", "医疗机构编码", "医院编码", "医院代码", "定点医药机构编号",
                    "hospital", "fixmedins_code"),
    "tier": ("级别", "医院级别", "医疗机构级别", "医院等级", "hosp_lv"),
    "county": ("区县", "县区", "所属区县"),
    "specialty": ("专业", "专科", "科室", "department"),
    "mdcs": ("MDC", "主要诊断大类", "MDC范围", "擅长MDC"),
    "vote_weight": ("表决权重", "投票权重", "权数"),
    "active": ("在库", "在库状态", "是否在库", "状态"),
}  # fmt: skip
REQUIRED = ("expert_id", "hospital_id", "tier", "mdcs")
_TIERS = {"3": 3, "三": 3, "三级": 3, "2": 2, "二": 2, "二级": 2, "1": 1, "一": 1, "一级": 1,
          "0": 0, "未定级": 0, "无": 0}  # fmt: skip
_YES = {"", "是", "在库", "有效", "y", "yes", "true", "1", "在"}
_NO = {"否", "不在库", "出库", "停用", "n", "no", "false", "0", "不在"}
_ALL = {"*", "全部", "所有", "ALL"}
_MDC = re.compile(r"[A-Z]|[0-9]{1,2}")
_HIGHEST_VOTE = 1000.0


@dataclass(frozen=True)
class Expert:
    """One expert (专家).

    Attributes:
        expert_id: unique id.
        name: name, the id where the roster has none.
        hospital_id: where the expert works.
        tier: 3, 2, 1, or 0 for a hospital without a tier.
        county: county, "" where unknown.
        specialty: specialty in words.
        mdcs: MDCs that the expert judges, sorted; ``("*",)`` for all.
        vote_weight: votes that a vote counts for in a weighted vote, above 0.
        active: whether the expert may be drawn.
    """

    expert_id: str
    name: str
    hospital_id: str
    tier: int
    county: str
    specialty: str
    mdcs: tuple[str, ...]
    vote_weight: float = 1.0
    active: bool = True

    def covers(self, mdc: str) -> bool:
        """Whether the expert judges groups of an MDC."""
        return mdc in self.mdcs or ALL_MDCS in self.mdcs


@dataclass(frozen=True)
class Roster:
    """The roster (专家库), in order of ids, so that the order of the file does not matter.

    Attributes:
        experts: sorted by ``expert_id``, each id once.
    """

    experts: tuple[Expert, ...]

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.experts, key=lambda e: e.expert_id))
        for one, other in pairwise(ordered):
            if one.expert_id == other.expert_id:
                raise problem(say("专家重复出现", "an expert stands twice"), key="expert_id",
                              found=one.expert_id)  # fmt: skip
        object.__setattr__(self, "experts", ordered)

    def __len__(self) -> int:
        return len(self.experts)

    def __getitem__(self, expert_id: str) -> Expert:
        return self._by_id[expert_id]

    def __contains__(self, expert_id: object) -> bool:
        return expert_id in self._by_id

    @cached_property
    def _by_id(self) -> dict[str, Expert]:
        return {e.expert_id: e for e in self.experts}

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over what the roster says, whatever the format and order of its file."""
        return hash_text(*(repr(astuple(expert)) for expert in self.experts))

    def at(self, hospitals: Mapping[str, str]) -> Roster:
        """The roster with the hospitals' ids as a round has them, whatever their spelling here.

        Args:
            hospitals: id -> name.
        """
        return Roster(tuple(
            replace(one, hospital_id=hospital_of(one.hospital_id, hospitals) or one.hospital_id)
            for one in self.experts
        ))  # fmt: skip

    def frame(self) -> pd.DataFrame:
        """The roster as a table with the columns of a roster file."""
        rows = [
            (e.expert_id, e.name, e.hospital_id, e.tier, e.county, e.specialty, "|".join(e.mdcs),
             e.vote_weight, "yes" if e.active else "no")
            for e in self.experts
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(HEADERS))


def read_roster(
    source: str | PathLike[str] | pd.DataFrame, sheet: str | None = None
) -> tuple[Roster, pd.DataFrame]:
    """Read a roster from CSV, Excel or Parquet, or take it from a frame.

    A row that cannot be used is listed and left out: a blank id, a tier or MDC that is none, an id
    that stands twice with different data (all its rows), a hospital whose experts have several
    tiers (the rows of the rarer ones).

    Returns:
        The roster, and the rejected rows as ``row, column, value, reason``.

    Raises:
        DrgError: the file cannot be read, a column is missing, or no row can be used.
    """
    form = read_form(source, HEADERS, REQUIRED, sheet)
    rows = _one_tier(form, _once(form, form.parsed(_expert)))
    if not rows:
        raise problem(say("专家库中没有可用的专家", "no expert in the roster that can be used")
                      + form.first_reject(), file=form.file)  # fmt: skip
    return Roster(tuple(expert for _, expert in rows)), form.reject_frame()


def _expert(cells: Mapping[str, str]) -> Expert:
    expert_id, hospital = _folded(cells["expert_id"]), _folded(cells["hospital_id"])
    for name, held in (("expert_id", expert_id), ("hospital_id", hospital)):
        if not held:
            raise RowError(name, "", "为空", "is blank")
    return Expert(
        expert_id,
        cells.get("name", "") or expert_id,
        hospital,
        _tier(cells["tier"]),
        cells.get("county", ""),
        cells.get("specialty", ""),
        _mdcs(cells["mdcs"]),
        _vote_weight(cells.get("vote_weight", "")),
        _active(cells.get("active", "")),
    )


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def _tier(text: str) -> int:
    found = _TIERS.get(_folded(text).removesuffix(".0"))
    if found is None:
        raise RowError("tier", text, "不是级别：3、2、1 或 0（三级、二级、一级、未定级）",
                       "not a tier: 3, 2, 1 or 0 (三级, 二级, 一级, 未定级)")  # fmt: skip
    return found


def _mdcs(text: str) -> tuple[str, ...]:
    parts = [part for part in re.split(r"[|,;/、，；\s]+", _folded(text).upper()) if part]
    if any(part in _ALL for part in parts):
        return (ALL_MDCS,)
    found = {part.removeprefix("MDC") for part in parts}
    wrong = sorted(part for part in found if not _MDC.fullmatch(part))
    if wrong or not found:
        raise RowError("mdcs", text, "不是 MDC 列表，例如 B|F，全部用 *",
                       "not a list of MDCs such as B|F, or * (全部) for all")  # fmt: skip
    return tuple(sorted(found))


def _vote_weight(text: str) -> float:
    if not text:
        return 1.0
    try:
        value = float(_folded(text))
    except ValueError:
        value = math.nan
    if not 0 < value <= _HIGHEST_VOTE:
        raise RowError("vote_weight", text, f"不是大于 0、不大于 {_HIGHEST_VOTE:g} 的数",
                       f"not a number above 0, at most {_HIGHEST_VOTE:g}")  # fmt: skip
    return value


def _active(text: str) -> bool:
    folded = _folded(text).lower().removesuffix(".0")
    if folded not in _YES | _NO:
        raise RowError("active", text, "既不是“是”也不是“否”", "neither yes (是) nor no (否)")
    return folded in _YES


def _once(form: Form, rows: Sequence[tuple[int, Expert]]) -> list[tuple[int, Expert]]:
    """Every id once; rows that contradict each other are all left out, repetitions are listed."""
    by_id: dict[str, list[tuple[int, Expert]]] = defaultdict(list)
    for row, expert in rows:  # E001 and e001 are one person
        by_id[expert.expert_id.casefold()].append((row, expert))
    kept = []
    for found in by_id.values():
        same = len({expert for _, expert in found}) == 1
        kept += found[:1] if same else []
        first = found[0][0]
        for row, expert in found[1:] if same else found:
            reason = (f"与第 {first} 行重复", f"repeats row {first}") if same else (
                "同一代码的内容不同", "the id stands twice with different data")  # fmt: skip
            form.reject(row, RowError("expert_id", expert.expert_id, *reason))
    return kept


def _one_tier(form: Form, rows: Iterable[tuple[int, Expert]]) -> list[tuple[int, Expert]]:
    """Every hospital in one tier: the one that most of its experts have, the higher of equals."""
    rows = list(rows)
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for _, expert in rows:
        counts[expert.hospital_id][expert.tier] += 1
    tier = {h: max(found, key=lambda t: (found[t], t)) for h, found in counts.items()}
    kept = []
    for row, expert in rows:
        if expert.tier == tier[expert.hospital_id]:
            kept.append((row, expert))
            continue
        hospital, most = expert.hospital_id, tier[expert.hospital_id]
        form.reject(row, RowError("tier", str(expert.tier), f"{hospital} 的其他专家为 {most} 级",
                                  f"other experts of {hospital} have tier {most}"))  # fmt: skip
    return kept
