"""Looking at instances: one, many, or everything that happened to one; to an actor, what they may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from workflows_core.definitions import WorkflowDefinition
from workflows_core.errors import (
    DefinitionNotFoundError,
    InstanceNotFoundError,
    NotSearchableError,
)
from workflows_core.explanation import explain_instance
from workflows_core.history import Record
from workflows_core.oversight import stored_policies
from workflows_core.paging import Page
from workflows_core.permissions import Action, may, policies_of
from workflows_core.ports import SubstitutionQuery, place_of_instance
from workflows_core.specification import definition_from
from workflows_core.visibility import visibility

if TYPE_CHECKING:
    from uuid import UUID

    from workflows_core.actors import Actor
    from workflows_core.explanation import InstanceExplanation
    from workflows_core.instance import Instance
    from workflows_core.ports import (
        Clock,
        InstanceQuery,
        InstanceSummary,
        Storage,
        UnitOfWork,
    )
    from workflows_core.registry import WorkflowRegistry
    from workflows_core.transition import HistoryEntry
    from workflows_core.visibility import Visibility


class InstanceReader:
    """Looks at the instances in a storage, and never changes any.

    Attributes:
        registry: The definitions it knows.
        storage: Where the instances live.
        clock: The time.
    """

    def __init__(self, registry: WorkflowRegistry, storage: Storage, clock: Clock) -> None:
        self.registry = registry
        self.storage = storage
        self.clock = clock

    async def get_instance(self, instance_id: UUID, *, actor: Actor | None = None) -> Instance:
        """Return an instance as of its last transition.

        Raises:
            InstanceNotFoundError: If there is none, or none that the actor may see.
        """
        async with self.storage.unit_of_work() as unit:
            instance = await unit.instances.get(instance_id)
        await self._check_visible(instance, actor)
        return instance

    async def find_instances(
        self, query: InstanceQuery, *, actor: Actor | None = None
    ) -> Sequence[InstanceSummary]:
        """Return the instances the query asks for, in its order; to an actor, those that they may see.

        Raises:
            NotSearchableError: If it asks for data at paths that no definition declares, or not the one it asks for.
        """
        query = await self._scoped_query(query, actor)
        async with self.storage.unit_of_work() as unit:
            return await unit.instances.find(query)

    async def page_instances(
        self, query: InstanceQuery, *, actor: Actor | None = None
    ) -> Page[InstanceSummary]:
        """Return the instances the query asks for, at most `limit`, and where the next page begins; see `find_instances`."""
        if query.limit is None:
            return Page(tuple(await self.find_instances(query, actor=actor)), None)
        found = await self.find_instances(evolve(query, limit=query.limit + 1), actor=actor)
        items = tuple(found[: query.limit])
        return Page(items, place_of_instance(items[-1], query.order) if len(found) > query.limit else None)

    async def count_instances(self, query: InstanceQuery, *, actor: Actor | None = None) -> int:
        """Return how many instances the query asks for, whatever its page; see `find_instances`."""
        query = await self._scoped_query(query, actor)
        async with self.storage.unit_of_work() as unit:
            return await unit.instances.count(query)

    async def _scoped_query(self, query: InstanceQuery, actor: Actor | None) -> InstanceQuery:
        """Refuse a query that nothing could answer, and keep it to what an actor may see."""
        if query.data:
            searchable = self.registry.searchable(query.definition_name)
            unknown = [path for path in query.data if path not in searchable]
            if unknown:
                raise NotSearchableError(unknown, searchable)
        return query if actor is None else evolve(query, visible_to=await self.visibility(actor))

    async def explain_instance(self, instance_id: UUID, *, actor: Actor | None = None) -> InstanceExplanation:
        """Explain what an instance waits for, since when and until when, and who can act.

        Raises:
            InstanceNotFoundError: If there is none, or none that the actor may see.
        """
        instance = await self.get_instance(instance_id, actor=actor)
        registered = self.registry.find_definition(instance.definition_name, instance.definition_version)
        try:
            definition = registered or await self.get_definition(instance)
        except DefinitionNotFoundError:
            definition = None
        return explain_instance(instance, definition, self.clock.now(), is_known=registered is not None)

    async def get_history(self, instance_id: UUID, *, actor: Actor | None = None) -> Sequence[HistoryEntry]:
        """Return everything that happened to an instance, oldest first.

        Raises:
            InstanceNotFoundError: If there is none, or none that the actor may see.
        """
        if actor is not None:
            await self.get_instance(instance_id, actor=actor)
        async with self.storage.unit_of_work() as unit:
            entries = await unit.history.get(instance_id)
        if not entries:
            raise InstanceNotFoundError(instance_id)
        return entries

    async def get_record(self, instance_id: UUID, *, actor: Actor | None = None) -> Record:
        """Return an instance together with its history, both as of the same moment.

        Raises:
            InstanceNotFoundError: If there is none, or none that the actor may see.
        """
        async with self.storage.unit_of_work() as unit:
            instance = await unit.instances.get(instance_id)
            entries = await unit.history.get(instance_id)
        await self._check_visible(instance, actor)
        known = [entry for entry in entries if entry.revision <= instance.revision]
        return Record(instance, tuple(known))

    # The definitions of instances

    async def get_definition(self, instance: Instance) -> WorkflowDefinition:
        """Return the definition an instance is pinned to; where its code is not registered here, as it was stored.

        Raises:
            DefinitionNotFoundError: If it is not stored either.
        """
        name, version = instance.definition_name, instance.definition_version
        registered = self.registry.find_definition(name, version)
        if registered is not None:
            return registered
        async with self.storage.unit_of_work() as unit:
            stored = await unit.definitions.find(name)
        for each in stored:
            if each.version == version:
                return definition_from(each.specification)
        raise DefinitionNotFoundError(name, version, known=[each.version for each in stored])

    def definition_of(self, instance: Instance) -> WorkflowDefinition:
        """Return the definition that an instance runs here.

        Raises:
            DefinitionNotFoundError: If it is not registered here.
        """
        return self.registry.get_definition(instance.definition_name, instance.definition_version)

    # Who asks

    async def known(self, actor: Actor) -> Actor:
        """Return an actor with all for whom they stand in at this moment."""
        async with self.storage.unit_of_work() as unit:
            return await self.known_in(unit, actor)

    async def known_in(self, unit: UnitOfWork, actor: Actor) -> Actor:
        """Return an actor with all for whom they stand in at this moment, as a unit of work sees it."""
        if actor.user_id is None:
            return actor.standing_in(())
        query = SubstitutionQuery(substitute=actor.user_id, at=self.clock.now(), tenant_id=actor.tenant_id)
        return actor.standing_in(await unit.substitutions.find(query))

    async def visibility(self, actor: Actor) -> Visibility:
        """Return what an actor may see at this moment, for queries."""
        policies = await stored_policies(self.storage) if actor.roles else {}
        return visibility(await self.known(actor), policies)

    async def _check_visible(self, instance: Instance, actor: Actor | None) -> None:
        if actor is None:
            return
        policies = policies_of(await self.get_definition(instance))
        if not may(await self.known(actor), Action.VIEW, None, instance, policies):
            raise InstanceNotFoundError(instance.id)
