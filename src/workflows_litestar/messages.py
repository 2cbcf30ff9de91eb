"""What requests and answers about messages hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Self
from uuid import UUID

from litestar.params import KwargDefinition
from msgspec import Meta

from workflows_core.deadlines import LONGEST
from workflows_core.messages import KEY_LENGTH, NAME_LENGTH, TIME_TO_LIVE
from workflows_litestar.fields import NAME, Name, TextRules, about, text_about
from workflows_litestar.problems import NO_NUL

if TYPE_CHECKING:
    from workflows_core.messages import Receipt

_MESSAGE_NAME: Final[TextRules] = {"min_length": 1, "max_length": NAME_LENGTH, "pattern": NO_NUL}
_MESSAGE_KEY: Final[TextRules] = {"min_length": 1, "max_length": KEY_LENGTH, "pattern": NO_NUL}
_SECONDS: Final = {"gt": 0, "le": LONGEST.total_seconds()}

_Payload = Annotated[Any, about("What it says: any JSON.")]
_MessageId = Annotated[
    Annotated[str, Meta(**_MESSAGE_NAME), KwargDefinition(**_MESSAGE_NAME)] | None,
    about(
        "Your own id for it. The same id again changes nothing and gets the first answer, "
        "until the message expires."
    ),
]
_Ttl = Annotated[
    float,
    Meta(**_SECONDS),
    KwargDefinition(description="How many seconds it is kept for a step that does not wait yet.", **_SECONDS),
]
_SentBy = Annotated[
    Name | None,
    KwargDefinition(
        description="Who sends it: where no identity is configured. Elsewhere it is the principal.", **NAME
    ),
]
_WEEK: Final = TIME_TO_LIVE.total_seconds()


@dataclass(frozen=True)
class SendMessageDTO:
    """A message to one instance; its name is in the path."""

    payload: _Payload = None
    message_id: _MessageId = None
    ttl_seconds: _Ttl = _WEEK
    user_id: _SentBy = None

    @property
    def ttl(self) -> timedelta:
        """How long it is kept."""
        return timedelta(seconds=self.ttl_seconds)


@dataclass(frozen=True)
class PublishMessageDTO:
    """A message to whichever instance waits for it under a correlation key."""

    name: Annotated[str, *text_about("What it is about: what the step waits for.", **_MESSAGE_NAME)]
    correlation_key: Annotated[str, *text_about("Which case it is about.", **_MESSAGE_KEY)]
    payload: _Payload = None
    message_id: _MessageId = None
    ttl_seconds: _Ttl = _WEEK
    user_id: _SentBy = None
    tenant_id: Annotated[
        Name | None,
        KwargDefinition(description="The only tenant whose instances may take it: likewise.", **NAME),
    ] = None

    @property
    def ttl(self) -> timedelta:
        """How long it is kept."""
        return timedelta(seconds=self.ttl_seconds)


@dataclass(frozen=True)
class ReceiptDTO:
    """What became of a message."""

    message_id: Annotated[str, about("Its id.")]
    instance_id: Annotated[
        UUID | None,
        about("The instance that took it; null while it is kept for one that will wait for it."),
    ]
    is_delivered: Annotated[bool, about("Whether an instance took it.")]
    expires_at: Annotated[datetime, about("How long it is kept.")]

    @classmethod
    def from_domain(cls, receipt: Receipt) -> Self:
        """Show a receipt."""
        return cls(
            message_id=receipt.message_id,
            instance_id=receipt.instance_id,
            is_delivered=receipt.is_delivered,
            expires_at=receipt.expires_at,
        )


@dataclass(frozen=True)
class CallReceiptDTO:
    """What became of a call: it says nothing about whom it reached."""

    is_delivered: Annotated[
        bool,
        about("Whether the step has gone on; if not, it does as soon as it can."),
    ]

    @classmethod
    def from_domain(cls, receipt: Receipt) -> Self:
        """Show a receipt."""
        return cls(is_delivered=receipt.is_delivered)
