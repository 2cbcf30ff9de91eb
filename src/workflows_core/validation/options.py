"""What the options of steps may hold: one rule for each, by the name of the option."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from workflows_core.calendar import WorkingCalendar
from workflows_core.deadlines import Stage, as_span
from workflows_core.exits import RESERVED
from workflows_core.policies import Policies
from workflows_core.quorum import Quorum
from workflows_core.retry import RetryPolicy
from workflows_core.steps import Step, base_of
from workflows_core.validation.problems import shown

if TYPE_CHECKING:
    from workflows_core.calendar import Span

Rule: TypeAlias = Callable[[object], str | None]
"""Returns what is wrong with a value, as the end of a sentence about it; `None` if it is fine."""


def _one_of_types(what: str, *types: type) -> Rule:
    """Accept values of these types, and of no others: a boolean is no number here."""

    def rule(value: object) -> str | None:
        fits = isinstance(value, types) and (bool in types or not isinstance(value, bool))
        return None if fits else f"must be {what}, not {shown(value)}"

    return rule


def _or_none(rule: Rule) -> Rule:
    return lambda value: None if value is None else rule(value)


def _or_callable(rule: Rule) -> Rule:
    return lambda value: None if callable(value) else rule(value)


def _join(value: object) -> str | None:
    if isinstance(value, str) and value in {"all", "any"}:
        return None
    return None if _count(value) is None else f"must be 'all', 'any' or a number from 1, not {shown(value)}"


def _count(value: object) -> str | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    return None if fits else f"must be a number from 1, not {shown(value)}"


def _word(value: object) -> str | None:
    fits = isinstance(value, str) and value and not value.isspace()
    return None if fits else f"must be a name, not {shown(value)}"


def _duration(value: object) -> str | None:
    wrong = _one_of_types("a timedelta or a number of seconds", timedelta, int, float)(value)
    if wrong:
        return wrong
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, int | float) and math.isfinite(seconds) and 0 <= seconds <= _LONGEST:
        return None
    return f"must be from 0 seconds to {_LONGEST_YEARS} years, not {shown(value)}"


def _time_limit(value: object) -> str | None:
    wrong = _duration(value)
    return wrong or (None if value else "must be more than 0 seconds; None stands for no limit")


def _moment(value: object) -> str | None:
    if not isinstance(value, datetime):
        return f"must be a datetime, not {shown(value)}"
    return None if value.tzinfo else "must say in which time zone it is: give the datetime a tzinfo"


def _names(value: object) -> str | None:
    """Accept lists of names in which none is there twice."""
    if not isinstance(value, list | tuple):
        why = "whose order means something" if isinstance(value, set | frozenset) else "of names"
        return f"must be a list {why}, not {shown(value)}"
    for name in value:
        if not (isinstance(name, str) and name):
            return f"must hold names, not {shown(name)}"
    repeated = [name for name, times in Counter(value).items() if times > 1]
    return f"holds {shown(repeated[0])} more than once" if repeated else None


def _outcomes(value: object) -> str | None:
    wrong = _names(value)
    if wrong or not isinstance(value, list | tuple):
        return wrong
    reserved = [name for name in value if name in RESERVED]
    return f"must not hold {shown(reserved[0])}: every step can end like that" if reserved else None


def _span(value: object) -> str | None:
    """Accept what `deadlines.as_span` can read."""
    try:
        as_span(cast("Span", value))
    except (TypeError, ValueError) as error:
        return f"cannot be used: {error}"
    return None


def _stages(value: object) -> str | None:
    if not isinstance(value, list | tuple):
        return f"must be a list of stages, not {shown(value)}"
    others = [stage for stage in value if not isinstance(stage, Stage)]
    return f"must hold stages such as Remind or Expire, not {shown(others[0])}" if others else None


_LONGEST_YEARS: Final = 100
_LONGEST: Final = timedelta(days=366 * _LONGEST_YEARS).total_seconds()

_TEXT: Final = _one_of_types("text", str)
_KEY: Final = _or_none(_TEXT)
_SWITCH: Final = _one_of_types("True or False", bool)

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "abstain": _KEY,
        "assignee_group": _KEY,
        "assignee_key": _KEY,
        "branches": _names,
        "calendar": _or_none(_one_of_types("a WorkingCalendar", WorkingCalendar)),
        "callback_key": _KEY,
        "correlation_key": _KEY,
        "deciders_key": _KEY,
        "description": _TEXT,
        "due": _span,
        "duration": _or_none(_or_callable(_duration)),
        "escalation": _stages,
        "in_sequence": _SWITCH,
        "join": _join,
        "max_losses": _count,
        "merge_output": _SWITCH,
        "message": _KEY,
        "outcomes": _outcomes,
        "payload_key": _KEY,
        "policies": _or_none(_one_of_types("Policies", Policies)),
        "quorum": _one_of_types("a Quorum", Quorum),
        "requires_revision": _SWITCH,
        "retry": _or_none(_one_of_types("a RetryPolicy", RetryPolicy)),
        "secret": _or_none(_or_callable(_word)),
        "shows": _or_none(_names),
        "signature_header": _word,
        "terminate": _SWITCH,
        "timeout": _or_none(_time_limit),
        "title": _TEXT,
        "transactional": _SWITCH,
        "until": _or_none(_or_callable(_moment)),
    }
)
"""The options that have a rule. Conditions and schemas have problems of their own."""


def wrong_options(step: Step) -> Iterator[tuple[str, str]]:
    """Yield the name of every option that has a wrong value, and what is wrong with it."""
    for name, rule, default in _rules_of(type(step)):  # type: ignore[arg-type]
        value = getattr(step, name)
        wrong = None if value is default else rule(value)
        if wrong:
            yield name, wrong


@lru_cache(maxsize=1024)
def _rules_of(kind: type[Step]) -> tuple[tuple[str, Rule, object], ...]:
    """Return the options that a class of steps has rules for, with the values that need no check."""
    base = base_of(kind)
    return tuple((name, RULES[name], getattr(base, name)) for name in base.specified if name in RULES)
