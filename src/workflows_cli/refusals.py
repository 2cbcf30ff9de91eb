"""What was refused, told to people: every problem on a line of its own, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from workflows_cli.printing import clean
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


def told(error: Exception) -> str:
    """Tell an error."""
    if isinstance(error, FormValidationError) and len(error.problems) > 1:
        lines = [f"  {problem.pointer or '/'}: {clean(problem.detail)}" for problem in error.problems]
        return "\n".join(["The data is not valid:", *lines])
    following = _NEXT.get(type(error))
    return str(error) if following is None else f"{error} {following}"
