"""The write side: transitions to rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, Result

from workflows_core.errors import StorageError
from workflows_core.transition import Transition
from workflows_sqla import messages, statements
from workflows_sqla.converter import from_entry, from_move, from_start, from_task
from workflows_sqla.transactions import Transaction


async def apply(transaction: Transaction, transitions: Sequence[Transition]) -> frozenset[UUID]:
    """Write transitions of different instances; return the ids of those that lost; see the port."""
    if not transitions:
        return frozenset()
    await transaction.for_writing()
    lost = await messages.reserve(transaction, transitions)
    if lost:
        transitions = [each for each in transitions if each.instance.id not in lost]
    lost |= await _add(transaction, [each for each in transitions if each.is_start])
    lost |= await _save(transaction, [each for each in transitions if not each.is_start])
    won = [each for each in transitions if each.instance.id not in lost]
    if won:
        await transaction.execute(statements.add_history(), [from_entry(each.entry) for each in won])
    tasks = [from_task(task) for each in won for task in each.tasks]
    if tasks:
        await transaction.execute(statements.save_tasks(transaction.dialect), tasks)
    await messages.settle(transaction, won)
    return lost


async def _add(transaction: Transaction, starts: list[Transition]) -> frozenset[UUID]:
    """Insert new instances; those whose id or key is taken are passed over by the database."""
    if not starts:
        return frozenset()
    # In one order everywhere: transactions that want the same keys must not wait for each other.
    starts.sort(key=lambda each: (each.instance.idempotency_key or "", each.instance.id.bytes))
    added = await transaction.execute(
        statements.add_instances(transaction.dialect), [from_start(each) for each in starts]
    )
    return frozenset(each.instance.id for each in starts) - frozenset(added.scalars())


async def _save(transaction: Transaction, moves: list[Transition]) -> frozenset[UUID]:
    """Update instances that are still at the revision the transition is based on."""
    if len(moves) == 1:
        saved = await transaction.execute(statements.save_instance(), from_move(moves[0]))
        return frozenset() if count(saved) else frozenset({moves[0].instance.id})
    if not moves:
        return frozenset()
    ids = [each.instance.id for each in moves]
    locked = await transaction.execute(statements.locked_revisions(), {"ids": ids})
    revisions: dict[UUID, int] = {row.id: row.revision for row in locked}
    current = [each for each in moves if revisions.get(each.instance.id) == each.instance.revision - 1]
    if current:
        saved = await transaction.execute(statements.save_instance(), [from_move(each) for each in current])
        # PostgreSQL does not count here, and has locked the rows. SQLite's write lock does the same, except
        # in a transaction that somebody else began without it.
        if transaction.dialect == "sqlite" and count(saved) != len(current):
            raise StorageError("The instances changed while they were written: roll back, and try again.")
    return frozenset(ids) - frozenset(each.instance.id for each in current)


def count(result: Result[Any]) -> int:
    """Return how many rows a statement changed."""
    assert isinstance(result, CursorResult)  # noqa: S101 - as for all that is not a query of the ORM
    return result.rowcount
