"""Calling what users wrote: steps, hooks and conditions, and reading what they answer.

Everything that can go wrong in user code becomes a `UserCodeError` that names its origin, so that
the one who reads the incident knows where to look. Nothing here touches a storage: user code never
runs inside a transaction of the engine.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from workflows_core import commands as cmd
from workflows_core.context import WorkflowContext
from workflows_core.data import Json, to_json, to_object
from workflows_core.errors import InvalidDataError, NoPathError
from workflows_core.expressions import Expression, compile_expression
from workflows_core.instance import COMPLETED
from workflows_core.steps import BaseHumanStep, BaseMachineStep, ExclusiveGateway, InclusiveGateway

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from workflows_core.definitions import Edge
    from workflows_core.graph import Node
    from workflows_core.instance import Instance, Token

T = TypeVar("T")


class UserCodeError(Exception):
    """User code raised, or answered with something that cannot be used.

    Attributes:
        origin: Which piece of user code it was, such as `"execute"` or `"condition of edge a → b"`.
        cause: What it raised.
    """

    def __init__(self, origin: str, cause: BaseException) -> None:
        self.origin = origin
        self.cause = cause
        super().__init__(f"{origin}: {cause!r}")

    def as_command(self, token: Token, at: datetime) -> cmd.FailStep:
        """Report the failure of the token's step."""
        return cmd.FailStep(
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


async def call(origin: str, function: Callable[..., Awaitable[T] | T], *arguments: object) -> T:
    """Call a plain or async function.

    Raises:
        UserCodeError: With whatever it raised.
    """
    try:
        answer = function(*arguments)
        return await answer if inspect.isawaitable(answer) else answer  # type: ignore[return-value]
    except Exception as error:
        raise UserCodeError(origin, error) from error


# Machine steps


async def execute(node: Node, instance: Instance, token: Token, now: Callable[[], datetime]) -> cmd.Command:
    """Execute a machine step and return the command that reports how it went.

    Raises nothing but what is not an `Exception` (a cancellation, an exit of the process).
    """
    step = node.step
    assert isinstance(step, BaseMachineStep)  # noqa: S101 - only these are ever started
    context = WorkflowContext(instance, step=node.name, token=token.id, attempt=token.attempt)
    try:
        if not await call("can_execute", step.can_execute, context):
            return cmd.SkipStep(at=now(), token=token.id, attempt=token.attempt)
        result = await _executed(step, context)
        output = _output(step, context, result)
        return cmd.CompleteStep(
            at=now(), token=token.id, attempt=token.attempt, patch=_patch(context), output=output
        )
    except UserCodeError as error:
        return error.as_command(token, now())


async def _executed(step: BaseMachineStep, context: WorkflowContext) -> object:
    try:
        result = await call("execute", step.execute, context)
        await call("on_success", step.on_success, context, result)
    except UserCodeError as error:
        if isinstance(error.cause, Exception):
            await call("on_failure", step.on_failure, context, error.cause)
        raise
    return result


def _output(step: BaseMachineStep, context: WorkflowContext, result: object) -> Json:
    try:
        output, _ = to_json(result, what=f"The result of step {step.name!r}")
    except InvalidDataError as error:
        raise UserCodeError("execute", error) from error
    if step.merge_output and isinstance(output, dict):
        for key, value in output.items():
            context.set(key, value)
    return output


def _patch(context: WorkflowContext) -> Any:
    try:
        return context.patch()
    except InvalidDataError as error:
        raise UserCodeError("execute", error) from error


# Human steps


async def open_task(
    node: Node, instance: Instance, token: Token, *, at: datetime, task_id: UUID
) -> cmd.Command:
    """Ask the hooks of a human step and return the command that opens its task, or reports the failure."""
    step = node.step
    assert isinstance(step, BaseHumanStep)  # noqa: S101 - only these open tasks
    context = WorkflowContext(instance, step=node.name, token=token.id)
    try:
        return cmd.OpenTask(
            at=at,
            token=token.id,
            task_id=task_id,
            title=step.label,
            description=step.description,
            form_schema=None
            if step.form_schema is None
            else to_object(step.form_schema, what="form_schema")[0],
            outcomes=tuple(step.outcomes),
            assignee=await _ask("get_assignee", step.get_assignee, context, _name_or_none),
            assignee_group=await _ask("get_assignee_group", step.get_assignee_group, context, _name_or_none),
            candidate_users=await _ask("get_candidate_users", step.get_candidate_users, context, _names),
            candidate_groups=await _ask("get_candidate_groups", step.get_candidate_groups, context, _names),
            priority=await _ask("get_priority", step.get_priority, context, _whole_number),
            due_at=await _ask("get_due_date", step.get_due_date, context, _moment_or_none),
        )
    except UserCodeError as error:
        return error.as_command(token, at)


async def _ask(
    origin: str, hook: Callable[..., object], context: WorkflowContext, read: Callable[[object], T]
) -> T:
    answer = await call(origin, hook, context)
    try:
        return read(answer)
    except (TypeError, ValueError) as error:
        raise UserCodeError(origin, error) from error


def _name(answer: object) -> str:
    if not isinstance(answer, str):
        msg = f"expected the name of a user or group as text, got {type(answer).__name__}"
        raise TypeError(msg)
    if not answer or "\x00" in answer:
        msg = f"expected the name of a user or group, got {answer!r}"
        raise ValueError(msg)
    return answer


def _name_or_none(answer: object) -> str | None:
    return None if answer is None else _name(answer)


def _names(answer: object) -> tuple[str, ...]:
    if isinstance(answer, str) or not isinstance(answer, Iterable):
        msg = f"expected a list of names, got {type(answer).__name__}"
        raise TypeError(msg)
    return tuple(map(_name, sorted(answer) if isinstance(answer, set | frozenset) else answer))


def _whole_number(answer: object) -> int:
    if not isinstance(answer, int) or isinstance(answer, bool) or abs(answer) >= 2**31:
        msg = f"expected a whole number of 32 bits, got {answer!r}"
        raise TypeError(msg)
    return answer


def _moment_or_none(answer: object) -> datetime | None:
    if answer is None:
        return None
    if not isinstance(answer, datetime) or answer.tzinfo is None:
        msg = f"expected a datetime with a time zone, got {answer!r}"
        raise TypeError(msg)
    return answer.astimezone(UTC)


# Ways out


async def choose(node: Node, instance: Instance, token: Token, at: datetime) -> cmd.Command:
    """Ask gateways and conditions where a leaving token goes; return the command that takes it there.

    A condition that raises, and a step that nothing leads out of although it has ways out, fail the
    step: none of them ever counts as true.
    """
    context = WorkflowContext(instance, step=node.name, token=token.id)
    try:
        targets = await _targets(node, token.exit or COMPLETED, context, instance)
        return cmd.Leave(at=at, token=token.id, targets=targets)
    except UserCodeError as error:
        return error.as_command(token, at)


async def _targets(node: Node, exit_: str, context: WorkflowContext, instance: Instance) -> tuple[str, ...]:
    candidates = node.route(exit_).candidates
    step = node.step
    if isinstance(step, ExclusiveGateway | InclusiveGateway) and step.condition is not None:
        answer = await call(f"condition of gateway {node.name!r}", step.condition, context)
        return _named(node, answer, candidates, several=isinstance(step, InclusiveGateway))
    first_only = isinstance(step, ExclusiveGateway)
    conditional, plain = [], []
    for edge in candidates:
        if edge.default:
            continue
        if edge.condition is None and edge.on is None and not first_only:
            plain.append(edge.target)
        elif not (first_only and conditional) and await _holds(edge, context, instance):
            conditional.append(edge.target)
    if not conditional:
        conditional = [edge.target for edge in candidates if edge.default]
    chosen = (*plain, *conditional)
    if not chosen:
        detail = f"it ended with {exit_!r}, and no edge for that holds; add a default edge or a condition that covers it"
        raise UserCodeError("the edges", NoPathError(node.name, detail))
    return chosen


def _named(node: Node, answer: object, candidates: tuple[Edge, ...], *, several: bool) -> tuple[str, ...]:
    """Read the answer of a gateway's condition: a name, or several."""
    origin = f"condition of gateway {node.name!r}"
    if several and (isinstance(answer, str) or not isinstance(answer, Iterable)):
        raise UserCodeError(origin, TypeError(f"expected a list of step names, got {answer!r}"))
    names = list(answer) if several else [answer]  # type: ignore[call-overload]
    known = [edge.target for edge in candidates]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        detail = f"it chose {', '.join(map(repr, unknown)) or 'nothing'}; its edges lead to {', '.join(map(repr, known))}"
        raise UserCodeError(origin, NoPathError(node.name, detail))
    return tuple(target for target in dict.fromkeys(known) if target in names)


async def _holds(edge: Edge, context: WorkflowContext, instance: Instance) -> bool:
    if edge.condition is None:
        return True
    origin = f"condition of edge {edge.source!r} → {edge.target!r}"
    if isinstance(edge.condition, str):
        names = {**instance.data, "tasks": dict(instance.forms)}
        return bool(await call(origin, _compiled(edge.condition).evaluate, names))
    return bool(await call(origin, edge.condition, context))


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Expression:
    return compile_expression(text)
