"""Examples of what people send and read, for the OpenAPI document: all of them are about one expense."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from workflows_litestar import (
    definition_answers,
    dto,
    explanations,
    histories,
    instance_requests,
    messages,
    statistics,
    substitutions,
    task_answers,
    task_requests,
)

Example = Mapping[str, Any]

_INSTANCE_ID: Final = "550e8400-e29b-41d4-a716-446655440000"
_TASK_ID: Final = "660e8400-e29b-41d4-a716-446655440001"
_BEGUN: Final = "2026-11-25T10:30:00Z"
_OPENED: Final = "2026-11-25T10:30:01Z"
_DECIDED: Final = "2026-11-25T14:05:12Z"
_DUE: Final = "2026-11-26T10:30:00Z"
_FORM: Final[Example] = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean", "title": "Approve?"},
        "comments": {"type": "string", "title": "Comments"},
    },
    "required": ["approved"],
}
_FILLED_IN: Final[Example] = {"approved": True, "comments": "Approved for Q4 budget"}
_INPUT: Final[Example] = {"requester": "alice@example.com", "amount": 2500.0}

_DEFINITION: Final[Example] = {
    "name": "expense_approval",
    "version": "1.0.0",
    "description": "Multi-level expense approval workflow",
    "steps": ["submit", "manager_approval", "process"],
    "edges": [
        {"source": "submit", "target": "manager_approval", "condition": None},
        {"source": "manager_approval", "target": "process", "condition": None},
    ],
    "initial_step": "submit",
    "terminal_steps": ["process"],
}
_INSTANCE: Final[Example] = {
    "id": _INSTANCE_ID,
    "definition_name": "expense_approval",
    "status": "waiting",
    "current_step": "manager_approval",
    "started_at": _BEGUN,
    "completed_at": None,
    "created_by": "alice@example.com",
    "definition_version": "1.0.0",
    "revision": 2,
    "updated_at": _OPENED,
    "tenant_id": None,
    "correlation_id": "INV-2026-0815",
}
_EXECUTION: Final[Example] = {
    "id": "3f1c7a52-5a0e-5b41-9d5e-2f6f0c3f7b10",
    "step_name": "submit",
    "status": "succeeded",
    "started_at": _BEGUN,
    "completed_at": _OPENED,
    "error": None,
    "attempt": 1,
    "outcome": None,
    "completed_by": None,
    "output": None,
}
_TASK: Final[Example] = {
    "id": _TASK_ID,
    "instance_id": _INSTANCE_ID,
    "step_name": "manager_approval",
    "title": "Manager Approval",
    "description": "Review and approve expense request",
    "assignee": "manager@example.com",
    "status": "pending",
    "due_date": _DUE,
    "created_at": _OPENED,
    "form_schema": _FORM,
    "assignee_group": None,
    "candidate_users": [],
    "candidate_groups": ["managers"],
    "priority": 0,
    "outcomes": ["approve", "reject"],
    "outcome": None,
    "output_data": None,
    "comment": None,
    "completed_by": None,
    "completed_at": None,
    "workflow_name": "expense_approval",
    "state": "assigned",
    "revision": 2,
    "requires_revision": False,
    "owner": None,
    "follow_up_date": None,
    "tenant_id": None,
    "on_behalf_of": None,
    "closed_reason": None,
}
_DONE: Final[Example] = {
    **_TASK,
    "status": "completed",
    "state": "completed",
    "outcome": "approve",
    "output_data": _FILLED_IN,
    "completed_by": "manager@example.com",
    "completed_at": _DECIDED,
}
_SUBSTITUTION: Final[Example] = {
    "absent": "manager@example.com",
    "substitute": "deputy@example.com",
    "since": "2026-12-01T00:00:00Z",
    "until": "2026-12-15T00:00:00Z",
    "definitions": ["expense_approval"],
    "groups": [],
}
_MESSAGE: Final[Example] = {"payload": {"paid": True}, "message_id": "payment-4711", "ttl_seconds": 3600}
_WAIT_SENTENCE: Final = "'Manager Approval' waits for manager@example.com."

EXAMPLES: Final[Mapping[type, Example]] = MappingProxyType(
    {
        # Requests
        dto.StartWorkflowDTO: {
            "definition_name": "expense_approval",
            "input_data": _INPUT,
            "correlation_id": "INV-2026-0815",
        },
        dto.CompleteTaskDTO: {"output_data": _FILLED_IN, "outcome": "approve"},
        dto.ReassignTaskDTO: {
            "new_assignee": "other-manager@example.com",
            "reason": "Original assignee on vacation",
        },
        task_requests.ReasonDTO: {"reason": "The invoice is missing"},
        task_requests.DelegateTaskDTO: {"to": "controller@example.com", "reason": "Check the receipts"},
        task_requests.ResolveTaskDTO: {"comment": "The receipts are complete"},
        task_requests.RequestInformationDTO: {
            "question": "Which project pays for it?",
            "of": "alice@example.com",
        },
        task_requests.AnswerDTO: {"answer": "Project Orion"},
        task_requests.CommentDTO: {"text": "Same conference as last year"},
        task_requests.DraftDTO: {"data": {"comments": "To be discussed"}},
        task_requests.UpdateTaskDTO: {"due_date": "2026-12-01T09:00:00+01:00", "priority": 5},
        task_requests.BulkTasksDTO: {
            "action": "complete",
            "task_ids": [_TASK_ID],
            "output_data": _FILLED_IN,
            "outcome": "approve",
            "revisions": {_TASK_ID: 2},
        },
        instance_requests.SkipStepDTO: {
            "step": "manager_approval",
            "reason": "Approved by telephone",
            "outcome": "approve",
        },
        instance_requests.MoveInstanceDTO: {"target": "submit", "reason": "Submitted with a wrong amount"},
        messages.SendMessageDTO: _MESSAGE,
        messages.PublishMessageDTO: {**_MESSAGE, "name": "payment", "correlation_key": "INV-2026-0815"},
        substitutions.AddSubstitutionDTO: _SUBSTITUTION,
        # Answers
        dto.WorkflowDefinitionDTO: _DEFINITION,
        dto.WorkflowGraphDTO: {
            "mermaid_source": "graph TD\n    submit[Submit]\n    process[Process]\n    submit --> process",
            "nodes": [
                {
                    "id": name,
                    "label": name.title(),
                    "type": "machine",
                    "is_initial": name == "submit",
                    "is_terminal": name == "process",
                    "state": "none",
                }
                for name in ("submit", "process")
            ],
            "edges": [{"source": "submit", "target": "process", "label": "", "is_taken": False}],
        },
        dto.WorkflowInstanceDTO: _INSTANCE,
        dto.WorkflowInstanceDetailDTO: {
            **_INSTANCE,
            "context_data": _INPUT,
            "metadata": {},
            "step_history": [_EXECUTION],
            "error": None,
            "current_steps": ["manager_approval"],
            "cancel_reason": None,
            "suspend_reason": None,
        },
        dto.HumanTaskDTO: _TASK,
        task_answers.TaskDetailDTO: {
            **_TASK,
            "data": _INPUT,
            "draft": {"comments": "To be discussed"},
            "thread": [
                {
                    "at": _DECIDED,
                    "kind": "comment",
                    "text": "Same conference as last year",
                    "by": "manager@example.com",
                    "on_behalf_of": None,
                    "to": None,
                }
            ],
            "question": None,
        },
        task_answers.CompletedTaskDTO: {
            **_DONE,
            "next_task": None,
            "instance": {**_INSTANCE, "status": "running", "current_step": "process", "revision": 3},
        },
        task_answers.BulkAnswerDTO: {"task_id": _TASK_ID, "task": _DONE, "problem": None},
        histories.HistoryEntryDTO: {
            "revision": 3,
            "at": _DECIDED,
            "actor": "manager@example.com",
            "events": [{"event": "TaskCompleted", "task_id": _TASK_ID, "outcome": "approve"}],
        },
        explanations.InstanceExplanationDTO: {
            "instance_id": _INSTANCE_ID,
            "status": "waiting",
            "summary": _WAIT_SENTENCE,
            "waits": [
                {
                    "reason": "task",
                    "step": "manager_approval",
                    "title": "Manager Approval",
                    "since": _OPENED,
                    "until": _DUE,
                    "who": ["manager@example.com"],
                    "tasks": [_TASK_ID],
                    "sentence": _WAIT_SENTENCE,
                }
            ],
            "is_known": True,
            "sentences": [_WAIT_SENTENCE],
        },
        explanations.TaskExplanationDTO: {
            "task_id": _TASK_ID,
            "summary": "With manager@example.com since 25 November, due on 26 November.",
            "since": _OPENED,
            "until": _DUE,
            "is_overdue": False,
            "who": ["manager@example.com"],
            "actions": [
                {"action": "complete", "allowed": True, "reason": "You have it.", "on_behalf_of": None}
            ],
            "consequences": [
                {
                    "outcome": "approve",
                    "leads_to": [
                        {
                            "step": "process",
                            "title": "Process",
                            "is_certain": True,
                            "depends_on": [],
                            "waits": False,
                        }
                    ],
                    "sentence": "With 'approve' it goes on to 'Process'.",
                }
            ],
            "sentences": ["It is with manager@example.com."],
        },
        definition_answers.DefinitionProblemDTO: {
            "code": "no-default-edge",
            "severity": "warning",
            "path": "/edges/1",
            "step": "submit",
            "detail": "Every edge out of 'submit' has a condition: if none holds, the step fails.",
            "hint": "Give one of them default=True.",
        },
        definition_answers.DefinitionSchemaDTO: {
            "name": "expense_approval",
            "version": "1.0.0",
            "input_schema": {"type": "object", "required": ["amount"]},
            "forms": [
                {
                    "step": "manager_approval",
                    "title": "Manager Approval",
                    "description": "Review and approve expense request",
                    "form_schema": _FORM,
                    "outcomes": ["approve", "reject"],
                }
            ],
            "searchable": ["requester"],
        },
        messages.ReceiptDTO: {
            "message_id": "payment-4711",
            "instance_id": _INSTANCE_ID,
            "is_delivered": True,
            "expires_at": _DUE,
        },
        messages.CallReceiptDTO: {"is_delivered": True},
        substitutions.SubstitutionDTO: {
            **_SUBSTITUTION,
            "id": "770e8400-e29b-41d4-a716-446655440002",
            "tenant_id": None,
            "created_at": _DECIDED,
            "created_by": "manager@example.com",
        },
        statistics.StatisticsDTO: {
            "at": _DECIDED,
            "instances": {"waiting": 3, "completed": 40},
            "workflows": [
                {
                    "definition_name": "expense_approval",
                    "definition_version": "1.0.0",
                    "is_known": True,
                    "instances": {"waiting": 3, "completed": 40},
                    "oldest_started_at": _BEGUN,
                }
            ],
            "oldest_instance_started_at": _BEGUN,
            "open_tasks": 3,
            "overdue_tasks": 1,
            "oldest_task_created_at": _OPENED,
            "unknown_versions": [],
        },
        statistics.HealthDTO: {"runners": 2},
    }
)
"""A class of requests or answers to an example of it, as JSON."""


def _problem(status: int, kind: str, title: str, detail: str, **more: Any) -> Example:
    type_ = f"urn:workflows:problem:{kind}" if kind else "about:blank"
    return {"type": type_, "title": title, "status": status, "detail": detail, **more}


_MISSING: Final = "This field is required."
PROBLEMS: Final[Mapping[int, Example]] = MappingProxyType(
    {
        each["status"]: each
        for each in (
            _problem(
                400,
                "invalid-request",
                "The request is not valid",
                f"/output_data/approved: {_MISSING}",
                errors=[{"detail": _MISSING, "pointer": "/output_data/approved"}],
            ),
            _problem(401, "", "Unauthorized", "Sign in: it is not known who sent this request."),
            _problem(403, "not-permitted", "Not permitted", "You may not do this: it is for operators."),
            _problem(404, "task-not-found", "No such task", f"There is no task {_TASK_ID}."),
            _problem(
                409,
                "task-already-claimed",
                "Somebody holds the task already",
                "Somebody holds the task already: deputy@example.com.",
            ),
            _problem(
                412,
                "stale-task",
                "The task has changed",
                "The task has changed since revision 2 was seen.",
                revision=3,
                changes=[{"pointer": "/data/amount", "old": 2500.0, "new": 2750.0}],
            ),
            _problem(
                413, "", "Request Entity Too Large", "The body is larger than the limit of 2097152 bytes."
            ),
            _problem(
                415, "", "Unsupported Media Type", "Send the body as application/json, not as text/plain."
            ),
            _problem(
                422,
                "idempotency-key-reused",
                "The idempotency key came with another request",
                "The key was used for another request: take a new one.",
            ),
            _problem(
                428,
                "revision-required",
                "The revision that was seen is required",
                "Quote the revision of the task that you have seen.",
                revision=3,
            ),
            _problem(
                503,
                "storage-unavailable",
                "The storage is not available",
                "The storage cannot be used at the moment; try again later.",
            ),
        )
    }
)
"""Status to an example of a problem with it, as JSON."""
