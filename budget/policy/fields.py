"""What the sections of a policy are made of: figures with term, unit and range; named rows."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from drg.language import say


class PolicyError(ValueError):
    """A fault that a section finds in itself.

    Attributes:
        what: what is wrong.
        path: where, from the section on.
        found: the value.
        expected: what would be right.
    """

    def __init__(
        self, what: str, *path: str | int, found: object = None, expected: str | None = None
    ) -> None:
        super().__init__(what)
        self.what, self.path, self.found, self.expected = what, path, found, expected


class Part(BaseModel):
    """A table of a policy: frozen, every key known, nothing converted in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def figure(
    zh: str,
    en: str,
    unit: str = "",
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    optional: bool = False,
) -> Any:
    """A key of a table.

    Args:
        zh: the Chinese term.
        en: what it means, in English.
        unit: of the value.
        low: least value allowed.
        high: greatest value allowed.
        above: the value must be greater than this.
        optional: whether the key may be left out; it is then None.
    """
    return Field(
        None if optional else ...,
        title=zh,
        description=en,
        json_schema_extra={"unit": unit},
        ge=low,
        le=high,
        gt=above,
    )


def share(zh: str, en: str, *, optional: bool = False) -> Any:
    """A share of something, 0 to 1."""
    return figure(zh, en, "share", low=0, high=1, optional=optional)


def yuan(zh: str, en: str, *, optional: bool = False, positive: bool = False) -> Any:
    """An amount of money, not negative."""
    low, above = (None, 0.0) if positive else (0.0, None)
    return figure(zh, en, "yuan", low=low, above=above, high=1e13, optional=optional)


def section(zh: str, en: str, *, optional: bool = True) -> Any:
    """A table of tables; without it, unless it is needed, the rule does not exist."""
    return Field(None if optional else ..., title=zh, description=en)


def rows(zh: str, en: str, *, optional: bool = True) -> Any:
    """Named rows; without them there are none."""
    return Field(() if optional else ..., title=zh, description=en)


T = TypeVar("T")


def _many(value: Any) -> Any:
    return value if isinstance(value, tuple | dict) else (value,)


# One value or several.
Many: TypeAlias = Annotated[tuple[T, ...], BeforeValidator(_many)]


def words(zh: str, en: str) -> Any:
    """One value or several, none when the key is left out."""
    return Field((), title=zh, description=en)


class Row(Part):
    """A named row: ``[section.rows.NAME]``."""

    name: str


def _named(value: Any) -> Any:
    if not isinstance(value, dict):
        raise PolicyError(say("类型不符", "wrong type"), found=value,
                          expected=say("以名称为键的表", "a table of named rows"))  # fmt: skip
    for name, row in value.items():
        if isinstance(row, dict) and "name" in row:
            raise PolicyError(say("未知的键", "unknown key"), name, "name",
                              expected=say("不填：行的名称即表的键",
                                           "none: the row's name is the table's key"))  # fmt: skip
    return tuple(
        {"name": name, **row} if isinstance(row, dict) else row for name, row in value.items()
    )


Rows: TypeAlias = Annotated[tuple[T, ...], BeforeValidator(_named)]


def in_order(part: Part) -> None:
    """Refuse a ``floor`` above its ``ceiling``."""
    floor, ceiling = getattr(part, "floor", None), getattr(part, "ceiling", None)
    if floor is not None and ceiling is not None and floor > ceiling:
        raise PolicyError(say("下限高于上限", "floor above the ceiling"), "floor", found=floor,
                          expected=say(f"不大于 {ceiling:g}", f"at most {ceiling:g}"))  # fmt: skip


def pay_has(part: Part, **kinds: str) -> None:
    """Refuse a parameter that goes with another ``pay``, or one that this ``pay`` needs."""
    pay = getattr(part, "pay", None)
    for key, kind in kinds.items():
        held = getattr(part, key)
        if held is None and pay == kind:
            raise PolicyError(say("缺失", "is missing"), key,
                              expected=say(f"取值，pay = '{pay}' 时必填",
                                           f"a value, needed by pay = '{pay}'"))  # fmt: skip
        if held is not None and pay != kind:
            raise PolicyError(say(f"pay = '{pay}' 没有此参数",
                                  f"pay = '{pay}' has no such parameter"), key,
                              found=held)  # fmt: skip
