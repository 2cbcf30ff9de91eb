"""Who stands in for whom, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from attrs import asdict
from sqlalchemy import Insert, Select, and_, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from workflows_core.actors import Substitution
from workflows_core.errors import SubstitutionNotFoundError
from workflows_core.ports import SubstitutionQuery
from workflows_sqla.converter import AnyRow
from workflows_sqla.tables import substitutions
from workflows_sqla.transactions import Transaction


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
        given = {name: value for name, value in asdict(query, recurse=False).items() if value is not None}
        asked = _asked(frozenset(given), is_of_tenant=query.tenant_id is not None)
        return [_read(row) for row in await self._transaction.execute(asked, given)]

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


@cache
def _asked(about: frozenset[str], *, is_of_tenant: bool) -> Select[Any]:
    """Ask for those to which what is asked about applies; the parameters are named as in the query."""
    c = substitutions.c
    tenant = c.tenant_id == bindparam("tenant_id") if is_of_tenant else c.tenant_id.is_(None)
    conditions = {
        "absent": c.absent == bindparam("absent"),
        "substitute": c.substitute == bindparam("substitute"),
        "at": and_(c.since <= bindparam("at"), c.until > bindparam("at")),
        "not_over_at": c.until > bindparam("not_over_at"),
    }
    asked = select(substitutions).where(tenant).order_by(c.since, c.id)
    return asked.where(*(each for name, each in conditions.items() if name in about))


def _read(row: AnyRow) -> Substitution:
    return Substitution(**row._asdict())
