"""``drg explain``: why a case has its group, what it is paid, and what one code does."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drg.cli.common.options import Edition, MappingFile, SchemeName, Sheet
from drg.cli.explain import dependence
from drg.errors import problem

if TYPE_CHECKING:
    from drg.cli.explain.money import Answer
    from grouper.explain.case import Explanation
    from grouper.explain.codes import Found


class Format(StrEnum):
    """What an explanation is written as."""

    text = "text"
    json = "json"
    svg = "svg"


class Language(StrEnum):
    """Language of an explanation."""

    zh = "zh"
    en = "en"


_CODES = "Codes joined by | or comma, the principal first; or the option once a code."


def explain(
    file: Annotated[
        Path | None, typer.Argument(help="Discharge file; none when codes are given.")
    ] = None,
    case: Annotated[str | None, typer.Option("--case", help="Id of a case in FILE.")] = None,
    row: Annotated[
        int | None, typer.Option("--row", help="Row of FILE, as a spreadsheet counts.")
    ] = None,
    diagnoses: Annotated[list[str] | None, typer.Option("--diagnoses", help=_CODES)] = None,
    procedures: Annotated[list[str] | None, typer.Option("--procedures", help=_CODES)] = None,
    sex: Annotated[str | None, typer.Option("--sex", help="1 or 男, 2 or 女.")] = None,
    age: Annotated[str | None, typer.Option("--age", help="Years.")] = None,
    age_days: Annotated[str | None, typer.Option("--age-days", help="Days, in infancy.")] = None,
    birth_weight: Annotated[str | None, typer.Option("--birth-weight", help="Grams.")] = None,
    length_of_stay: Annotated[
        str | None, typer.Option("--length-of-stay", "--stay", help="Days.")
    ] = None,
    discharge_mode: Annotated[str | None, typer.Option("--discharge-mode", help="1 to 9.")] = None,
    icu_hours: Annotated[str | None, typer.Option("--icu-hours", help="Hours.")] = None,
    department: Annotated[str | None, typer.Option("--department", help="Its name.")] = None,
    what_if: Annotated[
        bool,
        typer.Option("--what-if", help="What if one code were dropped, repeated or principal?"),
    ] = False,
    weights: Annotated[
        str | None, typer.Option("--weights", help="Weight table, or the id of a published one.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", min=0, help="Yuan for one unit of weight.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option("--policy", help="Payment policy, id or file: what the case is paid."),
    ] = None,
    hospitals: Annotated[
        Path | None,
        typer.Option("--hospitals", help="Table of hospitals; hospitals.csv beside FILE."),
    ] = None,
    settlement: Annotated[
        Path | None,
        typer.Option("--settlement", help="Folder of drg settle, for its point values."),
    ] = None,
    year: Annotated[int | None, typer.Option("--year", help="Settlement year.")] = None,
    hospital: Annotated[str | None, typer.Option("--hospital", help="Id of the hospital.")] = None,
    tier: Annotated[
        int | None, typer.Option("--tier", min=0, max=3, help="Tier of the hospital.")
    ] = None,
    hospital_class: Annotated[
        str | None, typer.Option("--class", help="Class of the hospital, such as 甲等.")
    ] = None,
    level: Annotated[
        str | None, typer.Option("--level", help="town, county, city or province.")
    ] = None,
    county: Annotated[str | None, typer.Option("--county", help="County of the hospital.")] = None,
    insurance: Annotated[
        str | None, typer.Option("--insurance", help="employee or resident.")
    ] = None,
    population: Annotated[
        str | None, typer.Option("--population", help="Category of people, such as poor.")
    ] = None,
    cost: Annotated[float | None, typer.Option("--cost", min=0, help="Billed cost, yuan.")] = None,
    dependent: Annotated[
        bool,
        typer.Option("--dependence", help="All cases of FILE whose group hangs on one code."),
    ] = False,
    principal_procedure: Annotated[
        bool,
        typer.Option("--principal-procedure", help="--dependence: on the principal one as well."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write instead of the terminal.")
    ] = None,
    format: Annotated[  # noqa: A002
        Format, typer.Option("--format", help="text, json, or svg for a picture.")
    ] = Format.text,
    lang: Annotated[Language, typer.Option("--lang", help="zh or en.")] = Language.zh,
    everything: Annotated[
        bool, typer.Option("--all", help="Name all groups tried, and changes without effect.")
    ] = False,
    scheme: SchemeName = "chs-drg-1.1",
    codes: Edition = "insurance",
    mapping: MappingFile = None,
    sheet: Sheet = None,
) -> None:
    """Explain why a case has its group: the path, each rule tried, each complication.

    With --policy also what it is paid: standard, branch, who pays, and every figure's source.

    One case of a file (FILE --case ID), one from codes (--diagnoses ...), or, for audit, all cases
    of a file whose group hangs on a single secondary code (FILE --dependence --out TABLE).
    """
    from drg.cli.explain import money as explain_money
    from drg.tables import check_outputs
    from grouper.explain.case import Explainer, case_of

    cells = {"hospital": hospital, "tier": tier, "class": hospital_class, "level": level,
             "county": county, "insurance": insurance, "population": population,
             "total_cost": cost}  # fmt: skip
    asked = explain_money.asked_of(
        policy, weights, hospitals, settlement, year, cells, has_file=file is not None
    )
    if dependent:
        if file is None or out is None or case is not None or row is not None or diagnoses:
            raise typer.BadParameter("--dependence takes FILE and --out, and no single case")
        if asked is not None:
            raise typer.BadParameter("--policy explains a single case, not --dependence")
        dependence.run(
            file, out, scheme=scheme, codes=codes, mapping=mapping, sheet=sheet, weights=weights,
            principal_procedure=principal_procedure, lang=lang.value,
        )  # fmt: skip
        return
    _check(file, case, row, diagnoses)
    if asked is not None and format is Format.svg:
        raise typer.BadParameter("--policy needs --format text or json")
    check_outputs((out,), (file, mapping, weights, policy, hospitals))
    parts = {"sex": sex, "age": age, "age_days": age_days, "birth_weight": birth_weight,
             "length_of_stay": length_of_stay, "discharge_mode": discharge_mode,
             "icu_hours": icu_hours, "department": department}  # fmt: skip
    place = None
    if file is not None:
        if procedures or any(part is not None for part in parts.values()):
            raise typer.BadParameter("parts of a case are given without FILE")
        there = _from_file(file, case, row, mapping, sheet)
        found, place = there.case, explain_money.Place(file, there.row, mapping, sheet)
    else:
        joined = {"diagnoses": "|".join(diagnoses or []), "procedures": "|".join(procedures or [])}
        found = case_of({**joined, **parts})
    explanation = Explainer(scheme, codes, lang.value).explain(found)
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
        raise typer.BadParameter("give either FILE with --case, or --diagnoses")
    if file is not None and (case is None) == (row is None):
        raise typer.BadParameter("FILE needs --case ID, --row N or --dependence")
    if file is None and (case is not None or row is not None):
        raise typer.BadParameter("--case and --row need FILE")


def _from_file(
    file: Path, case: str | None, row: int | None, mapping: Path | None, sheet: str | None
) -> Found:
    from grouper.explain.codes import find_case

    found = find_case(file, case_id=case, row=row, mapping=mapping, sheet=sheet)
    if found.times > 1:
        typer.echo(
            f"{file}: {found.times} rows have the id {case} 病例号重复; this is row {found.row}, "
            "--row N takes another",
            err=True,
        )
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
            raise typer.BadParameter("--rate needs --weights")
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
    from drg.tables import atomic_path

    try:
        with atomic_path(out) as path:
            path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    except OSError as error:
        raise problem("cannot be written", file=out, found=error.strerror) from None
