"""The layout of a diagram: boxes in layers from top to bottom, links between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows_core.drawing.geometry import Layout
from workflows_core.drawing.hierarchy import build_hierarchy
from workflows_core.drawing.ordering import order_rows
from workflows_core.drawing.positions import assign_positions
from workflows_core.drawing.routes import route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflows_core.drawing.geometry import Box, Link, Spacing


def layout(boxes: Sequence[Box], links: Sequence[Link], spacing: Spacing) -> Layout:
    """Place the boxes and run the links between them.

    Reading begins at the first box. A link that leads back to where the reader has been is a loop: it
    leaves its source by the side and comes into its target by the side. All others lead from the lower
    border of their source to the upper border of their target in a later layer; those that leave the same box
    share a line until they part. Boxes do not overlap, and lines run past boxes, never through them.

    The ids of the boxes must differ, and the links connect boxes that there are.
    """
    hierarchy = build_hierarchy(boxes, links, spacing)
    rows = order_rows(hierarchy)
    x = assign_positions(hierarchy, rows, spacing)
    width = max(
        (middle + vertex.width // 2 for middle, vertex in zip(x, hierarchy.vertices, strict=True)), default=0
    )
    placed, routed, height = route(boxes, links, hierarchy, rows, x=x, spacing=spacing)
    return Layout(width, height, tuple(placed), tuple(routed))
