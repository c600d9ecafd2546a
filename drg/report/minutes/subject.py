"""What was negotiated (谈判事项): draft, policy, cases, and the rules with where they come from."""

from __future__ import annotations

from drg.page.blocks import Cell, Column, Facts, Section, Table
from drg.page.words import clean
from drg.report.minutes.data import Minutes
from drg.report.minutes.words import MinutesWords, time_text
from weights.negotiation.rules import about


def subject_section(data: Minutes, words: MinutesWords) -> Section:
    """Draft, policy, year, cases and rules."""
    init, rules = data.state.init, data.state.rules
    draft, policy = init["weights"], init["policy"]
    named, cases = clean(policy.get("title"), 80), int(init["cases"]["rows"])
    code, groups, hospitals = clean(policy["id"], 80), len(data.weights), len(data.hospitals)
    first = data.state.entries[0]
    facts = Facts([
        (words("权重草案", "Draft weights"), words(
            f"{clean(draft['id'], 80)}，{groups:,} 个病组，SHA-256 {clean(draft['sha256'])}",
            f"{clean(draft['id'], 80)}, {groups:,} groups, SHA-256 {clean(draft['sha256'])}")),
        (words("支付政策", "Policy"),
         words(f"{named}（{code}）", f"{named} ({code})") if named else code),
        (words("病例", "Cases"), words(
            f"{init['year']} 年 {cases:,} 例，{hospitals:,} 家医疗机构",
            f"{cases:,} of {init['year']}, {hospitals:,} hospitals")),
        (words("立项", "Begun"), f"{time_text(first.at)}　{clean(first.actor, 80)}"),
    ])  # fmt: skip
    rows: list[list[Cell]] = [
        [words.rule_name(name), words.rule(rules, name), words.source(rules, name)]
        for name in about()
    ]
    columns = [Column(words("规则", "Rule")), Column(words("取值", "Value")),
               Column(words("出处", "Source"))]  # fmt: skip
    return Section("subject", words("谈判事项", "What was negotiated"), [
        facts, Table("rules", words("谈判规则及出处", "Rules and their sources"), columns, rows),
    ])  # fmt: skip
