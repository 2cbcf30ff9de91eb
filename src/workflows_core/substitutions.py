"""Who stands in for whom: noting it, ending it, looking it up."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import evolve

from workflows_core.actors import Substitution
from workflows_core.data import to_object
from workflows_core.errors import InvalidDataError, NotPermittedError, SubstitutionNotFoundError
from workflows_core.oversight import stored_policies
from workflows_core.permissions import may_name_substitute
from workflows_core.ports import SubstitutionQuery

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from workflows_core.actors import Actor
    from workflows_core.engine import ExecutionEngine
    from workflows_core.policies import Policies
    from workflows_core.ports import DefinitionKey


class Substitutions:
    """The substitutions that an engine goes by.

    People note and end their own; for others those do who may give their tasks to somebody else, and the application,
    which is not asked whether it may. See `permissions.may_name_substitute`.
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
        substitution_id: UUID | None = None,
    ) -> Substitution:
        """Note that somebody is out of office, and who stands in.

        Args:
            absent: Who is out of office.
            substitute: Who stands in. Their own substitute does not stand in for the first.
            since: From when on, with a time zone.
            until: Until when, with a time zone.
            definitions: For the tasks of these workflows alone; for all, if there are none.
            groups: The groups of the absent whose tasks it is for; all of the actor's own, if they ask for themself and
                name none.
            actor: Who asks.
            user_id: Who it is, where there is no actor.
            tenant_id: The tenant of the two, where there is no actor.
            substitution_id: Names it. The same id again changes nothing and returns the first one.

        Raises:
            NotPermittedError: If the actor asks for somebody else, and may not.
            InvalidDataError: If it ends before it begins, a time has no zone, somebody would stand in for themself, or
                names a group that they are not in.
        """
        scope = (tuple(definitions), tuple(groups))
        if actor is not None:
            await self._check(actor, absent, scope[0])
            if actor.user_id == absent:
                scope = (scope[0], _own_groups(actor, scope[1]))
        to_object({"names": [absent, substitute], "scope": [*map(list, scope)]}, what="The substitution")
        if not absent or not substitute or absent == substitute:
            raise InvalidDataError("/substitute", "Somebody else has to be named who stands in")
        if since.tzinfo is None or until.tzinfo is None:
            raise InvalidDataError("/since", "A moment must have a time zone")
        if until <= since:
            raise InvalidDataError("/until", "It ends before it begins")
        if substitution_id is not None:
            with suppress(SubstitutionNotFoundError):
                return await self._get(substitution_id)
        substitution = Substitution(
            id=substitution_id or self._engine.new_id(),
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
            SubstitutionNotFoundError: If there is none, or none that the actor may see.
            NotPermittedError: If it is not theirs to end: whoever stands in cannot do that.
        """
        known = await self._get(substitution_id)
        if actor is not None:
            if not self._sees(actor, known, await self._policies()):
                raise SubstitutionNotFoundError(known.id)
            await self._check(actor, known.absent, known.definitions)
        ended = evolve(known, until=min(known.until, max(self._engine.clock.now(), known.since)))
        await self._save(ended)
        return ended

    async def find(
        self,
        *,
        absent: str | None = None,
        substitute: str | None = None,
        at: datetime | None = None,
        not_over_at: datetime | None = None,
        tenant_id: str | None = None,
        actor: Actor | None = None,
    ) -> Sequence[Substitution]:
        """Return substitutions: of somebody, in which somebody stands in, that hold at a moment, or at it or later on.

        An actor sees those that concern them, and those that they could end.
        """
        query = SubstitutionQuery(
            absent=absent,
            substitute=substitute,
            at=at,
            not_over_at=not_over_at,
            tenant_id=tenant_id if actor is None else actor.tenant_id,
        )
        async with self._engine.storage.unit_of_work() as unit:
            found = await unit.substitutions.find(query)
        if actor is None or not found:
            return found
        policies = await self._policies()
        return [each for each in found if self._sees(actor, each, policies)]

    async def _get(self, substitution_id: UUID) -> Substitution:
        async with self._engine.storage.unit_of_work() as unit:
            return await unit.substitutions.get(substitution_id)

    async def _policies(self) -> Mapping[DefinitionKey, Policies | None]:
        """Return those of all definitions: what no instance was started with yet, too."""
        registry = self._engine.registry
        known = {key: registry.get_definition(*key).policies for key in registry.list_keys()}
        return {**known, **await stored_policies(self._engine.storage)}

    async def _check(self, actor: Actor, absent: str, definitions: Collection[str]) -> None:
        decision = may_name_substitute(actor, absent, definitions, await self._policies())
        if not decision.allowed:
            raise NotPermittedError("name a substitute", decision.reason)

    @staticmethod
    def _sees(
        actor: Actor, substitution: Substitution, policies: Mapping[DefinitionKey, Policies | None]
    ) -> bool:
        if actor.tenant_id != substitution.tenant_id:
            return False
        persons = {substitution.absent, substitution.substitute}
        own = actor.user_id in persons
        return own or bool(
            may_name_substitute(actor, substitution.absent, substitution.definitions, policies)
        )

    async def _save(self, substitution: Substitution) -> None:
        async with self._engine.storage.unit_of_work() as unit:
            await unit.substitutions.save(substitution)
            await unit.commit()


def _own_groups(actor: Actor, named: Collection[str]) -> tuple[str, ...]:
    """Return the groups that somebody names of their own; all, if they name none."""
    others = {*named} - actor.groups
    if others:
        raise InvalidDataError("/groups", f"You are not in the group {min(others)!r}: leave it out")
    return tuple(sorted(named or actor.groups))
