"""What happens when a task is not done in time: the stages an author declares, and the alarms of one task.

A stage says what is to happen and how long before or after a moment of the task. When the task is opened each
stage becomes an alarm at an absolute moment. The machine moves alarms when the due date moves, holds them while the
task waits for an answer, and rings each once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from attrs import evolve, field, frozen, validators

from workflows_core.calendar import Span, WorkingCalendar, WorkingTime, later

if TYPE_CHECKING:
    from workflows_core.steps import BaseHumanStep

Anchor: TypeAlias = Literal["due", "opening"]


LONGEST: Final = timedelta(days=36500)
"""The longest time an author can declare; a moment much later cannot be written any more."""


def as_span(given: Span | None) -> timedelta | WorkingTime | None:
    """Read a length of time: numbers are seconds.

    Raises:
        TypeError: If it is none.
        ValueError: If it is negative, or longer than `LONGEST`.
    """
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, timedelta | WorkingTime | int | float):
        msg = f"expected a timedelta, seconds or working_hours(…), got {given!r}"
        raise TypeError(msg)
    seconds = given.seconds if isinstance(given, WorkingTime) else _length(given).total_seconds()
    if not 0 <= seconds <= LONGEST.total_seconds():  # NaN is not, either
        msg = f"expected a time of 0 to {LONGEST.days} days, got {given!r}"
        raise ValueError(msg)
    return given if isinstance(given, WorkingTime) else _length(given)


def _as_names(given: Iterable[str] | str) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


@frozen(kw_only=True)
class Stage:
    """Something that happens at a moment of a task's life, if it is still open then.

    Attributes:
        before: How long before the moment.
        after: How long after it; with neither it is the moment itself.
        since: Which moment: when the task is due (a stage of a task that is never due never comes), or when it
            was opened.
    """

    before: Span | None = field(default=None, converter=as_span)
    after: Span | None = field(default=None, converter=as_span)
    since: Anchor = field(default="due", validator=validators.in_(("due", "opening")))

    def __attrs_post_init__(self) -> None:
        if self.before is not None and self.after is not None:
            msg = "a stage is before or after its moment, not both"
            raise ValueError(msg)

    def moment(
        self, opened_at: datetime, due_at: datetime | None, calendar: WorkingCalendar | None
    ) -> datetime | None:
        """Return when it comes; `None` if it depends on a due date that there is not."""
        anchor = due_at if self.since == "due" else opened_at
        if anchor is None:
            return None
        if self.before is not None:
            return later(anchor, self.before, calendar, times=-1)
        return anchor if self.after is None else later(anchor, self.after, calendar)


@frozen(kw_only=True)
class Remind(Stage):
    """Remind whoever is to do it: a `TaskReminded` event, for everything that reads events.

    Attributes:
        every: Remind again after each such time; `None` reminds once.
        times: How many times at the most; `None` goes on until the task is done. What was missed while nothing
            ran is not made up for: there is one reminder, and then the next in its turn.
    """

    every: Span | None = field(default=None, converter=as_span)
    times: int | None = field(default=None, validator=validators.optional(validators.ge(1)))

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.every is not None and _length(self.every) < _SHORTEST:
            msg = f"reminders are at least {_SHORTEST} apart"
            raise ValueError(msg)


@frozen(kw_only=True)
class AddCandidates(Stage):
    """Offer the task to more people, who can take it while nobody holds it.

    Attributes:
        users: Who may take it.
        groups: Groups whose members may take it.
        users_key: Key of the instance data that holds more users: a name or a list of names.
        groups_key: Likewise for groups.
        release: Whether it is taken away from whoever holds it, so that the others can take it.
    """

    users: tuple[str, ...] = field(default=(), converter=_as_names)
    groups: tuple[str, ...] = field(default=(), converter=_as_names)
    users_key: str | None = None
    groups_key: str | None = None
    release: bool = False


@frozen(kw_only=True)
class HandOver(Stage):
    """Give the task to somebody else.

    Attributes:
        user: To whom.
        user_key: Key of the instance data that holds the name instead.
    """

    user: str | None = None
    user_key: str | None = None

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if (self.user is None) == (self.user_key is None):
            msg = "say either to which user, or under which key the name stands"
            raise ValueError(msg)


@frozen(kw_only=True)
class Expire(Stage):
    """Give the task up: its step ends along its `on="timeout"` edges, or fails if it has none."""


@frozen
class Alarm:
    """A stage that is still to come in one task.

    Attributes:
        stage: Its place among the stages of the step; `REMINDER` is the one the hook `get_reminder_date` asked for.
        at: When it rings (UTC); `None` while the due date it depends on is not set.
        rounds: How often it has rung.
    """

    stage: int
    at: datetime | None = None
    rounds: int = 0

    def moved(self, at: datetime | None) -> Alarm:
        """Return the same alarm at another moment."""
        return Alarm(self.stage, at, self.rounds)


REMINDER: Final = -1
_SHORTEST: Final = timedelta(minutes=1)
_SOON: Final = Remind()


def stage_of(step: BaseHumanStep, alarm: Alarm) -> Stage:
    """Return what an alarm is about."""
    return _SOON if alarm.stage == REMINDER else tuple(step.escalation)[alarm.stage]


def due_from(step: BaseHumanStep, opened_at: datetime) -> datetime | None:
    """Return when a task that is opened now is due by what the step declares.

    Raises:
        ValueError: If working time is asked for where there is no calendar.
        OverflowError: If that is too far away.
    """
    span = as_span(step.due)
    return None if span is None else later(opened_at, span, step.calendar)


def alarms_for(
    step: BaseHumanStep, opened_at: datetime, due_at: datetime | None, reminder_at: datetime | None
) -> tuple[Alarm, ...]:
    """Return the alarms of a task that is opened now; raises as `due_from` does."""
    alarms = [
        Alarm(number, stage.moment(opened_at, due_at, step.calendar))
        for number, stage in enumerate(step.escalation)
    ]
    return tuple(alarms if reminder_at is None else [Alarm(REMINDER, reminder_at), *alarms])


def rescheduled(
    alarms: Iterable[Alarm],
    step: BaseHumanStep,
    opened_at: datetime,
    due_at: datetime | None,
    calendar: WorkingCalendar | None,
) -> tuple[Alarm, ...]:
    """Return the alarms that are left after the due date was set to another moment, or taken away."""
    return tuple(
        alarm
        if alarm.stage == REMINDER
        else _moved(alarm, stage_of(step, alarm), opened_at, due_at, calendar)
        for alarm in alarms
    )


def _moved(
    alarm: Alarm, stage: Stage, opened_at: datetime, due_at: datetime | None, calendar: WorkingCalendar | None
) -> Alarm:
    if stage.since != "due":
        return alarm
    moment = stage.moment(opened_at, due_at, calendar)
    if moment is not None and alarm.rounds and isinstance(stage, Remind) and stage.every is not None:
        moment = later(moment, stage.every, calendar, times=alarm.rounds)
    return evolve(alarm, at=moment)


def after_ringing(
    alarm: Alarm, stage: Stage, now: datetime, calendar: WorkingCalendar | None
) -> Alarm | None:
    """Return the alarm as it rings next; `None` if that was all. Rounds that were missed count as rung."""
    if not isinstance(stage, Remind) or stage.every is None or alarm.at is None:
        return None
    at, rounds = alarm.at, alarm.rounds
    if isinstance(stage.every, WorkingTime):
        while at <= now:
            at, rounds = later(at, stage.every, calendar), rounds + 1
    else:
        missed = (now - at) // _length(stage.every) + 1
        at, rounds = later(at, stage.every, None, times=missed), rounds + missed
    return None if stage.times is not None and rounds >= stage.times else Alarm(alarm.stage, at, rounds)


def next_alarm(alarms: Iterable[Alarm]) -> Alarm | None:
    """Return the alarm that rings first; of several at one moment the one that was declared first."""
    ahead = [(alarm.at, place, alarm) for place, alarm in enumerate(alarms) if alarm.at is not None]
    return min(ahead)[2] if ahead else None


def held(
    moment: datetime | None, since: datetime, until: datetime, calendar: WorkingCalendar | None
) -> datetime | None:
    """Return where a moment lies after the clock stood still for a while.

    What was left of the time then is left of it now: in working time where there is a calendar. A moment that was
    past already stays where it is.
    """
    if moment is None or moment <= since:
        return moment
    if calendar is None:
        return moment + (until - since)
    return calendar.add(until, calendar.between(since, moment))


def _length(span: Span) -> timedelta:
    if isinstance(span, timedelta):
        return span
    seconds = span.seconds if isinstance(span, WorkingTime) else span
    if not abs(seconds) <= LONGEST.total_seconds():
        msg = f"expected a time of 0 to {LONGEST.days} days, got {span!r}"
        raise ValueError(msg)
    return timedelta(seconds=seconds)
