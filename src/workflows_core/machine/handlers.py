"""Tables of functions by the kind of command they decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from workflows_core.commands import Command
    from workflows_core.machine.decision import Decision

C = TypeVar("C")
Handler: TypeAlias = "Callable[[Decision, Command], None]"
Handlers: TypeAlias = dict[type, Handler]


def deciding(
    handlers: Handlers, kind: type[C]
) -> Callable[[Callable[[Decision, C], None]], Callable[[Decision, C], None]]:
    """Enter a function into a table, as the one that decides this kind of command."""

    def enter(function: Callable[[Decision, C], None]) -> Callable[[Decision, C], None]:
        handlers[kind] = cast("Handler", function)
        return function

    return enter
