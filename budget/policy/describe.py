"""What a key of a policy is: its Chinese term, meaning, unit and the values it may have."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

import annotated_types as limits
from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo

from budget.policy.fields import Row
from budget.policy.tree import Path
from drg.errors import one_of
from drg.language import say

_WORDS = {
    "number": ("数", "a number"),
    "whole": ("整数", "a whole number"),
    "text": ("文本", "a text"),
    "flag": ("true 或 false", "true or false"),
    "date": ("日期", "a date"),
    "table": ("表", "a table"),
    "rows": ("以名称为键的表", "a table of named rows"),
    "array": ("表的数组", "an array of tables"),
}
# Parts of the names of rows, as shipped policies name them.
_ROWS_ZH = {
    "employee": "职工", "resident": "居民", "tier1": "一级", "tier2": "二级", "tier3": "三级",
    "town": "乡镇", "county": "县级", "city": "市级", "province": "省级", "base": "基准",
    "all": "全部", "other": "其他", "poor": "困难人员", "chronic": "慢特病",
}  # fmt: skip


@dataclass(frozen=True)
class Key:
    """A key of the document.

    Attributes:
        zh: Chinese term.
        en: meaning.
        unit: of a number.
        kind: ``table``, ``rows`` (a table of named tables), ``array`` (of tables), or a value:
            ``number``, ``whole`` number, ``text``, ``flag``, ``date``, ``choice``.
        many: whether several values may stand in an array.
        optional: whether it may be left out.
        low: least number, allowed itself unless ``open_low``.
        high: greatest number, allowed itself.
        open_low: whether the number must be above ``low``.
        choices: of a choice.
        model: of a table, or of the tables in rows or an array.
    """

    zh: str
    en: str
    unit: str
    kind: str
    many: bool = False
    optional: bool = False
    low: float | None = None
    high: float | None = None
    open_low: bool = False
    choices: tuple[str, ...] = ()
    model: type[BaseModel] | None = None

    @property
    def is_figure(self) -> bool:
        """Whether it is a number or a truth value: what a year's money hangs on."""
        return self.kind in ("number", "whole", "flag") and not self.many


_KINDS = {float: "number", int: "whole", str: "text", bool: "flag", datetime.date: "date"}


def _key(info: FieldInfo) -> Key:
    extra = info.json_schema_extra
    unit = extra.get("unit", "") if isinstance(extra, dict) else ""
    key = Key(
        info.title or "", info.description or "", str(unit), "", optional=not info.is_required()
    )
    return _limited(_typed(key, info.annotation), info.metadata)


def _typed(key: Key, annotation: Any) -> Key:
    inner = [part for part in get_args(annotation) if part is not type(None)]
    origin = get_origin(annotation)
    if origin is Literal:
        return replace(key, kind="choice", choices=tuple(map(str, inner)))
    if origin is tuple:
        held = inner[0]
        if isinstance(held, type) and issubclass(held, BaseModel):
            return replace(key, kind="rows" if issubclass(held, Row) else "array", model=held)
        return replace(_typed(key, held), many=True)
    if hasattr(annotation, "__metadata__"):  # Annotated
        bounds = [b for info in annotation.__metadata__ for b in getattr(info, "metadata", [info])]
        return _limited(_typed(key, inner[0]), bounds)
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        root = annotation.model_fields["root"].annotation
        return replace(key, kind="array", model=get_args(root)[0])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return replace(key, kind="table", model=annotation)
    if annotation in _KINDS:
        return replace(key, kind=_KINDS[annotation])
    return _typed(key, inner[0])  # X | None


def _limited(key: Key, bounds: list[Any]) -> Key:
    for bound in bounds:
        if isinstance(bound, limits.Ge):
            key = replace(key, low=float(str(bound.ge)))
        elif isinstance(bound, limits.Gt):
            key = replace(key, low=float(str(bound.gt)), open_low=True)
        elif isinstance(bound, limits.Le):
            key = replace(key, high=float(str(bound.le)))
    return key


@cache
def _keys(model: type[BaseModel]) -> Mapping[str, Key]:
    return MappingProxyType({name: _key(info) for name, info in model.model_fields.items()})


def keys_of(model: type[BaseModel]) -> dict[str, Key]:
    """The keys of a table."""
    return {
        name: key
        for name, key in _keys(model).items()
        if not (name == "name" and issubclass(model, Row))
    }


def field_at(model: type[BaseModel], path: Path) -> Key | None:
    """The key at a path; None where the path names a row, an element, or nothing."""
    table: type[BaseModel] | None = model
    steps = list(path)
    while steps and table is not None:
        key = _keys(table).get(str(steps.pop(0)))
        if key is None:
            return None
        if not steps or key.model is None:
            return key
        if key.kind in ("rows", "array"):
            steps.pop(0)
            if not steps:
                return None
        table = key.model
    return None


def step_zh(step: str | int) -> str:
    """The name of a row, or the place of an element, in Chinese; as it is where none is known."""
    if isinstance(step, int):
        return f"第{step + 1}段"
    parts = step.split("_")
    known = all(part in _ROWS_ZH for part in parts)
    return "".join(_ROWS_ZH[part] for part in parts) if known else step


def keys_at(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    """The keys that the table at a path may have."""
    table = model
    steps = list(path)
    while steps:
        key = _keys(table).get(str(steps.pop(0)))
        if key is None or key.model is None:
            return ()
        if key.kind in ("rows", "array") and steps:
            steps.pop(0)
        table = key.model
    return tuple(keys_of(table))


def allowed(key: Key | None) -> str | None:
    """In words, what a key may hold."""
    if key is None:
        return None
    words = one_of(key.choices) if key.kind == "choice" else say(*_WORDS[key.kind])
    if key.low is not None and key.high is not None:
        low, high = f"{key.low:g}", f"{key.high:g}"
        words += (
            say(f"，大于 {low}、不大于 {high}", f", above {low}, at most {high}")
            if key.open_low
            else say(f"，{low} 至 {high}", f" {low} to {high}")
        )
    elif key.low is not None:
        words += (
            say(f"，大于 {key.low:g}", f" above {key.low:g}")
            if key.open_low
            else say(f"，不小于 {key.low:g}", f" not below {key.low:g}")
        )
    return words + (say("（或其数组）", " (or an array of them)") if key.many else "")


def every_key(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, Key]]:
    """All keys of the document; rows are written ``NAME``, elements ``[]``."""
    for name, key in keys_of(model).items():
        here = f"{path}.{name}".removeprefix(".")
        yield here, key
        if key.model is not None:
            inner = here + {"rows": ".NAME", "array": "[]"}.get(key.kind, "")
            yield from every_key(key.model, inner)
