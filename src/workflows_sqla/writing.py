"""The write side in a transaction that is open: on the caller's session, or in a unit of work that does more."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, Result

from workflows_core.transition import Transition
from workflows_sqla import messages, writes
from workflows_sqla.change_statements import add_signal
from workflows_sqla.changes import NOBODY, Watched, news
from workflows_sqla.converter import from_task, from_transition
from workflows_sqla.flushing import all_values, in_order, shape
from workflows_sqla.people import calls_for
from workflows_sqla.searching import value_calls
from workflows_sqla.transactions import Transaction


async def apply(
    transaction: Transaction, transitions: Sequence[Transition], watched: Watched
) -> frozenset[UUID]:
    """Write transitions of different instances; return the ids of those that lost; see the port.

    What others must hear of is told with them: see `changes`.
    """
    if not transitions:
        return frozenset()
    await transaction.for_writing()
    lost = set(await messages.reserve(transaction, transitions))
    write = _write_at_once if transaction.dialect == "postgresql" else _write
    won: list[Transition] = []
    for each in in_order(each for each in transitions if each.instance.id not in lost):
        if await write(transaction, each, watched):
            won.append(each)
        else:
            lost.add(each.instance.id)
    await messages.settle(transaction, won)
    return frozenset(lost)


async def _write_at_once(transaction: Transaction, transition: Transition, watched: Watched) -> bool:
    """Write a transition on PostgreSQL; return `False` if it lost."""
    values = all_values(transition, watched)
    written = await transaction.execute(writes.write(**shape([values])), values)
    return written.first() is not None


async def _write(transaction: Transaction, transition: Transition, _: Watched) -> bool:
    """Write a transition on SQLite; return `False` if it lost."""
    first = writes.add_instance() if transition.is_start else writes.save_instance()
    values = from_transition(transition)
    if not count(await transaction.execute(first, values)):
        return False
    await transaction.execute(writes.add_entry(), values)
    if transition.tasks:
        tasks = [from_task(task, prefix="task_") for task in transition.tasks]
        await transaction.execute(writes.save_task(), tasks)
    for build, parameters in chain(calls_for(transition), value_calls(transition)):
        await transaction.execute(build(), parameters)
    for told in news(transition, NOBODY):
        await transaction.execute(add_signal(), {"told_id": told})
    return True


def count(result: Result[Any]) -> int:
    """Return how many rows a statement changed."""
    assert isinstance(result, CursorResult)  # noqa: S101 - as for all that is not a query of the ORM
    return result.rowcount
