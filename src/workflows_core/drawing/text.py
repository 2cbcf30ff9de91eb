"""How wide text is, and how it is made to fit.

No font is at hand when a drawing is made, so widths are estimated: those of Helvetica, which the usual
sans-serif fonts come close to, and a little more.
"""

from __future__ import annotations

import math
import unicodedata
from functools import lru_cache
from types import MappingProxyType
from typing import Final

ELLIPSIS: Final = "…"

_MARGIN: Final = 1.12
"""System fonts are a little wider than Helvetica."""
_UNKNOWN: Final = 600
_WIDE: Final = 1000
_WIDTHS: Final = MappingProxyType({
    sign: width
    for signs, width in {
        "ijl'": 222,
        "|": 260,
        " !,./:;I[]\\ft": 278,
        "()-r`{}": 333,
        '"': 355,
        "*^": 430,
        "Jckvsxyz": 500,
        "#$0123456789?L_abdeghnopqu": 556,
        "+<=>~": 584,
        "FTZ": 611,
        "&ABEKPSVXY": 667,
        "CDHNRUw": 722,
        "GOQ": 778,
        "Mm": 833,
        "%": 889,
        "W": 944,
        ELLIPSIS: 1000,
        "@": 1015,
    }.items()
    for sign in signs
})  # fmt: skip
"""Width of the signs in thousandths of the font's size."""


@lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> int:
    """Return about how wide the text is at a size of the font, in the unit of the size."""
    return math.ceil(sum(map(_sign_width, text)) * size * _MARGIN / 1000)


def _sign_width(sign: str) -> int:
    width = _WIDTHS.get(sign)
    if width is not None:
        return width
    if unicodedata.combining(sign):
        return 0
    return _WIDE if unicodedata.east_asian_width(sign) in "WF" else _UNKNOWN


def wrap(text: str, size: float, *, width: int, lines: int) -> tuple[str, ...]:
    """Break the text between words into at most so many lines of at most that width.

    Words that are too long are cut, and so is what is left over at the end; an ellipsis shows it.
    """
    words = text.split()
    wrapped: list[str] = []
    while words and len(wrapped) < lines:
        line = words.pop(0)
        if len(wrapped) == lines - 1:
            line = " ".join([line, *words])
            words = []
        while words and text_width(f"{line} {words[0]}", size) <= width:
            line += f" {words.pop(0)}"
        wrapped.append(shorten(line, size, width=width))
    return tuple(wrapped)


def shorten(text: str, size: float, *, width: int) -> str:
    """Cut the text so that it fits into the width; an ellipsis shows where."""
    if text_width(text, size) <= width:
        return text
    kept, rest = 0, width - text_width(ELLIPSIS, size)
    for sign in text:
        rest -= text_width(sign, size)
        if rest < 0:
            break
        kept += 1
    return text[:kept].rstrip() + ELLIPSIS
