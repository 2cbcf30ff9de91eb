"""Messages that were sent, and the waits for them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from workflows_core.messages import Message, Wait


class MessageRepository(Protocol):
    """Messages, and the waits for them. Waits are written, and messages taken, through `UnitOfWork.apply` alone."""

    async def add(self, message: Message) -> Message:
        """Keep a message, and make the instances due at once that wait for it; return it.

        If a message of that id is known and not expired, nothing changes and that one is returned.

        Whoever begins to wait for it at the same time does not miss it: either this finds the wait, or the
        transition that begins the wait finds the message.

        Raises:
            InstanceNotFoundError: If it is sent to an instance that does not exist.
        """
        ...

    async def find(self, message_id: str) -> Message | None:
        """Return a message, taken or not; `None` if it is unknown or was forgotten."""
        ...

    async def find_waits(self, name: str, correlation_key: str) -> Sequence[Wait]:
        """Return the waits for messages of this name and key, in the order of instance id and token."""
        ...

    async def find_mail(
        self, instance_ids: Collection[UUID], now: datetime
    ) -> Sequence[tuple[Wait, Message]]:
        """Return, for each wait of these instances, the oldest message that it may take.

        Messages that are taken, or expired by `now`, are left out, and so are waits that no message is there
        for. The same message stands beside every wait that it suits. Ordered by instance id and token.
        """
        ...
