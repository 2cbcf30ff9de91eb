"""Times in few signs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_UNITS: Final = (
    ("d", timedelta(days=1), timedelta(days=2)),
    ("h", timedelta(hours=1), timedelta(hours=2)),
    ("m", timedelta(minutes=1), timedelta(minutes=1)),
)
"""Each unit with its length, and from which length on a span is told in it."""


def span(time: timedelta) -> str:
    """Write a span in the largest unit that says enough: `40s`, `12m`, `47h`, `3d`."""
    for unit, length, least in _UNITS:
        if time >= least:
            return f"{time // length}{unit}"
    return f"{max(time, timedelta()) // timedelta(seconds=1)}s"


def due(at: datetime | None, now: datetime) -> str:
    """Say when something is due: `in 2h`, or `3d late`; nothing if never."""
    if at is None:
        return ""
    return f"in {span(at - now)}" if at >= now else f"{span(now - at)} late"


def moment(at: datetime) -> str:
    """Write a moment in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
