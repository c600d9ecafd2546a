"""Parameters of a calibration as the steps that they stand for, each checked for its kind."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

from drg.errors import problem
from drg.language import say
from weights.cases.costs import Costs
from weights.estimate.rounds import Estimator
from weights.fit.adjust import Classes, CostStructure
from weights.fit.bootstrap import Bootstrap
from weights.fit.limits import Corridor, LowVolume
from weights.fit.normalise import Normalise
from weights.table import WeightTable, open_weights
from weights.trim import Trim, method

PREVIOUS = "previous"  # what weak groups may be drawn to besides their ADRG


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
    trim, previous, bootstrap = given["trim"], given["previous"], given["bootstrap"]
    if isinstance(trim, str):
        trim = method(trim)
    if isinstance(previous, str | PathLike):
        previous = open_weights(previous)
    if isinstance(bootstrap, int) and not isinstance(bootstrap, bool):
        bootstrap = Bootstrap(bootstrap)
    kinds: dict[str, tuple[Any, type]] = {
        "trim": (trim, Trim), "previous": (previous, WeightTable),
        "bootstrap": (bootstrap, Bootstrap), "costs": (given["costs"], Costs),
        "low_volume": (given["low_volume"], LowVolume), "corridor": (given["corridor"], Corridor),
        "structure": (given["structure"], CostStructure), "classes": (given["classes"], Classes),
        "shrink": (given["shrink"] == PREVIOUS or given["shrink"], bool),
        "order": (given["order"], bool),
    }  # fmt: skip
    for name, (value, kind) in kinds.items():
        if (value is not None or name == "trim") and not isinstance(value, kind):
            raise problem(say("类型不符", "is not of its kind"), key=name, found=value,
                          expected=kind.__name__)  # fmt: skip
    estimator = _named("estimate", given["estimate"], Estimator)
    return (
        estimator, _named("normalise", given["normalise"], Normalise), trim, previous, bootstrap,
    )  # fmt: skip


def _named(name: str, value: Any, kind: type) -> Any:
    """A step given as an object, or by the name of its method."""
    if isinstance(value, str):
        return kind(value)
    if not isinstance(value, kind):
        raise problem(say("类型不符", "is not of its kind"), key=name, found=value,
                      expected=say(f"{kind.__name__} 或方法名称",
                                   f"{kind.__name__} or the name of a method"))  # fmt: skip
    return value


def tags_of(table: WeightTable) -> dict[str, str]:
    """Tags of the groups of a table, from the columns in which published tables keep them."""
    found: dict[str, str] = {}
    for column in ("tag", "group_type"):
        if column in table.frame:
            marked = table.frame[table.frame[column].fillna("") != ""]
            found |= dict(zip(marked["drg"], marked[column].astype(str), strict=True))
    return found
