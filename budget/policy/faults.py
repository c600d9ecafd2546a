"""What pydantic finds wrong with a document, as one line: file, key, value, what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from budget.policy.describe import allowed, field_at, keys_at
from budget.policy.fields import PolicyError
from budget.policy.tree import Path, spell
from drg.errors import DrgError, one_of, problem
from drg.language import say

_WRONG_TYPE = {
    "float_type": ("数", "a number"),
    "int_type": ("整数", "a whole number"),
    "int_from_float": ("整数", "a whole number"),
    "string_type": ("文本", "a text"),
    "bool_type": ("true 或 false", "true or false"),
    "date_type": ("日期", "a date"),
    "tuple_type": ("数组", "an array"),
    "model_type": ("表", "a table"),
    "model_attributes_type": ("表", "a table"),
    "finite_number": ("有限的数", "a finite number"),
    "dict_type": ("表", "a table"),
    "is_instance_of": ("表", "a table"),
    "missing": ("", ""),
    "extra_forbidden": ("", ""),
}
FileOf = Callable[[Path], str]


def place(location: tuple[int | str, ...], document: Any) -> Path:
    """Pydantic's location in terms of the document, where rows have names instead of numbers."""
    node, path = document, []
    for part in location:
        if isinstance(part, int) and isinstance(node, Mapping):
            part = list(node)[part]
        elif isinstance(part, int) and not isinstance(node, tuple):
            break  # a single value where several may stand
        path.append(part)
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            node = None
    return tuple(path)


def one_line(
    error: ValidationError, model: type[BaseModel], document: Any, file_of: FileOf
) -> DrgError:
    """The first fault, and how many more there are.

    Args:
        error: what pydantic raised.
        model: the model of the whole document.
        document: what was validated.
        file_of: the file in which the value at a path stands.
    """
    details = error.errors(include_url=False)
    first = _line(details[0], model, document, file_of)
    left = len(details) - 1
    more = say(f"（另有 {left} 处）", f" (and {left} more)") if left else ""
    return DrgError(f"{first}{more}")


def _line(
    details: ErrorDetails, model: type[BaseModel], document: Any, file_of: FileOf
) -> DrgError:
    path = place(details["loc"], document)
    kind, found = details["type"], details["input"]
    context = details.get("ctx", {})
    if isinstance(context.get("error"), PolicyError):
        fault = cast("PolicyError", context["error"])
        path = (*path, *fault.path)
        return problem(
            fault.what,
            file=file_of(path),
            key=spell(path),
            found=_shown(fault.found),
            expected=fault.expected,
        )
    if kind == "missing":
        return problem(say("缺失", "is missing"), file=file_of(path), key=spell(path),
                       expected=allowed(field_at(model, path)))  # fmt: skip
    if kind == "extra_forbidden":
        known = keys_at(model, path[:-1])
        return problem(say("未知的键", "unknown key"), file=file_of(path), key=spell(path),
                       expected=one_of(known))  # fmt: skip
    expected = allowed(field_at(model, path)) or say(*_WRONG_TYPE.get(kind, ("", "")))
    what = (
        say("类型不符", "wrong type") if kind in _WRONG_TYPE else say("取值不允许", "not allowed")
    )
    return problem(
        what,
        file=file_of(path),
        key=spell(path),
        found=_shown(found),
        expected=expected or details["msg"],
    )


def _shown(found: object) -> object:
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, Mapping):
        return say("表", "a table")
    if isinstance(found, tuple):
        return say("数组", "an array")
    return found
