"""``drg policy search``: the least change of a policy that meets targets, with its trade-off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.options import (
    GroupedFile,
    HospitalTable,
    LastYear,
    MappingFile,
    PolicyName,
    SettlementYear,
    Sheet,
    TablesFolder,
    WeightsName,
)
from drg.cli.common.year import last_year_of, table_of_hospitals, year_of
from drg.terminal import REPLACEMENT, plain, table

if TYPE_CHECKING:
    from budget.search.files import Point, Searched

_AHEAD = (
    "targets hold for the settled year only; next year: the same cases, pools moved on by their "
    "own rule\n目标只就清算年度成立；次年：病例不变，基金池按自身规则变动"
)


def search(
    file: GroupedFile,
    weights: WeightsName,
    asked: Annotated[
        Path, typer.Option("--search", help="Search document (TOML): figures, targets, curve.")
    ],
    out: TablesFolder,
    policy: PolicyName = "national-default",
    hospitals: HospitalTable = None,
    year: SettlementYear = None,
    last_year: LastYear = None,
    mapping: MappingFile = None,
    sheet: Sheet = None,
) -> None:
    """Search (政策寻优) for the least change of a policy's figures that meets targets.

    Targets hold for the settled year; pools move on by their own rule, and what that makes of the
    targets a year later is printed too. Writes policy_search.csv and .json into OUT, and
    policy-found.toml and scenario-found.toml for drg settle and drg project. Exit status 1 when
    the targets cannot be met.
    """
    from budget.policy import load_policy
    from budget.search.document import load_search
    from budget.search.files import search_file
    from weights.table import open_weights

    wanted = load_search(asked)
    table = table_of_hospitals(file, hospitals)
    rules = load_policy(policy)
    held = open_weights(weights)
    settled_year = year if year is not None else year_of(file, mapping, sheet)
    spent = None if last_year is None else last_year_of(last_year, [p.name for p in rules.pools])
    inputs = {"search": asked, "weights": Path(weights), "policy": Path(policy),
              "last_year": last_year}  # fmt: skip
    found = search_file(
        file, out, held, rules, table, settled_year, wanted, extends=policy, mapping=mapping,
        sheet=sheet, last_year=spent, inputs=inputs,
        say=lambda text: typer.echo(text, err=True),
    )  # fmt: skip
    typer.echo(summary(found))
    typer.echo("\n".join(map(str, found.written)))
    if not found.found.feasible:
        typer.echo(f"{wanted.place}: {found.found.message}\n{found.found.message_zh}", err=True)
        raise typer.Exit(1)


def summary(searched: Searched) -> str:
    """Figures, targets and the curve as text tables."""
    from budget.search.files import holds, told

    document, found = searched.document, searched.found
    figures = []
    for row in document.figures:
        leaf, value = searched.leaves[row.name], found.parameters[row.name]
        figures += [(key, leaf.about.zh, _number(leaf.value), _number(value),
                     _signed(value - leaf.value)) for key in row.keys]  # fmt: skip
    parts = [
        f"{document.id} {document.title}", "",
        table(("figure 数值", "term 名称", "now 现行", "found 寻得", "change 变动"), figures,
              range(2, 5)), "",
    ]  # fmt: skip
    rows = []
    for goal, reached in zip(document.targets, found.reached, strict=True):
        bounds = [f"{sign} {_number(bound)}" for sign, bound in
                  ((">=", goal.low), ("<=", goal.high)) if bound is not None]  # fmt: skip
        ahead = told(searched.ahead, goal.key)
        rows.append((goal.name, goal.key, " ".join(bounds), _outcome(goal.key, told(
            searched.before, goal.key)), _outcome(goal.key, told(found.outcomes, goal.key)),
            _yes(reached.met), _outcome(goal.key, ahead),
            _yes(holds(ahead, goal.low, goal.high))))  # fmt: skip
    head = ("target 目标", "outcome 指标", "bound 界限", "now 现行", "found 寻得", "met 达到",
            "next year 次年", "met 达到")  # fmt: skip
    parts += [table(head, rows, (2, 3, 4, 6)), "", _AHEAD, ""]
    for text, one in zip(("now 现行", "found 寻得"), searched.worst, strict=True):
        whose = " ".join(plain(part, REPLACEMENT) for part in one)
        parts.append(f"largest loss 亏损率最大 {text}: {whose}")
    note = "no figure of the search moves this outcome; 可调数值均不影响该指标"
    parts += [f"note 提示 {name}: {note}" for name in searched.still]
    parts.append(f"settled 清算 {searched.settlements} times, cases read once 病例只读一次")
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
    head = (f"{curve.target} 界限", "met 达到", "change 变动量", *points[0].found.parameters, *keys)
    return f"trade-off 权衡曲线\n{table(head, rows, range(2, len(head)))}"


def _yes(met: bool) -> str:
    return "yes 是" if met else "NO 否"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.10g}"


def _signed(value: float) -> str:
    return f"{float(f'{value:.10g}'):+,.10g}" if value else "0"


def _outcome(key: str, value: float) -> str:
    from budget.search.document import OUTCOMES

    return f"{value:,.2f}" if OUTCOMES[key.partition(".")[0]][2] == "yuan" else f"{value:.4%}"
