"""The last step of the layout: the heights of rows and channels, and the lines of the links."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from attrs import frozen

from workflows_core.drawing.channels import Course, Wire, assign_tracks
from workflows_core.drawing.geometry import PlacedBox, PlacedLink, Point, half_width
from workflows_core.drawing.sides import assign_ports

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workflows_core.drawing.geometry import Box, Link, Spacing
    from workflows_core.drawing.hierarchy import Hierarchy
    from workflows_core.drawing.ordering import Rows
    from workflows_core.drawing.sides import Sides


@frozen
class _Part:
    """A part of a link between two successive rows.

    Attributes:
        upper: Where it leaves the upper row.
        lower: Where it comes to the lower row.
        course: How it runs across.
    """

    upper: int
    lower: int
    course: Course


@frozen
class _Channel:
    """What runs between a row and the next: the parts by their two vertices."""

    parts: Mapping[tuple[int, int], _Part]
    track_count: int


@frozen
class _Heights:
    """How far from the top everything is.

    Attributes:
        rows: The middle of each row.
        tracks: The first track of each channel.
        ends: The upper and the lower border of each channel.
    """

    rows: tuple[int, ...]
    tracks: tuple[int, ...]
    ends: tuple[tuple[int, int], ...]
    total: int


def route(
    boxes: Sequence[Box],
    links: Sequence[Link],
    hierarchy: Hierarchy,
    rows: Rows,
    *,
    x: list[int],
    spacing: Spacing,
) -> tuple[list[PlacedBox], list[PlacedLink], int]:
    """Place the boxes and run the links; the last result is the height of it all."""
    sides = assign_ports(boxes, hierarchy, x, spacing)
    channels = [_channel(row, hierarchy, x, spacing) for row in rows[:-1]]
    heights = _heights(hierarchy, rows, channels, sides, spacing)
    placed = [
        PlacedBox(box, x[number], heights.rows[hierarchy.vertices[number].row], height, layer)
        for number, (box, height, layer) in enumerate(
            zip(boxes, sides.heights, hierarchy.layers, strict=True)
        )
    ]
    router = _Router(placed, hierarchy, x, sides, channels, heights, spacing)
    return placed, [router.run(link, number) for number, link in enumerate(links)], heights.total


def _channel(row: list[int], hierarchy: Hierarchy, x: list[int], spacing: Spacing) -> _Channel:
    wires: list[Wire] = []
    for upper in row:
        if hierarchy.below[upper]:
            ends = {
                _ends(upper, lower, hierarchy, x, spacing.snap): lower for lower in hierarchy.below[upper]
            }
            from_x = min(ends)[0]
            lowers = tuple(sorted((to_x, lower) for (_, to_x), lower in ends.items()))
            wires.append(Wire(upper, from_x, lowers))
    tracks = assign_tracks(wires, apart=spacing.lines // 2)
    parts = {
        (wire.source, lower): _Part(wire.upper, to_x, course)
        for wire, course in zip(wires, tracks.courses, strict=True)
        for to_x, lower in wire.lowers
    }
    return _Channel(parts, tracks.count)


def _ends(upper: int, lower: int, hierarchy: Hierarchy, x: list[int], snap: int) -> tuple[int, int]:
    """Return where a part leaves above and comes in below: straight, if a box on the way allows it."""
    off = abs(x[upper] - x[lower])
    if 0 < off <= snap:
        if len(hierarchy.below[upper]) == 1 and off <= hierarchy.vertices[upper].flat:
            return x[lower], x[lower]
        if len(hierarchy.above[lower]) == 1 and off <= hierarchy.vertices[lower].flat:
            return x[upper], x[upper]
    return x[upper], x[lower]


def _heights(
    hierarchy: Hierarchy, rows: Rows, channels: list[_Channel], sides: Sides, spacing: Spacing
) -> _Heights:
    vertices = hierarchy.vertices
    middles: list[int] = []
    tracks: list[int] = []
    ends: list[tuple[int, int]] = []
    top = 0
    for number, row in enumerate(rows):
        tallest = max(
            sides.heights[vertex] if vertices[vertex].box is not None else vertices[vertex].height
            for vertex in row
        )
        middles.append(top + tallest // 2)
        top += tallest
        if number < len(channels):
            above = spacing.leaving if _has_boxes(row, hierarchy) else spacing.labels
            below = spacing.entering if _has_boxes(rows[number + 1], hierarchy) else spacing.labels
            tracks.append(top + above)
            bottom = top + above + max(channels[number].track_count - 1, 0) * spacing.tracks + below
            ends.append((top, bottom))
            top = bottom
    return _Heights(tuple(middles), tuple(tracks), tuple(ends), top)


def _has_boxes(row: list[int], hierarchy: Hierarchy) -> bool:
    return any(hierarchy.vertices[vertex].box is not None for vertex in row)


@frozen
class _Router:
    """Everything that is settled before the links are run."""

    boxes: Sequence[PlacedBox]
    hierarchy: Hierarchy
    x: list[int]
    sides: Sides
    channels: list[_Channel]
    heights: _Heights
    spacing: Spacing

    def run(self, link: Link, number: int) -> PlacedLink:
        """Return the line of a link, and the place of its label."""
        chain = self.hierarchy.chains[number]
        if not self.hierarchy.is_back[number]:
            points, label = self._down(chain), self._label(chain)
        elif chain[0] == chain[-1]:
            points, label = self._loop(link, chain[1])
        else:
            points, label = self._back(chain), self._label(chain)
        return PlacedLink(link, tuple(points), label, self.hierarchy.is_back[number])

    def _down(self, chain: list[int]) -> list[Point]:
        first, last = self._part(chain[0], chain[1]), self._part(chain[-2], chain[-1])
        turns = [point for upper, lower in pairwise(chain) for point in self._turns(upper, lower)]
        source, target = self.boxes[chain[0]], self.boxes[chain[-1]]
        return [Point(first.upper, source.bottom), *turns, Point(last.lower, target.top)]

    def _back(self, chain: list[int]) -> list[Point]:
        climb = [
            point for lower, upper in pairwise(chain[1:-1]) for point in reversed(self._turns(upper, lower))
        ]
        out, in_ = self._beside(chain[1]), self._beside(chain[-2])
        return [*out, *climb, *reversed(in_)]

    def _beside(self, vertex: int, port: int = 0) -> list[Point]:
        """Return where a link ends at the side of its box, and the point beside that."""
        box = self._owner(vertex)
        dy = self.sides.ports[vertex][port]
        reach = half_width(box.box.outline, box.box.width, box.height, dy)
        border = box.x + reach if self.x[vertex] > box.x else box.x - reach
        return [Point(border, box.y + dy), Point(self._lane(vertex), box.y + dy)]

    def _loop(self, link: Link, vertex: int) -> tuple[list[Point], Point | None]:
        box, lane = self._owner(vertex), self._lane(vertex)
        points = [*self._beside(vertex, 0), *reversed(self._beside(vertex, 1))]
        if not link.label_width:
            return points, None
        off = (self.spacing.lines + link.label_width) // 2
        middle = (points[1].y + points[2].y) // 2
        return points, Point(lane + off if lane > box.x else lane - off, middle)

    def _lane(self, vertex: int) -> int:
        """Return where the link beside a box climbs: at the border of the vertex that faces the box."""
        half = self.hierarchy.vertices[vertex].width // 2
        return self.x[vertex] - half if self.x[vertex] > self._owner(vertex).x else self.x[vertex] + half

    def _owner(self, vertex: int) -> PlacedBox:
        beside = self.hierarchy.vertices[vertex].beside
        assert beside is not None  # noqa: S101 - for the type checker: only such vertices are asked about
        return self.boxes[beside]

    def _turns(self, upper: int, lower: int) -> list[Point]:
        """Return the points at which a part turns, from the top; none if it runs straight down."""
        row = self.hierarchy.vertices[upper].row
        part = self.channels[row].parts[upper, lower]
        if part.course.cuts:
            top, bottom = self.heights.ends[row]
            inset = (bottom - top) // 4
            return [Point(part.upper, top + inset), Point(part.lower, bottom - inset)]
        turns: list[Point] = []
        x = part.upper
        for track, to_x in (*part.course.detour, (part.course.track, part.lower)):
            if x != to_x:
                y = self.heights.tracks[row] + track * self.spacing.tracks
                turns += [Point(x, y), Point(to_x, y)]
                x = to_x
        return turns

    def _part(self, upper: int, lower: int) -> _Part:
        return self.channels[self.hierarchy.vertices[upper].row].parts[upper, lower]

    def _label(self, chain: list[int]) -> Point | None:
        for vertex in chain:
            found = self.hierarchy.vertices[vertex]
            if found.is_label:
                return Point(self.x[vertex], self.heights.rows[found.row])
        return None
