"""Who stands in for whom: noting it, ending it, looking it up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from workflows_core.actors import Substitution
from workflows_core.data import to_object
from workflows_core.errors import InvalidDataError, NotPermittedError, SubstitutionNotFoundError
from workflows_core.ports import SubstitutionQuery

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from workflows_core.actors import Actor
    from workflows_core.engine import ExecutionEngine


class Substitutions:
    """The substitutions that an engine goes by.

    People note and end their own; for others the application does, which is not asked whether it may.
    """

    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine

    async def add(
        self,
        absent: str,
        substitute: str,
        since: datetime,
        until: datetime,
        *,
        definitions: Iterable[str] = (),
        groups: Iterable[str] = (),
        actor: Actor | None = None,
        user_id: str | None = None,
        tenant_id: str | None = None,
    ) -> Substitution:
        """Note that somebody is out of office, and who stands in.

        Args:
            absent: Who is out of office.
            substitute: Who stands in. Their own substitute does not stand in for the first.
            since: From when on, with a time zone.
            until: Until when, with a time zone.
            definitions: For the tasks of these workflows alone; for all, if there are none.
            groups: The groups of the absent; those of the actor, if they ask for themself.
            actor: Who asks.
            user_id: Who it is, where there is no actor.
            tenant_id: The tenant of the two, where there is no actor.

        Raises:
            NotPermittedError: If the actor asks for somebody else.
            InvalidDataError: If it ends before it begins, a time has no zone, or somebody would stand in for themself.
        """
        if actor is not None:
            _check_own(actor, absent)
        scope = (tuple(definitions), tuple(groups) if actor is None else tuple(sorted(actor.groups)))
        to_object({"names": [absent, substitute], "scope": [*map(list, scope)]}, what="The substitution")
        if not absent or not substitute or absent == substitute:
            raise InvalidDataError("/substitute", "Somebody else has to be named who stands in")
        if since.tzinfo is None or until.tzinfo is None:
            raise InvalidDataError("/since", "A moment must have a time zone")
        if until <= since:
            raise InvalidDataError("/until", "It ends before it begins")
        substitution = Substitution(
            id=self._engine.new_id(),
            absent=absent,
            substitute=substitute,
            since=since,
            until=until,
            definitions=scope[0],
            groups=scope[1],
            tenant_id=tenant_id if actor is None else actor.tenant_id,
            created_at=self._engine.clock.now(),
            created_by=user_id if actor is None else actor.user_id,
        )
        await self._save(substitution)
        return substitution

    async def end(self, substitution_id: UUID, *, actor: Actor | None = None) -> Substitution:
        """End a substitution now, or before it begins; one that is over stays as it is.

        Raises:
            SubstitutionNotFoundError: If there is none, or none that concerns the actor.
            NotPermittedError: If it is not theirs: whoever stands in cannot end it.
        """
        async with self._engine.storage.unit_of_work() as unit:
            known = await unit.substitutions.get(substitution_id)
        if actor is not None:
            if not _concerns(actor, known):
                raise SubstitutionNotFoundError(known.id)
            _check_own(actor, known.absent)
        ended = evolve(known, until=min(known.until, max(self._engine.clock.now(), known.since)))
        await self._save(ended)
        return ended

    async def find(
        self,
        *,
        absent: str | None = None,
        substitute: str | None = None,
        at: datetime | None = None,
        tenant_id: str | None = None,
        actor: Actor | None = None,
    ) -> Sequence[Substitution]:
        """Return substitutions: of somebody, in which somebody stands in, or that hold at a moment.

        An actor sees those that concern them.
        """
        tenant = tenant_id if actor is None else actor.tenant_id
        query = SubstitutionQuery(absent=absent, substitute=substitute, at=at, tenant_id=tenant)
        async with self._engine.storage.unit_of_work() as unit:
            found = await unit.substitutions.find(query)
        return [each for each in found if actor is None or _concerns(actor, each)]

    async def _save(self, substitution: Substitution) -> None:
        async with self._engine.storage.unit_of_work() as unit:
            await unit.substitutions.save(substitution)
            await unit.commit()


def _concerns(actor: Actor, substitution: Substitution) -> bool:
    persons = {substitution.absent, substitution.substitute}
    return actor.tenant_id == substitution.tenant_id and actor.user_id in persons


def _check_own(actor: Actor, absent: str) -> None:
    if actor.user_id != absent:
        raise NotPermittedError(
            "name a substitute", f"Only {absent} can do that, or the application for them."
        )
