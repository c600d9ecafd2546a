"""A report as a Word file (Word 文档): headings, tables that repeat their heads, pictures, on A4.

Body text is set in 宋体 and headings in 黑体, with the names under which other systems have them.
"""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape  # writes, reads nothing # nosec B406

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from drg.page.blocks import (
    Block,
    Card,
    Chart,
    Facts,
    Figures,
    Heading,
    Points,
    Report,
    Section,
    Table,
    Text,
)
from drg.page.cells import Grid, grid
from drg.page.words import Words
from drg.plots import chinese_font
from drg.plots.picture import image
from drg.tables.atomic import write_bytes

_SERIF, _SANS, _LATIN = "宋体", "黑体", "Times New Roman"
_OTHERS = {_SERIF: "SimSun;Songti SC;STSong;Noto Serif CJK SC;Source Han Serif SC;Noto Sans CJK SC",
           _SANS: "SimHei;Heiti SC;STHeiti;Noto Sans CJK SC;Source Han Sans SC"}  # fmt: skip
_WIDTH = 166.0  # mm between the margins
_DATE = (2000, 1, 1, 0, 0, 0)  # the time of writing would make two equal runs differ
_BLUE, _GREY, _RED = RGBColor(0x14, 0x42, 0x5F), RGBColor(0x4D, 0x4D, 0x4D), RGBColor(0x8A, 0x3A, 0)
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_SHORT = 14  # half ems: texts of a cell that do not wrap


def write_word(path: Path, report: Report, words: Words) -> bool:
    """Write a report as a Word file, whole or not at all, the same bytes each time.

    Returns:
        Whether its pictures are in it: without a font for Chinese they are left out.

    Raises:
        DrgError: the file cannot be written.
    """
    made = _Word(words)
    made.report(report)
    write_bytes(path, made.bytes())
    return made.pictures


class _Word:
    """A Word file under way."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.in_card = False
        self.pictures = not words.zh or chinese_font() is not None
        self.document: Any = Document()
        self._set_up()

    def bytes(self) -> bytes:
        """The file, with the same dates each time."""
        raw, out = io.BytesIO(), io.BytesIO()
        self.document.save(raw)
        with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
            for name in old.namelist():
                new.writestr(zipfile.ZipInfo(name, _DATE), old.read(name), zipfile.ZIP_DEFLATED)
        return out.getvalue()

    def report(self, report: Report) -> None:
        """Write all of it."""
        self.document.core_properties.title = report.title
        title = self._paragraph(report.title, "Title")
        title.alignment = WD_ALIGN_PARAGRAPH.CENTER
        self._paragraph(report.subtitle, "Subtitle").alignment = WD_ALIGN_PARAGRAPH.CENTER
        for number, section in enumerate(report.sections):
            self._section(section, new_page=section.new_page or number == 1)

    def _section(self, section: Section, *, new_page: bool) -> None:
        heading = self._paragraph(section.title, "Heading 1")
        heading.paragraph_format.page_break_before = new_page
        for block in section.blocks:
            self._block(block)

    def _block(self, block: Block) -> None:
        if isinstance(block, Table):
            if block.on_page:
                self._table(grid(block, self.words))
        elif isinstance(block, Chart):
            self._chart(block)
        elif isinstance(block, Text):
            self._text(block)
        elif isinstance(block, Facts):
            self._facts(block)
        elif isinstance(block, Points):
            for place, item in enumerate(block.items, 1):
                if block.numbered:
                    self._paragraph(f"{place}. {item}")
                else:
                    self._paragraph(item, "List Bullet")
        elif isinstance(block, Heading):
            self._paragraph(block.text, "Heading 2")
        elif isinstance(block, Figures):
            self._figures(block)
        else:
            self._card(block)

    def _paragraph(self, text: str, style: str = "Normal") -> Any:
        return self.document.add_paragraph(_printable(text), style=style)

    def _text(self, block: Text) -> None:
        if not block.text:
            return
        made = self._paragraph(block.text, {"quiet": "Quiet", "lead": "Lead", "call": "Call"}.get(
            block.look, "Normal"))  # fmt: skip
        made.paragraph_format.widow_control = True

    def _facts(self, block: Facts) -> None:
        for term, said in block.pairs:
            made = self._paragraph("")
            made.add_run(_printable(term) + self.words("：", ": ")).bold = True
            made.add_run(_printable(said))

    def _figures(self, block: Figures) -> None:
        made = self.document.add_table(rows=3, cols=len(block.items))
        made.autofit = False
        sizes = (9, 15 if len(block.items) <= 4 else 12.5, 8.5)
        for place, item in enumerate(block.items):
            for row, (text, size) in enumerate(zip(item, sizes, strict=True)):
                cell = made.cell(row, place)
                cell.width = Mm(_WIDTH / len(block.items))
                run = _in_cell(cell, text, size, center=True)
                run.bold = row == 1
                run.font.color.rgb = _BLUE if row == 1 else _GREY
        self._paragraph("", "Quiet")

    def _card(self, card: Card) -> None:
        made = self._paragraph(card.title, "Heading 3")
        if card.aside:
            run = made.add_run(f"　{_printable(card.aside)}")
            run.bold, run.font.size, run.font.color.rgb = False, Pt(9), _GREY
        self.in_card = True
        for block in card.blocks:
            self._block(block)
        self.in_card = False

    def _chart(self, chart: Chart) -> None:
        if not self.pictures:
            return
        self._paragraph(chart.title, "Caption").paragraph_format.keep_with_next = True
        made = self._paragraph("")
        made.add_run().add_picture(io.BytesIO(image(chart.picture, ".png")), width=Mm(_WIDTH))
        shape = made._p.find(".//" + qn("wp:docPr"))
        shape.set("descr", _printable(chart.about)[:2000])
        if chart.note:
            self._paragraph(chart.note, "Quiet")

    def _table(self, held: Grid) -> None:
        if not self.in_card:  # whose heading says it
            made = self._paragraph(held.table.caption, "Caption")
            made.paragraph_format.keep_with_next = True
        form = held.table.look == "form"
        gaps = sum(1 for line in held.lines if line.gap)
        made = self.document.add_table(rows=1 + len(held.lines) + gaps, cols=len(held.columns))
        made.style = "Table Grid"
        made.autofit = False
        size = 9.0 if len(held.columns) <= 6 else 8.0 if len(held.columns) <= 9 else 7.0
        widths = _widths(held, size)
        for column, wide in zip(made._tbl.tblGrid.gridCol_lst, widths, strict=True):
            column.w = Mm(wide)  # LibreOffice goes by these, Word by those of the cells
        rows = made._tbl.tr_lst
        _repeated(rows[0])
        for place, (title, unit) in enumerate(held.heads):
            text = (
                f"{title}\n{self.words('（', '(')}{unit}{self.words('）', ')')}" if unit else title
            )
            _cell(rows[0].tc_lst[place], text, size, widths[place], bold=True, shade="EEF3F6",
                  right=held.columns[place].is_number)  # fmt: skip
        at = 0
        for line in held.lines:
            if line.gap:
                at += 1
                said = self.words(f"… 其间 {line.gap} 行见工作簿 …", f"... {line.gap} more ...")
                for spare in rows[at].tc_lst[1:]:
                    rows[at].remove(spare)
                _cell(rows[at].tc_lst[0], said, size, _WIDTH, span=len(held.columns))
            at += 1
            _whole(rows[at], tall=form)
            for place, cell in enumerate(line.cells):
                _cell(rows[at].tc_lst[place], cell.text, size, widths[place], bold=line.total,
                      right=held.columns[place].is_number, red="loss" in cell.look)  # fmt: skip
        left = held.left_out and not gaps
        more = self.words(f"另有 {held.left_out} 行见工作簿。",
                          f"{held.left_out} more rows are in the workbook.")  # fmt: skip
        self._paragraph(" ".join(t for t in (held.table.note, more if left else "") if t), "Quiet")

    def _set_up(self) -> None:
        """A4, page numbers, and the styles with their fonts."""
        page = self.document.sections[0]
        page.page_width, page.page_height = Mm(210), Mm(297)
        page.left_margin = page.right_margin = Mm(22)
        page.top_margin, page.bottom_margin = Mm(24), Mm(22)
        core = self.document.core_properties
        core.author, core.comments = "drg-toolkit", ""
        core.created = core.modified = datetime(*_DATE)
        styles = self.document.styles
        for name in ("Quiet", "Lead", "Call"):
            styles.add_style(name, 1).base_style = styles["Normal"]
        looks: dict[str, tuple[str, float, bool, RGBColor | None, float]] = {
            "Normal": (_SERIF, 10.5, False, None, 3), "Title": (_SANS, 18, True, None, 4),
            "Subtitle": (_SERIF, 10, False, _GREY, 8), "Heading 1": (_SANS, 15, True, _BLUE, 6),
            "Heading 2": (_SANS, 12, True, _BLUE, 4), "Heading 3": (_SANS, 11, True, _BLUE, 3),
            "Caption": (_SANS, 10, True, None, 2), "Quiet": (_SERIF, 9, False, _GREY, 6),
            "Lead": (_SERIF, 12, False, None, 6), "Call": (_SANS, 11.5, True, _RED, 6),
            "List Bullet": (_SERIF, 10.5, False, None, 2),
        }  # fmt: skip
        for name, (font, size, bold, colour, after) in looks.items():
            style = styles[name]
            _font(style.element.get_or_add_rPr(), font)
            style.font.size, style.font.bold, style.font.italic = Pt(size), bold, False
            style.font.color.rgb = colour or RGBColor(0x1A, 0x1A, 0x1A)
            style.paragraph_format.space_after = Pt(after)
            style.paragraph_format.line_spacing = 1.25
        for name, before in (("Quiet", 3), ("Heading 1", 12)):
            styles[name].paragraph_format.space_before = Pt(before)
        for border in styles["Title"].element.findall(".//" + qn("w:pBdr")):
            border.getparent().remove(border)
        self._footer(page)
        self._other_fonts()

    def _footer(self, page: Any) -> None:
        made = page.footer.paragraphs[0]
        made.alignment = WD_ALIGN_PARAGRAPH.CENTER
        for code in ("PAGE", None, "NUMPAGES"):
            if code is None:
                made.add_run(" / ")
            else:
                made._p.append(parse_xml(f'<w:fldSimple {_W} w:instr="{code}"><w:r><w:t>1</w:t>'
                                         "</w:r></w:fldSimple>"))  # fmt: skip

    def _other_fonts(self) -> None:
        """Names of the same letters on other systems, in the table of fonts."""
        for part in self.document.part.package.iter_parts():
            if str(part.partname).endswith("fontTable.xml"):
                table = parse_xml(part.blob)
                for name, others in _OTHERS.items():
                    table.append(parse_xml(f'<w:font {_W} w:name="{name}"><w:altName w:val="'
                                           f'{others}"/></w:font>'))  # fmt: skip
                part._blob = _xml(table)


def _xml(element: Any) -> bytes:
    from lxml import etree

    return bytes(etree.tostring(element, xml_declaration=True, encoding="UTF-8", standalone=True))


def _font(properties: Any, font: str) -> None:
    fonts = properties.find(qn("w:rFonts"))
    if fonts is not None:
        properties.remove(fonts)
    fonts = OxmlElement("w:rFonts")
    latin = _LATIN if font == _SERIF else "Arial"
    for name, value in (("ascii", latin), ("hAnsi", latin), ("cs", latin), ("eastAsia", font)):
        fonts.set(qn(f"w:{name}"), value)
    properties.insert(0, fonts)


def _widths(held: Grid, size: float) -> list[float]:
    """Widths of columns in mm: numbers and short texts what they need, long texts the rest."""
    wanted, long = [], []
    for place, (column, heads) in enumerate(zip(held.columns, held.heads, strict=True)):
        longest = max((len(line.cells[place].text.encode("gb18030", "replace"))
                       for line in held.lines), default=4)  # fmt: skip
        word = max(len(one) for one in " ".join((*heads, "0")).split() if one.isascii())
        blank = held.table.look == "form" and not longest
        half = (0.225 if column.is_number else 0.26) * size  # mm, of a digit or a letter
        unit = len(f"({heads[1]})".encode("gb18030")) if heads[1] else 4
        wanted.append(40.0 if blank else min(half * max(longest, word, 4, 0.9 * unit) + 2.5, 64.0))
        long.append(not column.is_number and longest > _SHORT)
    loose = sum(wide for wide, one in zip(wanted, long, strict=True) if one)
    rest = _WIDTH - sum(wanted) + loose
    if loose and rest > loose / 4:
        return [
            wide * rest / loose if one else wide for wide, one in zip(wanted, long, strict=True)
        ]
    return [one * _WIDTH / sum(wanted) for one in wanted]


def _repeated(row: Any) -> None:
    """A row of headings that stands at the top of every page."""
    properties = row.get_or_add_trPr()
    properties.append(parse_xml(f"<w:cantSplit {_W}/>"))
    properties.append(parse_xml(f"<w:tblHeader {_W}/>"))


def _whole(row: Any, *, tall: bool) -> None:
    """A row that no page break cuts; tall where it is filled in by hand."""
    properties = row.get_or_add_trPr()
    properties.append(parse_xml(f"<w:cantSplit {_W}/>"))
    if tall:
        properties.append(parse_xml(f'<w:trHeight {_W} w:val="680" w:hRule="atLeast"/>'))


def _cell(
    cell: Any, text: str, size: float, width: float, *, bold: bool = False, right: bool = False,
    shade: str = "", red: bool = False, span: int = 1,
) -> None:  # fmt: skip
    """Fill a cell; written as XML at once, as a report has thousands of them."""
    wide = f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    fill = f'<w:shd w:val="clear" w:color="auto" w:fill="{shade}"/>' if shade else ""
    look = ("<w:b/>" if bold else "") + ('<w:color w:val="8A3A00"/>' if red else "")
    side = '<w:jc w:val="right"/>' if right else ""
    said = "<w:br/>".join(f'<w:t xml:space="preserve">{escape(line)}</w:t>'
                          for line in _printable(text, keep="\n").split("\n"))  # fmt: skip
    made = parse_xml(
        f'<w:tc {_W}><w:tcPr><w:tcW w:w="{round(width * 56.7)}" w:type="dxa"/>{wide}{fill}'
        '<w:tcMar><w:left w:w="50" w:type="dxa"/><w:right w:w="50" w:type="dxa"/></w:tcMar>'
        f'</w:tcPr><w:p><w:pPr><w:spacing w:before="24" w:after="24" w:line="240" '
        f'w:lineRule="auto"/>{side}</w:pPr><w:r><w:rPr>{look}<w:sz w:val="{round(2 * size)}"/>'
        f"</w:rPr>{said}</w:r></w:p></w:tc>"
    )  # fmt: skip
    cell.getparent().replace(cell, made)


def _in_cell(cell: Any, text: str, size: float, *, center: bool) -> Any:
    paragraph = cell.paragraphs[0]
    if center:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.space_after = Pt(0)
    run = paragraph.add_run(_printable(text))
    run.font.size = Pt(size)
    return run


def _printable(text: str, keep: str = "") -> str:
    """A text without characters that XML does not have."""
    return "".join(c if c.isprintable() or c in keep else " " for c in text)
