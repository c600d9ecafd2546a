"""A small, faultless workbook of a city's scheme, for tests to bend."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import openpyxl

Cell = str | float
Book = dict[str, list[list[Cell]]]


def small_book() -> Book:
    """Sheets as rows of cells; titles, blank rows and remarks as officials leave them."""
    text = """
方案信息
项目|内容
编号|city-2.0
方案名称|某市细分组方案
版本|2.0
来源|某市医保局

MDC列表
某市主要诊断大类
-
序号|MDC编码|MDC名称
1|MDCB|神经系统疾病及功能障碍
2|MDCE|呼吸系统疾病及功能障碍
3|MDCG|消化系统疾病及功能障碍
4|MDCM|男性生殖系统疾病及功能障碍
5|MDCN|女性生殖系统疾病及功能障碍
6|MDCP|新生儿及其他围产期新生儿疾病
7|MDCY|HIV感染疾病及相关操作

MDC主诊表
MDC编码|主要诊断编码|主要诊断名称
MDCB|G00.000|嗜血杆菌脑膜炎
MDCB|G03.900|脑膜炎
MDCB|I63.900|脑梗死
MDCE|J18.900|肺炎
MDCE|J44.900|慢性阻塞性肺病
MDCE|J20.900|急性支气管炎
MDCE|J90.x00|胸腔积液，不可归类在他处者
MDCE|J96.000|急性呼吸衰竭
MDCG|K35.300|急性阑尾炎伴局限性腹膜炎
MDCG|K29.500|慢性胃炎
MDCM|N40.x00|前列腺增生
MDCN|N80.000|子宫的子宫内膜异位症
MDCP|P07.300|早产婴儿，其他的
MDCP|P07.000|
MDCY|B20.000|
注：编码采用医保版。

ADRG列表
ADRG编码|MDC编码|ADRG名称|入组条件|规则|新技术标记
BB1|MDCB|脑创伤开颅术
BT2|MDCB|神经系统感染
BR2|MDCB|脑缺血性疾患
EB1|MDCE|胸部大手术|||达芬奇
EB2|MDCE|肺部手术伴淋巴结清扫
ES3|MDCE|呼吸系统感染
ET2|MDCE|慢性气道阻塞病
EX2|MDCE|支气管炎|主要诊断且年龄≥1岁
GD1|MDCG|阑尾切除术
GW1|MDCG|胃炎||principal_diagnosis in D1
MB1|MDCM|前列腺手术
MZ1|MDCM|前列腺疾患
NZ1|MDCN|子宫疾患
PS1|MDCP|极度发育不全（出生体重<1500g）
PS4|MDCP|早产儿（出生体重>2499g）
YR1|MDCY|HIV相关疾患

ADRG主要诊断
ADRG编码|列表号|诊断编码|诊断名称
BT2|诊断列表1|G00.000
BT2|诊断列表1|G03.900
BR2|诊断列表1|I63.900
ES3|D1|J18.900|肺炎
ET2|1|J44.900
EX2||J20.900
GD1|D1|K35.300
GW1|D1|K29.500
MZ1|D1|N40.x00
NZ1|D1|N80.000
PS1|D1|P07.300
PS4|D1|P07.300
YR1|D1|B20.000
PS1|D1|P07.000
ES3|D1|J90.x00

ADRG手术操作
ADRG编码|列表|手术操作编码|手术操作名称
BB1|手术操作列表1|01.2400x005|开颅探查术
BB1|手术操作列表1|01.2400x009|颅内脓肿引流术
EB1|手术操作列表1|32.4902
EB1|手术操作列表1|32.4100
EB2|手术操作列表1|33.2400x001
EB2|同时包含手术操作列表2|40.3x00x001
GD1|一级列表|47.0100
MB1|P1|60.2900x003
MB1|P1|60.2900x004
EB2|手术操作列表1|32.4100x002

MCC列表
诊断编码|诊断名称|排除表号
J96.000|急性呼吸衰竭|109
P07.000||163
B20.000||13

CC列表
诊断编码|诊断名称|排除表号
J90.x00||108
J18.900||101
J44.900||104
G00.000||64
P07.300||163

排除表
排除表号|主要诊断编码
109|J96.000
163|P07.000
163|P07.300
108|J90.x00
101|J18.900
104|J44.900
64|G00.000
64|G03.900
13|B20.000

DRG列表
DRG编码|ADRG编码|DRG名称|规则|备注
BB11|BB1|脑创伤开颅术，伴严重并发症或合并症
BB13|BB1|脑创伤开颅术，伴并发症或合并症
BB15|BB1|脑创伤开颅术，不伴并发症或合并症
BT21|BT2|神经系统感染，伴严重并发症或合并症
BT25|BT2|神经系统感染，不伴并发症或合并症
BR29|BR2|脑缺血性疾患
EB19|EB1|胸部大手术
EB29|EB2|肺部手术伴淋巴结清扫
ES31|ES3|呼吸系统感染，伴严重并发症或合并症
ES33|ES3|呼吸系统感染，伴并发症或合并症
ES35|ES3|呼吸系统感染，不伴并发症或合并症
ET23|ET2|慢性气道阻塞病，伴并发症或合并症
ET25|ET2|慢性气道阻塞病，不伴并发症或合并症
EX29|EX2|支气管炎
GD13|GD1|阑尾切除术，伴并发症或合并症
GD15|GD1|阑尾切除术，不伴并发症或合并症
GW19|GW1|胃炎|true
MB19|MB1|前列腺手术
MZ19|MZ1|前列腺疾患
NZ19|NZ1|子宫疾患
PS19|PS1|极度发育不全（出生体重<1500g）
PS49|PS4|早产儿（出生体重>2499g）
YR19|YR1|HIV相关疾患||试行
"""
    book: Book = {}
    for part in text.strip().split("\n\n"):
        name, *lines = part.splitlines()
        book[name] = [[] if line == "-" else list(line.split("|")) for line in lines]
    return book


def write_book(book: Mapping[str, list[list[Cell]]], path: Path) -> Path:
    """As a workbook; empty texts become empty cells."""
    out = openpyxl.Workbook()
    out.remove(out.active)
    for name, rows in book.items():
        sheet = out.create_sheet(name)
        for number, row in enumerate(rows, 1):
            for i, cell in enumerate(row, 1):
                if cell != "":
                    sheet.cell(number, i, cell)
    out.save(path)
    return path


def write_folder(book: Mapping[str, list[list[Cell]]], folder: Path) -> Path:
    """As a folder of CSV files."""
    folder.mkdir()
    for name, rows in book.items():
        with (folder / f"{name}.csv").open("w", encoding="gb18030", newline="") as stream:
            csv.writer(stream).writerows(rows)
    return folder
