"""A policy and what it is applied to (政策适用): of one scheme, with weights of its own place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from drg.language import say

if TYPE_CHECKING:
    from budget.policy.document import Policy
    from drg.switch.origin import Origin
    from weights.table import WeightTable

_SHOWN = 3
_BY_CODE = ("groups", "adrgs", "medical_group", "exempt_adrgs")  # keys that name groups by code


def policy_fits(
    policy: Policy, cases: Origin, file: Path, weights: WeightTable, across: bool
) -> None:  # fmt: skip
    """Refuse a policy that joins to the cases by code what is of another scheme, unless told.

    That are its own weights, and lists of groups that it does not mark as defaults. Weights of
    another place than the policy's own are told on stderr.

    Raises:
        DrgError: the policy goes by another scheme than the cases.
    """
    from drg.errors import DrgError
    from grouper.scheme.name import plain
    from weights.table.published import known_ids

    own, wanted = policy.header.weights, policy.header.scheme
    if own and weights.id != own and weights.id in known_ids():
        typer.echo(say(
            f"警告: {weights.id} 是其他地区的权重，政策 {policy.id} 对应的权重是 {own}",
            f"warning: {weights.id} holds weights of another place; those of the policy "
            f"{policy.id} are {own}",
        ), err=True)  # fmt: skip
    if not cases or wanted in ("", "none") or plain(cases.scheme)[0] == plain(wanted)[0]:
        return
    lists = dict.fromkeys(
        leaf.key.rpartition(".")[0] for leaf in policy.leaves()
        if not leaf.is_default and leaf.key.rpartition(".")[2] in _BY_CODE
    )  # fmt: skip
    parts = [own] if own and weights.id == own else []
    if not parts and not lists:
        return
    named = ", ".join([*parts, *list(lists)[:_SHOWN]])
    text = say(
        f"政策 {policy.id} 依据 {wanted}，{file} 属于 {cases.scheme}：{named} 按编码与病例相连",
        f"the policy {policy.id} goes by {wanted} and {file} is of {cases.scheme}: {named} would "
        "be joined to its cases by code",
    )
    if not across:
        raise DrgError(text + say("；请用同一方案分组，或加 --across-schemes 仍按编码使用",
                                  "; group the cases by that scheme, or say "
                                  "--across-schemes"))  # fmt: skip
    typer.echo(f"{say('警告', 'warning')}: {text}", err=True)
