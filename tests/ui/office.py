"""An office that pays expenses: what the browser tests and the screenshots look at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from litestar import Litestar

from workflows_core import BaseHumanStep, BaseMachineStep, Edge, Workflow, WorkflowContext
from workflows_core.actors import Actor
from workflows_core.calendar import WorkingCalendar, working_hours
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

PEOPLE: Final = (
    Actor("Ann"),
    Actor("Bob", groups=["managers"]),
    Actor("Claire", groups=["managers"], roles=["manager"]),
    Actor("Dora", groups=["finance"]),
    Actor("Olga", roles=["operator"]),
)
ALWAYS: Final = {day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
EXPENSE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "purpose": {
            "type": "string", "title": "Purpose", "minLength": 3, "maxLength": 120,
            "description": "What the money was spent for, in a few words.",
        },
        "amount": {"type": "number", "title": "Amount in euros", "exclusiveMinimum": 0, "maximum": 50000},
        "category": {
            "title": "Category",
            "oneOf": [
                {"const": "travel", "title": "Travel and lodging"}, {"const": "meals", "title": "Meals"},
                {"const": "equipment", "title": "Equipment"},
            ],
        },
        "spent_on": {"type": "string", "format": "date", "title": "Spent on"},
        "from_budget": {"type": "boolean", "title": "It is in the budget"},
        "explanation": {"type": "string", "format": "textarea", "title": "Explanation"},
        "receipts": {
            "type": "array", "title": "Receipts", "maxItems": 20,
            "items": {
                "type": "object",
                "properties": {
                    "what": {"type": "string", "title": "What"},
                    "cost": {"type": "number", "title": "Cost", "minimum": 0},
                },
                "required": ["what", "cost"],
            },
        },
    },
    "required": ["purpose", "amount", "category"],
}  # fmt: skip


class Mine(BaseHumanStep):
    """A step for whoever started the instance."""

    def get_assignee(self, context: WorkflowContext) -> str | None:
        return context.user_id


class Decide(BaseHumanStep):
    """The decision of a manager; urgent above a thousand."""

    def get_priority(self, context: WorkflowContext) -> int:
        return 10 if context.get("amount", 0) > 1000 else 0


class Book(BaseMachineStep):
    name = "book"
    title = "Book the payment"
    description = "Hand the payment to the ledger."

    async def execute(self, context: WorkflowContext) -> None:
        if context.get("reference") == "fail":
            raise ConnectionError("The ledger does not answer.")
        context.set("booked", True)


class Close(BaseMachineStep):
    name = "closed"
    title = "Close the file"

    async def execute(self, context: WorkflowContext) -> None:
        context.set("closed", True)


class Expense(Workflow):
    """Pay back what somebody spent for the company.

    A manager decides, finance pays, the ledger is told.
    """

    __workflow_name__ = "expense"

    input_schema = EXPENSE
    steps = (
        Decide(
            "decide",
            "Approve the expense",
            "Is it plausible, and within the budget? Ask if you are not sure.",
            form_schema={
                "type": "object",
                "properties": {
                    "granted": {"type": "number", "title": "Granted amount", "minimum": 0},
                    "cost_center": {
                        "title": "Cost center",
                        "enum": ["Sales", "Research", "Operations", "Board", "Facilities"],
                    },
                },
                "required": ["granted"],
            },
            outcomes=["approve", "reject"],
            assignee_group="managers",
            due=working_hours(8),
            calendar=WorkingCalendar(hours=ALWAYS),
        ),
        Mine("revise", "Revise the expense", form_schema=EXPENSE, outcomes=["resubmit", "withdraw"]),
        BaseHumanStep(
            "pay",
            "Pay the expense",
            form_schema={
                "type": "object",
                "properties": {
                    "reference": {"type": "string", "title": "Reference of the payment", "minLength": 2},
                    "paid_on": {"type": "string", "format": "date", "title": "Paid on"},
                },
                "required": ["reference"],
            },
            assignee_group="finance",
            due=timedelta(days=3),
        ),
        Book(),
        Close(),
    )
    edges = (
        Edge("decide", "pay", on="approve"),
        Edge("decide", "revise", on="reject"),
        Edge("revise", "decide", on="resubmit"),
        Edge("revise", Close, on="withdraw"),
        Edge("pay", Book),
        Edge(Book, Close),
    )
    initial_step = "decide"
    terminal_steps = ("closed",)


def office(database: str | None = None) -> Litestar:
    """Make the application; without a database it lives in memory."""
    config = WorkflowPluginConfig(
        database=database, auto_register_workflows=[Expense], ui_demo_users=list(PEOPLE)
    )
    return Litestar(plugins=[WorkflowPlugin(config)])
