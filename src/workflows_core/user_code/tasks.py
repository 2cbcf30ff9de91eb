"""Asking human steps what their tasks are, and who decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows_core import commands as cmd
from workflows_core.context import WorkflowContext
from workflows_core.data import to_object
from workflows_core.deadlines import alarms_for, due_from
from workflows_core.quorum import Seat
from workflows_core.steps import BaseHumanStep, DecisionStep
from workflows_core.user_code.answers import deciders, moment_or_none, name_or_none, names, whole_number
from workflows_core.user_code.calling import UserCodeError, ask

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from workflows_core.data import JsonObject
    from workflows_core.deadlines import Alarm
    from workflows_core.graph import Node
    from workflows_core.instance import Instance, Token


async def open_task(
    node: Node, instance: Instance, token: Token, *, at: datetime, task_id: UUID
) -> cmd.Command:
    """Ask the hooks of a human step and return the command that opens its task, or reports the failure."""
    step = node.step
    assert isinstance(step, BaseHumanStep)  # noqa: S101 - only these open tasks
    context = WorkflowContext(instance, step=node.name, token=token.id)
    try:
        due_at, alarms = await _deadlines(step, context, at)
        return cmd.OpenTask(
            at=at,
            token=token.id,
            task_id=task_id,
            title=step.label,
            description=step.description,
            form_schema=_form(step),
            outcomes=tuple(step.outcomes),
            assignee=await ask("get_assignee", step.get_assignee, context, name_or_none),
            assignee_group=await ask("get_assignee_group", step.get_assignee_group, context, name_or_none),
            candidate_users=await ask("get_candidate_users", step.get_candidate_users, context, names),
            candidate_groups=await ask("get_candidate_groups", step.get_candidate_groups, context, names),
            priority=await ask("get_priority", step.get_priority, context, whole_number),
            due_at=due_at,
            alarms=alarms,
        )
    except UserCodeError as error:
        return error.as_command(token, at)


async def open_decision(
    node: Node, instance: Instance, token: Token, *, at: datetime, new_id: Callable[[], UUID]
) -> cmd.Command:
    """Ask a decision by several who decides; return the command that opens it, or reports the failure."""
    step = node.step
    assert isinstance(step, DecisionStep)  # noqa: S101 - only these have deciders
    context = WorkflowContext(instance, step=node.name, token=token.id)
    try:
        named = await ask("get_deciders", step.get_deciders, context, deciders)
        due_at, alarms = await _deadlines(step, context, at)
        task = cmd.OpenTask(
            at=at,
            token=token.id,
            task_id=new_id(),
            title=step.label,
            description=step.description,
            form_schema=_form(step),
            priority=await ask("get_priority", step.get_priority, context, whole_number),
            due_at=due_at,
            alarms=alarms,
        )
    except UserCodeError as error:
        return error.as_command(token, at)
    seats = tuple(
        Seat(
            name=each.name,
            is_group=each.is_group,
            weight=step.quorum.weights.get(each.name, 1) if each.weight is None else each.weight,
            task_id=new_id(),
        )
        for each in named
    )
    return cmd.OpenDecision(at=at, token=token.id, seats=seats, task=task)


async def _deadlines(
    step: BaseHumanStep, context: WorkflowContext, at: datetime
) -> tuple[datetime | None, tuple[Alarm, ...]]:
    """Ask when a task is due, and return that with what happens before and after it."""
    due_at = await ask("get_due_date", step.get_due_date, context, moment_or_none)
    reminder_at = await ask("get_reminder_date", step.get_reminder_date, context, moment_or_none)
    origin = "due"
    try:
        due_at = due_from(step, at) if due_at is None else due_at
        origin = "escalation"
        return due_at, alarms_for(step, at, due_at, reminder_at)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserCodeError(origin, error) from error


def _form(step: BaseHumanStep) -> JsonObject | None:
    return None if step.form_schema is None else to_object(step.form_schema, what="form_schema")[0]
