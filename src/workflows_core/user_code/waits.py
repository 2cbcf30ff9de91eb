"""Asking steps what they wait for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from workflows_core import commands as cmd
from workflows_core.context import WorkflowContext
from workflows_core.messages import WEBHOOK, sealed
from workflows_core.steps import MessageStep, TimerStep, WebhookStep
from workflows_core.user_code.answers import correlation_key, duration, moment, secret
from workflows_core.user_code.calling import UserCodeError, ask, call, option

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from workflows_core.graph import Node
    from workflows_core.instance import Instance, Token


async def set_timer(node: Node, instance: Instance, token: Token, at: datetime) -> cmd.Command:
    """Ask a timer for its moment and return the command that sets it, or reports the failure."""
    step = node.step
    assert isinstance(step, TimerStep)  # noqa: S101 - only these set timers
    context = WorkflowContext(instance, step=node.name, token=token.id)
    try:
        if step.until is not None:
            due_at = await option("until", step.until, context, moment)
        else:
            due_at = at + await option("duration", step.duration, context, duration)
        return cmd.SetTimer(at=at, token=token.id, due_at=due_at)
    except UserCodeError as error:
        return error.as_command(token, at)


async def await_message(node: Node, instance: Instance, token: Token, at: datetime) -> cmd.Command:
    """Ask a message step for its correlation key and return the command that lets it wait, or reports the failure."""
    step = node.step
    assert isinstance(step, MessageStep)  # noqa: S101 - only these wait for messages
    context = WorkflowContext(instance, step=node.name, token=token.id)
    try:
        key = await ask("get_correlation_key", step.get_correlation_key, context, correlation_key)
        due_at = await _end_of_patience(step.timeout, context, at)
    except UserCodeError as error:
        return error.as_command(token, at)
    return cmd.AwaitMessage(
        at=at, token=token.id, name=step.message or step.name, correlation_key=key, due_at=due_at
    )


async def await_call(
    node: Node, instance: Instance, token: Token, at: datetime, *, callback: str
) -> cmd.Command:
    """Tell a webhook step its callback and return the command that lets it wait, or reports the failure."""
    step = node.step
    assert isinstance(step, WebhookStep)  # noqa: S101 - only these wait for calls
    context = WorkflowContext(instance, step=node.name, token=token.id)
    try:
        await call("on_waiting", step.on_waiting, context, callback)
        due_at = await _end_of_patience(step.timeout, context, at)
    except UserCodeError as error:
        return error.as_command(token, at)
    return cmd.AwaitMessage(
        at=at, token=token.id, name=WEBHOOK, correlation_key=sealed(callback), due_at=due_at
    )


async def secret_of(node: Node, instance: Instance, token: Token) -> bytes:
    """Return the secret that calls of a webhook step are signed with.

    Raises:
        UserCodeError: If it cannot be had.
    """
    step = node.step
    assert isinstance(step, WebhookStep)  # noqa: S101 - only these are called
    context = WorkflowContext(instance, step=node.name, token=token.id)
    given = step.secret
    hook = given if callable(given) else lambda _: _from_environment(str(given))
    return await ask("secret", hook, context, secret)


def _from_environment(variable: str) -> str:
    if variable not in os.environ:
        raise LookupError(f"the environment variable {variable} is not set")
    return os.environ[variable]


async def _end_of_patience(
    patience: timedelta | float | None, context: WorkflowContext, at: datetime
) -> datetime | None:
    return None if patience is None else at + await option("timeout", patience, context, duration)
