"""After the fourth step of the layout: lines that are almost straight become straight.

The mean of four results leaves some vertices a few pixels beside the column they would fit into. A
line with a small step in it looks like a mistake, so whole columns are moved there, if nothing stands
in their way. No line that is straight loses that.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from workflows_core.drawing.hierarchy import Hierarchy
    from workflows_core.drawing.ordering import Rows

Apart: TypeAlias = "Callable[[int, int], float]"
"""How far the middles of two vertices side by side must be apart at least."""


def straighten(hierarchy: Hierarchy, rows: Rows, x: list[int], *, apart: Apart, most: int) -> list[int]:
    """Return the places with steps of at most `most` taken out wherever that is possible."""
    columns = _Columns(rows, [*x], apart)
    parts = [(upper, lower) for row in rows for upper in row for lower in hierarchy.below[upper]]
    for upper, lower in parts:
        if x[upper] == x[lower]:
            columns.join(upper, lower)
    for upper, lower in parts:
        step = columns.x[lower] - columns.x[upper]
        if 0 < abs(step) <= most and (columns.move(lower, -step) or columns.move(upper, step)):
            columns.join(upper, lower)
    return columns.x


class _Columns:
    """The vertices in columns: connected, and exactly one above the other."""

    def __init__(self, rows: Rows, x: list[int], apart: Apart) -> None:
        self.x = x
        self.apart = apart
        self.column = [[vertex] for vertex in range(len(x))]
        self.before: dict[int, int] = {}
        self.after: dict[int, int] = {}
        for row in rows:
            for left, right in pairwise(row):
                self.before[right], self.after[left] = left, right

    def join(self, one: int, other: int) -> None:
        """Make one column of two."""
        larger, smaller = sorted((self.column[one], self.column[other]), key=len, reverse=True)
        if larger is not smaller:
            larger += smaller
            for vertex in smaller:
                self.column[vertex] = larger

    def move(self, vertex: int, way: int) -> bool:
        """Move the column of a vertex, unless something stands in its way; say whether it was moved."""
        column = self.column[vertex]
        neighbours = self.after if way > 0 else self.before
        for member in column:
            other = neighbours.get(member)
            if other is not None and self.column[other] is not column:
                left = abs(self.x[other] - self.x[member]) - abs(way)
                if left < self.apart(member, other):
                    return False
        for member in column:
            self.x[member] += way
        return True
