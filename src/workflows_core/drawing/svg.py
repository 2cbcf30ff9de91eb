"""Diagrams as SVG.

The drawing has no script and no inline style, so that it can stand in a page under a strict policy
for content: `stylesheet.STYLESHEET` gives it its looks. Text is only ever written through `markup`. How a
step stands is shown by a mark and said in words, never by colour alone. Every step can be reached
with the keyboard, has a name for screen readers, and tells more when pointed at or in focus.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from workflows_core.diagram import NodeState
from workflows_core.drawing.details import PANEL_WIDTH, Area, Details
from workflows_core.drawing.geometry import Spacing
from workflows_core.drawing.markup import element, escape
from workflows_core.drawing.scene import arrange
from workflows_core.drawing.shapes import (
    ICON_WIDTH,
    LINE,
    arrow_path,
    bars_path,
    box_for,
    corners,
    line_path,
    outline_path,
    shape_of,
)
from workflows_core.drawing.stylesheet import standalone_stylesheet
from workflows_core.drawing.text import pixels, shorten, wrap
from workflows_core.drawing.wording import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from workflows_core.diagram import Diagram, DiagramEdge, DiagramNode
    from workflows_core.drawing.geometry import Box, PlacedBox, PlacedLink, Point
    from workflows_core.drawing.scene import Scene

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
_DOT: Final = 18
_MARGIN: Final = 28
_FONT: Final = 13
_STEP: Final = pixels(_FONT)
_EDGE: Final = pixels(11.5)
_BADGE: Final = pixels(11)
_STEP_WIDTH: Final = 150
_EDGE_WIDTH: Final = 150
_BADGE_WIDTH: Final = 80
"""Wider texts are cut."""


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

    For a page, which brings `stylesheet.STYLESHEET`; with `standalone` as a file that brings its own. `title`
    names the drawing for those who cannot see it. A wide drawing is best put into a frame that scrolls:
    scaled down it can no longer be read.
    """
    extras = extras or Extras()
    scene = arrange(diagram, box=_box, label_size=_label_size, dot=_DOT, spacing=_SPACING)
    width, height = max(scene.width, PANEL_WIDTH) + 2 * _MARGIN, scene.height + 2 * _MARGIN
    left = (width - scene.width) // 2
    area = Area(6 - left, 6 - _MARGIN, width - left - 6, height - _MARGIN - 6)
    details = Details(diagram, scene, area, extras.badges, extras.links, extras.translate)
    picture = [*_edges(diagram, scene), *_ends(scene), *_nodes(diagram, scene, extras)]
    content = [
        *(_head(title) if standalone else ()),
        element(
            "g",
            {"transform": f"translate({left} {_MARGIN})"},
            [
                element("g", {"aria-hidden": "true", "stroke": "currentColor", "fill": "none"}, picture),
                *details.draw(),
            ],
        ),
    ]
    attributes = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": "diagram",
        "viewBox": f"0 0 {width} {height}",
        "width": width,
        "height": height,
        # Not `img`: that would hide the steps in it from those who cannot see them.
        "role": "group",
        "aria-label": title,
        "font-family": "sans-serif",
        "font-size": _FONT,
    }
    return element("svg", attributes, content)


def _head(title: str) -> Iterator[str]:
    yield element("title", {}, [escape(title)])
    yield element("style", {}, [standalone_stylesheet()])
    yield element("rect", {"class": "page", "width": "100%", "height": "100%", "fill": "none"})


# Edges


def _edges(diagram: Diagram, scene: Scene) -> Iterator[str]:
    """Draw the edges; those that were taken come last, on top of the others."""
    labels = {node.id: node.label for node in diagram.nodes}
    for edge, placed in sorted(scene.edges, key=lambda pair: pair[0].is_taken):
        ends = f"{labels[edge.source]} → {labels[edge.target]}"
        yield _edge(edge, placed, f"{ends} ({edge.label})" if edge.label else ends)
    for placed, is_taken in scene.outer:
        yield element("g", {"class": "edge taken" if is_taken else "edge"}, _line(placed))


def _edge(edge: DiagramEdge, placed: PlacedLink, tooltip: str) -> str:
    classes = ["edge", *["taken"] * edge.is_taken, *["back"] * placed.is_back]
    content = [
        element("title", {}, [escape(tooltip)]),
        element("path", {"class": "reach", "d": line_path(placed.points), "stroke": "none"}),
        *_line(placed),
    ]
    if placed.label is not None:
        width, height = _label_size(edge)
        content.append(_pill("edge-label", placed.label, width, height, _edge_label(edge)))
    return element("g", {"class": " ".join(classes)}, content)


def _line(placed: PlacedLink) -> Iterator[str]:
    yield element("path", {"class": "line", "d": line_path(placed.points)})
    arrow = {"class": "arrow", "d": arrow_path(placed.points), "fill": "currentColor", "stroke": "none"}
    yield element("path", arrow)


def _edge_label(edge: DiagramEdge) -> str:
    return shorten(" ".join(edge.label.split()), _EDGE, width=_EDGE_WIDTH)


def _label_size(edge: DiagramEdge) -> tuple[int, int]:
    label = _edge_label(edge)
    width = _EDGE(label) + 10
    return (width + width % 2, 18) if label else (0, 0)


# Steps


def _ends(scene: Scene) -> Iterator[str]:
    for kind, boxes in (("start", scene.starts), ("end", scene.ends)):
        for placed in boxes:
            yield element("g", {"class": kind}, [_outline(placed)])


def _nodes(diagram: Diagram, scene: Scene, extras: Extras) -> Iterator[str]:
    for node in diagram.nodes:
        placed = scene.steps[node.id]
        content = [_outline(placed), *_heat(placed, extras.heat.get(node.id, 0.0))]
        if shape_of(node.type).has_bars:
            content.append(element("path", {"class": "bars", "d": bars_path(placed)}))
        content += [*_label(node, placed), *_mark(node, placed)]
        content += _badge(placed, extras.badges.get(node.id, ""))
        kind = node.type if node.type in KINDS else "other"
        yield element("g", {"class": f"node {kind} {node.state}"}, content)


def _outline(placed: PlacedBox) -> str:
    return element("path", {"class": "shape", "d": outline_path(placed)})


def _heat(placed: PlacedBox, heat: float) -> Iterator[str]:
    if heat > 0:
        opacity = f"{0.08 + 0.72 * min(heat, 1.0):.2f}"
        path = {"class": "heat", "d": outline_path(placed), "fill-opacity": opacity, "stroke": "none"}
        yield element("path", path)


def _label(node: DiagramNode, placed: PlacedBox) -> Iterator[str]:
    """Draw the text in the middle of the box, the icon before its widest line."""
    lines, icon, x = _lines(node), shape_of(node.type).icon, placed.x
    if icon:
        at = x - (_lines_width(lines) + ICON_WIDTH) // 2 + 8
        yield element("path", {"class": "icon", "d": icon, "transform": f"translate({at} {placed.y})"})
        x += ICON_WIDTH // 2
    y = placed.y + 4.5 - (len(lines) - 1) * LINE / 2
    for number, line in enumerate(lines):
        yield _text("label", line, x, y + number * LINE)


def _mark(node: DiagramNode, placed: PlacedBox) -> Iterator[str]:
    mark = _MARKS.get(node.state)
    if mark is not None:
        x, y = corners(placed)[0]
        content = [element("circle", {"r": 9}), element("path", {"d": mark})]
        yield element("g", {"class": "mark", "transform": f"translate({x} {y})"}, content)


def _badge(placed: PlacedBox, text: str) -> Iterator[str]:
    if text:
        shown = shorten(text, _BADGE, width=_BADGE_WIDTH)
        yield _pill("badge", corners(placed)[1], max(_BADGE(shown) + 12, 20), 20, shown)


def _pill(class_: str, middle: Point, width: int, height: int, text: str) -> str:
    """Draw a text on a ground of its own."""
    x, y = middle.x - width // 2, middle.y - height // 2
    ground = {"x": x, "y": y, "width": width, "height": height, "rx": height // 2, "stroke": "none"}
    return element(
        "g", {"class": class_}, [element("rect", ground), _text(None, text, middle.x, middle.y + 4)]
    )


def _text(class_: str | None, text: str, x: int, y: float) -> str:
    place = {"class": class_, "x": x, "y": f"{y:g}", "text-anchor": "middle"}
    return element("text", place | {"fill": "currentColor", "stroke": "none"}, [escape(text)])


def _box(id_: str, node: DiagramNode) -> Box:
    lines = _lines(node)
    return box_for(id_, shape_of(node.type), _lines_width(lines), max(len(lines), 1))


def _lines(node: DiagramNode) -> tuple[str, ...]:
    return wrap(node.label, _STEP, width=_STEP_WIDTH, lines=2)


def _lines_width(lines: tuple[str, ...]) -> int:
    return max((_STEP(line) for line in lines), default=0)
