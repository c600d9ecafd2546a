"""Grey codes (灰码): codes that settle nothing, by a list and by nothing else.

The official list marks codes of the national editions that a settlement list may hold but that
must not decide a group. It is not a matter of MDCs: most of its codes are in one, and many codes
in none are not on it. The list is published as marks in the official code library, which this
program does not carry; a user gives it as a file. Once it can be had it is put into
``grouper/editions/grey-codes.csv``, which is read where it stands.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from drg.cases.codes import plain_code
from drg.cases.columns import plain_header
from drg.cases.texts import as_text, text_list
from drg.errors import problem
from drg.language import say
from drg.tables import read_table

OFFICIAL = Path(__file__).parents[1] / "editions" / "grey-codes.csv"
_HEADERS = ("code", "灰码", "编码", "代码", "诊断编码", "诊断代码", "疾病编码", "手术编码",
            "手术操作编码", "手术操作代码", "医保编码", "医保代码", "icd编码")  # fmt: skip


def grey_codes(path: str | PathLike[str] | None) -> frozenset[str] | None:
    """Grey codes in their plain spelling; None when there is no list.

    Args:
        path: a table with a column of codes, diagnoses and procedures alike, or a file of one
            column; None for the official list, where this program has it.

    Raises:
        DrgError: the table cannot be read, has no column of codes or holds none.
    """
    if path is None:
        if not OFFICIAL.is_file():
            return None
        path = OFFICIAL
    table, _ = read_table(path)
    names = [name for name in table.column_names if plain_header(name) in _HEADERS]
    if not names:
        raise problem(say("没有灰码编码列", "no column of codes"), file=path,
                      found=", ".join(table.column_names),
                      expected=say("下列之一：", "one of ") + ", ".join(_HEADERS))  # fmt: skip
    cells = [text for name in names for chunk in table.column(name).chunks
             for text in text_list(as_text(chunk))]  # fmt: skip
    found = frozenset(map(plain_code, (text or "" for text in cells))) - {""}
    if not found:
        raise problem(say("清单中没有编码", "the list holds no code"), file=path)
    return found
