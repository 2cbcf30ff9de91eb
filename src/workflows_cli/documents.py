"""What `--json` writes: one shape for each kind of thing, with the names of the REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows_cli.printing import moment_json
from workflows_core.ports import InstanceSummary
from workflows_core.serialization import shown_events

if TYPE_CHECKING:
    from workflows_core.data import JsonObject
    from workflows_core.engine import Record
    from workflows_core.explanation import InstanceExplanation
    from workflows_core.history import StepExecution
    from workflows_core.instance import Instance
    from workflows_core.tasks import Task
    from workflows_core.transition import HistoryEntry


def of_instance(instance: Instance | InstanceSummary) -> JsonObject:
    """Write what lists tell of an instance."""
    return {
        "id": str(instance.id),
        "definition_name": instance.definition_name,
        "definition_version": instance.definition_version,
        "status": str(instance.status),
        "current_step": instance.current_step,
        "revision": instance.revision,
        "started_at": moment_json(instance.started_at),
        "updated_at": moment_json(instance.updated_at),
        "completed_at": moment_json(instance.completed_at),
        "created_by": instance.created_by,
        "tenant_id": instance.tenant_id,
        "correlation_id": instance.correlation_id,
        "error": error_of(instance),
    }


def of_record(record: Record, explanation: InstanceExplanation) -> JsonObject:
    """Write an instance with its data, its open tasks, and what was done in it."""
    instance = record.instance
    return {
        **of_instance(instance),
        "current_steps": list(instance.current_steps),
        "cancel_reason": instance.cancel_reason,
        "suspend_reason": instance.suspend_reason,
        "context_data": instance.data,
        "metadata": instance.metadata,
        "tasks": [of_task(task) for task in instance.tasks.values()],
        "step_history": [of_execution(each) for each in record.step_executions],
        "explanation": list(explanation.sentences),
    }


def error_of(instance: Instance | InstanceSummary) -> str | None:
    """Say what failed in an instance, and where it is known; `None` if nothing did."""
    if isinstance(instance, InstanceSummary):
        return instance.error
    return "; ".join(f"{step}: {failure}" for step, failure in instance.failures) or None


def of_execution(execution: StepExecution) -> JsonObject:
    """Write one execution of a step."""
    return {
        "step_name": execution.step_name,
        "status": str(execution.status),
        "started_at": moment_json(execution.started_at),
        "completed_at": moment_json(execution.completed_at),
        "attempt": execution.attempt,
        "outcome": execution.outcome,
        "completed_by": execution.completed_by,
        "output": execution.output,
        "error": None if execution.error is None else str(execution.error),
    }


def of_entry(entry: HistoryEntry) -> JsonObject:
    """Write a transition; what somebody has put aside as a draft is left out."""
    return {
        "revision": entry.revision,
        "at": moment_json(entry.at),
        "actor": entry.actor,
        "events": [*shown_events(entry.events)],
    }


def of_task(task: Task) -> JsonObject:
    """Write a task."""
    return {
        "id": str(task.id),
        "instance_id": str(task.instance_id),
        "workflow_name": task.definition_name,
        "step_name": task.step_name,
        "title": task.title,
        "description": task.description,
        "status": str(task.status),
        "state": str(task.state),
        "assignee": task.assignee,
        "assignee_group": task.assignee_group,
        "candidate_users": list(task.candidate_users),
        "candidate_groups": list(task.candidate_groups),
        "priority": task.priority,
        "created_at": moment_json(task.created_at),
        "due_date": moment_json(task.due_at),
        "follow_up_date": moment_json(task.follow_up_at),
        "form_schema": task.form_schema,
        "outcomes": list(task.outcomes),
        "revision": task.revision,
        "requires_revision": task.requires_revision,
        "completed_at": moment_json(task.completed_at),
        "completed_by": task.completed_by,
        "outcome": task.outcome,
        "output_data": task.form_data,
        "comment": task.comment,
        "closed_reason": task.closed_reason,
        "tenant_id": task.tenant_id,
    }
