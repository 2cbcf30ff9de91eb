"""Asking for leave: the least that has a start, a person and an end."""

from __future__ import annotations

from typing import Any, Final

from workflows_core import BaseHumanStep, WorkflowDefinition

FORM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean", "title": "Approve?"},
        "remark": {"type": "string", "title": "What else there is to say"},
    },
    "required": ["approved"],
}
LEAVE: Final = WorkflowDefinition(
    name="leave",
    steps=[
        BaseHumanStep(
            "decide",
            "Decide about leave",
            "Look at the calendar of the team first.",
            form_schema=FORM,
            assignee_key="decider",
        )
    ],
    edges=[],
    initial_step="decide",
    terminal_steps=["decide"],
)
