"""A rehearsal of a round (谈判演练): proposals in conflict and votes, made for a synthetic region.

Nothing here is anybody's opinion: groups are taken by their number of cases, reasons are made up,
and votes are drawn with a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from budget.cases.hospitals import Hospitals
from budget.impact.tables import summary
from drg.errors import problem
from drg.language import say, spoken
from drg.negotiate.rehearsal.roster import roster_csv
from drg.negotiate.round.act import Round
from drg.negotiate.round.procedure import proposer
from drg.record import clock
from drg.tables import read_table, write_table
from weights.negotiation.compromise.offer import OBJECTIVES
from weights.negotiation.experts.lot import sealed
from weights.negotiation.experts.panels import Panel
from weights.negotiation.proposals.proposal import Proposal
from weights.negotiation.proposals.words import COLUMNS, heading
from weights.table import WeightTable
from weights.table.families import families

SEED = 2026  # of the opinions of those who vote
NUMBERS = {"医保局": "2026-0319-1400", "H0001": "7351-4402-9186"}  # committed to before the lot
BUREAU, TITLE = "医保局", "权重论证谈判演练"
RULES = """\
# Rules of the rehearsal (谈判演练规则); what is not here has its default.
panel_size = 5
decision = "median"
largest_loss = 0.02
neutral = "yuan"
objection_days = 0

[sources]
objection_days = "a rehearsal ends on the day it begins"
"""
TIMES = {
    "init": "2026-03-02T09:00:00+08:00", "propose": "2026-03-16T09:30:00+08:00",
    "panel": "2026-03-19T14:00:00+08:00", "vote": "2026-03-26T10:00:00+08:00",
    "solve": "2026-03-26T14:30:00+08:00", "close": "2026-03-27T09:00:00+08:00",
}  # fmt: skip
_LEAST_CASES, _GROUPS, _HOSPITALS = 20, 10, 5
_PROFESSIONS = 0.72  # share of experts that agree with a change inside the corridor


@dataclass(frozen=True)
class Script:
    """Groups and hospitals that play a part.

    Attributes:
        groups: groups with enough cases, most cases first.
        ladder: two groups of one ADRG, the graver first, whose weights nearly meet; or ().
        hospitals: ids of the large hospitals, most beds' worth of cases first.
    """

    groups: tuple[str, ...]
    ladder: tuple[str, ...]
    hospitals: tuple[str, ...]


def script(table: WeightTable, hospitals: Hospitals) -> Script:
    """Who plays in a rehearsal over a draft."""
    frame = table.frame.dropna(subset=["weight"])
    frame = frame[frame["cases"] >= _LEAST_CASES].sort_values(
        ["cases", "drg"], ascending=[False, True]
    )
    groups = tuple(frame["drg"].astype(str))
    if len(groups) < _GROUPS or len(hospitals) < _HOSPITALS:
        raise problem(
            say("统筹区太小，无法演练", "too small a region for a rehearsal"),
            found=say(
                f"满 {_LEAST_CASES} 例的病组 {len(groups)} 个、医疗机构 {len(hospitals)} 家",
                f"{len(groups)} groups of {_LEAST_CASES} cases, {len(hospitals)} hospitals",
            ),
            expected=say(f"这样的病组 {_GROUPS} 个、医疗机构 {_HOSPITALS} 家",
                         f"{_GROUPS} such groups and {_HOSPITALS} hospitals"),
        )  # fmt: skip
    weight = frame.set_index("drg")["weight"]
    order = families(groups)
    above, below = order.pairs
    gaps = [(float(weight[groups[a]] / weight[groups[b]]), groups[a], groups[b])
            for a, b in zip(above, below, strict=True)]  # fmt: skip
    close = sorted((gap, a, b) for gap, a, b in gaps if 1.0 <= gap < 1.15)
    large = np.lexsort((np.array(hospitals.ids), -hospitals.tier.astype(int)))
    ids = tuple(str(hospitals.ids[i]) for i in large)
    return Script(groups, close[0][1:] if close else (), ids)


def proposals(table: WeightTable, hospitals: Hospitals) -> pd.DataFrame:
    """Proposals in conflict, as a hospital's form has them; headings and all."""
    play = script(table, hospitals)
    g, h = play.groups, play.hospitals
    rows: list[Sequence[Any]] = [
        ("医院", h[0], g[0], "权重", "+12%", "+5%", "+20%", "新技术开展后耗材费用上升", "附件一"),
        ("医保局", "", g[0], "权重", "-8%", "", "", "本组次均费用连续两年下降", "年度费用统计"),
        ("医院", h[1], g[1], "权重", "+35%", "+15%", "+35%", "重症患者集中收治", "附件二"),
        ("医院", h[2], g[2], "剔除病例", f"cost>{_dear(table, g[2])}", "", "",
         "个别极高费用病例应由特病单议解决", "病例清单"),
        ("医院", h[3], g[3], "裁剪", "iqr", "", "", "费用分布右偏，现行裁剪不足", "费用分布图"),
        ("专家组", "", g[4], "类别", "激励 1.05", "", "", "鼓励日间手术开展", "专家论证意见"),
        ("医保局", "", g[5], "类别", "基础病组 0.95", "", "", "基层可开展，同病同价", "目录文件"),
        ("医院", h[4], g[6], "权重", "+10%", "+4%", "+10%", "护理工作量大", "附件三"),
        ("医院", h[0], g[7], "权重", "×1.15", "", "", "开展新术式", "附件四"),
        ("医院", h[5 % len(h)], g[7], "权重", "-5%", "", "", "本组盈余过高影响其他病组", "测算表"),
        ("医保局", "", g[8], "权重", "-15%", "-15%", "-5%", "集采后药品耗材降价", "集采目录"),
        ("医院", h[1], g[9], "权重", "+18%", "+8%", "+18%", "康复期延长", "附件五"),
    ]  # fmt: skip
    if play.ladder:
        graver, lighter = play.ladder
        known = {(row[1], row[2]) for row in rows}
        rows += [
            row for row in (
                ("医院", h[2], lighter, "权重", "+15%", "+10%", "+15%", "轻症组成本偏低", "附件六"),
                ("医保局", "", graver, "权重", "-10%", "", "", "重症组盈余较多", "测算表"),
            ) if (row[1], row[2]) not in known
        ]  # fmt: skip
    return pd.DataFrame(rows, columns=[heading(name) for name in COLUMNS])


def _dear(table: WeightTable, drg: str) -> int:
    """A cost above which only few cases of a group lie: twice its mean, in whole thousands."""
    mean = float(table.frame.loc[table.frame["drg"] == drg, "mean_cost"].iloc[0])
    return max(round(2.0 * mean / 1000), 1) * 1000


def votes(
    panels: Sequence[Panel], held: Mapping[str, Proposal], drafts: Mapping[str, float],
    seed: int = SEED,
) -> pd.DataFrame:  # fmt: skip
    """Votes of the panels' members, one row a proposal and member, as the vote sheet has them."""
    rng = np.random.default_rng([seed, 3])
    rows = []
    for panel in panels:
        for name in panel.proposals:
            one = held[name]
            change = one.asked / drafts[one.drg] - 1.0
            for place, expert in enumerate(panel.members):
                draw, part = rng.random(), rng.uniform(0.4, 1.0)
                agree = draw < _PROFESSIONS - max(abs(change) - 0.2, 0.0) * 2
                away = not agree and draw > 0.94
                if place == len(panel.members) - 1 and draw > 0.9:
                    continue  # one who did not come
                rows.append((
                    panel.id, name, expert,
                    "弃权" if away else "赞成" if agree else "反对",
                    round(drafts[one.drg] * (1 + change * part), 4) if agree else "",
                    "" if agree else "依据不足" if not away else "不熟悉本专业",
                ))  # fmt: skip
    return pd.DataFrame(
        rows, columns=["专家组", "申请编号", "专家编号", "意见", "建议权重", "说明"]
    )


def write_form(path: Path, frame: pd.DataFrame) -> None:
    """Write proposals or votes as a CSV form."""
    write_table(path, pa.Table.from_pandas(frame.astype(str), preserve_index=False))


def _resolve(held: Round, tell: Callable[[str], None]) -> None:
    """While decisions conflict, one is withdrawn by who proposed it, the bureau first."""
    while found := held.conflict():
        tell(found.text(spoken()).replace("\n", "\n    "))
        named = [word for one in found.demands if one.kind == "decided" for word in one.en.split()]
        ids = [name for name, one in held.state.open.items()
               if any(name in word for word in named)]  # fmt: skip
        own = [name for name in ids if held.state.open[name].party == "bureau"] or ids
        if not own:
            raise problem(say("演练中的冲突无法化解", "the rehearsal cannot be resolved"),
                          found=found.line(spoken()))  # fmt: skip
        by = proposer(held.state, own[0])[0]
        held.withdraw(own[0], "与其他决定冲突，会议协商后撤回", by)
        tell(say("撤回", "withdrawn") + f" {own[0]}")


def drawn(held: Round) -> tuple[Panel, ...]:
    """The panels of a lot with the rehearsal's numbers."""
    seals = {party: sealed(party, number) for party, number in NUMBERS.items()}
    held.lot(seals, actor=BUREAU)
    for party, number in NUMBERS.items():
        held.reveal(party, number, actor=party)
    return held.draw(BUREAU)


def play(
    folder: Path, *, cases: Path, weights: Path, hospitals: Path, policy: str, year: int,
    tell: Callable[[str], None],
) -> Round:  # fmt: skip
    """Play a whole round in a new folder ``round`` inside ``folder``: from the draft to the end.

    The roster, the proposals and the votes are written beside it. Its times are those of a plan,
    which its first entry says.

    Raises:
        DrgError: the region is too small.
    """
    with clock.given(TIMES["init"]) as now:
        return _play(folder, cases, weights, hospitals, policy, year, tell, now)


def _play(
    folder: Path, cases: Path, weights: Path, hospitals: Path, policy: str, year: int,
    tell: Callable[[str], None], now: list[str],
) -> Round:  # fmt: skip
    table, _ = read_table(hospitals)
    (folder / "roster.csv").write_text(roster_csv(table.to_pandas()), encoding="utf-8")
    (folder / "rules.toml").write_text(RULES, encoding="utf-8")
    held = Round.create(
        folder / "round", weights=weights, cases=cases, policy=policy, hospitals=hospitals,
        roster=folder / "roster.csv", rules=folder / "rules.toml", title=TITLE, year=year,
        actor=BUREAU,
    )  # fmt: skip
    write_form(folder / "proposals.csv", proposals(held.files.weights, held.files.hospitals))
    now[0] = TIMES["propose"]
    found, _ = held.propose_file(folder / "proposals.csv", BUREAU)
    asked = held.impact(held.changes("asked"))
    held.record_impact(asked, list(held.state.open), BUREAU)
    told = summary(asked)
    gain, lose, moved = told["hospitals_gaining"], told["hospitals_losing"], told["moved"]
    tell(say(f"申请 {len(found)} 项：医疗机构受益 {gain} 家，受损 {lose} 家，"
                     f"转移 {moved:,.0f} 元",
                     f"proposals {len(found)}: hospitals gaining {gain}, losing {lose}, "
                     f"moved {moved:,.0f} yuan"))  # fmt: skip
    now[0] = TIMES["panel"]
    panels = drawn(held)
    now[0] = TIMES["vote"]
    sheet = votes(panels, held.state.proposals, held.drafts)
    write_form(folder / "votes.csv", sheet)
    held.vote_file(folder / "votes.csv", BUREAU)
    decisions = held.tally(BUREAU)
    cast, passed = len(held.state.votes), sum(one.accepted for one in decisions)
    tell(say(f"专家组 {len(panels)} 个，表决票 {cast} 张，"
                     f"{len(decisions)} 项中通过 {passed} 项",
                     f"panels {len(panels)}, votes {cast}, accepted {passed} of "
                     f"{len(decisions)}"))  # fmt: skip
    now[0] = TIMES["solve"]
    _resolve(held, tell)
    offers = {kind: held.solve(kind, actor=BUREAU) for kind in OBJECTIVES}
    for kind, (name, offer) in offers.items():
        met, moved = offer.total_satisfaction, offer.moved_yuan
        tell(say(f"折中方案 {name} {kind}：满足度 {met:.2f}，转移 {moved:,.0f} 元",
                         f"offer {name} {kind}: satisfaction {met:.2f}, "
                         f"moved {moved:,.0f} yuan"))  # fmt: skip
    now[0] = TIMES["close"]
    held.accept(offers["closest"][0], "各方意见与成本数据折中，无医疗机构损失超限", BUREAU)
    held.close(BUREAU)
    return held
