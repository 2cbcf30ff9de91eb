"""What happens to tasks that are not done in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows_core import events as ev
from workflows_core.actors import Actor
from workflows_core.deadlines import (
    AddCandidates,
    Expire,
    HandOver,
    Remind,
    after_ringing,
    next_alarm,
    stage_of,
)
from workflows_core.machine.steps import fail_for_lack_of_time
from workflows_core.permissions import Action, may, policies_of
from workflows_core.steps import BaseHumanStep
from workflows_core.words import listed

if TYPE_CHECKING:
    from workflows_core.data import Json
    from workflows_core.deadlines import Alarm
    from workflows_core.machine.decision import Decision
    from workflows_core.tasks import Task


def ring(decision: Decision, number: int) -> None:
    """Ring every alarm of a token's tasks whose moment has come, in the order of the moments."""
    while True:
        due = [
            (alarm.at, task.created_at, task.id.bytes, task, alarm)
            for task in decision.draft.tasks.values()
            if task.token == number
            for alarm in [next_alarm(task.alarms)]
            if alarm is not None and alarm.at is not None and alarm.at <= decision.at
        ]
        if not due:
            return
        *_, task, alarm = min(due, key=lambda each: each[:3])
        _ring(decision, task, alarm)


def _ring(decision: Decision, task: Task, alarm: Alarm) -> None:
    step = decision.nodes[task.step_name].step
    assert isinstance(step, BaseHumanStep)  # noqa: S101 - nothing else has tasks
    match stage_of(step, alarm):
        case Remind() as stage:
            following = after_ringing(alarm, stage, decision.at, step.calendar)
            decision.emit(
                ev.TaskReminded(
                    at=decision.at,
                    task_id=task.id,
                    stage=alarm.stage,
                    rounds=alarm.rounds + 1,
                    following=following,
                )
            )
        case AddCandidates() as stage:
            _offer_to_more(decision, task, alarm, stage)
        case HandOver() as stage:
            _hand_over(decision, task, alarm, stage)
        case Expire():
            _expire(decision, task, alarm)


def _offer_to_more(decision: Decision, task: Task, alarm: Alarm, stage: AddCandidates) -> None:
    data = decision.draft.data
    users = (*stage.users, *_names(data.get(stage.users_key) if stage.users_key else None))
    groups = (*stage.groups, *_names(data.get(stage.groups_key) if stage.groups_key else None))
    new_users = tuple(name for name in dict.fromkeys(users) if name not in task.candidate_users)
    new_groups = tuple(name for name in dict.fromkeys(groups) if name not in task.groups)
    offered = [*new_users, *(f"the group {name}" for name in new_groups)]
    detail = (
        f"It is offered to {listed(offered, 'and')} too." if offered else "Nobody is there to offer it to."
    )
    _escalate(decision, task, alarm, detail)
    if offered:
        decision.emit(
            ev.CandidatesAdded(
                at=decision.at, task_id=task.id, users=new_users, groups=new_groups, reason=_LATE
            )
        )
    if stage.release and task.assignee is not None:
        _release(decision, task)


def _release(decision: Decision, task: Task) -> None:
    """Take a task away from whoever holds it, so that somebody else can take it."""
    if task.owner is not None:
        decision.emit(ev.TaskResolved(at=decision.at, task_id=task.id))
    task = decision.draft.tasks[task.id]
    if task.for_anyone or task.candidate_users or task.groups:
        decision.emit(ev.TaskUnclaimed(at=decision.at, task_id=task.id, reason=_LATE))


def _hand_over(decision: Decision, task: Task, alarm: Alarm, stage: HandOver) -> None:
    named = (stage.user,) if stage.user_key is None else _names(decision.draft.data.get(stage.user_key))
    if len(named) != 1 or named[0] is None:
        _escalate(decision, task, alarm, f"Nobody is named under {stage.user_key!r} whom it could go to.")
        return
    receiver = named[0]
    policies = policies_of(decision.definition, task.step_name)
    found = may(Actor(receiver), Action.RECEIVE, task, decision.existing("escalate"), policies)
    if not found:
        _escalate(decision, task, alarm, f"It does not go to {receiver}. {found.reason}")
        return
    _escalate(decision, task, alarm, f"It goes to {receiver}.")
    decision.emit(ev.TaskReassigned(at=decision.at, task_id=task.id, assignee=receiver, reason=_LATE))


def _expire(decision: Decision, task: Task, alarm: Alarm) -> None:
    _escalate(decision, task, alarm, "It is given up.")
    decision.emit(ev.TaskExpired(at=decision.at, task_id=task.id, reason=_LATE))
    token = decision.token(task.token, "StepFailed", "give the task up")
    fail_for_lack_of_time(decision, token, f"task {task.title!r} was not done in time")


def _escalate(decision: Decision, task: Task, alarm: Alarm, detail: str) -> None:
    decision.emit(ev.TaskEscalated(at=decision.at, task_id=task.id, stage=alarm.stage, detail=detail))


def _names(value: Json) -> tuple[str, ...]:
    """Read what stands in the data where a name or a list of names is expected; what is none is passed over."""
    values = value if isinstance(value, list) else [value]
    return tuple(name for name in values if isinstance(name, str) and name)


_LATE = "It was not done in time."
