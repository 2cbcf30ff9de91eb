"""Moments in words, as somebody says them who looks at a page now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import frozen

from workflows_core.calendar import WorkingCalendar
from workflows_core.errors import InvalidDataError
from workflows_litestar.ui.texts import Texts

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_SOON: Final = timedelta(hours=24)


@frozen
class Due:
    """When something is due.

    Attributes:
        text: In words.
        is_late: Whether that is past.
        is_soon: Whether it is less than a day away.
    """

    text: str
    is_late: bool
    is_soon: bool


def due(texts: Texts, due_at: datetime, now: datetime, calendar: WorkingCalendar | None = None) -> Due:
    """Say when something is due; in working hours where there is a calendar and it is not far away."""
    is_late = due_at < now
    key = "due.late" if is_late else "due.in"
    first, last = (due_at, now) if is_late else (now, due_at)
    span = _span(texts, last - first)
    if calendar is not None and last - first < timedelta(days=14):
        span = _working(texts, calendar.between(first, last)) or span
    return Due(texts(key, span=span), is_late, not is_late and due_at - now < _SOON)


def _working(texts: Texts, time: timedelta) -> str | None:
    """Return a span of working time; `None` if there is none of it, or so much that days say more."""
    seconds = int(time.total_seconds())
    if seconds < 60 or seconds >= 40 * _HOUR:
        return None
    if seconds < _HOUR:
        return texts.count("span.working_minutes", seconds // 60)
    return texts.count("span.working_hours", round(seconds / _HOUR))


def _span(texts: Texts, time: timedelta) -> str:
    seconds = int(time.total_seconds())
    if seconds < 60:
        return texts("span.moment")
    if seconds < _HOUR:
        return texts.count("span.minutes", seconds // 60)
    if seconds < 2 * _DAY:
        return texts.count("span.hours", seconds // _HOUR)
    return texts.count("span.days", seconds // _DAY)


def ago(texts: Texts, moment: datetime, now: datetime) -> str:
    """Say how long ago something was, or on which day if that is long."""
    passed = now - moment
    if passed < timedelta(minutes=1):
        return texts("ago.now")
    if passed > timedelta(days=30):
        return texts("ago.on", day=day(moment))
    return texts("ago.ago", span=_span(texts, passed))


def age(texts: Texts, since: datetime, now: datetime) -> str:
    """Say how long something has been going on."""
    return _span(texts, max(now - since, timedelta()))


def short(texts: Texts, since: datetime, now: datetime) -> str:
    """Say how long something has been going on where there is little room."""
    seconds = max((now - since).total_seconds(), 0)
    for unit, length in (("days", 2 * _DAY), ("hours", 2 * _HOUR), ("minutes", 60)):
        if seconds >= length:
            return texts(
                f"short.{unit}", number=int(seconds // {"days": _DAY, "hours": _HOUR, "minutes": 60}[unit])
            )
    return texts("short.moment")


def took(texts: Texts, since: datetime, until: datetime) -> str:
    """Say how long something took; machines take less than a second."""
    seconds = (until - since).total_seconds()
    return texts("span.seconds", number=f"{seconds:.1f}") if seconds < 60 else _span(texts, until - since)


def read(text: str, pointer: str) -> datetime | None:
    """Read a moment as browsers send it, without a zone: it is UTC. `None` for no moment at all.

    Raises:
        InvalidDataError: If it is none.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidDataError(pointer, "Write a date and a time of day, such as 2026-05-31T17:00") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def day(moment: datetime) -> str:
    """Write a day; pages show UTC, and say so where there is an hour."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def field(at: datetime | None) -> str:
    """Write a moment for a field in which browsers let people choose one; nothing where there is none."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")


def moment(at: datetime) -> str:
    """Write a moment."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
