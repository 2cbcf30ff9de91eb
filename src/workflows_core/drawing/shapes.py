"""The shapes of steps: how much room their text needs, and how they are drawn."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from attrs import frozen

from workflows_core.drawing.geometry import Box, Outline, Point, slant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workflows_core.drawing.geometry import PlacedBox

_LEAST_WIDTH: Final = 96
LINE: Final = 17
"""From one line of text to the next."""
_PADDING: Final = 24
BAR: Final = 8
"""How far the second bars of a shape with bars are from its ends."""


@frozen
class Shape:
    """How one kind of step is drawn.

    Attributes:
        outline: Its outline.
        has_bars: Whether it has a second bar at either end.
        icon: Strokes that show the kind, in a square of 16 around the origin; empty for none.
    """

    outline: Outline
    has_bars: bool = False
    icon: str = ""


_PERSON: Final = (
    "M0-6.5a3 3 0 1 1 0 6a3 3 0 1 1 0-6zM-5.5 6.5v-1.5a3.5 3.5 0 0 1 3.5-3.5h4a3.5 3.5 0 0 1 3.5 3.5v1.5"
)
_PEOPLE: Final = (
    "M-2.5-6a2.7 2.7 0 1 1 0 5.4a2.7 2.7 0 1 1 0-5.4zM-7.5 6v-1a3.3 3.3 0 0 1 3.3-3.3h3.4a3.3 3.3 0 0 1 3.3 3.3v1"
    "M3-5.8a2.7 2.7 0 0 1 0 5M7.5 6v-1a3.3 3.3 0 0 0-2.5-3.1"
)
_COG: Final = (
    "M0-2.3a2.3 2.3 0 1 1 0 4.6a2.3 2.3 0 1 1 0-4.6zM0-4.7a4.7 4.7 0 1 1 0 9.4a4.7 4.7 0 1 1 0-9.4z"
    "M0-4.7v-2.1M0 4.7v2.1M-4.7 0h-2.1M4.7 0h2.1M-3.3-3.3l-1.5-1.5M3.3 3.3l1.5 1.5M-3.3 3.3l-1.5 1.5M3.3-3.3l1.5-1.5"
)
_CLOCK: Final = "M0-6.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13zM0-3.5v3.5l2.5 1.8"
_ENVELOPE: Final = "M-6.5-4.5h13v9h-13zM-6.5-4.5l6.5 5.2l6.5-5.2"
_PLUG: Final = "M-6.5 0h6M-2.5-3l3 3l-3 3M1-6.5h2.5a3 3 0 0 1 3 3v7a3 3 0 0 1-3 3h-2.5"

SHAPES: Final[Mapping[str, Shape]] = MappingProxyType({
    "machine": Shape(Outline.RECTANGLE, icon=_COG),
    "human": Shape(Outline.HEXAGON, icon=_PERSON),
    "decision": Shape(Outline.HEXAGON, icon=_PEOPLE),
    "gateway": Shape(Outline.DIAMOND),
    "timer": Shape(Outline.STADIUM, icon=_CLOCK),
    "message": Shape(Outline.RECTANGLE, has_bars=True, icon=_ENVELOPE),
    "webhook": Shape(Outline.RECTANGLE, has_bars=True, icon=_PLUG),
})  # fmt: skip
"""Kind of step to its shape, as in the guide; `shape_of` knows an answer for the others as well."""


def shape_of(kind: str) -> Shape:
    """Return the shape for a kind of step."""
    return SHAPES.get(kind, Shape(Outline.RECTANGLE))


def box_for(id_: str, shape: Shape, text_width: int, lines: int) -> Box:
    """Return a box that the text fits into."""
    width = text_width + (ICON_WIDTH if shape.icon else 0)
    height = lines * LINE + _PADDING
    match shape.outline:
        case Outline.DIAMOND:
            # A text fits if its share of the width and its share of the height make no more than one.
            height = lines * LINE + 44
            width = width * height // (height - lines * LINE) + 8
        case Outline.HEXAGON:
            width += 2 * slant(width, height) + 10
        case Outline.STADIUM:
            width += height
        case _:
            width += _PADDING + (2 * BAR if shape.has_bars else 0)
    return Box(id_, _even(max(width, _LEAST_WIDTH)), _even(height), shape.outline)


ICON_WIDTH: Final = 23
"""What an icon takes away from the line that it stands before."""


def outline_path(placed: PlacedBox) -> str:
    """Return the outline of a box, as the data of an SVG path."""
    left, right, top, bottom, y = placed.left, placed.right, placed.top, placed.bottom, placed.y
    match placed.box.outline:
        case Outline.RECTANGLE:
            return _rounded_box(placed, 6)
        case Outline.HEXAGON:
            inner = slant(placed.box.width, placed.height)
            corners = f"{left + inner} {top}H{right - inner}L{right} {y}L{right - inner} {bottom}"
            return f"M{corners}H{left + inner}L{left} {y}z"
        case Outline.DIAMOND:
            return f"M{placed.x} {top}L{right} {y}L{placed.x} {bottom}L{left} {y}z"
        case Outline.STADIUM | Outline.CIRCLE:
            return _rounded_box(placed, min(placed.height, placed.box.width) // 2)


def bars_path(placed: PlacedBox) -> str:
    """Return the second bars at the ends of a box, as the data of an SVG path."""
    return (
        f"M{placed.left + BAR} {placed.top}v{placed.height}M{placed.right - BAR} {placed.top}v{placed.height}"
    )


def corners(placed: PlacedBox) -> tuple[Point, Point]:
    """Return the places for marks: at the upper left and at the upper right of the outline."""
    inward, down = {
        Outline.RECTANGLE: (4, 1),
        Outline.HEXAGON: (slant(placed.box.width, placed.height), 1),
        Outline.DIAMOND: (placed.box.width // 4 - 8, placed.height // 4 - 4),
        Outline.STADIUM: (placed.height // 5, placed.height // 7),
        Outline.CIRCLE: (placed.height // 7, placed.height // 7),
    }[placed.box.outline]
    return Point(placed.left + inward, placed.top + down), Point(placed.right - inward, placed.top + down)


def line_path(points: Sequence[Point], radius: int = 8) -> str:
    """Return a line with rounded turns, as the data of an SVG path."""
    data = [f"M{points[0].x} {points[0].y}"]
    for before, turn, after in zip(points, points[1:], points[2:], strict=False):
        reach = min(radius, _distance(before, turn) / 2, _distance(turn, after) / 2)
        start, end = _towards(turn, before, reach), _towards(turn, after, reach)
        data.append(f"L{start}Q{turn.x} {turn.y} {end}")
    data.append(f"L{points[-1].x} {points[-1].y}")
    return "".join(data)


def arrow_path(points: Sequence[Point], length: int = 9) -> str:
    """Return the head of an arrow at the end of a line whose last part runs across or up and down."""
    before, tip = points[-2], points[-1]
    half = length // 2
    if before.x == tip.x:
        back = -length if tip.y > before.y else length
        return f"M{tip.x} {tip.y}l{-half} {back}h{2 * half}z"
    back = -length if tip.x > before.x else length
    return f"M{tip.x} {tip.y}l{back} {-half}v{2 * half}z"


def _rounded_box(placed: PlacedBox, radius: int) -> str:
    across, down = placed.box.width - 2 * radius, placed.height - 2 * radius
    turn = f"a{radius} {radius} 0 0 1"
    return (
        f"M{placed.left + radius} {placed.top}h{across}{turn} {radius} {radius}v{down}{turn} {-radius} {radius}"
        f"h{-across}{turn} {-radius} {-radius}v{-down}{turn} {radius} {-radius}z"
    )


def _distance(one: Point, other: Point) -> int:
    return max(abs(one.x - other.x), abs(one.y - other.y))


def _towards(start: Point, end: Point, length: float) -> str:
    share = length / (_distance(start, end) or 1)
    return f"{start.x + (end.x - start.x) * share:g} {start.y + (end.y - start.y) * share:g}"


def _even(length: int) -> int:
    return length + length % 2
