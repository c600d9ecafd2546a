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
    from budget.search.ahead import Stand
    from budget.search.document import Goal
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
    scenario: Annotated[
        Path | None,
        typer.Option("--scenario", help=say("未来年度的情景（TOML），替代寻优文件中的 scenario。",
                                            "Scenario (TOML) of the years ahead, in place of the "
                                            "search document's.")),
    ] = None,
    mapping: MappingFile = None,
    sheet: Sheet = None,
    across_schemes: AcrossSchemes = False,
    accept_unreadable: AcceptUnreadable = False,
    strict: Strict = False,
) -> None:  # fmt: skip
    """Search (政策寻优) for the least change of a policy's figures that meets targets."""
    from budget.policy import load_policy
    from budget.projection.scenario import load_scenario
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
        scenario=None if scenario is None else load_scenario(scenario),
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
    document, found = searched.document, searched.found
    figures = []
    for row in document.figures:
        leaf, value = searched.leaves[row.name], found.parameters[row.name]
        figures += [(key, say(leaf.about.zh, leaf.about.en), _number(leaf.value), _number(value),
                     _signed(value - leaf.value)) for key in row.keys]  # fmt: skip
    head = (say("数值", "figure"), say("名称", "term"), *_ends(), say("变动", "change"))
    title = say(document.title, document.title_en or document.title)
    parts = [f"{document.id} {title}", "", table(head, figures, range(2, 5)), ""]
    parts += [_targets(searched), "", *_ahead(searched), ""]
    for text, one in zip(_ends(), searched.worst, strict=True):
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
    world = searched.world
    count, drawn = world.settlements, world.simulations
    effort = say(f"清算 {count} 次，病例只读一次", f"settled {count} times, cases read once")
    parts.append(effort + (say(f"；抽样 {drawn} 次", f"; drawn {drawn} times") if drawn else ""))
    if len(searched.points) > 1:
        parts += ["", _curve(searched.points, searched)]
    return "\n".join([*parts, ""])


def _ends() -> tuple[str, str]:
    return say("现行", "now"), say("寻得", "found")


def _targets(searched: Searched) -> str:
    """How each target stands: when it must hold, its bounds, in force, as found, a year later."""
    from budget.search.ahead import told
    from budget.search.files import drawn_words, holds

    document, trial = searched.document, searched.trial(searched.points[0])
    rows = []
    for goal, reached in zip(document.targets, searched.found.reached, strict=True):
        bounds = [f"{sign} {_number(bound)}" for sign, bound in
                  ((">=", goal.low), ("<=", goal.high)) if bound is not None]  # fmt: skip
        bound = " ".join(bounds) + say(*drawn_words(goal))
        when = say(*goal.when(searched.world.year))
        if goal.ahead:
            ends = [_stand(goal, one.stand(goal)) for one in (searched.before, trial)]
            later = "-", "-"
        else:
            ends = [_outcome(goal.outcome, told(held[goal.key], goal.outcome))
                    for held in (searched.before, trial)]  # fmt: skip
            ahead = told(searched.ahead[goal.key], goal.outcome)
            later = _outcome(goal.outcome, ahead), _yes(holds(ahead, goal.low, goal.high))
        rows.append((goal.name, goal.key, when, bound, *ends, _yes(reached.met), *later))
    head = (say("目标", "target"), say("指标", "outcome"), say("年度", "year"),
            say("界限", "bound"), *_ends(), say("达到", "met"), say("次年", "next year"),
            say("达到", "met"))  # fmt: skip
    return table(head, rows, (3, 4, 5, 7))


def _stand(goal: Goal, stand: Stand) -> str:
    """What a target of years ahead reaches, with its Monte-Carlo standard error."""
    if goal.at_most_share is not None:
        missed = say("未达到 ", "missed in ")
        return f"{missed}{stand.share:.2%} ± {stand.error:.2%}"
    error = "" if stand.error is None else f" ± {_outcome(goal.outcome, stand.error)}"
    return _outcome(goal.outcome, stand.value) + error


def _ahead(searched: Searched) -> list[str]:
    """What the years ahead rest on, and targets of them year by year."""
    document, scenario = searched.document, searched.world.scenario
    goals = [goal for goal in document.targets if goal.ahead]
    own = searched.document.scenario or scenario.id != "baseline"
    title = say(scenario.title, scenario.title_en or scenario.title)
    under = say(f"情景 {scenario.id} {title}", f"scenario {scenario.id} {title}") if own else say(
        "病例不变，基金池按自身规则变动", "the same cases, pools moved on by their own rule"
    )  # fmt: skip
    lines = []
    if len(goals) < len(document.targets):
        only = say("目标只就清算年度成立", "targets hold for the settled year only")
        each = say("未写年度的目标只就清算年度成立",
                   "targets without years hold for the settled year only")  # fmt: skip
        lines.append(f"{each if goals else only}{say('；次年：', '; next year: ')}{under}")
    if not goals:
        return lines
    lines.append(f"{say('未来年度：', 'years ahead: ')}{under}")
    trial = searched.trial(searched.points[0])
    if document.sampled is not None:
        draws, seed = document.sampled
        lines.append(say(f"每次试算抽样 {draws} 次，种子 {seed}，各试算用同一组随机数",
                         f"{draws} draws a trial, seed {seed}, the same random numbers in all "
                         "trials"))  # fmt: skip
    for goal in goals:
        if goal.drawn:
            fresh = _stand(goal, trial.stand(goal, fresh=True))
            lines.append(say(f"{goal.name}：另取种子 {seed + 1} 复核，{fresh}",
                             f"{goal.name}: in fresh draws, seed {seed + 1}: {fresh}"))  # fmt: skip
    rows = []
    for goal in goals:
        ends = searched.before.stand(goal), trial.stand(goal)
        for place, at in enumerate(goal.ahead):
            values = (_outcome(goal.outcome, one.by_year[place]) for one in ends)
            missed = (f"{one.missed[place]:.2%}" if one.missed else "-" for one in ends)
            worst = say("最差", "worst") if at == ends[1].year and len(goal.ahead) > 1 else ""
            rows.append((goal.name, str(searched.world.year + at), *values, *missed, worst))
    head = (say("目标", "target"), say("年度", "year"), *_ends(),
            *(say(f"{one}：未达到的抽样", f"{one}: draws that miss") for one in _ends()),
            "")  # fmt: skip
    return [*lines, "", table(head, rows, range(2, 6))]


def _curve(points: tuple[Point, ...], searched: Searched) -> str:
    from budget.search.ahead import told
    from budget.search.files import moved_to

    curve = searched.document.curve
    assert curve is not None
    goals = tuple({goal.held: goal for goal in searched.document.targets}.values())

    def cell(point: Point, goal: Goal) -> str:
        trial = searched.trial(point)
        if goal.ahead:
            return _stand(goal, trial.stand(moved_to(searched.document, goal, point.bound)))
        return _outcome(goal.outcome, told(trial[goal.key], goal.outcome))

    rows = [
        (_number(point.bound), _yes(point.found.feasible),
         f"{point.found.change:.4f}", *map(_number, point.found.parameters.values()),
         *(cell(point, goal) for goal in goals))
        for point in points if point.bound is not None
    ]  # fmt: skip
    head = (f"{curve.target} {say('界限', 'bound')}", say("达到", "met"), say("变动量", "change"),
            *points[0].found.parameters,
            *(goal.name if goal.ahead else goal.key for goal in goals))  # fmt: skip
    return f"{say('权衡曲线', 'trade-off')}\n{table(head, rows, range(2, len(head)))}"


def _yes(met: bool) -> str:
    return say("是", "yes") if met else say("否", "NO")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.10g}"


def _signed(value: float) -> str:
    return f"{float(f'{value:.10g}'):+,.10g}" if value else "0"


def _outcome(key: str, value: float) -> str:
    from budget.search.document import OUTCOMES

    return f"{value:,.2f}" if OUTCOMES[key][2] == "yuan" else f"{value:.4%}"
