"""The messages and waits of a storage in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from workflows_core.errors import InstanceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from workflows_core.instance import Instance
    from workflows_core.messages import Message, Wait
    from workflows_core.transition import Transition


@frozen
class Mailbox:
    """What is stored; also what one unit of work has written and not committed.

    Attributes:
        messages: Id to message.
        waits: Instance to all its waits.
        woken: The instances that a message made due, and since when.
    """

    messages: dict[str, Message] = field(factory=dict)
    waits: dict[UUID, tuple[Wait, ...]] = field(factory=dict)
    woken: dict[UUID, datetime] = field(factory=dict)

    def update(self, later: Mailbox) -> None:
        """Take over what a unit of work has written."""
        self.messages.update(later.messages)
        self.waits.update(later.waits)

    def purge(self, now: datetime) -> int:
        """Forget what expired."""
        expired = [message.id for message in self.messages.values() if message.expires_at <= now]
        for id_ in expired:
            del self.messages[id_]
        return len(expired)


@frozen
class Messages:
    """Implements `ports.MessageRepository`, and what `apply` does about messages.

    Args:
        stored: What is committed.
        written: What this unit of work adds.
        begin_writing: Waits until nobody else writes.
        find_instance: Looks an instance up.
    """

    stored: Mailbox
    written: Mailbox
    begin_writing: Callable[[], Awaitable[object]]
    find_instance: Callable[[UUID], Instance | None]

    async def add(self, message: Message) -> Message:
        """Keep a message; see the port."""
        await self.begin_writing()
        if message.instance_id is not None and self.find_instance(message.instance_id) is None:
            raise InstanceNotFoundError(message.instance_id)
        known = await self.find(message.id)
        if known is not None and known.expires_at > message.sent_at:
            return known
        self.written.messages[message.id] = message
        for wait in self._all_waits():
            if message.suits(wait):
                self.written.woken[wait.instance_id] = message.sent_at
        return message

    async def find(self, message_id: str) -> Message | None:
        """Return a message; see the port."""
        return self.written.messages.get(message_id) or self.stored.messages.get(message_id)

    async def find_waits(self, name: str, correlation_key: str) -> Sequence[Wait]:
        """Return waits; see the port."""
        waits = self._all_waits()
        found = [wait for wait in waits if (wait.name, wait.correlation_key) == (name, correlation_key)]
        return sorted(found, key=_place)

    async def find_mail(
        self, instance_ids: Collection[UUID], now: datetime
    ) -> Sequence[tuple[Wait, Message]]:
        """Return what waits may take; see the port."""
        waits = self.stored.waits | self.written.waits
        asking = sorted((wait for id_ in instance_ids for wait in waits.get(id_, ())), key=_place)
        found = ((wait, self._oldest(wait, now)) for wait in asking)
        return [(wait, message) for wait, message in found if message is not None]

    def _oldest(self, wait: Wait, now: datetime) -> Message | None:
        messages: Mapping[str, Message] = self.stored.messages | self.written.messages
        there = [
            message
            for message in messages.values()
            if message.taken_by is None and message.expires_at > now and message.suits(wait)
        ]
        return min(there, key=lambda message: (message.sent_at, message.id), default=None)

    def _all_waits(self) -> Iterator[Wait]:
        for waits in (self.stored.waits | self.written.waits).values():
            yield from waits

    async def refuses(self, transition: Transition) -> bool:
        """Say whether a message that the transition consumes is not there to be taken."""
        wanted = [await self.find(message_id) for message_id in transition.consumes]
        return any(message is None or message.taken_by is not None for message in wanted)

    async def settle(self, transition: Transition) -> None:
        """Hand over what the transition consumes, note its waits, and see whether there is mail for them."""
        instance = transition.instance
        for message_id in transition.consumes:
            message = await self.find(message_id)
            if message is not None:
                self.written.messages[message_id] = evolve(message, taken_by=instance.id)
        if transition.waits is not None:
            self.written.waits[instance.id] = transition.waits
        self.written.woken.pop(instance.id, None)
        if transition.listens and await self.find_mail([instance.id], instance.updated_at):
            self.written.woken[instance.id] = instance.updated_at


def _place(wait: Wait) -> tuple[bytes, int]:
    return wait.instance_id.bytes, wait.token
