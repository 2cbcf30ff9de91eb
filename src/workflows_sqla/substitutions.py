"""Who stands in for whom, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from attrs import asdict
from sqlalchemy import Insert, Select, select
from sqlalchemy.dialects import postgresql, sqlite

from workflows_core.actors import Substitution
from workflows_core.errors import SubstitutionNotFoundError
from workflows_core.ports import SubstitutionQuery
from workflows_sqla.converter import AnyRow
from workflows_sqla.tables import substitutions
from workflows_sqla.transactions import Transaction
from workflows_sqla.visibility import in_tenant


class Substitutions:
    """Implements `ports.SubstitutionRepository`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def save(self, substitution: Substitution) -> None:
        """Keep a substitution; see the port."""
        await self._transaction.for_writing()
        row = asdict(substitution, recurse=False)
        await self._transaction.execute(_save(self._transaction.dialect), row)

    async def find(self, query: SubstitutionQuery) -> Sequence[Substitution]:
        """Return substitutions; see the port."""
        return [_read(row) for row in await self._transaction.execute(_asked(query))]

    async def get(self, substitution_id: UUID) -> Substitution:
        """Return a substitution; see the port."""
        asked = select(substitutions).where(substitutions.c.id == substitution_id)
        row = (await self._transaction.execute(asked)).first()
        if row is None:
            raise SubstitutionNotFoundError(substitution_id)
        return _read(row)


def _save(dialect: str) -> Insert:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(substitutions)
    values = {each.name: statement.excluded[each.name] for each in substitutions.c if not each.primary_key}
    return statement.on_conflict_do_update(index_elements=[substitutions.c.id], set_=values)


def _asked(query: SubstitutionQuery) -> Select[Any]:
    c = substitutions.c
    asked = select(substitutions).where(in_tenant(c.tenant_id, query.tenant_id)).order_by(c.since, c.id)
    if query.absent is not None:
        asked = asked.where(c.absent == query.absent)
    if query.substitute is not None:
        asked = asked.where(c.substitute == query.substitute)
    if query.at is not None:
        asked = asked.where(c.since <= query.at, c.until > query.at)
    if query.not_over_at is not None:
        asked = asked.where(c.until > query.not_over_at)
    return asked


def _read(row: AnyRow) -> Substitution:
    return Substitution(**row._asdict())
