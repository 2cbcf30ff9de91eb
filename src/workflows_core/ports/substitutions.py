"""Who stands in for whom: keeping and finding it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from workflows_core.actors import Substitution


@frozen(kw_only=True)
class SubstitutionQuery:
    """Which substitutions to list; `None` does not restrict. By their beginning, then by id.

    Attributes:
        absent: Only those of this person.
        substitute: Only those in which this person stands in.
        at: Only those that hold at this moment.
        not_over_at: Only those that hold at this moment or later on.
        tenant_id: Only those of this tenant; without one, only those of no tenant.
    """

    absent: str | None = None
    substitute: str | None = None
    at: datetime | None = None
    not_over_at: datetime | None = None
    tenant_id: str | None = None


class SubstitutionRepository(Protocol):
    """Who stands in for whom."""

    async def save(self, substitution: Substitution) -> None:
        """Keep a substitution, in the place of what is known under its id."""
        ...

    async def find(self, query: SubstitutionQuery) -> Sequence[Substitution]:
        """Return the substitutions the query asks for, in its order."""
        ...

    async def get(self, substitution_id: UUID) -> Substitution:
        """Return a substitution.

        Raises:
            SubstitutionNotFoundError: If there is none.
        """
        ...
