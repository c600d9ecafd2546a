"""The record of a round (谈判记录): its entries, how to check it, versions, signatures."""

from __future__ import annotations

from collections import Counter

import drg
from drg.page.blocks import Cell, Facts, Points, Section, Text, table
from drg.page.words import Words, clean
from drg.report.minutes.data import Minutes
from drg.report.minutes.words import KINDS, columns, moment

_ABOUT = ("panel", "proposal", "expert", "offer", "id", "drg")


def record_section(data: Minutes, words: Words) -> Section:
    """What is on record, and how anybody can check it."""
    held, init, closed = data.state.until_close, data.state.init, data.state.closed
    kinds = words.joined(
        f"{words.of(KINDS.get(kind, (clean(kind),) * 2))} {count}"
        for kind, count in Counter(one.kind for one in held).items()
    )
    name, cases = clean(init.get("round"), 80), f"{data.cases:,}"
    entries: list[list[Cell]] = [
        [one.seq, moment(one.at), one.actor, one.kind, words.joined(
            clean(part, 60) for key in _ABOUT if isinstance(part := one.body.get(key), str) and part
        ), one.digest] for one in held
    ]  # fmt: skip
    draft, policy = init["weights"], init["policy"]
    versions = [
        [words("程序", "Program"), f"drg-toolkit {drg.__version__}", ""],
        [words("权重草案", "Draft weights"), draft["id"], draft["sha256"]],
        [words("支付政策", "Policy"), policy["id"], policy["sha256"]],
        [words("病例", "Cases"), words(f"{cases} 例", f"{cases} cases"), init["cases"]["sha256"]],
        [words("医疗机构", "Hospitals"), "hospitals.csv", init["hospitals_sha256"]],
        [words("专家库", "Roster"), "roster.csv", init["roster_sha256"] or "—"],
    ]
    if closed is not None:
        final = words("最终权重", "Final weights")
        versions.append([final, closed["file"], closed["weights_sha256"]])
    return Section("record", words("记录与核验", "Record and how to check it"), [
        Facts([
            (words("轮次", "Round"), name),
            (words("记录条数", "Entries"), f"{len(held):,}{words(' 条：', ': ')}{kinds}"),
            (words("首末时间（北京时间）", "First, last (Beijing time)"),
             f"{moment(held[0].at)}　{moment(held[-1].at)}"),
            (words("末条摘要值", "Digest of the last"), held[-1].digest),
        ]),
        Points([
            words(f"核验：对本轮文件夹运行 drg negotiate verify {name}，核对每条记录、所用文件、"
                  "专家组抽取、最终权重表和纪要；其中定案的摘要值应与上列相同；也可与已发出的"
                  "回执核对。",
                  f"To check it, run drg negotiate verify {name} on the folder of the round, for "
                  "every entry, the files, the draws of the panels and the final table; its digest "
                  "must be the one above; --receipt FILE holds it against a receipt given out."),
            words("每条记录含前一条的摘要值：改动、删除、插入任何一条，其后的摘要值即不相符。",
                  "Every entry carries the digest of the one before: whatever is changed, taken "
                  "out or put in, the digests after it no longer fit."),
            words("摘要值请当场宣读并抄送各方；日后可据以确认记录未被改动。",
                  "Read the digest out and send it to all parties, to be compared later."),
        ]),
        table("receipts", words("已发出的回执", "Receipts given out"),
              columns("at entries digest"), [
                  [moment(one.at), one.body["entries"], one.body["digest"]] for one in held
                  if one.kind == "receipt"]),
        table("versions", words("版本与校验值", "Versions and hashes"),
              columns("what name sha256"), versions),
        table("entries", words("谈判记录", "The record"),
              columns("seq at actor entry about digest"), entries, where="book"),
        Text(words(
            "个人信息：纪要只用汇总数，不含参保人和病例的编号，不列出任何医疗机构某一病组的数字；"
            "少于 5 例的病例数及其金额不公布。专家姓名为公务身份。",
            "Persons: the minutes hold sums only, no id of a person or a case, and no figure of "
            "one group in one hospital; counts below 5 and their money are not told. Experts are "
            "named in their office."), "quiet"),
    ])  # fmt: skip


def signature_section(data: Minutes, words: Words) -> Section:
    """Lines to be signed: chair, recorder, bureau, hospitals, and the members of every panel."""
    hospital = words("医疗机构代表", "For the hospitals")
    rows = [[role, "", "", ""] for role in (
        words("主持人", "Chair"), words("记录人", "Recorder"),
        words("医保局代表", "For the bureau"), hospital, hospital)]  # fmt: skip
    for panel in data.state.panels.values():
        voted = {vote.expert for vote in data.state.votes if vote.panel == panel.id}
        signed = [one for one in (*panel.members, *panel.substitutes) if one in voted]
        rows += [[words(f"{panel.id} 专家", f"Panel {panel.id}"), data.expert(one), "", ""]
                 for one in signed or panel.members]  # fmt: skip
    return Section("signatures", words("签字", "Signatures"), [table(
        "signatures", words("与会各方确认本纪要记载属实",
                            "The parties confirm that these minutes are true"),
        columns("role signed signature date"), rows, look="form", where="page",
    )], new_page=True)  # fmt: skip
