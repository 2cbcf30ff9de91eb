"""Moments in requests."""

from __future__ import annotations

from datetime import UTC, datetime

from workflows_litestar.problems import Complaint, InvalidRequestError


def moment(given: datetime | None, parameter: str) -> datetime | None:
    """Return a moment of a query in UTC.

    Raises:
        InvalidRequestError: If it has no time zone, or lies where no calendar of UTC reaches.
    """
    if given is None:
        return None
    if given.tzinfo is None:
        detail = (
            f"Which moment it is depends on the time zone: write one behind it, such as {given.isoformat()}Z."
        )
        raise InvalidRequestError(Complaint(detail, parameter=parameter))
    try:
        return given.astimezone(UTC)
    except OverflowError:
        raise InvalidRequestError(Complaint("It lies too far away.", parameter=parameter)) from None


def earliest(*moments: datetime | None) -> datetime | None:
    """Return the first of the moments that are given, `None` if none is."""
    return min(filter(None, moments), default=None)
