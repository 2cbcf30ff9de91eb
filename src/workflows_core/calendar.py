"""Working time: which hours of which days count, and how long something takes in them.

A calendar says when people work by the clock on their wall. Lengths of time are real: where the clocks
change, an hour that does not exist is not worked, and one that comes twice is worked twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import field, frozen

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Ranges: TypeAlias = tuple[str, ...]
"""Hours of a day, such as `("09:00-12:30", "13:30-17:00")`; `24:00` is the end of the day."""

_RANGE: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_DAY: Final = timedelta(days=1)
_ZERO: Final = timedelta(0)
_FURTHEST: Final = 40_000
"""How many days are looked at before a search is given up: more than a hundred years."""


def _as_ranges(given: Iterable[str] | str) -> Ranges:
    ranges = (given,) if isinstance(given, str) else tuple(given)
    end = _ZERO
    for start, stop in sorted(_parsed(text) for text in ranges):
        if start < end:
            msg = f"the hours {', '.join(ranges)} overlap"
            raise ValueError(msg)
        end = stop
    return tuple(sorted(ranges))


def _parsed(text: str) -> tuple[timedelta, timedelta]:
    match = _RANGE.fullmatch(str(text))
    if match is None:
        msg = f"expected hours such as '09:00-17:00', got {text!r}"
        raise ValueError(msg)
    hours, minutes, last_hours, last_minutes = map(int, match.groups())
    start = timedelta(hours=hours, minutes=minutes)
    stop = timedelta(hours=last_hours, minutes=last_minutes)
    if not start < stop <= _DAY:
        msg = f"the hours {text!r} do not end after they begin, within one day"
        raise ValueError(msg)
    return start, stop


def _as_week(given: Mapping[str, Iterable[str] | str] | Iterable[str] | str) -> Mapping[str, Ranges]:
    """Read the hours of a week; hours without days are those from Monday to Friday."""
    if not isinstance(given, Mapping):
        ranges = _as_ranges(given)
        return MappingProxyType(dict.fromkeys(WEEKDAYS[:5], ranges))
    unknown = [day for day in given if day not in WEEKDAYS]
    if unknown:
        msg = f"expected the days {', '.join(WEEKDAYS)}, got {unknown[0]!r}"
        raise ValueError(msg)
    return MappingProxyType({day: _as_ranges(given[day]) for day in WEEKDAYS if day in given})


def _as_date(given: date | str) -> str:
    if isinstance(given, datetime) or not isinstance(given, date | str):
        msg = f"expected a date, got {given!r}"
        raise TypeError(msg)
    return (given if isinstance(given, date) else date.fromisoformat(given)).isoformat()


def _as_dates(given: Iterable[date | str]) -> tuple[str, ...]:
    return tuple(sorted({_as_date(each) for each in given}))


def _as_special(given: Mapping[date | str, Iterable[str] | str]) -> Mapping[str, Ranges]:
    return MappingProxyType({_as_date(day): _as_ranges(given[day]) for day in sorted(given, key=_as_date)})


@frozen(kw_only=True)
class WorkingCalendar:
    """The hours in which people work.

    Attributes:
        hours: Weekday (`mon` to `sun`) to its hours, such as `{"mon": ["09:00-12:00", "13:00-17:00"]}`; a day that
            is not there is free. Hours alone are those from Monday to Friday.
        holidays: Days on which nobody works, as dates or ISO text.
        special: Day to the hours of that very day, whatever the weekday and the holidays say.
        zone: The time zone of the clock on the wall, by its IANA name.

    Raises:
        ValueError: If hours, days or zone cannot be read, or if nobody ever works.
    """

    hours: Mapping[str, Ranges] = field(converter=_as_week, default=("09:00-17:00",))
    holidays: tuple[str, ...] = field(converter=_as_dates, default=())
    special: Mapping[str, Ranges] = field(converter=_as_special, factory=dict)
    zone: str = "UTC"

    def __attrs_post_init__(self) -> None:
        if not any(self.hours.values()):
            msg = "a calendar in which nobody ever works has no working time"
            raise ValueError(msg)
        try:
            _zone(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            msg = f"unknown time zone {self.zone!r} (where the system has no time zones, install tzdata)"
            raise ValueError(msg) from error

    def add(self, moment: datetime, working_time: timedelta) -> datetime:
        """Return the moment (UTC) at which so much working time has passed; negative goes back.

        It is the first such moment, so eight hours from nine o'clock end at five o'clock and not on the next
        morning. No time at all leads nowhere: to the moment itself.

        Raises:
            OverflowError: If that is more than a hundred years away.
        """
        left, here = abs(working_time), moment.astimezone(UTC)
        if not left:
            return here
        is_ahead = working_time > _ZERO
        for start, stop in self._forwards(here) if is_ahead else self._backwards(here):
            worked = stop - start
            if left <= worked:
                return start + left if is_ahead else stop - left
            left -= worked
        msg = f"{working_time} of working time take more than a hundred years in this calendar"
        raise OverflowError(msg)

    def between(self, start: datetime, stop: datetime) -> timedelta:
        """Return the working time from one moment to another; negative if the second comes first."""
        if stop < start:
            return -self.between(stop, start)
        end, worked = stop.astimezone(UTC), _ZERO
        for begun, ended in self._forwards(start.astimezone(UTC)):
            if begun >= end:
                break
            worked += min(ended, end) - begun
        return worked

    def is_working(self, moment: datetime) -> bool:
        """Say whether people work at a moment."""
        return bool(self.between(moment, moment + timedelta(microseconds=1)))

    def _forwards(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the working time from a moment on, in pieces that are in order and may touch."""
        for number in range(_FURTHEST):
            for start, stop in _intervals(self, moment.date() + number * _DAY):
                if stop > moment:
                    yield max(start, moment), stop

    def _backwards(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        for number in range(_FURTHEST):
            for start, stop in reversed(_intervals(self, moment.date() - number * _DAY)):
                if start < moment:
                    yield start, min(stop, moment)

    def ranges_on(self, day: date) -> Ranges:
        """Return the hours of a day, by the clock on the wall."""
        text = day.isoformat()
        if text in self.special:
            return self.special[text]
        return () if text in self.holidays else self.hours.get(WEEKDAYS[day.weekday()], ())

    def __hash__(self) -> int:
        return hash((tuple(self.hours.items()), self.holidays, tuple(self.special.items()), self.zone))


@frozen
class WorkingTime:
    """A length of time that is counted in working hours only; see `working_hours`."""

    seconds: float


def working_hours(hours: float) -> WorkingTime:
    """Return so many hours of working time, for deadlines: `due=working_hours(8)`."""
    return WorkingTime(hours * 3600)


Span: TypeAlias = timedelta | float | WorkingTime
"""A length of time: a `timedelta`, seconds, or working time."""


def later(moment: datetime, span: Span, calendar: WorkingCalendar | None, *, times: int = 1) -> datetime:
    """Return the moment that is so much later, so many times over; negative `times` go back.

    Raises:
        ValueError: If working time is asked for where there is no calendar.
    """
    if isinstance(span, WorkingTime):
        if calendar is None:
            msg = "working time needs a calendar: give one to the step or the definition"
            raise ValueError(msg)
        return calendar.add(moment, times * timedelta(seconds=span.seconds))
    return moment + times * (span if isinstance(span, timedelta) else timedelta(seconds=span))


@lru_cache(maxsize=4096)
def _intervals(calendar: WorkingCalendar, day: date) -> tuple[tuple[datetime, datetime], ...]:
    """Return the working time of a day of UTC as intervals of UTC, in order.

    The day is cut where the offset of the zone changes. In each piece the clock on the wall runs evenly, so that the
    hours of the local days it shows are moved by the offset and cut to the piece.
    """
    midnight = datetime.combine(day, time(), UTC)
    found = []
    for begin, end, offset in _pieces(_zone(calendar.zone), midnight, midnight + _DAY):
        local = datetime.combine((begin + offset).date(), time(), UTC)
        while local < end + offset:
            for start, stop in map(_parsed, calendar.ranges_on(local.date())):
                first, last = max(local + start - offset, begin), min(local + stop - offset, end)
                if first < last:
                    found.append((first, last))
            local += _DAY
    return tuple(found)


def _pieces(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Cut a time where the offset of a zone changes; yield beginning, end and offset of each piece.

    No zone changed its offset twice within six hours, so looking that often misses nothing.
    """
    start, offset = begin, _offset(zone, begin)
    moment = begin
    while moment < end:
        following = min(moment + timedelta(hours=6), end)
        new = _offset(zone, following)
        if new != offset:
            change = _change(zone, moment, following)
            yield start, change, offset
            start, offset = change, new
        moment = following
    yield start, end, offset


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the moment between two at which the offset changes, to the second: by halving."""
    offset = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or _ZERO


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
