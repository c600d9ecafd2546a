"""Cases and weights of one scheme (方案一致): checked before anything is joined by code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from drg.language import say

if TYPE_CHECKING:
    from drg.switch.origin import Origin
    from weights.table import WeightTable

_SHOWN = 3

AcrossSchemes: TypeAlias = Annotated[
    bool,
    typer.Option("--across-schemes", help=say(
        "病例与权重（或两张权重表）的分组方案不同、且有同码异义的病组时，仍按编码相连。",
        "Join by code although cases and weights (or two weight tables) are of different schemes "
        "in which codes mean different groups.")),
]  # fmt: skip


def same_scheme(
    file: Path, weights: WeightTable, across: bool, mapping: Path | None = None,
    sheet: str | None = None,
) -> Origin:  # fmt: skip
    """Refuse weights of another scheme than the cases', unless told; the cases' scheme.

    Raises:
        DrgError: codes of the weights mean other groups in the scheme of the cases.
    """
    from drg.switch.origin import scheme_of_cases

    scheme = scheme_of_cases(file, mapping, sheet)
    joined(scheme, str(file), weights, across)
    return scheme


def joined(scheme: Origin, whose: str, weights: WeightTable, across: bool) -> None:
    """Refuse weights of another scheme than ``scheme``, unless told.

    Raises:
        DrgError: codes of the weights mean other groups in that scheme.
    """
    from drg.errors import DrgError
    from drg.switch.origin import clash, scheme_of_weights

    frame = weights.frame[weights.frame["weight"].notna()]
    names = frame["name"].fillna("") if "name" in frame else [""] * len(frame)
    named = {str(code): str(name) for code, name in zip(frame["drg"], names, strict=True)}
    found = clash(scheme, scheme_of_weights(weights), named)
    if found is None:
        return
    a, b = found.weights or say("另一方案", "another scheme"), found.cases
    count, some = len(found.codes), list(found.codes.items())[:_SHOWN]
    if some:
        zh = "、".join(f"{code} 在 {a} 为“{was}”，在 {b} 为“{now}”" for code, (was, now) in some)
        en = ", ".join(f"{code} is {was} in {a}, {now} in {b}" for code, (was, now) in some)
        mean = "code means another group" if count == 1 else "codes mean different groups"
        what = say(f"{count:,} 个编码指不同的病组（{zh} 等）", f"{count:,} {mean} ({en} ...)")
    else:
        what = say(
            "其中一个方案不在本机，无法核对编码的含义",
            "one of the schemes is not at hand, so what codes mean cannot be compared",
        )
    text = say(f"{weights.id} 是 {a} 的权重，{whose} 属于 {b}，{what}",
               f"{weights.id} holds weights of {a} and {whose} is of {b}: {what}")  # fmt: skip
    if not across:
        raise DrgError(text + say(
            "；请用 drg scheme switch 结转权重，或加 --across-schemes 仍按编码使用",
            "; carry the weights over with drg scheme switch, or say --across-schemes",
        ))  # fmt: skip
    typer.echo(f"{say('警告', 'warning')}: {text}", err=True)
