"""Messages and waits in the database: the repository, and what the write side does about them.

A publisher and somebody who begins to wait for its message must not miss each other, though neither sees what
the other has not committed. So both hold the same lock until they commit: on PostgreSQL an advisory lock on the
address (or the row of the instance, where a message is sent to one), on SQLite the write lock. Whoever comes
second sees what the first has written. Locks are taken in one order everywhere: addresses, messages, instances.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from attrs import asdict

from workflows_core.errors import InstanceNotFoundError
from workflows_core.messages import Message, Wait
from workflows_core.transition import Transition
from workflows_sqla import message_statements as statements
from workflows_sqla.changes import tell_due
from workflows_sqla.converter import AnyRow, Values
from workflows_sqla.transactions import Reader, Transaction


class Messages:
    """Implements `ports.MessageRepository`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, message: Message) -> Message:
        """Keep a message and wake those who wait for it; see the port."""
        transaction = self._transaction
        await transaction.for_writing()
        if message.instance_id is not None:
            await _lock_instance(transaction, message.instance_id)
        elif message.correlation_key is not None:
            await _lock_addresses(transaction, [(message.name, message.correlation_key)])
        insert = statements.add_message(transaction.dialect)
        added = await transaction.execute(insert, from_message(message))
        if added.first() is None:
            known = await self.find(message.id)
            assert known is not None  # noqa: S101 - or else nothing was in its way
            return known
        waiting = await transaction.execute(
            statements.waiting_instances(by_instance=message.instance_id is not None),
            {
                "name": message.name,
                "correlation_key": message.correlation_key,
                "instance_id": message.instance_id,
                "tenant_id": message.tenant_id,
            },
        )
        await wake(transaction, waiting.scalars().all(), message.sent_at)
        return message

    async def find(self, message_id: str) -> Message | None:
        """Return a message; see the port."""
        asked = {"message_id": message_id}
        row = (await self._transaction.execute(statements.message_row(), asked)).first()
        return None if row is None else to_message(row)

    async def find_waits(self, name: str, correlation_key: str) -> Sequence[Wait]:
        """Return waits; see the port."""
        asked = {"name": name, "correlation_key": correlation_key}
        return [to_wait(row) for row in await self._transaction.execute(statements.wait_rows(), asked)]

    async def find_mail(
        self, instance_ids: Collection[UUID], now: datetime
    ) -> Sequence[tuple[Wait, Message]]:
        """Return what waits may take; see the port."""
        return await find_mail(self._transaction, instance_ids, now)


async def find_mail(
    reader: Reader, instance_ids: Collection[UUID], now: datetime
) -> list[tuple[Wait, Message]]:
    """Return, for each wait of the instances, the oldest message it may take."""
    if not instance_ids:
        return []
    asked = {"ids": [*instance_ids], "now": now}
    rows = (await reader.execute(statements.mail(), asked)).all()
    ids = {row.message_id for row in rows if row.message_id is not None}
    if not ids:
        return []
    found = await reader.execute(statements.message_rows(), {"ids": [*ids]})
    messages = {row.id: to_message(row) for row in found}
    return [(to_wait(row), messages[row.message_id]) for row in rows if row.message_id in messages]


async def reserve(transaction: Transaction, transitions: Iterable[Transition]) -> frozenset[UUID]:
    """Take the locks that transitions need for the sake of messages; return those whose message is gone.

    Comes before anything is written: see the order of locks above.
    """
    changes = [each for each in transitions if each.waits or each.consumes]
    if not changes:
        return frozenset()
    await _lock_addresses(
        transaction,
        [(wait.name, wait.correlation_key) for each in changes for wait in each.waits or ()],
    )
    wanted = {message_id for each in changes for message_id in each.consumes}
    free: set[str] = set()
    if wanted:
        found = await transaction.execute(statements.free_messages(), {"ids": [*wanted]})
        free.update(found.scalars())
    lost = set()
    for each in changes:
        if free.issuperset(each.consumes):
            free.difference_update(each.consumes)
        else:
            lost.add(each.instance.id)
    return frozenset(lost)


async def settle(transaction: Transaction, won: Iterable[Transition]) -> None:
    """Write what transitions that were applied took and wait for, and wake those there is mail for."""
    changes = [each for each in won if each.waits is not None or each.listens or each.consumes]
    if not changes:
        return
    taken = [{"taken_id": id_, "new_taken_by": each.instance.id} for each in changes for id_ in each.consumes]
    if taken:
        await transaction.execute(statements.take_messages(), taken)
    await _save_waits(transaction, [each for each in changes if each.waits is not None])
    listening = {each.instance.id: each.instance.updated_at for each in changes if each.listens}
    if listening:
        mail = await find_mail(transaction, listening, max(listening.values()))
        for id_ in {wait.instance_id for wait, _ in mail}:
            await wake(transaction, [id_], listening[id_])


async def _save_waits(transaction: Transaction, changes: list[Transition]) -> None:
    moved = [each.instance.id for each in changes if not each.is_start]
    if moved:
        await transaction.execute(statements.remove_waits(), {"ids": moved})
    rows = [asdict(wait) for each in changes for wait in each.waits or ()]
    if rows:
        await transaction.execute(statements.add_waits(), rows)


async def wake(transaction: Transaction, instance_ids: Sequence[UUID], at: datetime) -> None:
    """Make instances due at `at`, where they are not due earlier, and tell of it."""
    if instance_ids:
        await transaction.execute(statements.lock_instances(), {"ids": [*instance_ids]})
        await transaction.execute(statements.wake_instances(), {"ids": [*instance_ids], "at": at})
        await tell_due(transaction)


async def _lock_instance(transaction: Transaction, instance_id: UUID) -> None:
    locked = await transaction.execute(statements.lock_instances(), {"ids": [instance_id]})
    if locked.first() is None:
        raise InstanceNotFoundError(instance_id)


async def _lock_addresses(transaction: Transaction, addresses: Iterable[tuple[str, str]]) -> None:
    keys = sorted({_lock_key(*address) for address in addresses})
    if keys and transaction.dialect == "postgresql":
        for key in keys:  # one by one: in this order, whatever the planner thinks
            await transaction.execute(statements.lock_address(), {"key": key})


def _lock_key(name: str, correlation_key: str) -> int:
    """Return the 64 bits that PostgreSQL locks; the prefix keeps apart what others lock in this database."""
    text = f"workflows message\x1f{name}\x1f{correlation_key}"
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)


def from_message(message: Message) -> Values:
    """Make the row of a message."""
    return asdict(message, recurse=False)


def to_message(row: AnyRow) -> Message:
    """Read a message."""
    return Message(
        id=row.id,
        name=row.name,
        correlation_key=row.correlation_key,
        instance_id=row.instance_id,
        tenant_id=row.tenant_id,
        payload=row.payload,
        size=row.size,
        sent_by=row.sent_by,
        sent_at=row.sent_at,
        expires_at=row.expires_at,
        taken_by=row.taken_by,
    )


def to_wait(row: AnyRow) -> Wait:
    """Read a wait."""
    return Wait(
        instance_id=row.instance_id,
        token=row.token,
        name=row.name,
        correlation_key=row.correlation_key,
        tenant_id=row.tenant_id,
    )
