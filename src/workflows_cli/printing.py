"""What people read: tables that fit the terminal, and statuses in colour; and what programs read."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

import click

from workflows_core.data import Json
from workflows_core.drawing.text import cells, shorten

_COLOURS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "completed": "green",
        "succeeded": "green",
        "failed": "red",
        "error": "red",
        "expired": "red",
        "overdue": "red",
        "running": "cyan",
        "waiting": "yellow",
        "pending": "yellow",
        "warning": "yellow",
        "suspended": "magenta",
        "canceled": "bright_black",
        "skipped": "bright_black",
    }
)
"""Colours only repeat what the word says."""

_GAP: Final = 2
_NARROWEST: Final = 12
"""Cells to which a column may be cut where the terminal is narrow."""


def clean(text: object) -> str:
    """Return text on one line, in signs that a terminal shows and does not obey."""
    return "".join(sign if sign.isprintable() else "?" for sign in " ".join(str(text).split()))


def styled(status: str, text: str | None = None) -> str:
    """Colour a status, or a text as that status is; whether it shows is up to `click.echo`."""
    colour = _COLOURS.get(status)
    shown = status if text is None else text
    return shown if colour is None else click.style(shown, fg=colour)


def moment(at: datetime | None) -> str:
    """Write a moment for people: in UTC, to the minute."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def moment_json(at: datetime | None) -> str | None:
    """Write a moment for programs: RFC 3339, in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def note(text: str) -> None:
    """Tell people something that is not part of the answer: on standard error."""
    click.echo(text, err=True)


def print_json(document: Json | Sequence[Json]) -> None:
    """Write one document for programs."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: object) -> Json:
    if isinstance(value, datetime):
        return moment_json(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, uncut: Sequence[str] = ()) -> None:
    """Write a table. On a terminal that is too narrow columns are cut, except `uncut`; else rows become lists.

    What is not a terminal gets everything: another program may read it.
    """
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in table_lines(headings, [[clean(cell) for cell in row] for row in rows], columns, uncut):
        click.echo(line)


def table_lines(
    headings: Sequence[str], rows: Sequence[Sequence[str]], columns: int | None, uncut: Sequence[str] = ()
) -> list[str]:
    """Return the lines of a table that is at most so many cells wide; `None` for as wide as it needs."""
    used = [index for index in range(len(headings)) if any(row[index] for row in rows)]
    headings, rows = [headings[i] for i in used], [[row[i] for i in used] for row in rows]
    widths = [max(map(cells, column)) for column in zip(headings, *rows, strict=True)]
    if columns is not None and not _narrow(widths, [heading in uncut for heading in headings], columns):
        return _as_lists(headings, rows)
    header = click.style(_line(headings, widths), bold=True)
    return [header, *(_line(row, widths, is_row=True) for row in rows)]


def _narrow(widths: list[int], keeps: Sequence[bool], columns: int) -> bool:
    """Take cells from the widest columns until all fits; say whether that was possible."""
    while sum(widths) + _GAP * (len(widths) - 1) > columns:
        cuttable = [index for index, keep in enumerate(keeps) if not keep and widths[index] > _NARROWEST]
        if not cuttable:
            return False
        widths[max(cuttable, key=widths.__getitem__)] -= 1
    return True


def _line(row: Sequence[str], widths: Sequence[int], *, is_row: bool = False) -> str:
    parts = []
    for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
        text = shorten(cell, cells, width=width)
        padding = "" if index == len(row) - 1 else " " * (width - cells(text))
        parts.append((styled(cell, text) if is_row else text) + padding)
    return (" " * _GAP).join(parts).rstrip()


def _as_lists(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    width = max(map(cells, headings))
    lines: list[str] = []
    for row in rows:
        lines += [""] if lines else []
        lines += [
            f"{click.style(heading.ljust(width), bold=True)}  {styled(cell)}"
            for heading, cell in zip(headings, row, strict=True)
            if cell
        ]
    return lines
