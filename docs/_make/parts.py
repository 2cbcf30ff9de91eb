"""Draws the picture of the parts: who knows whom."""

from __future__ import annotations

from typing import Final

from docs._make.svg import FONT, MONO, PALETTES, document, element, text

WIDTH: Final = 880
HEIGHT: Final = 452
_LEFT: Final = 20
_GAP: Final = 20


def parts(palette: str) -> str:
    """Draw the parts as SVG."""
    colours = PALETTES[palette]
    style = (
        f"text{{font:13px {FONT};fill:{colours['quiet']}}}"
        f".name{{font:600 14px {MONO};fill:{colours['text']}}}"
        f".plain{{font:600 14px {FONT};fill:{colours['text']}}}"
        f".port{{font:600 12px {FONT};fill:{colours['accent']};text-anchor:middle;letter-spacing:.04em}}"
        f".box{{fill:{colours['panel']};stroke:{colours['line']};stroke-width:1.5}}"
        f".open{{fill:none;stroke:{colours['line']};stroke-width:1.5;stroke-dasharray:5 4}}"
        f".core{{fill:{colours['tint']};stroke:{colours['accent']};stroke-width:1.75}}"
        f".link{{stroke:{colours['accent']};stroke-width:1.75;fill:none}}"
        f".tip{{fill:{colours['accent']}}}"
    )
    title = (
        "The parts: workflows_litestar, workflows_cli and your own code use workflows_core, whose ports "
        "are implemented by a storage in memory, by workflows_sqla, and by storages of your own."
    )
    return document(WIDTH, HEIGHT, title, style, [*_above(), *_core(), *_below()])


def _above() -> list[str]:
    third = (WIDTH - 2 * _LEFT - 2 * _GAP) / 3
    boxes = [
        _box(_LEFT, 16, third, "workflows_litestar", "REST API, OpenAPI, guards"),
        _box(_LEFT + third + _GAP, 16, third, "workflows_cli", "the command line"),
        _box(_LEFT + 2 * (third + _GAP), 16, third, "Your code", "scripts, workers, tests", kind="open"),
    ]
    return boxes + [_down(_LEFT + third / 2 + number * (third + _GAP), 88, 124) for number in range(3)]


def _core() -> list[str]:
    inner = (WIDTH - 2 * _LEFT - 5 * _GAP) / 4
    said = (
        ("Definitions", "steps, edges, forms,", "versions, validation"),
        ("Machine", "command → events;", "pure: no I/O, no clock"),
        ("Engine", "load → decide → apply;", "one transaction each"),
        ("Runner", "runs machine steps,", "recovers lost work"),
    )
    frame = element("rect", x=_LEFT, y=126, width=WIDTH - 2 * _LEFT, height=164, rx=12, class_="core")
    name = text(_LEFT + _GAP, 156, "workflows_core", class_="name")
    inside = [
        _box(_LEFT + _GAP + number * (inner + _GAP), 172, inner, *words, plain=True)
        for number, words in enumerate(said)
    ]
    return [frame, name, *inside]


def _below() -> list[str]:
    third = (WIDTH - 2 * _LEFT - 2 * _GAP) / 3
    y = 364
    boxes = [
        _box(_LEFT, y, third, "Memory", "comes with the core", plain=True),
        _box(_LEFT + third + _GAP, y, third, "workflows_sqla", "SQLite, PostgreSQL"),
        _box(_LEFT + 2 * (third + _GAP), y, third, "Your storage", "passes the same tests", kind="open"),
    ]
    ports = text(
        WIDTH / 2, 320, "ports: Storage · UnitOfWork · repositories · Clock · FormValidator", class_="port"
    )
    return [ports, *boxes, *(_up(_LEFT + third / 2 + number * (third + _GAP), y, 330) for number in range(3))]


def _box(
    x: float, y: float, width: float, name: str, *lines: str, kind: str = "box", plain: bool = False
) -> str:
    height = 36 + 20 * len(lines) + 14
    written = "plain" if plain or kind == "open" else "name"
    return "".join(
        [
            element("rect", x=x, y=y, width=width, height=height, rx=8, class_=kind),
            text(x + 16, y + 29, name, class_=written),
            *(text(x + 16, y + 51 + 20 * number, line) for number, line in enumerate(lines)),
        ]
    )


def _down(x: float, top: float, bottom: float) -> str:
    line = element("line", x1=x, y1=top, x2=x, y2=bottom - 8, class_="link")
    return line + element("path", d=f"M{x} {bottom} l-5 -10 h10 z", class_="tip")


def _up(x: float, bottom: float, top: float) -> str:
    line = element("line", x1=x, y1=bottom, x2=x, y2=top + 8, class_="link")
    return line + element("path", d=f"M{x} {top} l-5 10 h10 z", class_="tip")
