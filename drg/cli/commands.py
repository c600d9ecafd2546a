"""All commands (命令) and what their help says; a command is imported when it is asked for."""

from __future__ import annotations

import importlib
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperCommand

import drg
from drg.cli.common.spoken import Group
from drg.language import say

COMMANDS: dict[str, tuple[str, str]] = {}  # where a command is, and what it does


def _command(name: str, module: str, told: str) -> None:
    COMMANDS[name] = f"drg.cli.{module}", told


_command(
    "demo",
    "demo",
    say(
        "在模拟统筹区上走完全流程，从出院病例到论证报告。\n\n"
        "依次为：模拟样本、质量检查、分组、权重测算、年度清算、支付预测、论证报告。加 --negotiate "
        "时：模拟样本、质量检查、分组、权重测算、权重谈判、会议纪要。",
        "The whole flow on a synthetic region, from discharges to a report that a panel can read."
        "\n\nSample, check, group, fit weights, settle the year, project the next ones, report. "
        "With --negotiate: sample, check, group, fit weights, negotiate them, minutes.",
    ),
)
_command(
    "sample",
    "sample",
    say(
        "生成模拟统筹区：病例、医疗机构，以及生成所依据的真值。",
        "Write a synthetic region: cases, hospitals, and the truth that made them.",
    ),
)
_command(
    "check",
    "check",
    say(
        "检查出院病例文件的数据质量，按医疗机构和月份评分。\n\n"
        "检查完整性、编码、性别与年龄、日期与住院天数、费用、重复。发现问题是检查结果而非运行失败，"
        "退出状态为 0。文件中不显示不足 5 例的数字。",
        "Check the quality of a discharge file by hospital and month, and score it.\n\n"
        "Completeness, codes, sex and age, dates and stays, costs, duplicates. Findings are the "
        "result, not a failure: the exit status is 0. In files numbers below 5 cases are not "
        "shown.",
    ),
)
_command(
    "group",
    "group",
    say(
        "对出院病例分组：每行补上 mdc、adrg、drg、severity、status、reason。\n\n"
        "可识别标准列名、病案首页列名和结算清单列名。不能读取的行和单元格列于 OUT.rejects.csv；"
        "OUT.run.json 记录版本、哈希值和计数。",
        "Group a discharge file: every row comes back with mdc, adrg, drg, severity, status, "
        "reason.\n\nColumns are recognised by canonical, front-page (病案首页) or settlement-list "
        "names. Rows and cells that cannot be read are listed in OUT.rejects.csv; OUT.run.json "
        "records versions, hashes and counts.",
    ),
)
_command(
    "explain",
    "explain.case",
    say(
        "说明病例为何进入其病组：分组路径、逐条规则、逐个并发症。\n\n"
        "加 --policy 时还说明支付多少：支付标准、结算类型、由谁支付，以及每个数值的来源。\n\n"
        "可说明文件中的一例（FILE --case ID）、由编码给出的一例（--diagnoses ...）；用于审核时，"
        "列出文件中分组只取决于单个其他诊断或手术编码的全部病例（FILE --dependence --out TABLE）。",
        "Explain why a case has its group: the path, each rule tried, each complication.\n\n"
        "With --policy also what it is paid: standard, branch, who pays, and every figure's "
        "source.\n\nOne case of a file (FILE --case ID), one from codes (--diagnoses ...), or, for "
        "audit, all cases of a file whose group hangs on a single secondary code (FILE "
        "--dependence --out TABLE).",
    ),
)
_command(
    "settle",
    "settle",
    say(
        "年度清算：逐例计价，按总额控制，结算到每家医疗机构。\n\n"
        "在 OUT 中写出病例、医疗机构、基金池、月份、结算类型和基金收支各表及合并的工作簿，"
        "settlement.json 记录版本和哈希值。各表合计精确到分。",
        "Settle a year (年度清算): price every case, hold the global budget, settle each hospital."
        "\n\nWrites cases, hospitals, pools, months, branches and the fund's cash into OUT, a "
        "workbook of them, and settlement.json with versions and hashes. All tables add up to the "
        "fen.",
    ),
)
_command(
    "project",
    "project",
    say(
        "支付预测：先清算本年度，再按各情景预测以后年度。\n\n"
        "第一个预测是基线，即维持现行政策。OUT 中有清算和预测各表，用 drg report OUT "
        "生成报告。权重表未给出名称的病组用国家方案的名称。",
        "Look ahead (支付预测): settle the year, then project the next ones under scenarios.\n\n"
        "The first projection is the baseline, the policy as it is. OUT gets the tables of the "
        "settlement and of the projection; `drg report OUT` makes a page of them. Groups that the "
        "weight table does not name get the names of the national scheme.",
    ),
)
_command(
    "backtest",
    "backtest",
    say(
        "回溯检验：由上一年预测次年，与次年实际对照。\n\n"
        "先清算上一年并预测，再按同一政策清算次年，比较清算额、次均费用、点值和区间，并与“按去年不变”对照。"
        "写出 CSV 表和网页 backtest.html。",
        "Hold a projection against the year that came.\n\nThe year before is settled and "
        "projected, the year that came settled by the same policy; payments, average costs, point "
        'values and intervals stand beside what came and beside "as last year". Writes CSV '
        "tables and the page backtest.html.",
    ),
)
_command(
    "monitor",
    "monitor",
    say(
        "基金运行监测：逐月支出对照预算，预测到年末，按界限预警并说明原因。\n\n"
        "SOURCE 为本年度至今的已分组病例，或存放各月文件的文件夹（grouped.csv、weights.csv、"
        "hospitals.csv、history.csv 等，见文档）。在 OUT 中写出各月、预测、预警等 CSV 表、"
        "monitor.json 记录，以及网页、Word 和工作簿。",
        "Watch the fund: spend month by month against the budget, a forecast to the year's end, "
        "warnings and what drives them.\n\nSOURCE holds the grouped cases of the year so far, or "
        "is a folder of what a bureau has month by month (grouped*.csv, weights.csv, "
        "hospitals.csv, history.csv and more, see the docs). Writes months, forecast, warnings "
        "and more as CSV, the record monitor.json, and a page, a Word file and a workbook into "
        "OUT.",
    ),
)
_command(
    "audit",
    "audit",
    say(
        "审核病例：分解住院、叠床、高套分组、低标准入院、倍率卡线等疑点，医疗机构与同类比较。\n\n"
        "规则是文档，各地可自行增加（--rules）。在 OUT 中写出 findings.csv（逐例疑点，含个人"
        "信息）、"
        "hospitals.csv、indicators.csv、tests.csv、记录 audit.json，以及不含个人信息的"
        "报告 audit.html、audit.docx、audit.xlsx。疑点不是结论。",
        "Audit cases: split admissions, overlapping stays, up-coding, low-standard admissions, "
        "threshold bunching and more; hospitals against their peers.\n\nRules are documents, and "
        "a city adds its own (--rules). Writes into OUT findings.csv (case by case, person-level), "
        "hospitals.csv, indicators.csv, tests.csv, the record audit.json, and a report without "
        "persons: audit.html, audit.docx, audit.xlsx. An alert is no verdict.",
    ),
)
_command(
    "report",
    "report",
    say(
        "写出论证报告：一个可按 A4 打印的网页或 Word 文档，附工作簿。\n\n"
        "报告不需联网，也不依赖其他文件。不显示不足 5 例的数字。",
        "Write the panel report (论证报告): a page that prints on A4 or a Word document, with a "
        "workbook.\n\nIt needs no network and no other file. Counts below 5 cases are "
        "not told.",
    ),
)
_command(
    "scheme",
    "scheme.show",
    say(
        "分组方案：列出、查看、比较、导入、导出。",
        "Grouping schemes (分组方案): list, show, compare, import.",
    ),
)
_command(
    "weights",
    "weights.fit",
    say(
        "相对权重：测算、对比、评价、已公布的权重表。",
        "Relative weights: fit, compare, quality, published tables.",
    ),
)
_command(
    "negotiate",
    "negotiate.act",
    say(
        "权重论证谈判：申请、影响测算、专家组、表决、折中方案、记录。",
        "Weight negotiation (权重论证谈判): proposals, impact, panels, votes, compromise, record.",
    ),
)
_command(
    "policy",
    "policy.show",
    say("支付政策：查看、检查、测试、寻优。", "Payment policies (支付政策): show, check, test."),
)
_command(
    "fund",
    "fund.prepayment",
    say(
        "基金专项：异地就医预付、集采结余留用。",
        "Payments of the fund beside the settlement: out-of-area prepayment, procurement "
        "retention.",
    ),
)
_command(
    "year",
    "year.act",
    say(
        "年度账册：按月结算和拨付、更正、清单、意见反馈、预付金，直至年终清算，全程留痕。",
        "The book of a year: settled and paid by the month, corrected, lists, objections, advance "
        "money, and the clearing, all on record.",
    ),
)


class _Root(Group):
    """The root: it knows its commands by name, and imports the one that is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Names of all commands, as help lists them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, or nothing."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.commands[cmd_name] = _found(cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """List the commands with what they do, without importing them."""
        room = formatter.width - 6 - max(map(len, COMMANDS))
        rows = [(name, TyperCommand(name, help=told).get_short_help_str(room))
                for name, (_, told) in COMMANDS.items()]  # fmt: skip
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _found(name: str) -> Any:
    """A command as typer makes it, from where it is."""
    place, told = COMMANDS[name]
    module = importlib.import_module(place)
    held = getattr(module, "app" if hasattr(module, "app") else name)
    root = typer.Typer(rich_markup_mode=None, add_completion=False)
    root.callback()(_nothing)
    if isinstance(held, typer.Typer):
        root.add_typer(held, name=name, help=told)
    else:
        root.command(name, help=told)(held)
    made: Any = typer.main.get_command(root)
    return made.commands[name]


def _nothing() -> None:
    """What makes a typer of one command a group."""


app = typer.Typer(
    name="drg",
    cls=_Root,
    help=say(
        "医保 DRG 付费工具：病例分组、权重测算、年度清算、预算预测。",
        "DRG payment for Chinese regions: group cases, fit weights, settle and project budgets.",
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"drg-toolkit {drg.__version__}")
        raise typer.Exit


@app.callback()
def root(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True,
            help=say("显示版本。", "Show the version."),
        ),
    ] = False,
) -> None:  # fmt: skip
    """Begin, with what stands before a command."""
