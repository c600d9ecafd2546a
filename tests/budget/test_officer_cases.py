"""Officer's cases: those of ``officer/`` come out, the runner says what does not, the docs hold.

``python -m tests.budget.test_officer_cases`` writes the examples of docs/payment anew.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from budget.policy import policies
from budget.price.branches import CODES
from budget.settlement import officer_cases
from budget.settlement.officer_cases import compare
from budget.settlement.tables import CASES, frames
from drg.cli import app
from drg.errors import DrgError

FOLDER = Path(__file__).parent / "officer"
FILES = sorted(FOLDER.glob("*.toml"))
PAGES = Path(__file__).parents[2] / "docs" / "payment"
MARK = re.compile(r"(<!-- cases: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

SMALL = """
policy = "qingdao-2023"
patient_paid = 0
weight = [{ drg = "G100", weight = 1.0 }]
hospital = [{ id = "H", tier = 2 }]

[[case]]
name = "mine"
drg = "G100"
cost = 9000
expect = { payment = 9600 }
why = "12,000 * 0.80"
"""


@pytest.fixture
def file(tmp_path):
    def put(text: str = "", small: str = SMALL) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(small + text, encoding="utf-8")
        return path

    return put


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_cases_come_out_as_expected(path):
    found = compare(path)
    assert [one for one in found if not one.ok] == []
    for one in found:
        assert one.why or one.name == "the other cases of that group", (path.name, one.name)


def test_every_region_has_three_cases_or_more():
    for policy in policies():
        held = [
            p for p in FILES if tomllib.loads(p.read_text(encoding="utf-8"))["policy"] == policy
        ]
        assert sum(one.kind == "case" for p in held for one in compare(p)) >= 3, policy


# The examples of the pages


def shown(path: Path) -> str:
    """The cases of a file as a table of a page; all that they say was compared with the engine."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    lines = ["| example | cost | what comes out | by hand |", "| --- | --- | --- | --- |"]
    held = [(one.get("name", ""), one) for one in document["case"]]
    held += [(f"hospital {one['id']}", one) for one in document["hospital"] if "expect" in one]
    held += [(f"pool {one['name']}", one) for one in document.get("pool", [])]
    for name, one in held:
        if "why" not in one:
            continue
        cost = f"{one['cost']:,}" if "cost" in one else ""
        times = f"{one['repeat']} cases of " if one.get("repeat", 1) > 1 else ""
        found = ", ".join(f"`{key}` {value if isinstance(value, str) else format(value, ',')}"
                          for key, value in one["expect"].items())  # fmt: skip
        lines.append(f"| {name} | {times}{cost} | {found} | {one['why']} |")
    return "\n".join(lines) + "\n"


def page_with_examples(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return MARK.sub(lambda m: m[1] + shown(FOLDER / f"{m[2]}.toml") + m[4], text)


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.md")), ids=lambda path: path.name)
def test_the_examples_of_the_pages_are_these_files(path):
    assert page_with_examples(path) == path.read_text(encoding="utf-8"), (
        "run python -m tests.budget.test_officer_cases"
    )


def test_every_file_stands_on_a_page():
    pages = "".join(path.read_text(encoding="utf-8") for path in PAGES.glob("*.md"))
    assert {m[2] for m in MARK.finditer(pages)} == {path.stem for path in FILES}


# What drg settle writes


def first_cells(title: str) -> list[str]:
    """Names in the first cells of the tables of a section of the index."""
    part = re.split(rf"^##+ {re.escape(title)}.*$", (PAGES / "README.md").read_text("utf-8"),
                    flags=re.MULTILINE)[1]  # fmt: skip
    rows = re.findall(r"^\| (`.*?) \|", re.split(r"^##", part, flags=re.MULTILINE)[0], re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def test_every_column_and_branch_is_described(file):
    settled = []
    original = officer_cases.settle
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(officer_cases, "settle",
                      lambda *a, **k: settled.append(original(*a, **k)) or settled[0])  # fmt: skip
        compare(file())
    tables = frames(settled[0])
    for name, frame in tables.items():
        assert first_cells(f"{name} (") == list(frame.columns), name
    assert first_cells("cases (") == CASES.names
    assert first_cells("Branches") == list(CODES)


# The runner


def test_what_differs_is_said(file):
    (one,) = compare(file(small=SMALL.replace("9600", "9000")))
    assert not one.ok
    assert one.faults == ("payment: found 9,600, expected 9,000",)


@pytest.mark.parametrize(
    ("expected", "ok"), [("9600.01", True), ("9600.02", False), ("9599.99", True)]
)
def test_within_a_fen(file, expected, ok):
    (one,) = compare(file(small=SMALL.replace("9600", expected)))
    assert one.ok is ok


def test_a_wider_tolerance(file):
    (one,) = compare(file("tolerance = 5\n", SMALL.replace("9600", "9595")))
    assert one.ok
    (one,) = compare(file("tolerance = 4.99\n", SMALL.replace("9600", "9595")))
    assert not one.ok


def test_texts_and_what_is_not_there(file):
    text = 'expect = { branch = "ungrouped", standard = "none", payment = 6300, pool = "resident" }'
    more = f'[[case]]\ncost = 9000\ninsurance = "resident"\n{text}\n'
    two, other = compare(file(more)), compare(file(more.replace('"none"', "9000")))
    assert [one.ok for one in two] == [True, True]
    assert other[1].name == "case 2"
    assert other[1].faults == ("standard: found none, expected 9,000",)


def test_a_number_where_there_is_a_text(file):
    (one,) = compare(file(small=SMALL.replace("payment = 9600", "branch = 1, payment = 9500")))
    assert one.faults == (
        "branch: found normal, expected 1",
        "payment: found 9,600, expected 9,500",
    )


def test_the_patients_own_columns(file):
    small = SMALL.replace("patient_paid = 0", "")
    small += "patient_paid = 1000\nother_paid = 500\n"
    small = small.replace("payment = 9600", "payment = 9600, fund = 8100, other = 500, gain = 600")
    (one,) = compare(file(small=small))
    assert one.ok, one.faults
    by_policy = SMALL.replace("patient_paid = 0", "").replace(
        "payment = 9600", "patient = 1350, fund = 8250"
    )  # deductible 500, then a tenth of 8,500
    (one,) = compare(file(small=by_policy))
    assert one.ok, one.faults


def test_a_policy_and_weights_beside_the_file(file, tmp_path):
    (tmp_path / "own.toml").write_text(
        'id = "own"\ntitle = "自订"\nsource = "notice"\nvalid_from = 2025-01-01\n'
        'extends = "qingdao-2023"\n[standard.rates]\nsource = "notice"\nbase = { yuan = 10000 }\n',
        encoding="utf-8",
    )
    (tmp_path / "own.csv").write_text("drg,weight\nG100,1.5\n", encoding="utf-8")
    small = SMALL.replace('"qingdao-2023"', '"own.toml"\nweights = "own.csv"')
    small = small.replace('weight = [{ drg = "G100", weight = 1.0 }]\n', "")
    (one,) = compare(file(small=small.replace("9600", "12000")))
    assert one.ok, one.faults


WRONG = [
    ("policy = ", "is not TOML"),
    (SMALL + "drgs = 1\n", "case[1].drgs: no such key, expected one of name, flags"),
    (SMALL.replace("cost = 9000", 'cost = "9000"'),
     "case[1].cost: wrong type: found '9000', expected a number"),
    (SMALL.replace("cost = 9000\n", ""), "case[1].cost: is missing"),
    (SMALL.replace('policy = "qingdao-2023"', ""), "policy: is missing"),
    (SMALL.replace("qingdao-2023", "atlantis"), "policy: no such policy: found 'atlantis'"),
    (SMALL.replace('drg = "G100", weight', "weight"), "weight[1].drg: is missing"),
    (SMALL.replace("tier = 2", "tier = 7"), "hospital: row 1: tier: not a tier: found '7'"),
    (SMALL.replace("payment", "paymant"),
     "case 'mine': paymant: nothing has that name, expected hospital_id, insurance"),
    (SMALL + 'flags = ["night"]\n', "case[1].flags: no such flag: found 'night'"),
    (SMALL + '[[pool]]\nname = "p"\n', "pool.name: no such pool: found 'p', expected employee"),
    (SMALL.replace("patient_paid = 0", "") + "patient_paid = 0\n[[case]]\ncost = 1\n",
     "case[2].patient_paid: what the patient pays is said of other cases but not of this one"),
    (SMALL.replace('{ id = "H", tier = 2 }', '{ id = "H" }, { id = "I" }'),
     "case[1].hospital: is missing, expected one of H, I"),
    (SMALL + "repeat = 0\n", "case[1].repeat: below 1: found '0'"),
    (SMALL.replace("payment = 9600", "payment = [1]"), "case[1].expect.payment: wrong type"),
    (SMALL.replace("payment = 9600", "payment = true"), "case[1].expect.payment: wrong type"),
    (SMALL.replace("weight = 1.0", 'weight = "1"'), "weight[1].weight: wrong type: found '1'"),
    (SMALL.replace("weight = 1.0", "weight = -1.0"), "weight"),
    (SMALL.replace('[{ drg = "G100", weight = 1.0 }]', "[1]"),
     "weight[1]: wrong type: found '1', expected a table"),
    (SMALL.replace("patient_paid = 0", "patient_paid = 0\nlast_year = { town = 1 }"),
     "last_year.town: no such pool, expected employee, resident"),
    (SMALL.replace("patient_paid = 0", 'weights = "none"').replace("weight = [", "pool = ["),
     "pool[1].drg: no such key"),
    (SMALL + '[overlay.special.day_surgery]\nfactor = 9\n', "special.day_surgery.factor"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_is_wrong_is_said_in_one_line(file, text, message):
    path = file(small=text)
    with pytest.raises(DrgError) as error:
        compare(path)
    line = str(error.value)
    assert line.startswith(f"{path}: ")
    assert message in line
    assert "\n" not in line


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DrgError, match=r"none\.toml: cannot be read"):
        compare(tmp_path / "none.toml")


# The command


def run(*words: object):
    return CliRunner().invoke(app, ["policy", "test", *map(str, words)])


def test_the_command(file, tmp_path):
    done = run(file())
    assert done.exit_code == 0
    assert done.output == "ok mine.toml: mine\n1 of 1 as expected, 1 file\n"
    done = run(file(small=SMALL.replace("9600", "9000")))
    assert done.exit_code == 1
    assert done.output == (
        "FAILED mine.toml: mine: payment: found 9,600, expected 9,000 (12,000 * 0.80)\n"
        "0 of 1 as expected, 1 file\n"
    )
    assert run(tmp_path, FILES[0]).exit_code == 1
    (tmp_path / "none").mkdir()
    assert "no cases" in str(run(tmp_path / "none").exception)


if __name__ == "__main__":
    for page in PAGES.glob("*.md"):
        page.write_text(page_with_examples(page), encoding="utf-8")
