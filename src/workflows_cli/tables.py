"""Tables for people: they fit the terminal, and are as wide as they must be where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import click
from attrs import frozen

from workflows_cli.printing import clean, styled, terminal_width

_GAP: Final = "  "


@frozen
class Column:
    """A column.

    Attributes:
        heading: What stands above it.
        least: To how many signs it may be cut, where there is too little room; `None` to never cut it.
        is_status: Whether it holds statuses, which are coloured.
    """

    heading: str
    least: int | None = None
    is_status: bool = False


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> None:
    """Print rows below the headings of their columns."""
    for line in table(columns, rows, terminal_width()):
        click.echo(line)


def table(columns: Sequence[Column], rows: Sequence[Sequence[object]], width: int | None) -> Iterator[str]:
    """Write a table in lines of at most so many signs, as far as its columns can be cut."""
    texts = [["" if cell is None else clean(cell) for cell in row] for row in rows]
    widths = _widths(columns, texts, width)
    yield click.style(_line(columns, [column.heading for column in columns], widths, plain=True), bold=True)
    for row in texts:
        yield _line(columns, row, widths)


def _widths(columns: Sequence[Column], texts: Sequence[Sequence[str]], width: int | None) -> list[int]:
    widths = [
        max(len(column.heading), *(len(row[number]) for row in texts), 0)
        for number, column in enumerate(columns)
    ]
    too_many = 0 if width is None else sum(widths) + len(_GAP) * (len(widths) - 1) - width
    while too_many > 0:
        wide = [
            number
            for number, column in enumerate(columns)
            if column.least is not None and widths[number] > column.least
        ]
        if not wide:
            break
        widths[max(wide, key=lambda number: widths[number])] -= 1
        too_many -= 1
    return widths


def _line(
    columns: Sequence[Column], row: Sequence[str], widths: Sequence[int], *, plain: bool = False
) -> str:
    cells = []
    for number, (column, text) in enumerate(zip(columns, row, strict=True)):
        is_last = number == len(columns) - 1
        shown = _cut(text, widths[number])
        padded = shown if is_last else shown.ljust(widths[number])
        cells.append(styled(text, padded) if column.is_status and not plain else padded)
    return _GAP.join(cells).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
