"""Workbooks made by hand, and those that are made to break their reader."""

from __future__ import annotations

import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEAD = f'<worksheet xmlns="{MAIN}"><sheetData>'
TAIL = "</sheetData></worksheet>"
TABLE = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'
    '<row r="2"><c r="A2"><v>7</v></c></row>'
)
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
    '<xf numFmtId="22"/><xf numFmtId="46"/></cellXfs></styleSheet>'
)


def parts(rows=TABLE, sheets=("S",), **more):
    """A workbook's parts by name; those given as None are missing."""
    listed = "".join(f'<sheet name="{s}" sheetId="{i}" r:id="r{i}"/>' for i, s in enumerate(sheets))
    links = "".join(
        f'<Relationship Id="r{i}" Type="{LINK}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(len(sheets))
    )
    package = "http://schemas.openxmlformats.org/package/2006"
    found = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r" '
        f'Type="{LINK}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{LINK}"><sheets>{listed}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">{links}'
        "</Relationships>",
        "xl/styles.xml": STYLES,
        **{f"xl/worksheets/sheet{i}.xml": HEAD + rows + TAIL for i in range(len(sheets))},
    }
    found |= {name.replace("__", "/") + ".xml": text for name, text in more.items()}
    return {name: text for name, text in found.items() if text is not None}


def book(path, rows=TABLE, *, held=None, **more):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (held or parts(rows, **more)).items():
            archive.writestr(name, text)
    return path


def cells(*values, style=""):
    """A row of numbers below a header."""
    row = "".join(f'<c r="{chr(65 + i)}2"{style}><v>{v}</v></c>' for i, v in enumerate(values))
    heads = "".join(
        f'<c r="{chr(65 + i)}1" t="inlineStr"><is><t>h{i}</t></is></c>' for i in range(len(values))
    )
    return f'<row r="1">{heads}</row><row r="2">{row}</row>'


def stray(reference, row=None):
    place = row or "".join(filter(str.isdigit, reference))
    return TABLE + f'<row r="{place}"><c r="{reference}"><v>1</v></c></row>'


def bomb(path, name, start, middle, times, end, level=1, **more):
    """A workbook with a part that unpacks to the middle very often."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for other, text in parts(**more).items():
            if other != name:
                archive.writestr(other, text)
        with archive.open(name, "w", force_zip64=True) as file:
            file.write(start.encode())
            for _ in range(times):
                file.write(middle)
            file.write(end.encode())
    return path


def twice(path):
    with warnings.catch_warnings(), zipfile.ZipFile(book(path), "a") as archive:
        warnings.simplefilter("ignore")  # of a duplicate, which is what is wanted
        archive.writestr("xl/worksheets/sheet0.xml", HEAD + TAIL)
    return path


def patched(path, field, value):
    """The directory's entry of the sheet with another figure."""
    data = bytearray(book(path).read_bytes())
    at = data.rfind(b"xl/worksheets/sheet0.xml") - 46
    struct.pack_into("<L", data, at + field, value)
    path.write_bytes(data)
    return path


def cut(path, share):
    data = book(path, TABLE * 1).read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def locked(path):
    path.write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000) + "EncryptedPackage".encode("utf-16-le")
    )
    return path


def written(path, data):
    path.write_bytes(data)
    return path


MB = b" " * (1 << 20)
WIDE = b'<c r="A1"><v>1</v></c>' * 40_000
STRINGS = f'<sst xmlns="{MAIN}"><si><t>{"x" * 40_000}</t></si></sst>'
SHARED = "".join(
    f'<row r="{i}">' + "".join(f'<c r="{c}{i}" t="s"><v>0</v></c>' for c in "ABCDEFGHIJ") + "</row>"
    for i in range(1, 10_000)
)
ENTITIES = '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa">]>'
SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "stray": (lambda p: book(p, stray("XFD1048576")), r"'S' reaches XFD1048576, though only 3"),
    "stray in row 1": (lambda p: book(p, stray("XFD1048576", 1)), "reaches XFD1048576"),
    "far row": (lambda p: book(p, stray("AZ1048576")), "reaches AZ1048576"),
    "far row without names": (
        lambda p: book(p, '<row r="1048576">' + "<c><v>1</v></c>" * 300 + "</row>" + TABLE),
        "reaches KN1048576",
    ),
    "beyond the columns": (lambda p: book(p, stray("XFE2")), "beyond the last one of Excel"),
    "beyond the rows": (lambda p: book(p, stray("A1048577")), "beyond the last one of Excel"),
    "far beyond": (lambda p: book(p, stray("A99999999999")), "beyond the last one of Excel"),
    "far beyond in columns": (lambda p: book(p, stray("AAAAAAAAAA1")), "beyond the last one"),
    "row 0": (lambda p: book(p, stray("A0")), "is not a readable"),
    "spaces": (
        lambda p: bomb(p, "xl/worksheets/sheet0.xml", HEAD, MB, 1500, TAIL),
        r"unpacks to 1,572,8\d\d,\d{3} bytes",
    ),
    "spaces in strings": (
        lambda p: bomb(p, "xl/sharedStrings.xml", "<sst>", MB, 900, "</sst>", level=6), "300 times",
    ),
    "cells": (
        lambda p: bomb(p, "xl/worksheets/sheet0.xml", HEAD, WIDE, 450, TAIL),
        "more than 16,777,216",
    ),
    "one text often": (
        lambda p: book(p, SHARED, xl__sharedStrings=STRINGS), "more memory",
    ),
    "nested": (
        lambda p: book(p, "<a>" * 3_000_000), "is empty|is not a readable|memory",
    ),
    "entities": (
        lambda p: book(p, held={**parts(), "xl/workbook.xml": ENTITIES}), "has declarations",
    ),
    "entities in the sheet": (
        lambda p: book(p, held={**parts(), "xl/worksheets/sheet0.xml": ENTITIES + HEAD + TAIL}),
        "has declarations",
    ),
    "many parts": (
        lambda p: book(p, held={**parts(), **{f"x{i}": "" for i in range(20_000)}}), "too many",
    ),
    "a part twice": (twice, "sheet0.xml twice"),
    "size lies low": (lambda p: patched(p, 24, 10), "may be damaged"),
    "size lies high": (lambda p: patched(p, 24, (1 << 32) - 2), "unpacks to 4,294,967,294"),
    "size in zip64 that is not there": (lambda p: patched(p, 24, (1 << 32) - 1), "damaged|unpacks"),
    "checksum": (lambda p: patched(p, 16, 1), "may be damaged"),
    "cut at a third": (lambda p: cut(p, 0.33), "may be damaged"),
    "cut near the end": (lambda p: cut(p, 0.97), "may be damaged"),
    "no strings": (
        lambda p: book(p, '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'), "not found in shared",
    ),
    "beyond the strings": (
        lambda p: book(
            p, '<row r="1"><c r="A1" t="s"><v>9</v></c></row>', xl__sharedStrings=STRINGS
        ),
        "not found in shared",
    ),
    "broken styles": (lambda p: book(p, xl__styles="<styleSheet><cellXfs><xf"), "not a readable"),
    "no workbook": (lambda p: book(p, xl__workbook=None), "archive holds none"),
    "no sheets": (lambda p: book(p, sheets=()), "has no sheets"),
    "no links": (
        lambda p: book(p, held={k: v for k, v in parts().items() if "rels" not in k}),
        "may be damaged",
    ),
    "sheet that is missing": (lambda p: book(p, xl__worksheets__sheet0=None), "is not a readable"),
    "long stay": (lambda p: book(p, cells("1e300", style=' s="3"')), "is not a readable"),
    "locked": (locked, "locked with a password"),
    "web page": (lambda p: written(p, b"<html><table>"), "looks like a web page"),
    "csv": (lambda p: written(p, b"a,b\n1,2\n"), "looks like text"),
    "xml of 2003": (lambda p: written(p, b'<?xml version="1.0"?><Workbook/>'), "an XML file"),
    "empty": (lambda p: written(p, b""), "is empty"),
}  # fmt: skip
