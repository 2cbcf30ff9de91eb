"""Executing machine steps."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING

from workflows_core import commands as cmd
from workflows_core.context import WorkflowContext
from workflows_core.data import MAX_BYTES, Json, Patch, apply_patch, to_json
from workflows_core.errors import InvalidDataError, StorageError
from workflows_core.retry import as_seconds
from workflows_core.steps import BaseMachineStep
from workflows_core.user_code.calling import UserCodeError, call

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from workflows_core.graph import Node
    from workflows_core.instance import Instance, Token


async def execute(
    node: Node,
    instance: Instance,
    token: Token,
    now: Callable[[], datetime],
    session: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
) -> cmd.Command:
    """Execute a machine step and return the command that reports how it went.

    `session` opens what a transactional step writes with. What it wrote is sent when the step has ended well, and
    dropped when it has not; a storage that refuses it fails the step.

    Raises:
        StorageError: If the transaction of a transactional step cannot go on; it is no fault of the step.
    """
    step = node.step
    assert isinstance(step, BaseMachineStep)  # noqa: S101 - only these are ever started
    context = WorkflowContext(instance, step=node.name, token=token.id, attempt=token.attempt)
    try:
        if not await call("can_execute", step.can_execute, context):
            return cmd.SkipStep(at=now(), token=token.id, attempt=token.attempt)
        result = await _in_session(step, context, session)
        output = _output(step, context, result)
        return cmd.CompleteStep(
            at=now(), token=token.id, attempt=token.attempt, patch=_patch(instance, context), output=output
        )
    except UserCodeError as error:
        return error.as_command(token, now(), step.retry)


async def _in_session(
    step: BaseMachineStep,
    context: WorkflowContext,
    session: Callable[[], AbstractAsyncContextManager[object]],
) -> object:
    try:
        async with session() as context.session:
            return await _executed(step, context)
    except (StorageError, UserCodeError):
        raise
    except Exception as error:  # on the way out: what was written is refused
        raise UserCodeError("execute", error) from error


async def _executed(step: BaseMachineStep, context: WorkflowContext) -> object:
    try:
        result = await _in_time(step, context)
        await call("on_success", step.on_success, context, result)
    except UserCodeError as error:
        if isinstance(error.cause, Exception):
            await call("on_failure", step.on_failure, context, error.cause)
        raise
    return result


async def _in_time(step: BaseMachineStep, context: WorkflowContext) -> object:
    """Execute a step, and stop it when its time is up."""
    if step.timeout is None:
        return await call("execute", step.execute, context)
    seconds = as_seconds(step.timeout)
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await call("execute", step.execute, context)
    except TimeoutError as error:
        if not limit.expired():  # raised by the step itself
            raise
        late = TimeoutError(f"The step took longer than {seconds:g} seconds")
        raise UserCodeError("execute", late, timed_out=True) from error


def _output(step: BaseMachineStep, context: WorkflowContext, result: object) -> Json:
    try:
        output, _ = to_json(result, what=f"The result of step {step.name!r}")
    except InvalidDataError as error:
        raise UserCodeError("execute", error) from error
    if step.merge_output and isinstance(output, dict):
        for key, value in output.items():
            context.set(key, value)
    return output


def _patch(instance: Instance, context: WorkflowContext) -> Patch:
    try:
        patch = context.patch()
        if (
            patch.size + instance.saved_size + instance.unsaved_size > MAX_BYTES
        ):  # perhaps: sizes are added up
            to_json(
                apply_patch(instance.data, patch),
                what=f"The data with what step {context.current_step!r} wrote",
            )
    except InvalidDataError as error:
        raise UserCodeError("execute", error) from error
    return patch
