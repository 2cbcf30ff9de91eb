"""Steps that wait: for a moment, or for a message from outside."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from workflows_core.steps.base import Join, Step, StepKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from workflows_core.context import WorkflowContext

    Duration: TypeAlias = (
        timedelta | float | Callable[[WorkflowContext], timedelta | float | Awaitable[timedelta | float]]
    )
    Secret: TypeAlias = str | Callable[[WorkflowContext], str | bytes | Awaitable[str | bytes]]
    Moment: TypeAlias = datetime | Callable[[WorkflowContext], datetime | Awaitable[datetime]]


class TimerStep(Step):
    """Wait for a while, or until a moment. The wait survives everything but the database.

    Attributes:
        duration: How long to wait from the moment the step is reached: a `timedelta`, seconds, or a callable
            of the context (plain or async) that returns either.
        until: The moment to wait for instead: an aware datetime, or a callable of the context that returns one.
            One that is past goes on at once.
    """

    kind = StepKind.TIMER
    specified = (*Step.specified, "duration", "until")

    duration: Duration | None = None
    until: Moment | None = None

    def __init__(
        self,
        name: str | None = None,
        duration: Duration | None = None,
        description: str | None = None,
        *,
        until: Moment | None = None,
        title: str | None = None,
        join: Join | None = None,
        terminate: bool | None = None,
    ) -> None:
        super().__init__(name, description, title=title, join=join, terminate=terminate)
        self._set({"duration": duration, "until": until})


class DelayStep(TimerStep):
    """A timer that is given how long to wait."""


class ScheduledStep(TimerStep):
    """A timer that is given the moment to wait for."""

    def __init__(
        self,
        name: str | None = None,
        until: Moment | None = None,
        description: str | None = None,
        *,
        title: str | None = None,
        join: Join | None = None,
        terminate: bool | None = None,
    ) -> None:
        super().__init__(name, None, description, until=until, title=title, join=join, terminate=terminate)


class MessageStep(Step):
    """Wait for a message of a name, sent to a correlation key.

    A message that came early is kept for it. The payload is put into the data of the instance.

    Attributes:
        message: The name of the message; the step's own name by default.
        correlation_key: Key of the instance data that holds the correlation key; by default the id of the
            instance is the key. See also `get_correlation_key`.
        payload_key: Key of the instance data that the payload is put under; the step's name by default.
        timeout: How long to wait, as a `timedelta` or in seconds. Then the step ends along its `on="timeout"` edges,
            or fails if it has none. `None` waits for ever.
    """

    kind = StepKind.MESSAGE
    specified = (*Step.specified, "message", "correlation_key", "payload_key", "timeout")

    message: str | None = None
    correlation_key: str | None = None
    payload_key: str | None = None
    timeout: timedelta | float | None = None

    def __init__(
        self,
        name: str | None = None,
        message: str | None = None,
        correlation_key: str | None = None,
        description: str | None = None,
        *,
        payload_key: str | None = None,
        timeout: timedelta | float | None = None,
        title: str | None = None,
        join: Join | None = None,
        terminate: bool | None = None,
    ) -> None:
        super().__init__(name, description, title=title, join=join, terminate=terminate)
        self._set(
            {
                "message": message,
                "correlation_key": correlation_key,
                "payload_key": payload_key,
                "timeout": timeout,
            }
        )

    def get_correlation_key(self, context: WorkflowContext) -> str | Awaitable[str]:
        """Return the key that the message must be sent to."""
        key = str(context.instance_id) if self.correlation_key is None else context.get(self.correlation_key)
        return key if isinstance(key, str) else str(key)


class WebhookStep(Step):
    """Wait for a call from outside, at a URL nobody can guess.

    Attributes:
        callback_key: Key of the instance data that the body of the call is put under; the step's name by default.
        timeout: How long to wait; as for `MessageStep`.
        secret: Where the secret is that calls must be signed with: the name of an environment variable, or a callable
            of the context (plain or async) that returns it. `None` takes unsigned calls too: who knows the URL may call.
        signature_header: The header that holds the signature: the HMAC (SHA-256) of the body, in hexadecimal digits,
            with or without `sha256=` in front of them.
    """

    kind = StepKind.WEBHOOK
    specified = (*Step.specified, "callback_key", "timeout", "secret", "signature_header")

    callback_key: str | None = None
    timeout: timedelta | float | None = None
    secret: Secret | None = None
    signature_header: str = "X-Signature-256"

    def __init__(
        self,
        name: str | None = None,
        callback_key: str | None = None,
        description: str | None = None,
        *,
        timeout: timedelta | float | None = None,
        secret: Secret | None = None,
        signature_header: str | None = None,
        title: str | None = None,
        join: Join | None = None,
        terminate: bool | None = None,
    ) -> None:
        super().__init__(name, description, title=title, join=join, terminate=terminate)
        self._set(
            {
                "callback_key": callback_key,
                "timeout": timeout,
                "secret": secret,
                "signature_header": signature_header,
            }
        )

    async def on_waiting(self, context: WorkflowContext, callback: str) -> None:
        """Tell the outside where to call: `callback` is the last part of the path, `POST …/webhooks/{callback}`.

        It is asked before the wait is committed, and again (with another callback) if that did not come to pass.
        """
