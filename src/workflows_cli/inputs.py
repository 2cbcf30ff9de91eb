"""What people write on the command line: data, and what is to be done with a task."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click
from attrs import field, frozen

from workflows_core.data import Json, JsonObject

_COMPLETION: Final = re.compile(
    r"(?:(?P<user>[^@=:]+)@)?(?P<step>[^@=:]+)(?:=(?P<outcome>[^:]+))?(?::(?P<data>.*))?", re.DOTALL
)


class JsonValue(click.ParamType[Any]):
    """JSON as it stands, `@FILE` that holds it, or `-` for standard input."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what it says."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(_read(value))
        except OSError as error:
            self.fail(f"{value[1:]!r} cannot be read: {error.strerror}.", param, ctx)
        except (ValueError, RecursionError) as error:
            self.fail(
                f"this is not JSON: {error}. Write it like '{{\"amount\": 5}}', or @file.json.", param, ctx
            )


class JsonMapping(JsonValue):
    """The same, but an object."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the object."""
        document = super().convert(value, param, ctx)
        if not isinstance(document, dict):
            self.fail("an object is expected, such as '{\"amount\": 5}'.", param, ctx)
        return document


class Assignment(click.ParamType[Any]):
    """`KEY=VALUE`: one member of an object. The value is JSON, or else text."""

    name = "assignment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return key and value."""
        if not isinstance(value, str):
            return value
        key, equals, text = value.partition("=")
        if not key or not equals:
            self.fail(f"{value!r} is not KEY=VALUE.", param, ctx)
        return key, json_or_text(text)


@frozen
class Completion:
    """How a task is to be completed.

    Attributes:
        step: The step whose task it is.
        outcome: The outcome, if the step has named ones.
        data: What is submitted.
        user: Who does it; `None` for whoever would have to.
    """

    step: str
    outcome: str | None = None
    data: JsonObject = field(factory=dict)
    user: str | None = None


class CompletionOf(click.ParamType[Any]):
    """`[USER@]STEP[=OUTCOME][:JSON]`."""

    name = "completion"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the completion."""
        if not isinstance(value, str):
            return value
        parts = _COMPLETION.fullmatch(value)
        if parts is None:
            self.fail(f"{value!r} is not [USER@]STEP[=OUTCOME][:JSON].", param, ctx)
        data = JsonMapping().convert(parts["data"] or "{}", param, ctx)
        return Completion(parts["step"], parts["outcome"], data, parts["user"])


class MessageOf(click.ParamType[Any]):
    """`NAME[:JSON]`."""

    name = "message"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return name and payload."""
        if not isinstance(value, str):
            return value
        name, _, payload = value.partition(":")
        return name, JsonValue().convert(payload or "null", param, ctx)


data: Final = click.option(
    "-d",
    "--data",
    type=JsonMapping(),
    metavar="JSON",
    help="An object in JSON, @FILE that holds it, or - (standard input).",
)
assignments: Final = click.option(
    "-s",
    "--set",
    "assignments",
    type=Assignment(),
    multiple=True,
    metavar="KEY=VALUE",
    help="One value of it, in JSON or as text; may be given several times.",
)


def merged(data: JsonObject | None, assignments: Iterable[tuple[str, Json]]) -> JsonObject:
    """Return the object that `--data` and `--set` make together; the latter win."""
    return {**(data or {}), **dict(assignments)}


def json_or_text(text: str) -> Json:
    """Read JSON, and take for text what is none."""
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value


def _read(value: str) -> str:
    if value == "-":
        return sys.stdin.read()
    return Path(value[1:]).read_text(encoding="utf-8") if value.startswith("@") else value
