"""The third step of the layout: order every row so that few links cross."""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from workflows_core.drawing.hierarchy import Hierarchy

Rows: TypeAlias = list[list[int]]
"""The vertices of every row, from left to right."""

_MOST_SWEEPS: Final = 24
_PATIENCE: Final = 4
"""Sweeps without a better result before it is left at that."""
_EFFORT: Final = 60_000
"""Vertices looked at before it is left at that, in drawings so large that sweeps take long."""


def order_rows(hierarchy: Hierarchy) -> Rows:
    """Return the rows, ordered.

    The rows are swept downwards and upwards; each time a row is sorted by the mean place of the neighbours
    in the row before (the barycenter method of Sugiyama et al., 1981), then neighbours are exchanged
    where that saves crossings (the transpose step of Gansner et al., 1993). The best result is kept.
    """
    ordering = _Ordering(hierarchy)
    best, fewest = [*map(list, ordering.rows)], ordering.crossings()
    tries = 0
    sweeps = min(_MOST_SWEEPS, 2 + _EFFORT // max(len(hierarchy.vertices), 1))
    for sweep in range(sweeps):
        if not fewest or tries >= _PATIENCE:
            break
        ordering.sweep(downwards=sweep % 2 == 0, rightmost_first=sweep % 4 >= 2)
        ordering.transpose()
        crossings = ordering.crossings()
        tries += 1
        if crossings < fewest:
            best, fewest, tries = [*map(list, ordering.rows)], crossings, 0
    return best


class _Ordering:
    """The rows while they are being ordered."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        self.above, self.below = hierarchy.above, hierarchy.below
        self.beside = [vertex.beside for vertex in hierarchy.vertices]
        self.sides: dict[int, list[int]] = {}
        """Box to the vertices beside it, those on the left included, in the order of the row."""
        for vertex, box in enumerate(self.beside):
            if box is not None:
                self.sides.setdefault(box, []).append(vertex)
        self.on_left = [False] * len(self.beside)
        self.rows = self._walk(hierarchy)
        self.place = [0] * len(self.beside)
        for row in self.rows:
            self._number(row)

    def _walk(self, hierarchy: Hierarchy) -> Rows:
        """Order the rows as a depth-first walk comes along: what belongs together is then together."""
        rows: Rows = [[] for _ in range(hierarchy.row_count)]
        seen = [False] * len(self.beside)
        for root in range(len(self.beside)):
            stack = [root]
            while stack:
                vertex = stack.pop()
                if seen[vertex] or self.beside[vertex] is not None:
                    continue
                seen[vertex] = True
                sides = self.sides.get(vertex, [])
                rows[hierarchy.vertices[vertex].row] += [vertex, *sides]
                stack += [
                    lower for upper in (*reversed(sides), vertex) for lower in reversed(self.below[upper])
                ]
        return rows

    def _number(self, row: list[int]) -> None:
        for place, vertex in enumerate(row):
            self.place[vertex] = place

    def sweep(self, *, downwards: bool, rightmost_first: bool) -> None:
        """Sort each row by the one before it; vertices that tie keep their order, or turn it round."""
        near = self.above if downwards else self.below
        rows = range(1, len(self.rows)) if downwards else range(len(self.rows) - 2, -1, -1)
        for row in rows:
            self.rows[row] = self._sorted(self.rows[row], near, rightmost_first=rightmost_first)
            self._number(self.rows[row])

    def _sorted(self, row: list[int], near: list[list[int]], *, rightmost_first: bool) -> list[int]:
        """Sort a row; vertices without neighbours stay where they are, those beside a box stay there."""
        place, beside = self.place, self.beside
        free = [vertex for vertex in row if beside[vertex] is None]
        mean = {
            vertex: sum([place[other] for other in near[vertex]]) / len(near[vertex])
            for vertex in row
            if near[vertex]
        }
        turn = -1 if rightmost_first else 1
        by_mean = sorted(
            (vertex for vertex in free if vertex in mean), key=lambda v: (mean[v], turn * place[v])
        )
        rest = iter(by_mean)
        ordered = [next(rest) if vertex in mean else vertex for vertex in free]
        if len(ordered) == len(row):
            return ordered
        return [vertex for box in ordered for vertex in self._with_sides(box, mean)]

    def _with_sides(self, box: int, mean: dict[int, float]) -> list[int]:
        """Return a box between the vertices beside it, each on the side from which its link comes."""
        sides = self.sides.get(box)
        if sides is None:
            return [box]
        for vertex in sides:
            if vertex in mean and box in mean:
                self.on_left[vertex] = mean[vertex] < mean[box]
        if all(vertex in mean for vertex in sides):
            sides.sort(key=mean.__getitem__)
        left = [vertex for vertex in sides if self.on_left[vertex]]
        right = [vertex for vertex in sides if not self.on_left[vertex]]
        self.sides[box] = [*left, *right]
        return [*left, box, *right]

    def transpose(self) -> None:
        """Exchange neighbours wherever fewer links cross then; not those that stand beside a box."""
        fixed = [box is not None for box in self.beside]
        for box in self.sides:
            fixed[box] = True
        for row in self.rows:
            improved = True
            while improved:
                improved = False
                for left in range(len(row) - 1):
                    one, other = row[left], row[left + 1]
                    if not (fixed[one] or fixed[other]) and self._gain(one, other) > 0:
                        row[left], row[left + 1] = other, one
                        self.place[one], self.place[other] = left + 1, left
                        improved = True

    def _gain(self, one: int, other: int) -> int:
        """Return how many crossings it saves to put the second of two neighbours first."""
        gain = 0
        for near in (self.above, self.below):
            if near[one] and near[other]:
                places = [self.place[vertex] for vertex in near[one]]
                for vertex in near[other]:
                    place = self.place[vertex]
                    for first in places:
                        gain += (first > place) - (first < place)
        return gain

    def crossings(self) -> int:
        """Count the crossings between all rows.

        Links sorted by their upper ends cross as often as their lower ends are out of order (Barth,
        Jünger and Mutzel, *Simple and Efficient Bilayer Cross Counting*, Graph Drawing, 2002).
        """
        place, below = self.place, self.below
        count = 0
        for row in self.rows:
            passed: list[int] = []
            for upper in row:
                lowers = below[upper]
                if len(lowers) == 1:
                    lower = place[lowers[0]]
                    count += len(passed) - bisect_right(passed, lower)
                    insort(passed, lower)
                elif lowers:
                    found = sorted([place[lower] for lower in lowers])
                    count += sum([len(passed) - bisect_right(passed, lower) for lower in found])
                    for lower in found:
                        insort(passed, lower)
        return count
