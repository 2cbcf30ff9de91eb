"""Diagrams as SVG.

The drawing has no script and no inline style, so that it can stand in a page under a strict policy
for content: `stylesheet.STYLESHEET` gives it its looks. Text is only ever written through `xml`. How a
step stands is shown by a mark and said in words, never by colour alone. Every step can be reached
with the keyboard, has a name for screen readers, and tells more when pointed at or in focus.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from workflows_core.diagram import NodeState
from workflows_core.drawing.geometry import Box, Link, Outline, Point, Spacing
from workflows_core.drawing.layout import layout
from workflows_core.drawing.shapes import (
    ICON_WIDTH,
    arrow_path,
    bars_path,
    box_for,
    corners,
    line_path,
    outline_path,
    shape_of,
)
from workflows_core.drawing.stylesheet import standalone_stylesheet
from workflows_core.drawing.text import shorten, text_width, wrap
from workflows_core.drawing.xml import element, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from workflows_core.diagram import Diagram, DiagramEdge, DiagramNode
    from workflows_core.drawing.geometry import Layout, PlacedBox, PlacedLink
    from workflows_core.drawing.shapes import Shape

KINDS: Final = MappingProxyType({
    "machine": "machine step",
    "human": "human step",
    "decision": "decision by several people",
    "gateway": "gateway",
    "timer": "timer",
    "message": "waits for a message",
    "webhook": "waits for a callback",
})  # fmt: skip
"""What a kind of step is called."""

STATES: Final = MappingProxyType({
    NodeState.COMPLETED: "completed",
    NodeState.CURRENT: "current",
    NodeState.FAILED: "failed",
    NodeState.SKIPPED: "skipped",
    NodeState.CANCELED: "canceled",
})  # fmt: skip
"""What a state is called; `NodeState.NONE` is not mentioned."""

_MARKS: Final = MappingProxyType({
    NodeState.COMPLETED: "M-4 0l3 3l5-6",
    NodeState.CURRENT: "M-2-4l5.5 4l-5.5 4z",
    NodeState.FAILED: "M-3-3l6 6M3-3l-6 6",
    NodeState.SKIPPED: "M-4-3.5l3.5 3.5l-3.5 3.5M1-3.5l3.5 3.5l-3.5 3.5",
    NodeState.CANCELED: "M-4 0h8",
})  # fmt: skip

_SPACING: Final = Spacing(
    boxes=36, lines=20, tracks=12, leaving=16, entering=26, labels=10, ports=12, snap=16
)
_MARGIN: Final = 28
_FONT: Final = 13
_SMALL_FONT: Final = 11.5
_LINE: Final = 17
_LABEL_WIDTH: Final = 150
_EDGE_LABEL_WIDTH: Final = 150
_DETAILS_WIDTH: Final = 264


@frozen(kw_only=True)
class Extras:
    """What a drawing may show beyond the diagram.

    Attributes:
        badges: Step to a short text at its corner, such as how many instances are there; it is read out too.
        heat: Step to how much it glows, from 0 to 1: a heat map. Say in a badge what it means.
        links: Step to the address its click leads to.
        translate: Gives the few fixed English words in another language.
    """

    badges: Mapping[str, str] = field(factory=dict)
    heat: Mapping[str, float] = field(factory=dict)
    links: Mapping[str, str] = field(factory=dict)
    translate: Callable[[str], str] = str


def svg(
    diagram: Diagram, *, title: str = "Workflow", extras: Extras | None = None, standalone: bool = False
) -> str:
    """Return the diagram as one SVG element in its natural size (pixels).

    For a page, which brings `stylesheet.STYLESHEET`; with `standalone` as a file that looks the same
    everywhere. `title` names the drawing for those who cannot see it. A wide drawing is best put into a
    frame that scrolls: scaled down it can no longer be read.
    """
    return _Drawing(diagram, extras or Extras()).svg(title, standalone=standalone)


@frozen
class _Step:
    """A step with the text and the shape it is drawn with."""

    node: DiagramNode
    shape: Shape
    lines: tuple[str, ...]

    @classmethod
    def of(cls, node: DiagramNode) -> _Step:
        return cls(node, shape_of(node.type), wrap(node.label, _FONT, width=_LABEL_WIDTH, lines=2))

    def box(self, id_: str) -> Box:
        width = max((text_width(line, _FONT) for line in self.lines), default=0)
        return box_for(id_, self.shape, width, max(len(self.lines), 1))


class _Drawing:
    """One drawing while it is being made."""

    def __init__(self, diagram: Diagram, extras: Extras) -> None:
        self.diagram = diagram
        self.extras = extras
        self.say = extras.translate
        self.steps = [_Step.of(node) for node in diagram.nodes]
        self.boxes = {node.id: f"step {number}" for number, node in enumerate(diagram.nodes)}
        self.layout = self._layout()
        self.placed = {placed.box.id: placed for placed in self.layout.boxes}
        self.width = max(self.layout.width, _DETAILS_WIDTH) + 2 * _MARGIN
        self.height = self.layout.height + 2 * _MARGIN

    def _layout(self) -> Layout:
        """Lay the steps out, with a dot before the first and a ring after each last one."""
        nodes = self.diagram.nodes
        dots = [Box(f"start {node.id}", 18, 18, Outline.CIRCLE) for node in nodes if node.is_initial]
        boxes = [step.box(self.boxes[step.node.id]) for step in self.steps]
        rings = [Box(f"end {node.id}", 18, 18, Outline.CIRCLE) for node in nodes if node.is_terminal]
        starts = [Link(f"start {node.id}", self.boxes[node.id]) for node in nodes if node.is_initial]
        ends = [Link(self.boxes[node.id], f"end {node.id}") for node in nodes if node.is_terminal]
        links = [self._link(edge) for edge in self.diagram.edges]
        return layout([*dots, *boxes, *rings], [*links, *starts, *ends], _SPACING)

    def _link(self, edge: DiagramEdge) -> Link:
        source, target = self.boxes[edge.source], self.boxes[edge.target]
        if not edge.label.strip():
            return Link(source, target)
        width = text_width(_edge_label(edge), _SMALL_FONT) + 10
        return Link(source, target, width + width % 2, 18)

    def svg(self, title: str, *, standalone: bool) -> str:
        left = (self.width - self.layout.width) // 2
        content = [
            *(self._head(title) if standalone else ()),
            f'<g transform="translate({left} {_MARGIN})">',
            '<g aria-hidden="true" stroke="currentColor" fill="none">',
            *self._edges(),
            *self._ends(),
            *self._nodes(),
            "</g>",
            *self._details(left),
            "</g>",
        ]
        attributes = {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "diagram",
            "viewBox": f"0 0 {self.width} {self.height}",
            "width": self.width,
            "height": self.height,
            # Not `img`: that would hide the steps in it from those who cannot see them.
            "role": "group",
            "aria-label": title,
            "font-family": "sans-serif",
            "font-size": _FONT,
            "overflow": "visible",
        }
        return element("svg", attributes, content)

    def _head(self, title: str) -> Iterator[str]:
        yield element("title", {}, [escape(title)])
        yield element("style", {}, [standalone_stylesheet()])
        page = {"class": "page", "width": self.width, "height": self.height, "fill": "none"}
        yield element("rect", page)

    # Edges

    def _edges(self) -> Iterator[str]:
        """Draw the edges; those that were taken come last, on top of the others."""
        count = len(self.diagram.edges)
        pairs = zip(self.diagram.edges, self.layout.links[:count], strict=True)
        for edge, placed in sorted(pairs, key=lambda pair: pair[0].is_taken):
            yield self._edge(edge, placed)
        for placed, is_taken in self._outer_links():
            yield from ("<g", f' class="edge{" taken" if is_taken else ""}">', *_line(placed), "</g>")

    def _outer_links(self) -> Iterator[tuple[PlacedLink, bool]]:
        """Yield the links from the dot and to the rings, and whether they were taken."""
        outer = iter(self.layout.links[len(self.diagram.edges) :])
        initial = [node for node in self.diagram.nodes if node.is_initial]
        terminal = [node for node in self.diagram.nodes if node.is_terminal]
        yield from ((next(outer), node.state is not NodeState.NONE) for node in initial)
        yield from ((next(outer), node.state is NodeState.COMPLETED) for node in terminal)

    def _edge(self, edge: DiagramEdge, placed: PlacedLink) -> str:
        classes = ["edge", *["taken"] * edge.is_taken, *["back"] * placed.is_back]
        names = {node.id: node.label for node in self.diagram.nodes}
        text = f"{names[edge.source]} → {names[edge.target]}" + (f" ({edge.label})" if edge.label else "")
        content = [
            element("title", {}, [escape(text)]),
            element("path", {"class": "reach", "d": line_path(placed.points), "stroke": "none"}),
            *_line(placed),
        ]
        if placed.label is not None:
            content.append(_pill("edge-label", placed.label, placed.link, _edge_label(edge)))
        return element("g", {"class": " ".join(classes)}, content)

    # Steps

    def _ends(self) -> Iterator[str]:
        for node in self.diagram.nodes:
            for kind, is_one in (("start", node.is_initial), ("end", node.is_terminal)):
                if is_one:
                    path = outline_path(self.placed[f"{kind} {node.id}"])
                    yield element("g", {"class": kind}, [element("path", {"class": "shape", "d": path})])

    def _nodes(self) -> Iterator[str]:
        for step in self.steps:
            placed = self.placed[self.boxes[step.node.id]]
            content = [
                element("path", {"class": "shape", "d": outline_path(placed)}),
                *self._heat(step, placed),
            ]
            if step.shape.has_bars:
                content.append(element("path", {"class": "bars", "d": bars_path(placed)}))
            content += [*_label(step, placed), *_mark(step, placed), *self._badge(step, placed)]
            yield element("g", {"class": f"node {_class(step.node.type)} {step.node.state}"}, content)

    def _heat(self, step: _Step, placed: PlacedBox) -> Iterator[str]:
        heat = min(max(self.extras.heat.get(step.node.id, 0.0), 0.0), 1.0)
        if heat:
            opacity = f"{0.08 + 0.72 * heat:.2f}"
            attributes = {
                "class": "heat",
                "d": outline_path(placed),
                "fill_opacity": opacity,
                "stroke": "none",
            }
            yield element("path", attributes)

    def _badge(self, step: _Step, placed: PlacedBox) -> Iterator[str]:
        text = self.extras.badges.get(step.node.id, "")
        if text:
            shown = shorten(text, 11, width=80)
            width = max(text_width(shown, 11) + 12, 20)
            place = corners(placed)[1]
            yield _pill("badge", place, Link("", "", width, 20), shown, radius=10)

    # Details

    def _details(self, left: int) -> Iterator[str]:
        """Yield for each step what is pointed at, read out and focused: in reading order, on top of all."""
        order = sorted(self.steps, key=lambda step: self._reading_order(step.node))
        for step in order:
            placed = self.placed[self.boxes[step.node.id]]
            node = step.node
            more = self._more(node)
            content = [
                element("desc", {}, [escape(" ".join(more))]),
                element("path", {"class": "hit", "d": outline_path(placed), "fill": "none"}),
                self._panel(step, placed, left),
            ]
            link = self.extras.links.get(node.id)
            attributes = {
                "class": "step",
                "role": "img" if link is None else None,
                "tabindex": "0" if link is None else None,
                "href": link,
                "aria_label": self._name(node),
                "data_step": node.id,
            }
            yield element("g" if link is None else "a", attributes, content)

    def _reading_order(self, node: DiagramNode) -> tuple[int, int]:
        placed = self.placed[self.boxes[node.id]]
        return placed.layer, placed.x

    def _name(self, node: DiagramNode) -> str:
        return ", ".join([node.label, *self._facts(node)])

    def _facts(self, node: DiagramNode) -> Iterator[str]:
        yield self.say(KINDS.get(node.type, f"{node.type} step"))
        if node.state in STATES:
            yield self.say(STATES[node.state])
        if node.is_initial:
            yield self.say("first step")
        if node.is_terminal:
            yield self.say("last step")
        if node.id in self.extras.badges:
            yield self.extras.badges[node.id]

    def _more(self, node: DiagramNode) -> list[str]:
        """Return sentences about the step: its description, and where it leads to."""
        names = {other.id: other.label for other in self.diagram.nodes}
        ways = [
            names[edge.target] + (f" ({edge.label})" if edge.label else "")
            for edge in self.diagram.edges
            if edge.source == node.id
        ]
        leads = [f"{self.say('Leads to')}: {', '.join(ways)}."] if ways else []
        return [*([node.description] if node.description else []), *leads]

    def _panel(self, step: _Step, placed: PlacedBox, left: int) -> str:
        """Draw the panel with all there is to say about a step: below it, or above where there is no room."""
        width = _DETAILS_WIDTH - 24
        node = step.node
        lines = [("name", line) for line in wrap(node.label, _FONT, width=width, lines=4)]
        facts = ", ".join(self._facts(node))
        lines += [("more", line) for line in wrap(facts, 12, width=width, lines=3)]
        for text in self._more(node):
            lines += [("", line) for line in wrap(text, 12, width=width, lines=4)]
        height = len(lines) * _LINE + 16
        x = min(max(placed.x - _DETAILS_WIDTH // 2, 6 - left), self.width - left - _DETAILS_WIDTH - 6)
        y = placed.bottom + 8
        if y + height > self.layout.height + _MARGIN and placed.top - 8 - height >= -_MARGIN:
            y = placed.top - 8 - height
        frame = {"x": x, "y": y, "width": _DETAILS_WIDTH, "height": height, "rx": 8, "fill": "Canvas"}
        content = [element("rect", frame)]
        for number, (class_, line) in enumerate(lines, start=1):
            attributes = {"class": class_ or None, "x": x + 12, "y": y + 4 + number * _LINE}
            content.append(element("text", attributes, [escape(line)]))
        return element("g", {"class": "details", "visibility": "hidden", "aria_hidden": "true"}, content)


def _class(kind: str) -> str:
    """Return the kind of a step as a class; the kinds that there are have plain names."""
    return kind if kind in KINDS else "other"


def _edge_label(edge: DiagramEdge) -> str:
    return shorten(" ".join(edge.label.split()), _SMALL_FONT, width=_EDGE_LABEL_WIDTH)


def _line(placed: PlacedLink) -> Iterator[str]:
    yield element("path", {"class": "line", "d": line_path(placed.points)})
    arrow = {"class": "arrow", "d": arrow_path(placed.points), "fill": "currentColor", "stroke": "none"}
    yield element("path", arrow)


def _label(step: _Step, placed: PlacedBox) -> Iterator[str]:
    """Draw the text in the middle of the box, the icon before its widest line."""
    x = placed.x
    if step.shape.icon:
        widest = max((text_width(line, _FONT) for line in step.lines), default=0)
        at = placed.x - (widest + ICON_WIDTH) // 2 + 8
        yield element(
            "path", {"class": "icon", "d": step.shape.icon, "transform": f"translate({at} {placed.y})"}
        )
        x += ICON_WIDTH // 2
    first = placed.y + 4.5 - (len(step.lines) - 1) * _LINE / 2
    for number, line in enumerate(step.lines):
        attributes = {
            "class": "label",
            "x": x,
            "y": f"{first + number * _LINE:g}",
            "text_anchor": "middle",
            "fill": "currentColor",
            "stroke": "none",
        }
        yield element("text", attributes, [escape(line)])


def _mark(step: _Step, placed: PlacedBox) -> Iterator[str]:
    mark = _MARKS.get(step.node.state)
    if mark is not None:
        place = corners(placed)[0]
        content = [element("circle", {"r": 9}), element("path", {"d": mark})]
        yield element("g", {"class": "mark", "transform": f"translate({place.x} {place.y})"}, content)


def _pill(class_: str, place: Point, size: Link, text: str, radius: int = 4) -> str:
    width, height = size.label_width, size.label_height
    box = {
        "x": place.x - width // 2,
        "y": place.y - height // 2,
        "width": width,
        "height": height,
        "rx": radius,
        "stroke": "none",
    }
    label = {
        "x": place.x,
        "y": place.y + 4,
        "text_anchor": "middle",
        "fill": "currentColor",
        "stroke": "none",
    }
    return element("g", {"class": class_}, [element("rect", box), element("text", label, [escape(text)])])
