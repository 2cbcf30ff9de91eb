"""A sheet of character cells on which lines, boxes and text are drawn."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from operator import or_
from typing import TYPE_CHECKING, Final

from attrs import define, field

from workflows_core.drawing.geometry import Point
from workflows_core.drawing.text import sign_cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

UP, RIGHT, DOWN, LEFT = 1, 2, 4, 8
_ACROSS, _UPRIGHT = LEFT | RIGHT, UP | DOWN
_OPPOSITE: Final = {UP: DOWN, RIGHT: LEFT, DOWN: UP, LEFT: RIGHT}
# Indexed by the directions in which a cell is left, added up.
_STROKES: Final = " ╵╶╰╷│╭├╴╯─┴╮┤┬┼"
_PLAIN_STROKES: Final = " |-+||++-+-+++++"


@define
class Sheet:
    """The cells that are not empty, and the lines that run through them.

    Attributes:
        is_plain: Whether only ASCII may be used.
    """

    is_plain: bool
    _ways: dict[Point, int] = field(factory=dict)
    _bends: set[Point] = field(factory=set)
    _signs: dict[Point, str] = field(factory=dict)

    def line(self, points: Sequence[Point]) -> None:
        """Draw a line; a part of it that is not across or up and down turns twice, halfway."""
        self._stroke([*_cells(points)])

    def arrow(self, points: Sequence[Point]) -> None:
        """Draw a line that ends with the head of an arrow, in the cell before its last one."""
        *cells, end = _cells(points)
        self._stroke(cells)
        heads = "^>v<" if self.is_plain else "▲▶▼◀"
        self._signs[cells[-1]] = heads[_direction(cells[-1], end).bit_length() - 1]

    def _stroke(self, cells: list[Point]) -> None:
        onwards = [_direction(cell, next_) for cell, next_ in pairwise(cells)]
        back = [_OPPOSITE[way] for way in onwards]
        for cell, ways in zip(cells, map(or_, [0, *back], [*onwards, 0]), strict=True):
            self._ways[cell] = self._ways.get(cell, 0) | ways
            if ways not in {_ACROSS, _UPRIGHT}:
                self._bends.add(cell)

    def write(self, x: int, y: int, text: str) -> None:
        """Write over whatever is there, from left to right."""
        for sign in text:
            width = sign_cells(sign)
            if not width:
                self._signs[Point(x - 1, y)] = self._signs.get(Point(x - 1, y), "") + sign
                continue
            self._signs[Point(x, y)] = sign
            if width == 2:
                self._signs[Point(x + 1, y)] = ""
            x += width

    def rows(self) -> list[str]:
        """Return the lines of text, without blanks at their ends."""
        strokes = _PLAIN_STROKES if self.is_plain else _STROKES
        signs = {cell: strokes[self._seen(cell, ways)] for cell, ways in self._ways.items()} | self._signs
        rows: defaultdict[int, dict[int, str]] = defaultdict(dict)
        for (x, y), sign in signs.items():
            rows[y][x] = sign
        return [
            "".join([rows[y].get(x, " ") for x in range(max(rows[y], default=-1) + 1)]).rstrip()
            for y in range(max(rows, default=-1) + 1)
        ]

    def _seen(self, cell: Point, ways: int) -> int:
        """Return the ways to draw: lines that only cross do not meet, and one passes below the other."""
        return _UPRIGHT if ways == _ACROSS | _UPRIGHT and cell not in self._bends else ways


def _direction(start: Point, end: Point) -> int:
    if start.x != end.x:
        return RIGHT if end.x > start.x else LEFT
    return DOWN if end.y > start.y else UP


def _cells(points: Sequence[Point]) -> Iterator[Point]:
    """Yield every cell on the line, each after a neighbour of it."""
    x, y = points[0]
    yield Point(x, y)
    for point in points[1:]:
        halfway = (y + point.y) // 2
        for to_x, to_y in ((x, halfway), (point.x, halfway), point):
            while (x, y) != (to_x, to_y):
                x += (to_x > x) - (to_x < x)
                y += (to_y > y) - (to_y < y)
                yield Point(x, y)
