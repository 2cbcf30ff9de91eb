"""When a failed execution is tried again."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, TypeAlias

from attrs import field, frozen, validators

Seconds: TypeAlias = timedelta | float

_FOREVER: Final = timedelta(days=3650).total_seconds()


def as_seconds(duration: Seconds) -> float:
    """Return a duration in seconds, however it was given."""
    return duration.total_seconds() if isinstance(duration, timedelta) else float(duration)


def _as_names(errors: tuple[type[BaseException] | str, ...]) -> tuple[str, ...]:
    return tuple(error if isinstance(error, str) else error.__name__ for error in errors)


@frozen(kw_only=True)
class RetryPolicy:
    """How often a failed execution is tried again, and after which pauses.

    The pauses grow: `delay`, `delay * backoff`, `delay * backoff²`, … up to `max_delay`. Jitter takes a random
    part off each, so that what failed together does not come back together.

    Attributes:
        attempts: How many executions there are at the most, the first one included.
        delay: Pause after the first failure, in seconds (a `timedelta` is accepted).
        backoff: What each pause is multiplied by to get the next one; 1 keeps them equal.
        max_delay: Longest pause, in seconds (likewise).
        jitter: Which part of a pause is left to chance, from 0 (none) to 1 (all of it).
        non_retryable: Errors that no repetition will mend, as exception classes or their names; subclasses count.
    """

    attempts: int = field(default=3, validator=(validators.instance_of(int), validators.ge(1)))
    delay: float = field(
        default=1.0, converter=as_seconds, validator=(validators.ge(0), validators.le(_FOREVER))
    )
    backoff: float = field(default=2.0, validator=(validators.ge(1), validators.le(1e6)))
    max_delay: float = field(
        default=300.0, converter=as_seconds, validator=(validators.ge(0), validators.le(_FOREVER))
    )
    jitter: float = field(default=0.1, validator=(validators.ge(0), validators.le(1)))
    non_retryable: tuple[str, ...] = field(default=(), converter=_as_names)

    def pause(self, failures: int, chance: float) -> timedelta:
        """Return how long to wait after that many failures (1 or more); `chance` is a random number from 0 to 1."""
        try:
            grown = self.delay * self.backoff ** (failures - 1)
        except OverflowError:
            grown = self.max_delay
        return timedelta(seconds=min(grown, self.max_delay) * (1 - self.jitter * chance))

    def gives_up_on(self, error: BaseException) -> bool:
        """Say whether trying again cannot help against this error."""
        return any(kind.__name__ in self.non_retryable for kind in type(error).__mro__)
