"""What people read, with statuses in colour; and what programs read."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final
from uuid import UUID

import click

from workflows_core.data import Json

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


def clean(text: object) -> str:
    """Return text on one line, in signs that a terminal shows and does not obey."""
    return "".join(sign if sign.isprintable() else "?" for sign in " ".join(str(text).split()))


def styled(status: str, text: str | None = None) -> str:
    """Colour a status, or a text as that status is; whether it shows is up to `click.echo`."""
    colour = _COLOURS.get(status)
    shown = status if text is None else text
    return shown if colour is None else click.style(shown, fg=colour)


def terminal_width() -> int | None:
    """Return how many signs stand on a line of the terminal; `None` where standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def say(sentence: str) -> None:
    """Tell people a sentence, in as many lines as the terminal needs for it."""
    width = terminal_width()
    click.echo(clean(sentence) if width is None else click.wrap_text(clean(sentence), width=width))


def moment_json(at: datetime | None) -> str | None:
    """Write a moment for programs: RFC 3339, in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def note(text: str) -> None:
    """Tell people something that is not part of the answer: on standard error."""
    click.echo(text, err=True)


def print_json(document: Json | Sequence[Json]) -> None:
    """Write one document for programs."""
    click.echo(json_text(document))


def json_text(document: Json | Sequence[Json], *, indent: int | None = 2) -> str:
    """Write a document as people like to read it, or without an indent on one line; what a terminal would obey is escaped."""
    text = json.dumps(document, indent=indent, ensure_ascii=False, default=_plain)
    return "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text)


def write(text: str, output: Path | None) -> None:
    """Write what a command was asked for into a file, or to standard output.

    Raises:
        click.FileError: If that cannot be done.
    """
    if output is None:
        click.echo(text)
        return
    try:
        output.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(output), error.strerror) from error


def _plain(value: object) -> Json:
    if isinstance(value, datetime):
        return moment_json(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
