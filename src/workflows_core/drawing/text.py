"""How wide text is, and how it is made to fit.

No font is at hand when a drawing is made, so widths in pixels are estimated: those of Helvetica, which
the usual sans-serif fonts come close to, and a little more. In a terminal, signs take one cell or two.
"""

from __future__ import annotations

import math
import unicodedata
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

Measure: TypeAlias = Callable[[str], int]
"""Tells how wide a text is."""

ELLIPSIS: Final = "…"

_MARGIN: Final = 1.12
"""System fonts are a little wider than Helvetica."""
_UNKNOWN: Final = 600
_WIDE: Final = 1000
_WIDTHS: Final[dict[str, int]] = {
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
}  # fmt: skip
"""Width of the signs in thousandths of the font's size."""


def pixels(size: float) -> Measure:
    """Return a measure of pixels for a size of the font, in pixels as well."""

    def measure(text: str) -> int:
        return math.ceil(
            sum([_WIDTHS.get(sign) or _sign_width(sign) for sign in text]) * size * _MARGIN / 1000
        )

    return measure


def _sign_width(sign: str) -> int:
    """Return the width of a sign that the table does not know."""
    if unicodedata.combining(sign):
        return 0
    return _WIDE if unicodedata.east_asian_width(sign) in "WF" else _UNKNOWN


def cells(text: str) -> int:
    """Return how many cells a terminal needs for the text."""
    return sum(map(sign_cells, text))


def sign_cells(sign: str) -> int:
    """Return how many cells a terminal needs for one sign: 0 if it is put over the one before."""
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def wrap(text: str, measure: Measure, *, width: int, lines: int, ellipsis: str = ELLIPSIS) -> tuple[str, ...]:
    """Break the text between words into at most so many lines of at most that width.

    Words that are too long for a line are broken, as scripts without blanks need it. What is left over at the
    end is cut; an ellipsis shows it.
    """
    words = deque(text.split())
    wrapped: list[str] = []
    while words and len(wrapped) < lines:
        line = words.popleft()
        if len(wrapped) == lines - 1:
            line = " ".join([line, *words])
            words.clear()
        elif measure(line) > width:
            length = _fitting(line, measure, width)
            words.appendleft(line[length:])
            line = line[:length]
        while words and measure(f"{line} {words[0]}") <= width:
            line += f" {words.popleft()}"
        wrapped.append(shorten(line, measure, width=width, ellipsis=ellipsis))
    return tuple(wrapped)


def shorten(text: str, measure: Measure, *, width: int, ellipsis: str = ELLIPSIS) -> str:
    """Cut the text so that it fits into the width; an ellipsis shows where."""
    if measure(text) <= width:
        return text
    kept = _fitting(text, lambda part: measure(part + ellipsis), width)
    return text[:kept].rstrip() + ellipsis


def _fitting(text: str, measure: Measure, width: int) -> int:
    """Return how many signs of a text that is too long fit into the width: one at least."""
    return bisect_right(range(1, len(text)), width, key=lambda length: measure(text[:length])) or 1
