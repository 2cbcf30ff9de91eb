"""The second step of the layout: cut every link into parts that lead from one row to the next.

A link that passes a row leaves a vertex there, so that room is kept for it. Labels get rows of their
own between the rows of boxes, and a link that leads back gets a vertex beside the box at either end:
it leaves by the side, climbs, and comes back in by the side, where everybody sees that it is a loop.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from workflows_core.drawing.geometry import half_flat
from workflows_core.drawing.layers import assign_layers, back_links

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflows_core.drawing.geometry import Box, Link, Spacing


@frozen
class Vertex:
    """Something that takes room in a row.

    Attributes:
        row: The row it is in.
        width: The room it takes.
        height: Likewise.
        box: The number of the box it is; `None` for a part of a link.
        beside: The vertex of the box it has to stand next to; `None` if it is free.
        is_label: Whether it carries the label of its link.
        flat: How far to either side of its middle a link can end above and below it.
    """

    row: int
    width: int
    height: int
    box: int | None = None
    beside: int | None = None
    is_label: bool = False
    flat: int = 0


@define
class Hierarchy:
    """Rows of vertices, and the parts of links between them.

    Attributes:
        vertices: All vertices; the first ones are the boxes, in their order.
        above: For each vertex, those in the row above that it is connected with.
        below: Likewise in the row below.
        chains: For each link, the vertices it runs through, from its source to its target.
        is_back: For each link, whether it leads back.
        layers: For each box, the layer it is in.
        row_count: How many rows there are, rows of labels included.
    """

    vertices: list[Vertex]
    is_back: list[bool]
    layers: list[int]
    row_count: int
    chains: list[list[int]] = field(factory=list)
    above: list[list[int]] = field(factory=list)
    below: list[list[int]] = field(factory=list)

    def add(self, vertex: Vertex) -> int:
        """Add a vertex and return its number."""
        self.vertices.append(vertex)
        self.above.append([])
        self.below.append([])
        return len(self.vertices) - 1

    def connect(self, upper: int, lower: int) -> None:
        """Connect two vertices of successive rows."""
        self.below[upper].append(lower)
        self.above[lower].append(upper)


def build_hierarchy(boxes: Sequence[Box], links: Sequence[Link], spacing: Spacing) -> Hierarchy:
    """Assign rows to the boxes and cut the links."""
    number = {box.id: index for index, box in enumerate(boxes)}
    ends = [(number[link.source], number[link.target]) for link in links]
    is_back = back_links(len(boxes), ends)
    layers = assign_layers(len(boxes), [pair for pair, back in zip(ends, is_back, strict=True) if not back])
    rows, row_count = _rows(layers, links, ends, is_back)
    hierarchy = Hierarchy(vertices=[], is_back=is_back, layers=layers, row_count=row_count)
    for index, box in enumerate(boxes):
        flat = half_flat(box.outline, box.width, box.height)
        hierarchy.add(Vertex(rows[layers[index]], box.width, box.height, box=index, flat=flat))
    for link, pair, back in zip(links, ends, is_back, strict=True):
        if pair[0] == pair[1]:
            loop = Vertex(
                rows[layers[pair[0]]], spacing.lines + link.label_width, link.label_height, beside=pair[0]
            )
            hierarchy.chains.append([pair[0], hierarchy.add(loop), pair[0]])
        else:
            hierarchy.chains.append((_cut_back if back else _cut)(hierarchy, link, *pair))
    return hierarchy


def _rows(
    layers: list[int], links: Sequence[Link], ends: list[tuple[int, int]], is_back: list[bool]
) -> tuple[list[int], int]:
    """Return the row of each layer, and how many rows there are.

    A row of labels is put below each layer from which a link with a label leads down, or to which
    one climbs: a label stands close to where its link begins.
    """
    count = max(layers, default=-1) + 1
    labelled = [False] * count
    for link, (source, target), back in zip(links, ends, is_back, strict=True):
        if link.label_width and source != target:
            labelled[layers[source] - back] = True
    rows: list[int] = []
    row = 0
    for layer in range(count):
        rows.append(row)
        row += 2 if labelled[layer] else 1
    return rows, row


def _cut(hierarchy: Hierarchy, link: Link, source: int, target: int) -> list[int]:
    first, last = hierarchy.vertices[source].row, hierarchy.vertices[target].row
    passing = [_passing(link, row, first=first + 1) for row in range(first + 1, last)]
    chain = [source, *map(hierarchy.add, passing), target]
    for upper, lower in pairwise(chain):
        hierarchy.connect(upper, lower)
    return chain


def _cut_back(hierarchy: Hierarchy, link: Link, source: int, target: int) -> list[int]:
    first, last = hierarchy.vertices[source].row, hierarchy.vertices[target].row
    passing = [_passing(link, row, first=first - 1) for row in range(first - 1, last, -1)]
    ends = Vertex(first, 0, 0, beside=source), Vertex(last, 0, 0, beside=target)
    chain = [hierarchy.add(vertex) for vertex in (ends[0], *passing, ends[1])]
    for lower, upper in pairwise(chain):
        hierarchy.connect(upper, lower)
    return [source, *chain, target]


def _passing(link: Link, row: int, *, first: int) -> Vertex:
    """Return the vertex of a link in a row that it passes; the first of them carries its label."""
    if row == first and link.label_width:
        return Vertex(row, link.label_width, link.label_height, is_label=True)
    return Vertex(row, 0, 0)
