"""Calling what users wrote, and reading what they answer."""

from __future__ import annotations

import inspect
import random
from types import CoroutineType
from typing import TYPE_CHECKING, Final, TypeVar

from workflows_core import commands as cmd

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from workflows_core.context import WorkflowContext
    from workflows_core.instance import Token
    from workflows_core.retry import RetryPolicy

T = TypeVar("T")


class UserCodeError(Exception):
    """User code raised, took too long, or answered with something that cannot be used.

    Attributes:
        origin: Which piece of user code it was, such as `"execute"` or `"condition of edge a → b"`.
        cause: What it raised.
        timed_out: Whether it was stopped because it took too long.
    """

    def __init__(self, origin: str, cause: BaseException, *, timed_out: bool = False) -> None:
        self.origin = origin
        self.cause = cause
        self.timed_out = timed_out
        super().__init__(f"{origin}: {cause!r}")

    def as_command(self, token: Token, at: datetime, retry: RetryPolicy | None = None) -> cmd.FailStep:
        """Report the failure of the token's step."""
        return cmd.FailStep(
            retryable=retry is not None and not retry.gives_up_on(self.cause),
            timed_out=self.timed_out,
            chance=random.random(),  # noqa: S311 - spreads retries, guards nothing
            at=at,
            token=token.id,
            attempt=token.attempt,
            error_type=type(self.cause).__name__,
            message=_storable(str(self.cause) or repr(self.cause)),
            origin=self.origin,
        )


_MESSAGE_LIMIT = 4000


def _storable(message: str) -> str:
    """Shorten an error's message, and leave out what no database can keep."""
    text = message.encode(errors="replace").decode().replace("\x00", "�")
    return text if len(text) <= _MESSAGE_LIMIT else text[:_MESSAGE_LIMIT] + "…"


_PLAIN: Final = frozenset({bool, int, str, tuple, list, dict})
"""What hooks mostly answer: to ask of it whether it can be awaited takes ten times as long."""


async def call(origin: str, function: Callable[..., object], *arguments: object) -> object:
    """Call a plain or async function and return its answer.

    Raises:
        UserCodeError: With whatever it raised.
    """
    try:
        answer = function(*arguments)
        if answer is None or type(answer) in _PLAIN:
            return answer
        if type(answer) is CoroutineType or inspect.isawaitable(answer):
            return await answer
        return answer
    except Exception as error:
        raise UserCodeError(origin, error) from error


async def option(origin: str, given: object, context: WorkflowContext, read: Callable[[object], T]) -> T:
    """Return an option that may be a value or a function of the context."""
    hook = given if callable(given) else lambda _: given
    return await ask(origin, hook, context, read)


async def ask(
    origin: str, hook: Callable[..., object], context: WorkflowContext, read: Callable[[object], T]
) -> T:
    """Ask a hook and read its answer.

    Raises:
        UserCodeError: If it raised, or answered with what `read` refuses.
    """
    answer = await call(origin, hook, context)
    try:
        return read(answer)
    except (TypeError, ValueError) as error:
        raise UserCodeError(origin, error) from error
