"""What the page of a switch tells: the verdict, hospitals, the groups behind it, weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from drg.cases.outcomes import is_ambiguous, is_ungrouped
from drg.cases.privacy import FEWEST
from drg.page.blocks import (
    Block,
    Chart,
    Column,
    Figures,
    Points,
    Report,
    Section,
    Table,
    Text,
    table,
)
from drg.page.small_cells import Cube, Untold, told_first, untold
from drg.page.words import Words, clean, plural
from drg.plots.charts import bars
from drg.switch.both import pairs_of
from drg.switch.carry import BY_ADRG, BY_NAME, CARRIED, ENOUGH, FITTED, HOW, NONE, SHRUNK, WHOLE
from drg.switch.run import Switched, in_yuan

_BARS, _ROWS, _EACH, _LEAST = 24, 20, 3, 30  # bars, rows on paper, groups a hospital; its cases
_MANY = 0.05  # share of cases more without a group from which a scheme may be a part only
CASES = Column("cases", "病例", "Cases", "cases")
HOSPITAL = Column("hospital_name", "医疗机构", "Hospital", "name")
TIER = Column("tier", "级别", "Tier", "tier")
OLD, NEW = Column("drg_old", "原病组", "Before", "code"), Column("drg_new", "新病组", "Now", "code")
OLD_NAME, NEW_NAME = (Column("name_old", "原名称", "Name before", "name"),
                      Column("name_new", "新名称", "Name now", "name"))  # fmt: skip
CHANGE = Column("change", "变动", "Change", "gain")


@dataclass(frozen=True)
class Told:
    """A switch as its page tells it: amounts in yuan, small cells marked.

    Attributes:
        found: the switch.
    """

    found: Switched

    @property
    def paid(self) -> bool:
        """Whether a policy says what is paid."""
        return self.found.settled is not None

    @cached_property
    def hospitals(self) -> pd.DataFrame:
        """Hospitals, those that lose most first; ``hidden`` where too few cases stand behind it."""
        frame = in_yuan(self.found.hospitals)
        for name in ("hospital_name", "tier"):
            if name not in frame:
                frame[name] = frame["hospital_id"] if name == "hospital_name" else ""
        frame["tier"] = [one if one != -1 else "" for one in frame["tier"]]
        for side in ("old", "new"):
            weighed = frame[f"weighed_{side}"].where(frame[f"weighed_{side}"] > 0)
            frame[f"mix_{side}"] = frame[f"weight_{side}"] / weighed
        frame["mix_change"] = frame["mix_new"] / frame["mix_old"] - 1
        frame["hidden"] = self.untold.rows(("hospital",), frame["hospital_id"])
        if self.paid:
            frame["change_share"] = frame["change"] / frame["final_old"].where(
                frame["final_old"] != 0
            )
        return told_first(frame, "change" if self.paid else "mix_change", "hospital_id")

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Moves between groups, those that change most money first, small cells marked."""
        frame = in_yuan(pairs_of(self.found.moves))
        old = {drg.code: drg.name for drg in self.found.old.drgs}
        new = {drg.code: drg.name for drg in self.found.new.drgs}
        frame["name_old"] = frame["drg_old"].map(old).fillna("")
        frame["name_new"] = frame["drg_new"].map(new).fillna("")
        frame["weight_old"] = frame["drg_old"].map(self.found.before.by_group())
        frame["weight_new"] = frame["drg_new"].map(self.found.weights.by_group())
        frame["hidden"] = self.untold.rows(("drg_new", "drg_old"), frame["drg_new"],
                                           frame["drg_old"])  # fmt: skip
        if self.paid:
            frame["change"] = frame["fund_new"] - frame["fund_old"]
        else:
            frame["change"] = (frame["weight_new"] - frame["weight_old"]) * frame["cases"]
        size = frame["change"].abs().fillna(0)
        frame = frame.assign(_size=size, _both=frame["drg_old"] + " " + frame["drg_new"])
        return told_first(frame, "_size", "_both", ascending=False)

    @cached_property
    def behind(self) -> pd.DataFrame:
        """Of large hospitals the groups that change their money most, of enough cases."""
        moves = in_yuan(self.found.moves)
        moves = moves.assign(change=moves["fund_new"] - moves["fund_old"])
        whole = moves.groupby("hospital_id")["cases"].transform("sum")
        seen = moves[(moves["cases"] >= FEWEST) & (whole >= _LEAST) & (moves["change"] != 0)]
        seen = seen.assign(_size=seen["change"].abs()).sort_values(
            ["_size", "drg_old", "drg_new"], ascending=[False, True, True])  # fmt: skip
        return seen.groupby("hospital_id", sort=False).head(_EACH)

    @cached_property
    def untold(self) -> Untold:
        """What is not told: few cases of a hospital, or of a group that another takes up."""
        hospitals = in_yuan(self.found.hospitals).rename(columns={"hospital_id": "hospital"})
        pairs, pair = pairs_of(self.found.moves), ("drg_old", "drg_new")
        money = ("final_old", "final_new") if self.paid else ()
        owed = ("cost", "fund_old", "fund_new") if self.paid else ("cost",)
        found = [Cube(hospitals, (("hospital",), ()), amounts=money),
                 Cube(pairs, (pair, *((one,) for one in pair), ()), amounts=owed)]  # fmt: skip
        if self.paid:  # groups of which no hospital tells stand together
            moves = self.found.moves.rename(columns={"hospital_id": "hospital"})
            told = self.behind.rename(columns={"hospital_id": "hospital"})
            keys = pd.MultiIndex.from_frame(moves[["hospital", *pair]])
            own = keys.isin(pd.MultiIndex.from_frame(told[["hospital", *pair]]))
            somewhere = pd.MultiIndex.from_frame(moves[list(pair)]).isin(
                pd.MultiIndex.from_frame(told[list(pair)]))  # fmt: skip
            code = moves["drg_old"] + ">" + moves["drg_new"]
            moves = moves.assign(shown=code.where(own, ""))
            for one in pair:
                moves[one] = moves[one].where(somewhere, "")
            cells = moves.groupby(["hospital", "shown", *pair])["cases"].sum().reset_index()
            found.append(Cube(cells, (("hospital", "shown"), ("hospital",), pair, ())))
        return untold(found)

    @property
    def cases(self) -> int:
        """All cases."""
        return len(self.found.both)

    def count(self, test: str) -> tuple[int, int]:
        """Cases without a group (``ungrouped`` or ``ambiguous``), before and after."""
        asks = is_ungrouped if test == "ungrouped" else is_ambiguous
        moves = self.found.moves
        return tuple(  # type: ignore[return-value]
            int(moves["cases"][[asks(code) for code in moves[side]]].sum())
            for side in ("drg_old", "drg_new")
        )

    @property
    def moved(self) -> int:
        """Cases whose group has another code."""
        moves = self.found.moves
        return int(moves["cases"][moves["drg_old"] != moves["drg_new"]].sum())


def switch_report(told: Told, words: Words) -> Report:
    """The page of a switch; its workbook has the same tables, and whole."""
    found = told.found
    old, new = found.old.id, found.new.id
    sections = [
        Section("summary", words("概况", "Summary"), _summary(told, words)),
        Section("hospitals", words("各医疗机构", "Hospitals"), _hospitals(told, words)),
        Section("groups", words("由哪些病组", "Groups behind it"), _groups(told, words)),
        Section("weights", words("权重结转", "Weights"), _weights(told, words)),
        Section("reused", words("同码异义", "Codes reused"), _reused(told, words)),
        Section("method", words("依据", "What it rests on"), _method(told, words)),
    ]
    title = words(f"分组方案切换测算：{old} → {new}", f"Switch from {old} to {new}")
    names = [words(one.header.title, one.header.title_en or one.header.title)
             for one in (found.old, found.new)]  # fmt: skip
    return Report(title, " → ".join(names), [one for one in sections if one.blocks])


def lines(told: Told, words: Words) -> list[str]:
    """The switch in a few sentences, for a terminal; the first is the verdict."""
    return [verdict(told, words), *_points(told, words)]


def verdict(told: Told, words: Words) -> str:
    """What the switch does, in one sentence."""
    moved = words.share(told.moved / told.cases if told.cases else 0.0)
    first = words(
        f"{told.cases:,} 例病例中 {moved} 换了病组编码，两方案下都有权重的病例权重总和不变",
        f"Of {told.cases:,} cases {moved} get another group code; the sum of weights stays for "
        "the cases that have one under both schemes")  # fmt: skip
    frame = told.hospitals
    if not told.paid:
        rise, fall = int((frame["mix_change"] > 0).sum()), int((frame["mix_change"] < 0).sum())
        return first + words(f"；{rise:,} 家医疗机构的 CMI 上升，{fall:,} 家下降。",
                             f"; the case mix of {plural(rise, 'hospital', 'hospitals')} rises, "
                             f"of {fall:,} it falls.")  # fmt: skip
    was, now = frame["final_old"].sum(), frame["final_new"].sum()
    seen = frame[~frame["hidden"]]["change"]
    more, less = int((seen > 0).sum()), int((seen < 0).sum())
    text = first + words(
        f"；同一政策下清算支付由 {words.money(was)} 变为 {words.money(now)}"
        f"（{words.money(now - was, signed=True)}），{more:,} 家增加，{less:,} 家减少",
        f"; under the same policy {words.money(now)} are paid after {words.money(was)} "
        f"({words.money(now - was, signed=True)}): {more:,} hospitals gain, {less:,} lose",
    )
    open_ = frame[~frame["hidden"] & frame["change_share"].notna()]
    if len(open_):
        ranked = open_.sort_values("change_share")
        names, shares = ranked["hospital_name"].tolist(), ranked["change_share"].tolist()
        ends = [
            words(f"{what}最多的是{name}（{share}）", f"{name} {what} most ({share})")
            for place, what, fits in (
                (-1, words("增加", "gains"), shares[-1] > 0),
                (0, words("减少", "loses"), shares[0] < 0),
            ) if fits
            for name, share in [(clean(names[place]), words.share(shares[place], signed=True))]
        ]  # fmt: skip
        if ends:
            text += words("，", "; ") + words("，", ", ").join(ends)
    return text + words("。", ".")


def _points(told: Told, words: Words) -> list[str]:
    found = told.found
    was, now = told.count("ungrouped")
    made = []
    if now > was + _MANY * told.cases:
        made.append(words(
            f"未入组病例由 {words.share(was / told.cases)} 增至 {words.share(now / told.cases)}："
            "新方案可能不完整（如官方工作簿的节选），以下金额不能用于决策。",
            f"Cases without a group rise from {words.share(was / told.cases)} to "
            f"{words.share(now / told.cases)}: the new scheme may be a part only (an excerpt of "
            "the official workbook); do not decide by the money below."))  # fmt: skip
    elif was or now:
        made.append(words(
            f"未入组病例由 {words.few(was)} 例变为 {words.few(now)} 例。",
            f"Cases without a group: {words.few(was)} before, {words.few(now)} now."))  # fmt: skip
    grouped = found.carried.frame
    total = max(int(grouped["cases"].sum()), 1)
    by_how = grouped.groupby("how")["cases"].sum()
    shares = [f"{words.of(HOW[how])} {words.share(by_how[how] / total)}"
              for how in (CARRIED, FITTED, SHRUNK) if how in by_how]  # fmt: skip
    made.append(words("新权重（按病例）：", "New weights (by cases): ") + words.joined(shares)
                + words("。", "."))  # fmt: skip
    empty = grouped[grouped["how"] == NONE]
    if len(empty):
        made.append(words(
            f"{len(empty):,} 个新病组没有病例，也没有可取权重的原病组，没有权重，需另行确定。",
            f"{len(empty):,} new groups have no case, and no old group has a weight for them: "
            "they need one."))  # fmt: skip
    if found.compared.reused_drgs:
        made.append(words(
            f"{len(found.compared.reused_drgs):,} 个 DRG 编码在新方案中指另一个病组，"
            "原权重和历史数据不得按编码沿用。",
            f"{len(found.compared.reused_drgs):,} DRG codes mean another group now: old weights "
            "and series must not be joined on them."))  # fmt: skip
    if found.both.unread:
        unread = words.few(found.both.unread)
        made.append(words(f"{unread} 例费用为空或不能识别，按 0 计入费用合计。",
                          f"{unread} cases have no cost that can be read; they count as 0 in sums "
                          "of cost."))  # fmt: skip
    return made


def _summary(told: Told, words: Words) -> list[Block]:
    made: list[Block] = [Text(verdict(told, words), "lead")]
    figures = [
        (words("换编码病例", "Another code"), words.share(told.moved / max(told.cases, 1)),
         words(f"共 {told.cases:,} 例", f"of {told.cases:,} cases")),
        (words("新病组", "New groups"), f"{len(told.found.new.counted_drgs):,}",
         words(f"原 {len(told.found.old.counted_drgs):,}",
               f"{len(told.found.old.counted_drgs):,} before")),
    ]  # fmt: skip
    if told.paid:
        frame = told.hospitals
        open_ = frame[~frame["hidden"]]
        between = open_["change"][open_["change"] > 0].sum()
        change = frame["final_new"].sum() - frame["final_old"].sum()
        figures += [
            (words("支付合计变动", "Paid in all"), words.money(change, signed=True),
             words.share(change / max(frame["final_old"].sum(), 1), 2, signed=True)),
            (words("增加方合计", "Gained by some"), words.money(between),
             words(f"{int((open_['change'] > 0).sum()):,} 家",
                   f"{int((open_['change'] > 0).sum()):,} hospitals")),
        ]  # fmt: skip
    made.append(Figures(figures))
    made.append(_picture(told, words))
    made.append(Points(_points(told, words)))
    return made


def _picture(told: Told, words: Words) -> Block:
    frame = told.hospitals[~told.hospitals["hidden"]]
    name = "change_share" if told.paid else "mix_change"
    frame = frame[frame[name].notna()].sort_values([name, "hospital_id"])
    if len(frame) > _BARS:
        frame = pd.concat([frame.head(_BARS // 2), frame.tail(_BARS // 2)])
    items = [(clean(row["hospital_name"]), [100 * row[name]],
              [words.share(row[name], signed=True)]) for _, row in frame.iterrows()]  # fmt: skip
    title = (words("各医疗机构清算支付变动", "Change of what each hospital is paid")
             if told.paid else
             words("各医疗机构权重变动", "Change of each hospital's weight"))  # fmt: skip
    legend = (words("增加", "more"), words("减少", "less"))
    about = words.joined(f"{item[0]} {item[2][0]}" for item in items)
    return Chart("hospitals", title, about, bars(items, legend, "%", words.lang, sides=True))


def _hospitals(told: Told, words: Words) -> list[Block]:
    frame = told.hospitals
    columns = [
        HOSPITAL, TIER, CASES, Column("mix_old", "原 CMI", "CMI before", "index"),
        Column("mix_new", "新 CMI", "CMI now", "index"),
        Column("mix_change", "权重变动", "Weight", "change"),
    ]  # fmt: skip
    if told.paid:
        columns += [
            Column("final_old", "原清算支付", "Paid before", "money"),
            Column("final_new", "新清算支付", "Paid now", "money"),
            CHANGE, Column("change_share", "变动", "Change", "change"),
            Column("by_groups", "其中：病组", "By groups", "gain"),
            Column("by_year_end", "其中：总额与年终", "By budget and year end", "gain"),
        ]  # fmt: skip
    note = words(
        "“病组”是病例换组和权重变化使 DRG 应付增减的部分，“总额与年终”是总额控制、结余和年终考核"
        "随之增减的部分，两者之和即变动。",
        "“By groups” is what other groups and weights do to what the DRG rules owe; “by budget and "
        "year end” what caps, surpluses and the year end make of it; both add up to the change.",
    ) if told.paid else ""  # fmt: skip
    name = words("各医疗机构", "Hospitals")
    sums = ("cases", "final_old", "final_new", "change", "by_groups", "by_year_end")
    total = {one: frame[one].sum() for one in sums if one in frame}
    if told.paid:
        total["change_share"] = total["change"] / total["final_old"] if total["final_old"] else 0
    whole = pd.DataFrame([{"hospital_name": words("合计", "All"), "tier": "", "hidden": False,
                           **total}])  # fmt: skip
    made: list[Block] = [Table("hospitals", name, columns, pd.concat([frame, whole]), totals=1,
                               note=note, ends=(60, 30))]  # fmt: skip
    if told.paid:
        made.append(_pools(told, words))
    if told.paid and (rows := _behind(told, words)):
        made.append(table(
            "behind", words("每家医疗机构影响最大的病组", "Groups that move each hospital most"),
            [HOSPITAL, OLD, NEW, NEW_NAME, CASES, CHANGE], rows, ends=(_ROWS, _ROWS),
            note=words(f"仅列 {_LEAST} 例以上的医疗机构和 {FEWEST} 例以上的病组。",
                       f"Of hospitals with {_LEAST} cases and groups with {FEWEST} or more."),
        ))  # fmt: skip
    return made


def _pools(told: Told, words: Words) -> Table:
    """What each pool pays before and after."""
    assert told.found.settled is not None
    before, after = told.found.settled
    final = [one.cash.final.sum(axis=0) / 100 for one in (before, after)]
    rows = [(words.insurance(pool.name), final[0][i], final[1][i], final[1][i] - final[0][i])
            for i, pool in enumerate(before.policy.pools)]  # fmt: skip
    return table("pools", words("各基金池", "Pools"), [
        Column("pool", "基金池", "Pool"), Column("old", "原清算支付", "Paid before", "money"),
        Column("new", "新清算支付", "Paid now", "money"), CHANGE], rows, look="narrow")  # fmt: skip


def _behind(told: Told, words: Words) -> list[Sequence[object]]:
    """For each hospital the groups that change its money most, as far as that may be told."""
    names = {drg.code: drg.name for drg in told.found.new.drgs}
    behind, moves = told.behind, in_yuan(told.found.moves)
    code = behind["drg_old"] + ">" + behind["drg_new"]
    dark = told.untold.rows(("hospital", "shown"), behind["hospital_id"], code)
    by_hospital = dict(list(behind[~dark].groupby("hospital_id", sort=False)))
    whole = moves.assign(change=moves["fund_new"] - moves["fund_old"]).groupby("hospital_id")[
        ["cases", "change"]].sum()  # fmt: skip
    rows: list[Sequence[object]] = []
    for _, hospital in told.hospitals.iterrows():
        seen = by_hospital.get(hospital["hospital_id"])
        if hospital["hidden"] or seen is None:
            continue
        left = whole.loc[hospital["hospital_id"]] - seen[["cases", "change"]].sum()
        rows += [
            (hospital["hospital_name"], row["drg_old"], row["drg_new"],
             names.get(row["drg_new"], ""), row["cases"], row["change"])
            for _, row in seen.iterrows()
        ]  # fmt: skip
        if left["cases"]:
            rows.append((hospital["hospital_name"], "", "", words("其余病组", "other groups"),
                         *left))  # fmt: skip
    return rows


def _groups(told: Told, words: Words) -> list[Block]:
    frame = told.pairs
    change = CHANGE if told.paid else Column("change", "权重变动合计", "Weight in all", "plain",
                                             digits=2)  # fmt: skip
    columns = [
        OLD, OLD_NAME, NEW, NEW_NAME, CASES, Column("cost", "费用", "Cost", "money"),
        Column("weight_old", "原权重", "Weight before", "weight", open=True),
        Column("weight_new", "新权重", "Weight now", "weight", open=True),
    ]  # fmt: skip
    if told.paid:
        columns += [Column("fund_old", "原应付", "Owed before", "money"),
                    Column("fund_new", "新应付", "Owed now", "money")]  # fmt: skip
    caption = words("病例从哪个病组到哪个病组，影响最大的在前",
                    "From which group to which, the greatest effects first")  # fmt: skip
    note = words("应付是 DRG 规则算出的基金支付，未经总额控制。",
                 "Owed: by the DRG rules, before caps and year end.",
                 ) if told.paid else ""  # fmt: skip
    sums = [name for name in ("cases", "cost", "fund_old", "fund_new", "change") if name in frame]
    whole = pd.DataFrame([{"drg_old": words("合计", "All"), "drg_new": "", "name_old": "",
                           "name_new": "", "hidden": False, **frame[sums].sum()}])  # fmt: skip
    return [Table("moves", caption, [*columns, change], pd.concat([frame, whole]), totals=1,
                  ends=(_ROWS, 0), note=note)]  # fmt: skip


def _weights(told: Told, words: Words) -> list[Block]:
    carried = told.found.carried
    frame = carried.frame.assign(
        name=carried.frame["drg"].map({drg.code: drg.name for drg in told.found.new.drgs}),
        hidden=carried.frame["cases"].between(1, FEWEST - 1),
    )  # fmt: skip
    rows = []
    for how in (CARRIED, FITTED, SHRUNK, BY_NAME, BY_ADRG, NONE):
        own = frame[frame["how"] == how]
        if len(own):
            rows.append((words.of(HOW[how]), len(own), int(own["cases"].sum())))
    summary = table("how", words("权重的来源", "Where the weights come from"), [
        Column("how", "来源", "Source"), Column("groups", "病组数", "Groups", "count"), CASES,
    ], rows, look="narrow", note=words(
        f"结转：取自被整体（{WHOLE:.0%} 以上病例）并入的原病组，按病例加权；"
        f"测算：本组 {ENOUGH} 例以上。理顺严重程度次序后改动 {len(carried.moved):,} 组，"
        f"全部权重乘以 {carried.factor:.6f} 以保持权重总和不变。",
        f"Carried over: from old groups that it takes up whole ({WHOLE:.0%} of their cases or "
        f"more), by cases; fitted: from {ENOUGH} cases of its own. Severities put in order moved "
        f"{len(carried.moved):,} groups; all weights were multiplied by {carried.factor:.6f} so "
        "that the sum of weights stays."))  # fmt: skip
    columns = [
        Column("drg", "病组", "Group", "code"), Column("name", "名称", "Name", "name"),
        Column("weight", "权重", "Weight", "weight", open=True),
        Column("how", "来源", "Source", codes=HOW), Column("from", "原病组", "Old groups", "long"),
    ]  # fmt: skip
    every = Table("weights", words("新病组权重", "Weights of the new groups"), columns, frame,
                  where="book")  # fmt: skip
    without = Table("without", words("没有权重的新病组", "New groups without a weight"),
                    columns[:2], frame[frame["how"] == NONE], where="page", ends=(_ROWS, 0),
                    look="narrow")  # fmt: skip
    return [summary, without, every]


def _reused(told: Told, words: Words) -> list[Block]:
    reused = sorted(told.found.compared.reused_drgs.items())
    if not reused:
        return []
    title = words("编码不变而含义改变的病组", "Codes that mean another group now")
    columns = [Column("code", "编码", "Code", "code"), Column("was", "原病组", "Was", "name"),
               Column("now", "新病组", "Is", "name")]  # fmt: skip
    return [table("reused", title, columns, [(code, *names) for code, names in reused],
                  ends=(2 * _ROWS, 0))]  # fmt: skip


def _method(told: Told, words: Words) -> list[Block]:
    found = told.found
    made = [
        words(f"原方案 {found.old.id}，新方案 {found.new.id}；原权重 {found.before.id}。",
              f"Schemes {found.old.id} and {found.new.id}; old weights {found.before.id}."),
        words("同一批病例按两个方案各分组一次；政策、基金池、医疗机构和病例不变，只换方案和权重。",
              "The same cases are grouped by both schemes; policy, pools, hospitals and cases "
              "stay, only scheme and weights change."),
    ]  # fmt: skip
    if found.settled is not None:
        policy, year = found.settled[0].policy, found.settled[0].year
        title = words(policy.header.title, policy.header.title_en or policy.header.title)
        made.append(words(f"政策：{title}（{policy.id}），{year} 年。"
                          "两次完整清算见 settlement-old、settlement-new。",
                          f"Policy: {title} ({policy.id}), {year}. Both settlements are in "
                          "settlement-old and settlement-new."))  # fmt: skip
        if count := len(found.settled[1].warnings):
            made.append(words(f"清算另有 {count:,} 条提示，见 settlement-new/settlement.json。",
                              f"The settlement tells {count:,} more things, see "
                              "settlement-new/settlement.json."))  # fmt: skip
    made.append(words("未入组或歧义病例按政策规定支付；无权重的病组见“权重结转”。",
                      "Cases without a group are paid as the policy says; groups without a weight "
                      "stand under Weights."))  # fmt: skip
    return [Points(made)]
