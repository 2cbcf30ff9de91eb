"""Keys that are reserved for requests, in SQL."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from attrs import asdict
from sqlalchemy import Delete, Insert, Update, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from workflows_core.reservations import Reservation
from workflows_sqla.statements import Rows
from workflows_sqla.tables import reservations
from workflows_sqla.transactions import Transaction
from workflows_sqla.writing import count

BATCH: Final = 1000
"""How many are forgotten in one transaction: nobody else is kept waiting for long."""


class Reservations:
    """Implements `ports.ReservationRepository`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def find(self, key: str) -> Reservation | None:
        """Return what is reserved under a key; see the port."""
        row = (await self._transaction.execute(select(reservations).where(reservations.c.key == key))).first()
        return None if row is None else Reservation(**row._asdict())

    async def swap(self, old: Reservation | None, new: Reservation) -> bool:
        """Put a reservation in the place of another one; see the port."""
        await self._transaction.for_writing()
        values = asdict(new, recurse=False)
        if old is None:
            return await self._changes(_add(self._transaction.dialect), values)
        replace = _replace(is_answered=old.answer is not None)
        return await self._changes(replace, {**values, "old_key": old.key, "old_holder": old.holder})

    async def _changes(self, statement: Insert | Update, values: dict[str, Any]) -> bool:
        return count(await self._transaction.execute(statement, values)) == 1


@cache
def _add(dialect: str) -> Insert:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(reservations).on_conflict_do_nothing()


@cache
def _replace(*, is_answered: bool) -> Update:
    c = reservations.c
    is_as_before = c.answer.is_not(None) if is_answered else c.answer.is_(None)
    is_same = (c.key == bindparam("old_key"), c.holder == bindparam("old_holder"))
    return (
        update(reservations)
        .where(*is_same, is_as_before)
        .values({each.name: bindparam(each.name) for each in c})
    )


@cache
def expired_reservations() -> Rows:
    """Ask whether one expired by `now`."""
    return select(reservations.c.key).where(reservations.c.expires_at <= bindparam("now")).limit(1)


@cache
def remove_expired_reservations() -> Delete:
    """Delete at most a `BATCH` of those that expired by `now`, except those that somebody is about to replace."""
    c = reservations.c
    expired = select(c.key).where(c.expires_at <= bindparam("now")).limit(BATCH)
    return delete(reservations).where(c.key.in_(expired.with_for_update(skip_locked=True)))
