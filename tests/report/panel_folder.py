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
        "program": "drg-toolkit", "version": "0.1.0", "kind": "settlement", "year": 2025,
        "input": {"file": "grouped.csv", "sha256": "ab" * 32},
        "policy": {"id": "some-other", "sha256": "cd" * 32},
        "weights": {"id": "weights<b>", "sha256": "ef" * 32},
        "warnings": {"fund_paid_zero": "3 cases, 1,234.00 yuan: fund_paid is 0"},
    }, ensure_ascii=False), encoding="utf-8")  # fmt: skip
    if projected:
        project(folder, lines, pools)
    return folder


def project(
    folder: Path, lines: Sequence[Sequence[object]], pools: Sequence[Sequence[object]]
) -> None:
    """Tables of a projection beside a settlement."""
    scenarios = [{"id": "low", "title": "低增长", "title_en": "low growth"},
                 {"id": "baseline", "title": "基准方案", "title_en": "baseline"}]  # fmt: skip
    own: dict[str, list[float]] = {}
    for line in lines:
        held = own.setdefault(str(line[0]), [0.0] * 4)
        for i, value in enumerate((line[5], line[8], line[9], line[19])):
            held[i] += float(value)  # type: ignore[arg-type]
    names = {str(line[0]): str(line[1]) for line in lines}
    years = (2026, 2027, 2028)
    rows, tiers, money, parts = [], [], [], []
    for s in scenarios:
        for k, year in enumerate(years, 1):
            f = 1.03**k
            for h, (n, cost, patient, final) in own.items():
                rows.append([s["id"], year, h, names[h], 3, n, 1.1, cost * f, cost * f / n,
                             patient * f, patient * f / n, final * f, final * f,
                             (final + patient - cost) * f, -0.05, f - 1, final * f * 0.97,
                             final * f * 1.03, 0.4])  # fmt: skip
            tiers += [[s["id"], year, t, "all", 400, 8000 * f, 2400 * f, 5200 * f, 1.1, f - 1]
                      for t in ("all", 3, 2, 1)]  # fmt: skip
            money += [[s["id"], year, p[0], float(p[4]) * f, 1e6, float(p[20]) * f, 1e5 - 4e4 * k,
                       1, 5e4 - 5e4 * k, 2e5, 0.1 * k] for p in pools]  # type: ignore[arg-type]  # fmt: skip
            parts += [[s["id"], year, level, key, 8000, 8240, 160, 40, 40, 0, 240]
                      for level, key in (("region", "all"), ("tier", 3), ("insurance", "employee"),
                                         ("hospital", "H001"))]  # fmt: skip
    write(folder / "projection_hospitals.csv", ["scenario", "year", "hospital_id",
          "hospital_name", "tier", "cases", "case_mix_index", "cost", "average_cost", "patient",
          "average_patient", "payable", "final", "gain", "gain_share", "change_final", "low",
          "high", "loss_probability"], rows)  # fmt: skip
    write(folder / "projection_tiers.csv", ["scenario", "year", "tier", "insurance", "cases",
          "average_cost", "average_patient", "average_fund", "case_mix_index",
          "change_average_cost"], tiers)  # fmt: skip
    write(folder / "projection_pools.csv", ["scenario", "year", "pool", "amount", "payable",
          "final", "balance", "point_value", "balance_low", "balance_high",
          "overrun_probability"], money)  # fmt: skip
    write(folder / "projection_groups.csv", ["scenario", "year", "drg", "name", "cases",
          "average_cost", "weight", "change_average_cost"],
          [["baseline", 2028, "FR21", "=1+1", 40, 9000, 1.2, 0.03],
           ["baseline", 2028, "FR99", "罕见病组", 3, 91919, 1.2, 0.03]])  # fmt: skip
    write(folder / "decomposition.csv", ["scenario", "year", "level", "key", "from", "to", "price",
          "case_mix", "intensity", "volume", "total"], parts)  # fmt: skip
    write(folder / "sensitivity.csv", ["outcome", "parameter", "zh", "en", "first_order", "total",
          "low", "high"],
          [["average_cost", "g", "基金增长率", "growth", 0.5, 0.6, 7900, 8400],
           ["average_cost", "i", "服务强度", "intensity", 0.2, 0.3, 8000, 8200]])  # fmt: skip
    (folder / "projection.json").write_text(json.dumps({
        "scenarios": scenarios, "seed": 7, "draws": 1000,
        "assumptions": [{"key": "g", "zh": "基金增长率", "en": "growth", "value": 0.05, "unit": "",
                         "source": "default: 3 to 6%"}],
    }, ensure_ascii=False), encoding="utf-8")  # fmt: skip
