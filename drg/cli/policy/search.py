"""``drg policy search``: the least change of a policy that meets targets, with its trade-off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.fits import policy_fits
from drg.cli.common.options import (
    AcceptUnreadable,
    GroupedFile,
    HospitalTable,
    LastYear,
    MappingFile,
    PolicyName,
    SettlementYear,
    Sheet,
    Strict,
    TablesFolder,
    WeightsName,
)
from drg.cli.common.outputs import look_first
from drg.cli.common.schemes import AcrossSchemes, same_scheme
from drg.cli.common.year import last_year_of, table_of_hospitals, year_of
from drg.language import say
from drg.terminal import REPLACEMENT, plain, table

if TYPE_CHECKING:
    from budget.search.files import Point, Searched


def search(
    file: GroupedFile,
    weights: WeightsName,
    asked: Annotated[
        Path,
        typer.Option("--search", help=say("寻优文件（TOML）：可调数值、目标、权衡曲线。",
                                          "Search document (TOML): figures, targets, curve.")),
    ],
    out: TablesFolder,
    policy: PolicyName = "national-default",
    hospitals: HospitalTable = None,
    year: SettlementYear = None,
    last_year: LastYear = None,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    across_schemes: AcrossSchemes = False,
    accept_unreadable: AcceptUnreadable = False,
    strict: Strict = False,
) -> None:  # fmt: skip
    """Search (政策寻优) for the least change of a policy's figures that meets targets."""
    from budget.policy import load_policy
    from budget.search.document import load_search
    from budget.search.files import RESULTS, search_file
    from weights.table import open_weights

    table = table_of_hospitals(file, hospitals)
    read = (file, weights, policy, asked, table, last_year, mapping)
    look_first(read, folder=out, results=RESULTS)
    wanted = load_search(asked)
    rules = load_policy(policy)
    held = open_weights(weights)
    policy_fits(rules, same_scheme(file, held, across_schemes, mapping, sheet), file, held,
                across_schemes)  # fmt: skip
    settled_year = year if year is not None else year_of(file, mapping, sheet)
    spent = None if last_year is None else last_year_of(last_year, [p.name for p in rules.pools])
    inputs = {"search": asked, "weights": Path(weights), "policy": Path(policy),
              "last_year": last_year}  # fmt: skip
    found = search_file(
        file, out, held, rules, table, settled_year, wanted, extends=policy, mapping=mapping,
        sheet=sheet, last_year=spent, inputs=inputs, accept_unreadable=accept_unreadable,
        say=lambda text: typer.echo(text, err=True),
    )  # fmt: skip
    typer.echo(summary(found))
    typer.echo("\n".join(map(str, found.written)))
    if not found.found.feasible:
        message = say(found.found.message_zh, found.found.message)
        typer.echo(f"{wanted.place}: {message}", err=True)
        raise typer.Exit(1)
    if strict and (out / "rejects.csv").is_file():
        raise typer.Exit(1)


def summary(searched: Searched) -> str:
    """Figures, targets and the curve as text tables."""
    from budget.search.files import holds, told

    document, found = searched.document, searched.found
    figures = []
    for row in document.figures:
        leaf, value = searched.leaves[row.name], found.parameters[row.name]
        figures += [(key, say(leaf.about.zh, leaf.about.en), _number(leaf.value), _number(value),
                     _signed(value - leaf.value)) for key in row.keys]  # fmt: skip
    head = (say("数值", "figure"), say("名称", "term"), say("现行", "now"), say("寻得", "found"),
            say("变动", "change"))  # fmt: skip
    title = say(document.title, document.title_en or document.title)
    parts = [f"{document.id} {title}", "", table(head, figures, range(2, 5)), ""]
    rows = []
    for goal, reached in zip(document.targets, found.reached, strict=True):
        bounds = [f"{sign} {_number(bound)}" for sign, bound in
                  ((">=", goal.low), ("<=", goal.high)) if bound is not None]  # fmt: skip
        ahead = told(searched.ahead, goal.key)
        rows.append((goal.name, goal.key, " ".join(bounds), _outcome(goal.key, told(
            searched.before, goal.key)), _outcome(goal.key, told(found.outcomes, goal.key)),
            _yes(reached.met), _outcome(goal.key, ahead),
            _yes(holds(ahead, goal.low, goal.high))))  # fmt: skip
    targets = (say("目标", "target"), say("指标", "outcome"), say("界限", "bound"), *head[2:4],
               say("达到", "met"), say("次年", "next year"), say("达到", "met"))  # fmt: skip
    ahead_of = say("目标只就清算年度成立；次年：病例不变，基金池按自身规则变动",
                   "targets hold for the settled year only; next year: the same cases, pools moved "
                   "on by their own rule")  # fmt: skip
    parts += [table(targets, rows, (2, 3, 4, 6)), "", ahead_of, ""]
    for text, one in zip(head[2:4], searched.worst, strict=True):
        whose = " ".join(plain(part, REPLACEMENT) for part in one)
        parts.append(f"{say('亏损率最大', 'largest loss')} {text}: {whose}")
    note = say("可调数值均不影响该指标", "no figure of the search moves this outcome")
    parts += [f"{say('提示', 'note')} {name}: {note}" for name in searched.still]
    if searched.found.proven:
        parts.append(
            say(
                "已证明：更小的调整都试过，均不能达到全部目标"
                if searched.found.feasible
                else "已证明：范围内的全部取值都试过",
                "proven: every smaller change was tried"
                if searched.found.feasible
                else "proven: every value was tried",
            )
        )
    parts.append(say(f"清算 {searched.settlements} 次，病例只读一次",
                     f"settled {searched.settlements} times, cases read once"))  # fmt: skip
    if len(searched.points) > 1:
        parts += ["", _curve(searched.points, searched)]
    return "\n".join([*parts, ""])


def _curve(points: tuple[Point, ...], searched: Searched) -> str:
    from budget.search.files import told

    curve = searched.document.curve
    assert curve is not None
    keys = list(dict.fromkeys(goal.key for goal in searched.document.targets))
    rows = [
        (_number(point.bound), _yes(point.found.feasible),
         f"{point.found.change:.4f}", *map(_number, point.found.parameters.values()),
         *(_outcome(key, told(point.found.outcomes, key)) for key in keys))
        for point in points if point.bound is not None
    ]  # fmt: skip
    head = (f"{curve.target} {say('界限', 'bound')}", say("达到", "met"), say("变动量", "change"),
            *points[0].found.parameters, *keys)  # fmt: skip
    return f"{say('权衡曲线', 'trade-off')}\n{table(head, rows, range(2, len(head)))}"


def _yes(met: bool) -> str:
    return say("是", "yes") if met else say("否", "NO")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.10g}"


def _signed(value: float) -> str:
    return f"{float(f'{value:.10g}'):+,.10g}" if value else "0"


def _outcome(key: str, value: float) -> str:
    from budget.search.document import OUTCOMES

    return f"{value:,.2f}" if OUTCOMES[key.partition(".")[0]][2] == "yuan" else f"{value:.4%}"
