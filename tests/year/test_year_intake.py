"""What comes into a book: faults told for what they are, words of either language, nothing raw."""

from __future__ import annotations

import csv

import pandas as pd
import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from budget.fund.advance_money import read_spend
from drg.cli import app
from drg.cli.common.year import fund_of, last_year_of, values_of
from drg.errors import DrgError
from drg.year.book import Book
from drg.year.clear import clear
from drg.year.decisions import rows_of
from drg.year.folder import Made
from drg.year.forms import known_list
from drg.year.lists import LISTS, choices_of
from drg.year.month import read_month
from drg.year.sheets import needless, write_month_sheet
from drg.year.verify import verify
from tests.year.small import book_of, form, month_file

ACTOR = {"actor": "医保局"}
PLAIN = {"hospital_id": "A", "insurance": "employee", "discharge_mode": "1", "age": "50",
         "drg": "BB19", "length_of_stay": "8", "day_bed": ""}  # fmt: skip


def rows_of_sheet(path):
    return [list(row) for sheet in load_workbook(path).worksheets
            for row in sheet.iter_rows(values_only=True)]  # fmt: skip


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_a_wrong_hospital_is_told_for_what_it_is(tmp_path):
    book = book_of(tmp_path)
    path = month_file(tmp_path, 1, 40, **PLAIN)
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.loc[3, "hospital_id"] = "H9999"
    frame.to_csv(path, index=False)
    done = run("year", "add-month", book.folder, path)
    assert done.exit_code == 1
    assert "not in the table of hospitals" in str(done.exception)
    assert "row 5" in str(done.exception)
    assert "H9999" in str(done.exception)
    assert not book.state.cases
    done = run("year", "add-month", book.folder, path, "--accept-unreadable")
    assert done.exit_code == 0, done.output
    assert "1 cells of hospital_id are not in the table of hospitals (2.50%)" in done.output
    with (book.folder / "rejects" / "m1.csv").open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["row"], row["column"], row["value"]) for row in rows] == [
        ("5", "hospital_id", "H9999")
    ]


def test_an_ungrouped_file_is_to_be_grouped_first(tmp_path):
    book = book_of(tmp_path)
    path = month_file(tmp_path, 1, 4, diagnoses="I10.x00x002", **PLAIN)
    frame = pd.read_csv(path, dtype=str).drop(columns="drg")
    frame.to_csv(path, index=False)
    with pytest.raises(DrgError, match="first drg group"):
        book.add_month(path, **ACTOR)


@pytest.mark.parametrize("name", ["months/a.xlsx", "lists/a.xlsx", "cases/a.xlsx"])
def test_no_output_comes_to_stand_in_the_rooms_of_a_book(tmp_path, name):
    book = book_of(tmp_path)
    book.add_month(month_file(tmp_path, 1, 4, **PLAIN), **ACTOR)
    book.close_month(**ACTOR)
    (book.folder / "lists").mkdir(exist_ok=True)
    out = book.folder / name
    done = run("year", "sheet", book.folder, "--month", "1", "--out", out)
    assert done.exit_code == 1
    assert not out.exists()


def test_lists_and_choices_have_chinese_names(tmp_path):
    book = book_of(tmp_path)
    book.add_month(month_file(tmp_path, 1, 40, **PLAIN), **ACTOR)
    rows = [{"医疗机构代码": "A", "考核指标": word, "得分": "90分"}
            for word in ("CMI", "费用消耗指数", "信用评分", "cost_shifting")]  # fmt: skip
    found = book.hand_in("年度考核", form(tmp_path, "a", rows), **ACTOR)
    assert [row["indicator"] for row in found.rows] == [
        "case_mix_index", "cost_index", "credit", "cost_shifting"
    ]  # fmt: skip
    rows = [{"医疗机构代码": "A", "病例号": "01-1", "违规规则": word, "涉及基金金额": "0.5万"}
            for word in ("分解住院", "本地规则")]  # fmt: skip
    found = book.hand_in("违规扣款", form(tmp_path, "d", rows), **ACTOR)
    assert [(row["rule"], row["amount"]) for row in found.rows] == [
        ("split_admission", "5000.00"), ("本地规则", "5000.00")
    ]  # fmt: skip
    rows = [{"病例号": "01-2", "意见类型": "结算类型有误", "更正字段": word, "更正值": "4",
             "理由": "非医嘱", "处理结论": "通过"} for word in ("离院方式", "走了")]  # fmt: skip
    found = book.hand_in("意见反馈", form(tmp_path, "o", rows), **ACTOR)
    assert [row["field"] for row in found.rows] == ["discharge_mode"]
    assert "离院方式" not in found.rejects["reason"][0]  # in English here
    for kind in LISTS.values():
        assert known_list(kind.zh) is kind
    pools = choices_of(LISTS["advance"].column("pool"), book.files.policy)
    assert pools is not None
    assert [words[0] for words in pools.values()] == ["职工医保", "居民医保"]


def test_fund_tables_have_chinese_headers(tmp_path):
    path = tmp_path / "f.csv"
    pools = ["employee", "resident"]
    path.write_text("基金池,期初余额,历年累计结余,上年支出,上年点值\n职工,5万,10万元,3,\n"
                    "城乡居民,1,2,3,70.5\n", encoding="utf-8")  # fmt: skip
    assert fund_of(path, pools) == {
        "employee": {"opening": 50_000.0, "surplus": 100_000.0, "spend": 3.0},
        "resident": {"opening": 1.0, "surplus": 2.0, "spend": 3.0},
    }
    assert last_year_of(path, pools) == {"employee": 3.0, "resident": 3.0}
    assert values_of(path, pools) == {"resident": 70.5}
    path.write_text(
        "基金池,医疗机构代码,年度,基金支出\n职工医保,A,2023年,1.2万\n", encoding="utf-8"
    )
    spend = read_spend(path, ["A"], pools, 2024)
    assert spend.amount[0, 0].tolist() == [1_200_000]
    path.write_text("基金池,上年支出\n生育,1\n", encoding="utf-8")
    with pytest.raises(DrgError, match="not a pool of the policy"):
        last_year_of(path, pools)


def test_what_excel_would_run_is_kept_as_text_and_comes_back_as_it_was(tmp_path):
    book = book_of(tmp_path)
    book.add_month(month_file(tmp_path, 1, 4, **PLAIN), **ACTOR)
    rows = [{"医疗机构代码": "A", "病例号": "", "违规规则": "=1+1", "涉及基金金额": "10"}]
    book.hand_in("deduction", form(tmp_path, "d", rows), **ACTOR)
    text = (book.folder / book.state.lists[0].file).read_text(encoding="utf-8-sig")
    assert "'=1+1" in text
    assert [row["rule"] for row in rows_of(book.folder, book.state)["deduction"].values()] == [
        "=1+1"
    ]


def test_a_review_that_pays_nothing_is_told(tmp_path):
    book = book_of(tmp_path)
    book.add_month(month_file(tmp_path, 1, 40, total_cost="9000", **PLAIN), **ACTOR)
    rows = [{"病例号": "01-1", "申请理由": "long_stay", "评审结论": "通过", "支付方式": "按项目"}]
    assert book.hand_in("review", form(tmp_path, "r", rows), **ACTOR).told
    found = clear(book, tmp_path / "out", early=True, **ACTOR)
    assert needless(found) == 1
    shown = rows_of_sheet(tmp_path / "out" / "statements" / "A.xlsx")
    assert any("是否按单议支付" in map(str, row) for row in shown)


def test_the_sheet_counts_cases_as_the_month_does(tmp_path):
    """A corrected case settles anew in the month and is no new case of it."""
    book = book_of(tmp_path)
    book.add_month(month_file(tmp_path, 1, 20, **PLAIN), **ACTOR)
    book.close_month(**ACTOR)
    book.add_month(month_file(tmp_path, 2, 7, **PLAIN), **ACTOR)
    mended = pd.read_csv(tmp_path / "m1.csv", dtype=str, keep_default_na=False).head(1)
    mended.assign(total_cost="4321").to_csv(tmp_path / "c.csv", index=False)
    book.correct(tmp_path / "c.csv", **ACTOR)
    gone = pd.DataFrame({"case_id": ["01-5", "01-6"]})
    gone.to_csv(tmp_path / "w.csv", index=False)
    book.withdraw(tmp_path / "w.csv", **ACTOR)
    book.close_month(**ACTOR)
    month = read_month(book.folder / book.state.closed[1].file)
    assert month["cases"].tolist() == [5]  # 7 came, 2 went
    assert month["corrected"].tolist() == [1]
    write_month_sheet(book, 2, tmp_path / "s.xlsx", "zh")
    shown = rows_of_sheet(tmp_path / "s.xlsx")
    head = next(row for row in shown if any(str(cell).startswith("病例数") for cell in row))
    line = shown[shown.index(head) + 1]
    place = next(i for i, cell in enumerate(head) if str(cell).startswith("病例数"))
    assert float(line[place]) == 5


def test_an_overtaken_entry_leaves_no_file(tmp_path):
    book = book_of(tmp_path)
    other = Book(book.folder)
    first = Made("cases/x.parquet", "0" * 64, b"x")
    seen = other.state
    book.add_month(month_file(tmp_path, 1, 4, **PLAIN), **ACTOR)
    with pytest.raises(DrgError, match="another entry was written"):
        other.add("cases", {}, "x", None, seen, (first,))
    files = [path.relative_to(book.folder).as_posix() for path in book.folder.glob("cases/*")]
    assert files == [one.file for one in book.state.cases]


def test_a_book_keeps_the_policies_that_it_goes_by(tmp_path, monkeypatch):
    from budget.policy import copy, load

    book = book_of(tmp_path, "hangzhou-type")
    held = {path.stem for path in (book.folder / "policy").iterdir()}
    assert held == set(book.files.policy.header.chain)
    digest = book.files.policy.digest
    other = tmp_path / "later"  # another version of the program ships other figures
    other.mkdir()
    for path in load.SHIPPED.glob("*.toml"):
        (other / path.name).write_text(
            path.read_text("utf-8").replace("unscored = 100", "unscored = 90"), "utf-8"
        )
    monkeypatch.setattr(load, "SHIPPED", other)
    assert Book(book.folder).files.policy.digest == digest
    assert copy.find_policy("national-default").parent == other


def test_a_clearing_is_verified(tmp_path):
    book = book_of(tmp_path)
    book.add_month(month_file(tmp_path, 1, 12, **PLAIN), **ACTOR)
    for _ in range(12):
        book.close_month(empty=True, **ACTOR)
    clear(book, tmp_path / "out", sheets=False, **ACTOR)
    assert verify(book.folder).ok
    seen = book.state
    body = dict(seen.entries[-1].body)
    body["final_fen"] = {pool: fen + 1 for pool, fen in body["final_fen"].items()}
    book.add("clear", body, "医保局", None, seen)
    found = verify(book.folder)
    assert not found.ok
    assert "its finals are not what the record comes to" in found.text()


def test_days_are_read_as_cells_are(tmp_path):
    rows = ["month,area,amount"]
    rows += [f"2024-{m},{area},300" for m in (10, 11, 12) for area in ("跨省", "省内")]
    (tmp_path / "s.csv").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "p.toml").write_text(
        'id = "p"\ntitle = "p"\nvalid_from = 2024-01-01\nextends = "national-default"\n'
        'source = "x"\n[out_of_area]\ncross_province = 4\nin_province = 2\nworking_days = 7\n'
        'source = "x"\n', encoding="utf-8")  # fmt: skip
    for day in ("2025年1月10日", "2025-01-10"):
        done = run("fund", "prepayment", tmp_path / "s.csv", "--received", day, "--policy",
                   tmp_path / "p.toml", "--out", tmp_path / "out")  # fmt: skip
        assert done.exit_code == 0, (done.output, done.exception)
        assert "due 2025-01-21" in done.output
    done = run("fund", "prepayment", tmp_path / "s.csv", "--received", "月初", "--out",
               tmp_path / "out")  # fmt: skip
    assert done.exit_code == 2


def test_a_settlement_begins_with_the_opening_balance(tmp_path):
    from tests.budget.region import HOSPITALS, YEAR, many, weight_table
    from weights.table.model import write_with_record

    write_with_record(weight_table(), tmp_path / "w.csv")
    HOSPITALS.to_csv(tmp_path / "hospitals.csv", index=False)
    many(40, seed=1).to_csv(tmp_path / "c.csv", index=False)
    (tmp_path / "last.csv").write_text("pool,amount\nemployee,900000\nresident,800000\n", "utf-8")
    (tmp_path / "fund.csv").write_text("基金池,期初余额\n职工,5万\n居民,70\n", "utf-8")
    asked = ["settle", tmp_path / "c.csv", "--weights", tmp_path / "w.csv", "--year", YEAR,
             "--last-year", tmp_path / "last.csv", "--out", tmp_path / "out",
             "--accept-unreadable", "--across-schemes", "--fund"]  # fmt: skip
    done = run(*asked, tmp_path / "fund.csv")
    assert done.exit_code == 0, (done.output, done.exception)
    fund = pd.read_csv(tmp_path / "out" / "fund.csv")
    first = fund.groupby("pool").first()
    assert first.loc["employee", "opening"] == 50_000
    assert first.loc["resident", "opening"] == 70
    (tmp_path / "fund.csv").write_text("基金池,期初余额\n职工,5万\n", "utf-8")
    assert run(*asked, tmp_path / "fund.csv").exit_code == 1
