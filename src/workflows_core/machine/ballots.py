"""Decisions by several: opening them, counting votes, and closing what is not needed any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.actors import Actor
from workflows_core.deadlines import alarms_for, due_from
from workflows_core.errors import InvalidTransitionError
from workflows_core.machine.handlers import Handlers, deciding
from workflows_core.machine.steps import fail_for
from workflows_core.permissions import Action, may, policies_of
from workflows_core.quorum import Ballot, verdict
from workflows_core.steps.decision import DecisionStep
from workflows_core.tasks import opened_task
from workflows_core.words import listed

if TYPE_CHECKING:
    from datetime import datetime

    from workflows_core.deadlines import Alarm
    from workflows_core.instance import Token
    from workflows_core.machine.decision import Decision
    from workflows_core.quorum import Seat
    from workflows_core.tasks import Task

DECIDE: Final[Handlers] = {}


@deciding(DECIDE, cmd.OpenDecision)
def _open_decision(decision: Decision, command: cmd.OpenDecision) -> None:
    token = decision.token(command.token, "DecisionOpened", "open the decision")
    step = _step(decision, token.step)
    excluded = [seat for seat in command.seats if not _may_decide(decision, seat, token)]
    seats = tuple(seat for seat in command.seats if seat not in excluded)
    names = tuple(seat.name for seat in excluded)
    if not seats:
        who = f"{listed(names, 'and')} may not decide" if names else "no deciders are named"
        fail_for(decision, token, ValueError(f"nobody is there to decide: {who}"), "get_deciders")
        return
    if verdict(Ballot(seats), step.quorum, step.opinions) is not None:
        detail = f"{len(seats)} deciders can never accept: the quorum needs {step.quorum.needs}"
        fail_for(decision, token, ValueError(detail), "get_deciders")
        return
    decision.emit(
        ev.DecisionOpened(at=command.at, token=token.id, step=token.step, seats=seats, excluded=names)
    )
    for seat in seats[:1] if step.in_sequence else seats:
        _ask(
            decision,
            seat,
            command.task,
            due_at=command.task.due_at,
            alarms=command.task.alarms,
            token=token.id,
        )


def _may_decide(decision: Decision, seat: Seat, token: Token) -> bool:
    """Say whether a decider could be given a task of the decision; of a group nobody knows who will vote."""
    if seat.is_group:
        return True
    event = ev.TaskOpened(
        at=decision.at, token=token.id, task_id=seat.task_id, step=token.step, title="", assignee=seat.name
    )
    task = opened_task(event, decision.draft.home, 0)
    policies = policies_of(decision.definition, token.step)
    instance = decision.existing("open the decision")
    return may(Actor(seat.name), Action.RECEIVE, task, instance, policies).allowed


def _ask(
    decision: Decision,
    seat: Seat,
    like: cmd.OpenTask | Task,
    *,
    due_at: datetime | None,
    alarms: tuple[Alarm, ...],
    token: int,
) -> None:
    """Open the task of a seat; apart from whose it is, it is like the others of the decision."""
    step = _step(decision, decision.draft.tokens[token].step)
    decision.emit(
        ev.TaskOpened(
            at=decision.at,
            token=token,
            task_id=seat.task_id,
            step=step.name,
            title=like.title,
            description=like.description,
            form_schema=like.form_schema,
            outcomes=tuple(step.opinions),
            assignee=None if seat.is_group else seat.name,
            assignee_group=seat.name if seat.is_group else None,
            priority=like.priority,
            due_at=due_at,
            alarms=alarms,
            shows=step.shown_keys,
            requires_revision=step.requires_revision,
        )
    )


def count(decision: Decision, task: Task, command: cmd.CompleteTask, on_behalf_of: str | None) -> None:
    """Count a vote, and settle the decision if its outcome is certain now."""
    token = decision.token(task.token, "VoteCast", "vote")
    decision.emit(
        ev.VoteCast(
            at=command.at,
            task_id=task.id,
            token=token.id,
            step=task.step_name,
            data=command.data,
            size=command.size,
            outcome=str(command.outcome),
            by=command.actor,
            on_behalf_of=on_behalf_of,
            comment=command.comment,
        )
    )
    step = _step(decision, token.step)
    ballot = decision.draft.tokens[token.id].ballot or Ballot(())
    accepted = verdict(ballot, step.quorum, step.opinions)
    if accepted is not None:
        _settle(decision, token.id, step, step.outcome(accepted=accepted), ballot)
    elif step.in_sequence:
        due_at = due_from(step, decision.at) if step.due is not None else task.due_at
        alarms = alarms_for(step, decision.at, due_at, None)
        _ask(decision, ballot.open_seats[0], task, due_at=due_at, alarms=alarms, token=token.id)


def _settle(decision: Decision, token: int, step: DecisionStep, outcome: str, ballot: Ballot) -> None:
    reason = f"{outcome}: {_tally(step, ballot)}"
    decision.close(token, f"The decision is made ({reason}).")
    decision.emit(
        ev.DecisionReached(at=decision.at, token=token, step=step.name, outcome=outcome, reason=reason)
    )


def _tally(step: DecisionStep, ballot: Ballot) -> str:
    votes = {outcome: sum(seat.outcome == outcome for seat in ballot.seats) for outcome in step.opinions}
    said = listed([f"{number} {outcome}" for outcome, number in votes.items() if number], "and")
    return f"{said} of {len(ballot.seats)}"


def _step(decision: Decision, name: str) -> DecisionStep:
    step = decision.nodes[name].step
    if not isinstance(step, DecisionStep):
        raise InvalidTransitionError("open the decision", f"step {name!r}", "no decision by several")
    return step
