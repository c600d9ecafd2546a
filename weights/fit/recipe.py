"""A recipe (测算方案): the steps of a calibration as a document, so that next year can repeat it.

::

    trim = "ratio"                      # or a table with its parameters
    estimate = "hsrv"
    shrink = true
    order = true
    previous = "changzhi"               # a published table or a file beside the recipe

    [corridor]
    fall = 0.1
    rise = 0.1

    [normalise]
    method = "neutral"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any

from drg.documents import Model, fit, named_file, read_document
from drg.errors import one_of, problem
from drg.language import say
from weights.cases.costs import Costs
from weights.estimate.rounds import Estimator
from weights.fit.adjust import Classes, CostStructure, read_classes
from weights.fit.bootstrap import Bootstrap
from weights.fit.limits import Corridor, LowVolume
from weights.fit.normalise import Normalise
from weights.table import WeightTable, open_weights
from weights.table.families import read_families
from weights.trim import METHODS, Trim, method

PREVIOUS = "previous"  # what weak groups may be drawn to besides their ADRG
# What does best on cases not seen: docs/weights/validate.md.
RECOMMENDED: dict[str, Any] = {
    "trim": "winsor_median", "estimate": "judged", "shrink": True, "order": True,
}  # fmt: skip
_BY_YEAR = ("prices", "year_weights")
# Words of a parameter's type, the containers first, and what a document may say there.
_FORMS: dict[str, Model] = {
    "Mapping": {"*": float}, "tuple": [float], "float": float, "int": int, "str": str,
    "bool": bool,
}  # fmt: skip
_KINDS: dict[str, Any] = {
    "costs": Costs,
    "estimate": Estimator,
    "low_volume": LowVolume,
    "corridor": Corridor,
    "structure": CostStructure,
    "normalise": Normalise,
    "bootstrap": Bootstrap,
}
_OTHERS: dict[str, type] = {
    "trim": Trim, "previous": WeightTable, "classes": Classes, "shrink": bool, "order": bool,
}  # fmt: skip
_NAMED = {"estimate": "method", "normalise": "method", "low_volume": "action"}
KEYS = ("costs", "trim", "estimate", "shrink", "low_volume", "order", "corridor", "structure",
        "classes", "normalise", "previous", "families", "bootstrap")  # fmt: skip


def read_recipe(path: str | PathLike[str]) -> dict[str, Any]:
    """Read a recipe; files that it names are found beside it.

    The record of a run (``.run.json``) will do as well: its recipe is taken, with the previous
    table named by hand, as a record holds only its hash.

    Raises:
        DrgError: the file cannot be read, or a key is not known.
    """
    path = Path(path)
    if path.suffix.lower() == ".json":
        record = read_document(path, "JSON")
        fit(record, {"recipe": dict, "*": object}, path, (), "recipe")
        document: dict[str, Any] = record["recipe"]
    else:
        document = read_document(path)
    for key in document:
        if key not in KEYS:
            raise problem(say("不是测算方案的键", "not known in a recipe"), file=path, key=key,
                          expected=one_of(KEYS))  # fmt: skip
    for key in ("classes", "previous", "families"):
        if key in document:
            fit(document[key], str, path, (key,))
            document[key] = named_file(document[key], path, key)
    return document


def steps(
    given: Mapping[str, Any],
) -> tuple[Estimator, Normalise, Trim, WeightTable | None, Bootstrap | None]:
    """The steps that names and numbers among the parameters of a calibrator stand for.

    Args:
        given: parameters by name.

    Returns:
        Estimator, scale, trimming, previous weights and bootstrap.

    Raises:
        DrgError: a parameter is not of its kind, or names no method or table.
    """
    found = dict(given)
    for key in ("estimate", "normalise", "trim", "previous", "bootstrap"):
        value = given[key]
        named = isinstance(value, str | PathLike)
        if named or (key == "bootstrap" and isinstance(value, int) and not isinstance(value, bool)):
            found[key] = step(key, value)
    for key, kind in (_KINDS | _OTHERS).items():
        value = found[key]
        needed = key in ("estimate", "normalise", "trim", "order", "shrink")
        if (value is not None or needed) and not isinstance(value, kind) and not (
            key == "shrink" and value == PREVIOUS
        ):  # fmt: skip
            raise problem(say("类型不符", "is not of its kind"), key=key, found=value,
                          expected=kind.__name__)  # fmt: skip
    return tuple(found[key] for key in ("estimate", "normalise", "trim", "previous", "bootstrap"))


def step(key: str, value: Any) -> Any:
    """What a key of a recipe stands for: a step by its name, true, or a table of parameters.

    Raises:
        DrgError: a method or a value is not known or out of range; the message names it.
    """
    if key in ("shrink", "order"):
        if not isinstance(value, bool) and (key, value) != ("shrink", PREVIOUS):
            known = ("true", "false", PREVIOUS) if key == "shrink" else ("true", "false")
            raise problem(say("不是可用的取值", "not known"), key=key, found=value,
                          expected=one_of(known))  # fmt: skip
        return value
    if key == "previous":
        return open_weights(value)
    if key == "classes":
        return read_classes(value)
    if key == "families":
        return read_families(value)
    table = dict(value) if isinstance(value, Mapping) else _short(key, value)
    if key == "trim":
        name = table.pop("method", value)
        if isinstance(name, str) and name in METHODS:
            _check(f"trim {name}", METHODS[name], table)
        return method(str(name), **table)
    _check(key, _KINDS[key], table)
    for name in _BY_YEAR:
        if key == "costs" and name in table:
            table[name] = _by_year(name, table[name])
    if key == "costs" and "ratios" in table:
        table["ratios"] = tuple(table["ratios"])
    if key == "structure" and "factors" in table:
        table["factors"] = tuple(table["factors"])
    return _KINDS[key](**table)


def _short(key: str, value: Any) -> dict[str, Any]:
    """A step given by its name alone, or merely switched on."""
    if value is True:
        return {}
    if key == "bootstrap":
        return {"replicates": value}
    if key in ("trim", *_NAMED):
        return {_NAMED.get(key, "method"): value}
    raise problem(say("须为参数表", "must be a table of parameters"), key=key, found=value)


def _check(key: str, kind: Any, table: Mapping[str, Any]) -> None:
    """Parameters that the step has, each a number, text, list or table as its default is.

    Raises:
        DrgError: a parameter is not known, or not of its kind.
    """
    known = {one.name: str(one.type) for one in fields(kind)}
    for name, value in table.items():
        if name not in known:
            raise problem(say("没有此参数", "no such parameter"), key=f"{key}.{name}",
                          expected=one_of(known))  # fmt: skip
        wanted = next((form for word, form in _FORMS.items() if word in known[name]), None)
        if wanted is not None and not (value is None and "None" in known[name]):
            fit(value, wanted, None, (key, name))


def _by_year(name: str, given: Any) -> dict[int, float]:
    try:
        return {int(year): float(value) for year, value in dict(given).items()}
    except (TypeError, ValueError):
        raise problem(say("须为“年份 = 数”的表", "must be a table year = number"), key=name,
                      found=given) from None  # fmt: skip


def describe(calibrator: Any) -> dict[str, Any]:
    """The parameters of a calibrator as they stand in a record."""
    found: dict[str, Any] = {}
    for key in KEYS:
        value = getattr(calibrator, key)
        if value is None or value is False or key in ("previous", "families"):
            continue
        if isinstance(value, bool | str):
            found[key] = value
        elif key == "classes":
            found[key] = [f"{one.name}: {one.source}" for one in value.classes]
        else:
            named = {"method": value.name} if key == "trim" else {}
            found[key] = named | {name: _plain(held) for name, held in vars(value).items()}
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): held for key, held in sorted(value.items())}
    return list(value) if isinstance(value, tuple) else value


def tags_of(table: WeightTable) -> dict[str, str]:
    """Tags of the groups of a table, from the columns in which published tables keep them."""
    found: dict[str, str] = {}
    for column in ("tag", "group_type"):
        if column in table.frame:
            marked = table.frame[table.frame[column].fillna("") != ""]
            found |= dict(zip(marked["drg"], marked[column].astype(str), strict=True))
    return found
