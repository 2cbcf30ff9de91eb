"""Draws a table of moves: a column for each state, a row for each event.

In a row, dots mark the states in which the event may happen, and the arrow points to the state it leads to; a
ring says that it stays as it is. Unlike boxes and arrows this stays legible however
many moves there are, and nothing has to be laid out.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Final

from docs._make.svg import FONT, MONO, PALETTES, document, element, text

Moves = Mapping[str, Mapping[str, str]]

_EVENTS: Final = 168
_BOX: Final = 84
_GAP: Final = 12
_LETTER: Final = 7.2
_ROW: Final = 30
_HEAD: Final = 56
_MARGIN: Final = 12


STAYS: Final = ""
"""Stands for the state that an event leads to where it leaves every state as it is."""


def rows(moves: Moves) -> list[tuple[str, tuple[str, ...], str]]:
    """Return event, states it may happen in, and state it leads to; in the order of the table."""
    found: dict[str, dict[str, list[str]]] = {}
    for state, events in moves.items():
        for event, target in events.items():
            found.setdefault(event, {}).setdefault(target, []).append(state)
    merged = []
    for event, ways in found.items():
        staying = [target for target, states in ways.items() if states == [target]]
        merged += [(event, tuple(states), target) for target, states in ways.items() if target not in staying]
        if staying:
            merged.append((event, tuple(staying), STAYS))
    return merged


def chart(title: str, moves: Moves, palette: str) -> str:
    """Draw the moves as SVG."""
    colours = PALETTES[palette]
    states = list(moves)
    events = rows(moves)
    widths = [max(_BOX, round(len(state) * _LETTER) + 2 * _GAP) for state in states]
    ends = list(accumulate(widths, lambda end, width: end + _GAP + width, initial=_EVENTS - _GAP))[1:]
    middle = {state: end - width / 2 for state, end, width in zip(states, ends, widths, strict=True)}
    width = ends[-1] + _MARGIN
    height = _HEAD + _ROW * len(events) + _MARGIN
    parts = [_band(number, width) for number in range(0, len(events), 2)]
    parts += [
        _head(state, middle[state], height, box, is_final=not moves[state])
        for state, box in zip(states, widths, strict=True)
    ]
    parts += [
        _row(number, event, [middle[state] for state in sources], middle.get(target))
        for number, (event, sources, target) in enumerate(events)
    ]
    return document(width, height, title, _style(colours), parts)


def _head(state: str, x: float, height: int, width: int, *, is_final: bool) -> str:
    """Draw a state with the line below it; a final one has a double border."""
    half = width / 2
    box = element("rect", x=x - half, y=12, width=width, height=28, rx=14, class_="state")
    inner = (
        element("rect", x=x - half + 3, y=15, width=width - 6, height=22, rx=11, class_="state")
        if is_final
        else ""
    )
    line = element("line", x1=x, y1=40, x2=x, y2=height - _MARGIN, class_="life")
    return line + box + inner + text(x, 30.5, state, class_="name")


def _band(number: int, width: int) -> str:
    return element("rect", x=0, y=_HEAD + _ROW * number, width=width, height=_ROW, rx=6, class_="band")


def _row(number: int, event: str, sources: list[float], target: float | None) -> str:
    y = _HEAD + _ROW * (number + 0.5)
    stays = sources if target is None else [x for x in sources if x == target]
    moves = [x for x in sources if x not in stays]
    parts = [text(_EVENTS - 14, y + 4, event, class_="event")]
    if target is not None and moves:
        room = 8 if stays else 1
        if min(moves) < target:
            parts.append(_arrow(min(moves), target - room, y))
        if max(moves) > target:
            parts.append(_arrow(max(moves), target + room, y))
    parts += [element("circle", cx=x, cy=y, r=5.5, class_="ring") for x in stays]
    parts += [element("circle", cx=x, cy=y, r=4.5, class_="dot") for x in moves]
    return "".join(parts)


def _arrow(start: float, end: float, y: float) -> str:
    towards = 1 if end > start else -1
    line = element("line", x1=start, y1=y, x2=end - 6 * towards, y2=y, class_="move")
    return line + element("path", d=f"M{end} {y} l{-9 * towards} -4.5 v9 z", class_="tip")


def _style(colours: Mapping[str, str]) -> str:
    return (
        f"text{{font:500 13px {FONT};fill:{colours['text']}}}"
        ".name{text-anchor:middle}"
        f".event{{font:12.5px {MONO};text-anchor:end}}"
        f".state{{fill:{colours['tint']};stroke:{colours['accent']};stroke-width:1.25}}"
        f".life{{stroke:{colours['line']};stroke-width:1.5}}"
        f".band{{fill:{colours['band']};fill-opacity:.75}}"
        f".move{{stroke:{colours['accent']};stroke-width:1.75}}"
        f".ring{{stroke:{colours['accent']};stroke-width:1.75;fill:{colours['panel']}}}"
        f".dot,.tip{{fill:{colours['accent']}}}"
    )
