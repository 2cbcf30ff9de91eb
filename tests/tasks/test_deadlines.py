"""What happens before and after a task is due, once each and in order."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tasks.office import Office
from tests.workflows import workflow
from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.calendar import WorkingCalendar, working_hours
from workflows_core.deadlines import AddCandidates, Expire, HandOver, Remind, Stage
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.errors import InvalidDataError, InvalidTransitionError
from workflows_core.policies import Policies
from workflows_core.specification import definition_from
from workflows_core.steps import BaseHumanStep

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
OFFICE_HOURS = WorkingCalendar(hours="09:00-17:00", zone="Europe/Berlin", holidays=["2026-01-06"])


def approval(*stages: Stage, due: Any = DAY, **options: Any) -> WorkflowDefinition:
    step = BaseHumanStep(
        "approve", assignee_key="boss", assignee_group="board", due=due, escalation=stages, **options
    )
    return workflow(
        step,
        BaseHumanStep("end"),
        BaseHumanStep("late"),
        edges=[Edge("approve", "end"), Edge("approve", "late", on="timeout")],
        ends={"end", "late"},
    )


async def opened(*stages: Stage, data: dict[str, Any] | None = None, **options: Any) -> Office:
    office = Office(approval(*stages, **options))
    await office.start({"boss": "bob"} | (data or {}))
    return office


def names(events: Sequence[ev.Event]) -> list[str]:
    return [type(event).__name__ for event in events]


async def test_a_task_is_due_after_the_time_that_its_step_declares() -> None:
    office = await opened()
    assert office.task.due_at == office.clock.now() + DAY
    assert office.instance.wake_at is None
    assert not office.task.is_overdue(office.clock.now() + DAY)
    assert office.task.is_overdue(office.clock.now() + DAY + HOUR)


async def test_a_date_that_the_hook_names_comes_first() -> None:
    class Dated(BaseHumanStep):
        name = "dated"
        due = DAY

        def get_due_date(self, context: Any) -> datetime:
            return datetime(2026, 5, 1, tzinfo=UTC)

        def get_reminder_date(self, context: Any) -> datetime:
            return datetime(2026, 4, 1, tzinfo=UTC)

    office = Office(workflow(Dated(), edges=[], ends={"dated"}))
    await office.start()
    assert office.task.due_at == datetime(2026, 5, 1, tzinfo=UTC)
    assert office.instance.wake_at == datetime(2026, 4, 1, tzinfo=UTC)
    assert names(await office.wait(200 * DAY)) == ["TaskReminded"]
    assert office.instance.wake_at is None


async def test_the_chain_of_an_escalation_comes_in_its_order_at_its_moments() -> None:
    office = await opened(
        Remind(before=2 * HOUR),
        AddCandidates(users=["cy"], groups_key="backup", after=HOUR),
        HandOver(user_key="director", after=2 * HOUR),
        Expire(after=3 * HOUR),
        data={"director": "dora", "backup": ["deputies"]},
    )
    task = office.task

    assert names(await office.wait(21 * HOUR)) == []
    assert names(await office.wait(HOUR)) == ["TaskReminded"]
    assert names(await office.wait(3 * HOUR)) == ["TaskEscalated", "CandidatesAdded"]
    assert office.task.candidate_users == ("cy",)
    assert office.task.groups == ("board", "deputies")
    assert {"user:cy", "group:deputies"} < set(office.instance.participants)
    assert names(await office.wait(HOUR)) == ["TaskEscalated", "TaskReassigned"]
    assert office.task.assignee == "dora"
    happened = names(await office.wait(HOUR))
    assert happened[:3] == ["TaskEscalated", "TaskExpired", "ErrorCaught"]

    assert office.closed[task.id].status == "expired"
    assert office.closed[task.id].closed_reason == "It was not done in time."
    assert office.instance.current_step == "late"
    assert office.instance.wake_at is None


async def test_what_fell_due_while_nothing_ran_comes_once_each_and_in_order() -> None:
    office = await opened(
        HandOver(user="dora", after=2 * HOUR),
        Remind(before=HOUR),
        AddCandidates(users=["cy"]),
        Remind(since="opening"),
    )
    assert names(office.events(ev.TaskReminded)) == ["TaskReminded"]  # the one at the opening

    happened = await office.wait(9 * DAY)
    assert [event.stage for event in happened if isinstance(event, ev.TaskReminded | ev.TaskEscalated)] == [
        1,
        2,
        0,
    ]
    assert names(await office.wait(9 * DAY)) == []


async def test_nothing_more_happens_once_the_task_is_done() -> None:
    office = await opened(Remind(), Expire(after=HOUR))
    await office.complete("bob")
    assert office.instance.wake_at is None
    assert names(await office.wait(9 * DAY)) == []


def rounds(events: list[ev.Event]) -> list[int]:
    """Which of their rounds the reminders were; nothing else may have happened."""
    assert all(isinstance(event, ev.TaskReminded) for event in events)
    return [event.rounds for event in events if isinstance(event, ev.TaskReminded)]


async def test_a_reminder_comes_again_but_what_was_missed_is_not_made_up_for() -> None:
    office = await opened(Remind(every=HOUR, times=5), due=HOUR)
    assert rounds(await office.wait(HOUR)) == [1]
    assert rounds(await office.wait(HOUR)) == [2]
    assert rounds(await office.wait(2.5 * HOUR)) == [3]
    assert office.instance.wake_at == office.clock.now() + HOUR / 2
    assert rounds(await office.wait(HOUR / 2)) == [5]
    assert await office.wait(9 * DAY) == []


async def test_a_reminder_without_an_end_goes_on_until_the_task_is_done() -> None:
    office = await opened(Remind(every=timedelta(days=1)), due=None)
    assert office.instance.wake_at is None  # it is never due

    office = await opened(Remind(every=DAY, since="opening", after=DAY), due=None)
    for _ in range(10):
        assert names(await office.wait(DAY)) == ["TaskReminded"]


async def test_working_time_counts_working_hours_only() -> None:
    """From Thursday noon, over a weekend and a holiday."""
    office = await opened(
        Remind(before=working_hours(3)),
        Remind(every=working_hours(8), times=2),
        due=working_hours(20),
        calendar=OFFICE_HOURS,
    )
    office.clock.advance(hours=2)  # Thursday, 1 January, 12:00 in Berlin: 20 hours are 5 + 8 + 7
    office = Office(office.definition, office.clock)
    await office.start({"boss": "bob"})

    assert office.task.due_at == datetime(2026, 1, 5, 15, tzinfo=UTC)
    assert office.instance.wake_at == datetime(2026, 1, 5, 12, tzinfo=UTC)
    await office.wait_until(datetime(2026, 1, 5, 15, tzinfo=UTC))
    assert office.instance.wake_at == datetime(2026, 1, 7, 15, tzinfo=UTC)


async def test_working_time_without_a_calendar_fails_the_step_visibly() -> None:
    office = await opened(due=working_hours(8))
    assert "needs a calendar" in str(office.instance.failures[0][1])
    office = await opened(Remind(before=working_hours(1)))
    assert office.instance.failures[0][1].origin == "escalation"


async def test_when_the_due_date_moves_so_does_what_depends_on_it() -> None:
    office = await opened(Remind(before=HOUR), Remind(since="opening", after=30 * HOUR), Expire(after=HOUR))
    due = office.clock.now() + 3 * DAY
    await office.ask(cmd.RescheduleTask, "mia", due_at=due)
    assert [alarm.at for alarm in office.task.alarms] == [due - HOUR, due - 3 * DAY + 30 * HOUR, due + HOUR]

    assert names(await office.wait(30 * HOUR)) == ["TaskReminded"]
    await office.ask(cmd.RescheduleTask, "mia", due_at=None)
    assert office.instance.wake_at is None
    assert await office.wait(9 * DAY) == []
    await office.ask(cmd.RescheduleTask, "mia", due_at=office.clock.now() - 2 * HOUR)
    assert office.events(ev.TaskReminded)[-1].at == office.clock.now()
    assert office.instance.current_step == "late"


async def test_a_due_date_too_far_away_is_refused() -> None:
    office = await opened(Expire(after=HOUR), due=HOUR)
    with pytest.raises(InvalidDataError, match="too far away"):
        await office.ask(cmd.RescheduleTask, "mia", due_at=datetime.max.replace(tzinfo=UTC))


async def test_the_clock_stands_while_a_question_is_open() -> None:
    office = await opened(Remind(before=2 * HOUR), Expire(after=HOUR), due=10 * HOUR)
    due = office.task.due_at
    assert due is not None
    await office.wait(4 * HOUR)
    await office.ask(cmd.RequestInformation, "bob", question="Why?")
    assert (office.task.due_at, office.instance.wake_at) == (None, None)
    with pytest.raises(InvalidTransitionError, match="comes back with the answer"):
        await office.ask(cmd.RescheduleTask, "mia", due_at=due)

    assert await office.wait(5 * DAY) == []
    await office.ask(cmd.AnswerQuestion, "ann", answer="So.")
    assert office.task.due_at == due + 5 * DAY
    assert [alarm.at for alarm in office.task.alarms] == [due + 5 * DAY - 2 * HOUR, due + 5 * DAY + HOUR]
    assert names(await office.wait(4 * HOUR)) == ["TaskReminded"]


async def test_working_time_is_left_as_it_was_when_a_question_was_asked() -> None:
    office = await opened(due=working_hours(8), calendar=OFFICE_HOURS)
    await office.wait(2 * HOUR)  # 12:00 in Berlin; since 10:00 two of eight hours are gone
    await office.ask(cmd.RequestInformation, "bob", question="Why?")
    await office.wait_until(datetime(2026, 1, 3, 20, tzinfo=UTC))  # Saturday evening
    await office.ask(cmd.WithdrawQuestion, "bob")
    assert office.task.due_at == datetime(2026, 1, 5, 14, tzinfo=UTC)


async def test_what_was_overdue_when_a_question_was_asked_stays_overdue() -> None:
    office = await opened(due=HOUR)
    due = office.task.due_at
    await office.wait(2 * HOUR)
    await office.ask(cmd.RequestInformation, "bob", question="Why?")
    await office.wait(HOUR)
    await office.ask(cmd.AnswerQuestion, "ann", answer="So.")
    assert office.task.due_at == due


async def test_nothing_happens_while_the_instance_is_suspended() -> None:
    office = await opened(Remind(), Expire(after=HOUR), due=HOUR)
    await office.order(cmd.Suspend, "ops", reason="wait")
    assert office.instance.wake_at is None
    await office.wait(9 * DAY)
    assert office.events(ev.TaskReminded) == []
    await office.order(cmd.Resume, "ops")
    assert office.instance.current_step == "late"


async def test_whoever_holds_a_task_can_have_it_taken_away() -> None:
    office = await opened(AddCandidates(users=["cy"], release=True))
    await office.wait(DAY)
    assert (office.task.state, office.task.assignee) == ("offered", None)
    await office.ask(cmd.ClaimTask, "cy")

    office = await opened(AddCandidates(users=["cy"], release=True))
    await office.ask(cmd.DelegateTask, "bob", assignee="dan")
    await office.wait(DAY)
    assert (office.task.state, office.task.assignee, office.task.owner) == ("offered", None, None)


@pytest.mark.parametrize("director", [None, "", 5, ["a", "b"]])
async def test_a_stage_that_finds_nobody_says_so_and_the_chain_goes_on(director: Any) -> None:
    office = await opened(
        HandOver(user_key="director"),
        AddCandidates(users_key="director"),
        Remind(after=HOUR),
        data={"director": director},
    )
    await office.wait(2 * DAY)
    first, *_ = office.events(ev.TaskEscalated)
    assert first.detail == "Nobody is named under 'director' whom it could go to."
    assert office.task.assignee == "bob"
    assert len(office.events(ev.TaskReminded)) == 1


async def test_an_escalation_does_not_go_to_whom_a_rule_is_against() -> None:
    office = await opened(HandOver(user="ann"), policies=Policies(not_initiator=True))
    await office.wait(DAY)
    (escalated,) = office.events(ev.TaskEscalated)
    assert "does not go to ann" in escalated.detail
    assert office.task.assignee == "bob"


async def test_a_task_that_expires_without_an_edge_for_it_is_an_incident() -> None:
    step = BaseHumanStep("approve", due=HOUR, escalation=[Expire()])
    office = Office(workflow(step, edges=[], ends={"approve"}))
    await office.start()
    await office.wait(HOUR)
    assert office.instance.status == "failed"
    assert "not done in time" in str(office.instance.failures[0][1])

    await office.order(cmd.Retry, "ops")
    assert office.task.due_at == office.clock.now() + HOUR


async def test_a_specification_says_all_of_it() -> None:
    definition = approval(
        Remind(before=working_hours(2), every=HOUR, times=3),
        AddCandidates(users=["a"], groups_key="g", release=True),
        HandOver(user_key="d", after=DAY, since="opening"),
        Expire(after=60),
        due=working_hours(8),
        calendar=OFFICE_HOURS,
        policies=Policies(not_who_did=["end"], distinct=True),
        shows=["b", "a"],
        requires_revision=True,
    )
    again = definition_from(definition.specification)
    assert again.content_hash == definition.content_hash
    step, read = definition.steps["approve"], again.steps["approve"]
    assert isinstance(step, BaseHumanStep)
    assert isinstance(read, BaseHumanStep)
    for option in ("escalation", "due", "calendar", "policies"):
        assert getattr(step, option) == getattr(read, option)


@pytest.mark.parametrize(
    ("kind", "options", "complaint"),
    [
        (Remind, {"before": HOUR, "after": HOUR}, "before or after"),
        (Remind, {"before": -HOUR}, "a time of 0 to 36500 days"),
        (Remind, {"after": float("nan")}, "a time of 0 to"),
        (Remind, {"after": timedelta.max}, "a time of 0"),
        (Remind, {"every": 5}, "at least 0:01:00 apart"),
        (Remind, {"times": 0}, ">= 1"),
        (Remind, {"since": "birth"}, "must be in"),
        (HandOver, {}, "either to which user"),
        (HandOver, {"user": "a", "user_key": "b"}, "say either to which"),
    ],
)
def test_a_stage_that_makes_no_sense_says_why(kind: Any, options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        kind(**options)


stages = st.lists(
    st.one_of(
        st.builds(Remind, before=st.integers(0, 5).map(lambda hours: hours * HOUR)),
        st.builds(Remind, after=st.integers(0, 5).map(lambda hours: hours * HOUR)),
        st.builds(
            AddCandidates, users=st.just(["cy"]), after=st.integers(0, 5).map(lambda hours: hours * HOUR)
        ),
        st.builds(HandOver, user=st.just("dora"), after=st.integers(0, 5).map(lambda hours: hours * HOUR)),
    ),
    max_size=5,
)


@given(stages, st.lists(st.integers(0, 8), min_size=1, max_size=8))
@settings(deadline=None)
def test_however_time_passes_every_stage_comes_once_and_in_order(chain: list[Stage], naps: list[int]) -> None:
    """A runner that sleeps as it likes changes when a stage comes, never whether or in which order."""

    async def live() -> None:
        office = await opened(*chain, due=6 * HOUR)
        opening = office.clock.now()
        rung: list[int] = []
        for nap in [*naps, 99]:
            happened = await office.wait(nap * HOUR)
            rung += [each.stage for each in happened if isinstance(each, ev.TaskReminded | ev.TaskEscalated)]
        moments = {
            number: stage.moment(opening, opening + 6 * HOUR, None) or opening
            for number, stage in enumerate(chain)
        }
        assert rung == sorted(moments, key=lambda number: (moments[number], number))

    asyncio.run(live())
