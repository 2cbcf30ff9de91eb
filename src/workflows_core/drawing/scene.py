"""A diagram with its layout: what `svg` and `ascii` draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from workflows_core.diagram import NodeState
from workflows_core.drawing.geometry import Box, Link, Outline
from workflows_core.drawing.layout import layout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workflows_core.diagram import Diagram, DiagramEdge, DiagramNode
    from workflows_core.drawing.geometry import PlacedBox, PlacedLink, Spacing


@frozen
class Scene:
    """Everything in its place.

    Attributes:
        width: Of the whole drawing.
        height: Likewise.
        steps: The place of every step, by its name.
        edges: The edges with their lines, in the order of the diagram.
        starts: The dots before the first steps.
        ends: The rings after the last steps.
        outer: The lines from the dots and to the rings, and whether the instance shown went along them.
    """

    width: int
    height: int
    steps: Mapping[str, PlacedBox]
    edges: tuple[tuple[DiagramEdge, PlacedLink], ...]
    starts: tuple[PlacedBox, ...]
    ends: tuple[PlacedBox, ...]
    outer: tuple[tuple[PlacedLink, bool], ...]

    def reading_order(self, node: DiagramNode) -> tuple[int, int]:
        """Return a key by which steps are sorted as they are read: line by line, from the left."""
        placed = self.steps[node.id]
        return placed.layer, placed.x


def arrange(
    diagram: Diagram,
    *,
    box: Callable[[str, DiagramNode], Box],
    label_size: Callable[[DiagramEdge], tuple[int, int]],
    dot: int,
    spacing: Spacing,
) -> Scene:
    """Lay a diagram out, with a dot before each first step and a ring after each last one.

    `box` measures a step and gives its box the id it is told; `label_size` measures the label of an edge;
    `dot` is the size of dots and rings.
    """
    ids = {node.id: f"step {number}" for number, node in enumerate(diagram.nodes)}
    first = [node for node in diagram.nodes if node.is_initial]
    last = [node for node in diagram.nodes if node.is_terminal]
    starts = [Box(f"start {ids[node.id]}", dot, dot, Outline.CIRCLE) for node in first]
    ends = [Box(f"end {ids[node.id]}", dot, dot, Outline.CIRCLE) for node in last]
    boxes = [box(ids[node.id], node) for node in diagram.nodes]
    links = [Link(ids[edge.source], ids[edge.target], *label_size(edge)) for edge in diagram.edges]
    links += [Link(f"start {ids[node.id]}", ids[node.id]) for node in first]
    links += [Link(ids[node.id], f"end {ids[node.id]}") for node in last]
    result = layout([*starts, *boxes, *ends], links, spacing)
    placed, lines = iter(result.boxes), iter(result.links)
    return Scene(
        width=result.width,
        height=result.height,
        starts=tuple(next(placed) for _ in first),
        steps={node.id: next(placed) for node in diagram.nodes},
        ends=tuple(placed),
        edges=tuple((edge, next(lines)) for edge in diagram.edges),
        outer=(
            *((next(lines), node.state is not NodeState.NONE) for node in first),
            *((next(lines), node.state is NodeState.COMPLETED) for node in last),
        ),
    )
