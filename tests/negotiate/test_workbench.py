"""What the workbench does, from Python and through its widgets, without a browser."""

from __future__ import annotations

import re
import sys
from base64 import b64decode
from dataclasses import replace
from types import SimpleNamespace

import pytest
from docx import Document
from openpyxl import load_workbook

import drg.negotiate.workbench.blocks as blocks
import drg.negotiate.workbench.controls as controls
from drg.errors import DrgError
from drg.language import speak
from drg.negotiate.round.act import Round
from drg.negotiate.workbench.bench import Workbench
from drg.negotiate.workbench.chart import bars, chart
from drg.page.words import Words
from tests.negotiate.small import begin, played
from weights.negotiation.rules import Rules

GROUPS = ("RN13", "OB19", "CB59")
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def held(tmp_path) -> Round:
    return begin(tmp_path / "round", title="演练")


@pytest.fixture
def bench(held) -> Workbench:
    pytest.importorskip("ipywidgets", reason="ipywidgets is missing: pip install '.[tests]'")
    return Workbench(held, groups=GROUPS)


def test_figures_are_those_of_the_impact(bench, held):
    assert bench.figures()["hospitals_losing"] == 0
    bench.set("RN13", 0.7)
    wanted = held.impact({"RN13": 0.7})
    assert bench.seen.impact.after.final.tolist() == wanted.after.final.tolist()
    assert abs(bench.payers()["yuan"].sum()) < 0.005
    bench.set_neutral("none")
    assert bench.figures()["scale"] == 1.0
    bench.reset()
    assert bench.figures()["weights_changed"] == 0
    assert bench.picked == list(GROUPS)


def test_weights_stay_in_the_corridor_unless_it_is_meant(bench):
    low, high = bench.corridor("RN13")
    bench.set_share("RN13", 0.2)
    assert bench.weight("RN13") == high
    bench.set_share("RN13", -0.2)
    assert bench.weight("RN13") == low
    with pytest.raises(DrgError, match="超出浮动区间"):
        bench.set("RN13", high * 1.1)
    assert bench.weight("RN13") == low
    bench.beyond = True
    bench.set("RN13", high * 1.1)
    assert bench.outside("RN13")
    bench.view.show()
    assert "超出区间" in bench.view.rows.rows["RN13"].name.value


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf"), True, "1"])
def test_a_weight_is_a_number_above_0(bench, weight):
    with pytest.raises(DrgError, match="大于 0"):
        bench.set("RN13", weight)


def test_frozen_and_unknown_groups_cannot_be_moved(tmp_path):
    desk = Workbench(begin(tmp_path / "round", rules=Rules(frozen=("RN13",))), lang="en")
    for group, words in (("RN13", "frozen"), ("XX99", "not in the draft")):
        with pytest.raises(DrgError, match=words):
            desk.set(group, 0.7)
    with pytest.raises(DrgError, match="lang"):
        Workbench(desk.round, lang="fr")


def test_search_by_code_and_name(bench):
    assert bench.search("ob19") == ["OB19"]
    assert "OB19" in bench.search("剖宫产")
    assert bench.search("no such group") == []
    found = bench.search("")
    assert [bench.cases[group] for group in found] == sorted(
        (bench.cases[group] for group in found), reverse=True
    )


def test_proposals_go_on_record_with_the_impact(bench, held):
    bench.set("RN13", 0.7)
    bench.set("OB19", 0.71)
    assert bench.propose("理由", party="hospital", hospital_id="H0001") == ["P001", "P002"]
    assert [entry.kind for entry in held.state.entries] == ["init", *["proposal"] * 2, "impact"]
    assert held.state.proposals["P001"].asked == 0.7
    with pytest.raises(DrgError, match="已在 P001 对该病组提出申请"):
        bench.propose("再次", party="hospital", hospital_id="H0001")
    for parts, words in (({"reason": " "}, "理由"), ({"reason": "x", "party": "hospital"}, "选择")):
        with pytest.raises(DrgError, match=words):
            bench.propose(**parts)
    bench.reset()
    with pytest.raises(DrgError, match="没有改动"):
        bench.propose("理由")
    assert len(held.state.entries) == 4


def test_offers_are_made_loaded_and_accepted(tmp_path):
    bench = Workbench(played(tmp_path / "round"))
    name = bench.solve("closest")
    bench.load(name)
    changes = bench.round.state.offers[name]["changes"]
    assert bench.changes == pytest.approx(changes)
    asked = {one.drg for one in bench.round.state.open.values()} & set(changes)
    assert asked <= set(bench.picked)
    assert len(bench.beside) == len(changes) - len(bench.picked)
    assert bench.neutral == "none"
    with pytest.raises(DrgError, match="理由"):
        bench.accept(name, "")
    with pytest.raises(DrgError, match="没有这个"):
        bench.accept("O99", "x")
    bench.accept(name, "各方同意")
    assert bench.round.state.accepted == name
    assert {"draft", "asked", "decided", "accepted", name} == set(bench.standing())
    for key in bench.standing():
        bench.load(key)
    with pytest.raises(DrgError, match="没有改动"):
        bench.propose("载入的权重不是自己的诉求")
    bench.load(name)
    assert not bench.unbalanced
    assert "预算中性已关闭" not in bench.view.tiles.value
    bench.set_share("RN13", 0.03)
    assert bench.unbalanced  # an offer keeps the budget as it is, and as it is no more
    assert "▲ 预算中性已关闭" in bench.view.tiles.value
    bench.set_neutral("yuan")
    assert not bench.unbalanced
    bench.set_neutral("none")
    assert bench.own == ["RN13"]
    before = len(bench.round.state.open)
    with pytest.raises(DrgError, match=r"RN13: .*已交专家组，该病组不再另提"):
        bench.propose("决定之后再提", party="panel")
    asked = {one.drg for one in bench.round.state.proposals.values()}
    one, other = [group for group in bench.search("") if group not in asked][:2]
    bench.reset()
    bench.set_share(one, 0.03)
    bench.beyond = True
    bench.set(other, 1e-9)
    with pytest.raises(DrgError, match=other):
        bench.propose("全部保存或全不保存", party="panel")
    assert len(bench.round.state.open) == before


def test_scenarios_and_rounds_side_by_side(bench, tmp_path):
    bench.set("RN13", 0.7)
    assert bench.keep("第一轮") == "第一轮"
    bench.set("RN13", 0.6)
    other = Workbench(begin(tmp_path / "other", title="去年"))
    other.set("OB19", 0.8)
    other.propose("理由")
    bench.keep_round(other.round.folder)
    figures = bench.comparison()
    assert list(figures.columns) == ["草案", "第一轮", "去年：全部申请", "当前"]
    assert figures.loc["groups_changed", "草案"] == 0
    by = bench.hospitals_compared()
    assert by["当前"].sum() == pytest.approx(bench.figures()["final_change"], abs=0.01)
    with pytest.raises(DrgError, match="没有这个文件夹"):
        bench.keep_round(tmp_path / "none")
    bench.forget()
    assert list(bench.comparison().columns) == ["草案", "当前"]


@pytest.mark.usefixtures("plain")
def test_minutes_as_page_word_file_and_workbook(bench, tmp_path):
    bench.set("RN13", 0.7)
    bench.propose("新药使耗材费用上升")
    page, book = bench.export(tmp_path / "minutes")
    assert "新药使耗材费用上升" in page.read_text(encoding="utf-8")
    assert load_workbook(book).sheetnames
    word, _ = bench.export(tmp_path / "minutes", word=True)
    assert "新药使耗材费用上升" in Document(str(word)).element.xml


@pytest.mark.parametrize(("button", "name"), [("export", "minutes.html"), ("word", "minutes.docx")])
def test_links_carry_the_minutes(bench, held, monkeypatch, button, name):
    def written(round_, out, lang):
        out.write_bytes("<b>纪要</b>".encode())
        book = out.with_suffix(".xlsx")
        book.write_bytes(b"tables")
        return SimpleNamespace(page=out, book=book)

    stub = SimpleNamespace(write_minutes=written)
    monkeypatch.setitem(sys.modules, "drg.report.minutes.write", stub)
    form = bench.view.forms["minutes"]
    getattr(form, button).click()
    assert f"{name}、minutes.xlsx" in bench.view.said.value
    links = re.findall(r'download="([^"]+)" href="data:[\w/-]+;base64,([^"]+)"', form.told.value)
    assert [one for one, _ in links] == [name, "minutes.xlsx"]
    for one, data in links:
        assert b64decode(data) == (held.folder / one).read_bytes()


def test_widgets_do_the_same(bench, held):
    view = bench.view
    before = view.chart.value
    view.rows.rows["RN13"].slider.value = 8
    assert view.chart.value != before
    assert bench.weight("RN13") == round(bench.drafts["RN13"] * 1.08, 4)
    assert view.rows.rows["RN13"].number.value == pytest.approx(bench.weight("RN13"))
    view.rows.rows["OB19"].number.value = 0.72
    assert bench.weight("OB19") == 0.72
    view.rows.rows["OB19"].number.value = 99
    assert "bad" in view.said.value
    assert "超出浮动区间" in view.said.value
    assert view.rows.rows["OB19"].number.value == 0.72
    view.picker.search.value = "RU19"
    view.picker.add.click()
    assert "bad" in view.said.value
    view.picker.found.value = ("RU19",)
    view.picker.add.click()
    assert list(view.rows.rows) == [*GROUPS, "RU19"]
    view.rows.rows["CB59"].away.click()
    assert "CB59" not in bench.picked
    form = view.forms["propose"]
    form.save.click()
    assert "请填写理由" in view.said.value
    form.reason.value = "理由 <b>"
    form.save.click()
    assert "已保存 P001、P002" in view.said.value
    assert "理由 &lt;b&gt;" in form.told.value
    assert len(held.state.open) == 2
    view.neutral.value = "weights"
    assert bench.neutral == "weights"
    for place in range(6):
        view.tabs.selected_index = place
    view.reset.click()
    assert not bench.changes


def test_what_python_does_shows_in_the_widgets_and_is_not_sent_back(bench):
    view, said = bench.view, []
    view.rows.rows["RN13"].slider.observe(said.append, "value")
    bench.set("RN13", bench.drafts["RN13"] * 1.0349)
    assert view.rows.rows["RN13"].slider.value == 3
    assert bench.share("RN13") == pytest.approx(0.0349)
    bench.hold({"RN13": bench.drafts["RN13"] * 1.5}, "none", ["RN13"])
    assert view.beyond.value
    assert view.rows.rows["RN13"].slider.value == 50
    bench.reset()
    bench.beyond = False
    view.show()
    assert view.rows.rows["RN13"].slider.max == 20
    assert bench.changes == {}


def test_offers_in_the_widgets(tmp_path):
    bench = Workbench(played(tmp_path / "round"))
    form = bench.view.forms["offer"]
    bench.view.tabs.selected_index = 3
    form.solve.click()
    assert "O01" in bench.view.said.value
    assert form.source.value == "O01"
    assert "起作用的约束" in form.told.value
    form.load.click()
    assert bench.changes
    form.accept.click()
    assert "请填写接受的理由" in bench.view.said.value
    form.reason.value = "各方同意"
    form.accept.click()
    assert bench.round.state.accepted == "O01"


def test_demands_in_conflict_are_said_in_one_line(tmp_path):
    rules = Rules(equal=(("RN13", "RU19"),), frozen=("RN13", "RU19"))
    bench = Workbench(begin(tmp_path / "round", rules=rules))
    with pytest.raises(DrgError, match="不能同时满足") as told:
        bench.solve()
    assert "\n" not in str(told.value)
    bench.view.forms["offer"].solve.click()
    assert "bad" in bench.view.said.value


def test_a_move_works_out_one_impact_and_what_is_in_sight(bench, monkeypatch):
    """How long it takes is measured by ``python -m benchmarks``."""
    view, worked_out, tabs = bench.view, [], []
    impact = type(bench.round).impact

    def counted(held, *given, **more):
        worked_out.append(given)
        return impact(held, *given, **more)

    monkeypatch.setattr(type(bench.round), "impact", counted)
    for name in ("payers", "hospitals"):
        monkeypatch.setattr(blocks, name, lambda *_, name=name: tabs.append(name) or "")
    for number, percent in enumerate(range(1, 12), 1):
        view.rows.rows["RN13"].slider.value = percent
        assert len(worked_out) == number
        assert bench.changes == {"RN13": pytest.approx(bench.drafts["RN13"] * (1 + percent / 100),
                                                       abs=1e-4)}  # fmt: skip
    assert tabs == []
    view.tabs.selected_index = 1
    assert (tabs, len(worked_out)) == (["payers"], 11)


def test_the_chart(bench):
    bench.set_share("RN13", 0.2)
    words = Words("zh")
    shown = bars(bench.hospitals(), words, rows=7)
    assert len(shown) == 7
    assert shown[3].name.startswith("其余")
    assert sum(bar.yuan for bar in shown) == pytest.approx(bench.hospitals()["final_change"].sum())
    drawn = chart(bench.hospitals(), words, limit=0.001)
    assert drawn.startswith("<svg")
    assert "stroke-dasharray" in drawn
    assert chart(bench.hospitals().iloc[:0], words).startswith("<svg")
    hostile = bench.hospitals().assign(hospital_name=HOSTILE)
    assert "<script" not in chart(hostile, words)


def test_the_limit_of_losses_is_marked_for_those_who_come_near_it(bench):
    bench.set_share("RN13", 0.2)
    words, held = Words("zh"), bench.hospitals()
    shares = held["final_change_share"]
    worst = -shares.min()
    held = held[(shares == -worst) | (shares > -0.4 * worst)]  # one comes near, the others do not
    for limit, dashed, beyond in ((None, 0, 0), (4 * worst, 0, 0), (1.5 * worst, 1, 0),
                                  (0.9 * worst, 1, 1)):  # fmt: skip
        drawn = chart(held, words, limit=limit, rows=len(held))
        assert ("虚线：损失上限" in drawn) == bool(dashed)
        assert drawn.count("stroke-dasharray") == dashed
        assert drawn.count("▲") == beyond


def test_names_of_the_data_are_inert(bench):
    bench.set_share("RN13", 0.2)
    bench.kept[HOSTILE] = replace(bench.seen, name=HOSTILE)
    hospitals = bench.hospitals().assign(hospital_name=HOSTILE)
    seen = replace(bench.seen)
    seen.__dict__["hospitals"] = hospitals
    seen.__dict__["summary"] = bench.figures() | {"largest_loss": {
        "hospital_id": "H0001", "hospital_name": HOSTILE, "yuan": -1.0, "share": -0.9}}  # fmt: skip
    bench.names["RN13"] = HOSTILE
    bench.propose(HOSTILE, evidence=HOSTILE)
    bench.view.guarded(lambda: HOSTILE)
    bench.view.rows.show()
    words, changes = bench.words, bench.hospitals_compared().rename(index=lambda _: HOSTILE)
    shown = [bench.picture(seen), blocks.hospitals(seen, words),
             blocks.comparison(bench.comparison(), changes, words),
             blocks.proposals(bench.round.state, bench), bench.view.said.value,
             bench.view.rows.rows["RN13"].name.value]  # fmt: skip
    for one in shown:
        assert "&lt;script&gt;" in one
        assert "<script" not in one


def test_tables_say_what_the_desk_has(bench):
    bench.set_share("RN13", 0.2)
    words = bench.words
    first = bench.hospitals().sort_values("final_change", ascending=False).iloc[0]
    shown = blocks.hospitals(bench.seen, words)
    assert f"{first['final_change']:+,.2f}" in shown
    assert f"{first['final_before'] / 10_000:,.2f}" in shown
    paid = bench.payers()["yuan"].clip(lower=0).sum()
    assert blocks.payers(bench.seen, words).count(f">{paid:,.2f}<") == 2
    figures = blocks.comparison(bench.comparison(), bench.hospitals_compared(), words)
    assert "最大权重变幅（%）" in figures
    assert ">20.0<" in figures
    for one in (shown, figures):
        assert one.count('scope="col"') > 2
        assert "scope=row" in one
        assert "aria-label" in one


def test_english(held):
    bench = Workbench(held, lang="en", groups=GROUPS)
    bench.set_share("RN13", 0.1)
    for place in range(6):
        bench.view.tabs.selected_index = place
    told = bench.view.tiles.value + bench.view.forms["compare"].told.value
    assert not re.search("[一-鿿]", re.sub("<small>.*?</small>", "", bench.view.tiles.value))
    assert "Payable" in told
    assert "draft" in told


def test_without_ipywidgets_it_says_what_to_install(held, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(controls, "import_module", missing)
    with pytest.raises(DrgError, match="pip install"):
        controls.toolkit()
    bench = Workbench(held)
    bench.set("RN13", 0.7)
    assert "<svg" in bench.picture()


def test_what_others_put_on_record_appears(tmp_path):
    bench = Workbench(begin(tmp_path / "round"))
    view = bench.view
    view.refresh()
    assert view.said.value == ""
    other = Round(tmp_path / "round")
    other.propose(actor="H0002", party="hospital", hospital_id="H0002", drg="FM29", what="weight",
                  value="+5%", reason="耗材")  # fmt: skip
    bench.set("RN13", bench.drafts["RN13"] * 1.03)
    bench.propose("本台")
    view.refresh()
    assert "他人新登记：申请 P001（H0002）" in view.said.value
    assert "P002" not in view.said.value
    assert "FM29" in view.forms["propose"].told.value
    view.said.value = ""
    view.refresh()
    assert view.said.value == ""


@pytest.mark.parametrize(("lang", "said"), [("zh", "已结束"), ("en", "the round is closed")])
def test_errors_of_the_engine_are_in_the_language_of_the_desk(tmp_path, lang, said):
    rules = tmp_path / "rules.toml"
    rules.write_text("objection_days = 0\n", encoding="utf-8")
    held = begin(tmp_path / "round", rules=rules)
    bench = Workbench(held, lang=lang)
    held.close("医保局")
    speak("zh" if lang == "en" else "en")
    with pytest.raises(DrgError, match=said):
        bench.solve()
    bench.set("RN13", bench.drafts["RN13"] * 1.03)
    with pytest.raises(DrgError, match=said):
        bench.propose("理由")
    bench.view.guarded(lambda: held.withdraw("P001", "x", "H0001"))
    assert said in bench.view.said.value
