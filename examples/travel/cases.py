"""The event log, and what its activities are in the process.

A case is turned into *actions*: what a person (or the administrator who cancels) did, in the logged order.
How they reach an engine is up to the caller. Nothing here is known to the process: that
people decided as they did is read from the log by those who play them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

LOG: Final = Path(__file__).with_name("prepaid_travel_costs.jsonl")

PERMIT: Final = "Permit"
REQUEST: Final = "Request For Payment"
REQUEST_PAYMENT: Final = "Request Payment"
PAYMENT_HANDLED: Final = "Payment Handled"
BY_EMPLOYEE: Final = "REJECTED by EMPLOYEE"
BY_MISSING: Final = "REJECTED by MISSING"

_STEPS: Final = {PERMIT: "permit", REQUEST: "request"}
_DECISIONS: Final = {
    "SUBMITTED by EMPLOYEE": ("submission", None),
    "APPROVED by PRE_APPROVER": ("pre_approval", "approve"),
    "REJECTED by PRE_APPROVER": ("pre_approval", "reject"),
    "APPROVED by SUPERVISOR": ("supervisor", "approve"),
    "FINAL_APPROVED by SUPERVISOR": ("supervisor", "approve_final"),
    "REJECTED by SUPERVISOR": ("supervisor", "reject"),
    "FINAL_APPROVED by DIRECTOR": ("director", "approve"),
}
_ACTIVITIES: Final[Mapping[tuple[str, str | None], str]] = {
    **{
        (f"{step}_{role}", outcome): f"{document} {decision}"
        for document, step in _STEPS.items()
        for decision, (role, outcome) in _DECISIONS.items()
    },
    **{
        (f"{step}_rejected", outcome): f"{document} {BY_EMPLOYEE}"
        for document, step in _STEPS.items()
        for outcome in ("revise", "give_up")
    },
    ("request_payment", None): REQUEST_PAYMENT,
    ("payment_handled", None): PAYMENT_HANDLED,
}


@frozen
class Event:
    """One line of a case's history: what happened, and when."""

    activity: str
    at: datetime

    @property
    def document(self) -> str:
        return PERMIT if self.activity.startswith(f"{PERMIT} ") else REQUEST

    @property
    def decision(self) -> str:
        return self.activity.removeprefix(f"{self.document} ")


@frozen
class Case:
    """One request for payment, with everything the log knows about it."""

    name: str
    facts: Mapping[str, Any]
    events: tuple[Event, ...]

    @property
    def activities(self) -> tuple[str, ...]:
        return tuple(event.activity for event in self.events)

    @property
    def input_data(self) -> dict[str, Any]:
        """What an instance is started with. The log is anonymised: the employee has no other name."""
        return {
            "case": self.name,
            "requester": "employee",
            "needs_permit": self.events[0].document == PERMIT,
            **self.facts,
        }

    @property
    def end(self) -> str:
        """How the case ended: read from its last activity alone."""
        last = self.events[-1]
        if last.decision == BY_MISSING:
            return (
                "canceled after payment" if PAYMENT_HANDLED in self.activities else "canceled before payment"
            )
        return {PAYMENT_HANDLED: "paid", f"{REQUEST} {BY_EMPLOYEE}": "withdrawn"}.get(last.activity, "open")


@frozen
class Action:
    """What somebody did: complete the task of `step`, or, where there is none, cancel the instance.

    Attributes:
        activity: The logged activity it brings about; `None` for what the log does not show.
        step: The human step whose task is completed; `None` to cancel, with the activity as the reason.
        user: Who does it, named after the role in the log.
        outcome: The decision, where the task asks for one.
        data: The form.
    """

    activity: str | None
    step: str | None
    user: str | None
    outcome: str | None = None
    data: Mapping[str, Any] = field(factory=dict)


def load(path: Path = LOG) -> list[Case]:
    """Read a log: one JSON object a line."""
    return [_case(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _case(line: dict[str, Any]) -> Case:
    events = tuple(Event(activity, datetime.fromisoformat(at)) for activity, at in line.pop("events"))
    return Case(name=line.pop("case"), facts=line, events=events)


def actions(case: Case) -> Iterator[Action]:
    """Say who did what, in the logged order."""
    for index, event in enumerate(case.events):
        yield _action(case, event, case.events[index + 1 :])
    if case.end == "paid":  # the log is silent from here on; a quiet end is a closed file
        yield Action(None, "file_closing", "travel_officer")


def _action(case: Case, event: Event, later: tuple[Event, ...]) -> Action:
    activity, step = event.activity, _STEPS[event.document]
    match event.decision:
        case "Request Payment":
            return Action(activity, "payment_release", "finance")
        case "Payment Handled":
            return Action(
                activity, "payment_confirmation", "finance", data={"paid_on": event.at.date().isoformat()}
            )
        case "REJECTED by MISSING":
            return Action(activity, None, None)
        case "REJECTED by EMPLOYEE":
            return Action(activity, f"{step}_rejected", "employee", "revise" if later else "give_up")
        case "SUBMITTED by EMPLOYEE":
            return Action(activity, f"{step}_submission", "employee", data=_form(case, event, later))
        case decision:
            role, outcome = _DECISIONS[decision]
            return Action(activity, f"{step}_{role}", decision.rpartition(" ")[2].lower(), outcome)


def _form(case: Case, event: Event, later: tuple[Event, ...]) -> dict[str, Any]:
    """Fill in a submission. Whether a pre-approver is asked is known from whether one answered."""
    round_ = []
    for other in later:
        if other.decision in {event.decision, BY_EMPLOYEE} or other.document != event.document:
            break
        round_.append(other.decision)
    amount = "permit_budget" if event.document == PERMIT else "amount"
    asked = any(decision.endswith("PRE_APPROVER") for decision in round_)
    return {amount: case.facts[amount], "pre_approval": asked}


# Reading an instance back


def replayed_activities(
    steps: Iterable[tuple[str, str | None]], cancel_reason: str | None
) -> tuple[str, ...]:
    """Translate completed steps with their outcomes, in the order of completion, into the log's words."""
    shown = tuple(activity for step in steps if (activity := _ACTIVITIES.get(step)) is not None)
    return shown if cancel_reason is None else (*shown, cancel_reason)


def replayed_end(status: str, data: Mapping[str, Any]) -> str:
    """Say how an instance ended, in the words of `Case.end`: from its status and its data alone."""
    paid = data.get("payment", {}).get("state") == "handled"
    match status:
        case "completed" if paid:
            return "paid"
        case "completed" if data.get("withdrawn"):
            return "withdrawn"
        case "canceled":
            return "canceled after payment" if paid else "canceled before payment"
    return "open"
