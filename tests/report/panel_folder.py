"""Results folders for the tests of the panel report, written by hand: small, and with traps."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

HOSTILE = (
    "=cmd|' /C calc'!A0",
    "<script>alert('x')</script>",
    "\u202e院医民人\u202c\u200f第一医院",
    "名字特别长的" * 30 + "医院",
    "A&B \"quoted\" 'single' </td></table><img src=x onerror=alert(1)>",
    "@SUM(1+1)*cmd",
)
PLANTED = "110101199001011234"
MONEY = ("cost", "patient", "other", "item", "payable", "surplus_returned", "overrun_borne",
         "capped", "assessment_withheld", "penalty", "budget_cut", "final", "prepaid",
         "year_end")  # fmt: skip
POOLS = ("employee", "resident")


def write(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(head)
        writer.writerows(rows)


def make(folder: Path, *, hospitals: int = 8, names: Sequence[str] = (), projected: bool = True,
         few: dict[tuple[int, int], int] | None = None) -> Path:  # fmt: skip
    """A settled year: ``few`` sets the cases of (hospital, pool)."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = {(h, p): 20 + 3 * h + p for h in range(hospitals) for p in range(2)} | (few or {})
    cells = {k: n for k, n in cells.items() if n}
    by_name = [names[h] if h < len(names) else f"测试市第{h + 1}医院" for h in range(hospitals)]
    lines, cases = [], []
    for (h, p), n in cells.items():
        cost, final = 8000.0 * n * (1 + h / 50), 5200.0 * n
        money = dict.fromkeys(MONEY, 0.0) | {
            "cost": cost, "patient": 0.3 * cost, "item": 0.7 * cost, "payable": final,
            "final": final, "prepaid": 0.95 * final, "year_end": 0.05 * final,
        }  # fmt: skip
        lines.append([f"H{h:03d}", by_name[h], 1 + h % 3, "甲等", POOLS[p], n, 1.1 + h / 30, 1,
                      *money.values(), final + 0.3 * cost - cost])  # fmt: skip
        cases += [
            [PLANTED, f"C{h}-{p}-{i}", f"H{h:03d}", POOLS[p], 1 + i % 12,
             "0000" if i == 0 and n > 30 else f"AA{i % 4}9", 1.1 + h / 30, "normal",
             cost / n * (0.8 + i % 5 / 10), 0.3 * cost / n, 0, final / n]
            for i in range(n)
        ]  # fmt: skip
    head = ["hospital_id", "hospital_name", "tier", "class", "pool", "cases", "case_mix_index",
            "assessment", *MONEY, "gain", "patient_id"]  # fmt: skip
    write(folder / "hospitals.csv", head, [[*line, PLANTED] for line in lines])
    write(folder / "cases.csv", ["patient_id", "case_id", "hospital_id", "insurance", "month",
                                 "drg", "weight", "branch", "cost", "patient", "other", "fund"],
          cases)  # fmt: skip
    sums = {p: [line for line in lines if line[4] == p] for p in POOLS}
    pools = []
    for p, some in sums.items():
        total = [sum(float(line[8 + i]) for line in some) for i in range(len(MONEY))]
        amount = total[MONEY.index("final")] * 1.02
        pools.append([p, amount * 1.05, 0, amount * 0.05, amount, sum(int(x[5]) for x in some), 0,
                      1, "rate", *total, 0, amount - total[MONEY.index("final")]])  # fmt: skip
    write(folder / "pools.csv", ["pool", "budget", "carve_outs", "reserve", "amount", "cases",
          "points", "point_value", "decided_by", *MONEY, "outside_pool", "balance"],
          pools)  # fmt: skip
    write(folder / "branches.csv", ["hospital_id", "branch", "branch_zh", "settled", "cases",
          "cost", "patient", "other", "fund"],
          [[line[0], "normal" if line[4] == "employee" else "low", "正常倍率", "true", line[5],
            line[8], line[9], 0, line[12]] for line in lines])  # fmt: skip
    write(folder / "months.csv", ["hospital_id", "pool", "month", "cases", "cost", "patient",
          "other", "payable", "advance", "quality_held", "remainder"],
          [[line[0], line[4], m, 10, 1e5, 3e4, 0, 6e4, 5.7e4, 3e3, 0]
           for line in lines for m in range(1, 13)])  # fmt: skip
    (folder / "settlement.json").write_text(json.dumps({
        "program": "drg-toolkit", "version": "1.0.0", "kind": "settlement", "year": 2025,
        "input": {"file": "grouped.csv", "sha256": "ab" * 32},
        "policy": {"id": "some-other", "sha256": "cd" * 32},
        "weights": {"id": "weights<b>", "sha256": "ef" * 32},
        "warnings": {
            "fund_paid_zero": "3 cases: fund_paid is 0 or blank; the patient is taken to have paid "
            "everything",
            "groups_without_weight": "groups without a weight (AA19): 3 cases, 1,234.00 yuan"},
    }, ensure_ascii=False), encoding="utf-8")  # fmt: skip
    if projected:
        project(folder, lines, pools)
    return folder


def project(
    folder: Path, lines: Sequence[Sequence[object]], pools: Sequence[Sequence[object]]
) -> None:
    """Tables of a projection beside a settlement."""
    scenarios = [{"id": "low", "title": "低增长"},
                 {"id": "baseline", "title": "基准方案", "title_en": "baseline"}]  # fmt: skip
    own: dict[str, list[float]] = {}
    about = {str(line[0]): (str(line[1]), line[2]) for line in lines}
    for line in lines:
        held = own.setdefault(str(line[0]), [0.0] * 4)
        for i, value in enumerate((line[5], line[8], line[9], line[19])):
            held[i] += float(value)  # type: ignore[arg-type]
    years = (2025, 2026, 2027, 2028)
    rows, tiers, money, parts = [], [], [], []
    sums: dict[tuple[str, int, str, str], list[float]] = {}
    for s in scenarios:
        for k, year in enumerate(years):
            f = (1.05 if s["id"] == "low" else 1.03) ** k
            g = (0.98 if s["id"] == "low" else 1.0) ** k
            for h, (n, cost, patient, final) in own.items():
                numbers = [n, cost * f, patient * f, final * f, final * (f - g), final * g,
                           final * g + patient * f - cost * f]  # fmt: skip
                rows.append([s["id"], year, h, about[h][0], about[h][1], n, 1.1, cost * f,
                             cost * f / n, patient * f, patient * f / n, *numbers[3:],
                             numbers[6] / (cost * f), f - 1, final * g * 0.97, final * g * 1.03,
                             0.4])  # fmt: skip
                for level, key in (("region", "all"), ("tier", str(about[h][1])), ("hospital", h)):
                    total = sums.setdefault((s["id"], year, level, key), [0.0] * 7)
                    total[:] = [a + b for a, b in zip(total, numbers, strict=True)]
            for t in ("all", "3", "2", "1"):
                n, cost, patient, *_, final, _ = sums.get(
                    (s["id"], year, "region" if t == "all" else "tier", t), [1.0] * 7
                )
                tiers.append([s["id"], year, t, "all", n, round(cost / n, 2),
                              round(patient / n, 2), round(final / n, 2), 1.1, f - 1])  # fmt: skip
            for p in pools:
                amount, paid = float(p[4]) * g, float(p[20])  # type: ignore[arg-type]
                before = amount - paid * f
                money.append([s["id"], year, p[0], amount, paid * f, 0, paid * f, paid * (f - g),
                              paid * g, before, before + paid * (f - g), 1, before - 5e4,
                              before + 5e4, 0.1 * k])  # fmt: skip
            if k:
                parts += [[s["id"], year, level, key, 8000, 8240, 160, 40, 40, 0, 240]
                          for level, key in (("region", "all"), ("tier", 3),
                                             ("insurance", "employee"),
                                             ("hospital", "H001"))]  # fmt: skip
    write(folder / "projection_hospitals.csv", ["scenario", "year", "hospital_id",
          "hospital_name", "tier", "cases", "case_mix_index", "cost", "average_cost", "patient",
          "average_patient", "payable", "budget_cut", "final", "gain", "gain_share",
          "change_final", "low", "high", "loss_probability"], rows)  # fmt: skip
    write(folder / "projection_tiers.csv", ["scenario", "year", "tier", "insurance", "cases",
          "average_cost", "average_patient", "average_fund", "case_mix_index",
          "change_average_cost"], tiers)  # fmt: skip
    write(folder / "projection_pools.csv", ["scenario", "year", "pool", "amount", "payable",
          "outside", "final_before_cut", "budget_cut", "final", "balance_before_cut", "balance",
          "point_value", "balance_before_cut_low", "balance_before_cut_high",
          "overrun_probability"], money)  # fmt: skip
    write(folder / "projection_groups.csv", ["scenario", "year", "drg", "name", "cases",
          "average_cost", "weight", "change_average_cost"],
          [["low", 2028, "FR21", "=1+1", 40, 9000, 1.2, 0.03],
           ["low", 2028, "FR99", "罕见病组", 3, 91919, 1.2, 0.03]])  # fmt: skip
    write(folder / "decomposition.csv", ["scenario", "year", "level", "key", "from", "to", "price",
          "case_mix", "intensity", "volume", "total"], parts)  # fmt: skip
    _differences(folder, sums, years[1:], {h: name for h, (name, _) in about.items()})
    write(folder / "sensitivity.csv", ["scenario", "outcome", "parameter", "zh", "en", "unit",
          "first_order", "total", "total_low", "total_high", "first_low", "first_high", "centre",
          "low", "high"],
          [["low", outcome, "g", "基金增长率", "growth", "yuan", 0.5, 0.6, 0.4, 0.8, 0.3, 0.7,
            8100, 7900, 8400] for outcome in ("average_cost", "fund")]
          + [["low", "average_cost", "i", "服务强度", "intensity", "yuan", 0.02, 0.03, -0.1, 0.16,
              -0.1, 0.14, 8100, 8000, 8200]])  # fmt: skip
    (folder / "projection.json").write_text(json.dumps({
        "scenarios": scenarios, "seed": 7, "draws": 1000,
        "policy": {"id": "some-other", "sha256": "cd" * 32},
        "weights": {"id": "weights<b>", "title": "本地权重", "sha256": "ef" * 32},
        "assumptions": [{"scenario": "low", "key": "pools.employee.growth", "zh": "基金增长率",
                         "en": "growth", "year": 2026, "value": 0.02, "before": 0.05,
                         "unit": "share", "basis": "policy", "low": None, "high": None,
                         "source": "默认：3 至 6% | default: 3 to 6%"}],
    }, ensure_ascii=False), encoding="utf-8")  # fmt: skip


def _differences(
    folder: Path, sums: dict[tuple[str, int, str, str], list[float]], years: Sequence[int],
    names: dict[str, str],
) -> None:  # fmt: skip
    """The scenario less the baseline by region, tier and hospital."""
    measures = ("cases", "cost", "patient", "payable", "budget_cut", "final", "gain")
    rows = []
    for (scenario, year, level, key), now in sums.items():
        if scenario != "low" or year not in years:
            continue
        was = sums["baseline", year, level, key]
        row: list[object] = [scenario, year, level, key, names.get(key, "")]
        for a, b in [*zip(was, now, strict=True), (was[1] / was[0], now[1] / now[0])]:
            row += [round(a, 2), round(b, 2), round(round(b, 2) - round(a, 2), 2)]
        rows.append(row)
    head = [f"{m}_{part}" for m in (*measures, "average_cost")
            for part in ("baseline", "scenario", "difference")]  # fmt: skip
    write(folder / "projection_difference.csv",
          ["scenario", "year", "level", "key", "name", *head], rows)  # fmt: skip
