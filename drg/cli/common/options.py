"""Options that several commands share, so that they are said in the same words."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from drg.language import LANGUAGES, say, speak, wished


def wrong(zh: str, en: str, option: str | None = None) -> typer.BadParameter:
    """A request that cannot be followed, in the reader's language."""
    return typer.BadParameter(say(zh, en), param_hint=option)


def _lang(lang: str | None) -> str:
    """The language of a report: as asked, which is then that of errors too, as wished, Chinese."""
    if lang is None:
        return wished() or "zh"
    if lang not in LANGUAGES:
        raise wrong("应为 zh 或 en", "expected zh or en", "--lang")
    speak(lang)
    return lang


Lang: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--lang", callback=_lang,
        help=say("语言：zh 或 en；默认按 DRG_LANG，未设时为 zh。",
                 "Language: zh or en; by default DRG_LANG, or zh."),
    ),
]  # fmt: skip
DischargeFile: TypeAlias = Annotated[
    Path,
    typer.Argument(help=say("出院病例文件：CSV(.gz)、Excel 或 Parquet，或 Parquet 文件夹。",
                            "Discharge file: CSV(.gz), Excel or Parquet, or a folder of Parquet "
                            "files.")),
]  # fmt: skip
SchemeArgument: TypeAlias = Annotated[
    str,
    typer.Argument(help=say("内置分组方案的编号，或方案包文件夹。",
                            "Id of a shipped scheme or folder of a pack.")),
]  # fmt: skip
SchemeName: TypeAlias = Annotated[
    str,
    typer.Option("--scheme", help=say("内置分组方案的编号，或方案包文件夹。",
                                      "Id of a shipped scheme or folder of a pack.")),
]  # fmt: skip
MappingFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--mapping", help=say("字段对照文件（TOML 或 CSV），用于未能识别的表头。",
                                       "Mapping file (TOML or CSV) for headers that are not "
                                       "recognised.")),
]  # fmt: skip
CreditFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--credit", help=say("信用评分的权重文档，默认为内置。",
                                      "Document of weights of the credit score; the shipped one "
                                      "by default.")),
]  # fmt: skip
Sheet: TypeAlias = Annotated[
    str | None,
    typer.Option("--sheet", help=say("工作簿中的工作表，默认第一张未隐藏的。",
                                     "Sheet of a workbook; the first not hidden by default.")),
]  # fmt: skip
Edition: TypeAlias = Annotated[
    str,
    typer.Option("--codes", help=say("编码版本：insurance（医保版）或 clinical（国临版）。",
                                     "Edition of the codes: insurance (医保版) or clinical "
                                     "(国临版).")),
]  # fmt: skip
Strict: TypeAlias = Annotated[
    bool,
    typer.Option("--strict", help=say("有行或单元格被拒收时，退出状态为 1。",
                                      "Exit with 1 when any row or cell was rejected.")),
]  # fmt: skip
Totals: TypeAlias = Annotated[
    str | None,
    typer.Option("--totals", help=say(
        "有 cases 列时，费用为均值（mean）还是合计（sum）。",
        "With the column cases: costs are the mean or the sum.")),
]  # fmt: skip
AcceptUnreadable: TypeAlias = Annotated[
    bool,
    typer.Option("--accept-unreadable", help=say(
        "与金额有关的列中无法识别的单元格超过 1% 时仍继续，这些病例列出而不计入。",
        "Go on although more than 1% of a column that money hangs on cannot be read; those cases "
        "are listed and left out.")),
]  # fmt: skip
GroupedFile: TypeAlias = Annotated[
    Path,
    typer.Argument(help=say("已分组病例：CSV(.gz)、Excel 或 Parquet，或 Parquet 文件夹。",
                            "Grouped cases: CSV(.gz), Excel or Parquet, or a folder of Parquet "
                            "files.")),
]  # fmt: skip
WeightsName: TypeAlias = Annotated[
    str,
    typer.Option("--weights", help=say("权重表：文件，或已公布权重表的编号。",
                                       "Weight table: a file or a published id.")),
]  # fmt: skip
TablesFolder: TypeAlias = Annotated[
    Path, typer.Option("--out", help=say("存放结果表的文件夹。", "Folder for the tables."))
]
PolicyName: TypeAlias = Annotated[
    str,
    typer.Option("--policy", help=say("支付政策：编号（见 drg policy list）或文件。",
                                      "Policy: an id (drg policy list) or a file.")),
]  # fmt: skip
HospitalTable: TypeAlias = Annotated[
    Path | None,
    typer.Option("--hospitals", help=say("医疗机构表，默认为 FILE 同目录的 hospitals.csv。",
                                         "Table of hospitals; hospitals.csv beside FILE by "
                                         "default.")),
]  # fmt: skip
SettlementYear: TypeAlias = Annotated[
    int | None,
    typer.Option("--year", help=say("清算年度，默认按病例的出院年份。",
                                    "Year to settle; by default that of the cases.")),
]  # fmt: skip
LastYear: TypeAlias = Annotated[
    Path | None,
    typer.Option("--last-year", help=say("上年基金支出表，列为 pool、amount（元）。",
                                         "Last year's fund spend: a table pool, amount (yuan).")),
]  # fmt: skip
RoundFolder: TypeAlias = Annotated[
    Path, typer.Argument(help=say("谈判轮次的文件夹。", "Folder of the round."))
]
Actor: TypeAlias = Annotated[
    str,
    typer.Option("--actor", help=say("办理人，记入谈判记录。",
                                     "Who does it, as it stands on record.")),
]  # fmt: skip
RecordTime: TypeAlias = Annotated[
    str | None,
    typer.Option("--at", help=say("另注的时间，如 2026-03-01T09:00:00+08:00；不代替本机时间。",
                                  "A time to be stated, such as 2026-03-01T09:00:00+08:00, beside "
                                  "the machine's.")),
]  # fmt: skip
BUREAU = "医保局"
CasesMade: TypeAlias = Annotated[
    int, typer.Option("--cases", min=1, help=say("出院病例数。", "How many discharges."))
]
HospitalsMade: TypeAlias = Annotated[
    int, typer.Option("--hospitals", min=3, help=say("医疗机构数。", "How many hospitals."))
]
EngineName: TypeAlias = Annotated[
    str,
    typer.Option("--engine", help=say(
        "计算引擎：local（本机）或 spark（FILE 为 Parquet 数据集，见 docs/spark.md）。",
        "Where it is worked out: local, or spark, with FILE a Parquet dataset (docs/spark.md).")),
]  # fmt: skip
Master: TypeAlias = Annotated[
    str | None,
    typer.Option("--master", help=say(
        "Spark 集群：local[4]、yarn、spark://主机:7077、k8s://…；默认按 Spark 自身的设置。",
        "Spark's cluster: local[4], yarn, spark://host:7077, k8s://...; by default as Spark is "
        "set.")),
]  # fmt: skip


def engine_of(engine: str, master: str | None, **local: object) -> AbstractContextManager[object]:
    """Where cases are opened while a command works: on Spark, if it is asked for; see below."""
    if not is_spark(engine, master, **local):
        return nullcontext()
    from drg.spark.session import on_spark

    return on_spark(master)


def is_spark(engine: str, master: str | None, **local: object) -> bool:
    """Whether Spark is asked for.

    Args:
        engine: as given.
        master: as given.
        **local: options that only this machine can follow, by name.

    Raises:
        BadParameter: the engine is none, or an option does not go with it.
    """
    if engine not in ("local", "spark"):
        raise wrong("应为 local 或 spark", "expected local or spark", "--engine")
    if engine == "local":
        if master is not None:
            raise wrong("需要 --engine spark", "needs --engine spark", "--master")
        return False
    for name, given in local.items():
        if given:
            raise wrong("不能与 --engine spark 同用", "does not go with --engine spark",
                        f"--{name.replace('_', '-')}")  # fmt: skip
    return True
