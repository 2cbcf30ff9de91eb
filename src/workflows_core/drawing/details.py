"""What a step in an SVG drawing says when it is pointed at, in focus, or read out.

Each step is there once more, invisible and on top of everything: that is what the pointer and the
keyboard meet, and what a panel follows that the stylesheet shows then.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from attrs import frozen

from workflows_core.drawing.markup import element, escape
from workflows_core.drawing.shapes import outline_path
from workflows_core.drawing.text import pixels, shorten, wrap
from workflows_core.drawing.wording import facts, way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from workflows_core.diagram import Diagram, DiagramNode
    from workflows_core.drawing.geometry import PlacedBox
    from workflows_core.drawing.scene import Scene

PANEL_WIDTH: Final = 264
_PADDING: Final = 12
_NAME: Final = pixels(13)
_TEXT: Final = pixels(12)
_LINE: Final = 17
_MOST_WAYS: Final = 8
_AWAY: Final = 14
"""From a step to its panel."""


@frozen
class Area:
    """How far panels may reach."""

    left: int
    top: int
    right: int
    bottom: int


@frozen
class Details:
    """What is known of all steps.

    Attributes:
        badges: Step to the text at its corner.
        links: Step to the address its click leads to.
        say: Translates the fixed words.
    """

    diagram: Diagram
    scene: Scene
    area: Area
    badges: Mapping[str, str]
    links: Mapping[str, str]
    say: Callable[[str], str]

    def draw(self) -> Iterator[str]:
        """Yield the steps as they are met, each followed by its panel, in the order in which they are read."""
        for node in sorted(self.diagram.nodes, key=self.scene.reading_order):
            placed = self.scene.steps[node.id]
            link = self.links.get(node.id)
            attributes = {
                "class": "step",
                "role": "img" if link is None else None,
                "tabindex": "0" if link is None else None,
                "href": link,
                "aria-label": ", ".join([node.label, *self._facts(node)]),
                "data-step": node.id,
            }
            content = [
                element("desc", {}, [escape(self._description(node))]),
                element("path", {"class": "hit", "d": outline_path(placed), "fill": "none"}),
            ]
            yield element("g" if link is None else "a", attributes, content)
            yield self._panel(node, placed)

    def _facts(self, node: DiagramNode) -> Iterator[str]:
        yield from facts(node, self.say)
        if node.id in self.badges:
            yield self.badges[node.id]

    @cached_property
    def _ways(self) -> Mapping[str, list[str]]:
        """Where each step leads to, and when."""
        labels = {node.id: node.label for node in self.diagram.nodes}
        ways: dict[str, list[str]] = {id_: [] for id_ in labels}
        for edge in self.diagram.edges:
            ways[edge.source].append(way(edge, labels[edge.target]))
        return ways

    def _description(self, node: DiagramNode) -> str:
        ways = ", ".join(self._ways[node.id])
        return " ".join(filter(None, [node.description, f"{self.say('Leads to')}: {ways}." if ways else ""]))

    def _panel(self, node: DiagramNode, placed: PlacedBox) -> str:
        lines = self._lines(node)
        height = len(lines) * _LINE + _PADDING + 4
        x, y = self._left(placed), self._top(placed, height)
        content = [element("rect", {"x": x, "y": y, "width": PANEL_WIDTH, "height": height, "rx": 8})]
        for number, (class_, line) in enumerate(lines, start=1):
            place = {"class": class_, "x": x + _PADDING, "y": y + 4 + number * _LINE}
            content.append(element("text", place, [escape(line)]))
        return element("g", {"class": "details", "visibility": "hidden", "aria-hidden": "true"}, content)

    def _lines(self, node: DiagramNode) -> list[tuple[str, str]]:
        """Return the lines of a panel, each with its class: name, facts, description, ways out."""
        width = PANEL_WIDTH - 2 * _PADDING
        return [
            *(("name", line) for line in wrap(node.label, _NAME, width=width, lines=4)),
            *(("more", line) for line in wrap(", ".join(self._facts(node)), _TEXT, width=width, lines=3)),
            *(("text", line) for line in wrap(node.description, _TEXT, width=width, lines=5)),
            *(("more", shorten(line, _TEXT, width=width)) for line in self._ways[node.id][:_MOST_WAYS]),
        ]

    def _left(self, placed: PlacedBox) -> int:
        wished = placed.x - PANEL_WIDTH // 2
        return min(max(wished, self.area.left), self.area.right - PANEL_WIDTH)

    def _top(self, placed: PlacedBox, height: int) -> int:
        """Put the panel below its step, above where there is no room, and else as low as it goes."""
        below, above = placed.bottom + _AWAY, placed.top - _AWAY - height
        if below + height <= self.area.bottom:
            return below
        return above if above >= self.area.top else max(self.area.bottom - height, self.area.top)
