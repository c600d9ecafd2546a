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
from drg.errors import DrgError, one_of, problem
from drg.language import say
from weights.cases.costs import Costs
from weights.estimate.rounds import Estimator
from weights.fit.adjust import CostStructure, read_classes
from weights.fit.bootstrap import Bootstrap
from weights.fit.calibrator import Calibrator
from weights.fit.limits import Corridor, LowVolume
from weights.fit.normalise import Normalise
from weights.fit.resolve import PREVIOUS
from weights.table import open_weights
from weights.table.families import read_families
from weights.trim import METHODS, method

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


def calibrator(recipe: Mapping[str, Any], file: str | PathLike[str] | None = None) -> Calibrator:
    """Make a calibrator from a recipe.

    Args:
        recipe: keys of a recipe; a step is its name, true, or a table of its parameters.
        file: where it was read, for messages.

    Raises:
        DrgError: a key, a method or a value is not known or out of range; the message names it.
    """
    found: dict[str, Any] = {}
    for key, value in recipe.items():
        if key not in KEYS:
            raise problem(say("不是测算方案的键", "not known in a recipe"), key=key,
                          expected=one_of(KEYS))  # fmt: skip
        if value is None or value is False:
            continue
        try:
            found[key] = _step(key, value)
        except DrgError as error:
            raise DrgError(f"{file}: {error}" if file is not None else str(error)) from None
    return Calibrator(**found)


def _step(key: str, value: Any) -> Any:
    if key in ("shrink", "order"):
        if not isinstance(value, bool) and (key, value) != ("shrink", PREVIOUS):
            raise problem(say("须为 true 或 false", "must be true or false"), key=key, found=value)
        return value
    if key == "previous":
        return open_weights(value)
    if key == "classes":
        return read_classes(value)
    if key == "families":
        return read_families(value)
    table = dict(value) if isinstance(value, Mapping) else _short(key, value)
    if key == "trim":
        name = table.pop("method", "none")
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


def describe(calibrator: Calibrator) -> dict[str, Any]:
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
