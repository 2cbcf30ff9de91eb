"""Boxes, links and where they end up: what goes into the layout and what comes out.

Lengths are in whatever unit the caller measures its boxes in: pixels for SVG, character cells for
text. x grows to the right and y downwards; a box is placed by its centre.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple

from attrs import frozen


class Point(NamedTuple):
    """A place in the drawing."""

    x: int
    y: int


class Outline(StrEnum):
    """The shape of a box: links begin and end on it."""

    RECTANGLE = "rectangle"
    HEXAGON = "hexagon"
    """Pointed at the left and at the right."""
    DIAMOND = "diamond"
    STADIUM = "stadium"
    """Half circles at the left and at the right."""
    CIRCLE = "circle"


@frozen
class Box:
    """A box to be placed.

    Attributes:
        id: Names it among the boxes.
        width: Even, so that its borders lie on whole coordinates.
        height: Even as well, but for rectangles. The box becomes higher if more links end at one of its
            sides than fit.
        outline: Its shape.
    """

    id: str
    width: int
    height: int
    outline: Outline = Outline.RECTANGLE


@frozen
class Link:
    """A link to be routed from one box to another, or back to the same.

    Attributes:
        source: The id of the box it leaves.
        target: The id of the box it leads to.
        label_width: Room for its label, even; zero for a link without one.
        label_height: Likewise, even.
    """

    source: str
    target: str
    label_width: int = 0
    label_height: int = 0


@frozen(kw_only=True)
class Spacing:
    """The distances to be kept.

    Attributes:
        boxes: Between boxes side by side.
        lines: Between lines side by side, and between a line and a box.
        tracks: Between lines one above the other.
        leaving: Between the lower border of a box and the first line that turns.
        entering: Between the last line that turns and the upper border of a box: room for an arrowhead.
        labels: Above and below a label.
        ports: Between links that end at the same side of a box.
        snap: How far a link that has the upper or lower border of a box for itself may end off its middle,
            if that makes it straight.
    """

    boxes: int
    lines: int
    tracks: int
    leaving: int
    entering: int
    labels: int
    ports: int
    snap: int


@frozen
class PlacedBox:
    """A box in its place; `x` and `y` are its centre.

    Attributes:
        layer: The row of boxes it is in, counted from the top.
    """

    box: Box
    x: int
    y: int
    height: int
    layer: int

    @property
    def left(self) -> int:
        """Where its left border is."""
        return self.x - self.box.width // 2

    @property
    def right(self) -> int:
        """Where its right border is."""
        return self.x + self.box.width // 2

    @property
    def top(self) -> int:
        """Where its upper border is."""
        return self.y - self.height // 2

    @property
    def bottom(self) -> int:
        """Where its lower border is."""
        return self.top + self.height


@frozen
class PlacedLink:
    """A link in its place.

    Attributes:
        points: Where it begins, turns and ends; two points or more. Its parts run across or up and down;
            only where two links change columns between the same two rows do they cut the corner.
        label: The middle of its label; `None` for a link without one.
        is_back: Whether it leads back to where the drawing has been: a loop.
    """

    link: Link
    points: tuple[Point, ...]
    label: Point | None
    is_back: bool


@frozen
class Layout:
    """Everything in its place, within `width` and `height`, in the order in which it was given."""

    width: int
    height: int
    boxes: tuple[PlacedBox, ...]
    links: tuple[PlacedLink, ...]


def half_width(outline: Outline, width: int, height: int, dy: int) -> int:
    """Return how far the outline reaches to either side of its middle, `dy` above or below it."""
    half, rise = width / 2, height / 2
    share = min(abs(dy) / rise, 1.0) if rise else 0.0
    match outline:
        case Outline.RECTANGLE:
            return round(half)
        case Outline.HEXAGON:
            return round(half - slant(width, height) * share)
        case Outline.DIAMOND:
            return round(half * (1 - share))
        case Outline.STADIUM | Outline.CIRCLE:
            radius = min(rise, half)
            return round(half - radius + radius * math.sqrt(1 - share**2))


def half_flat(outline: Outline, width: int, height: int) -> int:
    """Return how far the straight part of the upper and lower border reaches to either side."""
    match outline:
        case Outline.RECTANGLE:
            return width // 2
        case Outline.HEXAGON:
            return width // 2 - slant(width, height)
        case Outline.STADIUM:
            return max(width // 2 - height // 2, 0)
        case Outline.DIAMOND | Outline.CIRCLE:
            return 0


def slant(width: int, height: int) -> int:
    """Return how far the points of a hexagon stick out."""
    return min(height * 3 // 10, width // 2)
