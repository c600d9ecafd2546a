"""Adjustment of weights (权重调整): cost structure, and classes of groups that policy treats apart.

Both work on groups, not on cases, and say for each group by what factor it was changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from drg.cases.codes import plain_group
from drg.cases.texts import texts_of
from drg.documents import fit, read_document
from drg.errors import DrgError, one_of, problem
from drg.language import say
from drg.tables import read_table
from weights.cases.observations import Bools, Floats

COMPONENTS = ("medical", "nursing", "technology", "drug_material", "management")
FACTORS = (0.5, 2.0)

# kind -> Chinese term and the factors it may have
KINDS: dict[str, tuple[str, tuple[float, float]]] = {
    "severe": ("疑难重症", (1.0, 2.0)),
    "basic": ("基础病组", FACTORS),
    "tcm": ("中医优势病种", (1.0, 1.10)),
    "incentive": ("激励", (1.0, 2.0)),
    "watched": ("重点监控", (0.5, 1.0)),
}
_BY_NAME = {chinese: kind for kind, (chinese, _) in KINDS.items()} | {kind: kind for kind in KINDS}
_CLASS_KEYS = (
    "name", "kind", "factor", "weight", "freeze", "groups", "adrgs", "tags", "reason", "source",
)  # fmt: skip
_CSV_KEYS = ("name", "kind", "by", "code", "factor", "weight", "freeze", "reason", "source")
_BY = {"group": "groups", "adrg": "adrgs", "tag": "tags"}
_YES, _NO = ("true", "1", "yes", "是"), ("", "false", "0", "no", "否")


@dataclass(frozen=True)
class CostStructure:
    """Adjustment of the cost structure (费用结构调整): labour up, drugs and materials down.

    The level of a group is multiplied by sum_j a_j mu_j / sum_j mu_j over its mean component costs
    mu_j. Where the components sum to the level itself, the result is sum_j a_j mu_j.

    Attributes:
        factors: a_j for medical (医疗), nursing (护理), technology (医技), drugs and materials
            (药耗) and management (管理), each 0.5 to 2.
        source: where the factors come from.

    Raises:
        DrgError: there are not five factors, or one is out of range.
    """

    factors: tuple[float, ...] = (1.10, 1.10, 0.95, 0.90, 1.00)
    source: str = "default, no published source"

    def __post_init__(self) -> None:
        if len(self.factors) != len(COMPONENTS):
            raise problem(say("须为每一成分给出系数", "needs a factor for each component"),
                          key="cost structure", found=self.factors,
                          expected=", ".join(COMPONENTS))  # fmt: skip
        for component, factor in zip(COMPONENTS, self.factors, strict=True):
            _number(factor, FACTORS, f"cost structure: {component}")

    def factor(self, groups: Sequence[str], components: Floats) -> Floats:
        """What the level of each group is multiplied by, 1 without component costs. Shape (G,).

        Args:
            groups: codes of the groups, length G.
            components: mean cost of each component in yuan, in the order of :data:`COMPONENTS`,
                NaN where unknown, shape (G, 5).

        Raises:
            DrgError: a component's mean is negative, or the shapes do not fit.
        """
        if components.shape != (len(groups), len(COMPONENTS)):
            raise problem(say("成分与病组不对应", "components do not fit the groups"),
                          key="cost structure", found=components.shape,
                          expected=say(f"{len(groups)} 个病组的行，5 个成分",
                                       f"rows for {len(groups)} groups, 5 components"))  # fmt: skip
        for group, component in np.argwhere(components < 0)[:1]:
            raise problem(say(f"{groups[group]} 的平均费用为负",
                              f"negative mean cost of {groups[group]}"), key=COMPONENTS[component],
                          found=components[group, component],
                          expected=say("不小于 0", "0 or more"))  # fmt: skip
        whole = components.sum(axis=1)
        known = whole > 0
        factor = np.ones(len(groups))
        factor[known] = components[known] @ np.asarray(self.factors) / whole[known]
        return factor


@dataclass(frozen=True)
class GroupClass:
    """One class of groups that policy treats apart.

    Attributes:
        name: what it is called, by default the Chinese term of its kind.
        kind: a key of :data:`KINDS`.
        groups: codes of groups that belong to it.
        adrgs: beginnings of codes: every group whose code begins so belongs to it.
        tags: every group with one of these tags belongs to it.
        factor: what the weight is multiplied by.
        weight: the fixed weight of its groups, or None.
        frozen: whether the weight stays as it is when weights are normalised.
        reason: why.
        source: the document that says so.
        place: where the class is defined, for messages.
    """

    name: str
    kind: str
    groups: tuple[str, ...]
    adrgs: tuple[str, ...]
    tags: tuple[str, ...]
    factor: float
    weight: float | None
    frozen: bool
    reason: str
    source: str
    place: str

    @property
    def change(self) -> tuple[float, float | None, bool]:
        """What it does to a weight; classes that do the same do not contradict."""
        return self.factor, self.weight, self.frozen


_UNCHANGED = (1.0, None, False)


@dataclass(frozen=True)
class Adjusted:
    """Levels after the classes were applied.

    Attributes:
        level: adjusted levels, shape (G,).
        factor: adjusted over given level, shape (G,); NaN where a fixed weight meets a group
            without level.
        frozen: groups whose level must stay exactly so when weights are normalised, shape (G,);
            a group without level cannot be.
        unknown: what the document names and no group answers to: ``XX11``, ``adrg XX1``, ``tag x``.
    """

    level: Floats
    factor: Floats
    frozen: Bools
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Classes:
    """The classes of a document, in its order.

    Attributes:
        classes: the classes.
        file: the document, for messages.
    """

    classes: tuple[GroupClass, ...]
    file: str | None = None

    def apply(
        self, groups: Sequence[str], level: Floats, tags: Mapping[str, str] | None = None
    ) -> Adjusted:
        """Adjust weights.

        Args:
            groups: codes of the groups, length G.
            level: relative weight of each group, shape (G,).
            tags: code -> its tags, several joined by ``|``; or None.

        Raises:
            DrgError: a group belongs to two classes that change its weight otherwise.
        """
        members, unknown = self._members(groups, tags or {})
        adjusted, factors = level.astype(np.float64), np.ones(len(groups))
        frozen = np.zeros(len(groups), np.bool_)
        for at, held in members.items():
            factors[at], weight, frozen[at] = self._change(groups[at], held)
            if weight is None:
                adjusted[at] *= factors[at]
            else:
                factors[at], adjusted[at] = weight / adjusted[at], weight
        frozen &= ~np.isnan(adjusted)
        return Adjusted(adjusted, factors, frozen, unknown)

    def _members(
        self, groups: Sequence[str], tags: Mapping[str, str]
    ) -> tuple[dict[int, list[GroupClass]], tuple[str, ...]]:
        """Classes of each group by its position, and what no group answers to."""
        position = {code: at for at, code in enumerate(groups)}
        tagged: dict[str, list[int]] = {}
        for code, text in tags.items():
            for tag in text.split("|") if code in position else ():
                tagged.setdefault(tag.strip(), []).append(position[code])
        members: dict[int, list[GroupClass]] = {}
        unknown: list[str] = []
        for one in self.classes:
            found = {code: [position[code]] if code in position else [] for code in one.groups}
            for start in one.adrgs:
                found[f"adrg {start}"] = [at for c, at in position.items() if c.startswith(start)]
            found |= {f"tag {tag}": tagged.get(tag, []) for tag in one.tags}
            unknown += [name for name, places in found.items() if not places]
            for at in {at for places in found.values() for at in places}:
                members.setdefault(at, []).append(one)
        return members, tuple(dict.fromkeys(unknown))

    def _change(self, group: str, held: Sequence[GroupClass]) -> tuple[float, float | None, bool]:
        """What happens to a group, which its classes must agree on; a mere mark agrees with all."""
        changing = [one for one in held if one.change != _UNCHANGED]
        for other in changing[1:]:
            if other.change != changing[0].change:
                first = changing[0]
                raise problem(say(f"病组 {group} 属于两个互相矛盾的类别",
                                  f"group {group} is in two classes that contradict"),
                              file=self.file, key=first.place + say("与", " and ") + other.place,
                              found=f"{first.name} ({_say(first)}), {other.name} "
                              f"({_say(other)})")  # fmt: skip
        return changing[0].change if changing else _UNCHANGED


def _say(one: GroupClass) -> str:
    if one.weight is not None:
        return say(f"权重 {one.weight:g}", f"weight {one.weight:g}")
    if one.frozen:
        return say("冻结", "frozen")
    return say(f"系数 {one.factor:g}", f"factor {one.factor:g}")


def read_classes(path: str | PathLike[str]) -> Classes:
    """Read a document of classes.

    TOML: ``[[class]]`` tables with ``kind``, ``factor``, ``weight``, ``freeze``, ``groups``,
    ``adrgs``, ``tags``, ``reason``, ``source`` (or one ``source`` for the document) and ``name``.
    A table file (CSV or Excel): one line a group, ADRG or tag, with ``by`` (``group``, ``adrg``,
    ``tag``) and ``code`` in place of the lists.

    Raises:
        DrgError: the file cannot be read, or a key is missing, unknown or out of range.
    """
    entries = _toml(Path(path)) if Path(path).suffix.lower() == ".toml" else _lines(path)
    classes = []
    for place, entry in entries:
        try:
            classes.append(_group_class(entry, place))
        except DrgError as error:
            raise DrgError(f"{path}: {place}: {error}") from None
    if not classes:
        raise problem(say("没有任何类别", "holds no class"), file=path)
    return Classes(tuple(classes), str(path))


def _toml(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    document = read_document(path)
    fit(document, {"class": [dict], "source": str, "title": str}, path)
    for number, entry in enumerate(document.get("class", []), 1):
        place = say(f"第 {number} 个类别", f"class {number}")
        yield place, {"source": document.get("source", ""), **entry}


def _lines(path: str | PathLike[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    table, malformed = read_table(path)
    if malformed:
        raise problem(say("无法读取", "cannot be read"), file=path, row=malformed[0].row + 2)
    columns = [name.strip() for name in table.column_names]
    for column in columns:
        if column not in _CSV_KEYS:
            raise problem(say("没有此列", "no such column"), file=path, key=column,
                          expected=", ".join(_CSV_KEYS))  # fmt: skip
    for row, cells in enumerate(zip(*map(texts_of, table.columns), strict=True), 2):
        line = {key: text.strip() for key, text in zip(columns, cells, strict=True) if text.strip()}
        if line:
            place = say(f"第 {row} 行", f"row {row}")
            yield place, _of_line(line, place, path)


def _of_line(line: dict[str, str], place: str, path: str | PathLike[str]) -> dict[str, Any]:
    """The class that one line defines, as TOML would say it."""
    by, code, freeze = line.pop("by", "group"), line.pop("code", ""), line.pop("freeze", "")
    if by not in _BY:
        raise problem(say("不是指定病组的方式", "not a way to name groups"), file=path,
                      key=f"{place}: by", found=by,
                      expected=say("group、adrg 或 tag", "group, adrg or tag"))  # fmt: skip
    if freeze.lower() not in _YES + _NO:
        raise problem(say("不是“是”或“否”", "not a yes or no"), file=path, key=f"{place}: freeze",
                      found=freeze, expected=say("true 或 false", "true or false"))  # fmt: skip
    entry: dict[str, Any] = {**line, "freeze": freeze.lower() in _YES}
    entry[_BY[by]] = [code] if code else []
    for key in ("factor", "weight"):
        if key in line:
            try:
                entry[key] = float(line[key])
            except ValueError:
                raise problem(say("不是数", "not a number"), file=path, key=f"{place}: {key}",
                              found=line[key]) from None  # fmt: skip
    return entry


def _group_class(entry: Mapping[str, Any], place: str) -> GroupClass:
    """One class, checked; messages name the key."""
    for key in entry:
        if key not in _CLASS_KEYS:
            raise problem(say("没有此键", "no such key"), key=key, expected=one_of(_CLASS_KEYS))
    kind = _BY_NAME.get(_text(entry, "kind"))
    if kind is None:
        raise problem(say("不是病组类别", "not a kind of class"), key="kind",
                      found=entry.get("kind", ""), expected=one_of(_BY_NAME))  # fmt: skip
    lists = {key: _texts(entry, key) for key in ("groups", "adrgs", "tags")}
    for key in ("groups", "adrgs"):
        lists[key] = tuple(map(plain_group, lists[key]))
    if not any(lists.values()):
        raise problem(say("没有指明病组", "names no group"),
                      expected=say("groups、adrgs 或 tags", "groups, adrgs or tags"))  # fmt: skip
    freeze, weight = entry.get("freeze", False), entry.get("weight")
    if not isinstance(freeze, bool):
        raise problem(say("不是“是”或“否”", "not a yes or no"), key="freeze", found=freeze,
                      expected=say("true 或 false", "true or false"))  # fmt: skip
    if weight is not None:
        weight = _number(weight, (1e-6, 1e3), "weight")
    fixed = freeze or weight is not None
    if fixed and "factor" in entry:
        raise problem(say("冻结或固定的权重不能再有系数",
                          "a frozen or fixed weight takes no factor"), key="factor",
                      found=entry["factor"])  # fmt: skip
    factor = 1.0
    if "factor" in entry:
        factor = _number(entry["factor"], KINDS[kind][1], f"factor of {kind}")
    elif not fixed and kind != "basic":
        raise problem(say("缺失", "is missing"), key="factor",
                      expected=say("系数、权重或 freeze = true",
                                   "a factor, a weight or freeze = true"))  # fmt: skip
    reason, source = _text(entry, "reason"), _text(entry, "source")
    for key, text in (("reason", reason), ("source", source)):
        if not text:
            raise problem(say("缺失", "is missing"), key=key, expected=say("文本", "a text"))
    name = _text(entry, "name") or KINDS[kind][0]
    return GroupClass(name, kind, lists["groups"], lists["adrgs"], lists["tags"], factor, weight,
                      fixed, reason, source, place)  # fmt: skip


def _number(value: object, limits: tuple[float, float], key: str) -> float:
    low, high = limits
    known = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not known or not low <= value <= high:  # type: ignore[operator]
        raise problem(say("超出范围", "out of range"), key=key, found=value,
                      expected=say(f"{low:g} 至 {high:g} 之间的数",
                                   f"a number from {low:g} to {high:g}"))  # fmt: skip
    return float(value)  # type: ignore[arg-type]


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str):
        raise problem(say("不是文本", "not a text"), key=key, found=value)
    return value.strip()


def _texts(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(t, str) and t.strip() for t in value):
        raise problem(say("不是文本列表", "not a list of texts"), key=key, found=value)
    return tuple(text.strip() for text in value)
