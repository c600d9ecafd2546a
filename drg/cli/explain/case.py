"""``drg explain``: why a case has its group, what it is paid, and what one code does."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.options import Edition, Lang, MappingFile, SchemeName, Sheet, wrong
from drg.cli.common.outputs import look_first
from drg.cli.common.schemes import AcrossSchemes
from drg.cli.explain import dependence
from drg.language import say
from grouper.scheme.name import DEFAULT

if TYPE_CHECKING:
    from drg.cli.explain.money import Answer
    from grouper.explain.case import Explanation
    from grouper.explain.codes import Found


class Format(StrEnum):
    """What an explanation is written as."""

    text = "text"
    json = "json"
    svg = "svg"


_CODES = say(
    "编码，以 | 或逗号分隔，主要的在前；或每个编码给一次本选项。",
    "Codes joined by | or comma, the principal first; or the option once a code.",
)


def explain(
    file: Annotated[
        Path | None,
        typer.Argument(help=say("出院病例文件；给出编码时不用。",
                                "Discharge file; none when codes are given.")),
    ] = None,
    case: Annotated[
        str | None,
        typer.Option("--case", help=say("FILE 中的病例号。", "Id of a case in FILE.")),
    ] = None,
    row: Annotated[
        int | None,
        typer.Option("--row", help=say("FILE 中的行号，与电子表格一致。",
                                       "Row of FILE, as a spreadsheet counts.")),
    ] = None,
    diagnoses: Annotated[list[str] | None, typer.Option("--diagnoses", help=_CODES)] = None,
    procedures: Annotated[list[str] | None, typer.Option("--procedures", help=_CODES)] = None,
    sex: Annotated[
        str | None,
        typer.Option("--sex", help=say("性别：1 或 男，2 或 女。", "1 or 男, 2 or 女.")),
    ] = None,
    age: Annotated[str | None, typer.Option("--age", help=say("年龄（岁）。", "Years."))] = None,
    age_days: Annotated[
        str | None,
        typer.Option("--age-days", help=say("不足一周岁的天数。", "Days, in infancy.")),
    ] = None,
    birth_weight: Annotated[
        str | None, typer.Option("--birth-weight", help=say("出生体重（克）。", "Grams."))
    ] = None,
    admission_weight: Annotated[
        str | None,
        typer.Option("--admission-weight", help=say("新生儿入院体重（克）。", "Grams.")),
    ] = None,
    length_of_stay: Annotated[
        str | None,
        typer.Option("--length-of-stay", "--stay", help=say("住院天数。", "Days.")),
    ] = None,
    discharge_mode: Annotated[
        str | None,
        typer.Option("--discharge-mode", help=say("离院方式，1 至 9。", "1 to 9.")),
    ] = None,
    icu_hours: Annotated[
        str | None,
        typer.Option("--icu-hours", help=say("重症监护小时数。", "Hours.")),
    ] = None,
    department: Annotated[
        str | None, typer.Option("--department", help=say("出院科室名称。", "Its name."))
    ] = None,
    what_if: Annotated[
        bool,
        typer.Option("--what-if", help=say(
            "若去掉或重复一个编码，或以其作主要，分组如何变化。",
            "What if one code were dropped, repeated or principal?")),
    ] = False,
    weights: Annotated[
        str | None,
        typer.Option("--weights", help=say("权重表，或已公布权重表的编号。",
                                           "Weight table, or the id of a published one.")),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", min=0, help=say("费率：每一权重的金额（元）。",
                                               "Yuan for one unit of weight.")),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option("--policy", help=say("支付政策的编号或文件：说明该病例支付多少。",
                                          "Payment policy, id or file: what the case is paid.")),
    ] = None,
    hospitals: Annotated[
        Path | None,
        typer.Option("--hospitals", help=say("医疗机构表，默认为 FILE 同目录的 hospitals.csv。",
                                             "Table of hospitals; hospitals.csv beside FILE.")),
    ] = None,
    settlement: Annotated[
        Path | None,
        typer.Option("--settlement", help=say("drg settle 的结果文件夹，取其点值。",
                                              "Folder of drg settle, for its point values.")),
    ] = None,
    year: Annotated[
        int | None, typer.Option("--year", help=say("清算年度。", "Settlement year."))
    ] = None,
    hospital: Annotated[
        str | None,
        typer.Option("--hospital", help=say("医疗机构编号。", "Id of the hospital.")),
    ] = None,
    tier: Annotated[
        int | None,
        typer.Option("--tier", min=0, max=3, help=say("医疗机构级别。", "Tier of the hospital.")),
    ] = None,
    hospital_class: Annotated[
        str | None,
        typer.Option("--class", help=say("医疗机构等次，如 甲等。",
                                         "Class of the hospital, such as 甲等.")),
    ] = None,
    level: Annotated[
        str | None,
        typer.Option("--level", help=say("行政层级：town、county、city 或 province。",
                                         "town, county, city or province.")),
    ] = None,
    county: Annotated[
        str | None,
        typer.Option("--county", help=say("医疗机构所在县区。", "County of the hospital.")),
    ] = None,
    insurance: Annotated[
        str | None,
        typer.Option("--insurance", help=say("险种：employee（职工）或 resident（居民）。",
                                             "employee or resident.")),
    ] = None,
    population: Annotated[
        str | None,
        typer.Option("--population", help=say("人员类别，如 poor。",
                                              "Category of people, such as poor.")),
    ] = None,
    cost: Annotated[
        float | None,
        typer.Option("--cost", min=0, help=say("医疗总费用（元）。", "Billed cost, yuan.")),
    ] = None,
    dependent: Annotated[
        bool,
        typer.Option("--dependence", help=say("列出 FILE 中分组取决于单个编码的全部病例。",
                                              "All cases of FILE whose group hangs on one code.")),
    ] = False,
    principal_procedure: Annotated[
        bool,
        typer.Option("--principal-procedure", help=say(
            "用于 --dependence：主要手术操作也计入。",
            "--dependence: on the principal one as well.")),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", help=say("写入的文件；默认显示在终端。",
                                       "File to write instead of the terminal.")),
    ] = None,
    format: Annotated[  # noqa: A002
        Format,
        typer.Option("--format", help=say("格式：text、json，或 svg（图）。",
                                          "text, json, or svg for a picture.")),
    ] = Format.text,
    lang: Lang = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help=say("列出试过的全部病组和不影响分组的改动。",
                                       "Name all groups tried, and changes without effect.")),
    ] = False,
    scheme: SchemeName = DEFAULT,
    across_schemes: AcrossSchemes = False,
    codes: Edition = "insurance",
    mapping: MappingFile = None,
    sheet: Sheet = None,
) -> None:  # fmt: skip
    """Explain why a case has its group: the path, each rule tried, each complication."""
    from drg.cli.explain import money as explain_money
    from grouper.explain.case import Explainer, case_of

    lang = lang or "zh"
    cells = {"hospital": hospital, "tier": tier, "class": hospital_class, "level": level,
             "county": county, "insurance": insurance, "population": population,
             "total_cost": cost}  # fmt: skip
    asked = explain_money.asked_of(
        policy, weights, hospitals, settlement, year, cells, has_file=file is not None
    )
    explain_money.one_scheme(scheme, file, asked, weights, across_schemes, mapping, sheet,
                             grouped_anew=what_if or asked is None)  # fmt: skip
    if dependent:
        if file is None or out is None or case is not None or row is not None or diagnoses:
            raise wrong("--dependence 需要 FILE 和 --out，不能指定单个病例",
                        "--dependence takes FILE and --out, and no single case")  # fmt: skip
        if asked is not None:
            raise wrong("--policy 只用于单个病例，不能与 --dependence 同用",
                        "--policy explains a single case, not --dependence")  # fmt: skip
        dependence.run(
            file, out, scheme=scheme, codes=codes, mapping=mapping, sheet=sheet, weights=weights,
            principal_procedure=principal_procedure, lang=lang,
        )  # fmt: skip
        return
    _check(file, case, row, diagnoses)
    if asked is not None and format is Format.svg:
        raise wrong("--policy 只能用 --format text 或 json", "--policy needs --format text or json")
    look_first((file, mapping, weights, policy, hospitals, scheme, settlement), (out, ()))
    parts = {"sex": sex, "age": age, "age_days": age_days, "birth_weight": birth_weight,
             "admission_weight": admission_weight, "length_of_stay": length_of_stay,
             "discharge_mode": discharge_mode, "icu_hours": icu_hours,
             "department": department}  # fmt: skip
    place = None
    if file is not None:
        if procedures or any(part is not None for part in parts.values()):
            raise wrong("病例的各项只在没有 FILE 时给出", "parts of a case are given without FILE")
        there = _from_file(file, case, row, mapping, sheet)
        found, place = there.case, explain_money.Place(file, there.row, mapping, sheet)
    else:
        joined = {"diagnoses": "|".join(diagnoses or []), "procedures": "|".join(procedures or [])}
        found = case_of({**joined, **parts})
    explanation = Explainer(scheme, codes, lang).explain(found)
    money = None if asked is None else explain_money.answer(explanation, place, asked)
    shown = _shown(explanation, format, what_if, weights, rate, everything, money)
    if out is None:
        typer.echo(shown.rstrip("\n"))
    else:
        _write(out, shown)


def _check(
    file: Path | None, case: str | None, row: int | None, diagnoses: list[str] | None
) -> None:
    """Raise unless exactly one case is meant."""
    if (file is None) != bool(diagnoses):
        raise wrong("请给出 FILE 和 --case，或 --diagnoses，二者择一",
                    "give either FILE with --case, or --diagnoses")  # fmt: skip
    if file is not None and (case is None) == (row is None):
        raise wrong("有 FILE 时需要 --case ID、--row N 或 --dependence",
                    "FILE needs --case ID, --row N or --dependence")  # fmt: skip
    if file is None and (case is not None or row is not None):
        raise wrong("--case 和 --row 需要 FILE", "--case and --row need FILE")


def _from_file(
    file: Path, case: str | None, row: int | None, mapping: Path | None, sheet: str | None
) -> Found:
    from grouper.explain.codes import find_case

    found = find_case(file, case_id=case, row=row, mapping=mapping, sheet=sheet)
    if found.times > 1:
        typer.echo(
            say(f"{file}：病例号 {case} 重复，共 {found.times} 行；本例为第 {found.row} 行，"
                "用 --row N 可选其他行",
                f"{file}: {found.times} rows have the id {case}; this is row {found.row}, "
                "--row N takes another"),
            err=True,
        )  # fmt: skip
    return found


def _shown(
    found: Explanation,
    format: Format,  # noqa: A002
    what_if: bool,
    weights: str | None,
    rate: float | None,
    everything: bool,
    money: Answer | None,
) -> str:
    from drg.cli.explain import money as explain_money
    from drg.provenance import to_json

    if format is Format.svg:
        return found.svg()
    variants, case = None, None if money is None else money.case
    if what_if:
        if rate is not None and weights is None and money is None:
            raise wrong("--rate 需要 --weights", "--rate needs --weights")
        held = dependence.weights_of(weights) if money is None else money.weights.by_group()
        variants = found.what_if(held, rate)
    if format is Format.json:
        document = found.document()
        if money is not None:
            document["money"] = money.document
        if variants is not None:
            document["what_if"] = variants.document()
        if variants is not None and case is not None:
            rows = explain_money.variants_money(case, variants)
            for said, (_, held_money) in zip(document["what_if"]["variants"], rows, strict=True):
                said.update(held_money)
        return to_json(document)
    texts = [found.text(everything=everything)]
    if money is not None:
        texts.append(money.text)
    if variants is not None:
        texts.append(variants.text(everything=everything))
    if variants is not None and case is not None:
        texts.append(explain_money.variants_text(case, variants, found.lang, everything=everything))
    return "\n\n".join(texts)


def _write(out: Path, text: str) -> None:
    from drg.tables.atomic import write_text

    write_text(out, text.rstrip("\n") + "\n")
