"""The workflow whose answers the guide prints, and its neighbours."""

from datetime import datetime, timedelta
from typing import Any

from workflows_core.steps import TimerStep, WebhookStep
from workflows_litestar import (
    BaseHumanStep,
    BaseMachineStep,
    Edge,
    ExclusiveGateway,
    Workflow,
    WorkflowContext,
)

MANAGER = "manager@example.com"
FORM = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean", "title": "Approve?"},
        "comments": {"type": "string", "title": "Comments"},
    },
    "required": ["approved"],
}


class Submit(BaseMachineStep):
    name = "submit"

    async def execute(self, context: WorkflowContext) -> Any:
        context.set("submitted", True)  # noqa: FBT003 - as the guide writes it


class ManagerApproval(BaseHumanStep):
    name = "manager_approval"
    title = "Manager Approval"
    description = "Review and approve expense request"
    form_schema = FORM
    assignee_group = "managers"

    def get_assignee(self, context: WorkflowContext) -> str | None:
        return MANAGER

    def get_due_date(self, context: WorkflowContext) -> datetime | None:
        return context.started_at + timedelta(days=1)


class FinanceApproval(BaseHumanStep):
    name = "finance_approval"
    form_schema = FORM


class Process(BaseMachineStep):
    name = "process"

    async def execute(self, context: WorkflowContext) -> Any:
        context.set("processed", context.get("approved"))


class ExpenseApproval(Workflow):
    __workflow_name__ = "expense_approval"
    __workflow_version__ = "1.0.0"
    __workflow_description__ = "Multi-level expense approval workflow"

    steps = (Submit, ManagerApproval, FinanceApproval, Process)
    edges = (
        Edge("submit", "manager_approval"),
        Edge("manager_approval", "finance_approval"),
        Edge("finance_approval", "process"),
    )
    initial_step = "submit"
    terminal_steps = ("process",)


class SpelledOut(ExpenseApproval):
    """The guide prints two answers to one request: in the later one the first step is called "Submit Request"."""

    __workflow_name__ = "expense_approval"

    steps = (Submit(title="Submit Request"), ManagerApproval, FinanceApproval, Process)


class Late(ManagerApproval):
    def get_due_date(self, context: WorkflowContext) -> datetime | None:
        return context.started_at - timedelta(hours=3)


class LateApproval(ExpenseApproval):
    """Its manager is late from the beginning."""

    __workflow_name__ = "late_approval"

    steps = (Submit, Late, FinanceApproval, Process)


class ApprovalWorkflow(ExpenseApproval):
    """What the guide calls by this name where it does not show it."""

    __workflow_name__ = "approval"


class Broken(BaseMachineStep):
    name = "broken"

    async def execute(self, context: WorkflowContext) -> Any:
        raise RuntimeError("The printer is on fire")


class FailingWorkflow(Workflow):
    __workflow_name__ = "failing"

    steps = (Submit, Broken)
    edges = (Edge("submit", "broken"),)
    initial_step = "submit"
    terminal_steps = ("broken",)


class ShapesWorkflow(Workflow):
    """One step of every kind, with the names and titles of the guide's table of shapes."""

    __workflow_name__ = "shapes"

    steps = (
        Submit(),
        BaseHumanStep("review"),
        ExclusiveGateway(
            "decision", lambda context: "end" if context.get("approved") else "review", title="Check Amount"
        ),
        TimerStep("delay", timedelta(hours=24), title="Wait 24h"),
        WebhookStep("callback", title="Await Callback"),
        Process("end"),
    )
    edges = (
        Edge("submit", "delay"),
        Edge("delay", "callback"),
        Edge("callback", "review"),
        Edge("review", "decision"),
        Edge("decision", "review"),
        Edge("decision", "end"),
    )
    initial_step = "submit"
    terminal_steps = ("end",)
