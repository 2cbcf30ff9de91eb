"""Messages: what is sent to instances from outside, and the waits that take them.

A message is sent to a name and a correlation key, or to one instance. It is kept until a step that waits for it
takes it, or its time to live is over; whether it came before the wait or after makes no difference. One message
is taken by one wait, and one wait takes one message.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from uuid import UUID

from attrs import frozen

from workflows_core.commands import DeliverMessage
from workflows_core.data import Json
from workflows_core.errors import InvalidDataError

if TYPE_CHECKING:
    from collections.abc import Iterable

TIME_TO_LIVE: Final = timedelta(days=7)
"""How long a message is kept if its sender does not say."""

NAME_LENGTH: Final = 200
"""How many characters the name or the id of a message may have."""

KEY_LENGTH: Final = 400
"""How many characters a correlation key may have."""

RESERVED: Final = "@"
"""What names begin with that only the engine itself sends to."""

WEBHOOK: Final = "@webhook"
"""The name of the messages that calls from outside become; their correlation key is the sealed callback."""


def sealed(callback: str) -> str:
    """Return what is stored of a callback, and what it is looked up by.

    It is a secret: who reads the database or a history cannot call. And a lookup by the digest takes a time that tells
    nothing about how much of a guess was right.
    """
    return sha256(callback.encode()).hexdigest()


@frozen(kw_only=True)
class Message:
    """A message, taken or not.

    Attributes:
        id: Names it; of several messages with one id the first counts.
        name: What it is about.
        correlation_key: The key it was sent to; `None` if it was sent to one instance.
        instance_id: The instance it was sent to; `None` if it was sent to a key.
        tenant_id: The only tenant whose instances may take it; `None` for all.
        payload: What it says.
        size: Approximate bytes of the payload.
        sent_by: Who sent it.
        sent_at: When it was sent (UTC); of several that wait to be taken the oldest is first.
        expires_at: From when on it is not delivered any more (UTC), and may be forgotten.
        taken_by: The instance that took it; `None` while it waits to be taken.
    """

    id: str
    name: str
    correlation_key: str | None = None
    instance_id: UUID | None = None
    tenant_id: str | None = None
    payload: Json = None
    size: int = 0
    sent_by: str | None = None
    sent_at: datetime
    expires_at: datetime
    taken_by: UUID | None = None

    def suits(self, wait: Wait) -> bool:
        """Say whether the wait may take it."""
        is_for = (
            self.correlation_key == wait.correlation_key
            if self.instance_id is None
            else self.instance_id == wait.instance_id
        )
        return is_for and self.name == wait.name and self.tenant_id in {None, wait.tenant_id}


@frozen(kw_only=True)
class Wait:
    """A token that waits for a message.

    Attributes:
        instance_id: Its instance.
        token: Its number there.
        name: The name of the message.
        correlation_key: The key the message must be sent to.
        tenant_id: The tenant of the instance.
    """

    instance_id: UUID
    token: int
    name: str
    correlation_key: str
    tenant_id: str | None = None


@frozen(kw_only=True)
class Receipt:
    """What became of a message that was sent.

    Attributes:
        message_id: Its id; sending it again under this id changes nothing.
        instance_id: The instance that took it; `None` if none has yet: it is kept for one that will wait for it.
        expires_at: How long it is kept (UTC).
    """

    message_id: str
    instance_id: UUID | None
    expires_at: datetime

    @property
    def is_delivered(self) -> bool:
        """Whether an instance took it."""
        return self.instance_id is not None


def deliveries(mail: Iterable[tuple[Wait, Message]], at: datetime) -> list[DeliverMessage]:
    """Return the commands that hand out messages of one instance; each is given away once."""
    given: set[str] = set()
    commands = []
    for wait, message in mail:
        if message.id not in given:
            given.add(message.id)
            commands.append(
                DeliverMessage(
                    at=at,
                    token=wait.token,
                    message_id=message.id,
                    payload=message.payload,
                    size=message.size,
                    actor=message.sent_by,
                )
            )
    return commands


def checked(what: str, text: object, length: int, place: str = "") -> str:
    """Return a name, key or id that can be stored and found; `place` is the pointer to it in what was sent.

    Raises:
        InvalidDataError: If it is empty, too long, or holds what no database can keep.
    """
    if not isinstance(text, str) or not 0 < len(text) <= length or not text.isprintable():
        raise InvalidDataError(
            place, f"{what} must be printable text of 1 to {length} characters, not {text!r:.60}"
        )
    return text
