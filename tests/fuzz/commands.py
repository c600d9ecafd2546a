"""Every command of the line with the files it takes: ``{name}`` is a good file, maybe spoilt.

``@folder`` in a name is a folder that is copied and spoilt inside; ``>`` begins an output.
"""

from __future__ import annotations

import random

_AT = "--at 2026-03-03T09:00:00+08:00"
_YEAR = "{grouped.csv} --weights {weights.csv}"
_POLICIES = ("national-default", "qingdao-2023", "luan-2025", "linfen-2022", "hangzhou-type")
# how often, the words; in brackets: maybe
COMMANDS: tuple[tuple[int, str], ...] = (
    (1, "demo --out >demo --cases 800 --hospitals 3 --seed {n} [--negotiate] [--lang {lang}]"),
    (1, "sample --out >sample --cases 40 --hospitals 3 --seed {n} [--dialect {dialect}]"
        " [--format {format}] [--year {n}]"),
    (6, "check {grouped.csv} --for {stage} [--html >r.html] [--hospitals {hospitals.csv}]"
        " [--mapping {mapping.toml}]"),
    (12, "check {cases.csv} [--grey {grey.csv}] [--html >q.html] [--xlsx >q.xlsx] [--docx >q.docx]"
         " [--hospitals {hospitals.csv}] [--mapping {mapping.toml}] [--codes clinical]"),
    (16, "group {cases.csv} --out >out.csv [--mapping {mapping.toml}] [--codes clinical] [--names]"
         " [--ambiguous] [--strict] [--scheme {scheme}] [--sheet {odd}] [--engine local]"),
    (4, "group {cases.csv} --out >out.xlsx [--mapping {mapping.csv}] [--names]"),
    (4, "group {cases.csv} --out >out.parquet [--scheme {@tiny-pack}]"),
    (5, "group {lists.json} --out >out.csv [--names] [--strict]"),
    (4, "group {@dataset} --out >grouped [--names] [--scheme {scheme}] [--mapping {mapping.toml}]"),
    (2, "check {@dataset}"),
    (2, "check {lists.json} [--for {stage}]"),
    (4, "group {long.csv} --out >out.csv [--strict]"),
    (6, "explain {cases.csv} --row {n} [--what-if] [--weights {weights.csv}] [--format {explain}]"
        " [--all] [--lang zh]"),
    (3, "explain {cases.csv} --case C0000001 [--what-if] [--lang zh]"),
    (4, "explain --diagnoses {odd} [--procedures {odd}] [--sex {odd}] [--age {odd}]"
        " [--age-days {odd}] [--birth-weight {odd}] [--icu-hours {odd}] [--stay {odd}]"),
    (6, "explain {grouped.csv} --row {n} --weights {weights.csv} --policy {policy}"
        " --hospitals {hospitals.csv} [--settlement {@settled}] [--year {n}] [--cost {n}]"),
    (2, "explain {cases.csv} --dependence --out >hang.csv [--weights {weights.csv}]"),
    (20, f"settle {_YEAR} --out >year [--policy {{policy}}] --hospitals {{hospitals.csv}}"
         " [--last-year {last-year.csv}] [--mapping {mapping.toml}] [--cases {format}]"
         " [--fund {fund.csv}]"),
    (2, f"settle {_YEAR} --out >year --hospitals {{hospitals.csv}} --year {{n}} --sheet {{odd}}"),
    (8, f"settle {_YEAR} --out >year --policy {{policy.toml}} --hospitals {{hospitals.csv}}"),
    (3, f"project {_YEAR} --out >ahead --hospitals {{hospitals.csv}} --years 2"
        " --scenario {scenario-tighter-cap.toml} [--scenario {scenario-lower-rate.toml}]"
        " [--draws 4] [--policy {policy}]"),
    (1, "backtest {grouped.csv} {came.csv} --weights {weights.csv} --out >back --draws 100"
        " --hospitals {hospitals.csv} [--scenario {scenario-tighter-cap.toml}]"),
    (2, "fund prepayment {spend.csv} --received 2025-01-10 --out >away --policy lanzhou-2023"
        " [--year {n}] [--sheet {odd}]"),
    (2, "fund retention {items.csv} --out >kept [--hospitals {hospitals.csv}]"),
    (2, f"monitor {_YEAR} --out >watched --hospitals {{hospitals.csv}} [--month {{n}}]"
        " [--last-year {last-year.csv}] [--policy {policy}] [--mapping {mapping.toml}]"),
    (4, "audit {cases.csv} --out >audit --rules national [--rules {audit-rule.toml}]"
        " [--hospitals {hospitals.csv}] [--before {grouped.csv}] [--items {bills.csv}]"
        " [--weights {weights.csv}] [--mapping {mapping.toml}]"),
    (2, "report {@projected} --out >report.html [--lang en]"),
    (2, "report {@settled} --out >report.docx [--lang en]"),
    (1, "scheme list"),
    (2, "scheme show {@tiny-pack} [{odd}] [--codes]"),
    (3, "scheme validate {@tiny-pack}"),
    (1, "scheme diff {@tiny-pack} {@tiny-pack} [--out >diff.xlsx] [--cases {cases.csv}] [--all]"),
    (1, "scheme switch chs-drg-1.1 linfen-2022 --cases {cases.csv} --weights {weights.csv}"
        " --out >switch --hospitals {hospitals.csv} --across-schemes"),
    (3, "scheme import {@city-tables} --out >pack [--mapping {city-tables.toml}]"),
    (2, "scheme import {official-small.xlsx} --out >pack"),
    (1, "scheme export {@tiny-pack} --out >exported{ending}"),
    (10, "weights fit {grouped.csv} --out >w.csv [--trim {trim}] [--method {method}] [--shrink]"
         " [--shrink-to {odd}]"
         " [--order] [--previous {weights.csv}] [--families {families.csv}] [--bootstrap 20]"
         " [--corridor {odd}] [--low-volume {odd}] [--cost components] [--strict]"
         " [--normalise {odd}] [--trimmed >trimmed.csv]"),
    (4, "weights fit {grouped.csv} --out >w.csv --recipe {recipe.toml}"),
    (2, "weights validate {grouped.csv} [--recipe {recipe.toml}] [--by {by}] [--splits 2]"
        " [--out >judged.csv] [--mapping {mapping.toml}]"),
    (1, "weights list"),
    (3, "weights compare {weights.csv} {weights.csv} [--out >c.xlsx] [--families {families.csv}]"
        " [--corridor 0.1]"),
    (3, "weights quality {grouped.csv} [--weights {weights.csv}] [--out >q.html] [--trim {trim}]"
        " [--previous {weights.csv}]"),
    (5, "negotiate init >round --cases {grouped.csv} --weights {weights.csv}"
        f" --hospitals {{hospitals.csv}} [--roster {{roster.csv}}] [--rules {{rules.toml}}] {_AT}"
        " [--policy {policy}] [--last-year {last-year.csv}]"),
    (6, f"negotiate propose {{@round-begun}} {{proposals.csv}} {_AT}"),
    (1, f"negotiate propose {{@round-drawn}} --withdraw P001 --reason {{odd}} {_AT}"
        " [--actor H0001]"),
    (1, f"negotiate lot {{@round-asked}} --seal {{odd}} {_AT}"),
    (2, f"negotiate lot {{@round-asked}} --draw-at 2027-03-19T14:00:00+08:00 {_AT}"
        " [--size {n}] [--recuse {odd}] [--proposals {odd}]"),
    (1, f"negotiate lot {{@round-asked}} --commit {{odd}} --commit {{odd}} {_AT}"),
    (1, f"negotiate panel {{@round-drawn}} {_AT}"),
    (1, f"negotiate object {{@round-heard}} P001 --party H0001 --reason {{odd}} {_AT}"),
    (1, f"negotiate receipt {{@round-voted}} --out >receipt.toml {_AT}"),
    (6, f"negotiate vote {{@round-drawn}} {{votes.csv}} {_AT}"),
    (2, "negotiate impact {@round-voted} [--of {of}] [--set {odd}] [--neutral {odd}]"
        " [--out >impact.xlsx]"),
    (2, f"negotiate solve {{@round-voted}} --objective {{objective}} [--frontier] {_AT}"),
    (1, f"negotiate accept {{@round-voted}} O01 --reason {{odd}} {_AT}"),
    (3, "negotiate status {@round-voted}"),
    (2, "negotiate verify {@round-voted} [--weights {weights.csv}]"),
    (1, "negotiate minutes {@round-voted} --out >minutes.html [--lang en]"),
    (1, f"negotiate close {{@round-voted}} [--out >final.csv] [--decimals {{n}}] {_AT}"
        " --despite x"),
    (2, "year open >book --year {n} --weights {weights.csv} --hospitals {hospitals.csv}"
        " --last-year {last-year.csv} [--policy {policy}] [--fund {fund.csv}]"),
    (4, "year add-month {@book-open} {grouped.csv} [--month {n}] [--mapping {mapping.toml}]"),
    (2, "year correct {@book-closed} {grouped.csv} [--withdraw]"),
    (1, "year close-month {@book-added} [--month {n}]"),
    (1, "year status {@book-closed}"),
    (1, "year verify {@book-closed}"),
    (1, "year receipt {@book-closed} --out >receipt.toml"),
    (1, "year clear {@book-closed} --out >cleared --early"),
    (1, "year sheet {@book-closed} --month {n} --out >sheet.xlsx"),
    (1, "year package {@book-added} --out >package"),
    (1, "year form {@book-closed} {list} --out >form.xlsx [--hospital {odd}]"),
    (3, "year list {@book-closed} {list} {deduction-07.csv} [--hospital {odd}]"),
    (2, "year list {@book-closed} review {review-10.csv}"),
    (1, "monitor {@book-closed} --out >watched [--month {n}]"),
    (1, "year findings add {@book-added} {@audited} [--procedure {procedure.toml}]"),
    (1, "year findings form {@book-closed} {step} --out >form.xlsx [--hospital {odd}]"),
    (2, "year findings act {@book-closed} first_review {first-review.csv} [--members {odd}]"
        " [--evidence {@audited}] [--actor {odd}]"),
    (1, "year findings status {@book-closed} [--finding {odd}]"),
    (1, "year findings report {@book-closed} --out >funnel.html [--credit {credit.toml}]"),
    (1, "year findings credit {@book-closed} [--out >credit.xlsx] [--credit {credit.toml}]"),
    (1, "year advance {@book-open} {advance-01.csv} --history {history.csv} [--fund {fund.csv}]"),
    (1, "policy list"),
    (3, "policy show {policy.toml} [--overlay {scenario-lower-rate.toml}] [--figures] [--lang en]"),
    (6, "policy validate {policy.toml}"),
    (4, "policy test {officer.toml}"),
    (3, "policy standards --policy {policy.toml} --out >standards.xlsx [--weights {weights.csv}]"
        " [--year {n}]"),
    (2, f"policy search {_YEAR} --search {{search-small.toml}} --out >found"
        " --hospitals {hospitals.csv} [--scenario {scenario-tighter-cap.toml}]"),
)  # fmt: skip
# what options may be given: a name of VALUES, or a word
OPTIONS: dict[str, tuple[str, ...]] = {
    "--accept-unreadable": (), "--across-schemes": (), "--all": (), "--ambiguous": (),
    "--annex": ("a.html", "a.csv", "a.xlsx"), "--actor": ("张三", "A", "x" * 500),
    "--admission-weight": ("n", "3000"), "--age": ("n", "71"), "--age-days": ("n", "3"),
    "--at": ("2026-03-03T09:00:00+08:00", "2026-03-03", "1900-01-01T00:00:00+08:00", "n"),
    "--birth-weight": ("n", "3000"), "--bootstrap": ("n", "20"), "--case": ("C0000001", "n"),
    "--cases": ("0", "50", "x", "format"), "--class": ("三级甲等", "n", "一级"),
    "--classes": ("class", "level", "x"), "--codes": ("insurance", "clinical", "x"),
    "--commit": ("x=00", "n"), "--corridor": ("0.1", "0.1:0.2", "n"), "--cost": ("n", "components"),
    "--count": (), "--county": (), "--decimals": ("n", "4"), "--department": ("内科", "n"),
    "--dependence": (), "--despite": ("x", "n"), "--diagnoses": ("I50.900|J18.900", "I50.900"),
    "--dialect": ("dialect",), "--discharge-mode": ("n", "5"), "--docx": ("a.docx", "a.html"),
    "--draw-at": ("2027-03-19T14:00:00+08:00", "n"), "--draws": ("3", "0", "n"),
    "--engine": ("local", "x"), "--families": ("n",), "--figures": (), "--for": ("stage",),
    "--format": ("format", "explain"),
    "--frontier": (), "--grey": ("n",), "--hospital": ("H0001", "n"), "--hospitals": ("3", "n"),
    "--html": ("a.html", "a.docx"), "--icu-hours": ("n", "12"), "--insurance": ("employee", "n"),
    "--interval": ("0.9", "n", "bca"), "--lang": ("lang",), "--last-year": ("n",),
    "--length-of-stay": ("n", "7"), "--level": ("3", "n"), "--low-volume": ("5", "n"),
    "--mapping": ("n",), "--master": ("n", "local[2]"), "--method": ("method",),
    "--minutes": ("n",), "--moves": ("a.csv", "x"),
    "--names": (), "--negotiate": (), "--neutral": ("total", "n"), "--normalise": ("cases", "n"),
    "--objective": ("objective",), "--of": ("of",), "--order": (), "--out": ("o.csv", "o", "o.zz"),
    "--overlay": ("n",), "--party": ("H0001", "n"), "--picture": ("p.svg", "p.png", "p.zz"),
    "--pictures": ("p", "p.zz", "n"), "--policy": ("policy", "n"), "--population": ("n", "adult"),
    "--previous": ("n",), "--principal-procedure": (), "--procedures": ("99.1500", "n"),
    "--projection": ("n", "baseline"), "--proposals": ("P001", "n"), "--rate": ("n", "8000"),
    "--reason": ("为什么", "n"), "--receipt": ("n",), "--recipe": ("n",), "--record": (),
    "--recuse": ("P001:E0001", "n"), "--request": ("r.tsq", "n"), "--reveal": ("x=1", "n"),
    "--roster": ("n",), "--row": ("n",), "--rules": ("n",), "--scenario": ("n",),
    "--scheme": ("scheme",), "--seal": ("bureau=1", "n"), "--search": ("n",), "--seed": ("n",),
    "--set": ("ES23=1.2", "n", "ES23=x"), "--settlement": ("n",), "--sex": ("n", "男"),
    "--sheet": ("Sheet1", "n"), "--shrink": (), "--shrink-to": ("adrg", "previous"),
    "--size": ("n",), "--stack": (), "--stay": ("n",),
    "--strict": (), "--tell": ("n", "all"), "--tier": ("n", "city"), "--title": ("论证", "n"),
    "--token": ("t.tsr", "n"), "--totals": ("t.csv", "n"), "--trim": ("trim",),
    "--trimmed": ("t.csv", "t.zz"), "--weights": ("n", "chs-drg-1.1"), "--what-if": (),
    "--withdraw": ("P001", "n"), "--xlsx": ("a.xlsx", "a.csv"), "--year": ("n",),
    "--years": ("1", "2", "n"), "--levels": ("n",), "--before": ("n",), "--early": (),
    "--history": ("n",), "--items": ("n",), "--received": ("2025-01-10", "n"), "--empty": (),
    "--month": ("n", "12"), "--fund": ("n",), "--credit": ("n",), "--recommended": (),
    "--procedure": ("n",), "--evidence": ("n",),
    "--members": ("甲,乙,丙", "n"), "--finding": ("F1", "n"), "--by": ("by",),
    "--splits": ("2", "n"),
}  # fmt: skip
# options that name what is written
WRITTEN = frozenset({"--annex", "--docx", "--html", "--moves", "--out", "--picture", "--pictures",
                     "--request", "--trimmed", "--xlsx"})  # fmt: skip
VALUES = {
    "n": ("0", "1", "2", "7", "2024", "2025", "-1", "99999999", "x", "1e3"),
    "dialect": ("canonical", "front-page", "settlement-list", "x"),
    "format": ("csv", "parquet", "xlsx", "x"),
    "explain": ("text", "json", "svg", "x"),
    "scheme": ("chs-drg-1.1", "chs-drg-2.0", "linfen-2022", "chs-drg-3.0", "zz", "../x", ""),
    "policy": _POLICIES,
    "trim": ("ratio", "iqr", "none", "zz", "ratio:0.3:3"),
    "method": ("mean", "gamma", "hsrv", "median", "zz"),
    "of": ("asked", "accepted", "O01", "P001", "zz"),
    "objective": ("closest", "all", "least_change", "zz"),
    "stage": ("settle", "weights", "group", "x"),
    "ending": (".xlsx", "", ".csv"),
    "lang": ("zh", "en", "x"),
    "by": ("halves", "hospitals", "years", "halves,years", "x"),
    "list": ("review", "deduction", "fixed", "objection", "advance", "zz"),
    "step": ("first_review", "appeal", "final", "zz"),
}


def chosen(rng: random.Random) -> list[str]:
    """The words of one command, with their places for files still open."""
    words = rng.choices([text for _, text in COMMANDS], [often for often, _ in COMMANDS])[0]
    parts: list[str] = []
    rest = words
    while "[" in rest:
        before, _, rest = rest.partition("[")
        maybe, _, rest = rest.partition("]")
        parts += before.split()
        if rng.random() < 0.25:
            parts += maybe.split()
    return parts + rest.split()
