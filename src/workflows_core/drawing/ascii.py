"""Diagrams as text, for terminals."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from attrs import frozen

from workflows_core.diagram import NodeState
from workflows_core.drawing.cells import Sheet
from workflows_core.drawing.geometry import Box, Point, Spacing
from workflows_core.drawing.scene import arrange
from workflows_core.drawing.text import cells, shorten, wrap
from workflows_core.drawing.wording import STATES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workflows_core.diagram import Diagram, DiagramEdge, DiagramNode
    from workflows_core.drawing.geometry import PlacedBox
    from workflows_core.drawing.scene import Scene

_SPACING: Final = Spacing(boxes=4, lines=2, tracks=1, leaving=1, entering=2, labels=1, ports=1, snap=1)
_STEP_WIDTH: Final = 26
_EDGE_WIDTH: Final = 26
"""Longer texts are broken, and cut in the end."""
_MARKS: Final = MappingProxyType({
    NodeState.COMPLETED: "✓",
    NodeState.CURRENT: "▶",
    NodeState.FAILED: "✗",
    NodeState.SKIPPED: "»",
    NodeState.CANCELED: "–",
})  # fmt: skip


def ascii_drawing(diagram: Diagram, *, columns: int | None = None, is_plain: bool = False) -> str:
    """Return the diagram as lines of text, without a line break at its end.

    It is drawn with boxes and lines. If that takes more than `columns` cells in a row, a list is returned
    instead: the steps in the order in which they are read, each with its ways out. With `is_plain` there are
    no signs but those of ASCII; what names have beyond them is replaced by `?`.
    """
    words = _Words(is_plain)
    scene = arrange(diagram, box=words.box, label_size=words.label_size, dot=0, spacing=_SPACING)
    if columns is not None and scene.width + 1 > columns:
        return "\n".join(_listed(diagram, scene, words))
    return "\n".join(_drawn(diagram, scene, words))


@frozen
class _Words:
    """What is written, in signs that a terminal shows and does not obey."""

    is_plain: bool

    @property
    def ellipsis(self) -> str:
        return "..." if self.is_plain else "…"

    def shown(self, text: str) -> str:
        text = "".join(sign if sign.isprintable() else "?" for sign in " ".join(text.split()))
        return text.encode("ascii", "replace").decode() if self.is_plain else text

    def mark(self, node: DiagramNode) -> str:
        return "" if self.is_plain else _MARKS.get(node.state, "")

    def name(self, node: DiagramNode) -> tuple[str, ...]:
        text = f"{self.mark(node)} {self.shown(node.label)}"
        return wrap(text, cells, width=_STEP_WIDTH, lines=2, ellipsis=self.ellipsis) or ("",)

    def kind(self, node: DiagramNode) -> str:
        return ", ".join(filter(None, [self.shown(node.type), STATES.get(node.state, "")]))

    def label(self, edge: DiagramEdge) -> str:
        return shorten(self.shown(edge.label), cells, width=_EDGE_WIDTH, ellipsis=self.ellipsis)

    def box(self, id_: str, node: DiagramNode) -> Box:
        lines = self.name(node)
        inside = max(*map(cells, lines), cells(self.kind(node)) + 2) + 2
        return Box(id_, inside + 1 + (inside + 1) % 2, len(lines) + 1)

    def label_size(self, edge: DiagramEdge) -> tuple[int, int]:
        width = cells(self.label(edge))
        beside = 2 if width and edge.source == edge.target else 0  # it stands right beside its line
        return width + width % 2 + beside, 0


def _drawn(diagram: Diagram, scene: Scene, words: _Words) -> list[str]:
    sheet = Sheet(words.is_plain)
    for _, link in scene.edges:
        sheet.arrow(link.points)
    for link, _ in scene.outer:
        sheet.arrow(link.points)
    start, end = "*o" if words.is_plain else "●◉"
    for sign, dots in ((start, scene.starts), (end, scene.ends)):
        for dot in dots:
            sheet.write(dot.x, dot.y, sign)
    for node in diagram.nodes:
        _draw_box(sheet, scene.steps[node.id], words.kind(node), words.name(node))
    for edge, link in scene.edges:
        if link.label is not None:
            _write_around(sheet, link.label, words.label(edge))
    return sheet.rows()


def _draw_box(sheet: Sheet, placed: PlacedBox, kind: str, name: tuple[str, ...]) -> None:
    left, top, right, bottom = placed.left, placed.top, placed.right, placed.bottom
    corners = [Point(left, top), Point(right, top), Point(right, bottom), Point(left, bottom)]
    sheet.line([*corners, corners[0]])
    sheet.write(left + 2, top, f" {kind} ")
    first = (top + bottom + 1 - len(name)) // 2
    for number, line in enumerate(name):
        _write_around(sheet, Point(placed.x, first + number), line)


def _write_around(sheet: Sheet, middle: Point, text: str) -> None:
    sheet.write(middle.x - cells(text) // 2, middle.y, text)


def _listed(diagram: Diagram, scene: Scene, words: _Words) -> Iterator[str]:
    """Yield a line for each step and for each way out of it; the numbers tell steps of one name apart."""
    ordered = sorted(diagram.nodes, key=scene.reading_order)
    width = len(str(len(ordered)))
    numbers = {node.id: number for number, node in enumerate(ordered, start=1)}
    labels = {node.id: words.shown(node.label) for node in ordered}
    for node in ordered:
        facts = [words.kind(node), *["first step"] * node.is_initial, *["last step"] * node.is_terminal]
        name = f"{words.mark(node)} {labels[node.id]}".lstrip()
        yield f"{numbers[node.id]:>{width}}. {name} ({', '.join(facts)})"
        for edge in diagram.edges:
            if edge.source == node.id:
                arrow = "->" if words.is_plain else "→"
                way = f"{words.shown(edge.label)} {arrow} {numbers[edge.target]}. {labels[edge.target]}"
                yield f"{' ' * (width + 4)}{way.lstrip()}"
