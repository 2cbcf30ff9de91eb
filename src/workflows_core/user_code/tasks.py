"""Asking human steps what their tasks are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows_core import commands as cmd
from workflows_core.context import WorkflowContext
from workflows_core.data import to_object
from workflows_core.steps import BaseHumanStep
from workflows_core.user_code.answers import moment_or_none, name_or_none, names, whole_number
from workflows_core.user_code.calling import UserCodeError, ask

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

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
            assignee=await ask("get_assignee", step.get_assignee, context, name_or_none),
            assignee_group=await ask("get_assignee_group", step.get_assignee_group, context, name_or_none),
            candidate_users=await ask("get_candidate_users", step.get_candidate_users, context, names),
            candidate_groups=await ask("get_candidate_groups", step.get_candidate_groups, context, names),
            priority=await ask("get_priority", step.get_priority, context, whole_number),
            due_at=await ask("get_due_date", step.get_due_date, context, moment_or_none),
        )
    except UserCodeError as error:
        return error.as_command(token, at)
