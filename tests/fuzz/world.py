"""Good files of every kind that a command takes: a small region on its way through the house."""

from __future__ import annotations

import csv
import json
import shutil
from hashlib import sha256
from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from typer.testing import CliRunner

from drg.cli import app
from drg.negotiate.rehearsal.proposals import NUMBERS

ROOT = Path(__file__).parents[2]
REGION, REHEARSAL = (ROOT / "data_samples" / name for name in ("region-small", "negotiation"))
EXAMPLES = ROOT / "docs" / "examples"
POLICIES = ("national-default", "qingdao-2023", "luan-2025", "linfen-2022", "hangzhou-type")
_ROWS = 300
_AT = ("--at", "2026-03-02T09:00:00+08:00")
_COPIED = {
    REGION: ("hospitals.csv",),
    REHEARSAL: ("roster.csv", "proposals.csv", "votes.csv", "rules.toml"),
    REGION.parent: ("scenario-tighter-cap.toml", "scenario-lower-rate.toml", "search-balance.toml"),
    EXAMPLES: ("officer.toml", "official-small.xlsx", "city-tables.toml"),
    ROOT / "drg" / "year": ("procedure.toml",),
    ROOT / "budget" / "audit": ("credit.toml",),
    ROOT / "budget" / "policies": tuple(f"{name}.toml" for name in POLICIES),
}
_WRITTEN = {
    "spend.csv": "month,area,amount\n"
    + "".join(
        f"2024-{month},{area},{month * 1000}\n"
        for area in ("跨省", "省内")
        for month in (10, 11, 12)
    ),
    "items.csv": "医疗机构编码,集采批次,品种,约定采购量,集采前价格,中选价,考核系数\n"
    "H0001,第一批,支架,100,13000,700,0.98\nH0002,第二批,片,200000,1.2345,0.2345,1\n",
    "search-small.toml": """id = "small"
title = "小"
source = "示例 | an example"
[figures.rate]
keys = "standard.rates.base.yuan"
low = 8000.0
high = 9000.0
step = 500.0
[targets.fund]
outcome = "fund"
low = 1.0
""",
    "recipe.toml": 'trim = "ratio"\nshrink = true\norder = true\n[corridor]\nfall = 0.1\n',
    "mapping.toml": 'total_cost = "total_cost"\ndiagnoses = "diagnoses"\n',
    "mapping.csv": "canonical,header\ntotal_cost,total_cost\ndiagnoses,diagnoses\n",
    "last-year.csv": "pool,amount\nemployee,5000000\nresident,4000000\n",
    "audit-rule.toml": 'id = "dear"\nextends = "low_standard"\ntitle = "贵"\ntitle_en = "Dear"\n'
    'source = "here"\nwhere = "cost > above"\n[parameters]\nabove = 50000\n',
    "bills.csv": "case_id,item,category,date,quantity,amount\n"
    "C0000001,床位费,bed,2025-01-01,1,50\nC0000002,CT,test,2025-01-02,1,300\n",
    "grey.csv": "code,name\nI10.x00x002,高血压\n99.1500,肠外营养\n",
}


def _drg(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exit_code:
        raise RuntimeError(f"drg {words}: {done.output} {done.exception}")
    return done.output


def draw_lot(folder: Path) -> None:
    """Draw a lot from the sealed numbers of two parties, opened and told."""
    told = [f"{party}={number}" for party, number in NUMBERS.items()]
    seals = [_drg("negotiate", "lot", folder, "--seal", one).strip() for one in told]
    _drg("negotiate", "lot", folder, *(w for one in seals for w in ("--commit", one)), *_AT)
    _drg("negotiate", "lot", folder, *(w for one in told for w in ("--reveal", one)), *_AT)


def _list(number: int) -> dict[str, object]:
    """A settlement list as the interface sends it."""
    return {
        "setlinfo": {
            "setl_id": f"S{number}", "gend": "1", "age": 50 + number, "fixmedins_code": "H0001",
            "insutype": "310", "begntime": "2025-03-01", "endtime": "2025-03-05",
            "medfee_sumamt": 5000.5, "psn_no": f"P{number}",
        },
        "diseinfo": [{"diag_code": "I50.900", "maindiag_flag": "1"},
                     {"diag_code": "J18.900", "maindiag_flag": "0"}],
        "oprninfo": [{"oprn_oprt_code": "99.1500", "oprn_oprt_type": "1"}] * (number % 2),
        "iteminfo": [{"med_chrgitm": "01", "amt": 5000.5}],
    }  # fmt: skip


def _books(folder: Path, grouped: Path, weights: Path) -> None:
    """Books of a year: opened, with cases, with a closed month."""
    for name in ("advance-01.csv", "history.csv", "fund.csv", "deduction-07.csv", "review-10.csv"):
        shutil.copy(REGION.parent / "year" / name, folder / name)
    books = [folder / f"book-{stage}" for stage in ("open", "added", "closed")]
    _drg("year", "open", books[0], "--year", "2025", "--weights", weights, "--hospitals",
         folder / "hospitals.csv", "--last-year", folder / "last-year.csv")  # fmt: skip
    shutil.copytree(books[0], books[1])
    _drg("year", "add-month", books[1], grouped)
    _audited(folder, grouped)
    _drg("year", "findings", "add", books[1], folder / "audited", "--actor", "稽核")
    shutil.copytree(books[1], books[2])
    _drg("year", "close-month", books[2])


def _audited(folder: Path, grouped: Path) -> None:
    """What an audit wrote of some cases, and their first review."""
    with grouped.open(encoding="utf-8-sig", newline="") as file:
        cases = list(csv.DictReader(file))[:9]
    audit = folder / "audited"
    audit.mkdir()
    tables = {
        "findings.csv": ["finding,rule,family,hospital_id,case_id,drg,amount,strength"] + [
            f"F{i},split,split_admission,{one['hospital_id']},{one['case_id']},{one['drg']},100.5,1"
            for i, one in enumerate(cases)],
        "hospitals.csv": ["hospital_id,cases", *(
            f"{one},{_ROWS}" for one in sorted({case["hospital_id"] for case in cases}))],
    }  # fmt: skip
    for name, lines in tables.items():
        (audit / name).write_text("\n".join([*lines, ""]), "utf-8")
    hashes = {name: sha256((audit / name).read_bytes()).hexdigest() for name in tables}
    (audit / "audit.json").write_text(json.dumps({"hashes": hashes}), "utf-8")
    rows = [f"F{i},{'成立' if i % 2 else '不成立'},,x" for i in range(len(cases))]
    (folder / "first-review.csv").write_text("\n".join(["finding,decision,amount,reason", *rows]))


def _round(folder: Path, name: str, rules: Path, cases: Path, *, stages: bool) -> None:
    """A round up to its votes and an offer; with its stages, each a round of its own."""
    held = folder / f"round-{name}"

    def keep(stage: str) -> None:
        if stages:
            shutil.copytree(held, folder / f"round-{stage}")

    _drg("negotiate", "init", held, "--cases", cases, "--weights", folder / "weights.csv",
         "--roster", folder / "roster.csv", "--rules", rules, *_AT)  # fmt: skip
    keep("begun")
    _drg("negotiate", "propose", held, folder / "proposals.csv", *_AT)
    keep("asked")
    draw_lot(held)
    _drg("negotiate", "panel", held, *_AT)
    keep("drawn")
    _drg("negotiate", "vote", held, folder / "votes.csv", *_AT)
    _drg("negotiate", "solve", held, "--objective", "closest", *_AT)


def make(folder: Path) -> None:
    """Fill a folder: files, and folders of a settlement, a projection, packs and rounds."""
    for home, names in _COPIED.items():
        for name in names:
            shutil.copy(home / name, folder / name)
    for name in ("tiny-pack", "city-tables"):
        shutil.copytree(EXAMPLES / name, folder / name)
    for name, text in _WRITTEN.items():
        (folder / name).write_text(text, "utf-8")
    whole, weights, grouped = (folder / f"{n}.csv" for n in ("whole", "weights", "grouped"))
    _drg("group", REGION / "cases.csv", "--out", whole)
    _drg("weights", "fit", whole, "--out", weights, "--trim", "ratio", "--shrink", "--order")
    for source, target in ((REGION / "cases.csv", folder / "cases.csv"), (whole, grouped)):
        lines = source.read_bytes().splitlines(keepends=True)
        target.write_bytes(b"".join(lines[: _ROWS + 1]))
    held = pa_csv.read_csv(folder / "cases.csv")
    for part in range(3):
        (folder / "dataset" / f"part={part}").mkdir(parents=True)
        pq.write_table(held.slice(part * 10, 10), folder / f"dataset/part={part}/0.parquet")
    came = grouped.read_text("utf-8-sig")  # the same cases a year later
    (folder / "came.csv").write_text(came.replace("2025-", "2026-"), "utf-8")
    groups = [line.split(",")[0] for line in weights.read_text("utf-8-sig").splitlines()[1:]]
    families = ["drg,adrg,severity", *(f"{g},{g[:3]},{g[3:] or 9}" for g in groups), ""]
    (folder / "families.csv").write_text("\n".join(families))
    year = (grouped, "--weights", weights)
    _drg("settle", *year, "--out", folder / "settled")
    scenario = folder / "scenario-tighter-cap.toml"
    _drg("project", *year, "--scenario", scenario, "--out", folder / "projected")
    (folder / "lists.json").write_text(json.dumps([_list(n) for n in range(20)]), "utf-8")
    long = [f"C{n},{code},{flag}" for n in range(40)
            for code, flag in (("I50.900", 1), ("J18.900", 0))]  # fmt: skip
    (folder / "long.csv").write_text("\n".join(["case_id,diag_code,maindiag_flag", *long, ""]))
    _round(folder, "voted", folder / "rules.toml", grouped, stages=True)
    rules = folder / "rules-heard.toml"  # the same with time to object
    text = (folder / "rules.toml").read_text("utf-8")
    rules.write_text(text.replace("objection_days = 0", "objection_days = 30"), "utf-8")
    _round(folder, "heard", rules, grouped, stages=False)
    _books(folder, grouped, weights)
