"""What was refused, told to people: every problem on a line of its own, and what to do next; and told to programs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import IO, Any, Final

import click

from workflows_cli.printing import clean, json_text, note
from workflows_core.errors import (
    DefinitionNotFoundError,
    FormValidationError,
    InstanceNotFoundError,
    TaskNotFoundError,
)

_NEXT: Final[Mapping[type[Exception], str]] = MappingProxyType(
    {
        DefinitionNotFoundError: "Does --app name the application that has it?",
        InstanceNotFoundError: "`workflows instances` lists those that there are.",
        TaskNotFoundError: "`workflows tasks` lists those that are open.",
    }
)


class RefusedForPrograms(click.ClickException):
    """What a command ended with, as one line of JSON: other messages may stand before it."""

    def __init__(self, error: click.ClickException) -> None:
        super().__init__(error.format_message())
        self.exit_code = error.exit_code  # type: ignore[misc]  # click asks the instance

    def show(self, file: IO[Any] | None = None) -> None:
        """Write it to standard error."""
        note(json_text({"error": self.message}, indent=None))


def told(error: Exception) -> str:
    """Tell an error."""
    if isinstance(error, FormValidationError) and len(error.problems) > 1:
        lines = [f"  {problem.pointer or '/'}: {clean(problem.detail)}" for problem in error.problems]
        return "\n".join(["The data is not valid:", *lines])
    following = _NEXT.get(type(error))
    return str(error) if following is None else f"{error} {following}"
