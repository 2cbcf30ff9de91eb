"""The fourth step of the layout: how far from the left everything stands.

The method is that of Brandes and Köpf, *Fast and Simple Horizontal Coordinate Assignment* (Graph
Drawing, 2001): vertices are aligned with the median of their neighbours into columns, once for each of
the four corners, and each vertex gets the mean of the two middle results. Links that pass several rows
come out straight. Columns are packed by the longest path through what must stay apart, which is what
the erratum of the authors (with Zink, 2020) asks for in effect.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from workflows_core.drawing.straightening import straighten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflows_core.drawing.geometry import Spacing
    from workflows_core.drawing.hierarchy import Hierarchy
    from workflows_core.drawing.ordering import Rows
    from workflows_core.drawing.straightening import Apart


def assign_positions(hierarchy: Hierarchy, rows: Rows, spacing: Spacing) -> list[int]:
    """Return the middle of every vertex, counted from the left border of the leftmost one."""
    vertices = hierarchy.vertices
    if not vertices:
        return []
    apart = _apart(hierarchy, spacing)
    conflicts = _conflicts(hierarchy, rows)
    results: list[list[float]] = []
    for downwards in (True, False):
        near = hierarchy.above if downwards else hierarchy.below
        for leftwards in (True, False):
            turned = [row if leftwards else row[::-1] for row in (rows if downwards else rows[::-1])]
            found = _pack(turned, _align(turned, near, conflicts), apart)
            results.append(found if leftwards else [-x for x in found])
    middles = _balance(results, [vertex.width for vertex in vertices])
    # Halves are all rounded in the same direction, so that what is apart stays as far apart.
    whole = [math.floor(x + 0.5) for x in middles]
    whole = straighten(hierarchy, rows, whole, apart=apart, most=spacing.snap)
    left = min(x - vertex.width // 2 for x, vertex in zip(whole, vertices, strict=True))
    return [x - left for x in whole]


def _apart(hierarchy: Hierarchy, spacing: Spacing) -> Apart:
    vertices = hierarchy.vertices
    half = [vertex.width / 2 for vertex in vertices]
    is_box = [vertex.box is not None for vertex in vertices]

    def apart(one: int, other: int) -> float:
        gap = spacing.boxes if is_box[one] and is_box[other] else spacing.lines
        return half[one] + half[other] + gap

    return apart


def _conflicts(hierarchy: Hierarchy, rows: Rows) -> set[tuple[int, int]]:
    """Return the parts of links that must not be straight since they cross the inner part of a long link.

    Inner parts cross each other as well here; then the one further to the right gives way.
    """
    is_box = [vertex.box is not None for vertex in hierarchy.vertices]
    place = _places(rows, len(is_box))
    conflicts: set[tuple[int, int]] = set()
    for row in rows[:-1]:
        parts = [
            (place[upper], place[lower], upper, lower) for upper in row for lower in hierarchy.below[upper]
        ]
        inner = [part for part in parts if not is_box[part[2]] and not is_box[part[3]]]
        if not inner:
            continue
        kept: list[tuple[int, int]] = []
        for upper, lower, one, other in inner:
            if kept and lower < kept[-1][1]:
                conflicts.add((one, other))
            else:
                kept.append((upper, lower))
        conflicts.update(_crossing(parts, kept, is_box))
    return conflicts


def _crossing(
    parts: list[tuple[int, int, int, int]], kept: list[tuple[int, int]], is_box: list[bool]
) -> set[tuple[int, int]]:
    """Return the outer parts that cross one of the inner parts, which are in order and do not cross."""
    crossing: set[tuple[int, int]] = set()
    before = 0
    for upper, lower, one, other in parts:
        while before < len(kept) and kept[before][0] < upper:
            before += 1
        if is_box[one] or is_box[other]:
            left = kept[before - 1][1] if before else -1
            right = kept[before][1] if before < len(kept) else lower + 1
            if lower < left or lower > right:
                crossing.add((one, other))
    return crossing


def _places(rows: Sequence[Sequence[int]], count: int) -> list[int]:
    place = [0] * count
    for row in rows:
        for index, vertex in enumerate(row):
            place[vertex] = index
    return place


def _align(
    rows: Sequence[Sequence[int]], near: list[list[int]], conflicts: set[tuple[int, int]]
) -> list[int]:
    """Return for each vertex the one at the head of its column."""
    place = _places(rows, len(near))
    head = list(range(len(near)))
    next_in_column = list(range(len(near)))
    for row in rows[1:]:
        last = -1
        for vertex in row:
            others = near[vertex]
            if not others:
                continue
            if len(others) > 1:
                others = sorted(others, key=place.__getitem__)
                others = others[(len(others) - 1) // 2 : len(others) // 2 + 1]
            for other in others:
                if (
                    next_in_column[vertex] == vertex
                    and last < place[other]
                    and (other, vertex) not in conflicts
                    and (vertex, other) not in conflicts
                ):
                    next_in_column[other] = vertex
                    head[vertex] = head[other]
                    next_in_column[vertex] = head[vertex]
                    last = place[other]
    return head


def _pack(rows: Sequence[Sequence[int]], head: list[int], apart: Apart) -> list[float]:
    """Put the columns as far to the left as they go, then each to the right as far as that costs nothing."""
    count = len(head)
    gaps: list[dict[int, float]] = [{} for _ in range(count)]
    waiting = [0] * count
    for row in rows:
        for left, right in pairwise(row):
            one, other = head[left], head[right]
            gap = apart(left, right)
            known = gaps[one].get(other)
            if known is None:
                waiting[other] += 1
            if known is None or gap > known:
                gaps[one][other] = gap
    order = [column for column in range(count) if head[column] == column and not waiting[column]]
    x = [0.0] * count
    for column in order:
        here = x[column]
        for other, gap in gaps[column].items():
            x[other] = max(x[other], here + gap)
            waiting[other] -= 1
            if not waiting[other]:
                order.append(other)
    for column in reversed(order):
        if gaps[column]:
            x[column] = max(x[column], min(x[other] - gap for other, gap in gaps[column].items()))
    return [x[head[vertex]] for vertex in range(count)]


def _balance(results: list[list[float]], widths: list[int]) -> list[float]:
    """Align the four results with the narrowest, at the side they were packed to, and take the middle."""
    extents = [
        (
            min(x - width / 2 for x, width in zip(result, widths, strict=True)),
            max(x + width / 2 for x, width in zip(result, widths, strict=True)),
        )
        for result in results
    ]
    left, right = min(extents, key=lambda extent: extent[1] - extent[0])
    shifts = [
        left - extent[0] if number % 2 == 0 else right - extent[1] for number, extent in enumerate(extents)
    ]
    middles = []
    for four in zip(*results, strict=True):
        ordered = sorted([x + shift for x, shift in zip(four, shifts, strict=True)])
        middles.append((ordered[1] + ordered[2]) / 2)
    return middles
