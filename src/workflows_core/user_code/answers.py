"""What user code may answer, and what becomes of it. Each function returns the value or says what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from attrs import frozen

from workflows_core.deadlines import LONGEST
from workflows_core.messages import KEY_LENGTH
from workflows_core.quorum import MOST_SEATS
from workflows_core.retry import as_seconds


def name(answer: object) -> str:
    """Read the name of a user, a group or a key."""
    if not isinstance(answer, str):
        msg = f"expected the name of a user or group as text, got {type(answer).__name__}"
        raise TypeError(msg)
    if not answer or "\x00" in answer:
        msg = f"expected the name of a user or group, got {answer!r}"
        raise ValueError(msg)
    return answer


def name_or_none(answer: object) -> str | None:
    """Read a name, or that there is none."""
    return None if answer is None else name(answer)


def names(answer: object) -> tuple[str, ...]:
    """Read names; sets are sorted, so that the same answer always gives the same task."""
    if isinstance(answer, str) or not isinstance(answer, Iterable):
        msg = f"expected a list of names, got {type(answer).__name__}"
        raise TypeError(msg)
    return tuple(map(name, sorted(answer) if isinstance(answer, set | frozenset) else answer))


@frozen
class Decider:
    """Somebody who is to decide: a user, or one member of a group; `weight` is set if it was said."""

    name: str
    is_group: bool = False
    weight: int | None = None


def deciders(answer: object) -> tuple[Decider, ...]:
    """Read who decides: names, or objects with `user` or `group` and perhaps a `weight`; each once."""
    if isinstance(answer, str | Mapping) or not isinstance(answer, Iterable):
        msg = f"expected a list of deciders, got {type(answer).__name__}"
        raise TypeError(msg)
    found: dict[tuple[str, bool], Decider] = {}
    for each in sorted(answer) if isinstance(answer, set | frozenset) else answer:
        decider = _decider(each)
        known = found.setdefault((decider.name, decider.is_group), decider)
        if known != decider:
            msg = f"the decider {decider.name!r} is named twice with different weights"
            raise ValueError(msg)
    if len(found) > MOST_SEATS:
        msg = f"expected at most {MOST_SEATS} deciders, got {len(found)}"
        raise ValueError(msg)
    return tuple(found.values())


def _decider(given: object) -> Decider:
    if not isinstance(given, Mapping):
        return Decider(name(given))
    match dict(given):
        case {"user": who, **rest} if not rest or rest.keys() == {"weight"}:
            is_group = False
        case {"group": who, **rest} if not rest or rest.keys() == {"weight"}:
            is_group = True
        case _:
            msg = f'expected a decider such as {{"user": "ann"}} or {{"group": "board", "weight": 2}}, got {given!r}'
            raise ValueError(msg)
    weight = rest.get("weight")
    if weight is not None and whole_number(weight) < 1:
        msg = f"expected a weight of at least 1, got {weight!r}"
        raise ValueError(msg)
    return Decider(name(who), is_group, weight)


def whole_number(answer: object) -> int:
    """Read a whole number of 32 bits."""
    if not isinstance(answer, int) or isinstance(answer, bool) or abs(answer) >= 2**31:
        msg = f"expected a whole number of 32 bits, got {answer!r}"
        raise TypeError(msg)
    return answer


def correlation_key(answer: object) -> str:
    """Read the key that a message must be sent to."""
    if not isinstance(answer, str) or not 0 < len(answer) <= KEY_LENGTH or not answer.isprintable():
        msg = (
            f"expected a correlation key, printable text of 1 to {KEY_LENGTH} characters, got {answer!r:.60}"
        )
        raise ValueError(msg)
    return answer


def secret(answer: object) -> bytes:
    """Read a secret: text or bytes."""
    if not isinstance(answer, str | bytes) or not answer:
        msg = f"expected a secret as text or bytes, got {type(answer).__name__}"
        raise TypeError(msg)
    return answer.encode() if isinstance(answer, str) else answer


def duration(answer: object) -> timedelta:
    """Read a duration: a `timedelta` or seconds."""
    if not isinstance(answer, timedelta | int | float) or isinstance(answer, bool):
        msg = f"expected a timedelta or a number of seconds, got {answer!r}"
        raise TypeError(msg)
    seconds = as_seconds(answer)
    if not abs(seconds) <= LONGEST.total_seconds():  # NaN is not, either
        msg = f"expected a duration of at most {LONGEST.days} days, got {answer!r}"
        raise ValueError(msg)
    return timedelta(seconds=seconds)


def moment_or_none(answer: object) -> datetime | None:
    """Read a moment, or that there is none."""
    return None if answer is None else moment(answer)


def moment(answer: object) -> datetime:
    """Read a moment: an aware datetime."""
    if not isinstance(answer, datetime) or answer.tzinfo is None:
        msg = f"expected a datetime with a time zone, got {answer!r}"
        raise TypeError(msg)
    return answer.astimezone(UTC)
