"""The record of a round (谈判记录): its entries, how to check it, versions, signatures."""

from __future__ import annotations

from collections import Counter

import drg
from drg.page.blocks import Block, Cell, Column, Facts, Points, Section, Table, Text
from drg.page.fonts import Font
from drg.page.words import clean
from drg.report.minutes.data import Minutes
from drg.report.minutes.words import KINDS, MinutesWords, time_text


def record_section(data: Minutes, words: MinutesWords, font: Font | None) -> Section:
    """What is on record, and how anybody can check it."""
    state = data.state
    first, last = state.entries[0], state.entries[-1]
    counts = Counter(entry.kind for entry in state.entries)
    kinds = words.joined([
        f"{words.of(KINDS[kind]) if kind in KINDS else clean(kind)} {count}"
        for kind, count in counts.items()
    ])  # fmt: skip
    name = clean(state.init.get("round"), 80)
    blocks: list[Block] = [
        Facts([
            (words("记录条数", "Entries"), words(f"{len(state.entries):,} 条：{kinds}",
                                             f"{len(state.entries):,}: {kinds}")),
            (words("首条时间", "First"), time_text(first.at)),
            (words("末条时间", "Last"), time_text(last.at)),
            (words("末条摘要值", "Digest of the last"), state.digest),
        ]),
        Text(words("核验方法：", "How to check it:")),
        Points([
            words(f"对本轮文件夹 {name} 运行 drg negotiate verify {name}，核对每条记录、所用文件、"
                  "专家组抽取和最终权重表；结果中的摘要值应与上列相同。",
                  f"Run drg negotiate verify {name} on the folder of the round: it checks every "
                  "entry, the files, the draws of the panels and the final table; its digest must "
                  "be the one above."),
            words("每条记录含前一条的摘要值：改动、删除、插入任何一条，其后的摘要值即不相符。",
                  "Every entry carries the digest of the one before: whatever is changed, taken "
                  "out or put in, the digests after it no longer fit."),
            words("摘要值请当场宣读并抄送各方；日后可据以确认记录未被改动。",
                  "Read the digest out and send it to all parties, so that it can be compared "
                  "later."),
        ]),
        _versions(data, words), _entries(data, words), *_notes(words, font),
    ]  # fmt: skip
    return Section("record", words("记录与核验", "Record and how to check it"), blocks)


def _versions(data: Minutes, words: MinutesWords) -> Table:
    init, closed = data.state.init, data.state.closed
    rows: list[list[Cell]] = [
        [words("程序", "Program"), f"drg-toolkit {drg.__version__}", ""],
        [words("权重草案", "Draft weights"), clean(init["weights"]["id"], 80),
         clean(init["weights"]["sha256"])],
        [words("支付政策", "Policy"), clean(init["policy"]["id"], 80),
         clean(init["policy"]["sha256"])],
        [words("病例", "Cases"), words(f"{int(init['cases']['rows']):,} 例",
                                     f"{int(init['cases']['rows']):,} cases"),
         clean(init["cases"]["sha256"])],
        [words("医疗机构", "Hospitals"), "hospitals.csv", clean(init["hospitals_sha256"])],
        [words("专家库", "Roster"), "roster.csv", clean(init["roster_sha256"]) or "—"],
    ]  # fmt: skip
    if closed is not None:
        rows.append([words("最终权重", "Final weights"), clean(closed["file"], 80),
                     clean(closed["weights_sha256"])])  # fmt: skip
    columns = [Column(words("内容", "What")), Column(words("名称", "Name"), "name"),
               Column("SHA-256", "code")]  # fmt: skip
    return Table("versions", words("版本与校验值", "Versions and hashes"), columns, rows)


def _entries(data: Minutes, words: MinutesWords) -> Table:
    """Every entry, for the workbook."""
    columns = [
        Column(words("序号", "Seq"), "year"), Column(words("时间", "Time")),
        Column(words("记录人", "By"), "name"), Column(words("事项", "Kind")),
        Column(words("涉及", "About")), Column(words("摘要值", "Digest"), "code"),
    ]  # fmt: skip
    rows: list[list[Cell]] = []
    for one in data.state.entries:
        body = one.body
        parts = [body.get(key) for key in ("panel", "proposal", "expert", "offer", "id", "drg")]
        about = words.joined([clean(part, 60) for part in parts if isinstance(part, str) and part])
        kind = words.of(KINDS[one.kind]) if one.kind in KINDS else clean(one.kind)
        rows.append([one.seq, time_text(one.at), clean(one.actor, 80), kind, about, one.digest])
    caption = words("谈判记录", "The record")
    return Table("entries", caption, columns, rows, on_page=False)


def _notes(words: MinutesWords, font: Font | None) -> list[Block]:
    notes = [words(
        "个人信息：纪要只用汇总数，不含参保人和病例的编号，不列出任何医疗机构某一病组的数字；"
        "少于 5 例的病例数及其金额不公布。专家姓名为公务身份。",
        "Persons: the minutes hold sums only, no id of a person or a case, and no figure of one "
        "group in one hospital; counts below 5 and their money are not told. Experts are named in "
        "their office.",
    )]  # fmt: skip
    if font is not None:
        said = f"{font.name}, {font.version}"
        notes.append(words(
            f"字体：{said}（SIL Open Font License 1.1），仅嵌入本页用到的字符。",
            f"Font: {said} (SIL Open Font License 1.1); only the characters of this page are "
            "embedded.",
        ))  # fmt: skip
    return [Text(note, "quiet") for note in notes]


def signature_section(data: Minutes, words: MinutesWords) -> Section:
    """Lines to be signed: chair, recorder, bureau, hospitals, and the members of every panel."""
    blank: list[Cell] = ["", "", ""]
    columns = [Column(words("身份", "As")), Column(words("姓名", "Name")),
               Column(words("签字", "Signature")), Column(words("日期", "Date"))]  # fmt: skip
    roles = [words("主持人", "Chair"), words("记录人", "Recorder"),
             words("医保局代表", "For the bureau"), words("医疗机构代表", "For the hospitals"),
             words("医疗机构代表", "For the hospitals")]  # fmt: skip
    rows: list[list[Cell]] = [[role, *blank] for role in roles]
    blocks: list[Block] = [
        Text(
            words(
                "与会各方确认本纪要记载属实。", "The parties confirm that these minutes are true."
            )
        ),
        Table("signatures", words("与会各方", "The parties"), columns, rows, in_book=False),
    ]
    for panel in data.state.panels.values():
        signed = _voters(data, panel.id) or panel.members
        rows = [[words(f"{panel.id} 专家", f"Panel {panel.id}"), data.expert_name(one), "", ""]
                for one in signed]  # fmt: skip
        caption = words(f"{panel.id} 专家组", f"Panel {panel.id}")
        blocks.append(Table(f"signatures-{panel.id}", caption, columns, rows, in_book=False))
    return Section("signatures", words("签字", "Signatures"), blocks, new_page=True)


def _voters(data: Minutes, panel: str) -> list[str]:
    """Experts of a panel who voted, in the order of its seats."""
    held = data.state.panels[panel]
    voted = {vote.expert for vote in data.state.votes if vote.panel == panel}
    return [one for one in (*held.members, *held.substitutes) if one in voted]
