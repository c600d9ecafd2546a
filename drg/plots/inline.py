"""A picture inside a page (内嵌图): SVG in the page's fonts, with ids of its own and its words."""

from __future__ import annotations

import re
from html import escape

from drg.plots.picture import Picture, image

_HEAD = re.compile(r"^.*?<svg [^>]*?viewBox=\"([^\"]+)\"[^>]*>.*?</defs>", re.DOTALL)
_ID = re.compile(r' id="([^"]*)"')
_USED = re.compile(r'(?:url\(#|xlink:href="#)([^")]*)')


def inline_svg(picture: Picture, key: str, title: str, about: str, families: str = "") -> str:
    """A picture as an SVG element.

    Args:
        picture: the picture.
        key: ids in it begin with this.
        title: what it shows.
        about: the same in words.
        families: fonts, where the element does not stand in a page that names them.
    """
    text = image(picture, ".svg").decode()
    box = _HEAD.match(text)
    assert box is not None
    body = re.sub(r"font-family: [^;]*; ", "", text[box.end() :]).replace("xlink:href", "href")
    used = set(_USED.findall(text))
    body = _ID.sub(lambda m: f' id="{key}-{m[1]}"' if m[1] in used else "", body)
    body = re.sub(r'(url\(#|href="#)', rf"\1{key}-", body)
    font = f' font-family="{escape(families)}"' if families else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box[1]}" role="img" '
        f'stroke-linejoin="round" aria-labelledby="{key}-t {key}-d"{font}>'
        f'<title id="{key}-t">{escape(title)}</title><desc id="{key}-d">{escape(about)}</desc>'
        + re.sub(r"\n\s*", "\n", body).strip()
    )
