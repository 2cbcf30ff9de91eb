"""Requests to pay travel costs in advance, as a workflow.

Read off a real event log (see `DATA.md`). An employee applies for a travel permit, then requests the
payment; both documents go through the same round of approvals. Then finance pays, and when the trip is
over the travel office closes the file. What the log left open, and how it is read here:

* Pre-approver and supervisor are asked at the same time. Mostly the pre-approver answers first, but on one
  permit it was the supervisor; no fixed order would allow both.
* Whether a pre-approver is asked differs from submission to submission, within one unit too, so it is said
  on the form. Whether the director is asked is up to the supervisor: that approval is final or it is not.
* The first rejection ends the round, and the document goes back to the employee, who takes it back ("REJECTED
  by EMPLOYEE") to revise it or to give up.
* Payments come days after the approval, in runs on two days of the week, and some requests die on the
  way there. So a payment waits for finance twice: to be released, and to be confirmed.
* "REJECTED by MISSING" has no known actor and comes when nobody in the process has a decision to make. It is no
  step: an administrator cancels the instance, wherever it is. It happens even months after the payment, which
  is why a file stays open until the travel office closes it.
"""

from __future__ import annotations

from typing import Any

from workflows_core import (
    BaseHumanStep,
    BaseMachineStep,
    Edge,
    ExclusiveGateway,
    Step,
    Workflow,
    WorkflowContext,
)

MONEY = {"type": "number", "exclusiveMinimum": 0}
INPUT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "case": {"type": "string", "minLength": 1},
        "requester": {"type": "string", "minLength": 1},
        "needs_permit": {"type": "boolean"},
        "amount": MONEY,
        "permit_budget": MONEY,
        "cost_type": {"type": "integer"},
        "organizational_unit": {"type": "string"},
        "project": {"type": "string"},
    },
    "required": ["case", "requester", "needs_permit", "amount"],
}


class RequestPayment(BaseMachineStep):
    name = "request_payment"
    title = "Request payment"
    description = "Place the payment order with the bank."

    async def execute(self, context: WorkflowContext) -> dict[str, Any]:
        # A bank recognises a repeated order by its reference: at-least-once becomes exactly once.
        order = {"reference": context.idempotency_key, "amount": context.get("amount")}
        context.set("payment", {"order": order, "state": "requested"})
        return order


class PaymentHandled(BaseMachineStep):
    name = "payment_handled"
    title = "Payment handled"
    description = "Note in the file that the money has left."

    async def execute(self, context: WorkflowContext) -> None:
        payment = context.get("payment")
        context.set("payment", {**payment, "state": "handled", "paid_on": context.get("paid_on")})


class Withdrawn(BaseMachineStep):
    name = "withdrawn"
    title = "Withdrawn by the employee"
    join = "any"  # it waits for nothing else that may still come,
    terminate = True  # and an approval given earlier in the round leads nowhere any more

    merge_output = True  # what is returned becomes data of the instance

    async def execute(self, context: WorkflowContext) -> dict[str, Any]:
        return {"withdrawn": True}


def approval_steps(document: str, title: str, amount: str) -> tuple[Step, ...]:
    """Return the round of one document; the field `amount` says how much money it is about."""
    form = {
        "type": "object",
        "properties": {
            amount: {**MONEY, "title": "How much, in euros"},
            "pre_approval": {"type": "boolean", "title": "A pre-approver has to agree"},
        },
        "required": [amount, "pre_approval"],
        "additionalProperties": False,
    }
    return (
        BaseHumanStep(
            f"{document}_submission", f"Submit the {title}", form_schema=form, assignee_key="requester"
        ),
        BaseHumanStep(
            f"{document}_pre_approval",
            f"Pre-approve the {title}",
            outcomes=["approve", "reject"],
            assignee_group="pre_approvers",
        ),
        BaseHumanStep(
            f"{document}_supervisor",
            f"Approve the {title} as supervisor",
            "A final approval suffices; any other asks the director as well.",
            outcomes=["approve", "approve_final", "reject"],
            assignee_group="supervisors",
        ),
        BaseHumanStep(
            f"{document}_director",
            f"Approve the {title} as director",
            outcomes=["approve", "reject"],
            assignee_group="directors",
        ),
        BaseHumanStep(
            f"{document}_rejected",
            f"Take back the rejected {title}",
            outcomes=["revise", "give_up"],
            assignee_key="requester",
            join=1,  # the first rejection suffices: who has not decided yet need not any more
        ),
    )


def approval_edges(document: str, *, then: str) -> tuple[Edge, ...]:
    """Connect the round of one document; `then` waits for all who were asked."""
    submission, rejected = f"{document}_submission", f"{document}_rejected"
    pre_approval, supervisor, director = (
        f"{document}_{role}" for role in ("pre_approval", "supervisor", "director")
    )
    return (
        Edge(submission, pre_approval, condition="pre_approval"),
        Edge(submission, supervisor),
        Edge(pre_approval, then, on="approve"),
        Edge(pre_approval, rejected, on="reject"),
        Edge(supervisor, then, on="approve_final"),
        Edge(supervisor, director, on="approve"),
        Edge(supervisor, rejected, on="reject"),
        Edge(director, then, on="approve"),
        Edge(director, rejected, on="reject"),
        Edge(rejected, submission, on="revise"),
        Edge(rejected, "withdrawn", on="give_up"),
    )


class TravelRequest(Workflow):
    """Travel costs paid in advance: permit, request for payment, payment."""

    __workflow_name__ = "prepaid_travel_costs"
    __workflow_version__ = "1.0.0"

    input_schema = INPUT
    steps = (
        ExclusiveGateway("permit_needed", title="Permit needed?"),
        *approval_steps("permit", "travel permit", amount="permit_budget"),
        *approval_steps("request", "request for payment", amount="amount"),
        BaseHumanStep("payment_release", "Release the payment", assignee_group="finance"),
        RequestPayment(),
        BaseHumanStep(
            "payment_confirmation",
            "Confirm that the bank has paid",
            form_schema={
                "type": "object",
                "properties": {"paid_on": {"type": "string", "format": "date", "title": "Paid on"}},
                "required": ["paid_on"],
                "additionalProperties": False,
            },
            assignee_group="finance",
        ),
        PaymentHandled(),
        BaseHumanStep("file_closing", "Close the file when the trip is over", assignee_group="travel_office"),
        Withdrawn(),
    )
    edges = (
        Edge("permit_needed", "permit_submission", condition="needs_permit"),
        Edge("permit_needed", "request_submission", default=True),
        *approval_edges("permit", then="request_submission"),
        *approval_edges("request", then="payment_release"),
        Edge("payment_release", RequestPayment),
        Edge(RequestPayment, "payment_confirmation"),
        Edge("payment_confirmation", PaymentHandled),
        Edge(PaymentHandled, "file_closing"),
    )
    initial_step = "permit_needed"
    terminal_steps = ("file_closing", "withdrawn")
