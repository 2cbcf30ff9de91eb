"""What is given with a command: texts, names, moments and priorities, checked before anything is asked of the machine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from workflows_core.data import to_object
from workflows_core.errors import InvalidDataError

LONGEST_TEXT: Final = 20_000
"""How many characters a comment, a question or a reason may have."""

_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


def text(given: str, what: str, pointer: str) -> str:
    """Return a text.

    Raises:
        InvalidDataError: If it says nothing, is too long, or cannot be stored; `what` and `pointer` tell of it.
    """
    said = to_object({"text": given}, what=what)[0]["text"]
    if not isinstance(said, str) or not said.strip() or len(said) > LONGEST_TEXT:
        raise InvalidDataError(pointer, f"{what} must be text of 1 to {LONGEST_TEXT} characters")
    return said


def reason(given: str | None) -> str | None:
    """Return a reason; `None` if it says nothing.

    Raises:
        InvalidDataError: As `text`.
    """
    return None if given is None or not given.strip() else text(given, "The reason", "/reason")


def needed_reason(given: str | None) -> str:
    """Return a reason, where nothing is done without one.

    Raises:
        InvalidDataError: If it says nothing, or cannot be stored.
    """
    if given is None or not given.strip():
        raise InvalidDataError("/reason", "The reason says nothing: give one, the history keeps it")
    return str(to_object({"reason": given}, what="The reason")[0]["reason"])


def user(given: str, what: str, pointer: str) -> str:
    """Return the name of a user.

    Raises:
        InvalidDataError: If it is none, or cannot be stored; `what` and `pointer` tell of it.
    """
    name = to_object({"name": given}, what=what)[0]["name"]
    if not isinstance(name, str) or not name.strip():
        raise InvalidDataError(pointer, f"{what} must be the name of a user")
    return name


def moment(given: datetime | str | None, pointer: str) -> datetime | None:
    """Return a moment in UTC.

    Raises:
        InvalidDataError: If it has no time zone, or lies too far away.
    """
    if given is None:
        return None
    if not isinstance(given, datetime) or given.tzinfo is None:
        raise InvalidDataError(pointer, "A moment must have a time zone")
    try:
        at = given.astimezone(UTC)
    except OverflowError:
        at = _LATEST
    if not _EARLIEST <= at < _LATEST:
        raise InvalidDataError(pointer, f"A moment must lie between {_EARLIEST:%Y} and {_LATEST:%Y}")
    return at


def priority(given: int | str, pointer: str) -> int:
    """Return a priority.

    Raises:
        InvalidDataError: If it is no whole number, or too large.
    """
    if not isinstance(given, int) or isinstance(given, bool) or abs(given) >= 2**31:
        raise InvalidDataError(pointer, "A priority must be a whole number of 32 bits")
    return given
