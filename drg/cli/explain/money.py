"""``drg explain --policy``: what a case is paid, after why it has its group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drg.cli.common.options import wrong
from drg.cli.common.year import table_of_hospitals, year_of
from drg.language import say

if TYPE_CHECKING:
    from budget.cases.hospitals import Hospitals
    from budget.explain.case import CaseMoney
    from budget.policy.document import Policy
    from drg.cases import CaseColumns
    from grouper.explain.case import Explanation
    from grouper.explain.what_if import Variant, WhatIf
    from weights.table import WeightTable

_CHANGES = {
    "dropped": ("去掉", "without"),
    "made_principal": ("作主要", "as principal"),
    "repeated": ("重复", "repeated"),
    "added": ("加入", "with"),
}


@dataclass(frozen=True)
class Asked:
    """What was asked on the command line.

    Attributes:
        policy: id or file.
        weights: id or file, None for the policy's own.
        hospitals: table of hospitals.
        settlement: folder of a settled year.
        year: settlement year.
        cells: parts of a case without FILE: ``tier``, ``class``, ``insurance``, ``total_cost``...
    """

    policy: str
    weights: str | None
    hospitals: Path | None
    settlement: Path | None
    year: int | None
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """Where a case stands: its file, its row as a spreadsheet counts, and how to read the file."""

    file: Path
    row: int
    mapping: Path | None
    sheet: str | None


@dataclass(frozen=True)
class Answer:
    """What can be said of a case's money.

    Attributes:
        weights: the weight table.
        case: the case's money; None where its standard needs other cases.
        document: what is said, as plain data.
        text: the same for a reader.
    """

    weights: WeightTable
    case: CaseMoney | None
    document: dict[str, Any]
    text: str


def one_scheme(
    scheme: str, file: Path | None, asked: Asked | None, weights: str | None, across: bool,
    mapping: Path | None, sheet: str | None, grouped_anew: bool,
) -> None:  # fmt: skip
    """Refuse weights of another scheme than the groups', unless told.

    Raises:
        DrgError: codes of the weights mean other groups in the scheme.
    """
    if weights is None and asked is None:
        return
    from drg.cli.common.schemes import joined
    from drg.switch.origin import Origin, scheme_of_cases
    from weights.table import open_weights

    policy = None
    if asked is not None:
        from budget.policy import load_policy

        policy = load_policy(asked.policy)
    name = weights or (policy.header.weights if policy is not None else "")
    if not name:
        return
    held, own = open_weights(name), Origin(scheme)
    if policy is not None and file is not None:
        from drg.cli.common.fits import policy_fits

        own = scheme_of_cases(file, mapping, sheet) or own
        policy_fits(policy, own, file, held, across)
    for one in dict.fromkeys((own, Origin(scheme)) if grouped_anew else (own,)):
        joined(one, one.scheme, held, across)


def answer(found: Explanation, place: Place | None, asked: Asked) -> Answer:
    """Explain the money of an explained case.

    Args:
        found: why it has its group.
        place: where it stands, None for a case from codes.
        asked: policy, weights and the rest.

    Raises:
        DrgError: a file, the policy or a part of the case cannot be used.
    """
    from budget.explain.case import unknown_alone
    from budget.explain.document import document as written
    from budget.explain.text import render, without_standard
    from budget.policy import load_policy
    from drg.errors import problem
    from weights.table import open_weights

    policy = load_policy(asked.policy)
    name = asked.weights or policy.header.weights
    if not name:
        raise problem(say("政策未指定权重表", "the policy names no weight table"),
                      file=asked.policy, key="--weights")  # fmt: skip
    weights = open_weights(name)
    grouped = place is not None and "drg" in _columns(place)
    why = None if grouped else unknown_alone(policy)
    if why is not None:
        held = weights.by_group().get(found.drg)
        weight: dict[str, Any] = {"table": weights.id, "sha256": weights.digest, "drg": found.drg,
                  "weight": held}  # fmt: skip
        document: dict[str, Any] = {"policy": {"id": policy.id}, "weight": weight,
                    "standard": {"value": None, "unknown": why[found.lang == "en"]}}  # fmt: skip
        title = policy.header.title if found.lang == "zh" else policy.header.title_en
        text = without_standard((policy.id, title), weight, why, found.lang)
        return Answer(weights, None, document, text)
    settlement = _settlement(asked, policy, weights)
    if grouped:
        assert place is not None
        case = _of_file(place, asked, policy, weights, settlement)
    else:
        case = _alone(found, place, asked, policy, weights, settlement)
    document = written(case, found.lang)
    own = _group_of(found) if grouped else found.drg
    document["weight"]["drg"] = own
    if own != found.drg:
        document["notes"].append(
            f"文件中的病组是 {own}，支付按文件" if found.lang == "zh"
            else f"the file says group {own}; the money goes by the file"
        )  # fmt: skip
    return Answer(weights, case, document, render(document, found.lang))


def _group_of(found: Explanation) -> str:
    """The group that the case's own row says."""
    from drg.tables.as_text import cell_text

    column = found.case.columns.column("drg")
    return "" if column is None else cell_text(found.case.table.column(column)).strip()


def _columns(place: Place) -> CaseColumns:
    from drg.cases.opening import open_cases

    with open_cases(place.file, mapping=place.mapping, sheet=place.sheet) as table:
        return table.columns


def _of_file(
    place: Place, asked: Asked, policy: Policy, weights: WeightTable, settlement: dict[str, Any]
) -> CaseMoney:
    """A case of a grouped file, settled with all of it."""
    from budget.cases.hospitals import read_hospitals
    from budget.explain.case import of_settlement
    from budget.settlement.files import read_claims
    from budget.settlement.settled import settle
    from drg.cases.opening import open_cases
    from drg.errors import problem

    hospitals = read_hospitals(table_of_hospitals(place.file, asked.hospitals))
    year = asked.year or settlement.get("year") or year_of(place.file, place.mapping, place.sheet)
    claims = read_claims(
        place.file, weights, policy, hospitals, year, mapping=place.mapping, sheet=place.sheet
    )
    settled = settle(claims, weights, policy, hospitals, year,
                     last_year=settlement.get("last_year"))  # fmt: skip
    values = settlement.get("values", {})
    for pool in settled.paid.pools:
        said = values.get(pool.name)
        if said is not None and abs(said - pool.point_value) > 1e-9 * said:
            raise problem(say("不是该文件的清算结果", "the settlement is not one of this file"),
                          file=asked.settlement, key=f"settlement.json: {pool.name}: point_value",
                          found=f"{said:.10g}", expected=f"{pool.point_value:.10g}")  # fmt: skip
    with open_cases(place.file, mapping=place.mapping, sheet=place.sheet) as table:
        return of_settlement(settled, claims, place.row - table.header_rows - 1)


def _settlement(asked: Asked, policy: Policy, weights: WeightTable) -> dict[str, Any]:
    """What a settled year says: its year, point values by pool, and last year's spend."""
    from drg.documents import NULL, fit, read_document
    from drg.errors import problem

    folder = asked.settlement
    if folder is None:
        return {}
    path = folder / "settlement.json"
    record = read_document(path, "JSON")
    hashed = {"sha256": str, "*": object}
    fit(record, {"policy": hashed, "weights": hashed, "year": int, "last_year": {"*": float},
                 "pools": [{"name": str, "point_value": (float, NULL), "*": object}],
                 "*": object}, path, (), "policy", "weights", "year", "pools")  # fmt: skip
    said = {name: record[name].get("sha256", "") for name in ("policy", "weights")}
    values = {one.get("name", ""): one["point_value"] for one in record["pools"]
              if one.get("point_value") is not None}  # fmt: skip
    for name, zh, digest in (("policy", "支付政策", policy.digest),
                             ("weights", "权重表", weights.digest)):  # fmt: skip
        if said[name] != digest:
            raise problem(say(f"清算用的是另一{zh}", f"settled by another {name}"),
                          file=folder / "settlement.json", key=f"{name}.sha256",
                          found=said[name][:12], expected=digest[:12])  # fmt: skip
    return {"year": record.get("year"), "values": values, "last_year": record.get("last_year")}


def _alone(
    found: Explanation,
    place: Place | None,
    asked: Asked,
    policy: Policy,
    weights: WeightTable,
    settlement: dict[str, Any],
) -> CaseMoney:
    """A case from codes, or of a file that is not grouped: by itself."""
    import pyarrow as pa

    from budget.cases.claims import ClaimReader
    from budget.cases.hospitals import read_hospitals
    from budget.explain.case import of_one
    from drg.errors import problem

    first = policy.header.valid_from
    year = asked.year or settlement.get("year")
    if place is not None:
        hospitals = read_hospitals(table_of_hospitals(place.file, asked.hospitals))
        year = year or year_of(place.file, place.mapping, place.sheet)
    else:
        hospitals = _hospital(asked)
        year = year or (first.year if first is not None else 2025)
    table, columns = _record(found, place, asked, hospitals, year)
    reader = ClaimReader.of(policy, columns, hospitals, weights, year)
    claim = reader.read(pa.RecordBatch.from_arrays(table.columns, names=table.schema.names))
    if place is None:
        population = asked.cells.get("population", "")
        if claim.insurance[0] < 0:
            raise problem(say("没有该险种", "no such insurance"), key="--insurance",
                          found=asked.cells["insurance"],
                          expected=say("employee（职工）或 resident（居民）",
                                       "employee (职工) or resident (居民)"))  # fmt: skip
        if claim.cost[0] <= 0:
            raise problem(say("应为大于 0 的金额", "not an amount above 0"), key="--cost",
                          found=asked.cells["total_cost"])  # fmt: skip
        if population and population not in claim.populations:
            known = [name for name in claim.populations if name]
            raise problem(say("政策没有该人员类别", "the policy knows no such category of people"),
                          key="--population", found=population,
                          expected=", ".join(known) or say("无", "none"))  # fmt: skip
    return of_one(claim, hospitals, weights, policy, year, settlement.get("values"))


def _record(
    found: Explanation, place: Place | None, asked: Asked, hospitals: Hospitals, year: int
) -> tuple[Any, CaseColumns]:
    """The case as a grouped row."""
    import pyarrow as pa

    from drg.cases import CaseColumns, recognise

    own = {"drg": found.drg, "status": found.status}
    if place is not None:
        table, columns = found.case.table, found.case.columns
        for name, text in own.items():
            table = table.append_column(f"explained {name}", pa.array([text]))
        sources = {**columns.sources, **{name: (f"explained {name}",) for name in own}}
        return table, CaseColumns(sources, tuple(table.schema.names))
    h = found.case.numbers
    cells = {
        **own, "hospital_id": hospitals.ids[0], "discharge_date": f"{year}-06-30",
        **{name: asked.cells[name] for name in ("insurance", "total_cost", "population")
           if name in asked.cells},
        **{name: f"{h[name]:g}" for name in ("age", "length_of_stay", "discharge_mode")
           if h[name] == h[name]},
        "diagnoses": "|".join(code.given for code in found.trace.diagnoses),
        "procedures": "|".join(code.given for code in found.trace.procedures),
    }  # fmt: skip
    table = pa.RecordBatch.from_pydict({name: [text] for name, text in cells.items()})
    return table, recognise(list(cells))


def _hospital(asked: Asked) -> Hospitals:
    """The hospital of a case from codes: one of the table, or one made of the options."""
    import pandas as pd

    from budget.cases.hospitals import hospitals_of, read_hospitals
    from drg.errors import problem

    parts = {name: asked.cells[name] for name in ("tier", "class", "level", "county")
             if name in asked.cells}  # fmt: skip
    name = asked.cells.get("hospital", "")
    if asked.hospitals is None:
        return hospitals_of(pd.DataFrame([{"hospital_id": name or "case", **parts}]))
    table = read_hospitals(asked.hospitals)
    if name not in table.ids:
        raise problem(say("没有该医疗机构", "no such hospital"), file=asked.hospitals,
                      key="--hospital", found=name,
                      expected=say("表中的编号", "an id of the table"))  # fmt: skip
    at = table.ids.index(name)
    own = {"tier": str(table.tier[at]) if table.tier[at] >= 0 else "",
           "class": table.hospital_class[at], "level": table.level[at],
           "county": table.county[at]}  # fmt: skip
    return hospitals_of(pd.DataFrame([{"hospital_id": name, **own, **parts}]))


def variants_money(case: CaseMoney, variants: WhatIf) -> list[tuple[Variant, dict[str, Any]]]:
    """What the case would be paid in the groups that one code more or less gives."""
    shown = variants.variants
    found = case.in_groups([(one.drg, one.status) for one in shown])
    now = case.money["payment"] / 100.0
    return [
        (one, {**held, "payment_change":
               None if held["payment"] is None else round(held["payment"] - now, 2)})
        for one, held in zip(shown, found, strict=True)
    ]  # fmt: skip


def variants_text(case: CaseMoney, variants: WhatIf, lang: str, *, everything: bool) -> str:
    """The same for a reader."""
    from budget.explain.text import variants_text as text

    rows = [
        (f"{_CHANGES[one.change][lang == 'en']} {one.code} {one.name}".rstrip(), one.drg, held)
        for one, held in variants_money(case, variants) if one.changes or everything
    ]  # fmt: skip
    return text(rows, case.money["payment"] / 100.0, lang)


def asked_of(
    policy: str | None,
    weights: str | None,
    hospitals: Path | None,
    settlement: Path | None,
    year: int | None,
    cells: Mapping[str, str | float | None],
    *,
    has_file: bool,
) -> Asked | None:
    """What was asked of the money; None without a policy.

    Raises:
        typer.BadParameter: an option is missing or goes with another.
    """
    given = {name: str(cell) for name, cell in cells.items() if cell is not None}
    if policy is None:
        others = {"hospitals": hospitals, "settlement": settlement, "year": year, **given}
        for name, held in others.items():
            if held is not None:
                raise wrong(f"{_option(name)} 需要 --policy", f"{_option(name)} needs --policy")
        return None
    if has_file and given:
        name = next(iter(given))
        raise wrong(f"{_option(name)} 只在没有 FILE 时给出",
                    f"{_option(name)} is given without FILE")  # fmt: skip
    if not has_file:
        for name in ("insurance", "total_cost"):
            if name not in given:
                raise wrong(f"没有 FILE 时，--policy 需要 {_option(name)}",
                            f"--policy without FILE needs {_option(name)}")  # fmt: skip
    return Asked(policy, weights, hospitals, settlement, year, given)


def _option(name: str) -> str:
    return "--cost" if name == "total_cost" else f"--{name}"
