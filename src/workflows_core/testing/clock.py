"""Time and ids that a test decides about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

BEGINNING: Final = datetime(2026, 1, 1, 9, tzinfo=UTC)
"""Where a virtual clock begins if it is not told otherwise: a Thursday morning."""


class VirtualClock:
    """A clock that stands still until it is advanced; implements `ports.Clock`."""

    def __init__(self, start: datetime = BEGINNING) -> None:
        """Let it begin at a moment.

        Raises:
            ValueError: If the moment has no time zone.
        """
        self._now = _aware(start)

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        return self._now

    def advance(self, duration: timedelta | None = None, **parts: float) -> datetime:
        """Go ahead by a `timedelta`, or by its parts (`days=3, hours=2`), and return the new moment.

        Raises:
            ValueError: If that leads back: time does not.
        """
        step = timedelta(**parts) if duration is None else duration + timedelta(**parts)
        if step < timedelta(0):
            msg = f"A clock cannot be advanced by {step}: it would go back."
            raise ValueError(msg)
        self._now += step
        return self._now

    def advance_to(self, moment: datetime) -> datetime:
        """Go ahead to a moment; one that is past already changes nothing. Return the new moment.

        Raises:
            ValueError: If the moment has no time zone.
        """
        self._now = max(self._now, _aware(moment))
        return self._now


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        msg = f"{moment!r} has no time zone; give one, such as datetime.UTC."
        raise ValueError(msg)
    return moment.astimezone(UTC)


class NumberedIds:
    """Ids that count from 1, so that every run of a test sees the same; implements `ports.IdFactory`."""

    def __init__(self) -> None:
        self._ids = 0
        self._secrets = 0

    def new_id(self) -> UUID:
        """Return the next number, as a UUID."""
        self._ids += 1
        return UUID(int=self._ids)

    def new_secret(self) -> str:
        """Return the next secret, which is none."""
        self._secrets += 1
        return f"secret-{self._secrets}"
