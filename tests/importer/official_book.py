"""A small workbook laid out as the official one, and its rules evaluated a second time.

:class:`Cells` reads a workbook itself and turns each rule cell into a Python expression: slow,
plain, and without a line of the importer or the engine.
"""

from __future__ import annotations

import math
import random
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import openpyxl

from tests.importer.book import Book, write_book
from tests.reference import Case

SHEETS = ("MDC", "ADRG", "DRG", "集合", "CC", "排除表")
# A cell that goes on in the next line of this text ends in a backslash.
_BOOK = r"""
MDC
按病组（DRG）付费3.0版分组方案配置信息
MDC编码|MDC名称|MDC规则|排序
MDCA|先期分组||1
MDCP|新生儿疾病|((NL=0) and (XSRTL>=29) and (XSRTL<366) \
and (ZYZD in DI_PV1) and (ZYSS not in OP_ALL)) or ((NL=0) and (XSRTL<29))|2
MDCZ|多发严重创伤|((ZYZD in DI_Z01) and (QTZD in {DI_Z02, DI_Z03})) or \n\
((ZYZD in DI_Z02) and (QTZD in {DI_Z01, DI_Z03})) or \n\
((ZYZD in DI_Z03) and (QTZD in {DI_Z01, DI_Z02}))|3
MDCH|肝、胆、胰疾病及功能障碍|ZYZD in DI_H00|4
MDCI|肌肉、骨骼疾病及功能障碍|ZYZD in DI_I00|5
MDCM|男性生殖系统疾病及功能障碍|(ZYZD in DI_M00) and (XB = 1)|6
MDCO|妊娠、分娩及产褥期|ZYZD in DI_O00|7
0000|||8

ADRG
ADRG编码|ADRG名称|ADRG规则|所属MDC编码|MDC内排序
000|||0000|1
AA1|心肺移植|ZYSS in OP_AA1|MDCA|1
AC1|胰/肾联合移植|(ZYSS in OP1_AC1 and {ZYSS, QTSS} in OP2_AC1) or \
(ZYSS in OP2_AC1 and {ZYSS, QTSS} in OP1_AC1)|MDCA|2
PS2|极度发育不全（入院体重1000-1499g）|(XSRTL<29) and (XSRTZ>=1000) and (XSRTZ<=1499) \
and ({ZYZD, QTZD} in DI_PS2)|MDCP|1
PV1|其他新生儿疾病|(XSRTL>=29) and (XSRTL<366) and (ZYZD in DI_PV1) and (ZYSS not in OP_ALL)|MDCP|2
P00|||MDCP|3
ZJ1|多发伤的手术|ZYSS in OP_ALL|MDCZ|1
ZZ1|多发性重要创伤无手术|1|MDCZ|2
H00|||MDCH|2
HC3|胆囊及胆总管手术|(ZYZD in DI_HC3) and ((ZYSS in OP1_HC3)\n\
or (ZYSS in OP2_HC3 and QTSS in OP3_HC3))|MDCH|1
HC4|胆囊切除手术|ZYSS in OP_HC4|MDCH|3
HQY||ZYSS in OP_ALL|MDCH|4
HR1|肝胆胰系统恶性肿瘤|ZYZD in DI_HR1|MDCH|5
HZ1|肝胆其他疾病|ZYZD  in DI_HZ1|MDCH|6
IC2|多个关节置换|length(OP_IC2 ∩ {ZYSS, QTSS})>=2 and ZYSS in OP_IC2|MDCI|1
IC3|关节置换|(ZYSS in OP_IC2) OR \n(ZYSS in OP_IC3 and not ({QTSS} in OP_ALL))|MDCI|2
IZ1|骨骼其他疾病|ZYZD in DI_I00|MDCI|3
I00|||MDCI|4
MZ1|男性生殖系统疾病|ZYZD in DI_M00|MDCM|1
OB1|剖宫产术|((QTZD in DI2_OB1) or ((ZYZD in DI_OB1) and (QTZD in DI1_OB1)))_x000D_\n\
and (ZYSS in OP_OB1)|MDCO|1
O00|||MDCO|0

DRG
DRG|DRG名称|DRG规则|所属ADRG编码|所属MDC编码|排序
0000|||000|0000|1
AA19|心肺移植||AA1|MDCA|1
AC19|胰/肾联合移植||AC1|MDCA|1
PS29|极度发育不全||PS2|MDCP|1
PV11|其他新生儿疾病，伴严重合并症或并发症|QTZD in MCC|PV1|MDCP|1
PV15|其他新生儿疾病，不伴严重合并症或并发症||PV1|MDCP|2
P000|||P00|MDCP|1
ZJ19|多发伤的手术||ZJ1|MDCZ|1
ZZ19|多发性重要创伤无手术||ZZ1|MDCZ|1
H000|||H00|MDCH|1
HC30|胆囊及胆总管手术，机器人辅助手术|{ZYSS, QTSS} in OP_ARB|HC3|MDCH|1
HC39|胆囊及胆总管手术||HC3|MDCH|2
HC4F|胆囊切除手术，伴合并症或并发症，大于等于70岁|QTZD in {MCC, CC} and NL>=70|HC4|MDCH|1
HC43|胆囊切除手术，伴合并症或并发症|QTZD in {MCC, CC}|HC4|MDCH|2
HC45|胆囊切除手术，不伴合并症或并发症||HC4|MDCH|3
HQY|||HQY|MDCH|1
HR11|肝胆胰系统恶性肿瘤，伴严重合并症或并发症|QTZD in MCC|HR1|MDCH|1
HR13|肝胆胰系统恶性肿瘤，伴一般合并症或并发症|QTZD in CC|HR1|MDCH|2
HR1G|肝胆胰系统恶性肿瘤，不伴合并症或并发症，大于等于70岁|NL>=70|HR1|MDCH|3
HR15|肝胆胰系统恶性肿瘤，不伴合并症或并发症||HR1|MDCH|4
HZ1D|肝胆其他疾病，小于等于6岁|NL<=6|HZ1|MDCH|1
HZ19|肝胆其他疾病||HZ1|MDCH|2
IC29|多个关节置换||IC2|MDCI|1
IC39|关节置换||IC3|MDCI|1
IZ19|骨骼其他疾病||IZ1|MDCI|1
I000|||I00|MDCI|1
MZ19|男性生殖系统疾病||MZ1|MDCM|1
OB15|剖宫产术，不伴严重合并症或并发症||OB1|MDCO|2
OB11|剖宫产术，伴严重合并症或并发症|ZYZD in DI_OBD or QTZD in MCC|OB1|MDCO|1
O000|||O00|MDCO|1

集合
集合编号|ICD编码|ICD名称|类型编号
OP_AA1|33.6x00|心脏-肺联合移植术|OP
OP1_AC1|52.8000||OP
OP2_AC1|55.6900|肾移植术|OP
DI_PS2|P07.100||DI
DI_PV1|P07.300||DI
DI_PV1|K80.302||DI
OP1_HC3|51.4100||OP
OP2_HC3|51.4201||OP
OP3_HC3|51.2301||OP
DI_HC3|K80.302|胆总管结石伴胆管炎|DI
OP_HC4|51.2300|腹腔镜下胆囊切除术|OP
OP_HC4|51.2200||OP
DI_HR1|C22.000||DI
DI_HR1|C22.100||DI
DI_HZ1|K80.302||DI
DI_HZ1|B25.101+K77.0*||DI
OP_IC2|81.5100||OP
OP_IC2|81.5400||OP
OP_IC3|81.8000||OP
DI_OB1|O34.201||DI
DI1_OB1|Z37.000||DI
DI2_OB1|O60.100||DI
OP_OB1|74.1x01||OP
OP_ARB|17.4200||OP
DI_OBD|O34.201||DI
DI_Z01|S06.500||DI
DI_Z02|S27.000||DI
DI_Z02|S27.100||DI
DI_Z03|S36.000||DI
DI_H00|C22.000||DI
DI_H00|C22.100||DI
DI_H00|K80.302||DI
DI_H00|B25.101+K77.0*||DI
DI_I00|M17.900||DI
DI_M00|N40.x00||DI
DI_O00|O34.201||DI
DI_O00|O60.100||DI
OP_ALL|33.6x00||OP
OP_ALL|52.8000||OP
OP_ALL|55.6900||OP
OP_ALL|51.4100||OP
OP_ALL|51.4201||OP
OP_ALL|51.2301||OP
OP_ALL|51.2300||OP
OP_ALL|51.2300||OP
OP_ALL|81.5100||OP
OP_ALL|81.5400||OP
OP_ALL|81.8000||OP
OP_ALL|74.1x01||OP
OP_ALL|47.0100||OP

CC
疾病编码|疾病名称|排除表|类型
J96.000|急性呼吸衰竭|EX_58|MCC
K81.002|急性化脓性胆囊炎|EX_67|MCC
O14.100||EX_90|MCC
K65.900|腹膜炎|EX_65|CC
K80.101|胆囊结石伴慢性胆囊炎|EX_67|CC

排除表
集合编号|ICD编码|ICD名称
EX_58|J96.000|
EX_65|K65.900|
EX_67|K80.302|胆总管结石伴胆管炎
EX_90|O34.201|
"""


def official_book() -> Book:
    """The sheets as rows of cells."""
    book: Book = {}
    for part in _BOOK.replace("\\\n", "").strip().split("\n\n"):
        name, *lines = part.splitlines()
        rows = [[cell.replace(r"\n", "\n") for cell in line.split("|")] for line in lines]
        book[name] = [[int(c) if i and i == len(row) - 1 and c.isdecimal() else c
                       for i, c in enumerate(row)] for row in rows]  # fmt: skip
    return book


def write_official(book: Book, path: Path, *, first_edition: bool = False) -> Path:
    """As a workbook; the first edition has an empty column A in the sheet ADRG."""
    if first_edition:
        book = {**book, "ADRG": [["", *row] for row in book["ADRG"]]}
    return write_book(book, path)


def row_of(book: Book, sheet: str, code: str, column: int = 0) -> int:
    """The Excel row in which a cell stands."""
    return next(i for i, row in enumerate(book[sheet], 1) if row[column : column + 1] == [code])


_FIELDS = "ZYZD|QTZD|ZYSS|QTSS"
_NUMBERS = "XSRTL|XSRTZ|NL|XB"


class Cells:
    """Groups one case at a time by the cells of an official workbook."""

    def __init__(self, path: Path) -> None:
        book = openpyxl.load_workbook(path, read_only=True)
        rows = {name: self._table(book[name].iter_rows(values_only=True)) for name in SHEETS}
        self.sets: dict[str, set[str]] = defaultdict(set)
        for row in rows["集合"]:
            self.sets[row["集合编号"]].add(row["ICD编码"])
        self.level = {row["疾病编码"]: (row["类型"], row["排除表"]) for row in rows["CC"]}
        self.excludes: dict[str, set[str]] = defaultdict(set)
        for row in rows["排除表"]:
            self.excludes[row["ICD编码"]].add(row["集合编号"])
        self.names: dict[str, list[str]] = {}
        drgs, adrgs = defaultdict(list), defaultdict(list)
        for row in sorted(rows["DRG"], key=lambda r: float(r["排序"])):
            drgs[row["所属ADRG编码"]].append((row["DRG"], self._rule(row["DRG规则"], row["DRG"])))
        in_order = sorted(rows["ADRG"], key=lambda r: (r["ADRG编码"].endswith("00"),
                                                       float(r["MDC内排序"])))  # fmt: skip
        for row in in_order:
            code = row["ADRG编码"]
            adrgs[row["所属MDC编码"]].append((code, self._rule(row["ADRG规则"], code), drgs[code]))
        self.tree = [
            (row["MDC编码"], self._rule(row["MDC规则"], row["MDC编码"]), adrgs[row["MDC编码"]])
            for row in sorted(rows["MDC"], key=lambda r: float(r["排序"]))
            if row["MDC编码"] != "0000"
        ]

    def _table(self, rows: Iterable[tuple[object, ...]]) -> list[dict[str, str]]:
        texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
        header = next(i for i, row in enumerate(texts) if sum(map(bool, row)) > 2)
        return [dict(zip(texts[header], row, strict=False)) for row in texts[header + 1 :]]

    def _rule(self, cell: str, code: str):
        text = " ".join(cell.replace("_x000D_", " ").split()) or "1"
        self.names.setdefault(code[:3], []).extend(re.findall(r"\b(?:DI|OP)\d*_\w+", text))
        text = re.sub(r"\b(OR|AND)\b", lambda found: found[0].lower(), text)
        text = re.sub(r"length\((\w+) ∩ (\{[^}]*\}|\w+)\)", r"many('\1', \2)", text)
        one = rf"(\{{[^}}]*\}}|\b(?:{_FIELDS})\b)"
        text = re.sub(rf"{one} not in (\{{[^}}]*\}}|\w+)", r"(not hit(\1, \2))", text)
        text = re.sub(rf"{one} in (\{{[^}}]*\}}|\w+)", r"hit(\1, \2)", text)
        text = re.sub(r"(?<![<>=])=(?!=)", "==", text)
        text = re.sub(r"(?<!')\b((?:DI|OP)\d*_\w+|MCC|CC)\b(?!')", r"'\1'", text)
        text = re.sub(rf"\b({_FIELDS})\b", r"'\1'", text)
        return compile(re.sub(rf"\b({_NUMBERS})\b", r"number['\1']", text), cell, "eval")

    def group(self, case: Case) -> str:
        """The DRG, ``0000`` for none."""
        dx, px = case.diagnoses, case.procedures
        codes = {"ZYZD": dx[:1], "QTZD": dx[1:], "ZYSS": px[:1], "QTSS": px[1:]}
        tables = self.excludes.get(dx[0], set())
        levels = {self.level[code][0] for code in dx[1:]
                  if code in self.level and self.level[code][1] not in tables}  # fmt: skip

        def held(fields: str | set[str]) -> set[str]:
            return {code for f in ({fields} if isinstance(fields, str) else fields)
                    for code in codes[f]}  # fmt: skip

        def hit(fields: str | set[str], sets: str | set[str]) -> bool:
            return any(
                name in levels if name in ("MCC", "CC") else held(fields) & self.sets[name]
                for name in ({sets} if isinstance(sets, str) else sets)
            )

        facts = {
            "hit": hit, "many": lambda name, fields: len(held(fields) & self.sets[name]),
            "number": {"NL": case.age, "XB": case.sex, "XSRTL": case.age_days,
                       "XSRTZ": case.admission_weight},
        }  # fmt: skip
        for _, enters, adrgs in self.tree:
            if not eval(enters, facts):
                continue
            for _, matches, drgs in adrgs:
                if not eval(matches, facts):
                    continue
                for drg, holds in drgs:
                    if eval(holds, facts):
                        return drg
        return "0000"

    def cases(self, number: int, seed: int) -> list[Case]:
        """Cases whose codes come from the sets of one group, its MDC's and a few others."""
        rng = random.Random(seed)
        groups = [code for code in self.names if len(code) == 3 and code[:3] != "MDC"]
        other = {kind: sorted({code for name, codes in self.sets.items()
                               if name.startswith(kind) for code in codes})
                 for kind in ("DI", "OP")}  # fmt: skip
        levels = sorted(self.level)
        sites = [name for name in self.sets if re.fullmatch(r"DI_Z0\d", name)]
        found = []
        for _ in range(number):
            code = rng.choice(groups)
            names = {*self.names[code], f"DI_{code[0]}00"}
            names |= {*sites} if code[0] == "Z" else set()
            pools = {kind: sorted({c for n in names if n.startswith(kind)
                                   for c in self.sets.get(n, ())}) or other[kind]
                     for kind in ("DI", "OP")}  # fmt: skip

            def draw(kind: str, least: int, pools=pools) -> list[str]:
                drawn = [rng.choice(pools[kind] if rng.random() < 0.8 else other[kind])
                         for _ in range(rng.randint(least, 3))]  # fmt: skip
                if kind == "OP" and rng.random() < 0.1:
                    drawn.append(rng.choice(sorted(self.sets["OP_ARB"]) or other["OP"]))
                return drawn

            dx = draw("DI", 1) + [rng.choice(levels) for _ in range(rng.choice((0, 0, 1, 2)))]
            newborn = rng.random() < (0.8 if code[0] == "P" else 0.05)
            age = 0 if newborn else rng.choice((1, 6, 7, 40, 69, 70, 91, math.nan))
            found.append(Case(
                dx, draw("OP", 0), rng.choice((1, 2)), age,
                rng.choice((0, 5, 28, 29, 200, math.nan)) if newborn else math.nan,
                admission_weight=rng.choice((800, 999, 1000, 1499, 1500, 1999, 2000, 2499, 2500,
                                             math.nan)) if newborn else math.nan,
            ))  # fmt: skip
        return found
