"""One picture: a matplotlib figure laid out in millimetres, in its own style, saved as such.

Nothing here touches ``pyplot``: a picture belongs to no window and to no thread.
"""

from __future__ import annotations

import functools
import io
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from drg.cases.privacy import FEWEST
from drg.errors import problem
from drg.language import say
from drg.plots import fonts
from drg.tables.atomic import write_bytes
from drg.terminal import width as columns

Language = Literal["zh", "en"]

WIDTH = 180.0  # mm: an A4 page without its margins
DPI = 200
INK, GREY, PALE, RULE = "#1A1A1A", "#595959", "#E9E9E9", "#BFBFBF"
# Colours that colour-blind readers tell apart (Okabe and Ito 2008).
BLUE, VERMILION, ORANGE, SKY, GREEN = "#0072B2", "#D55E00", "#E69F00", "#56B4E9", "#009E73"
_MM = 1 / 25.4
_POINT = 25.4 / 72  # mm
_FORMATS: dict[str, dict[str, Any]] = {
    ".svg": {"format": "svg", "metadata": {"Date": None, "Creator": None}},
    ".pdf": {"format": "pdf", "metadata": {"CreationDate": None, "ModDate": None}},
    ".png": {"format": "png", "metadata": {"Software": None}, "dpi": DPI},
}
_STYLE: dict[str, Any] = {
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "text.color": INK, "axes.edgecolor": GREY, "axes.labelcolor": INK, "axes.linewidth": 0.7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.unicode_minus": False,
    "axes.labelsize": 9, "xtick.labelsize": 8, "ytick.labelsize": 8, "xtick.color": GREY,
    "ytick.color": GREY, "xtick.labelcolor": INK, "ytick.labelcolor": INK, "font.size": 8,
    "xtick.minor.size": 0, "ytick.minor.size": 0, "hatch.linewidth": 0.6, "hatch.color": GREY,
    "svg.fonttype": "none", "svg.hashsalt": "drg", "pdf.fonttype": 42,
}  # fmt: skip
_NOT_FIRST = "，。、；：！？）》” ,.;:)"  # no line begins with these
_lock = threading.RLock()  # matplotlib's settings are the whole process's


class _Line(Text):
    """A text in one line on its baseline: drawn without a layout, the dearest part of a picture."""

    wide = 0.0  # mm

    def draw(self, renderer: Any) -> None:
        """Draw it."""
        if not self.get_text() or not self.get_visible():
            return
        x, y = self.get_transform().transform(self.get_unitless_position())
        before = {"left": 0.0, "center": 0.5, "right": 1.0}[self.get_horizontalalignment()]
        x -= before * self.wide * _MM * self.figure.dpi
        y = renderer.get_canvas_width_height()[1] - y if renderer.flipy() else y
        context = renderer.new_gc()
        context.set_foreground(self.get_color())
        renderer.draw_text(context, x, y, self.get_text(), self.get_fontproperties(), 0, mtext=self)
        context.restore()


class Picture(Figure):
    """A figure that knows its language and shows itself in a notebook.

    Attributes:
        lang: language of its words.
        width: in mm; the narrower it is, the larger are its letters on a page.
        chinese: whether Chinese characters can be shown.
        for_svg: makes the same picture for a viewer that has Chinese fonts; None when this
            machine has one itself.
    """

    def __init__(
        self, height: float, lang: Language, *, chinese: bool, width: float = WIDTH
    ) -> None:
        super().__init__(figsize=(width * _MM, height * _MM), dpi=DPI, facecolor="white")
        self.lang: Language = lang
        self.chinese = chinese
        self.height, self.width = height, width
        self.mm = Affine2D().scale(1 / width, 1 / height) + self.transFigure
        self.for_svg: Callable[[], Picture] | None = None
        self._fonts = tuple(mpl.rcParams["font.family"])
        FigureCanvasAgg(self)

    def say(self, words: tuple[str, str], **values: object) -> str:
        """Words in the picture's language, given as (Chinese, English)."""
        return words[0 if self.lang == "zh" else 1].format(**values)

    def name(self, text: object) -> str:
        """A text of the data as it can be shown; empty when it needs a font that is not there."""
        if not isinstance(text, str) or not (self.chinese or fonts.is_latin(text)):
            return ""
        return text_of_data(text, () if self.borrowed else self._fonts)

    @property
    def borrowed(self) -> bool:
        """Whether the fonts will be the viewer's."""
        return self.chinese and self._fonts == (fonts.LATIN,)

    def axes_at(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Axes at a place in mm from the lower left corner."""
        across, up = self.width, self.height
        return self.add_axes((left / across, bottom / up, width / across, height / up))

    def write(self, x: float, y: float, text: str, size: float = 8, **style: Any) -> Text:
        """Write a text at a place in mm; ``y`` is its baseline."""
        if not style.keys() <= {"ha", "color", "fontweight"}:
            return self.text(x / self.width, y / self.height, text, fontsize=size, **style)
        made = _Line(x, y, text, fontsize=size, transform=self.mm, **style)
        made.wide = self.width_of(text, size, bold="fontweight" in style)
        made.set_figure(self)
        self.texts.append(made)
        return made

    def heading(self, title: str, below: str, size: float = 13) -> None:
        """Title and subtitle at the top of the picture."""
        across = self.width - 4
        self.write(2, self.height - 7, self.fitted(title, size, across, bold=True), size,
                   fontweight="bold")  # fmt: skip
        self.write(2, self.height - 13, self.fitted(below, 9, across), 9, color=GREY)

    def width_of(self, text: str, size: float, *, bold: bool = False) -> float:
        """Width of a text in mm."""
        with warnings.catch_warnings():
            if self.borrowed:
                warnings.simplefilter("ignore")
            measured = _measured(text, size, bold, self._fonts)
        return max(measured, columns(text) * size * _POINT / 2) if self.borrowed else measured

    def fitted(self, text: str, size: float, width: float, *, bold: bool = False) -> str:
        """A text cut, with an ellipsis, to a width in mm."""
        if self.width_of(text, size, bold=bold) <= width:
            return text
        low, high = 0, len(text)
        while low + 1 < high:
            middle = (low + high) // 2
            fits = self.width_of(text[:middle].rstrip() + "…", size, bold=bold) <= width
            low, high = (middle, high) if fits else (low, middle)
        return text[:low].rstrip() + "…"

    def wrapped(self, text: str, size: float, width: float, most: int) -> list[str]:
        """A text broken into at most ``most`` lines of a width in mm; the last may be cut."""
        found: list[str] = []
        while text and len(found) < most - 1:
            line = self.fitted(text, size, width)
            if line == text:
                break
            line = line.removesuffix("…") or text[:1]
            space = line.rfind(" ")
            if space > len(line) // 2 and line.isascii() and text[len(line)] != " ":
                line = line[:space]
            while len(line) > 1 and text[len(line)] in _NOT_FIRST:
                line = line[:-1]
            found.append(line)
            text = text[len(line) :].lstrip()
        return [*found, self.fitted(text, size, width)] if text else found

    def savefig(self, *args: Any, **options: Any) -> None:
        """As matplotlib's, in the picture's own style whatever the user's settings are."""
        with style(self._fonts):
            super().savefig(*args, **options)

    def _repr_png_(self) -> bytes:
        return image(self, ".png")


@functools.lru_cache(maxsize=16_384)
def _measured(text: str, size: float, bold: bool, families: tuple[str, ...]) -> float:
    """Width of a text in mm; a picture that is drawn again and again has the same texts."""
    font = FontProperties(family=families, size=size, weight="bold" if bold else "normal")
    measuring: Any = RendererAgg
    wide, _, _ = measuring(1, 1, DPI).get_text_width_height_descent(text, font, False)
    return float(wide) / DPI / _MM


def picture(draw: Callable[[Picture], None], height: float, lang: str) -> Picture:
    """Make a picture.

    Args:
        draw: draws it; it may be called again for the same picture in another language.
        height: of the picture in mm.
        lang: ``zh`` or ``en``.

    Raises:
        DrgError: there is no such language.

    Warns:
        NoChineseFont: Chinese was asked for and no installed font shows it. The picture is in
            English; an SVG file of it is in Chinese, shown with its viewer's fonts.
    """
    if lang != "zh" and lang != "en":
        raise problem(say("没有这种语言", "no such language"), found=lang,
                      expected=say("zh 或 en", "zh or en"))  # fmt: skip
    chinese = fonts.chinese_font()
    if chinese is None and lang == "zh":
        warnings.warn(
            "no installed font shows Chinese, the picture is in English; "
            "install Noto Sans CJK SC (思源黑体) or save as .svg",
            fonts.NoChineseFont, stacklevel=3,
        )  # fmt: skip
    asked: Language = "zh" if lang == "zh" else "en"
    made = _made(draw, height, asked if chinese else "en", chinese, shown=chinese is not None)
    if chinese is None:
        made.for_svg = lambda: _made(draw, height, asked, None, shown=True)
    return made


def drawing(
    draw: Callable[[Picture], None], height: float, lang: str, width: float = WIDTH
) -> Picture:
    """Make a picture for a page: in the language asked for, with its viewer's fonts if need be."""
    chinese = fonts.chinese_font()
    return _made(draw, height, "zh" if lang == "zh" else "en", chinese, shown=True, width=width)


def save(figure: Figure, path: str | PathLike[str]) -> None:
    """Write a picture as a file, whole or not at all, the same bytes each time.

    Args:
        figure: the picture.
        path: a name ending in ``.svg``, ``.png`` or ``.pdf``.

    Raises:
        DrgError: the name has another ending, or the file cannot be written.
    """
    ending = Path(path).suffix.lower()
    if ending not in _FORMATS:
        raise problem(say("不能存成这种图", "unknown kind of picture"), file=path,
                      expected=say(".svg、.png 或 .pdf", ".svg, .png or .pdf"))  # fmt: skip
    write_bytes(path, image(figure, ending))


def image(figure: Figure, ending: str) -> bytes:
    """A picture as the bytes of a file with an ending."""
    known = figure._fonts if isinstance(figure, Picture) else (fonts.LATIN,)
    buffer = io.BytesIO()
    with style(known), warnings.catch_warnings():
        if isinstance(figure, Picture) and figure.borrowed:
            warnings.filterwarnings("ignore", message="Glyph")
        if ending == ".svg" and isinstance(figure, Picture) and figure.for_svg:
            figure = figure.for_svg()
            warnings.filterwarnings("ignore", message="Glyph")  # its viewer has the fonts
        Figure.savefig(figure, buffer, **_FORMATS[ending])
    if ending != ".svg":
        return buffer.getvalue()
    named = ", ".join(f"'{name}'" for name in known)
    text = buffer.getvalue().decode()
    return text.replace(f"font-family: {named}", f"font-family: {fonts.SVG_FAMILIES}").encode()


def _made(
    draw: Callable[[Picture], None], height: float, lang: Language, font: str | None, *,
    shown: bool, width: float = WIDTH,
) -> Picture:  # fmt: skip
    with style(fonts.families(font)):
        made = Picture(height, lang, chinese=shown, width=width)
        draw(made)
    return made


@contextmanager
def style(families: Sequence[str]) -> Iterator[None]:
    """Matplotlib's own settings with ours, whatever the user's are; afterwards all is as before."""
    with _lock, mpl.rc_context():
        mpl.rcdefaults()
        settings: Any = {**_STYLE, "font.family": list(families)}
        mpl.rcParams.update(settings)
        yield


def text_of_data(text: str, known: tuple[str, ...], longest: int = 120) -> str:
    """A text of the data in one line, with what no font has replaced, cut when very long."""
    text = fonts.showable(text[: 4 * longest], known)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def one_two_five(low: float, high: float) -> list[float]:
    """The numbers 1, 2 and 5 times powers of ten from ``low`` to ``high``."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    found = [m * 10.0**e for e in range(first, last + 1) for m in (1, 2, 5)]
    return [value for value in found if low <= value <= high]


def plain(value: float) -> str:
    """A number with thousands separators and no more digits than it has."""
    return f"{value:,.0f}" if value >= 1 and value == round(value) else f"{value:,.10g}"


def cases_text(cases: float) -> str:
    """A number of cases (病例数); numbers that could point to persons are not shown."""
    if not np.isfinite(cases):
        return "—"
    return f"<{FEWEST}" if 0 < cases < FEWEST else f"{round(cases):,}"
