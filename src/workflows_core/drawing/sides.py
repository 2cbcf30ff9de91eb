"""Where links that lead back end at the sides of their boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflows_core.drawing.geometry import Box, Spacing
    from workflows_core.drawing.hierarchy import Hierarchy

Ports: TypeAlias = dict[int, tuple[int, ...]]
"""Vertex beside a box to how far below the middle of the box (above: negative) its link ends. A link
that leads from a box to itself ends at two such places: where it leaves, and where it comes back."""


@frozen
class Sides:
    """The ports at the sides of all boxes, and the heights that the boxes need for them."""

    ports: Ports
    heights: tuple[int, ...]


def assign_ports(boxes: Sequence[Box], hierarchy: Hierarchy, x: list[int], spacing: Spacing) -> Sides:
    """Give every link at the side of a box a place of its own, such that none crosses another there."""
    at_side: dict[tuple[int, bool], list[int]] = {}
    for vertex, found in enumerate(hierarchy.vertices):
        if found.beside is not None:
            at_side.setdefault((found.beside, x[vertex] > x[found.beside]), []).append(vertex)
    orders = {
        side: _from_the_top(sorted(vertices, key=lambda v: abs(x[v] - x[side[0]])), hierarchy, spacing)
        for side, vertices in at_side.items()
    }
    heights = [box.height for box in boxes]
    for (box, _), order in orders.items():
        heights[box] = max(heights[box], spacing.ports * (len(order) + 1))
    ports: dict[int, tuple[int, ...]] = {}
    for (box, _), order in orders.items():
        for number, place in enumerate(order, start=1):
            if place is not None:
                dy = number * heights[box] // (len(order) + 1) - heights[box] // 2
                ports[place] = (dy, *ports.get(place, ()))
    return Sides(ports, tuple(heights))


def _from_the_top(vertices: list[int], hierarchy: Hierarchy, spacing: Spacing) -> list[int | None]:
    """Order the vertices at one side of a box, nearest first, by where their links end there.

    Links that climb from here are on top, the nearest highest; those that come from below are at the
    bottom, the nearest lowest; loops are nested between them, the nearest innermost, around as many
    empty places (`None`) as make room for a label.
    """
    leaving = [vertex for vertex in vertices if hierarchy.above[vertex]]
    coming = [vertex for vertex in vertices if hierarchy.below[vertex]]
    loops = [vertex for vertex in vertices if not hierarchy.above[vertex] and not hierarchy.below[vertex]]
    label = max((hierarchy.vertices[vertex].height for vertex in loops), default=0)
    room = [None] * (label // spacing.ports if label else 0)
    return [*leaving, *reversed(loops), *room, *loops, *reversed(coming)]
