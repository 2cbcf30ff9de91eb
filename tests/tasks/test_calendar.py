"""Working time, against a reference that walks from minute to minute."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.profiles import slow
from workflows_core.calendar import WEEKDAYS, WorkingCalendar, later, working_hours

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
OFFICE = WorkingCalendar(hours=("09:00-12:00", "13:00-17:00"), zone="Europe/Berlin", holidays=["2026-12-25"])

# Where the clocks change by half an hour, at midnight, a minute after it, on another day, or not at all.
CHANGES = {
    "Europe/Berlin": ["2026-03-29", "2026-10-25"],
    "America/New_York": ["2026-03-08", "2026-11-01"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
    "Asia/Beirut": ["2026-03-29", "2026-10-25"],
    "America/St_Johns": ["2006-04-02", "2006-10-29"],
    "Pacific/Apia": ["2011-12-30"],
    "UTC": ["2026-03-29"],
}


def is_working(calendar: WorkingCalendar, moment: datetime) -> bool:
    """The definition: what the clock on the wall shows lies within the hours of its day."""
    local = moment.astimezone(ZoneInfo(calendar.zone))
    day = local.date().isoformat()
    hours = calendar.hours.get(WEEKDAYS[local.weekday()], ())
    if day in calendar.holidays:
        hours = ()
    if day in calendar.special:
        hours = calendar.special[day]
    clock = f"{local:%H:%M}"
    return any(start <= clock < stop for start, stop in (each.split("-") for each in hours))


def added(calendar: WorkingCalendar, moment: datetime, minutes: int) -> datetime:
    """Walk until that many minutes were worked; back, where the number is negative."""
    step, left = (MINUTE, minutes) if minutes > 0 else (-MINUTE, -minutes)
    while left:
        left -= is_working(calendar, moment if step > timedelta(0) else moment - MINUTE)
        moment += step
    return moment


@st.composite
def ranges(draw: st.DrawFn) -> tuple[str, ...]:
    quarters = draw(st.lists(st.integers(0, 96), unique=True, max_size=4).map(sorted))
    clocks = [f"{quarter // 4:02}:{quarter % 4 * 15:02}" for quarter in quarters]
    return tuple(f"{start}-{stop}" for start, stop in zip(clocks[::2], clocks[1::2], strict=False))


@st.composite
def calendars_and_moments(draw: st.DrawFn) -> tuple[WorkingCalendar, datetime]:
    zone = draw(st.sampled_from(sorted(CHANGES)))
    change = date.fromisoformat(draw(st.sampled_from(CHANGES[zone])))
    days = st.integers(-2, 2).map(lambda days: change + timedelta(days=days))
    calendar = WorkingCalendar(
        hours=draw(st.dictionaries(st.sampled_from(WEEKDAYS), ranges())) | {"tue": "08:00-16:00"},
        holidays=draw(st.lists(days, max_size=2)),
        special=draw(st.dictionaries(days, ranges(), max_size=2)),
        zone=zone,
    )
    minutes = draw(st.integers(-2 * 1440, 2 * 1440))
    return calendar, datetime(change.year, change.month, change.day, tzinfo=UTC) + minutes * MINUTE


@given(calendars_and_moments(), st.integers(-300, 300))
@settings(max_examples=slow())
def test_adding_working_time_is_what_walking_from_minute_to_minute_gives(
    case: tuple[WorkingCalendar, datetime], minutes: int
) -> None:
    calendar, moment = case
    assert calendar.add(moment, minutes * MINUTE) == added(calendar, moment, minutes)


@given(calendars_and_moments(), st.integers(0, 3000))
@settings(max_examples=slow())
def test_the_working_time_between_two_moments_is_what_a_walk_counts(
    case: tuple[WorkingCalendar, datetime], minutes: int
) -> None:
    calendar, moment = case
    expected = sum(is_working(calendar, moment + number * MINUTE) for number in range(minutes))
    end = moment + minutes * MINUTE

    assert calendar.between(moment, end) == expected * MINUTE
    assert calendar.between(end, moment) == -expected * MINUTE


@given(calendars_and_moments(), st.timedeltas(timedelta(microseconds=1), timedelta(days=2)))
@settings(deadline=None)
def test_what_was_added_lies_between(case: tuple[WorkingCalendar, datetime], time: timedelta) -> None:
    calendar, moment = case
    assert calendar.between(moment, calendar.add(moment, time)) == time
    assert calendar.between(calendar.add(moment, -time), moment) == time


def at(text: str, zone: str = "Europe/Berlin") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def test_a_working_day_ends_in_the_evening_and_not_on_the_next_morning() -> None:
    assert OFFICE.add(at("2026-12-21T09:00"), 7 * HOUR) == at("2026-12-21T17:00")
    assert OFFICE.add(at("2026-12-21T09:00"), 7 * HOUR + MINUTE) == at("2026-12-22T09:01")


def test_nights_lunch_weekends_and_holidays_do_not_count() -> None:
    assert OFFICE.add(at("2026-12-24T16:00"), 5 * HOUR) == at("2026-12-28T14:00")
    assert OFFICE.add(at("2026-12-28T14:00"), -5 * HOUR) == at("2026-12-24T16:00")
    assert not OFFICE.is_working(at("2026-12-21T12:00"))
    assert OFFICE.is_working(at("2026-12-21T11:59"))


def test_an_hour_the_clocks_leave_out_is_not_worked_and_one_that_comes_twice_is_worked_twice() -> None:
    night = WorkingCalendar(hours={"sun": "00:00-24:00"}, zone="Europe/Berlin")
    midnight = {"spring": at("2026-03-29T00:00"), "autumn": at("2026-10-25T00:00")}

    assert night.add(midnight["spring"], 8 * HOUR) == at("2026-03-29T09:00")
    assert night.add(midnight["autumn"], 8 * HOUR) == at("2026-10-25T07:00")


def test_no_time_leads_nowhere() -> None:
    sunday = at("2026-12-27T03:00")
    assert OFFICE.add(sunday, timedelta(0)) == sunday


def test_a_special_day_has_its_own_hours() -> None:
    calendar = WorkingCalendar(holidays=["2026-12-24"], special={date(2026, 12, 24): "09:00-11:00"})
    assert calendar.ranges_on(date(2026, 12, 24)) == ("09:00-11:00",)
    assert calendar.ranges_on(date(2026, 12, 23)) == ("09:00-17:00",)


def test_equal_calendars_are_equal() -> None:
    one = WorkingCalendar(hours={"mon": "09:00-10:00"}, holidays={date(2026, 1, 1)})
    other = WorkingCalendar(hours={"mon": ["09:00-10:00"]}, holidays=["2026-01-01"])
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"hours": "9-17"}, "such as '09:00-17:00'"),
        ({"hours": "17:00-09:00"}, "do not end after they begin"),
        ({"hours": "09:00-24:30"}, "within one day"),
        ({"hours": ["09:00-12:00", "11:00-13:00"]}, "overlap"),
        ({"hours": {"monday": "09:00-12:00"}}, "expected the days mon"),
        ({"hours": {}}, "nobody ever works"),
        ({"holidays": ["Christmas"]}, "isoformat"),
        ({"zone": "Europe/Atlantis"}, "unknown time zone 'Europe/Atlantis'"),
        ({"zone": "../etc/passwd"}, "unknown time zone"),
    ],
)
def test_a_calendar_that_cannot_be_read_says_why(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        WorkingCalendar(**options)  # type: ignore[arg-type]


def test_a_search_without_an_end_is_given_up() -> None:
    once = WorkingCalendar(hours={"mon": "09:00-09:01"})
    with pytest.raises(OverflowError, match="hundred years"):
        once.add(at("2026-01-01T00:00"), 200 * HOUR)


def test_working_time_needs_a_calendar() -> None:
    with pytest.raises(ValueError, match="needs a calendar"):
        later(at("2026-01-01T00:00"), working_hours(8), None)
    assert later(at("2026-12-21T09:00"), working_hours(1), OFFICE, times=2) == at("2026-12-21T11:00")
