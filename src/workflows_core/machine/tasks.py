"""Commands about human tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.errors import InvalidOutcomeError
from workflows_core.machine.handlers import Handlers, deciding

if TYPE_CHECKING:
    from workflows_core.machine.decision import Decision

DECIDE: Final[Handlers] = {}


@deciding(DECIDE, cmd.OpenTask)
def _open_task(decision: Decision, command: cmd.OpenTask) -> None:
    token = decision.token(command.token, "TaskOpened", "open the task")
    decision.emit(
        ev.TaskOpened(
            at=command.at,
            token=token.id,
            task_id=command.task_id,
            step=token.step,
            title=command.title,
            description=command.description,
            form_schema=command.form_schema,
            outcomes=command.outcomes,
            assignee=command.assignee,
            assignee_group=command.assignee_group,
            candidate_users=command.candidate_users,
            candidate_groups=command.candidate_groups,
            priority=command.priority,
            due_at=command.due_at,
        )
    )


@deciding(DECIDE, cmd.CompleteTask)
def _complete_task(decision: Decision, command: cmd.CompleteTask) -> None:
    task = decision.task(command.task_id, "TaskCompleted", "complete the task")
    decision.token(task.token, "TaskCompleted", "complete the task")
    if command.outcome not in (task.outcomes or (None,)):
        raise InvalidOutcomeError(f"Task {task.id}", command.outcome, task.outcomes)
    decision.emit(
        ev.TaskCompleted(
            at=command.at,
            task_id=task.id,
            token=task.token,
            step=task.step_name,
            data=command.data,
            size=command.size,
            outcome=command.outcome,
            by=command.actor,
            comment=command.comment,
        )
    )


@deciding(DECIDE, cmd.ReassignTask)
def _reassign_task(decision: Decision, command: cmd.ReassignTask) -> None:
    task = decision.task(command.task_id, "TaskReassigned", "reassign the task")
    decision.emit(
        ev.TaskReassigned(at=command.at, task_id=task.id, assignee=command.assignee, reason=command.reason)
    )
