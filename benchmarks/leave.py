"""Asking for leave: the least that has a start, a person and an end; and for a journey, where machines act as well."""

from __future__ import annotations

from typing import Any, Final

from benchmarks.candidates import Note
from workflows_core import BaseHumanStep, Edge, WorkflowDefinition

FORM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean", "title": "Approve?"},
        "remark": {"type": "string", "title": "What else there is to say"},
    },
    "required": ["approved"],
}


def decide() -> BaseHumanStep:
    return BaseHumanStep(
        "decide",
        "Decide about leave",
        "Look at the calendar of the team first.",
        form_schema=FORM,
        assignee_key="decider",
    )


LEAVE: Final = WorkflowDefinition(
    name="leave", steps=[decide()], edges=[], initial_step="decide", terminal_steps=["decide"]
)
JOURNEY: Final = WorkflowDefinition(
    name="journey",
    steps=[Note("calculate"), decide(), Note("book"), Note("tell")],
    edges=[Edge("calculate", "decide"), Edge("decide", "book"), Edge("book", "tell")],
    initial_step="calculate",
    terminal_steps=["tell"],
)
