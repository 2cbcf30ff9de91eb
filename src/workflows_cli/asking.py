"""Asking people at a terminal for what a task needs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from workflows_cli.printing import clean

if TYPE_CHECKING:
    from workflows_core.data import Json, JsonObject
    from workflows_core.tasks import Task

_LEFT_OUT: Final = object()
"""Stands for the value of a field that was left empty."""
_YES, _NO = frozenset({"y", "yes", "true"}), frozenset({"n", "no", "false"})

ask_option: Final = click.option(
    "--ask/--no-ask",
    default=None,
    help="Ask for what a task needs, or never do. By default on a terminal.",
)


def is_asked(ask: bool | None, *, as_json: bool) -> bool:  # noqa: FBT001 - it is what the option says
    """Say whether people are to be asked: as they said, else where somebody sits at a terminal."""
    if ask is not None:
        return ask
    return not as_json and sys.stdin.isatty() and sys.stdout.isatty()


def ask_outcome(task: Task) -> str | None:
    """Ask how a task is decided; `None` if there is no choice."""
    if not task.outcomes:
        return None
    choice: str = click.prompt("Outcome", type=click.Choice(task.outcomes))
    return choice


def ask_form(task: Task) -> JsonObject:
    """Ask for the fields of a form, one after the other; what is nested is asked for as JSON."""
    schema = task.form_schema or {}
    fields = schema.get("properties")
    if not isinstance(fields, dict):
        return {} if task.form_schema is None else _asked("Form (JSON)", {"type": "object"}, is_required=True)
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    answers = {
        name: _asked(_label(name, said), said, is_required=name in needed)
        for name, said in fields.items()
        if isinstance(said, dict)
    }
    return {name: answer for name, answer in answers.items() if answer is not _LEFT_OUT}


def _label(name: str, said: Mapping[str, Any]) -> str:
    title = clean(said.get("title") or name)
    options = _options(said)
    if options:
        return f"{title} ({', '.join(map(clean, options))})"
    kind = said.get("type", "JSON")
    hints = {"string": "", "boolean": " (y/n)", "integer": " (number)", "number": " (number)"}
    return title + (hints.get(kind, f" ({kind} as JSON)") if isinstance(kind, str) else "")


def _asked(label: str, said: Mapping[str, Any], *, is_required: bool) -> Any:
    default = said.get("default")
    shown = "" if default is None else default if isinstance(default, str) else json.dumps(default)
    text = (
        shown if shown or not is_required else None
    )  # without a default the prompt is repeated until there is something
    return click.prompt(label, default=text, show_default=bool(shown), value_proc=_reader(said))


def _options(said: Mapping[str, Any]) -> dict[str, Json]:
    """Return the values that a field can have, by what people write for them."""
    values = said.get("enum")
    if not isinstance(values, list):
        alternatives = said.get("oneOf")
        values = [
            each.get("const") for each in alternatives or () if isinstance(each, dict) and "const" in each
        ]
    return {value if isinstance(value, str) else json.dumps(value): value for value in values}


def _reader(said: Mapping[str, Any]) -> Callable[[str], Any]:
    options, kind = _options(said), said.get("type")

    def read(text: str) -> Any:
        if not text:
            return _LEFT_OUT
        if options:
            if text not in options:
                raise click.UsageError(f"Write one of: {', '.join(options)}.")
            return options[text]
        if kind == "string":
            return text
        if kind == "boolean" and text.lower() in _YES | _NO:
            return text.lower() in _YES
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise click.UsageError(f"Write {_WANTED.get(str(kind), 'JSON')}.") from None

    return read


_WANTED: Final = {"integer": "a number", "number": "a number", "boolean": "y or n"}
